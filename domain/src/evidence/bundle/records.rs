//! The records against the heads: a line each, in one pass, holding nothing but the place.

use std::borrow::Cow;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::trail::Leaf;
use super::wrong::{How, Place, Wrong};
use crate::evidence::tree::{self, Frontier, Node};

/// What the checkpoints cover: the heads by stream, and in order for each.
#[derive(Debug)]
pub struct Covered {
    leaves: Vec<Leaf>,
}

/// The heads that a file of records reaches over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    first: usize,
    end: usize,
}

/// A file of records on the way of being verified.
#[derive(Debug)]
pub struct Records<'c> {
    covered: &'c Covered,
    file: &'c str,
    line: u64,
    /// The first head that it has records of.
    first: usize,
    /// The head that the next record belongs to; past the last one when all are done.
    at: usize,
    /// The number of the next record.
    next: u64,
    /// The hash of the last record of the stream, where it is known.
    last: Option<Node>,
    /// The tree over the records of the head so far.
    tree: Frontier,
    /// The line of the last record, if it names another one before it: which of the two was changed, the next one says.
    doubtful: Option<u64>,
}

/// A record as far as its chain needs it: its place, and the hashes that link it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'r> {
    /// The stream.
    pub stream: Cow<'r, str>,
    /// The place in it.
    pub seq: u64,
    /// The hash of the record before, as this one has it.
    pub prev: Node,
    /// Its own.
    pub hash: Node,
}

impl<'r> Link<'r> {
    /// Reads it from a record's bytes, or says why they are none. What else the record says is hashed alone.
    pub fn read(body: &'r [u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Frame<'r> {
            #[serde(borrow)]
            stream: Cow<'r, str>,
            seq: u64,
            prev: &'r str,
        }
        let Frame { stream, seq, prev } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let prev = bytes(prev).ok_or("`prev` is no hash")?;
        Ok(Self { stream, seq, prev, hash: Sha256::digest(body).into() })
    }
}

impl Covered {
    pub(super) fn new(leaves: Vec<Leaf>) -> Self {
        Self { leaves }
    }

    /// The streams, sorted.
    pub fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        self.leaves.chunk_by(|a, b| a.stream == b.stream).map(|heads| Stream {
            name: &heads[0].stream,
            from: heads[0].from,
            size: heads[heads.len() - 1].size,
        })
    }

    /// How many records there must be.
    pub fn records(&self) -> u64 {
        self.leaves.iter().map(|leaf| leaf.size - leaf.from).sum()
    }

    /// Whether the files, in order and each with what it reaches over, have all records between them and none twice.
    pub fn complete<'f>(&self, files: impl IntoIterator<Item = (&'f str, Option<Reach>)>) -> Result<(), Wrong> {
        let (mut next, mut last) = (0, "");
        for (file, reach) in files {
            last = file;
            let Some(Reach { first, end }) = reach else { continue };
            let wrong = |leaf: usize, how| Place::file(file).of(&self.leaves[leaf].stream, None).wrong(how);
            if first > next {
                return Err(wrong(next, How::StreamMissing));
            }
            if first < next {
                return Err(wrong(first, How::StreamMisplaced));
            }
            next = end;
        }
        match self.leaves.get(next) {
            Some(leaf) => Err(Place::file(last).of(&leaf.stream, None).by(leaf.checkpoint).wrong(How::StreamMissing)),
            None => Ok(()),
        }
    }

    /// How many records of `stream` are covered in all; `None` for a stream that is not covered.
    pub fn size(&self, stream: &str) -> Option<u64> {
        let after = self.leaves.partition_point(|leaf| *leaf.stream <= *stream);
        self.leaves.get(after.checked_sub(1)?).filter(|leaf| *leaf.stream == *stream).map(|leaf| leaf.size)
    }

    fn first_of(&self, stream: &str) -> Option<usize> {
        let at = self.leaves.partition_point(|leaf| *leaf.stream < *stream);
        self.leaves.get(at).filter(|leaf| *leaf.stream == *stream).map(|_| at)
    }
}

/// A stream as far as checkpoints cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream<'c> {
    /// Its name.
    pub name: &'c str,
    /// The first record that is covered newly.
    pub from: u64,
    /// How many records are covered in all.
    pub size: u64,
}

impl<'c> Records<'c> {
    /// The records of `file`, of which nothing came yet.
    pub fn new(covered: &'c Covered, file: &'c str) -> Self {
        Self {
            covered,
            file,
            line: 0,
            first: usize::MAX,
            at: usize::MAX,
            next: 0,
            last: None,
            tree: Frontier::default(),
            doubtful: None,
        }
    }

    /// Takes the next record: a line without its line feed.
    pub fn line(&mut self, body: &[u8]) -> Result<(), Wrong> {
        let link = Link::read(body).map_err(|why| {
            self.line += 1;
            self.malformed(why)
        })?;
        self.take(&link)
    }

