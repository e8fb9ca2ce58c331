//! Promises about layers, their windows, and what they come to together.

use super::*;

fn office() -> Value {
    json!({ "name": "office", "members": ["a", "b"], "shift": "weekly", "start": "2026-01-05T00:00",
        "restrict": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "17:00" }] })
}

#[test]
fn h17_a_window_never_moves_a_hand_off() {
    let policy = policy(&json!({ "time_zone": "Europe/Berlin", "rotation": office() }));
    // Berlin is an hour ahead in January, two in July.
    let table = [
        ("2026-01-05T07:59:59Z", "nobody"),
        ("2026-01-05T08:00:00Z", "a 2026-01-05T08:00:00Z 2026-01-05T16:00:00Z"),
        ("2026-01-05T16:00:00Z", "nobody"),
        ("2026-01-09T15:59:59Z", "a 2026-01-09T08:00:00Z 2026-01-09T16:00:00Z"),
        ("2026-01-10T12:00:00Z", "nobody"),
        ("2026-01-12T08:00:00Z", "b 2026-01-12T08:00:00Z 2026-01-12T16:00:00Z"),
        // 26 weeks later it is a's turn again, as it would be without a window.
        ("2026-07-06T07:00:00Z", "a 2026-07-06T07:00:00Z 2026-07-06T15:00:00Z"),
    ];
    for (now, expected) in table {
        assert_eq!(line(on_call("s", &policy, Covers::NONE, at(now))), expected, "{now}");
    }
    let next = next_on_call("s", &policy, Covers::NONE, at("2026-01-05T08:00:00Z"));
    assert_eq!(line(next), "b 2026-01-12T08:00:00Z 2026-01-12T16:00:00Z", "gaps are left out");
    let next = next_on_call("s", &policy, Covers::NONE, at("2026-01-10T12:00:00Z"));
    assert_eq!(line(next), "b 2026-01-12T08:00:00Z 2026-01-12T16:00:00Z", "after nobody comes somebody");
}

#[test]
fn a_window_may_cross_midnight_and_may_be_a_whole_day() {
    let layer = |restrict: Value| {
        let layer = json!({ "members": ["a"], "shift": "weekly", "start": "2026-01-05T00:00", "restrict": restrict });
        policy(&json!({ "time_zone": "UTC", "rotation": layer }))
    };
    let night = layer(json!([{ "days": ["fri"], "from": "22:00", "until": "06:00" }]));
    let weekend = layer(json!([{ "days": ["sat", "sun"] }]));
    let around = layer(json!([{ "days": ["mon"], "from": "09:00", "until": "09:00" }]));
    let daily = layer(json!([{ "from": "22:00", "until": "23:00" }]));
    let two = layer(
        json!([{ "days": ["mon"], "from": "01:00", "until": "02:00" }, { "days": ["mon"], "from": "02:00", "until": "03:00" }]),
    );
    // 2026-01-09 is a Friday, 2026-01-12 a Monday.
    let table = [
        (&night, "2026-01-09T21:59:59Z", "nobody"),
        (&night, "2026-01-09T22:00:00Z", "a 2026-01-09T22:00:00Z 2026-01-10T06:00:00Z"),
        (&night, "2026-01-10T05:59:59Z", "a 2026-01-09T22:00:00Z 2026-01-10T06:00:00Z"),
        (&night, "2026-01-10T22:30:00Z", "nobody"),
        (&weekend, "2026-01-09T23:59:59Z", "nobody"),
        (&weekend, "2026-01-10T12:00:00Z", "a 2026-01-10T00:00:00Z 2026-01-12T00:00:00Z"),
        (&weekend, "2026-01-12T00:00:00Z", "nobody"),
        (&around, "2026-01-12T09:00:00Z", "a 2026-01-12T09:00:00Z 2026-01-13T09:00:00Z"),
        (&around, "2026-01-13T09:00:00Z", "nobody"),
        (&daily, "2026-01-14T22:30:00Z", "a 2026-01-14T22:00:00Z 2026-01-14T23:00:00Z"),
        (&two, "2026-01-12T01:30:00Z", "a 2026-01-12T01:00:00Z 2026-01-12T03:00:00Z"),
    ];
    for (policy, now, expected) in table {
        assert_eq!(line(on_call("s", policy, Covers::NONE, at(now))), expected, "{now}");
    }
}

