//! Facts: what records come to, small enough to hold for a million of them, and the same however they are joined.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, tz};
use serde::{Deserialize, Serialize};

use super::table::EmergencyRow;
use super::{Finding, FindingKind, Findings, Spread};

/// What some records of the period come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// How many records were written in the period.
    pub records: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// What happened on each day, in UTC.
    pub days: BTreeMap<Date, Day>,
    /// How incidents that were opened in the period were answered, by their level or `unset`.
    pub responses: BTreeMap<String, Responses>,
    /// How many incidents each service had.
    pub services: BTreeMap<String, u64>,
    /// How often each kind of thing was done.
    pub touched: Touched,
    /// What did not go as it should: by its kind, then by what it concerns.
    pub exceptions: BTreeMap<String, BTreeMap<String, Times>>,
    /// What somebody has to look at.
    pub findings: Findings,
    /// Changes that were made to services.
    pub changes: BTreeSet<ChangeMade>,
    /// When incidents of services were open.
    pub open: BTreeSet<Open>,
}

/// What happened on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// How many incidents were opened, by level or `unset`.
    pub opened: BTreeMap<String, u64>,
    /// How many changes were made.
    pub changes: u64,
}

/// How incidents of one level were answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Responses {
    /// How many were opened.
    pub opened: u64,
    /// How long it took until somebody's message was taken by a provider, where somebody was paged.
    pub to_page: Spread,
    /// How long it took until a person took it on.
    pub to_acknowledge: Spread,
    /// How long it took until it was over.
    pub to_resolve: Spread,
    /// Of those that somebody was paged for, how many were taken on in time and how many were not.
    pub acknowledge: Kept,
    /// How many were over in time and how many were not.
    pub resolve: Kept,
}

/// How often a promise was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// How often it was.
    pub met: u64,
    /// How often it was not.
    pub missed: u64,
}

/// How often each kind of thing was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is a plural that says what it counts")]
pub struct Touched {
    pub incidents: u64,
    pub test_pages: u64,
    pub simulated: u64,
    pub decisions: u64,
    pub steps: u64,
    pub messages_accepted: u64,
    pub messages_failed: u64,
    pub answers: u64,
    pub notes: u64,
    pub denials: u64,
    pub policies_applied: u64,
    pub silences: u64,
    pub covers: u64,
    pub calendars: u64,
    pub accesses: u64,
    pub accesses_refused: u64,
    pub changes: u64,
    pub checkpoints: u64,
    pub evidence: u64,
}

/// How often something happened, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// A change that was made to a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns of the table of emergency changes")]
pub struct ChangeMade {
    pub service: String,
    pub at: Timestamp,
    pub stream: String,
    pub seq: u64,
    pub title: String,
    pub link: String,
}

/// That an incident of a service was open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Open {
    /// The service.
    pub service: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when, if it is over.
    pub until: Option<Timestamp>,
    /// The incident.
    pub incident: String,
}

impl Facts {
    /// Joins what other records come to. In whatever order and grouping that is done, it comes to the same.
    pub fn merge(&mut self, other: Self) {
        self.records += other.records;
        self.streams += other.streams;
        for (date, day) in other.days {
            let own = self.days.entry(date).or_default();
            own.changes += day.changes;
            sum(&mut own.opened, day.opened);
        }
        for (level, responses) in other.responses {
            self.responses.entry(level).or_default().merge(&responses);
        }
        sum(&mut self.services, other.services);
        self.touched.merge(&other.touched);
        for (kind, subjects) in other.exceptions {
            for (subject, times) in subjects {
                self.count_exception(&kind, &subject, &times);
            }
        }
        self.findings.merge(other.findings);
        self.changes.extend(other.changes);
        self.open.extend(other.open);
    }

    /// The day of `at`, in UTC.
    pub(super) fn day(&mut self, at: Timestamp) -> &mut Day {
        self.days.entry(at.to_zoned(tz::TimeZone::UTC).date()).or_default()
    }

