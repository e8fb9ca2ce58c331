//! An incident's story, as the API shows it.

use domain::cause::Proof;
use domain::timeline;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;

/// The story of one incident, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timeline {
    /// Whose story it is.
    pub incident: String,
    /// What happened, in order.
    pub entries: Vec<TimelineEntry>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TimelineEntry {
    /// The record that says so, from 0; the first of them when several are told in one.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What sort of thing happened.
    #[cfg_attr(test, schemars(schema_with = "words::kind"))]
    pub kind: timeline::Kind,
    /// Who did it, with what they are: `person:ana`, `integration:pagerduty`; null for Watchkeeper itself.
    pub actor: Option<String>,
    /// Who was authenticated then, and how; null for Watchkeeper itself, and in records of before it was written down.
    pub principal: Option<Principal>,
    /// What happened, in one sentence.
    pub text: String,
    /// What else is worth knowing, a line each.
    pub detail: Vec<String>,
}

/// Who was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Principal {
    /// Who: `token:ci`, `person:ana`, `link:ana`.
    pub actor: String,
    /// How they proved it.
    #[cfg_attr(test, schemars(schema_with = "words::proof"))]
    pub proof: Proof,
}

impl Timeline {
    /// The view of what [`timeline::timeline`] tells of the incident `id`.
    pub fn of(id: &domain::incident::IncidentId, told: Vec<timeline::Entry>) -> Self {
        let view = |entry: timeline::Entry| TimelineEntry {
            seq: entry.seq,
            at: entry.at,
            kind: entry.kind,
            actor: entry.actor.map(|actor| actor.as_str().to_owned()),
            principal: entry
                .principal
                .map(|principal| Principal { actor: principal.actor.as_str().to_owned(), proof: principal.proof }),
            text: entry.text,
            detail: entry.detail,
        };
        Self { incident: id.to_string(), entries: told.into_iter().map(view).collect() }
    }
}
