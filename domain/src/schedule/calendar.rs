//! Calendars: shifts as iCalendar text (RFC 5545), for whoever wants them beside their other appointments.
//!
//! Every time is in UTC, so that no time zone has to be described and no reader can get one wrong.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Covers, Source, Turn, final_schedule, on_call};
use crate::log::Hash;
use crate::policy::Policy;

/// The most octets of a line, its end left out (RFC 5545, section 3.1).
const LINE: usize = 75;

/// Whose shifts a calendar shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Those of one person, on every schedule.
    Person(String),
    /// Those of everybody, on one schedule.
    Schedule(String),
}

/// The shifts of `subject` between `from` and `until`, as a calendar that was made at `now`.
pub fn calendar(
    subject: &Subject,
    policy: &Policy,
    covers: &Covers,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> String {
    let mut text = String::new();
    let name = match subject {
        Subject::Person(person) => format!("On call: {}", full_name(policy, person)),
        Subject::Schedule(schedule) => format!("On call for {schedule}"),
    };
    line(&mut text, "BEGIN", "VCALENDAR");
    line(&mut text, "VERSION", "2.0");
    line(&mut text, "PRODID", "-//Watchkeeper//On call//EN");
    line(&mut text, "X-WR-CALNAME", &escaped(&name));
    line(&mut text, "REFRESH-INTERVAL;VALUE=DURATION", "PT15M");
    for schedule in policy.schedules.keys() {
        if matches!(subject, Subject::Schedule(only) if only != schedule) {
            continue;
        }
        for turn in shifts(schedule, policy, covers, from, until) {
            if !matches!(subject, Subject::Person(only) if only != turn.person) {
                event(&mut text, schedule, &turn, policy, now);
            }
        }
    }
    line(&mut text, "END", "VCALENDAR");
    text
}

/// Every turn of somebody that touches the time from `from` until `until`, as long as it lasts without a break.
///
/// A turn that reaches beyond that time is whole, so that it is the same one whenever the calendar is read.
fn shifts<'a>(
    schedule: &str,
    policy: &'a Policy,
    covers: &'a Covers,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Turn<'a>> {
    let mut shifts: Vec<Turn<'a>> = Vec::new();
    let mut before = None;
    for span in final_schedule(schedule, policy, covers, from, until) {
        let turn = span.on_call().cloned();
        match (&turn, shifts.last_mut()) {
            (Some(_), Some(last)) if turn == before => last.until = span.until,
            (Some(turn), _) => shifts.push(Turn { from: span.from, until: span.until, ..turn.clone() }),
            (None, _) => {}
        }
        before = turn;
    }
    if let Some(first) = shifts.first_mut()
        && let Some(whole) = on_call(schedule, policy, covers, first.from)
    {
        *first = whole;
    }
    if let Some(last) = shifts.last_mut()
        && let Some(whole) = on_call(schedule, policy, covers, last.from)
    {
        *last = whole;
    }
    shifts
}

fn event(text: &mut String, schedule: &str, turn: &Turn<'_>, policy: &Policy, now: Timestamp) {
    let uid = Hash::of(format!("{schedule}\n{}\n{}", turn.person, turn.from).as_bytes());
    let why = match turn.source {
        Source::Layer { layer } => format!("Their turn in {layer}."),
        Source::StandIn { layer, absent } => {
            format!("In for {}, whose turn in {layer} it is.", full_name(policy, absent))
        }
        Source::Override(set) if set.reason.is_empty() => "An override.".to_owned(),
        Source::Override(set) => format!("An override: {}", set.reason),
    };
    line(text, "BEGIN", "VEVENT");
    line(text, "UID", &format!("{}@watchkeeper", &uid.as_str()[..32]));
    line(text, "DTSTAMP", &time(now));
    line(text, "DTSTART", &time(turn.from));
    line(text, "DTEND", &time(turn.until));
    line(text, "SUMMARY", &escaped(&format!("{} on call for {schedule}", full_name(policy, turn.person))));
    line(text, "DESCRIPTION", &escaped(&why));
    // On call is no appointment: the person stays free for others.
    line(text, "TRANSP", "TRANSPARENT");
    line(text, "END", "VEVENT");
}

fn full_name<'a>(policy: &'a Policy, person: &'a str) -> &'a str {
    policy.people.get(person).and_then(|known| known.name.as_deref()).unwrap_or(person)
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value (RFC 5545, section 3.3.11).
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
        escaped
    })
}

