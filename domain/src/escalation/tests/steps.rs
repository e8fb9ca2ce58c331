//! Promises about steps: whom they find, in which order people are told, and when they sleep.

use super::*;
use crate::incident::Hold;
use crate::policy::{Ladder, Rung};
use crate::schedule;

const POLICY: &str = r"
version: 1
people:
  ana:
    contacts: [{ email: ana@example.com }, { sms: +15550100 }, { sms: +15550101 }]
    rules:
      SEV1: [{ by: sms }, { by: email, after: 1m }]
      SEV3: [{ by: email }]
  ben:
    contacts: [{ sms: +15550102 }]
    quiet: { from: 22:00, until: 07:00, time_zone: Europe/Berlin }
  eve: { contacts: [{ sms: +15550104 }] }
  mute: { contacts: [{ sms: +15550105 }] }
teams: { all: { members: [ana, ben, eve] }, awake: { members: [ana, eve] } }
schedules:
  later: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2030-01-01T00:00 } }
  days: { time_zone: UTC, rotation: { members: [ana, eve], shift: daily, start: 2026-11-20T06:00 } }
  alone: { time_zone: UTC, rotation: { members: [eve], shift: daily, start: 2026-11-20T06:00 } }
escalations:
  next: { steps: [{ notify: [schedule:days, next:days, next:alone], wait: 5m }] }
  nobody: { steps: [{ notify: [schedule:later], wait: 5m }, { notify: [person:mute], wait: 9m }], repeat: 3 }
  turns: { steps: [{ notify: [team:awake], wait: 5m, round_robin: true }], repeat: 2 }
  asleep: { steps: [{ notify: [team:all], wait: 5m, round_robin: true }] }
  both: { steps: [{ notify: [person:ana, person:eve], wait: 5m, acknowledge: everybody }], repeat: 1 }
  ana: { steps: [{ notify: [person:ana], wait: 5m }] }
  ben: { steps: [{ notify: [person:ben], wait: 5m }, { notify: [person:eve], wait: 5m }] }
  ben-waits: { steps: [{ notify: [person:ben], wait: 5h }] }
  last: { steps: [{ notify: [person:ben], wait: 10m }] }
catch_all: { escalation: last }
providers: { email: { from: watchkeeper@example.com } }
";

fn world(escalation: &str, level: Ladder) -> World {
    let mut world = World::of(POLICY, escalation, Handling::Page);
    // A contact that was taken away from somebody after the policy was checked.
    world.policy.people.get_mut("mute").expect("known").contacts.clear();
    world.decision().level = Some(level);
    world
}

fn found(world: &World) -> Vec<String> {
    let recipients = &world.incident.paging.recipients;
    recipients.iter().map(|found| format!("{} ({})", found.to, found.via)).collect()
}

#[test]
fn whoever_is_on_call_next_is_told_and_the_log_says_how_each_was_found() {
    let mut world = world("next", Ladder::Sev2);
    let events = due(&world.incident, world.around(), "c", world.now);
    let nobody = events.iter().find_map(|event| match event {
        Event::StepBegan { nobody, .. } => Some(nobody.clone()),
        _ => None,
    });
    assert_eq!(nobody.expect("a step"), ["nobody is next on call for schedule:alone"]);
    world.run_until("1m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:eve/0"]);
    let expected = ["person:ana (on call for days, for another 3 h)", "person:eve (next on call for days, in 3 h)"];
    assert_eq!(found(&world), expected);
}

#[test]
fn whoever_takes_the_turn_of_another_is_told_with_the_reason() {
    use crate::schedule::{Absence, Override};
    let world = world("next", Ladder::Sev2);
    let (from, until) = (start(), start() + SignedDuration::from_hours(30));
    let (by, reason) = (Actor::token("ops"), String::new());
    let away = Absence { id: "1".to_owned(), person: "ana".to_owned(), from, until, by: by.clone(), reason };
    let set = Override {
        id: "2".to_owned(),
        schedule: "days".to_owned(),
        person: "ben".to_owned(),
        instead_of: None,
        from,
        until: start() + SignedDuration::from_hours(1),
        by,
        reason: String::new(),
    };
    let told = |covers: &Covers| {
        let begun = due(&world.incident, Around { covers, ..world.around() }, "c", world.now);
        let found = begun.into_iter().find_map(|event| match event {
            Event::StepBegan { found, .. } => Some(found),
            _ => None,
        });
        let told = found.expect("a step").into_iter().map(|found| format!("{} ({})", found.to, found.via));
        told.collect::<Vec<_>>()
    };
    let absences = vec![away];
    let covers = Covers { absences: absences.clone(), ..Covers::default() };
    let expected = [
        "person:eve (on call for days, for another 3 h, stands in for ana)",
        "person:ana (next on call for days, in 1 d 6 h)",
    ];
    assert_eq!(told(&covers), expected);
    let covers = Covers { absences, overrides: vec![set] };
    let expected = [
        "person:ben (on call for days, for another 1 h, by an override of ops)",
        "person:eve (next on call for days, in 1 h, stands in for ana)",
    ];
    assert_eq!(told(&covers), expected);
}

