//! A model of everything that happens to one incident at once: executions that look, die and come again; people who
//! answer; senders who change their mind; and time that passes.
//!
//! Executions and people load, decide and append as the functions do, and every order of their steps is drawn at
//! random. After each step the promises of paging must hold.

use proptest::prelude::*;

use super::*;
use crate::cause::{Cause, Proof};
use crate::dedup;
use crate::fingerprint::Fingerprint;
use crate::fsck;
use crate::incident::{Actor, Command, IncidentId};
use crate::log::{self, Entry, Hash, Record};
use crate::policy::{Ladder, Rung, parse};
use crate::recent::Known;
use crate::route;
use crate::signal::{Action, Alert, Signal};
use crate::silence::Silences;

const POLICY: &str = r"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }, { sms: +15550101, after: 1m }] }
  ben:
    contacts: [{ sms: +15550102 }]
    quiet: { from: 22:00, until: 04:10, time_zone: Europe/Berlin }
  eve: { contacts: [{ sms: +15550104 }] }
teams: { all: { members: [ana, ben, eve] } }
schedules:
  nobody: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2030-01-01T00:00 } }
escalations:
  mixed:
    steps:
      - { notify: [team:all], wait: 5m, round_robin: true }
      - { notify: [schedule:nobody], wait: 5m }
      - { notify: [person:ana, person:eve], wait: 5m, acknowledge: everybody }
    repeat: 1
    acknowledgement_expires: 20m
  all: { steps: [{ notify: [team:all], wait: 5m }] }
  last: { steps: [{ notify: [person:eve], wait: 10m }] }
catch_all: { escalation: last }
";

/// One thing that happens next.
#[derive(Debug, Clone)]
enum Move {
    /// An execution does its next step.
    Step(prop::sample::Index),
    /// An execution's function dies; its request comes again.
    Die(prop::sample::Index),
    /// Somebody asks, once or twice.
    Ask { ask: Ask, who: usize, again: bool },
    /// A sender says something.
    Signal(Action),
    /// Time passes.
    Pass(i64),
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Acknowledge,
    Unacknowledge,
    Snooze,
    Reassign,
    Escalate,
    Resolve,
}

/// What an execution does now.
enum Stage {
    Sleeping(Timestamp),
    Loading,
    Loaded(Box<Incident>, Timestamp),
    Concluding(Vec<(String, Outcome)>),
    Over,
}

struct Execution {
    name: usize,
    looks: u32,
    stage: Stage,
}

impl Execution {
    fn cause(&self) -> String {
        format!("execution {}/{}", self.name, self.looks)
    }
}

struct Model {
    policy: Policy,
    snapshot: Incident,
    entries: Vec<Entry>,
    now: Timestamp,
    executions: Vec<Execution>,
    fates: Vec<u8>,
    sent: usize,
    turns: u64,
    asked: usize,
    signals: usize,
}

impl Model {
    fn new(fates: Vec<u8>, handling: Handling) -> Self {
        let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
        let now = "2026-11-21T03:00:00Z".parse().expect("an instant");
        let snapshot = Incident::expected(id);
        let executions = vec![Execution { name: 0, looks: 0, stage: Stage::Loading }];
        let mut model = Self {
            policy,
            snapshot,
            entries: Vec::new(),
            now,
            executions,
            fates,
            sent: 0,
            turns: 0,
            asked: 0,
            signals: 0,
        };
        model.signal(Action::Trigger);
        let mut decision = route::fallback(&model.snapshot, &model.policy, &model.policy.hash(), now, "a test");
        decision.escalation = "mixed".to_owned();
        decision.catch_all = false;
        decision.handling = handling;
        let follow_up = Some(SignedDuration::from_mins(30)).filter(|_| handling == Handling::Ticket);
        decision.rung = Some(Rung { follow_up, ..Rung::default() });
        decision.level = Some(Ladder::Sev2);
        // As routing has it: only a page asks for an answer that lasts.
        let expires = Some(SignedDuration::from_mins(20));
        decision.acknowledgement_expires = expires.filter(|_| handling == Handling::Page);
        let loaded = model.snapshot.clone();
        assert!(model.append(&loaded, "route", vec![Event::Routed { decision }]));
        model
    }

