//! The trail: checkpoints, each naming the one before it, and the heads that grow the tree to their roots.
//!
//! Checkpoints and heads come in line by line, the checkpoints ahead of their heads by as much as the caller likes.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::records::Covered;
use super::wrong::{How, Place, Wrong};
use crate::evidence::checkpoint::{Checkpoint, Kept};
use crate::evidence::head::Head;
use crate::evidence::note::{Note, PublicKey};
use crate::evidence::tree::{self, Frontier, Node};
use crate::log::Hash;

/// The first line of the checkpoints: where the tree stood before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The tree.
    pub before: Frontier,
    /// The last checkpoint before, or 0.
    pub number: u64,
    /// That checkpoint, if there is one.
    pub note: Option<Note>,
}

/// A further line: a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub number: u64,
    /// The checkpoint, signed.
    pub note: Note,
}

/// A head as it is held while records are verified: about 150 bytes.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) stream: Box<str>,
    pub(super) from: u64,
    pub(super) size: u64,
    pub(super) head: Node,
    pub(super) records: Node,
    pub(super) checkpoint: u64,
    file: u32,
    line: u64,
}

/// Checkpoints and heads on the way of being verified.
#[derive(Debug)]
pub struct Trail<'k> {
    origin: String,
    keys: &'k [PublicKey],
    tree: Frontier,
    latest: Option<Checkpoint>,
    number: u64,
    /// The checkpoints whose heads are still to come.
    pending: VecDeque<Checkpoint>,
    leaves: Vec<Leaf>,
    files: Vec<String>,
}

impl<'k> Trail<'k> {
    /// The trail of the log `origin` after checkpoint `number`, which [`Before`] says; `keys` vouch for its checkpoints.
    pub fn after(
        number: u64,
        before: Before,
        origin: &str,
        keys: &'k [PublicKey],
        place: &Place,
    ) -> Result<Self, Wrong> {
        let mut trail = Self {
            origin: origin.to_owned(),
            keys,
            tree: before.before,
            latest: None,
            number,
            pending: VecDeque::new(),
            leaves: Vec::new(),
            files: Vec::new(),
        };
        if before.number != number {
            return Err(place.clone().by(before.number).wrong(How::CheckpointMisplaced { expected: number }));
        }
        if !trail.tree.is_whole() {
            let why = "a tree has a node for each bit of its size".to_owned();
            return Err(place.clone().wrong(How::Malformed { why }));
        }
        trail.latest = match (number, before.note) {
            (0, None) if trail.tree.size == 0 => None,
            (1.., Some(note)) => Some(trail.signed(&note, place)?),
            _ => return Err(place.clone().by(number).wrong(How::CheckpointMisplaced { expected: number })),
        };
        match &trail.latest {
            Some(at) if at.number != number => {
                Err(place.clone().by(at.number).wrong(How::CheckpointMisplaced { expected: number }))
            }
            Some(at) if (at.size, &at.root) != (trail.tree.size, &trail.tree.root()) => {
                Err(place.clone().by(number).wrong(How::RootDiffers))
            }
            _ => Ok(trail),
        }
    }

    fn signed(&self, note: &Note, place: &Place) -> Result<Checkpoint, Wrong> {
        let wrong = |how| place.clone().wrong(how);
        let (text, _) = note.verified(&self.origin, self.keys).map_err(|why| wrong(How::Unsigned { why }))?;
        let read = Checkpoint::parse(text);
        let checkpoint = read.ok_or_else(|| wrong(How::Malformed { why: "it is no checkpoint".to_owned() }))?;
        if checkpoint.origin == self.origin {
            return Ok(checkpoint);
        }
        Err(wrong(How::OtherOrigin { found: checkpoint.origin }))
    }

    /// Takes the next checkpoint, and says which it is.
    pub fn checkpoint(&mut self, number: u64, note: &Note, place: &Place) -> Result<&Checkpoint, Wrong> {
        let expected = self.number + 1;
        let wrong = |how| place.clone().by(number).wrong(how);
        let checkpoint = self.signed(note, &place.clone().by(number))?;
        if (number, checkpoint.number) != (expected, expected) {
            return Err(wrong(How::CheckpointMisplaced { expected }));
        }
        let (previous, size, at) = match &self.latest {
            Some(latest) => (latest.hash(), latest.size, latest.at),
            None => (Hash::zero(), 0, checkpoint.at),
        };
        if checkpoint.previous != previous {
            return Err(wrong(How::CheckpointUnlinked));
        }
        if checkpoint.at < at {
            return Err(wrong(How::CheckpointBackdated));
        }
        if checkpoint.size < size {
            return Err(wrong(How::RootDiffers));
        }
        self.number = number;
        self.pending.push_back(checkpoint.clone());
        self.settle(place)?;
        Ok(self.latest.insert(checkpoint))
    }

