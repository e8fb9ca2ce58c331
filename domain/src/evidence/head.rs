//! Heads: what a checkpoint says of a stream that moved. They are the leaves of the tree.

use serde::{Deserialize, Serialize};

use super::tree::{self, Frontier, Node};
use crate::log::Hash;

/// A stream as far as a checkpoint knows it: a leaf of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The stream.
    pub stream: String,
    /// The first record that the checkpoint covers newly: as many records were covered before.
    pub from: u64,
    /// How many records of the stream are covered by now.
    pub size: u64,
    /// The hash of the last of them.
    pub head: Hash,
    /// The root of a tree of its own over the hashes of the records `from..size`, so that one record can be proven
    /// without showing another.
    pub records: Hash,
}

impl Head {
    /// The leaf: the head as canonical JSON (RFC 8785).
    pub fn leaf(&self) -> String {
        serde_json_canonicalizer::to_string(self).expect("a head is plain JSON")
    }

    /// The leaf as it is hashed.
    pub fn node(&self) -> Node {
        tree::leaf(self.leaf().as_bytes())
    }
}

/// A stretch of records of one stream, gathered one by one.
#[derive(Debug, Clone)]
pub struct Stretch {
    from: u64,
    head: Hash,
    records: Frontier,
}

impl Stretch {
    /// The stretch that begins with record `from`.
    pub fn new(from: u64) -> Self {
        Self { from, head: Hash::zero(), records: Frontier::default() }
    }

    /// Appends the next record by its hash.
    pub fn push(&mut self, hash: &Hash) {
        self.records.push(record(hash));
        self.head.clone_from(hash);
    }

    /// The number of the record that comes next.
    pub fn next(&self) -> u64 {
        self.from + self.records.size
    }

    /// The hash of the record that came last; zeroes before the first.
    pub fn last(&self) -> &Hash {
        &self.head
    }

    /// Its head.
    pub fn head(&self, stream: &str) -> Head {
        Head {
            stream: stream.to_owned(),
            from: self.from,
            size: self.next(),
            head: self.head.clone(),
            records: self.records.root(),
        }
    }
}

/// The leaf that stands for a record: its hash, as 32 bytes.
pub fn record(hash: &Hash) -> Node {
    tree::leaf(&hash.bytes())
}
