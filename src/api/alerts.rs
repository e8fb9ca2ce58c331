//! The alerts of a group incident, as the API shows them.

use std::collections::BTreeMap;

use domain::group::{Group, Listed, Member};
use domain::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;

/// One alert of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Alert {
    /// Its own incident, which has its own log.
    pub incident: String,
    /// Where it stands.
    pub status: AlertStatus,
    /// One line for a person.
    pub title: String,
    /// How bad its sender says it is.
    #[cfg_attr(test, schemars(schema_with = "words::severity"))]
    pub severity: Severity,
    /// The sender's labels.
    pub labels: BTreeMap<String, String>,
    /// When it began, as its sender says.
    pub since: Timestamp,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// Its sender says it exists.
    Firing,
    /// It is over, and leaves the group at its next look.
    Resolved,
}

/// A page of the alerts of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlertList {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// What to ask for as `cursor` to get the next page; null after the last.
    pub next: Option<String>,
}

/// How many alerts a group had at its last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlertCount {
    /// Firing, and told of.
    pub firing: u64,
    /// Over by then; they left.
    pub resolved: u64,
    /// Silenced or inhibited.
    pub muted: u64,
}

impl From<&Group> for AlertCount {
    fn from(group: &Group) -> Self {
        Self { firing: group.firing, resolved: group.resolved, muted: group.muted }
    }
}

const fn status(resolved: bool) -> AlertStatus {
    if resolved { AlertStatus::Resolved } else { AlertStatus::Firing }
}

impl From<Member> for Alert {
    fn from(member: Member) -> Self {
        Self {
            incident: member.incident.to_string(),
            status: status(member.cleared_at.is_some()),
            title: member.title,
            severity: member.severity,
            labels: member.labels,
            since: member.since,
        }
    }
}

impl From<&Listed> for Alert {
    fn from(listed: &Listed) -> Self {
        Self {
            incident: listed.incident.to_string(),
            status: status(listed.resolved),
            title: listed.title.clone(),
            severity: listed.severity,
            labels: listed.labels.clone(),
            since: listed.since,
        }
    }
}