    /// Takes the next record as it was read before.
    pub fn take(&mut self, record: &Link<'_>) -> Result<(), Wrong> {
        self.line += 1;
        self.turn_to(record)?;
        let leaf = &self.covered.leaves[self.at];
        let linked = self.last.is_none_or(|last| last == record.prev);
        if let Some(line) = self.doubtful {
            return Err(self.changed(leaf, line, linked));
        }
        if record.seq != self.next {
            let how = How::RecordMisplaced { expected: self.next };
            return Err(self.here(leaf).of(&leaf.stream, Some(record.seq)).wrong(how));
        }
        if !linked && self.next == leaf.from {
            // What is before it was signed as it is.
            return Err(self.here(leaf).of(&leaf.stream, Some(self.next)).wrong(How::RecordUnlinked));
        }
        self.doubtful = (!linked).then_some(self.line);
        self.tree.push(tree::leaf(&record.hash));
        self.last = Some(record.hash);
        self.next += 1;
        if self.next == leaf.size { self.end(leaf) } else { Ok(()) }
    }

    /// Whether it ends where a stream ends; and what it reaches over.
    pub fn finish(self) -> Result<Option<Reach>, Wrong> {
        if self.first == usize::MAX {
            return Ok(None);
        }
        match self.covered.leaves.get(self.at).filter(|leaf| self.begun(leaf)) {
            Some(leaf) => Err(self.cut_off(leaf, self.line + 1)),
            None => Ok(Some(Reach { first: self.first, end: self.at })),
        }
    }

    /// Whether records of the stream of `leaf`, at which it stands, came already.
    fn begun(&self, leaf: &Leaf) -> bool {
        let before = || (self.at > self.first).then(|| &self.covered.leaves[self.at - 1]);
        self.next > leaf.from || before().is_some_and(|before| before.stream == leaf.stream)
    }

    /// What it means that the records of `leaf` go on no further at `line`.
    fn cut_off(&self, leaf: &Leaf, line: u64) -> Wrong {
        if let Some(line) = self.doubtful {
            return self.changed(leaf, line, false);
        }
        let place = Place::line(self.file, line).of(&leaf.stream, Some(self.next)).by(leaf.checkpoint);
        place.wrong(How::RecordMissing)
    }

    /// Finds the head that a record belongs to: that of the one before it, or the first of the next stream.
    fn turn_to(&mut self, record: &Link<'_>) -> Result<(), Wrong> {
        let stream = &*record.stream;
        let misplaced = || Place::line(self.file, self.line).of(stream, Some(record.seq)).wrong(How::StreamMisplaced);
        if self.first == usize::MAX {
            let first = self.covered.first_of(stream).ok_or_else(misplaced)?;
            (self.first, self.at, self.next) = (first, first, self.covered.leaves[first].from);
            self.last = (self.next == 0).then_some([0; 32]);
            return Ok(());
        }
        let ended = (self.at > self.first).then(|| &self.covered.leaves[self.at - 1]);
        let ended = ended.is_some_and(|ended| *ended.stream == *stream);
        let extra = || Place::line(self.file, self.line).of(stream, Some(record.seq)).wrong(How::RecordExtra);
        match self.covered.leaves.get(self.at) {
            Some(leaf) if *leaf.stream == *stream => Ok(()),
            _ if ended => Err(extra()),
            Some(leaf) if *leaf.stream < *stream && self.covered.first_of(stream).is_some() => {
                if self.begun(leaf) {
                    return Err(self.cut_off(leaf, self.line));
                }
                Err(self.here(leaf).of(&leaf.stream, None).wrong(How::StreamMissing))
            }
            _ => Err(misplaced()),
        }
    }

    /// Ends a head: its records must be those that were signed.
    fn end(&mut self, leaf: &Leaf) -> Result<(), Wrong> {
        let signed = self.last == Some(leaf.head);
        if let Some(line) = self.doubtful {
            return Err(self.changed(leaf, line, signed));
        }
        let place = || self.here(leaf).of(&leaf.stream, Some(self.next - 1));
        if !signed {
            return Err(place().wrong(How::Rewritten { from: leaf.from }));
        }
        if self.tree.root().bytes() != leaf.records {
            return Err(place().wrong(How::RecordsDiffer { from: leaf.from }));
        }
        self.tree = Frontier::default();
        self.at += 1;
        match self.covered.leaves.get(self.at) {
            Some(next) if next.stream == leaf.stream => {}
            next => {
                self.next = next.map_or(0, |next| next.from);
                self.last = (self.next == 0).then_some([0; 32]);
            }
        }
        Ok(())
    }

    /// Which of two records was changed, where the later one, at `line`, names another before it than there is: the
    /// earlier, if the later is `vouched` for by what comes after it.
    fn changed(&self, leaf: &Leaf, line: u64, vouched: bool) -> Wrong {
        let back = u64::from(vouched);
        let place = Place::line(self.file, line - back).of(&leaf.stream, Some(self.next - 1 - back));
        place.by(leaf.checkpoint).wrong(How::RecordChanged)
    }

    fn here(&self, leaf: &Leaf) -> Place {
        Place::line(self.file, self.line).by(leaf.checkpoint)
    }

    /// What cannot be read takes the name of what belongs there.
    fn malformed(&self, why: String) -> Wrong {
        let place = Place::line(self.file, self.line);
        let place = match self.covered.leaves.get(self.at) {
            Some(leaf) => place.of(&leaf.stream, Some(self.next)).by(leaf.checkpoint),
            None => place,
        };
        place.wrong(How::Malformed { why })
    }
}

/// The bytes that 64 lower-case hex digits are.
fn bytes(text: &str) -> Option<Node> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
