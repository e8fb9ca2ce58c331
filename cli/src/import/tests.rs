//! Promises about what of a calendar becomes a turn, and when.

use domain::policy::{Policy, parse};
use proptest::prelude::*;

use super::find::find;
use super::*;

const POLICY: &str = r"
version: 1
people:
  ana: { name: Ana Lima, contacts: [{ email: ana@example.com }] }
  bo: { name: Bo Berg, contacts: [{ email: bo@example.com }] }
  twin: { name: Bo Berg, contacts: [{ email: twin@example.com }] }
schedules:
  s: { time_zone: Europe/Berlin, rotation: { members: [ana], shift: daily, start: 2026-01-01T09:00 } }
escalations: { all: { steps: [{ notify: [schedule:s], wait: 5m }] } }
catch_all: { escalation: all }
providers: { email: { from: watchkeeper@example.com } }
";

fn policy() -> Policy {
    parse(POLICY).expect("a policy").0
}

fn asked(from: &str, until: &str) -> Import {
    let at = |text: &str| Some(text.parse().expect("an instant"));
    Import {
        schedule: "s".to_owned(),
        file: "calendar.ics".into(),
        from: at(from),
        until: at(until),
        person: Vec::new(),
        zone: Vec::new(),
        policy: None,
        set: false,
        why: crate::args::Why { reason: String::new(), by: None },
    }
}

/// What events with these lines come to in the days around the end of summer time in Berlin, 2026-10-25 at 03:00.
fn found(events: &[&str]) -> Found {
    let event = |lines: &&str| format!("BEGIN:VEVENT\n{}\nEND:VEVENT\n", lines.replace(" | ", "\n"));
    let file = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", events.iter().map(event).collect::<String>());
    let calendar = Calendar::read(file.as_bytes()).expect("a calendar");
    find(&asked("2026-10-23T22:00:00Z", "2026-10-27T23:00:00Z"), &calendar, &policy()).expect("a small calendar")
}

/// The turns as instants, each with the day and the hour of its beginning and end.
fn turns(events: &[&str]) -> Vec<String> {
    let found = found(events);
    let why: Vec<&str> = found.left_out.iter().map(|out| out.why.as_str()).collect();
    assert!(why.is_empty(), "{events:?}: {why:?}");
    let time = |at: Timestamp| at.strftime("%dT%H:%M").to_string();
    found.turns.iter().map(|turn| format!("{}-{}", time(turn.from), time(turn.until))).collect()
}

