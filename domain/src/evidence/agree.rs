//! Whether records are those that a checkpoint vouches for: the last hash of a chain vouches for all before it.

use serde::{Deserialize, Serialize};

use crate::log::Hash;

/// The records of a stream that some checkpoints cover newly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretched {
    /// The stream.
    pub stream: String,
    /// The first record that they cover newly.
    pub from: u64,
    /// How many records of the stream they cover, those before included.
    pub size: u64,
    /// The hash of the last of them.
    pub head: Hash,
    /// The checkpoints that say so, by number.
    pub checkpoints: Vec<u64>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    stream: std::borrow::Cow<'a, str>,
    seq: u64,
    prev: Hash,
}

impl Stretched {
    /// How many records they are.
    pub fn count(&self) -> u64 {
        self.size.saturating_sub(self.from)
    }

    /// Whether `bodies` are exactly these records: each follows the one before, and the last is the one that is signed for.
    pub fn agrees(&self, bodies: &[String]) -> bool {
        let mut last: Option<Hash> = None;
        for (seq, body) in (self.from..).zip(bodies) {
            let Ok(frame) = serde_json::from_str::<Frame<'_>>(body) else { return false };
            let follows = last.as_ref().is_none_or(|last| *last == frame.prev);
            if frame.stream != self.stream || frame.seq != seq || !follows {
                return false;
            }
            last = Some(Hash::of(body.as_bytes()));
        }
        bodies.len() as u64 == self.count() && last.is_none_or(|last| last == self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(count: u64) -> Vec<String> {
        let mut prev = Hash::zero();
        let seal = |seq| {
            let body = format!(r#"{{"cause":"c{seq}","prev":"{prev}","seq":{seq},"stream":"s"}}"#);
            prev = Hash::of(body.as_bytes());
            body
        };
        (0..count).map(seal).collect()
    }

    #[test]
    fn records_agree_whole_and_in_order_or_not_at_all() {
        let all = bodies(5);
        let head = Hash::of(all[4].as_bytes());
        let stretched = Stretched { stream: "s".to_owned(), from: 2, size: 5, head, checkpoints: vec![1] };
        let good = all[2..].to_vec();
        assert!(stretched.agrees(&good));
        let mut flipped = good.clone();
        flipped[0] = flipped[0].replace("c2", "x2");
        let mut swapped = good.clone();
        swapped.swap(0, 1);
        let foreign = good.iter().map(|body| body.replace("\"s\"", "\"t\"")).collect();
        for bad in [flipped, swapped, foreign, good[..2].to_vec(), good[1..].to_vec(), all.clone(), Vec::new()] {
            assert!(!stretched.agrees(&bad), "{bad:?}");
        }
    }
}
