//! Promises about gaps ahead: which count, when they are told, how often, and to whom.

use super::*;
use crate::policy::Target;

/// A policy with these steps in one escalation, and a catch-all that tells `e`. From Saturday 2026-06-06 on, `s` has
/// nobody on weekends; `days` and `nights` share each day, `short` ends at Sunday noon.
fn policy(steps: &Value) -> Policy {
    let people: serde_json::Map<_, _> = ["a", "b", "e"].map(|name| (name.to_owned(), json!({}))).into_iter().collect();
    let rotation = |restrict: &Value| {
        json!({ "time_zone": "Europe/Berlin", "rotation": {
            "members": ["a"], "shift": "daily", "start": "2026-01-01T09:00", "restrict": restrict,
        } })
    };
    let hours = |from: &str, until: &str| rotation(&json!([{ "from": from, "until": until }]));
    let mut short = rotation(&json!([]));
    short["rotation"]["end"] = json!("2026-06-07T12:00");
    serde_json::from_value(json!({
        "version": 1, "people": people, "catch_all": { "escalation": "all" },
        "teams": { "shop": { "members": ["a", "b"] } },
        "schedules": {
            "s": rotation(&json!([{ "days": ["mon", "tue", "wed", "thu", "fri"] }])),
            "days": hours("08:00", "20:00"), "nights": hours("20:00", "08:00"), "short": short,
        },
        "escalations": {
            "all": { "steps": [{ "notify": ["person:e"], "wait": "PT5M" }] },
            "shop": { "steps": steps },
        },
    }))
    .expect("a policy")
}

fn step(targets: &[&str]) -> Value {
    json!([{ "notify": targets, "wait": "PT5M" }])
}

/// The gaps that are due, each as one line.
fn due(told: &ToldGaps, policy: &Policy, now: &str) -> Vec<String> {
    let line = |gap: &Gap| {
        let schedules: Vec<&str> = gap.schedules.iter().map(String::as_str).collect();
        let until = gap.until.map_or_else(|| "open".to_owned(), |until| until.to_string());
        format!("{} {} {until}", schedules.join("+"), gap.from)
    };
    told.due(policy, Covers::NONE, at(now)).concat().iter().map(line).collect()
}

/// Thursday noon in Berlin.
const THURSDAY: &str = "2026-06-04T10:00:00Z";
const WEEKEND: &str = "s 2026-06-05T22:00:00Z 2026-06-07T22:00:00Z";

#[test]
fn h16_a_gap_counts_where_a_step_would_find_nobody_on_all_its_schedules() {
    let table: [(&[&str], &[&str]); 9] = [
        (&["schedule:s"], &[WEEKEND]),
        (&["schedule:s", "channel:ops"], &[WEEKEND]),
        (&["schedule:s", "person:b"], &[]),
        (&["schedule:s", "team:shop"], &[]),
        (&["schedule:s", "next:s"], &[]),
        (&["schedule:days", "schedule:nights"], &[]),
        (&["schedule:short"], &["short 2026-06-07T10:00:00Z open"]),
        (&["schedule:s", "schedule:short"], &["s+short 2026-06-07T10:00:00Z 2026-06-07T22:00:00Z"]),
        (&["person:b"], &[]),
    ];
    for (targets, expected) in table {
        assert_eq!(due(&ToldGaps::default(), &policy(&step(targets)), THURSDAY), expected, "{targets:?}");
    }
    // Several of the same schedules are told together, and a schedule that two steps name is told once.
    let twice =
        json!([{ "notify": ["schedule:days"], "wait": "PT5M" }, { "notify": ["schedule:days"], "wait": "PT5M" }]);
    let told = ToldGaps::default().due(&policy(&twice), Covers::NONE, at(THURSDAY));
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [7]);
}

#[test]
fn h16_a_gap_is_told_from_a_week_ahead_until_it_begins() {
    let policy = policy(&step(&["schedule:s"]));
    let table: [(&str, &[&str]); 5] = [
        ("2026-05-29T15:00:00Z", &["s 2026-05-29T22:00:00Z 2026-05-31T22:00:00Z"]),
        // A Saturday: this weekend's has begun, and the next one is in six days and a half.
        ("2026-05-30T10:00:00Z", &[WEEKEND]),
        // A second before it begins, the one a week later is still too far ahead.
        ("2026-05-29T21:59:59Z", &["s 2026-05-29T22:00:00Z 2026-05-31T22:00:00Z"]),
        ("2026-05-29T22:00:00Z", &[]),
        (THURSDAY, &[WEEKEND]),
    ];
    for (now, expected) in table {
        assert_eq!(due(&ToldGaps::default(), &policy, now), expected, "{now}");
    }
}

