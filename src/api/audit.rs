//! The API of the evidence: exports, checkpoints, records of any stream, and proofs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What to export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// From when.
    pub from: Timestamp,
    /// Until when: not later than now.
    pub until: Timestamp,
    /// The classes of data to include, as services of the policy have them, and `unclassified` for those that have none.
    /// Without any, all. What concerns no service is always included.
    #[serde(default)]
    pub classes: Vec<String>,
}

/// An export and how far it is. The same range and classes again are the same export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Export {
    /// Names it.
    pub id: String,
    /// Where it stands. One that failed goes on where it stopped when it is asked for again.
    pub state: ExportState,
    /// How many parts are written.
    pub done: u64,
    /// How many there are; null until that is known.
    pub total: Option<u64>,
    /// How many records it has; null until it is finished.
    pub records: Option<u64>,
    /// How many findings it has; null until it is finished.
    pub findings: Option<u64>,
    /// How many of them are grave; null until it is finished.
    pub grave: Option<u64>,
    /// Its files, `manifest.json` and `manifest.note` last; none until it is finished.
    pub files: Vec<ExportFile>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExportFile {
    /// Where it is, below the export.
    pub path: String,
    /// Its SHA-256 as 64 hex digits; null for the two files that vouch for the others.
    pub sha256: Option<String>,
    /// How many bytes it has; null for the two files that vouch for the others.
    pub bytes: Option<u64>,
}

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It was asked for.
    Requested,
    /// Its parts are being written.
    Running,
    /// Its bundle is whole.
    Finished,
    /// It stopped.
    Failed,
}

/// Checkpoints in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckpointList {
    /// The checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// What to ask for as `after` to get those that follow; null after the newest.
    pub next: Option<u64>,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checkpoint {
    /// Its place among the checkpoints, from 1.
    pub number: u64,
    /// The signed note: what it says, and the signature under it.
    pub note: String,
}

/// A checkpoint that was made on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MadeCheckpoint {
    /// Its place among the checkpoints, from 1.
    pub number: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many streams had moved.
    pub streams: u64,
    /// How many records it covers newly.
    pub records: u64,
}

/// A public key that signs evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceKeys {
    /// The name in which checkpoints are signed.
    pub origin: String,
    /// Every key that ever signed, as PEM.
    pub keys: Vec<String>,
}
