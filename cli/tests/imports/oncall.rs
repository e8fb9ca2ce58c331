//! Grafana OnCall's rules: shifts are events that come again; of those at an instant, all of the highest level count.

use std::collections::BTreeSet;

use domain::policy::Handling;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use super::{compare, decide, export, import, json, list, text, zone};

/// Every beginning of an event of `shift` until `now`, and whose turn it is.
fn events(shift: &Value, now: DateTime) -> Vec<(DateTime, usize)> {
    let start: DateTime = text(&shift["start"]).parse().unwrap();
    let interval = shift["interval"].as_i64().unwrap_or(1);
    let (days, first) = match shift["frequency"].as_str() {
        None => return vec![(start, 0)],
        Some("daily") => (1, start.date()),
        Some(_) => {
            let monday = Span::new().days(i64::from(start.date().weekday().to_monday_zero_offset()));
            (7, if shift["by_day"].is_array() { start.date().checked_sub(monday).unwrap() } else { start.date() })
        }
    };
    let by_day: Vec<i64> = match shift["by_day"].as_array() {
        None => vec![0],
        Some(days) => {
            let letters = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
            days.iter()
                .map(|day| i64::try_from(letters.iter().position(|known| day == known).unwrap()).unwrap())
                .collect()
        }
    };
    let mut events = Vec::new();
    for number in 0.. {
        let period = first.checked_add(Span::new().days(number * days * interval)).unwrap();
        if period > now.date() {
            return events;
        }
        for day in &by_day {
            let begin = period.checked_add(Span::new().days(*day)).unwrap().to_datetime(start.time());
            if begin >= start {
                events.push((begin, usize::try_from(number).unwrap()));
            }
        }
    }
    events
}

fn on_call(export: &Value, schedule: &Value, at: Timestamp) -> BTreeSet<String> {
    let mut found: Vec<(i64, Vec<&Value>)> = Vec::new();
    for id in list(&schedule["shifts"]) {
        let shift = list(&export["on_call_shifts"]).find(|shift| shift["id"] == *id).unwrap();
        if shift["type"] == "override" {
            continue;
        }
        let own = if shift["time_zone"].is_null() { &schedule["time_zone"] } else { &shift["time_zone"] };
        let now = zone(own).to_datetime(at);
        let length = SignedDuration::from_secs(shift["duration"].as_i64().unwrap());
        let open = |(begin, _): &(DateTime, usize)| *begin <= now && now < begin.checked_add(length).unwrap();
        for (_, number) in events(shift, now).into_iter().filter(open) {
            let users: Vec<&Value> = match shift["rolling_users"].as_array() {
                None => list(&shift["users"]).collect(),
                Some(groups) => {
                    let first = usize::try_from(shift["start_rotation_from_user_index"].as_u64().unwrap_or(0)).unwrap();
                    list(&groups[(first + number) % groups.len()]).collect()
                }
            };
            found.push((shift["level"].as_i64().unwrap(), users));
        }
    }
    let highest = found.iter().map(|(level, _)| *level).max();
    let counting = found.into_iter().filter(|(level, _)| Some(*level) == highest).flat_map(|(_, users)| users);
    let name = |id: &Value| text(&list(&export["users"]).find(|user| user["id"] == *id).unwrap()["username"]);
    counting.map(name).collect()
}

#[test]
fn an_integration_of_oncall_pages_the_same_people() {
    let path = export("oncall.json");
    let (export, (_, policy)) = (json(&path), import("oncall", &path));
    let decision = decide(&policy, "prometheus", None, &[]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    compare(&policy, &decision, |at| {
        vec![on_call(&export, &export["schedules"][0], at), names(&["dia"]), names(&["ana", "ben", "cai"])]
    });
    let nobody = decide(&policy, "test-alerts", None, &[]);
    assert_eq!(nobody.handling, Handling::Record, "an integration without a chain pages nobody");
}
