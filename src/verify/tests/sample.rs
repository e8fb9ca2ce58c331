//! Bundles made up by chance, and changed by chance.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::cause::Cause;
use domain::evidence::bundle::{
    self, Before, CHECKPOINTS, FORMAT, How, Line, MANIFEST, MANIFEST_NOTE, Manifest, Part, Selection, Span, Wrong,
};
use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::head::{Head, Stretch};
use domain::evidence::note::{Note, PublicKey};
use domain::evidence::tree::Frontier;
use domain::log::{Hash, Record};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::verify::Trust;

const ORIGIN: &str = "watchkeeper/123456789012/eu-central-1/oncall";

/// Chance that comes out the same for the same seed (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, or 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// A folder that is gone when the test is over.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("watchkeeper-verify-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    /// Holds these files and no others.
    pub(super) fn hold(&self, files: &BTreeMap<String, Vec<u8>>) {
        std::fs::remove_dir_all(&self.path).unwrap();
        std::fs::create_dir_all(&self.path).unwrap();
        for (name, bytes) in files {
            let path = self.path.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Somebody who signs.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    pub(super) key: PublicKey,
}

impl Signer {
    pub(super) fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap();
        let header = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let header = (0..header.len()).step_by(2).map(|at| u8::from_str_radix(&header[at..at + 2], 16).unwrap());
        let der: Vec<u8> = header.chain(pair.public_key().as_ref().iter().copied()).collect();
        let key = PublicKey::from_der(&der).unwrap();
        Self { pair, key }
    }

    pub(super) fn sign(&self, text: &str) -> Note {
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        Note::new(text, ORIGIN, &self.key, signature.as_ref())
    }

    /// A reader who has this key.
    pub(super) fn trusted(&self) -> Trust {
        Trust { keys: vec![self.key.clone()], fingerprints: Vec::new() }
    }

    /// A reader who knows its fingerprint.
    pub(super) fn named(&self) -> Trust {
        Trust { keys: Vec::new(), fingerprints: vec![self.key.fingerprint()] }
    }
}

/// A record of a sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sealed {
    pub(super) stream: String,
    pub(super) seq: u64,
    pub(super) body: String,
}

/// What a bundle is written of.
#[derive(Clone)]
pub(super) struct Sample {
    before: Frontier,
    first: Option<Checkpoint>,
    /// The checkpoints; their heads in one row, as many to each as its size says.
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) heads: Vec<String>,
    /// The records of each part.
    pub(super) parts: Vec<Vec<Sealed>>,
    pub(super) withheld: Vec<String>,
}

/// What was done to the records, and where that shows.
#[derive(Debug)]
pub(super) struct Change {
    /// Which of the ways it was.
    pub(super) how: &'static str,
    /// Where in its file, from 1.
    pub(super) line: u64,
    /// The record that was changed, and what it may be named by.
    pub(super) record: Sealed,
}

/// The record after `last` in `stream`.
fn record(stream: &str, seq: u64, prev: &Hash, note: &str) -> String {
    let (at, cause) = (Timestamp::UNIX_EPOCH, Cause::own(format!("cause {seq}")));
    Record::new(stream.to_owned(), seq, prev.clone(), &cause, vec![note.to_owned()], at).seal().body
}

