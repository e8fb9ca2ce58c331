//! A signal: one thing a sender told us, in one shape whatever the sender.
//!
//! `ingest` makes signals, the queue carries them, `dedup` folds them into incidents.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cause::{Principal, Proof};
use crate::fingerprint::Fingerprint;
use crate::incident::Actor;

/// How far back an event time is believed: the longest a queue of ours keeps a message.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);

/// One statement of a sender about one problem, or about one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Names this signal for good: a copy that arrives again carries the same id.
    pub id: String,
    /// The integration of the policy that received it.
    pub integration: String,
    /// How its sender proved who they are.
    #[serde(default)]
    pub proof: Proof,
    /// What the sender says happened.
    pub action: Action,
    /// The problem it speaks of: one fingerprint has at most one open incident.
    pub fingerprint: Fingerprint,
    /// The sender's own name for the problem, as sent.
    pub key: String,
    /// When it happened, by the sender's clock as far as it is believable (see [`event_time`]).
    pub at: Timestamp,
    /// When it reached us, by our clock.
    pub received_at: Timestamp,
    /// No copy of this signal can have been recorded before this instant.
    pub unique_since: Timestamp,
    /// What the sender says about it.
    pub alert: Alert,
}

impl Signal {
    /// Its sender.
    pub fn sender(&self) -> Principal {
        Principal { actor: Actor::integration(&self.integration), proof: self.proof }
    }
}

/// What a signal does to the problem it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The problem exists.
    Trigger,
    /// Somebody took it on, in the sender's own tool.
    Acknowledge,
    /// The problem is over.
    Resolve,
    /// Not a problem: something was changed, such as a deploy.
    Change,
}

/// How bad the sender says it is; the four words of PagerDuty's Events API v2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// May become a problem.
    Warning,
    /// A problem; also what an unknown word becomes.
    #[default]
    Error,
    /// A problem that hurts now.
    Critical,
}

impl Severity {
    /// The word that senders, logs and the API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Reads a sender's word in any case; `None` for a word that is none of ours.
    pub fn parse(word: &str) -> Option<Self> {
        let known = [
            ("info", Self::Info),
            ("informational", Self::Info),
            ("none", Self::Info),
            ("warning", Self::Warning),
            ("warn", Self::Warning),
            ("error", Self::Error),
            ("high", Self::Error),
            ("page", Self::Critical),
            ("critical", Self::Critical),
            ("fatal", Self::Critical),
        ];
        let word = word.trim();
        known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, severity)| *severity)
    }
}

/// What the sender says about a problem. Every text is cut to the bounds of [`crate::text`] before it gets here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// One line for a person.
    pub title: String,
    /// How bad the sender says it is.
    pub severity: Severity,
    /// What is affected: a host, an alarm, a URL.
    pub source: String,
    /// The service the sender names, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The sender's labels, tags and short fields; routes match on them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whatever else was sent, as JSON text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Where to look: runbooks, graphs, the sender's own page.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// A link a responder may follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// An `http` or `https` URL.
    pub href: String,
    /// What it shows.
    pub text: String,
}

/// The event time to believe: not after `received_at`, and not older than the queues can be.
///
/// A sender's clock may run ahead, count milliseconds where seconds are meant, or say the year 1: our own clock rules then.
pub fn event_time(stated: Option<Timestamp>, received_at: Timestamp) -> Timestamp {
    match stated {
        Some(at) if at <= received_at && received_at.duration_since(at) <= OLDEST => at,
        _ => received_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b12_c17_an_event_time_that_cannot_be_is_replaced_by_our_own() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let table = [
            (Some("2026-11-21T11:59:00Z"), "2026-11-21T11:59:00Z"),
            (Some("2026-11-21T12:10:00Z"), "2026-11-21T12:00:00Z"),
            (Some("0001-01-01T00:00:00Z"), "2026-11-21T12:00:00Z"),
            (Some("9999-01-01T00:00:00Z"), "2026-11-21T12:00:00Z"),
            (None, "2026-11-21T12:00:00Z"),
        ];
        for (stated, believed) in table {
            let stated = stated.map(|text| text.parse().expect("a time"));
            assert_eq!(event_time(stated, now).to_string(), believed);
        }
    }

    #[test]
    fn b06_b17_a_severity_is_read_in_any_case_and_an_unknown_one_is_none() {
        assert_eq!(Severity::parse(" CRITICAL "), Some(Severity::Critical));
        assert_eq!(Severity::parse("Warn"), Some(Severity::Warning));
        assert_eq!(Severity::parse("sev-9"), None);
    }
}
