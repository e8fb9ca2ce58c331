//! Promises about neglect: whoever comes by when told to leaves nothing undone, and whoever does not is found out.

use super::*;
use crate::silence::Silences;

/// How long whoever comes by may take.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

impl World {
    fn neglect_at(&self, now: Timestamp) -> Option<Neglect> {
        self.neglect_beside(now, &|_| None)
    }

    fn neglect_beside(&self, now: Timestamp, over: &dyn Fn(&IncidentId) -> Option<Timestamp>) -> Option<Neglect> {
        let silences = &Silences::default();
        let beside = Beside { policy: &self.policy, covers: Covers::NONE, silences, over_since: over };
        neglect(&self.incident, beside, now - GRACE, now)
    }
}

proptest! {
    #[test]
    fn nobody_is_neglected_whom_somebody_looks_at_in_time_and_everybody_else_is(
        escalation in prop::sample::select(vec!["two", "gap", "one", "both"]),
        fates in prop::collection::vec(0u8..4, 1..40),
        looks in 1usize..30,
        acknowledged in prop::option::of(0usize..30),
    ) {
        let mut world = World::new(escalation, Handling::Page);
        world.decision().acknowledgement_expires = Some(SignedDuration::from_mins(30));
        let mut fates = fates.into_iter().cycle();
        for look in 0..looks {
            let next = world.look(&mut |_, _, _| match fates.next() {
                Some(0) => Some(failed()),
                Some(1) => Some(rejected()),
                Some(2) => None,
                _ => Some(accepted()),
            });
            let Next::At(at) = next else {
                prop_assert_eq!(world.neglect_at(world.now + SignedDuration::from_hours(9)), None, "it is over");
                return Ok(());
            };
            let second = SignedDuration::from_secs(1);
            prop_assert_eq!(world.neglect_at((at + GRACE - second).max(world.now)), None, "at {} of {:?}", at, world.incident);
            prop_assert_eq!(world.neglect_at(at + GRACE), Some(Neglect::Overdue), "at {} of {:?}", at, world.incident);
            world.now = at;
            if acknowledged == Some(look) {
                world.ask(Command::Acknowledge { by: ana() });
            }
        }
    }
}

#[test]
fn g01_f17_what_nobody_did_is_named() {
    let hours = |hours| start() + SignedDuration::from_hours(hours);
    let mut world = World::new("two", Handling::Page);
    assert_eq!(world.neglect_at(start() + SignedDuration::from_secs(59)), None);
    assert_eq!(world.neglect_at(hours(1)), Some(Neglect::Overdue), "nobody began the first step");

    let mut unrouted = World::new("two", Handling::Page);
    unrouted.incident.decision = None;
    assert_eq!(unrouted.neglect_at(hours(1)), Some(Neglect::Unrouted));

    for handling in [Handling::Record, Handling::Suppress] {
        assert_eq!(World::new("two", handling).neglect_at(hours(1)), None, "{handling:?}");
    }

    world.look(&mut |_, _, _| Some(Outcome::Accepted { reference: Some("m".to_owned()) }));
    world.ask(Command::Acknowledge { by: ana() });
    assert_eq!(world.neglect_at(hours(99)), None, "somebody has it for good");
    world.ask(Command::Resolve { by: ana() });
    assert_eq!(world.neglect_at(hours(1)), None, "a text stays as it was sent");
    for (channel, expected) in [("email", None), ("voice", None), ("slack", Some(Neglect::Unshown))] {
        world.incident.paging.deliveries.iter_mut().for_each(|delivery| channel.clone_into(&mut delivery.channel));
        assert_eq!(world.neglect_at(start() + SignedDuration::from_secs(59)), None);
        assert_eq!(world.neglect_at(hours(1)), expected, "a message by {channel} still says that it goes on");
    }
}

#[test]
fn what_keeps_an_alert_quiet_keeps_it_so_until_its_end_and_no_longer() {
    let hour = start() + SignedDuration::from_hours(1);
    let other = IncidentId { fingerprint: Fingerprint::of("pd", "other"), generation: 1 };
    let (by, into) = (other.clone(), other);
    let hold = Hold { silence: "s".to_owned(), owner: ana(), until: hour, reason: String::new() };
    let table = [
        (Event::Inhibited { rule: "r".to_owned(), by }, Neglect::Uninhibited),
        (Event::Grouped { into }, Neglect::Ungrouped),
    ];
    for (event, expected) in table {
        let mut world = World::new("two", Handling::Page);
        world.incident.apply(&event, start());
        assert_eq!(world.neglect_at(hour), None, "{event:?}");
        assert_eq!(world.neglect_beside(hour, &|_| Some(Timestamp::UNIX_EPOCH)), Some(expected), "{event:?}");
        let just_now = move |_: &IncidentId| Some(hour);
        assert_eq!(world.neglect_beside(hour, &just_now), None, "{event:?}: whoever ended it is still at it");
    }
    let mut world = World::new("two", Handling::Page);
    world.incident.apply(&Event::Silenced { by: vec![hold] }, start());
    assert_eq!(world.neglect_at(hour), Some(Neglect::Unsilenced), "no silence is there any more");
}
