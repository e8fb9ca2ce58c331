//! Promises about paging: who is told when, and that it neither stops silently nor runs for ever.
//!
//! The loop below does what the page function does: what is due is written down and sent, the outcomes are written
//! down, and the clock jumps to the next look.

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Fingerprint;
use crate::incident::{Actor, Command, Hold, IncidentId};
use crate::log::Hash;
use crate::policy::{Mode, parse};
use crate::route::Decision;
use crate::signal::Alert;

mod answers;
mod neglected;
mod steps;

const POLICY: &str = r"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }, { sms: +15550101 }] }
  ben: { contacts: [{ sms: +15550102 }, { sms: +15550103, after: 2m }] }
  eve: { contacts: [{ sms: +15550104 }] }
teams: { all: { members: [ana, eve] } }
channels: { ana: { sms: +15550105 } }
schedules:
  later: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2030-01-01T00:00 } }
escalations:
  two: { steps: [{ notify: [person:ana], wait: 5m }, { notify: [person:ben], wait: 5m }], repeat: 1 }
  gap: { steps: [{ notify: [schedule:later], wait: 5m }, { notify: [person:ben], wait: 5m }] }
  one: { steps: [{ notify: [person:ana], wait: 5m }] }
  both: { steps: [{ notify: [person:ana, channel:ana, team:all, person:ana], wait: 5m }] }
  last: { steps: [{ notify: [person:eve], wait: 10m }], repeat: 1 }
catch_all: { escalation: last }
";

/// What comes of an attempt, by whom it is for and which attempt it is.
type Fates<'a> = &'a dyn Fn(&str, usize, u32) -> Outcome;

/// An incident, its policy, and a clock that jumps.
struct World {
    incident: Incident,
    policy: Policy,
    now: Timestamp,
    looks: u32,
    /// Whose turn it is in a step that tells one of several.
    turn: u64,
    /// What was sent: minute and second since the start, whom, which contact.
    sent: Vec<String>,
}

fn start() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().expect("an instant")
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: None }
}

fn failed() -> Outcome {
    Outcome::Failed { reason: "busy".to_owned(), retry_after: None }
}

fn rejected() -> Outcome {
    Outcome::Rejected { reason: "no such number".to_owned() }
}

impl World {
    fn new(escalation: &str, handling: Handling) -> Self {
        Self::of(POLICY, escalation, handling)
    }

    fn of(policy: &str, escalation: &str, handling: Handling) -> Self {
        let policy = parse(policy).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
        let (integration, key) = ("pd".to_owned(), "k".to_owned());
        incident.apply(&Event::Opened { integration, key, alert: Alert::default(), follows: None }, start());
        let decision = Decision {
            handling,
            mode: Mode::Execute,
            policy: Hash::zero(),
            at: start(),
            service: None,
            team: None,
            level: None,
            rung: None,
            escalation: escalation.to_owned(),
            catch_all: false,
            notify: Vec::new(),
            acknowledgement_expires: None,
            noise: None,
            pulse: None,
            group: None,
            trace: Vec::new(),
            why: String::new(),
        };
        incident.apply(&Event::Routed { decision }, start());
        Self { incident, policy, now: start(), looks: 0, turn: 0, sent: Vec::new() }
    }

    fn around(&self) -> Around<'_> {
        Around { policy: &self.policy, covers: Covers::NONE, silenced_until: None, turn: self.turn }
    }

    fn decision(&mut self) -> &mut Decision {
        self.incident.decision.as_mut().expect("routed")
    }

    /// One look, as the page function does it; `None` as the outcome is a message that was lost with its sender.
    fn look(&mut self, fate: &mut dyn FnMut(&str, usize, u32) -> Option<Outcome>) -> Next {
        let cause = format!("look {}", self.looks);
        self.looks += 1;
        for event in due(&self.incident, self.around(), &cause, self.now) {
            self.incident.apply(&event, self.now);
        }
        let mut outcomes = Vec::new();
        for delivery in self.incident.paging.to_send(&cause) {
            let passed = self.now.duration_since(start()).as_secs();
            self.sent.push(format!("{}:{:02} {}/{}", passed / 60, passed % 60, delivery.to, delivery.contact));
            let outcome = fate(&delivery.to, delivery.contact, delivery.attempts);
            outcomes.extend(outcome.map(|outcome| (delivery.id.clone(), outcome)));
        }
        if !outcomes.is_empty() {
            self.incident.apply(&Event::Sent { outcomes }, self.now);
        }
        let next = next(&self.incident, self.around(), self.now);
        if let Next::At(at) = next {
            assert!(at >= self.now, "a look in the past");
        }
        next
    }

    /// Looks until it is over or `limit` looks were made; returns why it is over.
    fn run(&mut self, limit: u32, fate: Fates<'_>) -> Option<Over> {
        for _ in 0..limit {
            match self.look(&mut |to, contact, attempt| Some(fate(to, contact, attempt))) {
                Next::At(at) => self.now = at,
                Next::Over(over) => return Some(over),
            }
        }
        None
    }

    /// Looks at every time up to `until`, and stands there then.
    fn run_until(&mut self, until: &str, fate: Fates<'_>) {
        let until = start() + until.parse::<SignedDuration>().expect("a length");
        while self.now < until {
            let Next::At(at) = self.look(&mut |to, contact, attempt| Some(fate(to, contact, attempt))) else { break };
            self.now = at.min(until);
        }
        self.now = until;
    }

    fn ask(&mut self, command: Command) {
        for event in self.incident.decide(command, self.now).expect("allowed") {
            self.incident.apply(&event, self.now);
        }
    }

    fn sent(&self) -> Vec<&str> {
        self.sent.iter().map(String::as_str).collect()
    }
}

