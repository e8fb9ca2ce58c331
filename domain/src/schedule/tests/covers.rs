//! Promises about overrides, swaps and absences.

use super::*;

fn set(id: &str, person: &str, instead_of: Option<&str>, from: &str, until: &str) -> Override {
    Override {
        id: id.to_owned(),
        schedule: "s".to_owned(),
        person: person.to_owned(),
        instead_of: instead_of.map(str::to_owned),
        from: at(from),
        until: at(until),
        by: Actor::person("a"),
        reason: String::new(),
    }
}

fn away(person: &str, from: &str, until: &str) -> Absence {
    Absence {
        id: format!("{person}-away"),
        person: person.to_owned(),
        from: at(from),
        until: at(until),
        by: Actor::person(person),
        reason: String::new(),
    }
}

/// Daily turns of a, b and c from 2026-06-01, a Monday, on.
fn daily() -> Policy {
    rotation("UTC", "daily", "2026-06-01T00:00", "abc")
}

/// Who is on call at noon of each of the first nine days of June.
fn june(policy: &Policy, covers: &Covers) -> String {
    (1..=9).map(|day| person(policy, covers, &format!("2026-06-{day:02}T12:00:00Z"))).collect()
}

const JUNE: (&str, &str) = ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");

#[test]
fn an_override_wins_over_every_layer_and_a_later_one_over_an_earlier_one() {
    let overrides = vec![
        set("1", "d", None, "2026-06-02T00:00:00Z", "2026-06-05T00:00:00Z"),
        set("2", "e", None, "2026-06-04T00:00:00Z", "2026-06-06T00:00:00Z"),
    ];
    let covers = Covers { overrides, ..Covers::default() };
    let policy = daily();
    assert_eq!(june(&policy, Covers::NONE), "abcabcabc");
    assert_eq!(june(&policy, &covers), "addeecabc");
    let turn = on_call("s", &policy, &covers, at("2026-06-03T12:00:00Z")).expect("somebody");
    assert_eq!(turn.source, Source::Override(&covers.overrides[0]));
    assert_eq!(line(Some(turn)), "d 2026-06-02T00:00:00Z 2026-06-04T00:00:00Z", "until a later one wins");
    // At its end the rotation is where it would have been.
    assert_eq!(
        line(next_on_call("s", &policy, &covers, at("2026-06-05T12:00:00Z"))),
        "c 2026-06-06T00:00:00Z 2026-06-07T00:00:00Z"
    );
}

#[test]
fn an_override_may_split_a_turn() {
    let covers = Covers {
        overrides: vec![set("1", "d", None, "2026-06-01T10:00:00Z", "2026-06-01T12:00:00Z")],
        ..Covers::default()
    };
    let policy = daily();
    let table = [
        ("2026-06-01T09:00:00Z", "a 2026-06-01T00:00:00Z 2026-06-01T10:00:00Z"),
        ("2026-06-01T10:00:00Z", "d 2026-06-01T10:00:00Z 2026-06-01T12:00:00Z"),
        ("2026-06-01T12:00:00Z", "a 2026-06-01T12:00:00Z 2026-06-02T00:00:00Z"),
    ];
    for (now, expected) in table {
        assert_eq!(line(on_call("s", &policy, &covers, at(now))), expected, "{now}");
    }
}

#[test]
fn an_override_instead_of_somebody_takes_their_turns_alone() {
    let covers = Covers { overrides: vec![set("1", "d", Some("b"), JUNE.0, JUNE.1)], ..Covers::default() };
    assert_eq!(june(&daily(), &covers), "adcadcadc");
    // Whoever took them over may give them away again.
    let mut more = covers.clone();
    more.overrides.push(set("2", "e", Some("d"), "2026-06-05T00:00:00Z", JUNE.1));
    assert_eq!(june(&daily(), &more), "adcaecaec");
}

#[test]
fn the_halves_of_a_swap_may_overlap() {
    let mut covers = Covers::default();
    let swap = [set("1", "a", Some("b"), JUNE.0, JUNE.1), set("1", "b", Some("a"), JUNE.0, JUNE.1)];
    covers.apply(&CoverEvent::Swapped { swap }, at(JUNE.0));
    assert_eq!(june(&daily(), &covers), "bacbacbac");
    covers.apply(
        &CoverEvent::OverrideRemoved { id: "1".to_owned(), by: Actor::person("a"), before: Vec::new() },
        at(JUNE.0),
    );
    assert_eq!(covers, Covers::default(), "a swap goes as one");
}

