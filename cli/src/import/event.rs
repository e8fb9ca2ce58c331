//! An event of a calendar: when it is, how it comes again, and what it takes the place of.

use std::cmp::Reverse;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::calendar::{Lines, Zones};
use super::line::Line;

/// A day as a calendar writes it (RFC 5545, section 3.3.4).
pub const DAY: &str = "%Y%m%d";
/// A time as a calendar writes it (section 3.3.5), without the `Z` of one in UTC.
pub const TIME: &str = "%Y%m%dT%H%M%S";

/// A time of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// What the clock shows.
    pub time: DateTime,
    /// Where.
    pub zone: TimeZone,
    /// Whether it is a day and not a time of it.
    pub day: bool,
}

/// An event.
#[derive(Debug)]
pub struct Event {
    /// When it begins, for the first time if it comes again.
    pub start: When,
    end: End,
    /// The rule by which it comes again, as it is written.
    pub rule: Option<String>,
    /// When it comes beside that.
    pub also: Vec<When>,
    /// When it does not come.
    pub never: Vec<When>,
    /// Which coming of its series it takes the place of.
    pub instead_of: Option<When>,
    /// Whether it was called off.
    pub cancelled: bool,
}

/// When an event ends.
#[derive(Debug)]
enum End {
    At(When),
    After(Span),
}

impl When {
    /// The instant: the first of two; where the clock leaps over it, as if it had not (RFC 5545, section 3.3.5).
    pub fn instant(&self) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(self.time).compatible().ok()
    }

    /// The same place at another time.
    pub fn at(&self, time: DateTime) -> Self {
        Self { time, ..self.clone() }
    }

    /// Every time that `line` lists.
    fn all(line: &Line, zones: &Zones<'_>) -> Result<Vec<Self>, String> {
        let zone = line.parameter("TZID").map_or_else(|| Ok(zones.own.clone()), |name| zones.named(name))?;
        let one = |text: &str| {
            let (text, zone) = match text.strip_suffix('Z') {
                Some(text) => (text, TimeZone::UTC),
                None => (text, zone.clone()),
            };
            let day = Date::strptime(DAY, text).ok().map(|day| day.at(0, 0, 0, 0));
            let time = day.or_else(|| DateTime::strptime(TIME, text).ok());
            let time = time.ok_or_else(|| format!("{} is no time of a calendar: {text}", line.name))?;
            Ok(Self { time, zone, day: day.is_some() })
        };
        line.value.split(',').map(|text| one(text.trim())).collect()
    }

    /// The time that `line` names.
    fn read(line: &Line, zones: &Zones<'_>) -> Result<Self, String> {
        Self::all(line, zones)?.pop().ok_or_else(|| format!("{} is empty", line.name))
    }
}

/// What tells one event from another: its name, and for one that takes the place of a coming, which.
pub fn identity(lines: &Lines) -> (String, String) {
    (lines.text("UID"), lines.text("RECURRENCE-ID"))
}

/// The later of two versions of an event is greater: by its number, by when it was written, by its place in the file.
pub fn version(lines: &Lines) -> (i64, String, usize) {
    (lines.text("SEQUENCE").parse().unwrap_or(0), lines.text("DTSTAMP"), lines.number)
}

/// Which coming of its series an event takes the place of, whatever else it says.
pub fn instead_of(lines: &Lines, zones: &Zones<'_>) -> Result<Option<When>, String> {
    let Some(line) = lines.get("RECURRENCE-ID") else { return Ok(None) };
    if line.parameter("RANGE").is_some() {
        return Err("it changes all that come after it too; write those as a series of their own".to_owned());
    }
    When::read(line, zones).map(Some)
}

impl Event {
    /// Reads an event, or says why it cannot be one.
    pub fn read(lines: &Lines, zones: &Zones<'_>) -> Result<Self, String> {
        if !lines.ended {
            return Err("the file ends in the middle of it".to_owned());
        }
        if lines.get("EXRULE").is_some() {
            return Err("EXRULE is not understood: list the days with EXDATE".to_owned());
        }
        if lines.all("RRULE").count() > 1 {
            return Err("it has more than one RRULE".to_owned());
        }
        let times = |name| {
            let read: Result<Vec<_>, _> = lines.all(name).map(|line| When::all(line, zones)).collect();
            read.map(|read| read.concat())
        };
        let start = When::read(lines.get("DTSTART").ok_or("it has no DTSTART")?, zones)?;
        let end = match (lines.get("DTEND"), lines.get("DURATION")) {
            (Some(line), _) => End::At(When::read(line, zones)?),
            (None, Some(line)) => {
                End::After(line.value.trim().parse().map_err(|_| format!("{} is no DURATION", line.value))?)
            }
            (None, None) if start.day => End::After(Span::new().days(1)),
            (None, None) => return Err("it has no end".to_owned()),
        };
        Ok(Self {
            end,
            rule: lines.get("RRULE").map(|line| line.value.trim().to_owned()),
            also: times("RDATE")?,
            never: times("EXDATE")?,
            instead_of: instead_of(lines, zones)?,
            cancelled: lines.text("STATUS").eq_ignore_ascii_case("CANCELLED"),
            start,
        })
    }

    /// From when until when it is where it begins at `start`; `None` beyond the calendar.
    ///
    /// A series keeps the time of the clock at which it ends: people who hand over at nine do so when the clock changes
    /// too.
    pub fn lasts(&self, start: &When) -> Option<(Timestamp, Timestamp)> {
        let from = start.instant()?;
        let until = match &self.end {
            End::At(end) if *start == self.start => end.instant()?,
            End::At(end) => {
                let end = self.start.zone.to_datetime(end.instant()?);
                let length: SignedDuration = end.duration_since(self.start.time);
                start.at(start.time.checked_add(length).ok()?).instant()?
            }
            End::After(length) => from.to_zoned(start.zone.clone()).checked_add(*length).ok()?.timestamp(),
        };
        Some((from, until))
    }
}

/// Of several versions of the same event, the places of those that a later one replaces, and the line of that one.
pub fn outdated(events: &[Lines]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..events.len()).filter(|place| !events[*place].text("UID").is_empty()).collect();
    order.sort_by_cached_key(|place| (identity(&events[*place]), Reverse(version(&events[*place]))));
    let same = |one: &usize, other: &usize| identity(&events[*one]) == identity(&events[*other]);
    let versions = order.chunk_by(same).filter_map(<[usize]>::split_first);
    versions.flat_map(|(latest, others)| others.iter().map(|place| (*place, events[*latest].number))).collect()
}
