//! The API's objects: what functions answer, scripts read and the command prints with `--json`.
//!
//! They are views, apart from the domain's own types, so that a rule can change its shape without breaking a script.
//! A field that is not known yet is `null` and not absent. `openapi.json` describes them, and a test keeps it in step.

use domain::log;
use serde::{Deserialize, Serialize};

mod alerts;
mod answer;
mod audit;
mod calendar;
mod cover;
mod dead_letter;
mod delivery;
mod fsck;
mod history;
mod incident;
mod oncall;
mod policy;
mod problem;
mod schedule;
mod silence;
mod subject;
mod test_page;
mod timeline;

pub use alerts::{Alert, AlertCount, AlertList, AlertStatus};
pub use answer::{Answer, Answered, AnsweredList, Reassign, Several, Snooze};
pub use audit::{Checkpoint, CheckpointList, EvidenceKeys, Export, ExportFile, ExportState, MadeCheckpoint, NewExport};
pub use calendar::{Calendar, CalendarList, CalendarOf, NewCalendar};
pub use cover::{Absence, AbsenceList, Given, NewAbsence, NewOverride, NewSwap, Override, OverrideList, Removed};
pub use dead_letter::{
    DeadLetter, DeadLetterCause, DeadLetterList, DeadLetterQueue, DeadLetterQueueList, Redrive, Redriven,
};
pub use delivery::{Delivery, DeliveryState};
pub use fsck::{Fsck, FsckFinding, FsckRepair, Repaired};
pub use history::History;
pub use incident::{Acknowledged, Incident, IncidentList, Status, Waiting};
pub use oncall::{OnCall, ScheduleNow, Turn};
pub use policy::{ActivePolicy, AppliedPolicy};
pub use problem::{MEDIA_TYPE, Problem, Situation};
pub use schedule::{FinalSchedule, LayerSummary, ScheduleList, ScheduleSpan, ScheduleSummary};
pub use silence::{Silence, SilenceList, SilenceRequest};
pub use subject::{Erase, Erased};
pub use test_page::{TestPage, TestedContact, TestedPage};
pub use timeline::{Principal, Timeline, TimelineEntry};

/// The OpenAPI 3.1 document of the whole API, as JSON text.
pub const fn openapi() -> &'static str {
    include_str!("openapi.json")
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