#[test]
fn each_event_is_taken_when_the_clock_of_its_own_zone_says() {
    let table: [(&str, &[&str]); 16] = [
        ("DTSTART:20261024T070000Z | DTEND:20261025T070000Z", &["24T07:00-25T07:00"]),
        // Without a zone it is the schedule's: a day of 25 hours, and nights of one more.
        ("DTSTART;VALUE=DATE:20261025 | DTEND;VALUE=DATE:20261026", &["24T22:00-25T23:00"]),
        ("DTSTART;VALUE=DATE:20261025", &["24T22:00-25T23:00"]),
        ("DTSTART:20261024T090000 | DTEND:20261025T090000", &["24T07:00-25T08:00"]),
        // A length in days is one of the calendar, a length in hours is one of time.
        ("DTSTART:20261024T090000 | DURATION:P1D", &["24T07:00-25T08:00"]),
        ("DTSTART:20261024T090000 | DURATION:PT24H", &["24T07:00-25T07:00"]),
        ("DTSTART;TZID=America/New_York:20261024T090000 | DURATION:PT1H", &["24T13:00-24T14:00"]),
        // What the clock shows twice is the first of both.
        ("DTSTART:20261025T023000 | DURATION:PT10M", &["25T00:30-25T00:40"]),
        // A series hands over at the same time of the clock through its change.
        (
            "DTSTART:20261001T090000 | DTEND:20261002T090000 | RRULE:FREQ=DAILY",
            &["23T07:00-24T07:00", "24T07:00-25T08:00", "25T08:00-26T08:00", "26T08:00-27T08:00", "27T08:00-28T08:00"],
        ),
        (
            "DTSTART:20261001T070000Z | DURATION:PT1H | RRULE:FREQ=DAILY;UNTIL=20261025T070000Z",
            &["24T07:00-24T08:00", "25T07:00-25T08:00"],
        ),
        // The end of a rule is an instant, a time of the clock, or a whole day.
        (
            "DTSTART:20261024T090000 | DURATION:PT1H | RRULE:FREQ=DAILY;UNTIL=20261025T080000Z",
            &["24T07:00-24T08:00", "25T08:00-25T09:00"],
        ),
        ("DTSTART:20261024T090000 | DURATION:PT1H | RRULE:FREQ=DAILY;UNTIL=20261025T075959Z", &["24T07:00-24T08:00"]),
        ("DTSTART:20261024T090000 | DURATION:PT1H | rrule:freq=daily;until=20261024T090000", &["24T07:00-24T08:00"]),
        (
            "DTSTART:20261024T090000 | DURATION:PT1H | RRULE:FREQ=DAILY;UNTIL=20261025",
            &["24T07:00-24T08:00", "25T08:00-25T09:00"],
        ),
        // Days that are left out, as days and as instants, and days beside the rule.
        (
            "DTSTART:20261024T090000 | DURATION:PT1H | RRULE:FREQ=DAILY | EXDATE;VALUE=DATE:20261025 | EXDATE:20261026T080000Z,20261028T080000Z | RDATE:20261027T180000",
            &["24T07:00-24T08:00", "27T08:00-27T09:00", "27T17:00-27T18:00"],
        ),
        // Whatever only touches the window is whole, and whatever ends as it begins is none of it.
        ("DTSTART:20261023T210000Z | DTEND:20261023T220000Z", &[]),
    ];
    for (lines, expected) in table {
        assert_eq!(turns(&[&format!("UID:1 | SUMMARY:ana | {lines}")]), expected, "{lines}");
    }
}

#[test]
fn an_event_that_takes_the_place_of_another_does_and_the_latest_version_counts() {
    let series = "UID:1 | SUMMARY:ana | DTSTART:20261024T090000 | DURATION:PT1H | RRULE:FREQ=DAILY;COUNT=3";
    let moved = "UID:1 | RECURRENCE-ID:20261025T080000Z | SUMMARY:ana | DTSTART:20261025T200000 | DURATION:PT1H";
    assert_eq!(turns(&[series, moved]), ["24T07:00-24T08:00", "25T19:00-25T20:00", "26T08:00-26T09:00"]);
    assert_eq!(turns(&[moved, series]), turns(&[series, moved]), "whatever their order");
    let off = format!("{moved} | STATUS:CANCELLED");
    assert_eq!(turns(&[series, &off]), ["24T07:00-24T08:00", "26T08:00-26T09:00"]);
    assert_eq!(turns(&[moved]), ["25T19:00-25T20:00"], "a part of a calendar has it without its series");
    assert_eq!(turns(&[&format!("{series} | STATUS:CANCELLED")]), [""; 0]);

    let version =
        |more: &str, hour: u32| format!("UID:1 | SUMMARY:ana | DTSTART:20261024T{hour}0000Z | DURATION:PT1H | {more}");
    for (one, other) in [
        ("SEQUENCE:2", "SEQUENCE:10"),
        ("SEQUENCE:1 | DTSTAMP:20260101T000000Z", "SEQUENCE:1 | DTSTAMP:20260102T000000Z"),
        ("DTSTAMP:20260102T000000Z", "SEQUENCE:1 | DTSTAMP:20260101T000000Z"),
    ] {
        let (one, other) = (version(one, 10), version(other, 12));
        for events in [[one.as_str(), &other], [&other, &one]] {
            let found = found(&events);
            let from: Vec<String> = found.turns.iter().map(|turn| turn.from.to_string()).collect();
            assert_eq!(from, ["2026-10-24T12:00:00Z"], "{events:?}");
            assert!(found.left_out[0].why.ends_with("is a later version of it"), "{}", found.left_out[0].why);
        }
    }
    // A later version that cannot be taken does not bring back the one before.
    let broken = version("SEQUENCE:3 | RRULE:FREQ=SECONDLY", 12);
    let found = found(&[&version("SEQUENCE:2", 10), &broken]);
    assert_eq!((found.turns.len(), found.left_out.len()), (0, 2));
}

