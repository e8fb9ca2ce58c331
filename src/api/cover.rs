//! Overrides, swaps and absences, as the API shows and takes them.

use domain::incident::Actor;
use domain::schedule;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Somebody is on call for a while, whatever the rotation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Override {
    /// Names it; the two of a swap have one name.
    pub id: String,
    /// The schedule it belongs to.
    pub schedule: String,
    /// Who is on call, by short name.
    pub person: String,
    /// Whose turns it takes; null when it takes everybody's.
    pub instead_of: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who set it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
}

/// Overrides, in the order in which they were set: a later one wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OverrideList {
    /// Each of them, those of swaps included.
    pub overrides: Vec<Override>,
}

/// An override to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The schedule it belongs to.
    pub schedule: String,
    /// Who is on call, by short name.
    pub person: String,
    /// Whose turns it takes; everybody's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A swap to set: two people take turns of each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSwap {
    /// The schedule it belongs to.
    pub schedule: String,
    /// Whose turns go to the other, and when.
    pub one: Given,
    /// Whose turns go to the one, and when.
    pub other: Given,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Turns that somebody gives away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Who gives them away, by short name.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Absence {
    /// Names it.
    pub id: String,
    /// Who is away, by short name.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
}

/// Absences, in the order in which they were set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AbsenceList {
    /// Each of them.
    pub absences: Vec<Absence>,
}

/// An absence to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAbsence {
    /// Who is away, by short name.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Removed {
    /// Its name.
    pub id: String,
}

impl From<&schedule::Override> for Override {
    fn from(set: &schedule::Override) -> Self {
        Self {
            id: set.id.clone(),
            schedule: set.schedule.clone(),
            person: set.person.clone(),
            instead_of: set.instead_of.clone(),
            from: set.from,
            until: set.until,
            by: set.by.name().to_owned(),
            reason: set.reason.clone(),
        }
    }
}

impl From<&schedule::Absence> for Absence {
    fn from(set: &schedule::Absence) -> Self {
        Self {
            id: set.id.clone(),
            person: set.person.clone(),
            from: set.from,
            until: set.until,
            by: set.by.name().to_owned(),
            reason: set.reason.clone(),
        }
    }
}

/// As the rules take it; of who set it, the name is left.
impl From<Override> for schedule::Override {
    fn from(set: Override) -> Self {
        let Override { id, schedule, person, instead_of, from, until, by, reason } = set;
        Self { id, schedule, person, instead_of, from, until, by: Actor::person(&by), reason }
    }
}

/// As the rules take it; of who said so, the name is left.
impl From<Absence> for schedule::Absence {
    fn from(set: Absence) -> Self {
        let Absence { id, person, from, until, by, reason } = set;
        Self { id, person, from, until, by: Actor::person(&by), reason }
    }
}
