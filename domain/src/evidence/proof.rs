//! Proofs: that one record is in the log, shown to somebody who sees no other.
//!
//! Two paths up two trees: from the record to its head, and from the head to the root that a checkpoint signed. Each
//! has one hash for each doubling of the tree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bundle::{How, Place, Wrong};
use super::checkpoint::{Checkpoint, Kept};
use super::head::{self, Head};
use super::note::{Note, PublicKey};
use super::tree::{self, Window};
use crate::log::Hash;

/// The format, as a proof names it.
pub const FORMAT: &str = "watchkeeper-proof/1";

/// The proof of a record: a file that anybody verifies with the public key alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// [`FORMAT`].
    pub format: String,
    /// The record: its canonical bytes.
    pub record: String,
    /// The path from the record to the root of the records of its head.
    pub path: Vec<Hash>,
    /// The head that covers it.
    pub head: Head,
    /// Which leaf of the tree the head is, from 0.
    pub index: u64,
    /// The path from the head to the root of the tree.
    pub tree: Vec<Hash>,
    /// The checkpoint that signed that root.
    pub checkpoint: Note,
}

/// What a proof proves: that this record was in this log when the checkpoint was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// The log.
    pub origin: String,
    /// The stream.
    pub stream: String,
    /// The record, from 0.
    pub seq: u64,
    /// The checkpoint.
    pub checkpoint: u64,
    /// When that was signed.
    pub at: Timestamp,
    /// The key that signed it, as eight hex digits.
    pub key: String,
    /// The fingerprint of that key.
    pub fingerprint: Hash,
}

#[derive(Deserialize)]
struct Frame {
    stream: String,
    seq: u64,
}

impl Proof {
    /// The proof of record `seq` of `stream` by the checkpoint that covers it; `bodies` are all records of the stream that
    /// it covers newly. `None` if it covers no such record, or these are not its records.
    pub fn of(kept: &Kept, stream: &str, seq: u64, bodies: &[impl AsRef<str>]) -> Option<Self> {
        let at = kept.heads.binary_search_by(|head| head.stream.as_str().cmp(stream)).ok()?;
        let head = &kept.heads[at];
        let wanted =
            seq.checked_sub(head.from).filter(|_| seq < head.size && bodies.len() as u64 == head.size - head.from)?;
        let leaves = bodies.iter().map(|body| head::record(&Hash::of(body.as_ref().as_bytes()))).collect();
        let records = Window { leaves, ..Window::default() };
        let window = Window { before: kept.before.clone(), leaves: kept.heads.iter().map(Head::node).collect() };
        let index = kept.before.size + at as u64;
        let proof = Self {
            format: FORMAT.to_owned(),
            record: bodies.get(usize::try_from(wanted).ok()?)?.as_ref().to_owned(),
            path: records.inclusion(wanted)?,
            head: head.clone(),
            index,
            tree: window.inclusion(index)?,
            checkpoint: kept.note.clone(),
        };
        proof.reaches().is_ok().then_some(proof)
    }

    /// What it proves, if one of `keys` signed its checkpoint; `file` names it in what is wrong.
    pub fn verified(&self, file: &str, keys: &[PublicKey]) -> Result<Proven, Wrong> {
        let wrong = |how| Place::file(file).wrong(how);
        if self.format != FORMAT {
            return Err(wrong(How::Format { found: self.format.clone() }));
        }
        let (checkpoint, frame) = self.reaches().map_err(wrong)?;
        let signed = self.checkpoint.verified(&checkpoint.origin, keys);
        let (_, key) = signed.map_err(|why| wrong(How::Unsigned { why }))?;
        Ok(Proven {
            origin: checkpoint.origin,
            stream: frame.stream,
            seq: frame.seq,
            checkpoint: checkpoint.number,
            at: checkpoint.at,
            key: key.name(),
            fingerprint: key.fingerprint(),
        })
    }

    /// The checkpoint and the record, if the one leads up to the other, whoever signed it.
    fn reaches(&self) -> Result<(Checkpoint, Frame), How> {
        let malformed = |why: &str| How::Malformed { why: why.to_owned() };
        let frame: Frame =
            serde_json::from_str(&self.record).map_err(|error| How::Malformed { why: error.to_string() })?;
        let checkpoint = self.checkpoint.text().and_then(Checkpoint::parse);
        let checkpoint = checkpoint.ok_or_else(|| malformed("its checkpoint is none"))?;
        if frame.stream != self.head.stream || frame.seq < self.head.from || frame.seq >= self.head.size {
            return Err(How::Unproven { what: "the head does not cover the record" });
        }
        let (size, at) = (self.head.size - self.head.from, frame.seq - self.head.from);
        let leaf = Hash::of(self.record.as_bytes()).bytes();
        if !tree::includes(&self.head.records, size, at, &leaf, &self.path) {
            return Err(How::Unproven { what: "the path does not lead from the record to its head" });
        }
        let leaf = self.head.leaf();
        if !tree::includes(&checkpoint.root, checkpoint.size, self.index, leaf.as_bytes(), &self.tree) {
            return Err(How::Unproven { what: "the path does not lead from the head to the signed root" });
        }
        Ok((checkpoint, frame))
    }
}

#[cfg(test)]
mod tests;