    fn around(&self) -> Around<'_> {
        Around { policy: &self.policy, covers: Covers::NONE, silenced_until: None, turn: self.turns }
    }

    /// Appends what was decided on `loaded`, unless somebody else appended since.
    fn append(&mut self, loaded: &Incident, cause: &str, events: Vec<Event>) -> bool {
        if loaded.seq != self.snapshot.seq {
            return false;
        }
        // What is about to be sent is for an incident that nobody has, and for nobody who answered already.
        let mut before = loaded.clone();
        for event in &events {
            if let Event::Sending { attempts } = event {
                assert_eq!(before.status, Status::Triggered, "a page after somebody took it on");
                assert!(attempts.iter().all(|attempt| !before.is_spared(&attempt.to)), "a page to who answered");
            }
            before.apply(event, self.now);
        }
        let record = loaded.record(&Cause::own(cause), events, self.now);
        let entry = record.seal();
        self.snapshot.fold(&record, entry.hash.clone());
        self.entries.push(entry);
        true
    }

    fn step(&mut self, place: usize) {
        let (cause, now) = (self.executions[place].cause(), self.now);
        let stage = std::mem::replace(&mut self.executions[place].stage, Stage::Loading);
        let after = match stage {
            Stage::Sleeping(until) if until > now => Stage::Sleeping(until),
            Stage::Sleeping(_) => {
                self.executions[place].looks += 1;
                Stage::Loading
            }
            Stage::Loading => Stage::Loaded(Box::new(self.snapshot.clone()), now),
            Stage::Loaded(loaded, at) => self.look(*loaded, &cause, at),
            Stage::Concluding(outcomes) => {
                if !outcomes.is_empty() {
                    let loaded = self.snapshot.clone();
                    self.append(&loaded, &cause, vec![Event::Sent { outcomes }]);
                }
                match next(&self.snapshot, self.around(), now) {
                    Next::At(at) => Stage::Sleeping(at),
                    Next::Over(_) => Stage::Over,
                }
            }
            Stage::Over => Stage::Over,
        };
        self.executions[place].stage = after;
    }

    /// Writes down what is due, and sends it.
    fn look(&mut self, loaded: Incident, cause: &str, at: Timestamp) -> Stage {
        let mut events = due(&loaded, self.around(), cause, at);
        if picks(&events).is_some() {
            self.turns += 1;
            events = due(&loaded, self.around(), cause, at);
        }
        let mut incident = loaded;
        if !events.is_empty() {
            if !self.append(&incident, cause, events) {
                return Stage::Loading;
            }
            incident = self.snapshot.clone();
        }
        let ids: Vec<String> = incident.paging.to_send(cause).map(|delivery| delivery.id.clone()).collect();
        let outcomes = ids.into_iter().map(|id| (id, self.fate(incident.status))).collect();
        Stage::Concluding(outcomes)
    }

    fn fate(&mut self, status: Status) -> Outcome {
        if status != Status::Triggered {
            return Outcome::Cancelled { reason: "nobody needs it".to_owned() };
        }
        self.sent += 1;
        match self.fates[self.sent % self.fates.len()] {
            0 => Outcome::Rejected { reason: "no such number".to_owned() },
            1 => Outcome::Failed { reason: "busy".to_owned(), retry_after: None },
            _ => Outcome::Accepted { reference: None },
        }
    }

    /// One answer, as the respond function takes it: an execution looks again where the rest may be over or asleep.
    fn ask(&mut self, ask: Ask, who: usize, again: bool) {
        let by = Actor::person(["ana", "ben", "eve"][who]);
        let until = self.now + SignedDuration::from_mins(45);
        let command = match ask {
            Ask::Acknowledge => Command::Acknowledge { by },
            Ask::Unacknowledge => Command::Unacknowledge { by },
            Ask::Snooze => Command::Snooze { by, until },
            Ask::Reassign => {
                let to = ["person:eve", "team:all", "schedule:nobody", "escalation:all"][self.asked % 4];
                Command::Reassign { by, to: Assignee::try_from(to.to_owned()).expect("an assignee") }
            }
            Ask::Escalate => Command::Escalate { by },
            Ask::Resolve => Command::Resolve { by },
        };
        self.asked += 1;
        let cause = format!("request {}", self.asked);
        self.command(&command, &cause);
        if again {
            let before = self.snapshot.clone();
            self.command(&command, &cause);
            assert_eq!(self.snapshot, before, "{command:?} came again");
        }
    }

    fn command(&mut self, command: &Command, cause: &str) {
        let loaded = self.snapshot.clone();
        if loaded.knows_cause(cause, self.now) == Known::Yes {
            return;
        }
        let events = loaded.decide(command.clone(), self.now).unwrap_or_default();
        if !events.is_empty() {
            assert!(self.append(&loaded, cause, events));
        }
        if command.needs_a_look(&self.snapshot) {
            self.look_again();
        }
    }

    fn look_again(&mut self) {
        let name = self.executions.len();
        self.executions.push(Execution { name, looks: 0, stage: Stage::Loading });
    }

    fn signal(&mut self, action: Action) {
        self.signals += 1;
        let fingerprint = Fingerprint::of("pd", "k");
        let signal = Signal {
            id: format!("s{}", self.signals),
            integration: "pd".to_owned(),
            proof: Proof::SenderToken,
            action,
            fingerprint: fingerprint.clone(),
            key: "k".to_owned(),
            at: self.now,
            received_at: self.now,
            unique_since: self.now,
            alert: Alert::default(),
        };
        let latest = Some(&self.snapshot).filter(|snapshot| snapshot.seq > 0);
        let merge = dedup::merge(&fingerprint, latest, std::slice::from_ref(&signal), |_| false, self.now);
        // What comes after the end belongs to the next incident, and to another log.
        if merge.incident.id == self.snapshot.id && !merge.events.is_empty() {
            let loaded = self.snapshot.clone();
            let taken = merge.events.iter().any(|event| matches!(event, Event::Acknowledged { .. }));
            assert!(self.append(&loaded, &format!("signals/{}", signal.id), merge.events));
            // As the dedup function does: after the last step nobody looks any more.
            if taken && self.snapshot.paging.exhausted {
                self.look_again();
            }
        }
    }

    /// The promises that hold at every instant.
    fn check(&self) {
        let awake_at = self.executions.iter().filter_map(|execution| match execution.stage {
            Stage::Sleeping(until) => Some(until),
            Stage::Loading | Stage::Loaded(..) | Stage::Concluding(_) => Some(self.now),
            Stage::Over => None,
        });
        match next(&self.snapshot, self.around(), self.now) {
            Next::Over(Over::PageUndelivered) => {
                let position = self.snapshot.paging.position;
                assert!(position.is_some_and(|position| position.catch_all), "it ended without the catch-all");
            }
            Next::Over(over) => assert_eq!(over, Over::Resolved),
            Next::At(at) => {
                let awake_at = awake_at.min();
                assert!(awake_at.is_some_and(|awake| awake <= at.max(self.now)), "nobody looks at {at}: {awake_at:?}");
            }
        }
    }

    /// What a check finds, but that no provider took a message.
    fn found(&self, grace: SignedDuration) -> Vec<fsck::Finding> {
        let id = &self.snapshot.id;
        let name = id.stream();
        let trail = fsck::Trail { name: &name, log: &self.entries, covered: None };
        let subject = fsck::Subject { id, snapshot: Some(&self.snapshot), trail, executions: &[] };
        let (policy, over_since) = (|_: &Hash| &self.policy, |_: &IncidentId| None);
        let (covers, silences, now) = (Covers::NONE, &Silences::default(), self.now);
        let around = fsck::Around { policy: &policy, covers, silences, over_since: &over_since, grace, now };
        let found = fsck::incident(&subject, around);
        found.into_iter().filter(|finding| finding.fault != fsck::Fault::Untold).collect()
    }

    fn make(&mut self, the_move: &Move) {
        let count = self.executions.len();
        match the_move {
            Move::Step(place) => self.step(place.index(count)),
            Move::Die(place) => {
                let execution = &mut self.executions[place.index(count)];
                if matches!(execution.stage, Stage::Loaded(..) | Stage::Concluding(_)) {
                    execution.stage = Stage::Loading;
                }
            }
            Move::Ask { ask, who, again } => self.ask(*ask, *who, *again),
            Move::Signal(action) => self.signal(*action),
            Move::Pass(seconds) => self.now += SignedDuration::from_secs(*seconds),
        }
    }
}

