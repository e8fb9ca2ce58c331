//! Promises about checking: what is whole is said to be, and each thing that can break is named, and nothing else is.

use super::*;
use crate::cause::Cause;
use crate::escalation::{self, Outcome};
use crate::incident::{Actor, Command};
use crate::policy::parse;
use crate::route;
use crate::signal::{Action, Alert, Severity};

const POLICY: &str = r"
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
schedules:
  later: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-11-23T00:00 } }
escalations:
  one: { steps: [{ notify: [person:ana], wait: 5m }] }
  gap: { steps: [{ notify: [schedule:later], wait: 5m }] }
catch_all: { escalation: one }
";

fn start() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().expect("an instant")
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// A world of one incident, written as the stores write it.
struct World {
    policy: Policy,
    incidents: Vec<Incident>,
    logs: BTreeMap<String, Vec<Entry>>,
    executions: Vec<Execution>,
    accepted: Vec<Accepted>,
    covered: Option<BTreeMap<String, Covered>>,
}

impl World {
    /// One incident, opened and routed at the start.
    fn new() -> Self {
        let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        let fingerprint = Fingerprint::of("pd", "k");
        let incident = Incident::expected(IncidentId { fingerprint: fingerprint.clone(), generation: 1 });
        let accepted = vec![Accepted { id: "s1".to_owned(), fingerprint, at: start() }];
        let executions = vec![Execution { name: incident.id.to_string(), running: true }];
        let (logs, covered) = (BTreeMap::new(), None);
        let mut world = Self { policy, incidents: vec![incident], logs, executions, accepted, covered };
        let seen = crate::incident::Seen {
            id: "s1".to_owned(),
            action: Action::Trigger,
            at: start(),
            received_at: start(),
            severity: Severity::default(),
        };
        let (integration, key) = ("pd".to_owned(), "k".to_owned());
        let opened = Event::Opened { integration, key, alert: Alert::default(), follows: None };
        world.write(0, vec![opened, Event::Signalled { signals: vec![seen] }]);
        let decision = route::fallback(world.incident(), &world.policy, &world.policy.hash(), start(), "a test");
        world.write(0, vec![Event::Routed { decision }]);
        world
    }

    fn incident(&self) -> &Incident {
        &self.incidents[0]
    }

    fn write(&mut self, seconds: i64, events: Vec<Event>) {
        let incident = &mut self.incidents[0];
        let record = incident.record(&Cause::own(format!("c{}", incident.seq)), events, after(seconds));
        let entry = record.seal();
        incident.fold(&record, entry.hash.clone());
        self.logs.entry(incident.id.stream()).or_default().push(entry);
    }

    /// One look, whose messages come to `outcome`.
    fn look(&mut self, seconds: i64, outcome: Option<&Outcome>) {
        let cause = format!("look {seconds}");
        let around = escalation::Around { policy: &self.policy, covers: Covers::NONE, silenced_until: None, turn: 0 };
        let due = escalation::due(self.incident(), around, &cause, after(seconds));
        if !due.is_empty() {
            self.write(seconds, due);
        }
        let sent = self.incident().paging.to_send(&cause).map(|delivery| delivery.id.clone()).collect::<Vec<_>>();
        let outcomes: Vec<_> = sent.into_iter().zip(std::iter::repeat(outcome.cloned())).collect();
        let outcomes: Vec<_> = outcomes.into_iter().filter_map(|(id, outcome)| Some((id, outcome?))).collect();
        if !outcomes.is_empty() {
            self.write(seconds, vec![Event::Sent { outcomes }]);
        }
    }

    fn ask(&mut self, seconds: i64, command: Command) {
        let events = self.incident().decide(command, after(seconds)).expect("allowed");
        self.write(seconds, events);
    }

    fn check_at(&self, seconds: i64) -> Report {
        let policy = |_: &Hash| &self.policy;
        let over_since = |_: &IncidentId| None;
        let silences = &Silences::default();
        let (covers, grace, now) = (Covers::NONE, GRACE, after(seconds));
        check(&State {
            incidents: &self.incidents,
            logs: &self.logs,
            executions: &self.executions,
            accepted: &self.accepted,
            covered: self.covered.as_ref(),
            around: Around { policy: &policy, covers, silences, over_since: &over_since, grace, now },
        })
    }