#[test]
fn whoever_is_meant_is_known_by_title_name_or_address_and_nobody_is_guessed() {
    let table = [
        ("SUMMARY:ana", Ok("ana")),
        ("SUMMARY: Ana Lima ", Ok("ana")),
        ("SUMMARY:On call | ATTENDEE;CN=x:MAILTO:Ana@Example.com", Ok("ana")),
        ("SUMMARY:ana | ATTENDEE:mailto:bo@example.com", Ok("ana")),
        ("SUMMARY:On call | ATTENDEE:mailto:eve@example.com", Err("nobody is known by that title")),
        ("SUMMARY:On call | ATTENDEE:é", Err("nobody is known by that title")),
        ("SUMMARY:Bo Berg", Err("it may be bo or twin")),
        ("SUMMARY:x | ATTENDEE:mailto:bo@example.com | ATTENDEE:mailto:ana@example.com", Err("it may be ana or bo")),
        ("SUMMARY:Bo's night", Err(r"--person 'Bo'\''s night'=NAME")),
        ("ATTENDEE:nobody", Err("--person ''=NAME")),
    ];
    for (lines, expected) in table {
        let found = found(&[&format!("UID:1 | DTSTART:20261024T100000Z | DURATION:PT1H | {lines}")]);
        match expected {
            Ok(person) => assert_eq!(found.turns[0].person, person, "{lines}"),
            Err(why) => assert!(found.left_out[0].why.contains(why), "{lines}: {}", found.left_out[0].why),
        }
    }
}

#[test]
fn one_turn_that_two_events_have_is_one() {
    let event = |uid: &str| format!("UID:{uid} | SUMMARY:ana | DTSTART:20261024T100000Z | DURATION:PT1H");
    assert_eq!(turns(&[&event("1"), &event("2")]), ["24T10:00-24T11:00"]);
}

proptest! {
    #[test]
    fn h19_whatever_a_calendar_says_is_taken_or_left_out_and_never_without_bounds(
        places in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        rule in "[A-Z0-9=;,é+-]{0,40}",
    ) {
        let text = places.join("\r\n").replace("RULE", &rule);
        let file = format!("BEGIN:VCALENDAR\r\n{text}\r\nEND:VCALENDAR\r\n");
        let calendar = Calendar::read(file.as_bytes()).expect("a calendar");
        let found = find(&asked("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"), &calendar, &policy());
        if let Ok(found) = found {
            prop_assert!(found.turns.len() <= MOST_TURNS && found.left_out.len() <= calendar.events.len());
            let sorted = found.turns.is_sorted_by_key(|turn| turn.from);
            let whole = found.turns.iter().all(|turn| turn.from < turn.until && turn.until > found.from && turn.from < found.until);
            prop_assert!(sorted && whole);
        }
    }
}

/// What a calendar may be made of.
const PIECES: [&str; 28] = [
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:ana\r\nDTSTART:20261001T090000\r\nDTEND:20261001T100000",
    "BEGIN:VALARM",
    "END:VALARM",
    "BEGIN:VTIMEZONE\r\nTZID:x\r\nX-LIC-LOCATION:Asia/Tokyo\r\nEND:VTIMEZONE",
    "UID:1",
    "UID:2",
    "SUMMARY:ana",
    "SEQUENCE:1",
    "SEQUENCE:-99999999999999999999",
    "DTSTART:20261001T090000Z",
    "DTSTART;TZID=x:20261001T090000",
    "DTSTART;VALUE=DATE:20261001",
    "DTSTART:99991231T235959Z",
    "DTSTART:00000101T000000",
    "DTEND:20261001T100000Z",
    "DTEND:99991231T235959",
    "DURATION:PT1H",
    "DURATION:P9999999W",
    "DURATION:-PT1H",
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=HOURLY;BYHOUR=1,2,3;INTERVAL=7",
    "RRULE:FREQ=MONTHLY;RULE",
    "RRULE:RULE",
    "EXDATE:20261002T090000Z,20261003T090000",
    "RDATE;VALUE=DATE:20261005",
    "RECURRENCE-ID:20261002T090000Z",
];