fn moves() -> impl Strategy<Value = Move> {
    let ask = prop_oneof![
        4 => Just(Ask::Acknowledge),
        2 => Just(Ask::Unacknowledge),
        2 => Just(Ask::Snooze),
        2 => Just(Ask::Reassign),
        2 => Just(Ask::Escalate),
        1 => Just(Ask::Resolve),
    ];
    let signal = prop_oneof![4 => Just(Action::Trigger), 2 => Just(Action::Acknowledge), 1 => Just(Action::Resolve)];
    prop_oneof![
        12 => any::<prop::sample::Index>().prop_map(Move::Step),
        1 => any::<prop::sample::Index>().prop_map(Move::Die),
        3 => (ask, 0..3usize, any::<bool>()).prop_map(|(ask, who, again)| Move::Ask { ask, who, again }),
        1 => signal.prop_map(Move::Signal),
        3 => prop_oneof![0..40i64, 100..700i64, Just(3600)].prop_map(Move::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn c05_i01_i07_i08_whatever_races_nobody_is_paged_for_what_is_taken_on_and_nothing_is_forgotten(
        moves in prop::collection::vec(moves(), 1..100),
        fates in prop::collection::vec(0..5u8, 1..8),
        handling in prop::sample::select(vec![Handling::Page, Handling::Page, Handling::Ticket]),
    ) {
        let mut model = Model::new(fates, handling);
        for the_move in &moves {
            model.make(the_move);
            model.check();
        }
        let Model { entries, snapshot, .. } = &model;
        prop_assert_eq!(log::verify(&snapshot.id.stream(), entries), Ok(snapshot.head.clone()));
        let mut folded = Incident::expected(snapshot.id.clone());
        for entry in entries {
            folded.fold(&Record::open(entry).expect("a record"), entry.hash.clone());
        }
        prop_assert_eq!(&folded, snapshot);
        let grace = SignedDuration::from_hours(10_000);
        prop_assert_eq!(model.found(grace), [], "a check finds nothing wrong with what may happen");
        let stored: Incident = serde_json::from_str(&serde_json::to_string(snapshot).expect("JSON")).expect("its own form");
        prop_assert_eq!(&stored, snapshot);
    }
}
