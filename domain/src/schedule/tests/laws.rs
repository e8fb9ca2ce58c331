//! Laws that hold for every schedule at every instant.

use proptest::prelude::*;

use super::*;
use crate::policy::{Layer, Schedule};

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Antarctica/Troll",
    "America/Havana",
    "Africa/Casablanca",
];
/// The first instant of the three years that are looked at minute by minute.
const BEGIN: i64 = 1_735_689_600;
const THREE_YEARS: i64 = 3 * 365 * 24 * 3600;

fn layer(name: usize) -> impl Strategy<Value = Value> {
    let days = prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 0..7);
    let window = (days, 0..24u8, 0..24u8).prop_map(|(days, from, until)| {
        json!({ "days": days, "from": format!("{from:02}:30"), "until": format!("{until:02}:00") })
    });
    let shift = prop::sample::select(vec![
        "hourly", "daily", "weekly", "monthly", "3 days", "2 weeks", "2 months", "7h", "12h", "90m",
    ]);
    let members = prop::sample::subsequence(vec!["a", "b", "c", "d"], 1..4);
    let start = (2024..2026i16, 1..13u8, 1..29u8, 0..24u8, prop::sample::select(vec![0, 15, 30]));
    (prop::sample::select(ZONES.to_vec()), shift, members, start, prop::collection::vec(window, 0..3), any::<bool>())
        .prop_map(move |(zone, shift, members, (year, month, day, hour, minute), restrict, ends)| {
            let mut layer = json!({
                "name": format!("layer {name}"), "time_zone": zone, "members": members, "shift": shift,
                "start": format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}"), "restrict": restrict,
            });
            if ends {
                layer["end"] = json!(format!("{}-{month:02}-{day:02}T{hour:02}:{minute:02}", year + 1));
            }
            layer
        })
}

fn time() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    (0..THREE_YEARS / 900, 1..2000i64).prop_map(|(from, lasts)| {
        let from = BEGIN + from * 900;
        (second(from), second(from + lasts * 900))
    })
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn covers() -> impl Strategy<Value = Covers> {
    let person = || prop::sample::select(vec!["a", "b", "c", "d", "e", "zoe"]);
    let overrides = (person(), prop::option::of(person()), time(), 0..6u8);
    let overrides = overrides.prop_map(|(person, instead_of, (from, until), id)| Override {
        id: id.to_string(),
        schedule: "s".to_owned(),
        person: person.to_owned(),
        instead_of: instead_of.map(str::to_owned),
        from,
        until,
        by: Actor::person("a"),
        reason: String::new(),
    });
    let absences = (person(), time()).prop_map(|(person, (from, until))| Absence {
        id: "x".to_owned(),
        person: person.to_owned(),
        from,
        until,
        by: Actor::person("a"),
        reason: String::new(),
    });
    (prop::collection::vec(overrides, 0..8), prop::collection::vec(absences, 0..6))
        .prop_map(|(overrides, absences)| Covers { overrides, absences })
}

fn several() -> impl Strategy<Value = Policy> {
    let layers = (1..4usize).prop_flat_map(|count| (0..count).map(layer).collect::<Vec<_>>());
    layers.prop_map(|layers| policy(&json!({ "time_zone": "Europe/Berlin", "layers": layers })))
}

/// What must hold of a list from `from` to `until`: it has no hole, and each of it is what is answered at its ends.
fn holds(policy: &Policy, covers: &Covers, from: Timestamp, until: Timestamp) -> Result<(), TestCaseError> {
    let spans = final_schedule("s", policy, covers, from, until);
    let mut end = from;
    for span in &spans {
        prop_assert_eq!(span.from, end, "no hole and no overlap");
        prop_assert!(span.from < span.until);
        end = span.until;
        for now in [span.from, span.until - SignedDuration::from_nanos(1)] {
            let turn = on_call("s", policy, covers, now);
            prop_assert_eq!(turn.as_ref().map(|turn| turn.person), span.on_call().map(|turn| turn.person), "{}", now);
            prop_assert!(turn.is_none_or(|turn| turn.from <= now && now < turn.until));
        }
        let mut layers: Vec<&str> = span.turns.iter().filter_map(|turn| layer_of(turn.source)).collect();
        let count = layers.len();
        layers.sort_unstable();
        layers.dedup();
        prop_assert_eq!(layers.len(), count, "one winner for each layer");
    }
    prop_assert!(spans.windows(2).all(|pair| pair[0].turns != pair[1].turns), "what does not change is one");
    prop_assert_eq!(end, until);
    Ok(())
}

