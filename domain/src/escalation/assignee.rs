//! To whom an incident can be given.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Target};

/// Who is told from now on, written `person:ana`, `team:platform`, `schedule:platform` or `escalation:platform`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Assignee {
    /// A person, a team, or whoever is on call or next on call: they, and after them the incident's own escalation.
    Target(Target),
    /// An escalation.
    Escalation(String),
}

impl Assignee {
    /// Whether `policy` knows them.
    pub fn is_in(&self, policy: &Policy) -> bool {
        match self {
            Self::Target(Target::Person(name)) => policy.people.contains_key(name),
            Self::Target(Target::Team(name)) => policy.teams.contains_key(name),
            Self::Target(Target::Schedule(name) | Target::Next(name)) => policy.schedules.contains_key(name),
            Self::Target(Target::Channel(name)) => policy.channels.contains_key(name),
            Self::Escalation(name) => policy.escalations.contains_key(name),
        }
    }
}

impl TryFrom<String> for Assignee {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("escalation:") {
            return Ok(Self::Escalation(name.to_owned()));
        }
        match Target::try_from(text) {
            // A place cannot take anything on.
            Ok(Target::Channel(_)) | Err(_) => {
                Err("write person:NAME, team:NAME, schedule:NAME, next:SCHEDULE or escalation:NAME".to_owned())
            }
            Ok(target) => Ok(Self::Target(target)),
        }
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => target.fmt(out),
            Self::Escalation(name) => write!(out, "escalation:{name}"),
        }
    }
}

impl From<Assignee> for String {
    fn from(assignee: Assignee) -> Self {
        assignee.to_string()
    }
}