    /// Counts an exception of `kind` that concerns `subject`.
    pub(super) fn exception(&mut self, kind: &str, subject: &str, at: Timestamp) {
        self.count_exception(kind, subject, &Times { count: 1, first: at, last: at });
    }

    fn count_exception(&mut self, kind: &str, subject: &str, times: &Times) {
        let subjects = self.exceptions.entry(kind.to_owned()).or_default();
        let own = subjects.entry(subject.to_owned()).or_insert_with(|| Times { count: 0, ..times.clone() });
        own.count += times.count;
        own.first = own.first.min(times.first);
        own.last = own.last.max(times.last);
    }

    /// The changes that were made to a service while an incident of it was open, each with the incident that was opened
    /// last, and a finding for each that nobody approved.
    pub fn emergencies(&self) -> (Vec<EmergencyRow>, Vec<Finding>) {
        let mut rows = Vec::new();
        let mut findings = Vec::new();
        for change in &self.changes {
            let first =
                Open { service: change.service.clone(), from: Timestamp::MIN, until: None, incident: String::new() };
            let last = Open {
                from: change.at,
                incident: "\u{10ffff}".to_owned(),
                until: Some(Timestamp::MAX),
                ..first.clone()
            };
            let mut open = self.open.range(first..=last).rev();
            let amid = open.find(|open| open.until.is_none_or(|until| change.at < until));
            let Some(open) = amid else { continue };
            rows.push(EmergencyRow {
                at: change.at.to_string(),
                service: change.service.clone(),
                title: change.title.clone(),
                link: change.link.clone(),
                incident: open.incident.clone(),
                approval: String::new(),
                stream: change.stream.clone(),
                seq: change.seq.to_string(),
            });
            findings.push(Finding {
                kind: FindingKind::MissingApproval,
                at: change.at,
                stream: change.stream.clone(),
                seq: Some(change.seq),
                subject: change.service.clone(),
                what: format!("{} was changed amid incident {}: {}", change.service, open.incident, change.title),
            });
        }
        (rows, findings)
    }
}

impl Responses {
    fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.to_page.merge(&other.to_page);
        self.to_acknowledge.merge(&other.to_acknowledge);
        self.to_resolve.merge(&other.to_resolve);
        self.acknowledge.merge(other.acknowledge);
        self.resolve.merge(other.resolve);
    }
}

impl Kept {
    /// Counts a promise that was kept, or was not.
    pub(super) fn count(&mut self, met: bool) {
        *(if met { &mut self.met } else { &mut self.missed }) += 1;
    }

    fn merge(&mut self, other: Self) {
        self.met += other.met;
        self.missed += other.missed;
    }
}

impl Touched {
    fn merge(&mut self, other: &Self) {
        let Self {
            incidents,
            test_pages,
            simulated,
            decisions,
            steps,
            messages_accepted,
            messages_failed,
            answers,
            notes,
            denials,
            policies_applied,
            silences,
            covers,
            calendars,
            accesses,
            accesses_refused,
            changes,
            checkpoints,
            evidence,
        } = other;
        self.incidents += incidents;
        self.test_pages += test_pages;
        self.simulated += simulated;
        self.decisions += decisions;
        self.steps += steps;
        self.messages_accepted += messages_accepted;
        self.messages_failed += messages_failed;
        self.answers += answers;
        self.notes += notes;
        self.denials += denials;
        self.policies_applied += policies_applied;
        self.silences += silences;
        self.covers += covers;
        self.calendars += calendars;
        self.accesses += accesses;
        self.accesses_refused += accesses_refused;
        self.changes += changes;
        self.checkpoints += checkpoints;
        self.evidence += evidence;
    }
}

fn sum(own: &mut BTreeMap<String, u64>, other: BTreeMap<String, u64>) {
    for (name, count) in other {
        *own.entry(name).or_default() += count;
    }
}
