//! Promises about answers: what snoozing, giving back, giving away and asking again do to the paging.

use super::*;

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn to(text: &str) -> Assignee {
    Assignee::try_from(text.to_owned()).expect("an assignee")
}

#[test]
fn a_snooze_ends_when_it_says_and_pages_again_from_the_first_step() {
    let mut world = World::new("two", Handling::Page);
    world.run_until("6m", &|_, _, _| accepted());
    let until = world.now + minutes(120);
    world.ask(Command::Snooze { by: ana(), until });
    assert_eq!(world.incident.status, Status::Acknowledged);
    assert_eq!(next(&world.incident, world.around(), world.now), Next::At(until));
    world.run_until("127m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "5:00 person:ben/0", "126:00 person:ana/0"]);
}

#[test]
fn i08_an_acknowledgement_that_is_taken_back_pages_again_from_the_first_step() {
    let mut world = World::new("two", Handling::Page);
    world.run_until("6m", &|_, _, _| accepted());
    world.ask(Command::Acknowledge { by: ana() });
    world.run_until("20m", &|_, _, _| accepted());
    world.ask(Command::Unacknowledge { by: Actor::person("ben") });
    world.run_until("21m", &|_, _, _| accepted());
    assert_eq!(world.sent(), ["0:00 person:ana/0", "5:00 person:ben/0", "20:00 person:ana/0"]);
    assert!(world.incident.acknowledgements.is_empty());
}

#[test]
fn whoever_it_is_given_to_is_told_at_once_and_after_them_the_own_escalation() {
    for (given, expected) in [
        ("person:eve", ["1:00 person:eve/0", "6:00 person:ana/0"]),
        ("escalation:last", ["1:00 person:eve/0", "11:00 person:eve/0"]),
        ("schedule:later", ["1:00 person:ana/0", "6:00 person:ben/0"]),
    ] {
        let mut world = World::new("two", Handling::Page);
        world.run_until("1m", &|_, _, _| accepted());
        world.ask(Command::Acknowledge { by: ana() });
        world.sent.clear();
        world.ask(Command::Reassign { by: ana(), to: to(given) });
        assert_eq!(world.incident.status, Status::Triggered);
        world.run_until("12m", &|_, _, _| accepted());
        assert_eq!(world.sent()[..2], expected, "{given}");
    }
}

#[test]
fn what_nobody_was_told_of_is_a_page_once_it_is_given_to_somebody() {
    for handling in [Handling::Record, Handling::Suppress, Handling::Ticket] {
        let mut world = World::new("two", handling);
        world.decision().catch_all = true;
        world.run(3, &|_, _, _| accepted());
        world.sent.clear();
        world.ask(Command::Reassign { by: ana(), to: to("person:ben") });
        assert_eq!(world.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered), "{handling:?}");
        assert_eq!(world.sent()[0], "0:00 person:ben/0");
        assert!(world.sent().iter().any(|sent| sent.contains("eve")), "the catch-all is told in the end");
    }
}

#[test]
fn after_everybody_was_told_it_can_still_be_given_snoozed_and_taken_back() {
    for command in [
        Command::Reassign { by: ana(), to: to("team:all") },
        Command::Snooze { by: ana(), until: start() + minutes(26) },
    ] {
        let mut world = World::new("one", Handling::Page);
        assert_eq!(world.run(100, &|_, _, _| accepted()), Some(Over::PageUndelivered));
        world.sent.clear();
        world.ask(command);
        world.run_until("27m", &|_, _, _| accepted());
        assert!(world.sent()[0].ends_with("person:ana/0"), "{:?}", world.sent());
        assert!(!world.incident.paging.exhausted);
    }
}

#[test]
fn what_can_be_given_to_is_written_with_its_kind_and_must_be_known() {
    let policy = World::new("two", Handling::Page).policy;
    for (text, known) in [
        ("person:ana", true),
        ("person:nobody", false),
        ("team:all", true),
        ("schedule:later", true),
        ("next:later", true),
        ("escalation:two", true),
        ("escalation:nothing", false),
    ] {
        assert_eq!(to(text).to_string(), text);
        assert_eq!(to(text).is_in(&policy), known, "{text}");
    }
    for text in ["channel:ana", "ana", "", "escalation", "person"] {
        assert!(Assignee::try_from(text.to_owned()).is_err(), "{text}");
    }
}
