//! Opsgenie's rules: every rotation of a schedule that is within its restriction puts somebody on call, all at once.

use std::collections::BTreeSet;

use domain::policy::Handling;
use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp};
use serde_json::Value;

use super::{compare, decide, export, import, json, list, text, turn, zone};

fn read(kind: &str) -> Value {
    json(&export("opsgenie").join(format!("{kind}.json")))["data"].clone()
}

fn user(id: &Value) -> String {
    text(&list(&read("users")).find(|user| user["id"] == *id).unwrap()["fullName"])
}

fn clock(hours: &Value, which: &str) -> Time {
    let part = |part: &str| i8::try_from(hours[format!("{which}{part}")].as_i64().unwrap()).unwrap();
    Time::constant(part("Hour"), part("Min"), 0, 0)
}

fn number(day: &Value) -> i64 {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    i64::try_from(days.iter().position(|known| day == known).unwrap()).unwrap()
}

/// Whether a restriction that begins on some day `back` days ago is still open.
fn open(restriction: &Value, now: DateTime) -> bool {
    let hours: Vec<&Value> = match restriction["type"].as_str() {
        None => return true,
        Some("time-of-day") => vec![&restriction["restriction"]],
        Some(_) => list(&restriction["restrictions"]).collect(),
    };
    hours.into_iter().any(|hours| {
        (0..8).any(|back| {
            let day = now.date().checked_sub(Span::new().days(back)).unwrap();
            let begin = day.to_datetime(clock(hours, "start"));
            let (begins, days) = if hours["startDay"].is_null() {
                (true, i64::from(clock(hours, "end") <= clock(hours, "start")))
            } else {
                let (first, last) = (number(&hours["startDay"]), number(&hours["endDay"]));
                (i64::from(day.weekday().to_monday_zero_offset()) == first, (last - first).rem_euclid(7))
            };
            let end = day.checked_add(Span::new().days(days)).unwrap().to_datetime(clock(hours, "end"));
            begins && begin <= now && now < end
        })
    })
}

fn on_call(schedule: &Value, at: Timestamp) -> BTreeSet<String> {
    let zone = zone(&schedule["timezone"]);
    let rotations =
        list(&schedule["rotations"]).filter(|rotation| open(&rotation["timeRestriction"], zone.to_datetime(at)));
    let whose = rotations.map(|rotation| {
        let unit = match rotation["type"].as_str().unwrap() {
            "hourly" => 3600,
            "daily" => 86_400,
            _ => 7 * 86_400,
        };
        let start = text(&rotation["startDate"]).parse().unwrap();
        let number = turn(start, unit * rotation["length"].as_i64().unwrap(), &zone, at);
        let people = rotation["participants"].as_array().unwrap();
        user(&people[number % people.len()]["id"])
    });
    whose.collect()
}

fn schedule(id: &Value, at: Timestamp) -> BTreeSet<String> {
    on_call(list(&read("schedules")).find(|schedule| schedule["id"] == *id).unwrap(), at)
}

/// Whom the rules of the escalation tell: those of one delay together.
fn steps(at: Timestamp) -> Vec<BTreeSet<String>> {
    let escalation = read("escalations")[0].clone();
    let mut steps: Vec<(i64, BTreeSet<String>)> = Vec::new();
    for rule in list(&escalation["rules"]) {
        let (delay, to) = (rule["delay"]["timeAmount"].as_i64().unwrap(), &rule["recipient"]);
        let told = match to["type"].as_str().unwrap() {
            "schedule" => schedule(&to["id"], at),
            "user" => BTreeSet::from([user(&to["id"])]),
            // A member who is blocked is told nothing.
            _ => BTreeSet::from(["Ana Lima".to_owned(), "Ben Berg".to_owned()]),
        };
        match steps.last_mut() {
            Some((last, people)) if *last == delay => people.extend(told),
            _ => steps.push((delay, told)),
        }
    }
    steps.into_iter().map(|(_, people)| people).collect()
}

#[test]
fn a_team_of_opsgenie_pages_the_same_people() {
    let (_, policy) = import("opsgenie", &export("opsgenie"));
    for (service, labels) in [
        (Some("checkout"), &[][..]),
        (None, &[("team", "platform")]),
        (None, &[("owner", "platform"), ("component", "web")]),
    ] {
        compare(&policy, &decide(&policy, "test", service, labels), steps);
    }
}

#[test]
fn a_routing_rule_of_opsgenie_notifies_the_same() {
    let (_, policy) = import("opsgenie", &export("opsgenie"));
    let databases = decide(&policy, "test", Some("checkout"), &[("component", "postgres")]);
    let id = Value::from("d875e654-0003-4000-8000-000000000001");
    compare(&policy, &databases, |at| vec![schedule(&id, at)]);
    let tests = decide(&policy, "test", Some("checkout"), &[("source", "test-1")]);
    assert_eq!(tests.handling, Handling::Record, "{}", tests.why);
}
