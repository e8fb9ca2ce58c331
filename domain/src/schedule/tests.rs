//! Promises about who is on call when.

use proptest::prelude::*;

use super::*;

fn schedule(zone: &str, shift: Shift, start: &str, members: &[&str]) -> Schedule {
    let members = members.iter().map(|name| (*name).to_owned()).collect();
    Schedule {
        time_zone: zone.to_owned(),
        rotation: Rotation { members, shift, start: start.parse().expect("a local time") },
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

const EIGHT_HOURS: Shift = Shift::Every(SignedDuration::from_hours(8));

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn whoever_is_on_call_is_who_the_wall_clock_says() {
    // Zone, shift, start, members, instant, then who is on call, from when and until when.
    let table = [
        (
            "Europe/Berlin",
            Shift::Weekly,
            "2026-01-05T09:00",
            "ab",
            "2026-01-05T08:00:00Z",
            "a 2026-01-05T08:00:00Z 2026-01-12T08:00:00Z",
        ),
        (
            "Europe/Berlin",
            Shift::Weekly,
            "2026-01-05T09:00",
            "ab",
            "2026-01-12T07:59:59Z",
            "a 2026-01-05T08:00:00Z 2026-01-12T08:00:00Z",
        ),
        (
            "Europe/Berlin",
            Shift::Weekly,
            "2026-01-05T09:00",
            "ab",
            "2026-01-12T08:00:00Z",
            "b 2026-01-12T08:00:00Z 2026-01-19T08:00:00Z",
        ),
        // Summer time begins on 2026-03-29: the hand-off stays at nine of the wall clock.
        (
            "Europe/Berlin",
            Shift::Weekly,
            "2026-01-05T09:00",
            "ab",
            "2026-03-30T07:00:00Z",
            "a 2026-03-30T07:00:00Z 2026-04-06T07:00:00Z",
        ),
        (
            "Europe/Berlin",
            Shift::Weekly,
            "2026-01-05T09:00",
            "ab",
            "2026-03-29T12:00:00Z",
            "b 2026-03-23T08:00:00Z 2026-03-30T07:00:00Z",
        ),
        // 02:30 does not exist on that day: the hand-off is when the clock jumps from two to three.
        (
            "Europe/Berlin",
            Shift::Daily,
            "2026-03-28T02:30",
            "ab",
            "2026-03-29T01:00:00Z",
            "b 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z",
        ),
        (
            "Europe/Berlin",
            Shift::Daily,
            "2026-03-28T02:30",
            "ab",
            "2026-03-29T00:59:59Z",
            "a 2026-03-28T01:30:00Z 2026-03-29T01:00:00Z",
        ),
        // 02:30 comes twice on 2026-10-25: the first counts.
        (
            "Europe/Berlin",
            Shift::Daily,
            "2026-10-24T02:30",
            "ab",
            "2026-10-25T00:30:00Z",
            "b 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z",
        ),
        (
            "Europe/Berlin",
            Shift::Daily,
            "2026-10-24T02:30",
            "ab",
            "2026-10-25T01:30:00Z",
            "b 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z",
        ),
        (
            "America/New_York",
            Shift::Daily,
            "2026-03-07T02:00",
            "abc",
            "2026-03-08T07:00:00Z",
            "b 2026-03-08T07:00:00Z 2026-03-09T06:00:00Z",
        ),
        (
            "America/New_York",
            Shift::Daily,
            "2026-10-31T01:30",
            "abc",
            "2026-11-01T06:30:00Z",
            "b 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z",
        ),
        // Lord Howe moves by half an hour: 02:15 is skipped on 2026-10-04.
        (
            "Australia/Lord_Howe",
            Shift::Daily,
            "2026-10-03T02:15",
            "ab",
            "2026-10-03T15:30:00Z",
            "b 2026-10-03T15:30:00Z 2026-10-04T15:15:00Z",
        ),
        // Samoa had no 2011-12-30: the turn of that day has no length, and the next person's begins.
        (
            "Pacific/Apia",
            Shift::Daily,
            "2011-12-29T00:00",
            "abc",
            "2011-12-30T10:00:00Z",
            "c 2011-12-30T10:00:00Z 2011-12-31T10:00:00Z",
        ),
        // Leap day, and the end of a year of 53 weeks.
        (
            "UTC",
            Shift::Daily,
            "2028-02-28T00:00",
            "ab",
            "2028-02-29T12:00:00Z",
            "b 2028-02-29T00:00:00Z 2028-03-01T00:00:00Z",
        ),
        (
            "UTC",
            Shift::Weekly,
            "2026-12-21T00:00",
            "ab",
            "2027-01-01T00:00:00Z",
            "b 2026-12-28T00:00:00Z 2027-01-04T00:00:00Z",
        ),
        // An exact length is elapsed time: eight hours stay eight hours through the change of the clock.
        (
            "Europe/Berlin",
            EIGHT_HOURS,
            "2026-03-28T18:00",
            "ab",
            "2026-03-29T01:00:00Z",
            "b 2026-03-29T01:00:00Z 2026-03-29T09:00:00Z",
        ),
        (
            "Europe/Berlin",
            EIGHT_HOURS,
            "2026-03-28T18:00",
            "a",
            "2036-03-29T01:00:00Z",
            "a 2036-03-29T01:00:00Z 2036-03-29T09:00:00Z",
        ),
        (
            "UTC",
            Shift::Daily,
            "2026-01-01T00:00",
            "a",
            "2036-01-01T05:00:00Z",
            "a 2036-01-01T00:00:00Z 2036-01-02T00:00:00Z",
        ),
    ];
    for (zone, shift, start, members, now, expected) in table {
        let members: Vec<String> = members.chars().map(String::from).collect();
        let schedule = schedule(zone, shift, start, &members.iter().map(String::as_str).collect::<Vec<_>>());
        let turn = rostered(&schedule, at(now)).expect("somebody");
        assert_eq!(format!("{} {} {}", turn.person, turn.from, turn.until), expected, "{zone} {start} {now}");
    }
}

#[test]
fn nobody_is_on_call_before_the_start_in_an_empty_rotation_or_in_no_zone() {
    let now = at("2026-06-01T00:00:00Z");
    let table = [
        schedule("UTC", Shift::Daily, "2026-06-01T00:00:01", &["a"]),
        schedule("UTC", EIGHT_HOURS, "2026-06-01T00:00:01", &["a"]),
        schedule("UTC", Shift::Daily, "2026-01-01T00:00", &[]),
        schedule("Europe/Atlantis", Shift::Daily, "2026-01-01T00:00", &["a"]),
        schedule("UTC", Shift::Every(SignedDuration::ZERO), "2026-01-01T00:00", &["a"]),
    ];
    for schedule in table {
        assert_eq!(rostered(&schedule, now), None, "{schedule:?}");
        assert_eq!(turns(&schedule, now, now + SignedDuration::from_secs(1)), []);
    }
}

#[test]
fn a_list_of_turns_begins_with_the_one_that_is_on_and_has_an_end() {
    let weekly = schedule("Europe/Berlin", Shift::Weekly, "2026-01-05T09:00", &["a", "b"]);
    let listed = turns(&weekly, at("2026-01-01T00:00:00Z"), at("2026-01-20T00:00:00Z"));
    assert_eq!(listed.iter().map(|turn| turn.person).collect::<String>(), "aba");
    let minutely = schedule("UTC", Shift::Every(SignedDuration::from_mins(1)), "2026-01-05T09:00", &["a"]);
    assert_eq!(turns(&minutely, at("2026-02-01T00:00:00Z"), at("2036-02-01T00:00:00Z")).len(), LISTED);
}

proptest! {
    #[test]
    fn turns_tile_time(
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
        shift in prop_oneof![
            Just(Shift::Daily), Just(Shift::Weekly),
            (60..2_000_000i64).prop_map(|seconds| Shift::Every(SignedDuration::from_secs(seconds))),
        ],
        start in 0..2_000_000_000i64,
        later in 0..400_000_000i64,
        members in 1..5usize,
    ) {
        let names = ["a", "b", "c", "d"];
        let start = Timestamp::from_second(start).expect("a time");
        let local = TimeZone::get(zone).expect("a zone").to_datetime(start).to_string();
        let schedule = schedule(zone, shift, &local, &names[..members]);
        let now = start + SignedDuration::from_secs(later);
        let turn = rostered(&schedule, now).expect("somebody");
        prop_assert!(turn.from <= now && now < turn.until);
        let next = rostered(&schedule, turn.until).expect("somebody");
        prop_assert_eq!(next.from, turn.until);
        let place = names.iter().position(|name| *name == turn.person).expect("a member");
        // Where a day was skipped, so was the person whose turn it would have been.
        prop_assert!(zone == "Pacific/Apia" || next.person == names[(place + 1) % members]);
        let last = turn.until - SignedDuration::from_nanos(1);
        prop_assert_eq!(rostered(&schedule, last), Some(turn));
    }
}