#[test]
fn h07_a_step_names_the_time_zone_database_it_was_begun_by_and_an_older_log_without_one_is_read() {
    let world = world("next", Ladder::Sev2);
    let events = due(&world.incident, world.around(), "c", world.now);
    let begun = events.iter().find(|event| matches!(event, Event::StepBegan { .. })).expect("a step");
    let mut record = serde_json::to_value(begun).expect("an event");
    assert!(schedule::time_zones().is_some_and(|version| version.starts_with("20")), "a year and a letter");
    assert_eq!(record["time_zones"].as_str(), schedule::time_zones());
    record.as_object_mut().expect("an object").remove("time_zones");
    let read: Event = serde_json::from_value(record).expect("an older event");
    assert!(matches!(read, Event::StepBegan { time_zones: None, .. }));
}

#[test]
fn h08_h09_h10_when_nobody_at_all_is_found_the_catch_all_is_told_at_once() {
    let mut world = world("nobody", Ladder::Sev1);
    let events = due(&world.incident, world.around(), "c", world.now);
    let reasons = events.iter().filter_map(|event| match event {
        Event::StepBegan { nobody, .. } => Some(nobody.join("")),
        _ => None,
    });
    let reasons: Vec<String> = reasons.filter(|reason| !reason.is_empty()).collect();
    assert_eq!(reasons, ["nobody is on call for schedule:later", "person:mute has no contact"]);
    world.run_until("1m", &|_, _, _| accepted());
    // Neither the steps' waits nor the repeats delay it, and neither do the quiet hours of the last resort.
    assert_eq!(world.sent(), ["0:00 person:ben/0"]);
    assert!(world.incident.paging.position.expect("a step").catch_all);
}