    fn faults_at(&self, seconds: i64) -> Vec<Fault> {
        self.check_at(seconds).findings.into_iter().map(|finding| finding.fault).collect()
    }

    /// Covers all records by a checkpoint.
    fn cover(&mut self) {
        let covered =
            |log: &Vec<Entry>| Covered { size: log.len() as u64, head: log.last().expect("records").hash.clone() };
        self.covered = Some(self.logs.iter().map(|(name, log)| (name.clone(), covered(log))).collect());
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: None }
}

fn failed() -> Outcome {
    Outcome::Failed { reason: "busy".to_owned(), retry_after: None }
}

fn ana() -> Actor {
    Actor::person("ana")
}

#[test]
fn an_incident_that_went_well_is_well_at_every_time() {
    let mut world = World::new();
    world.look(1, Some(&failed()));
    world.look(16, Some(&accepted()));
    assert!(world.check_at(17).is_well(), "{:#?}", world.check_at(17));
    world.ask(100, Command::Acknowledge { by: ana() });
    world.ask(200, Command::Resolve { by: ana() });
    world.cover();
    let report = world.check_at(1_000_000);
    assert_eq!(report, Report { incidents: 1, records: 8, findings: Vec::new() });
}

#[test]
fn nothing_at_all_is_well() {
    let mut world = World::new();
    (world.incidents, world.logs, world.accepted) = (Vec::new(), BTreeMap::new(), Vec::new());
    assert_eq!(world.check_at(0), Report::default());
}

/// Breaks a world.
type Breaks = fn(&mut World);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_thing_that_can_break_is_named_and_nothing_else_is() {
    let table: &[(&str, Breaks, i64, &[Fault])] = &[
        ("nobody looked", |_| (), 61, &[Fault::Overdue]),
        ("somebody still may look", |_| (), 59, &[]),
        ("a message is stuck", |world| world.look(1, None), 92, &[Fault::Overdue]),
        (
            "an alert was taken and is nowhere",
            |world| world.accepted[0].id = "s2".to_owned(),
            60,
            &[Fault::SignalLost, Fault::Overdue],
        ),
        (
            "a record was changed",
            |world| {
                let log = world.logs.values_mut().next().unwrap();
                log[1].body = log[1].body.replace("a test", "a lie");
            },
            0,
            &[Fault::Broken],
        ),
        (
            "the last record is gone",
            |world| {
                world.cover();
                world.logs.values_mut().next().unwrap().pop();
            },
            0,
            &[Fault::Rewritten, Fault::SnapshotDiffers],
        ),
        (
            "the log was written anew",
            |world| {
                world.cover();
                world.covered.as_mut().unwrap().values_mut().next().unwrap().head = Hash::zero();
            },
            0,
            &[Fault::Rewritten],
        ),
        ("the snapshot is gone", |world| world.incidents.clear(), 0, &[Fault::SnapshotDiffers]),
        ("the snapshot says otherwise", |world| world.incidents[0].occurrences = 7, 0, &[Fault::SnapshotDiffers]),
        (
            "two executions are in charge",
            |world| {
                let name = format!("{}-c1", world.incident().id);
                world.executions.push(Execution { name, running: true });
            },
            0,
            &[Fault::TwoExecutions],
        ),
        (
            "one more look, and one of another incident, are no second execution",
            |world| {
                let name = format!("{}-look-0123456789abcdef", world.incident().id);
                let other = format!("{}0", world.incident().id);
                world.executions.extend([name, other].map(|name| Execution { name, running: true }));
            },
            0,
            &[],
        ),
        (
            "a step began twice",
            |world| {
                world.look(1, Some(&accepted()));
                let log = world.logs.values().next().unwrap();
                let began = Record::<Event>::open(&log[2]).unwrap().events.swap_remove(0);
                world.write(2, vec![began]);
                world.ask(3, Command::Acknowledge { by: ana() });
            },
            4,
            &[Fault::BegunTwice],
        ),
        (
            "somebody was told after an answer",
            |world| {
                world.look(1, Some(&accepted()));
                world.ask(2, Command::Acknowledge { by: ana() });
                let log = world.logs.values().next().unwrap();
                let sending = Record::<Event>::open(&log[2]).unwrap().events.pop().unwrap();
                world.write(3, vec![sending]);
            },
            4,
            &[Fault::ToldAfterwards],
        ),
        (
            "a contact was tried before the last attempt could be lost",
            |world| {
                world.look(1, None);
                let log = world.logs.values().next().unwrap();
                let sending = Record::<Event>::open(&log[2]).unwrap().events.pop().unwrap();
                world.write(3, vec![sending]);
            },
            4,
            &[Fault::TriedTooOften],
        ),
        (
            "no provider took anything",
            |world| {
                let mut second = 1;
                while !world.incident().paging.exhausted {
                    world.look(second, Some(&failed()));
                    second += 15;
                }
            },
            100_000,
            &[Fault::Untold],
        ),
        (
            "a problem has two open incidents",
            |world| {
                let mut next = World::new();
                next.incidents[0].id.generation = 2;
                next.incidents[0] = Incident::expected(next.incidents[0].id.clone());
                next.logs.clear();
                let opened = Event::Opened {
                    integration: "pd".to_owned(),
                    key: "k".to_owned(),
                    alert: Alert::default(),
                    follows: None,
                };
                next.write(0, vec![opened]);
                world.incidents.append(&mut next.incidents);
                world.logs.append(&mut next.logs);
            },
            1,
            &[Fault::TwoOpen],
        ),
    ];
    for (name, breaks, at, expected) in table {
        let mut world = World::new();
        breaks(&mut world);
        assert_eq!(world.faults_at(*at), *expected, "{name}: {:#?}", world.check_at(*at).findings);
    }
}

