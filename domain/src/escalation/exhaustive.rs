//! Every order in which acknowledge, escalate, resolve, redelivery, death, abort, sweep and time can come, up to a bound.
//!
//! The rules are the real ones; around them is as little as can be: executions that load, decide and send in three
//! steps, answers and signals whose append is one step as it is one transaction, and a sweep that starts an execution
//! where [`neglect`] says so. States that differ in nothing that matters are one.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::*;
use crate::cause::Proof;
use crate::dedup;
use crate::fingerprint::Fingerprint;
use crate::incident::{Actor, Command, IncidentId};
use crate::log;
use crate::policy::parse;
use crate::recent::Known;
use crate::route;
use crate::signal::{Action, Alert, Signal};
use crate::silence::Silences;

/// Every order of this many moves is gone through.
const MOVES: usize = 6;
/// How often a sender says something, the first trigger included.
const SIGNALS: u32 = 2;
/// How long whoever comes by may take.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

const POLICY: &str = r"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }] }
  ben: { contacts: [{ sms: +15550102 }] }
escalations:
  own: { steps: [{ notify: [person:ana], wait: 5m }], acknowledgement_expires: 20m }
  last: { steps: [{ notify: [person:ben], wait: 5m }] }
catch_all: { escalation: last }
";

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// An execution does its next step.
    Step(usize),
    /// An execution's function dies, and its task is tried again.
    Die(usize),
    /// An execution is aborted: it never comes back.
    Abort(usize),
    /// Somebody asks, for the first time.
    Ask(usize),
    /// The same request comes once more.
    Again(usize),
    /// A sender says something.
    Signal(Action),
    /// Somebody comes by.
    Sweep,
    /// Time passes until the next instant at which somebody wakes up or something is due.
    Pass,
    /// The same, and as long as whoever comes by may take.
    PassTooLong,
}

/// What people ask, each of it once, and once again.
const ASKS: usize = 4;

fn ask(number: usize) -> Command {
    let (ana, ben) = (Actor::person("ana"), Actor::person("ben"));
    match number {
        0 => Command::Acknowledge { by: ana },
        1 => Command::Acknowledge { by: ben },
        2 => Command::Escalate { by: ana },
        _ => Command::Resolve { by: ben },
    }
}

/// What an execution does now.
#[derive(Debug, Clone)]
enum Stage {
    Asleep(Timestamp),
    Loading,
    Loaded(Box<Incident>),
    Sent(Vec<(String, Outcome)>),
    Over,
}

#[derive(Debug, Clone)]
struct Execution {
    looks: u32,
    stage: Stage,
}

/// Everything, at one instant.
#[derive(Debug, Clone)]
struct World {
    /// The incidents of the problem, the latest last.
    incidents: Vec<Incident>,
    executions: Vec<Execution>,
    now: Timestamp,
    /// How often each was asked, at most twice.
    asked: [u8; ASKS],
    signals: u32,
    deaths: u8,
    aborts: u8,
}

impl World {
    fn new(policy: &Policy) -> Self {
        let now = "2026-11-21T03:00:00Z".parse().expect("an instant");
        let mut world = Self {
            incidents: Vec::new(),
            executions: Vec::new(),
            now,
            asked: [0; ASKS],
            signals: 0,
            deaths: 0,
            aborts: 0,
        };
        world.signal(Action::Trigger).expect("the first signal opens an incident");
        let mut decision = route::fallback(&world.incidents[0], policy, &log::Hash::zero(), now, "a test");
        decision.escalation = "own".to_owned();
        decision.catch_all = false;
        decision.acknowledgement_expires = Some(SignedDuration::from_mins(20));
        world.append(0, "route", &[Event::Routed { decision }]).expect("a decision pages nobody");
        world.look_again();
        world
    }

    /// What can happen next.
    fn moves(&self) -> Vec<Move> {
        let mut moves = vec![Move::Sweep, Move::Pass, Move::PassTooLong];
        for (place, execution) in self.executions.iter().enumerate() {
            let asleep = matches!(execution.stage, Stage::Asleep(until) if until > self.now);
            if !asleep && !matches!(execution.stage, Stage::Over) {
                moves.push(Move::Step(place));
            }
            if self.deaths == 0 && matches!(execution.stage, Stage::Loaded(_) | Stage::Sent(_)) {
                moves.push(Move::Die(place));
            }
            if self.aborts == 0 && !matches!(execution.stage, Stage::Over) {
                moves.push(Move::Abort(place));
            }
        }
        for (number, asked) in self.asked.iter().enumerate() {
            moves.extend((*asked == 0).then_some(Move::Ask(number)));
            moves.extend((*asked == 1).then_some(Move::Again(number)));
        }
        if self.signals < SIGNALS {
            moves.extend([Move::Signal(Action::Trigger), Move::Signal(Action::Resolve)]);
        }
        moves
    }

