//! A calendar file as its components: the lines of each event, and where its own time zones are.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::line::{Line, lines};
use super::told::quoted;

/// The properties of an event that say who is on call when. Alarms within it have some of the same names, and are none.
const KEPT: [&str; 14] = [
    "UID",
    "SEQUENCE",
    "DTSTAMP",
    "SUMMARY",
    "ATTENDEE",
    "STATUS",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "RECURRENCE-ID",
];

/// What a calendar file holds.
#[derive(Debug, Default)]
pub struct Calendar {
    /// Its events, in their order.
    pub events: Vec<Lines>,
    /// Where the time zones are that it describes, by their names.
    places: BTreeMap<String, String>,
}

/// The lines of an event.
#[derive(Debug)]
pub struct Lines {
    /// The number of its first line.
    pub number: usize,
    /// Whether the file has its end.
    pub ended: bool,
    kept: Vec<Line>,
}

impl Calendar {
    /// Reads a file; `None` when it is no calendar.
    pub fn read(file: &[u8]) -> Option<Self> {
        let (mut calendar, mut within, mut zone) = (Self::default(), Vec::new(), String::new());
        let mut found = false;
        for line in lines(file) {
            match line.name.as_str() {
                "BEGIN" => {
                    let component = line.value.trim().to_ascii_uppercase();
                    found |= component == "VCALENDAR";
                    if component == "VEVENT" {
                        calendar.events.push(Lines { number: line.number, ended: false, kept: Vec::new() });
                    }
                    within.push(component);
                }
                "END" => {
                    let component = line.value.trim().to_ascii_uppercase();
                    if within.last().is_some_and(|last| *last == component) {
                        within.pop();
                    }
                    if component == "VEVENT"
                        && let Some(last) = calendar.events.last_mut()
                    {
                        last.ended = true;
                    }
                }
                name => match within.last().map(String::as_str) {
                    Some("VEVENT") if KEPT.contains(&name) => {
                        calendar.events.last_mut()?.kept.push(line);
                    }
                    Some("VTIMEZONE") if name == "TZID" => zone = line.text(),
                    Some("VTIMEZONE") if name == "X-LIC-LOCATION" => {
                        calendar.places.insert(zone.clone(), line.text());
                    }
                    _ => {}
                },
            }
        }
        found.then_some(calendar)
    }
}

impl Lines {
    /// The first line of this name.
    pub fn get(&self, name: &str) -> Option<&Line> {
        self.all(name).next()
    }

    /// Every line of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Line> {
        self.kept.iter().filter(move |line| line.name == name)
    }

    /// The text of the first line of this name; empty when there is none.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(|line| line.text().trim().to_owned()).unwrap_or_default()
    }
}

/// Which time zone a name in a calendar means.
pub struct Zones<'a> {
    /// That of whatever names none: the schedule's.
    pub own: TimeZone,
    /// Those that were told.
    pub told: BTreeMap<&'a str, TimeZone>,
    /// The calendar, which may say where its own are.
    pub calendar: &'a Calendar,
}

impl Zones<'_> {
    /// The time zone called `name`, or why it is not known.
    pub fn named(&self, name: &str) -> Result<TimeZone, String> {
        if let Some(told) = self.told.get(name) {
            return Ok(told.clone());
        }
        let place = self.calendar.places.get(name).map_or(name, String::as_str);
        TimeZone::get(name).or_else(|_| TimeZone::get(place)).map_err(|_| {
            format!("nobody knows its time zone; say where that is, such as --zone {}=Europe/Berlin", quoted(name))
        })
    }
}
