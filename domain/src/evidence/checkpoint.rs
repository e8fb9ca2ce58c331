//! Checkpoints: the size and root of the tree at an instant, signed, each naming the one before it.
//!
//! The text is that of C2SP's tlog-checkpoint: origin, size and root, then lines of our own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::head::Head;
use super::note::Note;
use super::tree::Frontier;
use crate::log::Hash;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log it is of, such as `watchkeeper/123456789012/eu-central-1/oncall`.
    pub origin: String,
    /// How many leaves the tree has.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
    /// Its place among the checkpoints, from 1.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The hash of the text of the checkpoint before it, or [`Hash::zero`].
    pub previous: Hash,
}

/// What is kept of a checkpoint: all it takes to verify it after the one before, and to prove what it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The checkpoint, signed.
    pub note: Note,
    /// The tree before.
    pub before: Frontier,
    /// The leaves it appends, by stream.
    pub heads: Vec<Head>,
    /// The objects of the archive that hold the records it covers newly.
    pub archived: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { origin, size, root, number, at, previous } = self;
        let root = STANDARD.encode(root.bytes());
        format!("{origin}\n{size}\n{root}\nnumber {number}\nat {at}\nprevious {previous}\n")
    }

    /// Reads it back: `None` for a text that [`Self::text`] does not write.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next()?.to_owned();
        let size = lines.next()?.parse().ok()?;
        let root = Hash::from_bytes(&STANDARD.decode(lines.next()?).ok()?.try_into().ok()?);
        let number = lines.next()?.strip_prefix("number ")?.parse().ok()?;
        let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let previous = Hash::parse(lines.next()?.strip_prefix("previous ")?)?;
        let read = Self { origin, size, root, number, at, previous };
        (read.text() == text).then_some(read)
    }

    /// The checkpoint after `before`, which appends `heads` to the `tree` and leaves the tree after it behind.
    pub fn after(before: Option<&Self>, origin: &str, tree: &mut Frontier, heads: &[Head], at: Timestamp) -> Self {
        for head in heads {
            tree.push(head.node());
        }
        Self {
            origin: origin.to_owned(),
            size: tree.size,
            root: tree.root(),
            number: before.map_or(1, |before| before.number + 1),
            at,
            previous: before.map_or_else(Hash::zero, Self::hash),
        }
    }

    /// The hash of its text, by which the next one names it.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text().as_bytes())
    }
}