/// Adds a property, folded between characters.
fn line(text: &mut String, name: &str, value: &str) {
    let mut width = 0;
    for c in name.chars().chain([':']).chain(value.chars()) {
        if width + c.len_utf8() > LINE {
            text.push_str("\r\n ");
            width = 1;
        }
        width += c.len_utf8();
        write!(text, "{c}").expect("a String takes every write");
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Actor;
    use crate::schedule::Override;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn policy() -> Policy {
        let layer = serde_json::json!({ "members": ["ana", "ben"], "shift": "weekly", "start": "2026-03-23T09:00" });
        serde_json::from_value(serde_json::json!({
            "version": 1, "catch_all": { "escalation": "all" },
            "people": { "ana": { "name": "Ana; of \"A, B\\C\"" }, "ben": { "name": "Ben" } },
            "schedules": { "db": { "time_zone": "Europe/Berlin", "rotation": layer } },
        }))
        .expect("a policy")
    }

    const MONTH: (&str, &str) = ("2026-03-23T00:00:00Z", "2026-04-10T00:00:00Z");

    fn of(subject: &Subject, covers: &Covers, now: &str) -> String {
        calendar(subject, &policy(), covers, (at(MONTH.0), at(MONTH.1)), at(now))
    }

    #[test]
    fn k22_a_calendar_has_every_shift_in_utc_through_a_change_of_the_clock() {
        let text = of(&Subject::Schedule("db".to_owned()), Covers::NONE, "2026-03-20T12:00:00Z");
        let times: Vec<&str> =
            text.lines().filter(|line| line.starts_with("DTSTART") || line.starts_with("DTEND")).collect();
        let expected = [
            "DTSTART:20260323T080000Z",
            "DTEND:20260330T070000Z",
            "DTSTART:20260330T070000Z",
            "DTEND:20260406T070000Z",
            // The last is whole, although the calendar ends in it.
            "DTSTART:20260406T070000Z",
            "DTEND:20260413T070000Z",
        ];
        assert_eq!(times, expected);
        assert!(text.contains("SUMMARY:Ana\\; of \"A\\, B\\\\C\" on call for db\r\n"), "{text}");
        assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
        assert_eq!(text.matches("DTSTAMP:20260320T120000Z").count(), 3);
    }

    #[test]
    fn a_person_sees_their_own_shifts_alone_and_why() {
        let set = Override {
            id: "1".to_owned(),
            schedule: "db".to_owned(),
            person: "ben".to_owned(),
            instead_of: None,
            from: at("2026-03-24T00:00:00Z"),
            until: at("2026-03-25T00:00:00Z"),
            by: Actor::person("ana"),
            reason: "a wedding\r\nATTENDEE:x".to_owned(),
        };
        let covers = Covers { overrides: vec![set], ..Covers::default() };
        let text = of(&Subject::Person("ben".to_owned()), &covers, "2026-03-20T12:00:00Z");
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 2);
        assert!(text.contains("DESCRIPTION:An override: a wedding\\nATTENDEE:x\r\n"), "{text}");
        assert!(!text.contains("SUMMARY:Ana") && !text.contains("\r\nATTENDEE"), "{text}");
        assert!(!of(&Subject::Person("zoe".to_owned()), &covers, "2026-03-20T12:00:00Z").contains("VEVENT"));
    }

    #[test]
    fn a_shift_keeps_its_name_whenever_it_is_asked_for() {
        let uids = |now: &str| {
            let text = of(&Subject::Schedule("db".to_owned()), Covers::NONE, now);
            text.lines().filter(|line| line.starts_with("UID")).map(str::to_owned).collect::<Vec<_>>()
        };
        let first = uids("2026-03-20T12:00:00Z");
        assert_eq!(first, uids("2026-03-28T12:00:00Z"));
        let later = (at("2026-03-25T00:00:00Z"), at(MONTH.1));
        let later = calendar(&Subject::Schedule("db".to_owned()), &policy(), Covers::NONE, later, at(MONTH.1));
        assert!(first.iter().all(|uid| later.contains(uid)), "although it begins in the middle of a shift");
        assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), first.len());
    }

    #[test]
    fn a_long_line_is_folded_between_characters_and_unfolds_to_itself() {
        let value = "ü€😀, ".repeat(60);
        let mut text = String::new();
        line(&mut text, "SUMMARY", &value);
        assert!(text.split("\r\n").all(|line| line.len() <= LINE));
        assert_eq!(text.replace("\r\n ", ""), format!("SUMMARY:{value}\r\n"));
    }
}