#[test]
fn h01_h02_a_window_at_a_change_of_the_clock_has_no_hole_and_no_double() {
    let layer = |from: &str, until: &str| {
        let restrict = json!([{ "from": from, "until": until }]);
        let layer = json!({ "members": ["a"], "shift": "weekly", "start": "2026-01-05T00:00", "restrict": restrict });
        policy(&json!({ "time_zone": "Europe/Berlin", "rotation": layer }))
    };
    let table = [
        // 02:30 does not exist: the window ends, or begins, when the clock leaps.
        (layer("01:00", "02:30"), "2026-03-29T00:30:00Z", "a 2026-03-29T00:00:00Z 2026-03-29T01:00:00Z"),
        (layer("02:30", "04:00"), "2026-03-29T01:00:00Z", "a 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"),
        (layer("02:10", "02:50"), "2026-03-29T01:00:00Z", "nobody"),
        // 02:30 comes twice: the first counts for both ends.
        (layer("01:00", "02:30"), "2026-10-25T00:29:59Z", "a 2026-10-24T23:00:00Z 2026-10-25T00:30:00Z"),
        (layer("01:00", "02:30"), "2026-10-25T01:15:00Z", "nobody"),
        (layer("02:30", "04:00"), "2026-10-25T01:15:00Z", "a 2026-10-25T00:30:00Z 2026-10-25T03:00:00Z"),
    ];
    for (policy, now, expected) in table {
        assert_eq!(line(on_call("s", &policy, Covers::NONE, at(now))), expected, "{now}");
    }
}

#[test]
fn a_later_layer_wins_wherever_it_has_somebody() {
    let base = json!({ "name": "base", "members": ["c"], "shift": "weekly", "start": "2026-01-05T00:00" });
    let policy = policy(&json!({ "time_zone": "UTC", "layers": [base, office()] }));
    assert_eq!(person(&policy, Covers::NONE, "2026-01-05T08:59:59Z"), "c");
    assert_eq!(person(&policy, Covers::NONE, "2026-01-05T09:00:00Z"), "a");
    assert_eq!(person(&policy, Covers::NONE, "2026-01-05T17:00:00Z"), "c");
    let turn = on_call("s", &policy, Covers::NONE, at("2026-01-05T20:00:00Z")).expect("somebody");
    assert_eq!(turn.source, Source::Layer { layer: "base" });
    assert_eq!(line(Some(turn)), "c 2026-01-05T17:00:00Z 2026-01-06T09:00:00Z", "only as long as nobody wins over it");
    let spans = final_schedule("s", &policy, Covers::NONE, at("2026-01-05T00:00:00Z"), at("2026-01-06T00:00:00Z"));
    let told: Vec<String> = spans.iter().map(|span| span.turns.iter().map(|turn| turn.person).collect()).collect();
    assert_eq!(told, ["c", "ac", "c"], "who wins first, and who else has a turn");
    assert_eq!(spans.iter().map(Span::is_overlap).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn layers_with_zones_of_their_own_follow_the_sun() {
    let layer = |name: &str, zone: &str, member: &str| {
        json!({ "name": name, "time_zone": zone, "members": [member], "shift": "weekly", "start": "2026-01-01T00:00",
            "restrict": [{ "from": "09:00", "until": "17:00" }] })
    };
    let schedule = json!({ "time_zone": "UTC", "layers": [
        layer("asia", "Asia/Kolkata", "a"), layer("europe", "Europe/London", "b"), layer("america", "America/New_York", "c"),
    ] });
    let policy = policy(&schedule);
    // In January: Kolkata 03:30 to 11:30 UTC, London 09:00 to 17:00, New York 14:00 to 22:00; the later wins.
    for (now, expected) in
        [("03:29", "-"), ("03:30", "a"), ("09:00", "b"), ("13:59", "b"), ("14:00", "c"), ("21:59", "c"), ("22:00", "-")]
    {
        assert_eq!(person(&policy, Covers::NONE, &format!("2026-01-14T{now}:00Z")), expected, "{now}");
    }
    // In July London and New York are an hour earlier, Kolkata is not.
    for (now, expected) in [("03:30", "a"), ("07:59", "a"), ("08:00", "b"), ("13:00", "c"), ("21:00", "-")] {
        assert_eq!(person(&policy, Covers::NONE, &format!("2026-07-15T{now}:00Z")), expected, "{now}");
    }
}

#[test]
fn a_layer_ends_when_its_clock_says_so() {
    let layer =
        json!({ "members": ["a", "b"], "shift": "weekly", "start": "2026-03-02T09:00", "end": "2026-03-29T02:30" });
    let policy = policy(&json!({ "time_zone": "Europe/Berlin", "rotation": layer }));
    // The end does not exist on the clock, so it is the end of the gap.
    assert_eq!(
        line(on_call("s", &policy, Covers::NONE, at("2026-03-29T00:59:59Z"))),
        "b 2026-03-23T08:00:00Z 2026-03-29T01:00:00Z"
    );
    assert_eq!(person(&policy, Covers::NONE, "2026-03-29T01:00:00Z"), "-");
    assert_eq!(next_on_call("s", &policy, Covers::NONE, at("2026-03-29T00:59:59Z")), None, "nobody else is to come");
}
