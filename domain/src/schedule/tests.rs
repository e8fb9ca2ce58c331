//! Promises about who is on call when.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::incident::Actor;

mod covers;
mod gaps;
mod laws;
mod layers;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A policy with the people `a` to `e`, and one schedule, `s`.
fn policy(schedule: &Value) -> Policy {
    let people: serde_json::Map<_, _> =
        ["a", "b", "c", "d", "e"].map(|name| (name.to_owned(), json!({}))).into_iter().collect();
    let policy = json!({
        "version": 1, "people": people, "schedules": { "s": schedule, "other": schedule }, "catch_all": { "escalation": "all" },
    });
    serde_json::from_value(policy).expect("a policy")
}

/// A policy whose schedule is one rotation of people with names of one letter.
fn rotation(zone: &str, shift: &str, start: &str, members: &str) -> Policy {
    let members: Vec<String> = members.chars().map(String::from).collect();
    policy(&json!({ "time_zone": zone, "rotation": { "members": members, "shift": shift, "start": start } }))
}

/// Somebody's turn as one line.
fn line(turn: Option<Turn<'_>>) -> String {
    turn.map_or_else(|| "nobody".to_owned(), |turn| format!("{} {} {}", turn.person, turn.from, turn.until))
}

/// Who is on call at `now`, or `-`.
fn person(policy: &Policy, covers: &Covers, now: &str) -> String {
    on_call("s", policy, covers, at(now)).map_or_else(|| "-".to_owned(), |turn| turn.person.to_owned())
}

#[test]
fn h01_h03_h05_to_h06_whoever_is_on_call_is_who_the_wall_clock_says() {
    let lines = include_str!("tests/rotations.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut zones = std::collections::BTreeSet::new();
    let mut cases = 0;
    for text in lines {
        let fields: Vec<&str> = text.split(" | ").collect();
        let [zone, shift, start, members, now, expected] = fields[..] else { panic!("not a case: {text}") };
        let policy = rotation(zone, shift, start, members);
        assert_eq!(line(on_call("s", &policy, Covers::NONE, at(now))), expected, "{text}");
        zones.insert(zone);
        cases += 1;
    }
    assert!(cases >= 120 && zones.len() >= 15, "{cases} cases in {} zones", zones.len());
}

#[test]
fn h18_nobody_is_on_call_before_the_start_in_an_empty_rotation_or_in_no_zone() {
    let now = at("2026-06-01T00:00:00Z");
    let table = [
        rotation("UTC", "daily", "2026-06-01T00:00:01", "a"),
        rotation("UTC", "monthly", "2026-06-30T00:00:00", "a"),
        rotation("UTC", "8h", "2026-06-01T00:00:01", "a"),
        rotation("UTC", "0h", "2026-01-01T00:00", "a"),
        rotation("UTC", "-8h", "2026-01-01T00:00", "a"),
        rotation("UTC", "daily", "2026-01-01T00:00", ""),
        rotation("Europe/Atlantis", "daily", "2026-01-01T00:00", "a"),
    ];
    for policy in table {
        assert_eq!(on_call("s", &policy, Covers::NONE, now), None, "{policy:?}");
        let spans = final_schedule("s", &policy, Covers::NONE, now, now + SignedDuration::from_secs(1));
        assert_eq!(spans.len(), 1);
        assert!(spans[0].is_gap());
    }
    let policy = rotation("UTC", "daily", "2026-06-01T00:00:01", "a");
    assert_eq!(on_call("nowhere", &policy, Covers::NONE, now), None);
    assert_eq!(next_on_call("nowhere", &policy, Covers::NONE, now), None);
    assert_eq!(final_schedule("nowhere", &policy, Covers::NONE, now, Timestamp::MAX), []);
    assert_eq!(line(next_on_call("s", &policy, Covers::NONE, now)), "a 2026-06-01T00:00:01Z 2026-06-02T00:00:01Z");
}

#[test]
fn h18_a_thousand_members_take_turns_like_two() {
    let members: Vec<String> = (0..1000).map(|number| format!("p{number}")).collect();
    let layer = json!({ "members": members, "shift": "daily", "start": "2026-01-01T00:00" });
    let policy = policy(&json!({ "time_zone": "UTC", "rotation": layer }));
    assert_eq!(person(&policy, Covers::NONE, "2026-01-01T12:00:00Z"), "p0");
    // 2028-09-26 is a thousand days after 2026-01-01 less one.
    assert_eq!(person(&policy, Covers::NONE, "2028-09-26T12:00:00Z"), "p999");
    assert_eq!(person(&policy, Covers::NONE, "2028-09-27T12:00:00Z"), "p0");
}

#[test]
fn time_itself_has_an_end_and_nothing_breaks_there() {
    for shift in ["daily", "weekly", "monthly", "7h"] {
        let policy = rotation("Europe/Berlin", shift, "2026-01-05T09:00", "ab");
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let _ = on_call("s", &policy, Covers::NONE, now);
            let _ = next_on_call("s", &policy, Covers::NONE, now);
        }
        assert_eq!(on_call("s", &policy, Covers::NONE, Timestamp::MIN), None);
    }
}
