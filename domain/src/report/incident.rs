//! What the log of an incident says: how it was answered, and what did not go as it should.

use jiff::{SignedDuration, Timestamp};

use super::reader::word;
use super::table::{ExceptionRow, IncidentRow};
use super::{Finding, FindingKind, Gathered, Period, ocsf, target};
use crate::escalation::Outcome;
use crate::incident::{Actor, Event, Incident, IncidentId, TEST_PAGES};
use crate::log::{Entry, Hash, Record};
use crate::policy::{Handling, Ladder};

/// What a level is called where there is none.
pub(super) const UNSET: &str = "unset";

/// An incident as its log tells it, up to the end of the period.
#[derive(Debug)]
pub(super) struct Story {
    incident: Incident,
    opened_seq: u64,
    paged_at: Option<Timestamp>,
    taken: Option<(Timestamp, Actor)>,
    steps: u64,
    accepted: u64,
    failed: u64,
}

impl Story {
    pub(super) fn new(id: IncidentId) -> Self {
        Self {
            incident: Incident::expected(id),
            opened_seq: 0,
            paged_at: None,
            taken: None,
            steps: 0,
            accepted: 0,
            failed: 0,
        }
    }

    /// The service that it concerns, as far as it is known.
    pub(super) fn service(&self) -> Option<&str> {
        self.incident.service()
    }

    /// Folds the next record, and tells what happened `within` the period. A record that cannot be read is left out.
    pub(super) fn push(&mut self, body: &str, within: bool, gathered: &mut Gathered) -> Result<(), serde_json::Error> {
        let entry = Entry { body: body.to_owned(), hash: Hash::of(body.as_bytes()) };
        let record = Record::<Event>::open(&entry)?;
        self.incident.fold(&record, entry.hash);
        for event in &record.events {
            self.follow(event, &record);
            if within {
                self.tell(event, &record, gathered);
            }
        }
        Ok(())
    }

    /// Remembers what the incident itself forgets.
    fn follow(&mut self, event: &Event, record: &Record<Event>) {
        match event {
            Event::Opened { .. } => self.opened_seq = record.seq,
            Event::StepBegan { .. } => self.steps += 1,
            Event::Sent { outcomes } => {
                for (_, outcome) in outcomes {
                    match outcome {
                        Outcome::Accepted { .. } => {
                            self.accepted += 1;
                            self.paged_at.get_or_insert(record.at);
                        }
                        Outcome::Rejected { .. } | Outcome::Undelivered { .. } | Outcome::Failed { .. } => {
                            self.failed += 1;
                        }
                        _ => {}
                    }
                }
            }
            // Whoever ends it had taken it on.
            Event::Acknowledged { by, .. }
            | Event::AcknowledgedInPart { by }
            | Event::Snoozed { by, .. }
            | Event::Resolved { by, .. }
                if is_person(by) =>
            {
                self.taken.get_or_insert_with(|| (record.at, by.clone()));
            }
            _ => {}
        }
    }

    fn tell(&self, event: &Event, record: &Record<Event>, gathered: &mut Gathered) {
        let touched = &mut gathered.facts.touched;
        match event {
            Event::Routed { decision } => {
                touched.decisions += 1;
                if decision.catch_all && decision.handling == Handling::Page {
                    self.except("catch_all", &self.concerned(), &decision.why, record, gathered);
                }
            }
            Event::StepBegan { nobody, .. } => {
                touched.steps += 1;
                for why in nobody {
                    self.except("nobody_found", &self.concerned(), why, record, gathered);
                    self.find(FindingKind::NobodyOnCall, format!("a step found nobody: {why}"), record, gathered);
                }
            }
            Event::Sent { outcomes } => {
                for (delivery, outcome) in outcomes {
                    match outcome {
                        Outcome::Accepted { .. } => gathered.facts.touched.messages_accepted += 1,
                        Outcome::Rejected { reason } | Outcome::Undelivered { reason } => {
                            gathered.facts.touched.messages_failed += 1;
                            let known = self.incident.paging.deliveries.iter().find(|known| known.id == *delivery);
                            let whom = known.map(|known| format!("{} by {}", known.to, known.channel));
                            self.except("undelivered", &whom.unwrap_or_default(), reason, record, gathered);
                        }
                        Outcome::Failed { .. } => gathered.facts.touched.messages_failed += 1,
                        _ => {}
                    }
                }
            }
            Event::NobodyAnswered => {
                let what = "every step, every repeat and the catch-all are through, and nobody answered";
                self.except("nobody_answered", &self.concerned(), what, record, gathered);
                let title = format!("nobody answered: {}", self.incident.alert.title);
                self.find(FindingKind::NobodyAnswered, title, record, gathered);
            }
            Event::Denied { by, asked } => {
                touched.denials += 1;
                let what = format!("{} may not {asked}", by.as_str());
                self.except("denied", by.as_str(), &what, record, gathered);
            }
            Event::Noted { .. } => touched.notes += 1,
            Event::Acknowledged { by, .. }
            | Event::AcknowledgedInPart { by }
            | Event::Snoozed { by, .. }
            | Event::Unacknowledged { by }
            | Event::Reassigned { by, .. }
            | Event::Escalated { by }
            | Event::Resolved { by, .. }
                if is_person(by) =>
            {
                touched.answers += 1;
            }
            Event::AcknowledgementExpired => {
                let what = "an acknowledgement ran out, and it paged again";
                self.except("acknowledgement_expired", &self.concerned(), what, record, gathered);
            }
            _ => {}
        }
    }

