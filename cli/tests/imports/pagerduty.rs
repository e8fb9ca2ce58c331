//! PagerDuty's rules: the first layer of the answer that has somebody wins; a layer has somebody between its start and
//! its end, within its restrictions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Time;
use serde_json::Value;

use super::{compare, decide, export, import, json, list, text, turn, zone};

fn read(kind: &str) -> Value {
    json(&export("pagerduty").join(format!("{kind}.json")))[kind].clone()
}

fn user(users: &Value, id: &Value) -> Option<String> {
    list(users).find(|user| user["id"] == *id).map(|user| text(&user["name"]))
}

fn allowed(layer: &Value, zone: &jiff::tz::TimeZone, at: Timestamp) -> bool {
    let now = zone.to_datetime(at);
    let mut restrictions = list(&layer["restrictions"]).peekable();
    if restrictions.peek().is_none() {
        return true;
    }
    restrictions.any(|restriction| {
        let from: Time = text(&restriction["start_time_of_day"]).parse().unwrap();
        let length = jiff::SignedDuration::from_secs(restriction["duration_seconds"].as_i64().unwrap());
        (0..8).any(|back| {
            let day = now.date().checked_sub(jiff::Span::new().days(back)).unwrap();
            let on = &restriction["start_day_of_week"];
            let begins = on.is_null() || on.as_i64() == Some(i64::from(day.weekday().to_monday_one_offset()));
            let begin = day.to_datetime(from);
            begins && begin <= now && now < begin.checked_add(length).unwrap()
        })
    })
}

fn on_call(users: &Value, schedule: &Value, at: Timestamp) -> Option<String> {
    let zone = zone(&schedule["time_zone"]);
    let of = |key: &Value| key.as_str().map(|time| time.parse::<Timestamp>().unwrap());
    let layer = list(&schedule["schedule_layers"]).find(|layer| {
        of(&layer["start"]).is_some_and(|start| start <= at)
            && of(&layer["end"]).is_none_or(|end| at < end)
            && allowed(layer, &zone, at)
            && user(users, &layer["users"][0]["user"]["id"]).is_some()
    })?;
    let length = layer["rotation_turn_length_seconds"].as_i64().unwrap();
    let number = turn(of(&layer["rotation_virtual_start"]).unwrap(), length, &zone, at);
    let members = layer["users"].as_array().unwrap();
    user(users, &members[number % members.len()]["user"]["id"])
}

fn steps(users: &Value, schedules: &Value, policy: &Value, at: Timestamp) -> Vec<BTreeSet<String>> {
    let target = |target: &Value| match target["type"].as_str().unwrap() {
        "user_reference" => user(users, &target["id"]),
        _ => on_call(users, list(schedules).find(|one| one["id"] == target["id"]).unwrap(), at),
    };
    list(&policy["escalation_rules"]).map(|rule| list(&rule["targets"]).filter_map(target).collect()).collect()
}

#[test]
fn a_service_of_pagerduty_pages_the_same_people() {
    let (_, policy) = import("pagerduty", &export("pagerduty"));
    let (users, schedules, policies) = (read("users"), read("schedules"), read("escalation_policies"));
    for service in list(&read("services")) {
        let named = text(&service["name"]).to_lowercase().replace(" & ", "-");
        let decision = decide(&policy, "test", Some(&named), &[]);
        let rules = list(&policies).find(|one| one["id"] == service["escalation_policy"]["id"]).unwrap();
        compare(&policy, &decision, |at| steps(&users, &schedules, rules, at));
    }
}

#[test]
fn low_urgency_is_the_lowest_level_and_tells_by_its_own_rules() {
    let (_, policy) = import("pagerduty", &export("pagerduty"));
    let level = |service| decide(&policy, "test", Some(service), &[]).level.map(domain::policy::Ladder::as_str);
    assert_eq!((level("batch"), level("checkout")), (Some("SEV4"), None));
    let rules = policy.people["ana"].rules.at(domain::policy::Ladder::Sev4).unwrap();
    assert_eq!(rules.iter().map(|rule| rule.by.as_str()).collect::<Vec<_>>(), ["email"]);
}