fn ana() -> Actor {
    Actor::person("ana")
}

#[test]
fn when_nobody_answers_each_step_each_repeat_and_the_catch_all_are_told() {
    let mut world = World::new("two", Handling::Page);
    assert_eq!(world.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered));
    let expected = [
        "0:00 person:ana/0",
        "5:00 person:ben/0",
        "7:00 person:ben/1",
        "10:00 person:ana/0",
        "15:00 person:ben/0",
        "17:00 person:ben/1",
        "20:00 person:eve/0",
        "30:00 person:eve/0",
    ];
    assert_eq!(world.sent(), expected);
    assert!(world.incident.paging.exhausted);
    assert_eq!(world.now, start() + SignedDuration::from_mins(40));
}

#[test]
fn f21_a_look_that_comes_again_changes_nothing() {
    let mut world = World::new("two", Handling::Page);
    world.look(&mut |_, _, _| Some(accepted()));
    let before = world.incident.clone();
    for _ in 0..3 {
        world.look(&mut |_, _, _| Some(accepted()));
    }
    assert_eq!(world.incident, before);
    assert_eq!(world.sent(), ["0:00 person:ana/0"]);
}

#[test]
fn an_acknowledgement_stops_the_page_and_a_resolution_ends_it() {
    let mut world = World::new("two", Handling::Page);
    world.run_until("1m", &|_, _, _| accepted());
    world.ask(Command::Acknowledge { by: ana() });
    world.run_until("30h", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0"]);
    world.ask(Command::Resolve { by: ana() });
    assert_eq!(world.run(1, &|_, _, _| accepted()), Some(Over::Resolved));
}

#[test]
fn an_acknowledgement_that_expired_pages_again_from_the_first_step() {
    let mut world = World::new("two", Handling::Page);
    world.decision().acknowledgement_expires = Some(SignedDuration::from_mins(30));
    world.run_until("6m", &|_, _, _| accepted());
    world.ask(Command::Acknowledge { by: ana() });
    world.run_until("40m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "5:00 person:ben/0", "36:00 person:ana/0"]);
    assert_eq!(world.incident.status, Status::Triggered);
}

#[test]
fn whoever_asks_for_the_next_step_gets_it_at_once() {
    let mut world = World::new("two", Handling::Page);
    world.run_until("1m", &|_, _, _| accepted());
    world.ask(Command::Acknowledge { by: ana() });
    world.ask(Command::Escalate { by: ana() });
    world.run_until("2m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "1:00 person:ben/0"]);
}

#[test]
fn asking_again_after_everybody_was_told_begins_from_the_first_step() {
    let mut world = World::new("one", Handling::Page);
    assert_eq!(world.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered));
    world.sent.clear();
    world.ask(Command::Escalate { by: ana() });
    world.run(1, &|_, _, _| accepted());
    assert_eq!(world.sent(), ["25:00 person:ana/0"]);
}

#[test]
fn a_contact_that_can_never_be_reached_gives_way_to_the_next_at_once() {
    let mut world = World::new("one", Handling::Page);
    world.run_until("1m", &|_, contact, _| if contact == 0 { rejected() } else { accepted() });
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:ana/1"]);
}

#[test]
fn f21_a_contact_that_is_busy_is_tried_three_times_before_the_next() {
    let mut world = World::new("one", Handling::Page);
    world.run_until("4m", &|_, contact, _| if contact == 0 { failed() } else { accepted() });
    let expected = ["0:00 person:ana/0", "0:15 person:ana/0", "0:30 person:ana/0", "0:30 person:ana/1"];
    assert_eq!(world.sent(), expected);
}

#[test]
fn a_provider_that_asks_for_time_gets_it_within_bounds() {
    let asks = |seconds| Outcome::Failed { reason: "busy".to_owned(), retry_after: Some(seconds) };
    for (seconds, second) in [(0, "0:15"), (60, "1:00"), (86_400, "5:00")] {
        let mut world = World::new("last", Handling::Page);
        world.run_until("6m", &|_, _, attempt| if attempt == 1 { asks(seconds) } else { accepted() });
        assert_eq!(world.sent(), ["0:00 person:eve/0".to_owned(), format!("{second} person:eve/0")]);
    }
}

#[test]
fn a_step_that_reaches_nobody_gives_way_at_once_but_the_last_of_a_round_waits() {
    let mut world = World::new("two", Handling::Page);
    world.run_until("9m", &|to, _, _| if to == "person:ana" { rejected() } else { accepted() });
    assert_eq!(
        world.sent(),
        [
            "0:00 person:ana/0",
            "0:00 person:ana/1",
            "0:00 person:ben/0",
            "2:00 person:ben/1",
            "5:00 person:ana/0",
            "5:00 person:ana/1",
            "5:00 person:ben/0",
            "7:00 person:ben/1"
        ]
    );

    let mut world = World::new("one", Handling::Page);
    world.run_until("6m", &|_, _, _| rejected());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:ana/1", "5:00 person:eve/0"]);
}

#[test]
fn a_schedule_that_has_nobody_is_passed_over_and_the_log_says_so() {
    let mut world = World::new("gap", Handling::Page);
    let events = due(&world.incident, world.around(), "c", world.now);
    let nobody = events.iter().find_map(|event| match event {
        Event::StepBegan { nobody, .. } if !nobody.is_empty() => Some(nobody.join("")),
        _ => None,
    });
    assert_eq!(nobody.as_deref(), Some("nobody is on call for schedule:later"));
    world.run_until("1m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ben/0"]);
}

#[test]
fn nobody_is_told_twice_in_a_step_and_a_channel_may_have_a_persons_name() {
    let mut world = World::new("both", Handling::Page);
    world.run_until("1m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 channel:ana/0", "0:00 person:eve/0"]);
    let ids: std::collections::BTreeSet<&str> =
        world.incident.paging.deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn while_no_message_of_the_catch_all_gets_through_it_is_not_given_up() {
    let mut world = World::new("one", Handling::Page);
    assert_eq!(world.run(1000, &|_, _, _| rejected()), Some(Over::PageUndelivered));
    let rounds = world.sent.iter().filter(|sent| sent.contains("eve")).count();
    assert_eq!(rounds, CATCH_ALL_ROUNDS as usize);
    assert!(world.now >= start() + SignedDuration::from_hours(4));
}

#[test]
fn g05_a_message_whose_sender_died_is_sent_again_when_it_counts_as_lost() {
    let mut world = World::new("one", Handling::Page);
    assert_eq!(world.look(&mut |_, _, _| None), Next::At(start() + LOST_AFTER));
    world.now = start() + SignedDuration::from_secs(29);
    world.look(&mut |_, _, _| Some(accepted()));
    assert_eq!(world.sent.len(), 1);
    world.now = start() + LOST_AFTER;
    world.look(&mut |_, _, _| Some(accepted()));
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:30 person:ana/0"]);
}

#[test]
fn the_request_that_died_sends_its_own_messages_again_at_once_and_writes_nothing() {
    let mut world = World::new("one", Handling::Page);
    world.look(&mut |_, _, _| None);
    let again = due(&world.incident, world.around(), "look 0", world.now + SignedDuration::from_secs(60));
    assert_eq!(again, []);
    assert_eq!(world.incident.paging.to_send("look 0").count(), 1);
    assert_eq!(world.incident.paging.to_send("look 1").count(), 0);
}

#[test]
fn a_ticket_is_told_once_and_only_to_those_it_names() {
    let mut world = World::new("two", Handling::Ticket);
    world.decision().notify = vec![Target::Person("eve".to_owned())];
    assert_eq!(world.run(10, &|_, _, _| accepted()), Some(Over::Ticketed));
    assert_eq!(world.sent(), ["0:00 person:eve/0"]);
    assert_eq!(world.run(10, &|_, _, _| accepted()), Some(Over::Ticketed));
    assert_eq!(world.sent.len(), 1);
    // Somebody thinks it is worse than that: now it is a page.
    world.ask(Command::Escalate { by: ana() });
    assert_eq!(world.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered));
    assert_eq!(world.sent()[1..3], ["0:00 person:ana/0", "5:00 person:ben/0"]);
}

