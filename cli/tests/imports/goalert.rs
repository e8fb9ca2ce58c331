//! GoAlert's rules: everybody counts for whom a rule is active; a rotation moves on from whoever is active at each
//! hand-off (`Rule.IsActive` and `Rotation.EndTime` of target/goalert).

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::{Span, Timestamp};
use serde_json::Value;

use super::{compare, decide, export, import, instant, json, list, text, zone};

fn read() -> Value {
    json(&export("goalert.json"))["data"].clone()
}

fn node<'a>(kind: &'a Value, id: &Value) -> &'a Value {
    list(&kind["nodes"]).find(|node| node["id"] == *id).unwrap()
}

fn is_active(rule: &Value, zone: &jiff::tz::TimeZone, at: Timestamp) -> bool {
    let now = zone.to_datetime(at);
    let of = |key: &str| text(&rule[key]).parse::<Time>().unwrap();
    let day = |offset: i8| rule["weekdayFilter"][usize::try_from(offset.rem_euclid(7)).unwrap()] == true;
    let (start, end, today) = (of("start"), of("end"), now.date().weekday().to_sunday_zero_offset());
    if start >= end {
        return (day(today) && now.time() >= start) || (day(today - 1) && now.time() < end);
    }
    day(today) && now.time() >= start && now.time() < end
}

/// Who is active: at each hand-off the next one.
fn active(rotation: &Value, at: Timestamp) -> Option<Value> {
    let zone = zone(&rotation["timeZone"]);
    let mut next: Timestamp = rotation["nextHandoffTimes"][0].as_str()?.parse().unwrap();
    let mut index = usize::try_from(rotation["activeUserIndex"].as_u64().unwrap()).unwrap();
    let length = rotation["shiftLength"].as_i64().unwrap();
    let shift = match rotation["type"].as_str().unwrap() {
        "hourly" => Span::new().hours(length),
        "daily" => Span::new().days(length),
        _ => Span::new().days(length * 7),
    };
    while next <= at {
        index += 1;
        next = instant(zone.to_datetime(next).checked_add(shift).unwrap(), &zone);
    }
    let users = rotation["userIDs"].as_array().unwrap();
    Some(users[index % users.len()].clone())
}

fn told(data: &Value, target: &Value, at: Timestamp) -> Vec<Value> {
    match target["type"].as_str().unwrap() {
        "user" => vec![target["id"].clone()],
        "rotation" => active(node(&data["rotations"], &target["id"]), at).into_iter().collect(),
        "schedule" => {
            let schedule = node(&data["schedules"], &target["id"]);
            let zone = zone(&schedule["timeZone"]);
            let on =
                list(&schedule["targets"]).filter(|one| list(&one["rules"]).any(|rule| is_active(rule, &zone, at)));
            on.flat_map(|one| told(data, &one["target"], at)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_service_of_goalert_pages_the_same_people() {
    let (_, policy) = import("goalert", &export("goalert.json"));
    let data = read();
    let name = |id: &Value| text(&node(&data["users"], id)["name"]);
    let service = &data["services"]["nodes"][0];
    let steps = &node(&data["escalationPolicies"], &service["escalationPolicyID"])["steps"];
    let decision = decide(&policy, "test", Some("api"), &[]);
    compare(&policy, &decision, |at| {
        let people = |step: &Value| -> BTreeSet<String> {
            list(&step["targets"]).flat_map(|target| told(&data, target, at)).map(|id| name(&id)).collect()
        };
        list(steps).map(people).collect()
    });
}
