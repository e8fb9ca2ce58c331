//! Groups: alerts that are told together, by Alertmanager's rules.
//!
//! An alert that a route groups keeps its own incident and its own log, and pages nobody: it is a [`Member`] of a group.
//! The group is an incident too, and the one that people are told of and answer. Its alerts are looked at in a
//! [`flush`]: first when `wait` has passed, then every `interval`; what is told then, and what is not, is what
//! Alertmanager's `aggrGroup` and `DedupStage.needsUpdate` do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::escalation::Next;
use crate::fingerprint::Fingerprint;
use crate::incident::{Event, Incident, IncidentId};
use crate::signal::{Alert, Severity};
use crate::text::cut;

mod flush;
mod told;

pub use flush::{Flush, Flushed, Reason, flush};
pub use told::Told;

/// The integration that a group incident names, as no sender reported it.
pub const INTEGRATION: &str = "group";
/// What group incidents are told apart from all others by: no integration can have this name.
const NAMESPACE: &str = "group:";
/// The most alerts that a notification lists; the others are counted.
pub const LISTED: usize = 20;
/// The longest title of an alert in a list, in characters.
const TITLE: usize = 200;
/// The longest text that the labels make in a group's title, in characters.
const LABELS: usize = 300;

/// The group that a route puts an alert in, and the times of that group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// The route, with its parents': each route has its own groups.
    pub route: String,
    /// The labels that its alerts share; one that an alert has not, or has empty, is not there.
    pub labels: BTreeMap<String, String>,
    /// How long after the first alert the first notification waits for others.
    pub wait: SignedDuration,
    /// How long after a notification the next one waits.
    pub interval: SignedDuration,
    /// How long after a notification it is told again when nothing changed.
    pub repeat: SignedDuration,
}

impl Grouping {
    /// The sender's key of the group incident: the same for the same route and labels.
    pub fn key(&self) -> String {
        let labels = self.labels.iter().fold(String::new(), |mut text, (name, value)| {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{name}={value:?}").expect("a String takes every write");
            text
        });
        format!("{} {{{labels}}}", self.route)
    }

    /// The fingerprint of the group incident.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(NAMESPACE, &self.key())
    }

    /// What the group is about, for a person: the alert's name first, then the other labels, such as `HighLatency cluster=eu`.
    pub fn about(&self) -> String {
        let name = self.labels.get("alertname").cloned();
        let others = self.labels.iter().filter(|(label, _)| *label != "alertname");
        let words: Vec<String> =
            name.into_iter().chain(others.map(|(label, value)| format!("{label}={value}"))).collect();
        if words.is_empty() { self.route.clone() } else { cut(&words.join(" "), LABELS) }
    }

    /// The events that open the incident `group` for `member`, the first alert in it.
    pub fn open(&self, group: &Incident, member: &Incident) -> Vec<Event> {
        let Some(decision) = &member.decision else { return Vec::new() };
        let began = member.opened_at.unwrap_or(decision.at);
        let alert = Alert {
            title: self.about(),
            severity: member.severity(),
            service: member.service().map(str::to_owned),
            labels: self.labels.clone(),
            ..Alert::default()
        };
        let opened =
            Event::Opened { integration: INTEGRATION.to_owned(), key: self.key(), alert, follows: group.follows };
        let began = Event::GroupBegan { first_flush_at: began + self.wait };
        vec![opened, began, Event::Routed { decision: decision.clone() }]
    }
}

/// One alert of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its own incident.
    pub incident: IncidentId,
    /// One line for a person.
    pub title: String,
    /// How bad its sender says it is.
    pub severity: Severity,
    /// The sender's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The integration that reported it.
    #[serde(default)]
    pub integration: String,
    /// The service it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When it began, as its sender says.
    pub since: Timestamp,
    /// When it reached us.
    pub joined_at: Timestamp,
    /// When it was over, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
}

impl Member {
    /// The alert of `incident`; `None` while nothing but its end is known.
    pub fn of(incident: &Incident) -> Option<Self> {
        let joined_at = incident.opened_at?;
        Some(Self {
            incident: incident.id.clone(),
            title: cut(&incident.alert.title, TITLE),
            severity: incident.severity(),
            labels: incident.alert.labels.clone(),
            integration: incident.integration.clone(),
            service: incident.service().map(str::to_owned),
            since: incident.first_trigger_at.unwrap_or(joined_at),
            joined_at,
            cleared_at: incident.resolution.as_ref().map(|ended| ended.at),
        })
    }

    /// Grows with each thing that becomes known of an alert, so that an older word never replaces a newer one.
    pub fn version(&self) -> u64 {
        2 * u64::from(self.incident.generation) + u64::from(self.cleared_at.is_some())
    }

    /// Whether it had waited long enough before it reached us: the group's first notification does not wait for it.
    fn hurries(&self, wait: SignedDuration) -> bool {
        self.since + wait < self.joined_at
    }
}

