//! How an event comes again: each time of it within a window, by its rule, with what is left out and what replaces it.
//!
//! The rule runs on the clock of the event's own time zone, and each time it finds becomes an instant by the same
//! database that schedules are read by. So a series keeps its hour when the clock changes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rrule::RRuleSet;

use super::event::{DAY, Event, TIME, When};

/// How often a rule may come before the window. Once an hour that is eleven years.
const PATIENCE: usize = 100_000;

/// From the one instant to the other.
pub type Window = (Timestamp, Timestamp);

/// Every time of `event` that touches `window`, in order and at most `most` and one more. What is in `replaced` is told
/// by another event.
pub fn times(event: &Event, replaced: &[When], window: Window, most: usize) -> Result<Vec<Window>, String> {
    let left_out = LeftOut::of(event.never.iter().chain(replaced));
    let mut times = BTreeSet::new();
    let mut take = |start: &When| {
        let (from, until) = event.lasts(start).ok_or("it lasts beyond the end of the calendar")?;
        if until <= from {
            return Err("it ends before it has begun".to_owned());
        }
        let touches = from < window.1 && window.0 < until;
        if touches && !left_out.has(start, from) {
            times.insert((from, until));
        }
        Ok((from >= window.1 || times.len() > most).then_some(()))
    };
    for start in &event.also {
        take(start)?;
    }
    match &event.rule {
        None => {
            take(&event.start)?;
        }
        Some(rule) => {
            let set = set(rule, &event.start)?;
            let mut comes = set.into_iter().map(|at| Timestamp::from_second(at.timestamp()).ok());
            let mut first = comes.next();
            if first.is_none() {
                return Err("its RRULE never happens".to_owned());
            }
            for passed in 0.. {
                let Some(at) = first.take().or_else(|| comes.next()) else { break };
                let shown = at.ok_or("it lasts beyond the end of the calendar")?;
                if take(&event.start.at(TimeZone::UTC.to_datetime(shown)))?.is_some() {
                    break;
                }
                if passed > PATIENCE {
                    return Err("it comes too often before the time in question".to_owned());
                }
            }
        }
    }
    Ok(times.into_iter().collect())
}

/// The times at which a series does not come: whole days, and instants.
struct LeftOut {
    days: BTreeSet<Date>,
    instants: BTreeSet<Timestamp>,
}

impl LeftOut {
    fn of<'a>(times: impl Iterator<Item = &'a When>) -> Self {
        let (days, instants): (Vec<_>, Vec<_>) = times.partition(|time| time.day);
        Self {
            days: days.iter().map(|day| day.time.date()).collect(),
            instants: instants.iter().filter_map(|time| time.instant()).collect(),
        }
    }

    fn has(&self, start: &When, from: Timestamp) -> bool {
        self.instants.contains(&from) || self.days.contains(&start.time.date())
    }
}

/// A rule that begins at `start`, on a clock that never changes.
fn set(rule: &str, start: &When) -> Result<RRuleSet, String> {
    // The rule is cut by bytes where it is read.
    if !rule.is_ascii() {
        return Err("its RRULE cannot be read".to_owned());
    }
    let mut text = format!("DTSTART:{}\nRRULE:", clock(start.time));
    for (place, part) in rule.split(';').enumerate() {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
        let several = value.contains(',');
        let value = match (name.as_str(), value.as_str()) {
            ("FREQ", "SECONDLY" | "MINUTELY") => return Err(format!("it comes too often: FREQ={value}")),
            ("BYSECOND" | "BYMINUTE", _) if several => return Err(format!("it comes too often: {name}={value}")),
            ("UNTIL", _) => clock(last(&value, start).ok_or_else(|| format!("UNTIL={value} is no time"))?),
            _ => value,
        };
        let _ = write!(text, "{}{name}={value}", if place == 0 { "" } else { ";" });
    }
    text.parse::<RRuleSet>().map(RRuleSet::limit).map_err(|error| format!("its RRULE cannot be read: {error}"))
}

fn clock(time: DateTime) -> String {
    time.strftime(TIME).to_string() + "Z"
}

/// What the clock at `start` shows at the end of a rule: an instant there, a time of that clock, or the end of a day.
fn last(until: &str, start: &When) -> Option<DateTime> {
    if let Some(instant) = until.strip_suffix('Z') {
        let instant = TimeZone::UTC.to_timestamp(DateTime::strptime(TIME, instant).ok()?).ok()?;
        return Some(start.zone.to_datetime(instant));
    }
    let day = Date::strptime(DAY, until).ok().map(|day| day.at(23, 59, 59, 0));
    day.or_else(|| DateTime::strptime(TIME, until).ok())
}