#[test]
fn h09_the_turn_of_somebody_who_is_away_goes_to_the_next_who_is_not() {
    let policy = daily();
    let mut covers =
        Covers { absences: vec![away("a", "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z")], ..Covers::default() };
    assert_eq!(june(&policy, &covers), "bbcbbcabc");
    let turn = on_call("s", &policy, &covers, at("2026-06-01T12:00:00Z")).expect("somebody");
    assert_eq!(turn.source, Source::StandIn { layer: "rotation", absent: "a" });
    assert_eq!(line(Some(turn)), "b 2026-06-01T00:00:00Z 2026-06-02T00:00:00Z");
    covers.absences.push(away("b", "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z"));
    assert_eq!(june(&policy, &covers), "ccccbcabc");
    // Everybody is away: the layer has nobody, and the escalation goes on without it.
    covers.absences.push(away("c", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"));
    assert_eq!(june(&policy, &covers), "c-ccbcabc");
    // The layer below has somebody then.
    let base = json!({ "name": "base", "members": ["e"], "shift": "weekly", "start": "2026-01-05T00:00" });
    let top = json!({ "name": "top", "members": ["a", "b", "c"], "shift": "daily", "start": "2026-06-01T00:00" });
    let layered = super::policy(&json!({ "time_zone": "UTC", "layers": [base, top] }));
    assert_eq!(june(&layered, &covers), "ceccbcabc");
    // An override instead of somebody who is away counts where another stands in for them.
    covers.overrides.push(set("1", "d", Some("a"), JUNE.0, JUNE.1));
    assert_eq!(june(&policy, &covers), "d-cdbcdbc");
}

#[test]
fn h12_an_override_of_somebody_unknown_or_away_does_not_count() {
    let policy = daily();
    let overrides = vec![set("1", "zoe", None, JUNE.0, JUNE.1), set("2", "d", Some("yan"), JUNE.0, JUNE.1)];
    let mut covers = Covers { overrides, ..Covers::default() };
    assert_eq!(june(&policy, &covers), "abcabcabc");
    let ignored: Vec<_> = covers.ignored("s", &policy).map(|(set, why)| (set.id.as_str(), why)).collect();
    assert_eq!(ignored, [("1", Unfit::Person("zoe".to_owned())), ("2", Unfit::Person("yan".to_owned()))]);
    covers.overrides.push(set("3", "e", None, JUNE.0, JUNE.1));
    covers.absences.push(away("e", "2026-06-03T00:00:00Z", "2026-06-05T00:00:00Z"));
    assert_eq!(june(&policy, &covers), "eecaeeeee");
    assert_eq!(covers.ignored("s", &policy).count(), 2, "who is away is known all the same");
}

#[test]
fn h13_an_override_is_for_one_schedule() {
    let policy = daily();
    let covers = Covers { overrides: vec![set("1", "d", None, JUNE.0, JUNE.1)], ..Covers::default() };
    let now = at("2026-06-01T12:00:00Z");
    assert_eq!(on_call("s", &policy, &covers, now).map(|turn| turn.person), Some("d"));
    assert_eq!(on_call("other", &policy, &covers, now), on_call("other", &policy, Covers::NONE, now));
}

#[test]
fn h15_a_schedule_that_changes_in_the_middle_of_a_turn_counts_from_the_next_question_on() {
    let (before, after) = (daily(), rotation("UTC", "daily", "2026-06-01T00:00", "edc"));
    let now = "2026-06-01T12:00:00Z";
    assert_eq!(
        (person(&before, Covers::NONE, now), person(&after, Covers::NONE, now)),
        ("a".to_owned(), "e".to_owned())
    );
}

#[test]
fn what_cannot_be_meant_cannot_be_set() {
    let policy = daily();
    let now = at("2026-06-10T00:00:00Z");
    let good = || set("1", "d", Some("b"), "2026-06-09T00:00:00Z", "2026-06-11T00:00:00Z");
    let table = [
        (good(), Ok(())),
        (Override { schedule: "x".to_owned(), ..good() }, Err(Unfit::Schedule("x".to_owned()))),
        (Override { person: "x".to_owned(), ..good() }, Err(Unfit::Person("x".to_owned()))),
        (Override { instead_of: Some("x".to_owned()), ..good() }, Err(Unfit::Person("x".to_owned()))),
        (Override { instead_of: Some("d".to_owned()), ..good() }, Err(Unfit::Themselves("d".to_owned()))),
        (Override { until: good().from, ..good() }, Err(Unfit::Backwards)),
        (Override { until: now, ..good() }, Err(Unfit::Over)),
        (Override { until: at("2027-07-01T00:00:00Z"), ..good() }, Err(Unfit::Long)),
    ];
    for (set, expected) in table {
        assert_eq!(set.check(&policy, now), expected, "{set:?}");
    }
    assert_eq!(away("a", JUNE.0, JUNE.1).check(&policy, now), Ok(()));
    assert_eq!(away("x", JUNE.0, JUNE.1).check(&policy, now), Err(Unfit::Person("x".to_owned())));
}

#[test]
fn what_is_long_over_is_dropped_when_something_changes() {
    let mut covers = Covers::default();
    let by = || Actor::person("a");
    covers.apply(&CoverEvent::OverrideSet { set: set("1", "d", None, JUNE.0, "2026-06-02T00:00:00Z") }, at(JUNE.0));
    covers.apply(&CoverEvent::AbsenceSet { set: away("a", JUNE.0, "2026-06-03T00:00:00Z") }, at(JUNE.0));
    covers.apply(
        &CoverEvent::OverrideRemoved { id: "x".to_owned(), by: by(), before: Vec::new() },
        at("2026-06-08T23:59:59Z"),
    );
    assert_eq!((covers.overrides.len(), covers.absences.len()), (1, 1));
    covers.apply(
        &CoverEvent::OverrideRemoved { id: "x".to_owned(), by: by(), before: Vec::new() },
        at("2026-06-09T00:00:00Z"),
    );
    assert_eq!((covers.overrides.len(), covers.absences.len()), (0, 1));
    covers.apply(
        &CoverEvent::AbsenceRemoved { id: "a-away".to_owned(), by: by(), before: None },
        at("2026-06-09T00:00:00Z"),
    );
    assert_eq!(covers, Covers::default());
}