#[test]
fn a_record_that_no_checkpoint_covers_is_late_after_two_hours() {
    let mut world = World::new();
    world.look(1, Some(&accepted()));
    world.ask(2, Command::Resolve { by: ana() });
    world.cover();
    world.ask(10, Command::Note { by: ana(), text: "a disk".to_owned() });
    assert_eq!(world.faults_at(7209), []);
    assert_eq!(world.faults_at(7210), [Fault::Uncovered]);
    let other = World { covered: None, ..world };
    assert_eq!(other.faults_at(1_000_000), [], "where no checkpoints are made none is late");
}

#[test]
fn a_gap_ahead_is_said_and_breaks_nothing() {
    let world = World::new();
    let mut report = Report { findings: gaps(&world.policy, Covers::NONE, start()), ..Report::default() };
    assert_eq!(report.findings, [], "the schedule begins later, and nobody is on call until then already");
    assert!(report.is_well());
    let covers = Covers::NONE;
    let policy = parse(&POLICY.replace("start: 2026-11-23T00:00", "start: 2026-11-20T00:00, end: 2026-11-24T00:00"));
    let policy = policy.unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    report.findings = gaps(&policy, covers, start());
    assert_eq!(report.findings.iter().map(|finding| finding.fault).collect::<Vec<_>>(), [Fault::Gap]);
    assert!(report.is_well());
}

#[test]
fn a_run_with_faults_ends_as_the_one_without_or_the_difference_is_named() {
    let (mut without, mut with) = (World::new(), World::new());
    without.look(1, Some(&accepted()));
    with.look(400, Some(&failed()));
    assert_eq!(same_ends(&without.incidents, &with.incidents), [], "messages may differ");
    with.ask(500, Command::Acknowledge { by: ana() });
    let differs = same_ends(&without.incidents, &with.incidents);
    assert_eq!(differs.iter().map(|finding| finding.fault).collect::<Vec<_>>(), [Fault::EndsDiffer]);
    assert_eq!(same_ends(&without.incidents, &[]).len(), 1);
}

#[test]
fn each_fault_says_what_it_means_and_what_repairs_it_and_the_worst_come_first() {
    assert!(Fault::ALL.is_sorted());
    for fault in Fault::ALL {
        assert!(!fault.means().is_empty() && !fault.repair().how().is_empty(), "{fault:?}");
        assert!((1..=11).contains(&fault.invariant().0), "{fault:?}");
    }
    let finding = Finding::new(Fault::Gap, None, "a place");
    assert_eq!(finding.to_string(), "INV8 a place: a page at that time goes past this step");
}

#[test]
fn l06_a_canary_in_a_line_is_found() {
    assert_eq!(leaks(&["whsec_x", "ana@example.org"], "{\"to\":\"ana@example.org\"}"), ["ana@example.org"]);
    assert_eq!(leaks(&["whsec_x"], ""), [""; 0]);
}
