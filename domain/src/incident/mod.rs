//! The incident: a fold over its log (design.md, section 1).
//!
//! Nothing sets a field of an [`Incident`] but [`Incident::apply`], and nothing calls that but a record of the log.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::enrich::Enrichment;
use crate::escalation::Paging;
use crate::fingerprint::Fingerprint;
use crate::group::Group;
use crate::log::{Hash, Record};
use crate::pulse::Pulse;
use crate::recent::Recent;
use crate::route::Decision;
use crate::signal::{Alert, Severity};

mod amendment;
mod command;
mod event;

pub use amendment::Amendment;
pub use command::{Command, Refusal};
pub use event::{Event, Hold, Seen};

/// The integration of test pages: incidents that no route decided, and that no rehearsal counts.
pub const TEST_PAGES: &str = "test-page";

/// How the causes of records begin that signals caused.
pub const SIGNALS: &str = "signals/";

/// Names an incident: its fingerprint, and the how many-th incident of that fingerprint it is.
///
/// So the latest incident of a fingerprint is found by one read, and a fingerprint cannot have two open ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IncidentId {
    /// The problem.
    pub fingerprint: Fingerprint,
    /// From 1.
    pub generation: u32,
}

impl IncidentId {
    /// The stream of its records.
    pub fn stream(&self) -> String {
        format!("incident#{self}")
    }

    /// Reads `<fingerprint>-<generation>`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (fingerprint, generation) = text.split_once('-')?;
        let plain = !generation.starts_with(['0', '+']);
        let generation = plain.then(|| generation.parse().ok()).flatten()?;
        Some(Self { fingerprint: Fingerprint::parse(fingerprint)?, generation })
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.fingerprint, self.generation)
    }
}

impl TryFrom<String> for IncidentId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "not an incident id".to_owned())
    }
}

impl From<IncidentId> for String {
    fn from(id: IncidentId) -> Self {
        id.to_string()
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Signals were recorded, but none that triggers: a resolve that overtook its trigger waits here for it.
    Expected,
    /// Open, and nobody has taken it on.
    Triggered,
    /// Open, and somebody has taken it on.
    Acknowledged,
    /// Over for good; a later trigger opens the next incident of the fingerprint.
    Resolved,
}

impl Status {
    /// The word that logs, the API and the table's index use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Who did something: `person:ana`, `integration:pagerduty`, `token:ci`, `link:ana`, `slack:U0123`, `provider:twilio` or
/// `watchkeeper`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// Somebody whom the policy names.
    pub fn person(name: &str) -> Self {
        Self(format!("person:{name}"))
    }

    /// A sender.
    pub fn integration(name: &str) -> Self {
        Self(format!("integration:{name}"))
    }

    /// The holder of an API token, who may say on whose behalf.
    pub fn token(name: &str) -> Self {
        Self(format!("token:{name}"))
    }

    /// Whoever holds the link of a message sent to `name`: a link can be forwarded (faults.md, I05).
    pub fn link_holder(name: &str) -> Self {
        Self(format!("link:{name}"))
    }

    /// Somebody in Slack whom the policy does not name, by their Slack user id.
    pub fn slack(user: &str) -> Self {
        Self(format!("slack:{user}"))
    }

    /// A provider that sends messages, which reports what became of them.
    pub fn provider(name: &str) -> Self {
        Self(format!("provider:{name}"))
    }

    /// Watchkeeper itself.
    pub fn watchkeeper() -> Self {
        Self("watchkeeper".to_owned())
    }

    /// Whether it is a sender, and not a person.
    pub fn is_integration(&self) -> bool {
        self.0.starts_with("integration:")
    }

    /// Whether this is the answer of `to`, such as `person:ana`: theirs, or that of whoever holds the link sent to them.
    pub fn answers_for(&self, to: &str) -> bool {
        self.0 == to || to.strip_prefix("person:").is_some_and(|name| self.0.strip_prefix("link:") == Some(name))
    }