    fn make(&mut self, the_move: Move, policy: &Policy) -> Result<(), String> {
        match the_move {
            Move::Step(place) => return self.step(place, policy),
            Move::Die(place) => {
                self.deaths += 1;
                self.executions[place].stage = Stage::Loading;
            }
            Move::Abort(place) => {
                self.aborts += 1;
                self.executions[place].stage = Stage::Over;
            }
            Move::Ask(number) | Move::Again(number) => {
                let (seq, looks) = (self.incidents[0].seq, self.executions.len());
                self.command(&ask(number), &format!("request {number}"))?;
                // What changed nothing is as if it had not been asked.
                let changed = (seq, looks) != (self.incidents[0].seq, self.executions.len());
                self.asked[number] += u8::from(changed);
            }
            Move::Signal(action) => return self.signal(action),
            Move::Sweep => {
                if neglect(&self.incidents[0], beside(policy), self.now - GRACE, self.now).is_some() {
                    self.look_again();
                }
            }
            Move::Pass => self.now = self.due_at(policy),
            Move::PassTooLong => self.now = self.due_at(policy) + GRACE + SignedDuration::from_secs(1),
        }
        Ok(())
    }

    /// Appends to an incident: what is about to be sent is for one that nobody has.
    fn append(&mut self, place: usize, cause: &str, events: &[Event]) -> Result<(), String> {
        let incident = &mut self.incidents[place];
        let ended = incident.status == Status::Resolved;
        for event in events {
            if matches!(event, Event::Sending { .. }) && incident.status != Status::Triggered {
                return Err(format!("INV5: a page though it is {:?}", incident.status));
            }
            incident.apply(event, self.now);
        }
        incident.causes.add(cause, self.now);
        incident.seq += 1;
        if ended && incident.status != Status::Resolved {
            return Err("what was over is open again".to_owned());
        }
        Ok(())
    }

    fn step(&mut self, place: usize, policy: &Policy) -> Result<(), String> {
        let execution = &self.executions[place];
        let cause = format!("execution {place}/{}", execution.looks);
        let stage = match execution.stage.clone() {
            Stage::Asleep(_) => {
                self.executions[place].looks += 1;
                Stage::Loading
            }
            Stage::Loading => Stage::Loaded(Box::new(self.incidents[0].clone())),
            Stage::Loaded(loaded) => {
                let events = due(&loaded, around(policy), &cause, self.now);
                if events.is_empty() || loaded.seq == self.incidents[0].seq {
                    if !events.is_empty() {
                        self.append(0, &cause, &events)?;
                    }
                    let after = if events.is_empty() { &loaded } else { &self.incidents[0] };
                    let sends = after.paging.to_send(&cause).map(|delivery| delivery.id.clone());
                    let reached = |id| match after.status {
                        Status::Triggered => (id, Outcome::Accepted { reference: None }),
                        _ => (id, Outcome::Cancelled { reason: "nobody needs it".to_owned() }),
                    };
                    Stage::Sent(sends.map(reached).collect())
                } else {
                    // Somebody else was first.
                    Stage::Loading
                }
            }
            Stage::Sent(outcomes) => {
                if !outcomes.is_empty() {
                    self.append(0, &cause, &[Event::Sent { outcomes }])?;
                }
                match next(&self.incidents[0], around(policy), self.now) {
                    Next::At(at) => Stage::Asleep(at),
                    Next::Over(_) => Stage::Over,
                }
            }
            Stage::Over => Stage::Over,
        };
        self.executions[place].stage = stage;
        Ok(())
    }

    /// The next instant at which somebody wakes up or something is due.
    fn due_at(&self, policy: &Policy) -> Timestamp {
        let asleep = self.executions.iter().filter_map(|execution| match execution.stage {
            Stage::Asleep(until) => Some(until),
            _ => None,
        });
        let due = match next(&self.incidents[0], around(policy), self.now) {
            Next::At(at) => Some(at),
            Next::Over(_) => None,
        };
        asleep.chain(due).filter(|at| *at > self.now).min().unwrap_or(self.now)
    }

    fn command(&mut self, command: &Command, cause: &str) -> Result<(), String> {
        let incident = &self.incidents[0];
        if incident.knows_cause(cause, self.now) == Known::Yes {
            return Ok(());
        }
        let events = incident.decide(command.clone(), self.now).unwrap_or_default();
        if !events.is_empty() {
            self.append(0, cause, &events)?;
        }
        if command.needs_a_look(&self.incidents[0]) {
            self.look_again();
        }
        Ok(())
    }

    fn look_again(&mut self) {
        self.executions.push(Execution { looks: 0, stage: Stage::Loading });
    }

    fn signal(&mut self, action: Action) -> Result<(), String> {
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
        let latest = self.incidents.last();
        let merge = dedup::merge(&fingerprint, latest, std::slice::from_ref(&signal), |_| false, self.now);
        let known = self.incidents.iter().position(|incident| incident.id == merge.incident.id);
        let place = known.unwrap_or_else(|| {
            self.incidents.push(Incident::expected(merge.incident.id.clone()));
            self.incidents.len() - 1
        });
        self.append(place, &format!("signals/{}", signal.id), &merge.events)
    }