#[test]
fn a_round_robin_tells_one_in_turn_and_names_what_is_counted() {
    for (turn, to) in [(0, "person:ana"), (1, "person:eve"), (2, "person:ana"), (u64::MAX, "person:eve")] {
        let mut world = world("turns", Ladder::Sev2);
        world.turn = turn;
        let events = due(&world.incident, world.around(), "c", world.now);
        assert_eq!(picks(&events), Some("turns/1"));
        world.run_until("1m", &|_, _, _| accepted());
        assert_eq!(world.sent(), [format!("0:00 {to}/0")]);
        assert_eq!(picks(&due(&world.incident, world.around(), "c", world.now)), None);
    }
    // Whoever sleeps is passed over.
    for turn in 0..4 {
        let mut world = world("asleep", Ladder::Sev2);
        world.turn = turn;
        world.run_until("1m", &|_, _, _| accepted());
        assert!(!world.sent().contains(&"0:00 person:ben/0"));
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn the_rules_of_a_person_say_by_which_contacts_and_when() {
    let table: [(Ladder, &[&str]); 3] = [
        (Ladder::Sev1, &["0:00 person:ana/1", "1:00 person:ana/0"]),
        (Ladder::Sev2, &["0:00 person:ana/0"]),
        (Ladder::Sev3, &["0:00 person:ana/0"]),
    ];
    for (level, expected) in table {
        let mut world = world("ana", level);
        world.run_until("4m", &|_, _, _| accepted());
        assert_eq!(world.sent(), expected, "{level:?}");
    }
    // What fails for good gives way: the second phone, then the mail before its time.
    let mut failing = world("ana", Ladder::Sev1);
    failing.run_until("4m", &|_, contact, _| if contact == 0 { accepted() } else { rejected() });
    assert_eq!(failing.sent(), ["0:00 person:ana/1", "0:00 person:ana/2", "0:00 person:ana/0"]);
    // At SEV3 her phones are left alone, whatever happens to the mail.
    let mut mail = world("ana", Ladder::Sev3);
    mail.run_until("4m", &|_, _, _| rejected());
    assert_eq!(mail.sent(), ["0:00 person:ana/0"]);
}

#[test]
fn quiet_hours_keep_messages_back_but_never_an_excepted_level_or_the_catch_all() {
    // It is four in the morning in Berlin.
    let mut sev1 = world("ben", Ladder::Sev1);
    sev1.run_until("1m", &|_, _, _| accepted());
    assert_eq!(sev1.sent(), ["0:00 person:ben/0"]);

    let mut sev2 = world("ben", Ladder::Sev2);
    sev2.run_until("4m", &|_, _, _| accepted());
    assert_eq!(sev2.sent.len(), 0, "he sleeps");
    let waits = sev2.incident.paging.recipients[0].quiet_until.expect("it is told");
    assert_eq!(waits.to_string(), "2026-11-21T06:00:00Z");
    sev2.run_until("11m", &|_, _, _| accepted());
    assert_eq!(
        sev2.sent(),
        ["5:00 person:eve/0", "10:00 person:ben/0"],
        "the step goes on, and the catch-all wakes him"
    );

    let mut patient = world("ben-waits", Ladder::Sev2);
    patient.run_until("4h", &|_, _, _| accepted());
    assert_eq!(patient.sent(), ["180:00 person:ben/0"], "he is told when he wakes");
}

#[test]
fn a_step_that_asks_everybody_pages_on_until_each_acknowledged_and_spares_those_who_did() {
    let mut world = world("both", Ladder::Sev2);
    world.run_until("1m", &|_, _, _| accepted());
    world.ask(Command::Acknowledge { by: Actor::link_holder("ana") });
    assert_eq!((world.incident.status, world.incident.awaited()), (Status::Triggered, vec!["person:eve"]));
    let before = world.incident.clone();
    world.ask(Command::Acknowledge { by: Actor::link_holder("ana") });
    assert_eq!(world.incident, before, "asking again changes nothing");
    let refused = world.incident.decide(Command::Snooze { by: ana(), until: world.now }, world.now);
    assert!(refused.is_err(), "nobody puts it off alone");
    // Somebody whom the step did not ask does not count for those whom it did.
    world.ask(Command::Acknowledge { by: Actor::token("ci") });
    assert_eq!(world.incident.status, Status::Triggered);
    world.run_until("6m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:eve/0", "5:00 person:eve/0"]);
    world.ask(Command::Acknowledge { by: Actor::person("eve") });
    assert_eq!(world.incident.status, Status::Acknowledged);
    assert_eq!(world.incident.acknowledgements.len(), 3);
    world.run_until("1h", &|_, _, _| accepted());
    assert_eq!(world.sent.len(), 3, "nobody is told any more");
}

#[test]
fn a_message_that_failed_is_not_sent_again_to_somebody_who_acknowledged() {
    let mut world = world("both", Ladder::Sev2);
    world.look(&mut |to, _, _| Some(if to == "person:ana" { failed() } else { accepted() }));
    world.ask(Command::Acknowledge { by: ana() });
    world.run_until("4m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "0:00 person:eve/0"]);
}

#[test]
fn a_ticket_that_nobody_took_on_becomes_a_page_at_its_follow_up_and_one_that_somebody_did_does_not() {
    let rung = Rung { follow_up: Some(SignedDuration::from_hours(4)), ..Rung::default() };
    let ticket = || {
        let mut world = World::of(POLICY, "ana", Handling::Ticket);
        world.decision().notify = vec![Target::Person("eve".to_owned())];
        world.decision().rung = Some(rung.clone());
        world.run_until("1m", &|_, _, _| accepted());
        assert_eq!(next(&world.incident, world.around(), world.now), Next::At(start() + SignedDuration::from_hours(4)));
        world
    };
    let mut untouched = ticket();
    assert_eq!(untouched.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered));
    assert_eq!(untouched.sent()[..2], ["0:00 person:eve/0", "240:00 person:ana/0"]);

    let mut taken = ticket();
    taken.ask(Command::Acknowledge { by: Actor::person("eve") });
    taken.run_until("30h", &|_, _, _| accepted());
    assert_eq!(taken.sent(), ["0:00 person:eve/0"]);

    let mut over = ticket();
    over.ask(Command::Resolve { by: Actor::person("eve") });
    assert_eq!(over.run(1, &|_, _, _| accepted()), Some(Over::Resolved));
}

#[test]
fn a_ticket_that_a_silence_held_back_for_longer_than_its_follow_up_is_told_as_a_ticket_first() {
    let mut world = World::of(POLICY, "ana", Handling::Ticket);
    world.decision().notify = vec![Target::Person("eve".to_owned())];
    world.decision().rung = Some(Rung { follow_up: Some(SignedDuration::from_hours(4)), ..Rung::default() });
    let hold = Hold {
        silence: "s".to_owned(),
        owner: ana(),
        until: start() + SignedDuration::from_hours(6),
        reason: String::new(),
    };
    world.incident.apply(&Event::Silenced { by: vec![hold] }, start());
    world.run_until("6h", &|_, _, _| accepted());
    assert!(world.sent.is_empty());
    world.incident.apply(&Event::SilenceEnded, world.now);
    world.run_until("9h", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["360:00 person:eve/0"], "nobody had a chance to take it on before");
    world.run_until("10h1m", &|_, _, _| accepted());
    assert_eq!(world.sent()[1], "600:00 person:ana/0");
}

#[test]
fn the_place_of_the_ladder_is_told_once_and_never_counts_as_somebody() {
    let place = Target::Channel("war-room".to_owned());
    for (escalation, expected) in [
        ("ana", vec!["0:00 person:ana/0", "0:00 channel:war-room/0", "5:00 person:ben/0"]),
        ("nobody", vec!["0:00 person:ben/0", "0:00 channel:war-room/0", "10:00 person:ben/0"]),
    ] {
        let mut world = world(escalation, Ladder::Sev2);
        let eve = world.policy.people["eve"].contacts[0].address.clone();
        world.policy.channels.insert("war-room".to_owned(), eve);
        world.policy.escalations.get_mut("last").expect("known").repeat = 1;
        world.decision().rung = Some(Rung { channel: Some(place.clone()), ..Rung::default() });
        world.run_until("14m", &|_, _, _| accepted());
        assert_eq!(world.sent(), expected, "{escalation}");
    }
}