    /// Takes the next checkpoint with its heads, as they are kept.
    pub fn kept(&mut self, number: u64, kept: &Kept, place: &Place) -> Result<(), Wrong> {
        self.checkpoint(number, &kept.note, place)?;
        for head in &kept.heads {
            self.head(head.leaf().as_bytes(), place)?;
        }
        self.complete(place)
    }

    /// Takes the next head by its leaf: a line of `place`.
    pub fn head(&mut self, leaf: &[u8], place: &Place) -> Result<(), Wrong> {
        let wrong = |how| place.clone().wrong(how);
        let head: Head =
            serde_json::from_slice(leaf).map_err(|error| wrong(How::Malformed { why: error.to_string() }))?;
        let Some(number) = self.pending.front().map(|checkpoint| checkpoint.number) else {
            return Err(place.clone().of(&head.stream, None).wrong(How::HeadExtra));
        };
        let wrong = |how| place.clone().of(&head.stream, None).by(number).wrong(how);
        if self.leaves.last().is_some_and(|last| last.checkpoint == number && *last.stream >= *head.stream) {
            return Err(wrong(How::HeadMisplaced));
        }
        if head.size <= head.from {
            return Err(wrong(How::Malformed { why: "a head covers a record at least".to_owned() }));
        }
        if self.files.last() != Some(&place.file) {
            self.files.push(place.file.clone());
        }
        self.tree.push(tree::leaf(leaf));
        self.leaves.push(Leaf {
            from: head.from,
            size: head.size,
            head: head.head.bytes(),
            records: head.records.bytes(),
            checkpoint: number,
            file: u32::try_from(self.files.len() - 1).expect("fewer files than heads"),
            line: place.line.unwrap_or(0),
            stream: head.stream.into_boxed_str(),
        });
        self.settle(place)
    }

    /// Lets go of the checkpoints whose heads are complete, if they grew the tree to the roots that were signed.
    fn settle(&mut self, place: &Place) -> Result<(), Wrong> {
        while let Some(checkpoint) = self.pending.front().filter(|checkpoint| checkpoint.size == self.tree.size) {
            if checkpoint.root != self.tree.root() {
                return Err(place.clone().by(checkpoint.number).wrong(How::RootDiffers));
            }
            self.pending.pop_front();
        }
        Ok(())
    }

    /// The last checkpoint so far, if there is one.
    pub fn latest(&self) -> Option<&Checkpoint> {
        self.latest.as_ref()
    }

    /// Whether all heads of all checkpoints so far have come; `place` is where they should.
    pub fn complete(&self, place: &Place) -> Result<(), Wrong> {
        let Some(checkpoint) = self.pending.back() else { return Ok(()) };
        let wrong = How::HeadsMissing { said: checkpoint.size, found: self.tree.size };
        Err(place.clone().by(self.pending.front().map_or(0, |first| first.number)).wrong(wrong))
    }

    /// What it covers, without the streams that are `withheld`, which are sorted; each stream's heads must follow each
    /// other, and each stream that is withheld must have one.
    pub fn covered(self, withheld: &[String]) -> Result<Covered, Wrong> {
        let Self { mut leaves, files, number, tree, .. } = self;
        // Heads of a stream are in the order of their checkpoints already, and stay so.
        leaves.sort_by(|a, b| a.stream.cmp(&b.stream));
        let place = |leaf: &Leaf| {
            let place =
                Place { line: Some(leaf.line).filter(|line| *line > 0), ..Place::file(&files[leaf.file as usize]) };
            place.of(&leaf.stream, None).by(leaf.checkpoint)
        };
        for pair in leaves.windows(2) {
            if pair[0].stream == pair[1].stream && pair[1].from != pair[0].size {
                let how = How::HeadUnlinked { from: pair[1].from, expected: pair[0].size };
                return Err(place(&pair[1]).wrong(how));
            }
        }
        let first = |leaf: &usize| *leaf == 0 || leaves[*leaf - 1].stream != leaves[*leaf].stream;
        // Whoever has every checkpoint has every record.
        if tree.size == leaves.len() as u64
            && let Some(late) = (0..leaves.len()).filter(first).find(|leaf| leaves[*leaf].from > 0)
        {
            return Err(place(&leaves[late]).wrong(How::HeadUnlinked { from: leaves[late].from, expected: 0 }));
        }
        let known = |stream: &String| leaves.binary_search_by(|leaf| (*leaf.stream).cmp(stream)).is_ok();
        if let Some(unknown) = withheld.iter().find(|stream| !known(stream)) {
            let why = format!("it withholds {unknown:?}, of which there is no head");
            return Err(Place::file(super::MANIFEST).by(number).wrong(How::Malformed { why }));
        }
        leaves.retain(|leaf| withheld.binary_search_by(|stream| (**stream).cmp(&leaf.stream)).is_err());
        Ok(Covered::new(leaves))
    }
}