impl Sample {
    /// A log of some streams over some checkpoints, of which a bundle has the last few.
    pub(super) fn new(chance: &mut Chance) -> Self {
        let names = ["access#2026-11-21#a", "changes#checkout", "incident#01", "incident#02", "policy", "say \"so\""];
        let mut streams: BTreeMap<&str, (u64, Hash)> = BTreeMap::new();
        let (mut tree, mut made) = (Frontier::default(), Vec::<Checkpoint>::new());
        let (all, skipped) = (1 + chance.below(4), chance.below(3));
        let mut sample = Self::nothing();
        let mut records: BTreeMap<&str, Vec<Sealed>> = BTreeMap::new();
        for round in 0..all + skipped {
            if round == skipped {
                (sample.before, sample.first) = (tree.clone(), made.last().cloned());
            }
            let mut heads = Vec::new();
            for name in names {
                if chance.below(3) == 0 && round + 1 < all + skipped {
                    continue;
                }
                let (from, mut prev) = streams.get(name).cloned().unwrap_or_default();
                let mut stretch = Stretch::new(from);
                for seq in from..from + 1 + chance.below(5) as u64 {
                    let body = record(name, seq, &prev, &format!("{}", chance.next()));
                    prev = Hash::of(body.as_bytes());
                    stretch.push(&prev);
                    if round >= skipped {
                        records.entry(name).or_default().push(Sealed { stream: name.to_owned(), seq, body });
                    }
                }
                streams.insert(name, (stretch.next(), prev));
                heads.push(stretch.head(name));
            }
            let at = Timestamp::from_second(3600 * i64::try_from(made.len()).unwrap()).unwrap();
            made.push(Checkpoint::after(made.last(), ORIGIN, &mut tree, &heads, at));
            if round >= skipped {
                sample.heads.extend(heads.iter().map(Head::leaf));
            }
        }
        sample.checkpoints = made.split_off(skipped);
        sample.parts = vec![Vec::new()];
        for stream in records.into_values() {
            if sample.parts[sample.parts.len() - 1].len() > 8 {
                sample.parts.push(Vec::new());
            }
            sample.parts.last_mut().unwrap().extend(stream);
        }
        sample
    }

    /// A log of which nothing was signed yet.
    pub(super) fn nothing() -> Self {
        Self {
            before: Frontier::default(),
            first: None,
            checkpoints: Vec::new(),
            heads: Vec::new(),
            parts: vec![Vec::new()],
            withheld: Vec::new(),
        }
    }

    /// Hours in which nothing happened, after some in which something did.
    pub(super) fn empty_checkpoints() -> Self {
        let whole = Self::new(&mut Chance(1));
        let first = whole.checkpoints.last().unwrap();
        let mut before = whole.before.clone();
        for head in &whole.heads {
            before.push(domain::evidence::tree::leaf(head.as_bytes()));
        }
        let mut tree = before.clone();
        let next = Checkpoint::after(Some(first), ORIGIN, &mut tree, &[], first.at);
        let after = Checkpoint::after(Some(&next), ORIGIN, &mut tree, &[], next.at);
        Self { before, first: Some(first.clone()), checkpoints: vec![next, after], ..Self::nothing() }
    }

    /// A log with all of its checkpoints.
    pub(super) fn from_the_beginning(chance: &mut Chance) -> Self {
        std::iter::repeat_with(|| Self::new(chance)).find(|sample| sample.first.is_none()).unwrap()
    }

    /// The files of its archive, with records after the last checkpoint.
    pub(super) fn archive(&self, signer: &Signer, chance: &mut Chance, waiting: u64) -> BTreeMap<String, Vec<u8>> {
        let (mut files, mut tree, mut heads) = (BTreeMap::new(), Frontier::default(), self.heads.iter());
        for checkpoint in &self.checkpoints {
            let before = tree.clone();
            let heads: Vec<Head> = heads
                .by_ref()
                .take(usize::try_from(checkpoint.size - before.size).unwrap())
                .map(|head| serde_json::from_str(head).unwrap())
                .collect();
            for head in &heads {
                tree.push(head.node());
            }
            let kept = Kept { note: signer.sign(&checkpoint.text()), before, heads, archived: Vec::new() };
            let path = format!("checkpoints/{:010}.json.zst", checkpoint.number);
            files.insert(path, zstd::encode_all(to_string(&kept).as_bytes(), 1).unwrap());
        }
        let mut bodies: Vec<String> = self.parts.iter().flatten().map(|record| record.body.clone()).collect();
        bodies.extend((0..waiting).map(|seq| record("gaps", seq, &Hash::zero(), "late")));
        let object = |number: usize, bodies: &[String]| {
            let path = format!("archive/2026/11/21/{:02}/{number:05}-{number:05}.jsonl.zst", number / 60);
            (path, packed(bodies))
        };
        let chunk = 1 + chance.below(7);
        files.extend(bodies.chunks(chunk).enumerate().map(|(number, bodies)| object(number, bodies)));
        let twice = chance.below(bodies.len());
        files.extend([object(300, &bodies[twice..bodies.len().min(twice + chunk)])]);
        files
    }

