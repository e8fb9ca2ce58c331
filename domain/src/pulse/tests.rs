use proptest::prelude::*;

use super::*;
use crate::cause::{Cause, Proof};
use crate::dedup::merge;
use crate::escalation::{Around, Next, Over, due, next};
use crate::fingerprint::Fingerprint;
use crate::incident::{Event, Incident, Status};
use crate::log::Hash;
use crate::policy::{Policy, parse};
use crate::route::{Noise, decide};
use crate::schedule::Covers;
use crate::signal::{Action, Alert, Signal};

const POLICY: &str = r#"
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }
catch_all: { escalation: all }
routes:
  - { name: often, when: 'alert.labels.rule == "often"', escalation: all, threshold: { count: 3, within: 10m } }
  - name: noisy
    when: alert.labels.rule == "noisy"
    flapping: { changes: 4, within: 1h, settle: 10m }
    routes: [{ name: inside, escalation: all }]
"#;

/// One problem, from its signals to who is told.
struct World {
    policy: Policy,
    rule: &'static str,
    incidents: Vec<Incident>,
    /// When somebody was told, in seconds.
    told: Vec<i64>,
}

impl World {
    fn new(rule: &'static str) -> Self {
        let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        Self { policy, rule, incidents: Vec::new(), told: Vec::new() }
    }

    fn hear(&mut self, action: Action, second: i64) {
        let labels = [("rule".to_owned(), self.rule.to_owned())].into();
        let signal = Signal {
            id: format!("{second}"),
            integration: "pd".to_owned(),
            proof: Proof::SenderToken,
            action,
            fingerprint: Fingerprint::of("pd", "k"),
            key: "k".to_owned(),
            at: at(second),
            received_at: at(second),
            unique_since: at(second),
            alert: Alert { labels, ..Alert::default() },
        };
        let merge =
            merge(&signal.fingerprint, self.incidents.last(), std::slice::from_ref(&signal), |_| false, at(second));
        let (opens, mut incident) = (merge.opens(), merge.incident);
        let record = incident.record(&Cause::own("signals/1"), merge.events, at(second));
        incident.fold(&record, Hash::zero());
        self.incidents.retain(|known| known.id != incident.id);
        self.incidents.push(incident);
        if opens {
            let incident = self.incidents.last_mut().expect("opened");
            let decision = decide(incident, &self.policy, &Hash::zero(), at(second));
            incident.apply(&Event::Routed { decision }, at(second));
        }
        self.look(second);
    }

    fn look(&mut self, second: i64) -> Next {
        let around = Around { policy: &self.policy, covers: Covers::NONE, silenced_until: None, turn: 0 };
        let incident = self.incidents.last_mut().expect("an incident");
        for event in due(incident, around, "look", at(second)) {
            self.told.extend(matches!(event, Event::Sending { .. }).then_some(second));
            incident.apply(&event, at(second));
        }
        next(incident, around, at(second))
    }