/// One alert as a notification lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its own incident.
    pub incident: IncidentId,
    /// Whether it is over.
    pub resolved: bool,
    /// One line for a person.
    pub title: String,
    /// How bad its sender says it is.
    pub severity: Severity,
    /// The sender's labels, but those that the whole group has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it began, as its sender says.
    pub since: Timestamp,
}

/// How a group incident stands, as its log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// When its alerts are looked at first, unless one of them had waited before.
    pub first_flush_at: Timestamp,
    /// The instant of the last flush that is in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flushed_at: Option<Timestamp>,
    /// How many notifications there were.
    #[serde(default)]
    pub notifications: u32,
    /// How many alerts were firing at the last flush, and not kept quiet.
    #[serde(default)]
    pub firing: u64,
    /// How many were over then, and left.
    #[serde(default)]
    pub resolved: u64,
    /// How many were kept quiet then.
    #[serde(default)]
    pub muted: u64,
    /// The last notification has still to be sent to those who were told before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
    /// The alerts that the last notification lists, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Listed>,
}

impl Group {
    pub(crate) const fn began(first_flush_at: Timestamp) -> Self {
        Self {
            first_flush_at,
            flushed_at: None,
            notifications: 0,
            firing: 0,
            resolved: 0,
            muted: 0,
            untold: false,
            alerts: Vec::new(),
        }
    }

    /// What a flush changes.
    pub(crate) fn flushed(&mut self, flushed: &Flushed) {
        self.flushed_at = Some(flushed.due_at);
        (self.firing, self.resolved, self.muted) = (flushed.firing, flushed.resolved, flushed.muted);
        if flushed.told.is_some() {
            self.notifications += 1;
            self.untold = true;
            self.alerts.clone_from(&flushed.alerts);
        }
    }

    /// What a group that is about `about` is called now, in Alertmanager's way: `[FIRING:3] HighLatency cluster=eu`.
    pub(crate) fn title(&self, about: &str) -> String {
        match self.firing {
            0 => format!("[RESOLVED] {about}"),
            firing => format!("[FIRING:{firing}] {about}"),
        }
    }

    /// The next instant after `now` at which its alerts are looked at.
    fn next_flush(&self, interval: SignedDuration, now: Timestamp) -> Timestamp {
        match self.flushed_at {
            None => self.first_flush_at.max(now),
            Some(last) => tick(last, interval, now) + interval,
        }
    }

    /// How many alerts of the last notification it does not list.
    pub fn unlisted(&self) -> u64 {
        (self.firing + self.resolved).saturating_sub(self.alerts.len() as u64)
    }
}

/// The last of the instants `anchor`, `anchor + interval`, … that is not after `now`.
fn tick(anchor: Timestamp, interval: SignedDuration, now: Timestamp) -> Timestamp {
    let interval = interval.as_millis().max(1);
    let passed = now.duration_since(anchor).as_millis().max(0);
    let whole = i64::try_from(passed / interval * interval).unwrap_or(0);
    anchor + SignedDuration::from_millis(whole)
}

/// Whether the open group `incident` must be looked at for `member` before it would be by itself.
pub fn hurries(incident: &Incident, member: &Member) -> bool {
    let wait = incident.decision.as_ref().and_then(|decision| decision.group.as_ref()).map(|group| group.wait);
    let sleeps = |group: &Group| group.flushed_at.is_none() && member.joined_at < group.first_flush_at;
    incident.group.as_ref().is_some_and(sleeps) && wait.is_some_and(|wait| member.hurries(wait))
}

/// Whether a flush of `incident` may be due at `now`, so that its alerts are worth reading.
pub fn may_flush(incident: &Incident, now: Timestamp) -> bool {
    let interval = incident.decision.as_ref().and_then(|decision| decision.group.as_ref()).map(|group| group.interval);
    let (Some(group), Some(interval)) = (&incident.group, interval) else { return false };
    incident.is_open() && group.flushed_at.is_none_or(|last| tick(last, interval, now) > last)
}

/// When the last flush of `incident` was due that is not in its log; `None` when none was.
pub fn missed_flush(incident: &Incident, now: Timestamp) -> Option<Timestamp> {
    let interval = incident.decision.as_ref()?.group.as_ref()?.interval;
    let last = incident.group.as_ref()?.flushed_at?;
    Some(tick(last, interval, now)).filter(|due| *due > last)
}

/// Whether `incident` is a group of which nobody was to be told yet.
pub fn waits(incident: &Incident) -> bool {
    incident.group.as_ref().is_some_and(|group| group.notifications == 0)
}

/// When to look at `incident` again, given what its escalation alone would say: a group is looked at at each flush too.
pub fn sooner(incident: &Incident, paging: Next, now: Timestamp) -> Next {
    let interval = incident.decision.as_ref().and_then(|decision| decision.group.as_ref()).map(|group| group.interval);
    let (Some(group), Some(interval), true) = (&incident.group, interval, incident.is_open()) else { return paging };
    let flush = group.next_flush(interval, now);
    match paging {
        Next::At(at) if !waits(incident) => Next::At(at.min(flush)),
        Next::At(_) | Next::Over(_) => Next::At(flush),
    }
}

#[cfg(test)]
mod naive;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod tests;
