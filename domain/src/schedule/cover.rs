//! Covers: who takes whose turn for a while, set at run time and never touched by a policy.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::Actor;

/// Every override and absence that is not over yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Covers {
    /// In the order in which they were set: a later one wins.
    pub overrides: Vec<Override>,
    /// When people are away, whatever the schedule.
    pub absences: Vec<Absence>,
}

impl Covers {
    /// None at all.
    pub const NONE: &'static Self = &Self { overrides: Vec::new(), absences: Vec::new() };
}

/// Somebody is on call for a while, whatever the rotation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Names it.
    pub id: String,
    /// The schedule it belongs to, and no other.
    pub schedule: String,
    /// Who is on call.
    pub person: String,
    /// Only where this person would be; without it, whoever would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who set it.
    pub by: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Names it.
    pub id: String,
    /// Who is away.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub by: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