    /// How many records it has.
    pub(super) fn count(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// The files of its bundle, all signed by `signer`.
    pub(super) fn files(&self, signer: &Signer) -> BTreeMap<String, Vec<u8>> {
        let after = self.first.as_ref().map_or(0, |first| first.number);
        let note = self.first.as_ref().map(|first| signer.sign(&first.text()));
        let mut lines = vec![to_string(&Before { before: self.before.clone(), number: after, note })];
        for checkpoint in &self.checkpoints {
            lines.push(to_string(&Line { number: checkpoint.number, note: signer.sign(&checkpoint.text()) }));
        }
        let mut files = BTreeMap::from([
            (CHECKPOINTS.to_owned(), joined(&lines)),
            (bundle::key(&signer.key.name()), signer.key.pem().into_bytes()),
            ("incidents.csv".to_owned(), b"id,title\n1,Disk full\n".to_vec()),
        ]);
        for (number, heads) in (1..).zip(self.heads.chunks(7)) {
            files.insert(bundle::heads(number), packed(heads));
        }
        for (number, part) in (1..).zip(&self.parts) {
            let bodies: Vec<String> = part.iter().map(|record| record.body.clone()).collect();
            files.insert(bundle::records(number), packed(&bodies));
        }
        let part = |(path, bytes): (&String, &Vec<u8>)| Part {
            path: path.clone(),
            sha256: Hash::of(bytes),
            bytes: bytes.len() as u64,
        };
        let streams: std::collections::BTreeSet<_> = self.parts.iter().flatten().map(|record| &record.stream).collect();
        let (from, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(86400).unwrap());
        let selection = Selection { origin: ORIGIN.to_owned(), from, until, classes: Vec::new() };
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            id: selection.id(),
            selection,
            checkpoints: Span::new(after, after + self.checkpoints.len() as u64),
            streams: streams.len() as u64,
            records: self.count(),
            withheld: self.withheld.clone(),
            parts: files.iter().map(part).collect(),
        };
        files.insert(MANIFEST.to_owned(), manifest.file().into_bytes());
        files.insert(MANIFEST_NOTE.to_owned(), signer.sign(&manifest.text()).as_str().as_bytes().to_vec());
        files
    }

    /// Leaves out the records of a stream, and says of which.
    pub(super) fn withhold(&mut self) -> Option<String> {
        let stream = self.parts.iter().flatten().nth(1)?.stream.clone();
        for part in &mut self.parts {
            part.retain(|record| record.stream != stream);
        }
        self.withheld = vec![stream.clone()];
        Some(stream)
    }

    /// Changes the records in one of the ways that somebody may who wants something forgotten.
    pub(super) fn change_records(&mut self, chance: &mut Chance) -> Option<Change> {
        let part = chance.below(self.parts.len());
        let records = &mut self.parts[part];
        let before = records.clone();
        let at = chance.below(records.len());
        let changed = records.get(at)?.clone();
        let how = match chance.below(8) {
            0 => {
                let mut bytes = changed.body.clone().into_bytes();
                let place = chance.below(bytes.len());
                bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
                records[at].body = String::from_utf8(bytes).ok()?;
                "flipped"
            }
            1 => {
                records.remove(at);
                "dropped"
            }
            2 => {
                records.insert(at, changed.clone());
                "repeated"
            }
            3 => {
                let other = chance.below(records.len());
                records.swap(at, other);
                "reordered"
            }
            4 => {
                records.truncate(at);
                "truncated"
            }
            5 => {
                rechain(records, at, Some("another story"));
                "rewritten"
            }
            6 => {
                let (stream, seq) = (changed.stream.clone(), changed.seq + 1);
                records.insert(at + 1, Sealed { stream, seq, body: String::new() });
                rechain(records, at + 1, Some("inserted"));
                "inserted"
            }
            _ => {
                let other = chance.pick(&before).stream.clone();
                let swapped = |stream: &str| match stream {
                    _ if stream == changed.stream => other.clone(),
                    _ if stream == other => changed.stream.clone(),
                    _ => stream.to_owned(),
                };
                for record in records.iter_mut() {
                    let (from, to) = (to_string(&record.stream), to_string(&swapped(&record.stream)));
                    record.body = record.body.replace(&format!("\"stream\":{from}"), &format!("\"stream\":{to}"));
                }
                "swapped with another stream"
            }
        };
        (*records != before).then_some(Change { how, line: at as u64 + 1, record: changed })
    }