    /// The promises that hold at every instant.
    fn check(&self, policy: &Policy) -> Result<(), String> {
        if self.incidents.iter().filter(|incident| incident.is_open()).count() > 1 {
            return Err("INV2: two are open".to_owned());
        }
        let incident = &self.incidents[0];
        let at = match next(incident, around(policy), self.now) {
            Next::At(at) => at,
            Next::Over(Over::PageUndelivered) => {
                let last = incident.paging.position.is_some_and(|position| position.catch_all);
                return if last { Ok(()) } else { Err("INV4: it ended without the catch-all".to_owned()) };
            }
            Next::Over(Over::Resolved) => return Ok(()),
            Next::Over(over) => return Err(format!("INV4: it ended as {over:?}")),
        };
        let comes = self.executions.iter().any(|execution| match execution.stage {
            Stage::Asleep(until) => until <= at.max(self.now),
            Stage::Loading | Stage::Loaded(_) | Stage::Sent(_) => true,
            Stage::Over => false,
        });
        // Whoever is gone for good is missed by the sweep, once it is due and whoever comes by had their time.
        let then = at.max(self.now) + GRACE + SignedDuration::from_secs(1);
        if comes || neglect(incident, beside(policy), then - GRACE, then).is_some() {
            Ok(())
        } else {
            Err(format!("INV4: nobody looks at {at}, and no sweep notices"))
        }
    }

    /// What makes it another state: all that a move can change.
    fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.incidents.iter().for_each(|incident| changeable(incident).hash(&mut hasher));
        for execution in &self.executions {
            execution.looks.hash(&mut hasher);
            match &execution.stage {
                Stage::Asleep(until) => (0, until).hash(&mut hasher),
                Stage::Loading => 1.hash(&mut hasher),
                // What was loaded last is as it stands.
                Stage::Loaded(loaded) if loaded.seq == self.incidents[0].seq => 2.hash(&mut hasher),
                Stage::Loaded(loaded) => (3, changeable(loaded)).hash(&mut hasher),
                Stage::Sent(outcomes) => (4, format!("{outcomes:?}")).hash(&mut hasher),
                Stage::Over => 5.hash(&mut hasher),
            }
        }
        (self.now, self.asked, self.signals, self.deaths, self.aborts).hash(&mut hasher);
        hasher.finish()
    }
}

/// What moves change of an incident; what signals and the decision say stays as it is.
fn changeable(incident: &Incident) -> String {
    let Incident { status, seq, paging, acknowledgement, acknowledgements, resolution, causes, signals, .. } = incident;
    let answers = (acknowledgement, acknowledgements, resolution, incident.last_resolve_at, incident.last_trigger_at);
    serde_json::to_string(&(status, seq, paging, answers, causes, signals)).expect("JSON")
}

fn around(policy: &Policy) -> Around<'_> {
    Around { policy, covers: Covers::NONE, silenced_until: None, turn: 0 }
}

fn beside(policy: &Policy) -> Beside<'_> {
    static NOT_SILENCED: std::sync::LazyLock<Silences> = std::sync::LazyLock::new(Silences::default);
    Beside { policy, covers: Covers::NONE, silences: &NOT_SILENCED, over_since: &|_: &IncidentId| None }
}

/// Goes through every order of moves from `first`; how many states there are, and how many moves were made.
fn explore(first: World, policy: &Policy) -> (usize, usize) {
    let mut seen = HashSet::from([first.key()]);
    // How each state was reached, so that what fails can be told.
    let mut reached: Vec<(usize, Move)> = vec![(0, Move::Sweep)];
    let mut queue = VecDeque::from([(first, 0, 0)]);
    let mut made = 0;
    while let Some((world, place, depth)) = queue.pop_front() {
        if depth == MOVES {
            continue;
        }
        for the_move in world.moves() {
            let mut after = world.clone();
            made += 1;
            let kept = after.make(the_move, policy).and_then(|()| after.check(policy));
            if let Err(broken) = kept {
                let mut path = vec![the_move];
                let mut at = place;
                while at != 0 {
                    path.push(reached[at].1);
                    at = reached[at].0;
                }
                path.reverse();
                panic!("{broken}, after {path:?}: {after:#?}");
            }
            if seen.insert(after.key()) {
                reached.push((place, the_move));
                queue.push_back((after, reached.len() - 1, depth + 1));
            }
        }
    }
    (seen.len(), made)
}

#[test]
fn i01_every_order_of_answers_steps_and_sweeps_keeps_every_promise() {
    let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    // Before anybody was told, after ana was, and after the catch-all was told too.
    let mut world = World::new(&policy);
    let (mut states, mut made) = (0, 0);
    for _ in 0..3 {
        let (more_states, more_made) = explore(world.clone(), &policy);
        states += more_states;
        made += more_made;
        for the_move in [Move::Step(0), Move::Step(0), Move::Step(0), Move::Pass, Move::Step(0)] {
            world.make(the_move, &policy).expect("nothing is broken on the straight way");
        }
    }
    eprintln!("{states} states in every order of {MOVES} moves from three beginnings, {made} moves made");
}
