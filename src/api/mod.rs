//! The API's objects: what functions answer, scripts read and the command prints with `--json`.
//!
//! They are views, apart from the domain's own types, so that a rule can change its shape without breaking a script.
//! A field that is not known yet is `null` and not absent. `openapi.json` describes them, and a test keeps it in step.

use domain::log;
use serde::{Deserialize, Serialize};

mod alerts;
mod incident;
mod oncall;
mod policy;
mod problem;
mod timeline;

pub use alerts::{Alert, AlertCount, AlertList, AlertStatus};
pub use incident::{Incident, IncidentList, Status};
pub use oncall::{OnCall, ScheduleNow, Turn};
pub use policy::{ActivePolicy, AppliedPolicy};
pub use problem::{MEDIA_TYPE, Problem, Situation};
pub use timeline::{Timeline, TimelineEntry};

/// The OpenAPI 3.1 document of the whole API, as JSON text.
pub const fn openapi() -> &'static str {
    include_str!("openapi.json")
}

/// What a person says to an incident: the body of acknowledge, resolve, escalate and notes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The text of a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The stored records of a stream, byte for byte, so that anybody can verify the chain with SHA-256 alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Records {
    /// The stream, such as `incident#0123456789abcdef0123-1`.
    pub stream: String,
    /// The records in order, each the canonical bytes that were stored and their SHA-256.
    #[cfg_attr(test, schemars(schema_with = "words::entries"))]
    pub entries: Vec<log::Entry>,
    /// The number to ask for as `from` to get the records after these; null after the last.
    pub next: Option<u64>,
}

#[cfg(test)]
mod openapi;
#[cfg(test)]
mod words;