#[test]
fn a_ticket_that_reached_nobody_does_not_count_as_told() {
    let mut world = World::new("one", Handling::Ticket);
    assert_eq!(world.run(10, &|_, _, _| rejected()), Some(Over::PageUndelivered));
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:ana/1"]);
}

#[test]
fn i13_what_a_silence_holds_back_is_quiet_until_the_silence_ends_or_somebody_asks() {
    let hold = || Hold { silence: "s".to_owned(), owner: Actor::person("ana"), until: start(), reason: String::new() };
    for wake in [Event::SilenceEnded, Event::Escalated { by: Actor::person("ana") }] {
        let mut world = World::new("two", Handling::Page);
        world.incident.apply(&Event::Silenced { by: vec![hold()] }, start());
        assert_eq!(due(&world.incident, world.around(), "c", world.now), []);
        assert_eq!(next(&world.incident, world.around(), world.now), Next::Over(Over::Quiet));
        world.incident.apply(&wake, start());
        assert_eq!(handling(&world.incident), Handling::Page, "{wake:?}");
        let begun = due(&world.incident, world.around(), "c", world.now);
        assert!(
            matches!(begun.as_slice(), [Event::StepBegan { .. }, Event::Sending { .. }, ..]),
            "{wake:?}: {begun:?}"
        );
    }
}