    /// Changes heads or checkpoints, and says in which files.
    pub(super) fn change_trail(&mut self, chance: &mut Chance) -> Option<&'static str> {
        let (heads, checkpoints) = (self.heads.clone(), self.checkpoints.clone());
        let at = chance.below(self.heads.len());
        let (place, other) = (chance.below(checkpoints.len()), chance.below(heads.len()));
        let file = match chance.below(8) {
            0 => {
                let mut head: Head = serde_json::from_str(&heads[at]).ok()?;
                match chance.below(5) {
                    0 => head.from += 1,
                    1 => head.size += 1,
                    2 => head.stream.push('x'),
                    3 => head.head = Hash::of(b"another"),
                    _ => head.records = Hash::of(b"another"),
                }
                self.heads[at] = head.leaf();
                "heads-"
            }
            1 => {
                self.heads.remove(at);
                if self.heads.is_empty() { CHECKPOINTS } else { "heads-" }
            }
            2 => {
                self.heads.insert(at, heads[at].clone());
                "heads-"
            }
            3 => {
                self.heads.swap(at, other);
                "heads-"
            }
            4 => {
                self.checkpoints.remove(place);
                return Some(if place + 1 == checkpoints.len() { "heads-" } else { CHECKPOINTS });
            }
            5 => {
                self.checkpoints.insert(place, checkpoints[place].clone());
                CHECKPOINTS
            }
            6 => {
                self.checkpoints[place].number += 1;
                CHECKPOINTS
            }
            _ => {
                self.checkpoints[place].previous = Hash::of(b"another");
                CHECKPOINTS
            }
        };
        (self.heads != heads || self.checkpoints != checkpoints).then_some(file)
    }
}

/// Chains the records of the stream of record `at` anew from there on, the first with another text.
fn rechain(records: &mut [Sealed], at: usize, text: Option<&str>) {
    let stream = records[at].stream.clone();
    let mut prev = match at.checked_sub(1).map(|before| &records[before]).filter(|before| before.stream == stream) {
        Some(before) => Hash::of(before.body.as_bytes()),
        None => Hash::zero(),
    };
    let first = records[at].seq;
    let rest = records[at..].iter_mut().take_while(|next| next.stream == stream);
    for (seq, next) in (first..).zip(rest) {
        next.seq = seq;
        next.body = record(&stream, seq, &prev, text.unwrap_or_default());
        prev = Hash::of(next.body.as_bytes());
    }
}

impl Change {
    /// Whether what is said to be wrong is this.
    pub(super) fn is_named_by(&self, wrong: &Wrong) -> bool {
        let place = &wrong.place;
        let Sealed { stream, seq, .. } = &self.record;
        let in_stream = place.stream.as_ref() == Some(stream);
        let missing = || match wrong.how {
            How::RecordMisplaced { expected } => in_stream && expected == *seq,
            How::RecordMissing => in_stream && place.seq == Some(*seq),
            How::StreamMissing => in_stream,
            _ => false,
        };
        match self.how {
            "flipped" => place.line == Some(self.line),
            "dropped" | "truncated" => missing(),
            "repeated" => in_stream && place.line == Some(self.line + 1),
            // What is chained anew is first contradicted where the next head was signed.
            "rewritten" | "inserted" => in_stream && place.seq.is_some_and(|named| named >= *seq),
            _ => place.file.starts_with("records-") && place.stream.is_some(),
        }
    }
}

fn to_string(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn joined(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

fn packed(lines: &[String]) -> Vec<u8> {
    zstd::encode_all(&joined(lines)[..], 1).unwrap()
}