    /// Tells of the incident as a whole.
    pub(super) fn finish(&self, period: &Period, gathered: &mut Gathered) {
        let Some(opened_at) = self.incident.opened_at else { return };
        let opened = period.contains(&opened_at);
        if self.incident.integration == TEST_PAGES {
            gathered.facts.touched.test_pages += u64::from(opened);
            return;
        }
        if opened {
            self.count(opened_at, period.end, gathered);
        }
        let row = self.row(opened_at, opened, period.end);
        gathered.event(&ocsf::incident(&self.incident, &row, self.changed_at(opened_at)));
        gathered.row(&row);
        if let Some(service) = self.incident.service() {
            gathered.facts.open.insert(super::facts::Open {
                service: service.to_owned(),
                from: opened_at,
                until: self.incident.resolution.as_ref().map(|resolution| resolution.at),
                incident: self.incident.id.to_string(),
            });
        }
    }

    /// Counts an incident that was opened in the period, as it stood at its end.
    fn count(&self, opened_at: Timestamp, end: Timestamp, gathered: &mut Gathered) {
        let level = self.level();
        let facts = &mut gathered.facts;
        facts.touched.incidents += 1;
        facts.touched.simulated += u64::from(self.is_simulated());
        *facts.day(opened_at).opened.entry(level.clone()).or_default() += 1;
        *facts.services.entry(self.concerned()).or_default() += 1;
        let responses = facts.responses.entry(level).or_default();
        responses.opened += 1;
        if let Some(paged_at) = self.paged_at {
            responses.to_page.add(paged_at.duration_since(opened_at));
        }
        if let Some((at, _)) = &self.taken {
            responses.to_acknowledge.add(at.duration_since(opened_at));
        }
        if let Some(resolution) = &self.incident.resolution {
            responses.to_resolve.add(resolution.at.duration_since(opened_at));
        }
        if let Some(met) = self.acknowledged_in_time(opened_at, end) {
            responses.acknowledge.count(met);
        }
        if let Some(met) = self.resolved_in_time(opened_at, end) {
            responses.resolve.count(met);
        }
        let unowned = |found: &crate::enrich::Enrichment| found.team.is_none();
        let routed = self.incident.decision.as_ref().is_some_and(|decision| decision.team.is_some());
        if self.incident.enrichment.as_ref().is_some_and(unowned) && !routed {
            let what = format!("no team is known for: {}", self.incident.alert.title);
            gathered
                .except(&self.exception("unowned", &self.concerned(), &what, opened_at, self.opened_seq), opened_at);
            gathered.find(self.finding(FindingKind::UnownedAlert, what, opened_at, self.opened_seq));
        }
    }

    /// Whether somebody took it on in time; `None` where nobody was paged, it was over before, or the time is not up.
    fn acknowledged_in_time(&self, opened_at: Timestamp, end: Timestamp) -> Option<bool> {
        self.paged_at?;
        let due = opened_at.checked_add(target(self.ladder()).acknowledge).ok()?;
        let over = self.incident.resolution.as_ref().map(|resolution| resolution.at);
        match (&self.taken, over) {
            (Some((at, _)), _) => Some(*at <= due),
            (None, Some(over)) if over <= due => None,
            (None, Some(_)) => Some(false),
            (None, None) => (due < end).then_some(false),
        }
    }

    /// Whether it was over in time; `None` where nobody was to be told of it, or the time is not up.
    fn resolved_in_time(&self, opened_at: Timestamp, end: Timestamp) -> Option<bool> {
        self.paged_at?;
        let due = opened_at.checked_add(target(self.ladder()).resolve).ok()?;
        match &self.incident.resolution {
            Some(resolution) => Some(resolution.at <= due),
            None => (due < end).then_some(false),
        }
    }

