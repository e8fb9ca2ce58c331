//! Evidence: what makes the log provable to somebody who trusts nobody here (design.md, section 6).
//!
//! The heads of all streams that moved are gathered into one append-only Merkle [`tree`] (RFC 6962). Each [`checkpoint`]
//! signs its size and root as a [`note`] that public tools read. So whoever rewrites a stream, however consistently, is
//! contradicted by a text that was signed and locked away before. A [`bundle`] is what an export hands out of it, and a
//! [`proof`] shows one record alone. `docs/evidence.md` describes every byte.

pub mod agree;
pub mod bundle;
pub mod checkpoint;
pub mod event;
pub mod gather;
pub mod head;
pub mod kept;
pub mod note;
pub mod proof;
pub mod tree;

#[cfg(test)]
mod tests;
