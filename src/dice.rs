//! Strange input for the tests that throw it at parsers: the same in every run, so that what fails once fails again.
//!
//! Plain `cargo test` runs a few of each; `make fuzz` runs a million, or as many as `FUZZ_RUNS` says.

use serde_json::Value;

/// How many of each in plain `cargo test`.
const FEW: u64 = 300;

/// What parsers trip over.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "[[[[",
    "}}}}",
    "\\u0000",
    "\\ud800",
    "1e400",
    "-0",
    "99999999999999999999999999999999999999999",
    "\"9999-12-31T23:59:59Z\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    ",",
    ":",
    "payload=%7B%22",
    "%ff",
    "\"$ALERT_CYCLE_KEY\"",
    "\"253402300800\"",
];

/// Numbers that are the same in every run, so that what fails once fails again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (sides.max(1) as u64)).expect("less than sides")
    }

    /// Fewer than `most` bytes.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.roll(most)).map(|_| u8::try_from(self.roll(256)).expect("a byte")).collect()
    }

    /// `body` with a few things wrong.
    pub(crate) fn mutate(&mut self, mut body: Vec<u8>, other: &[u8]) -> Vec<u8> {
        for _ in 0..=self.roll(4) {
            let place = self.roll(body.len() + 1);
            let end = (place + self.roll(16)).min(body.len());
            match self.roll(6) {
                0 => body.truncate(place),
                1 => drop(body.drain(place..end)),
                2 => drop(body.splice(place..end, WORDS[self.roll(WORDS.len())].bytes())),
                3 => drop(body.splice(place..end, self.bytes(8))),
                4 => {
                    let from = self.roll(other.len() + 1);
                    drop(body.splice(place..place, other[from..(from + self.roll(200)).min(other.len())].to_vec()));
                }
                _ => {
                    if let Some(byte) = body.get_mut(place) {
                        *byte ^= 1 << self.roll(8);
                    }
                }
            }
        }
        body
    }

    /// Puts something strange in the place of some part of `value`, or takes it away.
    pub(crate) fn twist(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && self.roll(8) > 0 => {
                let name = fields.keys().nth(self.roll(fields.len())).expect("a field").clone();
                if self.roll(8) == 0 {
                    fields.remove(&name);
                } else if let Some(field) = fields.get_mut(&name) {
                    self.twist(field);
                }
            }
            Value::Array(items) if !items.is_empty() && self.roll(8) > 0 => {
                let place = self.roll(items.len());
                match self.roll(8) {
                    0 => drop(items.remove(place)),
                    1 => items.push(items[place].clone()),
                    _ => self.twist(&mut items[place]),
                }
            }
            Value::String(text) if self.roll(4) > 0 => {
                let bytes = self.mutate(text.clone().into_bytes(), b"");
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => {
                let word = WORDS[self.roll(WORDS.len())];
                *value = serde_json::from_str(word).unwrap_or_else(|_| word.repeat(self.roll(2000)).into());
            }
        }
    }
}

/// How many of each are run: a few, or as many as `FUZZ_RUNS` says.
pub(crate) fn runs() -> u64 {
    std::env::var("FUZZ_RUNS").ok().map_or(FEW, |runs| runs.parse().expect("FUZZ_RUNS is a number"))
}