    fn row(&self, opened_at: Timestamp, opened: bool, end: Timestamp) -> IncidentRow {
        let incident = &self.incident;
        let decision = incident.decision.as_ref();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let after = |at: Option<Timestamp>| at.map(|at| seconds(at.duration_since(opened_at))).unwrap_or_default();
        let verdict = |met: Option<bool>| met.map(|met| if met { "yes" } else { "no" }.to_owned()).unwrap_or_default();
        let resolved_at = incident.resolution.as_ref().map(|resolution| resolution.at);
        let taken_at = self.taken.as_ref().map(|(at, _)| *at);
        let promised = target(self.ladder());
        let route = decision.and_then(|decision| decision.trace.iter().rev().find(|looked| looked.matched));
        IncidentRow {
            incident: incident.id.to_string(),
            opened_at: opened_at.to_string(),
            opened_in_period: if opened { "yes" } else { "no" }.to_owned(),
            service: incident.service().unwrap_or_default().to_owned(),
            team: self.team().unwrap_or_default().to_owned(),
            severity: self.ladder().map(|level| level.as_str().to_owned()).unwrap_or_default(),
            reported_severity: incident.severity().as_str().to_owned(),
            title: incident.alert.title.clone(),
            source: incident.alert.source.clone(),
            integration: incident.integration.clone(),
            key: incident.key.clone(),
            labels: serde_json::to_string(&incident.alert.labels).expect("labels are texts"),
            status: incident.status.as_str().to_owned(),
            handling: decision.map(|decision| word(&decision.handling)).unwrap_or_default(),
            route: route.map(|looked| looked.route.clone()).unwrap_or_default(),
            policy: decision.map(|decision| decision.policy.to_string()).unwrap_or_default(),
            occurrences: incident.occurrences.to_string(),
            first_paged_at: time(self.paged_at),
            acknowledged_at: time(taken_at),
            acknowledged_by: self.taken.as_ref().map(|(_, by)| by.as_str().to_owned()).unwrap_or_default(),
            resolved_at: time(resolved_at),
            resolved_by: incident.resolution.as_ref().map(|over| over.by.as_str().to_owned()).unwrap_or_default(),
            seconds_to_page: after(self.paged_at),
            seconds_to_acknowledge: after(taken_at),
            seconds_to_resolve: after(resolved_at),
            acknowledge_target_seconds: seconds(promised.acknowledge),
            acknowledge_target_met: verdict(self.acknowledged_in_time(opened_at, end)),
            resolve_target_seconds: seconds(promised.resolve),
            resolve_target_met: verdict(self.resolved_in_time(opened_at, end)),
            steps: self.steps.to_string(),
            messages_accepted: self.accepted.to_string(),
            messages_failed: self.failed.to_string(),
            silenced_by: names(incident.silenced_by.iter().map(|hold| hold.silence.as_str())),
            group: incident.member_of.as_ref().map(ToString::to_string).unwrap_or_default(),
            records: incident.seq.to_string(),
            head: incident.head.to_string(),
        }
    }

    fn ladder(&self) -> Option<Ladder> {
        self.incident.decision.as_ref()?.level
    }

    fn level(&self) -> String {
        self.ladder().map_or(UNSET, Ladder::as_str).to_owned()
    }

    fn is_simulated(&self) -> bool {
        self.incident.decision.as_ref().is_some_and(|decision| !decision.mode.executes())
    }

    fn team(&self) -> Option<&str> {
        let routed = self.incident.decision.as_ref().and_then(|decision| decision.team.as_deref());
        routed.or(self.incident.enrichment.as_ref().and_then(|found| found.team.as_deref()))
    }

    /// When it changed last, as far as that is told: opened, taken on or over.
    fn changed_at(&self, opened_at: Timestamp) -> Timestamp {
        let over = self.incident.resolution.as_ref().map(|resolution| resolution.at);
        over.or(self.taken.as_ref().map(|(at, _)| *at)).unwrap_or(opened_at)
    }

    /// What it concerns, for people: its service, or else the sender.
    fn concerned(&self) -> String {
        let sender = || format!("integration {}", self.incident.integration);
        self.incident.service().map_or_else(sender, str::to_owned)
    }

    fn except(&self, kind: &str, subject: &str, what: &str, record: &Record<Event>, gathered: &mut Gathered) {
        gathered.except(&self.exception(kind, subject, what, record.at, record.seq), record.at);
    }

    fn exception(&self, kind: &str, subject: &str, what: &str, at: Timestamp, seq: u64) -> ExceptionRow {
        ExceptionRow {
            at: at.to_string(),
            kind: kind.to_owned(),
            incident: self.incident.id.to_string(),
            service: self.incident.service().unwrap_or_default().to_owned(),
            subject: subject.to_owned(),
            what: what.to_owned(),
            stream: self.incident.id.stream(),
            seq: seq.to_string(),
        }
    }

    fn find(&self, kind: FindingKind, what: String, record: &Record<Event>, gathered: &mut Gathered) {
        gathered.find(self.finding(kind, what, record.at, record.seq));
    }

    fn finding(&self, kind: FindingKind, what: String, at: Timestamp, seq: u64) -> Finding {
        Finding { kind, at, stream: self.incident.id.stream(), seq: Some(seq), subject: self.concerned(), what }
    }
}

fn is_person(by: &Actor) -> bool {
    !by.is_integration() && *by != Actor::watchkeeper()
}

fn seconds(duration: SignedDuration) -> String {
    duration.as_secs().to_string()
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}