#[test]
fn what_is_recorded_or_suppressed_is_quiet_until_somebody_asks() {
    for handling in [Handling::Record, Handling::Suppress] {
        let mut world = World::new("two", handling);
        assert_eq!(world.run(10, &|_, _, _| accepted()), Some(Over::Quiet));
        assert_eq!(world.sent.len(), 0);
        world.ask(Command::Escalate { by: ana() });
        world.run_until("6m", &|_, _, _| accepted());
        assert_eq!(world.sent(), ["0:00 person:ana/0", "5:00 person:ben/0"]);
    }
}

#[test]
fn what_is_only_simulated_is_quiet_until_somebody_asks_and_then_pages() {
    for handling in [Handling::Page, Handling::Ticket] {
        let mut world = World::new("two", handling);
        world.decision().mode = Mode::Simulate;
        assert_eq!(world.run(10, &|_, _, _| accepted()), Some(Over::Quiet));
        assert_eq!(world.sent.len(), 0);
        world.ask(Command::Escalate { by: ana() });
        world.run_until("6m", &|_, _, _| accepted());
        assert_eq!(world.sent(), ["0:00 person:ana/0", "5:00 person:ben/0"]);
    }
}

#[test]
fn what_nothing_has_triggered_yet_pages_nobody() {
    let world = World::new("two", Handling::Page);
    let expected = Incident::expected(world.incident.id.clone());
    assert_eq!(due(&expected, world.around(), "c", start()), []);
    assert_eq!(next(&expected, world.around(), start()), Next::Over(Over::Quiet));
}

#[test]
fn without_a_decision_the_catch_all_is_told() {
    let mut world = World::new("two", Handling::Page);
    world.incident.decision = None;
    world.run_until("1m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:eve/0"]);
}

proptest! {
    #[test]
    fn i09_whatever_comes_of_the_messages_it_ends_and_somebody_was_told(
        escalation in prop::sample::select(vec!["two", "gap", "one", "both", "last", "missing"]),
        fates in prop::collection::vec(0..5u8, 1..40),
        asks in prop::collection::vec((0..60u32, 0..3u8), 0..4),
        late in prop::collection::vec(0..400i64, 1..10),
    ) {
        let mut world = World::new(escalation, Handling::Page);
        world.decision().acknowledgement_expires = Some(SignedDuration::from_mins(20));
        let mut drawn = fates.iter().cycle();
        let mut delay = late.iter().cycle();
        let mut over = None;
        for look in 0..2000 {
            for (_, ask) in asks.iter().filter(|(at, _)| *at == look) {
                let by = Actor::person(["ana", "ben", "eve"][usize::from(*ask)]);
                let command = if *ask == 0 { Command::Escalate { by } } else { Command::Acknowledge { by } };
                for event in world.incident.decide(command, world.now).unwrap_or_default() {
                    world.incident.apply(&event, world.now);
                }
            }
            let next = world.look(&mut |_, _, _| match drawn.next().expect("it cycles") {
                0 => None,
                1 => Some(failed()),
                2 => Some(rejected()),
                3 => Some(Outcome::Failed { reason: "busy".to_owned(), retry_after: Some(100) }),
                _ => Some(accepted()),
            });
            match next {
                // A timer is never early, and often late.
                Next::At(at) => world.now = at + SignedDuration::from_secs(*delay.next().expect("it cycles") / 10),
                Next::Over(why) => { over = Some(why); break; }
            }
        }
        prop_assert_eq!(over, Some(Over::PageUndelivered));
        prop_assert!(!world.sent.is_empty());
        prop_assert!(world.incident.paging.deliveries.len() <= 64);
        // Every step that was told anything is at most as long ago as its wait and the lateness of the timers.
        prop_assert!(world.sent.iter().any(|sent| sent.contains("eve")), "the catch-all was never tried");
    }
}