#[test]
fn h16_nobody_is_woken_by_what_can_wait_until_the_morning() {
    let policy = policy(&step(&["schedule:short"]));
    // The gap begins on Sunday at noon in Berlin, two hours ahead of UTC.
    for (now, told) in [
        ("2026-06-05T06:59:00Z", false),
        ("2026-06-05T07:00:00Z", true),
        ("2026-06-05T15:59:00Z", true),
        ("2026-06-05T16:00:00Z", false),
        ("2026-06-06T23:00:00Z", false),
        ("2026-06-07T07:00:00Z", true),
    ] {
        assert_eq!(!due(&ToldGaps::default(), &policy, now).is_empty(), told, "{now}");
    }
    // One that begins tonight does not wait for tomorrow.
    let set = |from: &str, until: &str| Absence {
        id: "1".to_owned(),
        person: "a".to_owned(),
        from: at(from),
        until: at(until),
        by: Actor::person("a"),
        reason: String::new(),
    };
    let away = Covers { absences: vec![set("2026-06-03T01:00:00Z", "2026-06-03T05:00:00Z")], ..Covers::default() };
    for now in ["2026-06-02T20:00:00Z", "2026-06-02T23:30:00Z"] {
        let gaps = ToldGaps::default().due(&policy, &away, at(now)).concat();
        assert_eq!(gaps.first().map(|gap| gap.from), Some(at("2026-06-03T01:00:00Z")), "{now}");
    }
}

#[test]
fn h16_a_gap_is_told_once_a_day_and_a_new_one_by_itself() {
    let policy = policy(&step(&["schedule:s"]));
    let mut told = ToldGaps::default();
    let tell = |told: &mut ToldGaps, now: &str| {
        for gaps in told.due(&policy, Covers::NONE, at(now)) {
            told.apply(&GapEvent::Told { gaps }, at(now));
        }
    };
    tell(&mut told, THURSDAY);
    for now in [THURSDAY, "2026-06-04T11:00:00Z", "2026-06-04T21:59:00Z"] {
        assert!(due(&told, &policy, now).is_empty(), "{now}");
    }
    let friday = "2026-06-05T07:00:00Z";
    assert_eq!(due(&told, &policy, friday), [WEEKEND]);
    tell(&mut told, friday);
    assert!(due(&told, &policy, "2026-06-05T21:00:00Z").is_empty());
    let another = Covers {
        absences: vec![Absence {
            id: "1".to_owned(),
            person: "a".to_owned(),
            from: at("2026-06-05T14:00:00Z"),
            until: at("2026-06-05T15:00:00Z"),
            by: Actor::person("a"),
            reason: String::new(),
        }],
        ..Covers::default()
    };
    let news = told.due(&policy, &another, at("2026-06-05T08:00:00Z")).concat();
    assert_eq!(news.iter().map(|gap| gap.from).collect::<Vec<_>>(), [at("2026-06-05T14:00:00Z")]);
    // What has begun is forgotten.
    tell(&mut told, "2026-06-08T10:00:00Z");
    let kept = serde_json::to_value(&told).expect("plain JSON");
    assert_eq!((kept.as_array().map(Vec::len), &kept[0]["from"]), (Some(1), &json!("2026-06-12T22:00:00Z")), "{kept}");
}

#[test]
fn those_whom_the_escalation_tells_hear_of_its_gaps_and_the_catch_all_last() {
    let steps = json!([
        { "notify": ["schedule:s", "channel:ops"], "wait": "PT5M" },
        { "notify": ["team:shop"], "wait": "PT5M" },
    ]);
    let policy = policy(&steps);
    let gaps = ToldGaps::default().due(&policy, Covers::NONE, at(THURSDAY)).concat();
    let owners: Vec<String> = gaps[0].owners(&policy).into_iter().map(Target::to_string).collect();
    assert_eq!(owners, ["schedule:s", "channel:ops", "team:shop", "person:e"]);
    assert_eq!(gaps[0].zone(&policy).iana_name(), Some("Europe/Berlin"));
}
