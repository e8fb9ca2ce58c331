//! The append-only Merkle tree of RFC 6962, section 2.1, grown without its leaves, and proofs from a part of it.
//!
//! A tree of any size goes on from its [`Frontier`]: a hash for each bit of its size. So a checkpoint appends to all that
//! was before without reading it. Which nodes a proof needs and how it is verified is ct-merkle's; it keeps whole trees in
//! memory only, so where the nodes come from is ours.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::log::Hash;

/// A node of the tree: a SHA-256.
pub type Node = [u8; 32];

/// The hash of a leaf: of a zero byte and the leaf.
pub fn leaf(bytes: &[u8]) -> Node {
    Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
}

/// The hash of the node above two: of a one byte and both.
fn parent(left: &Node, right: &Node) -> Node {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// All that is needed of a tree to append to it: the roots of its largest complete subtrees, from the left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    /// How many leaves the tree has.
    pub size: u64,
    /// The roots, written as 64 hex digits each, the largest subtree first: one for each bit that is set in `size`.
    #[serde(with = "nodes")]
    pub nodes: Vec<Node>,
}

impl Frontier {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: Node) {
        let mut node = leaf;
        // As many complete subtrees end here as the size has trailing ones; each joins the one before it.
        for _ in 0..self.size.trailing_ones() {
            let left = self.nodes.pop().expect("a subtree for each bit of the size");
            node = parent(&left, &node);
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree; of an empty one it is the hash of nothing.
    pub fn root(&self) -> Hash {
        let joined = self.nodes.iter().rev().copied().reduce(|right, left| parent(&left, &right));
        joined.map_or_else(|| Hash::of(b""), |root| Hash::from_bytes(&root))
    }

    /// Whether it has a node for each bit of its size, and so can be the frontier of some tree.
    pub fn is_whole(&self) -> bool {
        usize::try_from(self.size.count_ones()).is_ok_and(|bits| bits == self.nodes.len())
    }

    /// The root of the complete subtree over the leaves `from..to`, if it is one of the frontier's.
    fn subtree(&self, from: u64, to: u64) -> Option<Node> {
        let mut start = 0;
        let bits = (0..u64::BITS).rev().filter(|bit| self.size >> bit & 1 == 1);
        for (bit, node) in bits.zip(&self.nodes) {
            let end = start + (1 << bit);
            if (start, end) == (from, to) {
                return Some(*node);
            }
            start = end;
        }
        None
    }
}

/// The end of a tree: what was before as its frontier, and the leaves since.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// The tree before.
    pub before: Frontier,
    /// The leaves since, as they are hashed.
    pub leaves: Vec<Node>,
}

impl Window {
    /// How many leaves the whole tree has.
    pub fn size(&self) -> u64 {
        self.before.size + self.leaves.len() as u64
    }

    /// The proof that leaf `index` of the whole tree is in it; `None` for one that is not in this window.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        if index < self.before.size || index >= self.size() {
            return None;
        }
        self.nodes(&ct_merkle::indices_for_inclusion_proof(self.size(), index))
    }

    /// The proof that the whole tree goes on from the tree before; `None` if that was empty, which anything goes on from.
    pub fn consistency(&self) -> Option<Vec<Hash>> {
        if self.before.size == 0 {
            return None;
        }
        self.nodes(&ct_merkle::indices_for_consistency_proof(self.before.size, self.leaves.len() as u64))
    }

    fn nodes(&self, indices: &[u64]) -> Option<Vec<Hash>> {
        indices.iter().map(|index| self.node(*index).map(|node| Hash::from_bytes(&node))).collect()
    }

    /// The node numbered as in RFC 9420, appendix C: the leaves are even, and a node stands amid the leaves below it.
    fn node(&self, index: u64) -> Option<Node> {
        let level = index.trailing_ones();
        let from = (index - ((1 << level) - 1)) / 2;
        self.range(from, (from + (1 << level)).min(self.size()))
    }

    /// The Merkle tree hash over the leaves `from..to`.
    fn range(&self, from: u64, to: u64) -> Option<Node> {
        if to <= self.before.size
            && let Some(node) = self.before.subtree(from, to)
        {
            return Some(node);
        }
        match to.checked_sub(from)? {
            0 => None,
            1 => self.leaves.get(usize::try_from(from.checked_sub(self.before.size)?).ok()?).copied(),
            count => {
                let split = from + count.next_power_of_two() / 2;
                Some(parent(&self.range(from, split)?, &self.range(split, to)?))
            }
        }
    }
}

/// Nodes as hex digits.
mod nodes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Node;
    use crate::log::Hash;

    pub(super) fn serialize<S: Serializer>(nodes: &[Node], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(nodes.iter().map(Hash::from_bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Node>, D::Error> {
        let hashes = Vec::<String>::deserialize(from)?;
        let read = |text: String| Hash::parse(&text).map(|hash| hash.bytes());
        hashes.into_iter().map(|text| read(text).ok_or_else(|| D::Error::custom("a node has 64 hex digits"))).collect()
    }
}

/// Whether `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves and this `root`.
pub fn includes(root: &Hash, size: u64, index: u64, leaf: &[u8], proof: &[Hash]) -> bool {
    let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(joined(proof)) else { return false };
    tree(root, size).verify_inclusion(&leaf, index, &proof).is_ok()
}

/// Whether `proof` shows that the tree `new` goes on from the tree `old`, each given as root and size.
pub fn goes_on(old: (&Hash, u64), new: (&Hash, u64), proof: &[Hash]) -> bool {
    if old.1 == 0 {
        return proof.is_empty() && *old.0 == Frontier::default().root();
    }
    let Ok(proof) = ConsistencyProof::<Sha256>::try_from_bytes(joined(proof)) else { return false };
    tree(new.0, new.1).verify_consistency(&tree(old.0, old.1), &proof).is_ok()
}

fn tree(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(root.bytes().into(), size)
}

fn joined(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(Hash::bytes).collect()
}