    /// The name without its kind.
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That somebody took an incident on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: Actor,
    /// When, by our clock.
    pub at: Timestamp,
    /// When it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// That an incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Who ended it.
    pub by: Actor,
    /// When, by our clock.
    pub at: Timestamp,
    /// Event times up to this belong to this incident; a trigger after it opens the next.
    pub covers: Timestamp,
}

/// One incident, as its log says it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// Where it stands.
    pub status: Status,
    /// The integration whose signals it gathers.
    pub integration: String,
    /// The sender's own name for the problem.
    pub key: String,
    /// What the signal that opened it said.
    pub alert: Alert,
    /// How many triggers were recorded.
    pub occurrences: u64,
    /// How many records its log has.
    pub seq: u64,
    /// The hash of the last of them.
    pub head: Hash,
    /// When it was opened, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When the incident before it of the same fingerprint ended, by event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Timestamp>,
    /// The earliest event time of a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_trigger_at: Option<Timestamp>,
    /// The latest event time of a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_trigger_at: Option<Timestamp>,
    /// The latest event time of a resolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resolve_at: Option<Timestamp>,
    /// The latest event time of an acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_acknowledge_at: Option<Timestamp>,
    /// Who took it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Acknowledgement>,
    /// Everybody who acknowledged since nobody had; before it is taken on, where each person of a step must.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledgements: Vec<Acknowledgement>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// What a responder would look up first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrichment: Option<Enrichment>,
    /// Who is told, how and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The silences that held when it was routed: nobody is told while there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silenced_by: Vec<Hold>,
    /// The alerts it gathers, when it is the incident of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The group incident that people are told of instead of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_of: Option<IncidentId>,
    /// The alert that keeps it quiet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inhibited_by: Option<IncidentId>,
    /// How far the escalation is.
    #[serde(default)]
    pub paging: Paging,
    /// When it came and went, before this incident too.
    #[serde(default, skip_serializing_if = "Pulse::is_empty")]
    pub pulse: Pulse,
    /// When so many triggers had come that somebody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<Timestamp>,
    /// The signals recorded last.
    #[serde(default)]
    pub signals: Recent,
    /// The causes recorded last: a request that comes again finds itself here.
    #[serde(default)]
    pub causes: Recent,
}

impl Incident {
    /// An incident nothing is known of yet.
    pub fn expected(id: IncidentId) -> Self {
        Self {
            id,
            status: Status::Expected,
            integration: String::new(),
            key: String::new(),
            alert: Alert::default(),
            occurrences: 0,
            seq: 0,
            head: Hash::zero(),
            opened_at: None,
            follows: None,
            first_trigger_at: None,
            last_trigger_at: None,
            last_resolve_at: None,
            last_acknowledge_at: None,
            acknowledgement: None,
            acknowledgements: Vec::new(),
            resolution: None,
            enrichment: None,
            decision: None,
            silenced_by: Vec::new(),
            group: None,
            member_of: None,
            inhibited_by: None,
            paging: Paging::default(),
            pulse: Pulse::default(),
            reached_at: None,
            signals: Recent::default(),
            causes: Recent::default(),
        }
    }

    /// Whether it still needs somebody.
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Status::Triggered | Status::Acknowledged)
    }

    /// Whether `to`, such as `person:ana`, acknowledged since nobody had.
    pub fn has_answered(&self, to: &str) -> bool {
        self.acknowledgements.iter().any(|answer| answer.by.answers_for(to))
    }

    /// The people of the current step whose acknowledgement it waits for, where each of them must.
    pub fn awaited(&self) -> Vec<&str> {
        if !self.paging.everybody || self.status != Status::Triggered {
            return Vec::new();
        }
        let people = self.paging.recipients().into_iter().filter(|to| to.starts_with("person:"));
        people.filter(|to| !self.has_answered(to)).collect()
    }

    /// Whether the current step leaves `to` alone, as they acknowledged and it waits for the others.
    pub(crate) fn is_spared(&self, to: &str) -> bool {
        self.has_answered(to) && !self.awaited().is_empty()
    }

    /// Until when event times belong to it, once it is over: its end, or a later resolve.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.resolution
            .as_ref()
            .map(|resolution| self.last_resolve_at.max(Some(resolution.covers)).unwrap_or(resolution.covers))
    }

    /// Who has it: whoever took it on, or else those whom the current step tells.
    pub fn held_by(&self) -> Vec<&str> {
        let taken = self.acknowledgement.as_ref().map(|taken| vec![taken.by.as_str()]);
        taken.unwrap_or_else(|| self.paging.recipients())
    }

    /// The service it concerns, as routing, enrichment or the sender says, in this order.
    pub fn service(&self) -> Option<&str> {
        let routed = self.decision.as_ref().and_then(|decision| decision.service.as_deref());
        let enriched = self.enrichment.as_ref().and_then(|found| found.service.as_deref());
        routed.or(enriched).or(self.alert.service.as_deref())
    }

    /// Where responders meet, as the ladder says of its level.
    pub fn bridge(&self) -> Option<&str> {
        self.decision.as_ref()?.rung.as_ref()?.bridge.as_deref()
    }

    /// How bad the sender says it is.
    pub const fn severity(&self) -> Severity {
        self.alert.severity
    }

    /// The record that writes `events` down as the next step of this incident.
    pub fn record(&self, cause: &Cause, events: Vec<Event>, now: Timestamp) -> Record<Event> {
        Record::new(self.id.stream(), self.seq, self.head.clone(), cause, events, now)
    }

    /// Folds one record, whose stored hash is `hash`.
    pub fn fold(&mut self, record: &Record<Event>, hash: Hash) {
        for event in &record.events {
            self.apply(event, record.at);
        }
        // Signals are known by their own ids; in a storm they would push out the causes of people.
        if !record.cause.starts_with(SIGNALS) {
            self.causes.add(&record.cause, record.at);
        }
        self.seq = record.seq + 1;
        self.head = hash;
    }
}

#[cfg(test)]
mod tests;
