//! What people answer to incidents, and what came of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Incident, Problem};

/// What a person says to an incident: the body of acknowledge, unacknowledge, resolve, escalate and notes.
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
    /// Whom a note is about, as `<kind>:<name>`, such as `customer:acme`: it is sealed, and can be erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// That somebody takes an incident on for a while: the body of snooze, with either `until` or `for`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Snooze {
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For how long from now, such as `2h` or `1h 30m`.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub length: Option<SignedDuration>,
}

/// To whom an incident is given: the body of reassign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reassign {
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `person:NAME`, `team:NAME`, `schedule:NAME`, `next:SCHEDULE` or `escalation:NAME`, by the policy that the incident was routed by.
    pub to: String,
}

/// An answer to several incidents at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Several {
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The incidents, at most 500.
    pub ids: Vec<String>,
}

/// What came of an answer to several incidents, in the order in which they were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AnsweredList {
    /// One for each incident.
    pub results: Vec<Answered>,
}

/// What came of an answer to one of several incidents: it, or why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Answered {
    /// The incident, as it was named.
    pub id: String,
    /// The incident as it stands now; null where it was refused.
    pub incident: Option<Incident>,
    /// Why it was refused; null where it was not.
    pub problem: Option<Problem>,
}
