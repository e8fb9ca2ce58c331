//! Bundles: what an export writes, and what anybody verifies with the public key alone.
//!
//! A bundle covers the checkpoints `after+1..=last` and exactly the records that they cover newly, so bundles one after
//! the other neither overlap nor leave anything out. The [`manifest`] names and hashes every file, and is signed.
//! [`trail`] verifies the checkpoints and the heads, [`mod@records`] the records against the heads; both read line by line.
//! `docs/evidence.md` describes the format for those who write a verifier of their own.

pub mod manifest;
pub mod records;
pub mod trail;
pub mod wrong;

pub use manifest::{Manifest, Part, Selection, Span};
pub use records::Records;
pub use trail::{Before, Line, Trail};
pub use wrong::{How, Place, Wrong};

/// The format, as the manifest names it.
pub const FORMAT: &str = "watchkeeper-bundle/1";
/// The manifest: written last, so that a bundle with one is whole.
pub const MANIFEST: &str = "manifest.json";
/// The signed note over the manifest.
pub const MANIFEST_NOTE: &str = "manifest.note";
/// The checkpoints: a [`Before`], then a [`Line`] for each.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";
/// Where the public keys are.
pub const KEYS: &str = "keys/";

/// The path of part `number` of the heads, from 1: a line for each, in the order of the tree.
pub fn heads(number: u64) -> String {
    format!("heads-{number:05}.jsonl.zst")
}

/// The path of part `number` of the records, from 1: a line for each, by stream and number; no stream is in two parts.
pub fn records(number: u64) -> String {
    format!("records-{number:05}.jsonl.zst")
}

/// The path of part `number` of the events for security lakes, from 1.
pub fn ocsf(number: u64) -> String {
    format!("ocsf-{number:05}.jsonl.zst")
}

/// The path of the public key that signatures name `id`, eight hex digits.
pub fn key(id: &str) -> String {
    format!("{KEYS}{id}.pem")
}

/// Whether a path is of a part of the heads.
pub fn is_heads(path: &str) -> bool {
    is_part(path, "heads-")
}

/// Whether a path is of a part of the records.
pub fn is_records(path: &str) -> bool {
    is_part(path, "records-")
}

fn is_part(path: &str, kind: &str) -> bool {
    path.strip_prefix(kind).is_some_and(|rest| rest.ends_with(".jsonl.zst"))
}