fn layer_of(source: Source<'_>) -> Option<&str> {
    match source {
        Source::Layer { layer } | Source::StandIn { layer, .. } => Some(layer),
        Source::Override(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_final_schedule_has_no_hole_and_says_what_is_answered(
        policy in several(), covers in covers(), from in 0..THREE_YEARS, hours in 1..1000i64,
    ) {
        let from = second(BEGIN + from);
        holds(&policy, &covers, from, from + SignedDuration::from_hours(hours))?;
    }

    #[test]
    fn somebody_is_on_call_by_every_layer_unless_it_is_over_closed_or_everybody_is_away(
        policy in several(), now in 0..THREE_YEARS,
    ) {
        let now = second(BEGIN + now);
        let schedule: &Schedule = &policy.schedules["s"];
        let open = |layer: &&Layer| {
            let zone = layer.zone(schedule).expect("a zone");
            let ended = layer.end.is_some_and(|end| instant(&zone, end).expect("an end") <= now);
            layer.restrict.is_empty() && !ended && instant(&zone, layer.start).expect("a start") <= now
        };
        let spans = final_schedule("s", &policy, Covers::NONE, now, now + SignedDuration::from_secs(1));
        let has = |layer: &Layer| spans[0].turns.iter().any(|turn| layer_of(turn.source) == Some(&layer.name));
        prop_assert!(schedule.all().filter(open).all(has));
    }

    #[test]
    fn turns_tile_time_and_go_round(
        zone in prop::sample::select(ZONES.to_vec()),
        shift in prop_oneof![
            prop::sample::select(vec!["daily", "weekly", "monthly", "3 days", "5 weeks", "2 months"]).prop_map(str::to_owned),
            (60..2_000_000i64).prop_map(|seconds| format!("{seconds}s")),
        ],
        start in 0..2_000_000_000i64,
        later in 0..400_000_000i64,
        members in 1..5usize,
    ) {
        let start = second(start);
        let local = jiff::tz::TimeZone::get(zone).expect("a zone").to_datetime(start).to_string();
        let names = &"abcd"[..members];
        let policy = rotation(zone, &shift, &local, names);
        let now = start + SignedDuration::from_secs(later);
        let turn = on_call("s", &policy, Covers::NONE, now).expect("somebody");
        prop_assert!(turn.from <= now && now < turn.until);
        let next = on_call("s", &policy, Covers::NONE, turn.until).expect("somebody");
        prop_assert_eq!(next.from, turn.until);
        let place = names.find(turn.person).expect("a member");
        // Where a day was skipped, so was the person whose turn it would have been.
        prop_assert!(zone == "Pacific/Apia" || next.person == &names[(place + 1) % members..][..1]);
        let last = turn.until - SignedDuration::from_nanos(1);
        prop_assert_eq!(on_call("s", &policy, Covers::NONE, last), Some(turn));
    }
}

/// That a list of three years is what is answered every `minutes`.
fn agrees(policy: &Policy, minutes: i64) {
    let (mut now, end) = (second(BEGIN), second(BEGIN + THREE_YEARS));
    let step = SignedDuration::from_mins(minutes);
    while now < end {
        let spans = final_schedule("s", policy, Covers::NONE, now, end);
        for span in &spans {
            let expected = span.on_call().map(|turn| turn.person);
            while now < span.until {
                assert_eq!(on_call("s", policy, Covers::NONE, now).map(|turn| turn.person), expected, "{now}");
                now += step;
            }
        }
    }
}

#[test]
fn the_final_schedule_is_who_is_on_call_at_every_minute_of_three_years() {
    agrees(&rotation("Europe/Berlin", "daily", "2025-01-01T02:30", "abc"), 1);
    // Thirteen has no factor in common with an hour: every minute of the hour has its turn.
    agrees(&rotation("America/Havana", "monthly", "2024-12-31T00:15", "ab"), 13);
}

#[test]
fn the_final_schedule_of_layers_with_windows_is_who_is_on_call_all_through_three_years() {
    let office = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "02:30" }]);
    let base = json!({ "name": "base", "members": ["c", "d"], "shift": "3 days", "start": "2025-01-05T02:30" });
    let top = json!({ "name": "top", "time_zone": "Australia/Lord_Howe", "members": ["a", "b"], "shift": "7h",
        "start": "2025-02-01T00:00", "restrict": office });
    agrees(&policy(&json!({ "time_zone": "Europe/Berlin", "layers": [base, top] })), 13);
}