    fn noise(&self) -> Option<Noise> {
        self.incidents.last()?.decision.as_ref()?.noise
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn triggers(seconds: &[i64]) -> Pulse {
    let mut pulse = Pulse::default();
    for second in seconds {
        pulse.triggered(at(*second));
    }
    pulse
}

#[test]
fn a_threshold_is_reached_when_enough_came_close_enough_together() {
    let table: &[(&[i64], usize, i64, bool)] = &[
        (&[], 1, 60, false),
        (&[0], 1, 60, true),
        (&[0, 60, 120], 3, 120, true),
        (&[0, 60, 121], 3, 120, false),
        (&[0, 300, 310, 320], 3, 30, true),
        (&[320, 0, 310, 300], 3, 30, true),
        (&[0, 0, 0], 3, 1, true),
    ];
    for (seconds, count, within, reached) in table {
        assert_eq!(triggers(seconds).reached(*count, SignedDuration::from_secs(*within)), *reached, "{seconds:?}");
    }
}

#[test]
fn only_changes_within_the_window_count_and_nothing_after_now() {
    let mut pulse = Pulse::default();
    for second in [0, 50, 100, 200] {
        pulse.changed(at(second));
    }
    let window = SignedDuration::from_secs(100);
    assert_eq!(pulse.changes_within(window, at(100)), 2, "0 is as old as the window is long");
    assert_eq!(pulse.changes_within(window, at(149)), 2);
    assert_eq!(pulse.changes_within(window, at(1000)), 0);
}

#[test]
fn what_is_older_than_a_day_is_not_handed_on() {
    let mut pulse = Pulse::default();
    pulse.changed(at(0));
    pulse.changed(at(100_000));
    let handed = pulse.handed_on(at(100_000));
    assert_eq!(handed.changes, [100_000]);
    assert!(pulse.handed_on(at(1_000_000)).is_empty());
}

proptest! {
    #[test]
    fn pulses_join_in_any_order_and_never_grow_past_their_bound(
        mut seconds in prop::collection::vec(0..100_000i64, 0..200), cut in any::<prop::sample::Index>(),
    ) {
        let all = triggers(&seconds);
        let cut = if seconds.is_empty() { 0 } else { cut.index(seconds.len()) };
        let (mut left, right) = (triggers(&seconds[..cut]), triggers(&seconds[cut..]));
        let mut turned = right.clone();
        turned.join(&left);
        left.join(&right);
        prop_assert_eq!(&left, &all);
        prop_assert_eq!(&turned, &all);
        seconds.sort_unstable();
        prop_assert_eq!(&all.triggers[..], &seconds[seconds.len().saturating_sub(KEPT)..]);
    }
}

#[test]
fn nobody_is_told_before_the_threshold_and_somebody_is_at_it() {
    let mut world = World::new("often");
    world.hear(Action::Trigger, 0);
    assert!(matches!(world.noise(), Some(Noise::Threshold { count: 3, .. })));
    let why = &world.incidents[0].decision.as_ref().expect("routed").why;
    assert!(why.ends_with("once 3 triggers came within 10m"), "{why}");
    assert_eq!(world.look(1), Next::Over(Over::Quiet), "no execution waits for what may never come");
    world.hear(Action::Trigger, 700);
    world.hear(Action::Trigger, 800);
    assert!(world.told.is_empty(), "three, and not within ten minutes");
    world.hear(Action::Trigger, 1000);
    assert_eq!(world.told, [1000]);
    world.hear(Action::Trigger, 1010);
    assert_eq!(world.told, [1000], "one page, however often it is reported");
}

#[test]
fn a_threshold_counts_across_a_problem_that_comes_and_goes() {
    let mut world = World::new("often");
    for second in [0, 20] {
        world.hear(Action::Trigger, second);
        world.hear(Action::Resolve, second + 10);
    }
    assert!(world.told.is_empty());
    world.hear(Action::Trigger, 40);
    assert_eq!((world.told.as_slice(), world.noise()), ([40].as_slice(), None));
}

#[test]
fn triggers_that_told_somebody_do_not_tell_somebody_again_when_it_comes_back() {
    let mut world = World::new("often");
    for second in [0, 60, 120] {
        world.hear(Action::Trigger, second);
    }
    world.hear(Action::Resolve, 200);
    world.hear(Action::Trigger, 40_000);
    assert!(matches!(world.noise(), Some(Noise::Threshold { count: 3, .. })), "one trigger, eleven hours later");
    world.hear(Action::Trigger, 40_060);
    assert_eq!(world.told, [120]);
    world.hear(Action::Trigger, 40_120);
    assert_eq!(world.told, [120, 40_120]);
}

#[test]
fn somebody_who_asks_for_people_to_be_told_does_not_wait_for_more() {
    let mut world = World::new("often");
    world.hear(Action::Trigger, 0);
    let by = crate::incident::Actor::person("ana");
    world.incidents[0].apply(&Event::Escalated { by }, at(5));
    world.look(5);
    assert_eq!(world.told, [5]);
}

#[test]
fn c15_what_flaps_is_told_once_and_then_only_when_it_stays() {
    let mut world = World::new("noisy");
    // Every ten seconds it fires, and clears five seconds later.
    for second in (0..3000).step_by(10) {
        world.hear(Action::Trigger, second);
        world.hear(Action::Resolve, second + 5);
    }
    assert_eq!(world.told, [0, 10, 20], "each time until it is too often, and then no more");
    world.hear(Action::Trigger, 3000);
    assert_eq!(world.noise(), Some(Noise::Flapping { until: at(3600) }));
    assert_eq!(world.look(3001), Next::At(at(3600)));
    assert_eq!(world.incidents.last().map(|latest| latest.status), Some(Status::Triggered));
    world.look(3600);
    assert_eq!(world.told, [0, 10, 20, 3600], "it stayed");
}

#[test]
fn what_flapped_long_ago_is_told_at_once() {
    let mut world = World::new("noisy");
    for second in (0..100).step_by(10) {
        world.hear(Action::Trigger, second);
        world.hear(Action::Resolve, second + 5);
    }
    let before = world.told.len();
    world.hear(Action::Trigger, 10_000);
    assert_eq!(world.told.len(), before + 1);
}
