//! Shifts: events that come again, as layers of turns.
//!
//! Users of a rolling shift take turns by its frequency; a turn begins with the first event of its day or week, so that
//! no event changes hands (`convert_to_ical` of grafana/oncall).

use domain::policy::{Layer, Window};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use serde::Deserialize;

use crate::migrate::draft::Draft;
use crate::migrate::lanes::aligned;
use crate::migrate::week::{self, DAY, Stretch, WEEK};

#[derive(Debug, Deserialize)]
pub(super) struct Shift {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) level: u32,
    #[serde(default)]
    time_zone: Option<String>,
    pub(super) start: DateTime,
    #[serde(default)]
    rotation_start: Option<DateTime>,
    pub(super) duration: i64,
    #[serde(default)]
    frequency: Option<String>,
    #[serde(default)]
    interval: Option<u16>,
    #[serde(default)]
    until: Option<DateTime>,
    #[serde(default)]
    week_start: Option<String>,
    #[serde(default)]
    by_day: Option<Vec<String>>,
    #[serde(default)]
    by_month: Option<Vec<i64>>,
    #[serde(default)]
    by_monthday: Option<Vec<i64>>,
    #[serde(default)]
    pub(super) users: Vec<String>,
    #[serde(default)]
    pub(super) rolling_users: Option<Vec<Vec<String>>>,
    #[serde(default)]
    start_rotation_from_user_index: Option<usize>,
}

impl Shift {
    /// Its own zone, where it has one.
    pub(super) fn zone(&self) -> Option<TimeZone> {
        self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok())
    }
}

/// When the events of a shift are, and how long a turn is.
struct Rhythm {
    shift: domain::policy::Shift,
    start: DateTime,
    restrict: Vec<Window>,
}

/// The layers that put on call whom `shift` does: one for everybody who is on call with it at the same time.
pub(super) fn layers(draft: &Draft, shift: &Shift, zone: &TimeZone) -> Result<Vec<Layer>, String> {
    let own = shift.time_zone.as_ref().filter(|name| shift.zone().as_ref() != Some(zone) || name.is_empty());
    if let Some(name) = own
        && shift.zone().is_none()
    {
        return Err(format!("`{name}` is no IANA time zone"));
    }
    let zone = shift.zone().unwrap_or_else(|| zone.clone());
    let rhythm = rhythm(shift)?;
    let end = match shift.kind.as_str() {
        "single_event" => shift.start.checked_add(SignedDuration::from_secs(shift.duration)).ok(),
        _ => shift.until,
    };
    let layer = |ids: Vec<&str>| {
        let members = draft.members(ids)?;
        let times = (rhythm.start, shift.rotation_start.unwrap_or(rhythm.start).max(rhythm.start));
        let (start, members) = aligned(times, rhythm.shift, members, &zone);
        if end.is_some_and(|end| end <= start) {
            return Err("it ended as it began".to_owned());
        }
        let (name, time_zone, restrict) = (shift.name.clone(), own.cloned(), rhythm.restrict.clone());
        Ok(Layer { name, time_zone, members, shift: rhythm.shift, start, end, restrict })
    };
    if shift.kind != "rolling_users" {
        return shift.users.iter().map(|user| layer(vec![user])).collect();
    }
    let groups = shift.rolling_users.as_deref().unwrap_or_default();
    let size = groups.first().map_or(0, Vec::len);
    if size == 0 || groups.iter().any(|group| group.len() != size) {
        return Err("its turns are of groups that are not equally large".to_owned());
    }
    let some_days = shift.by_day.as_ref().is_some_and(|days| !days.is_empty() && days.len() < 7);
    if groups.len() > 1 && some_days && shift.frequency.as_deref() == Some("daily") {
        return Err("its daily turns skip days, and whose turn is next depends on which".to_owned());
    }
    let first = shift.start_rotation_from_user_index.unwrap_or(0) % groups.len();
    let order = || groups.iter().cycle().skip(first).take(groups.len());
    (0..size).map(|place| layer(order().map(|group| group[place].as_str()).collect())).collect()
}

fn rhythm(shift: &Shift) -> Result<Rhythm, String> {
    use domain::policy::Shift as Turn;
    if shift.kind == "single_event" {
        return Ok(Rhythm { shift: Turn::Days(366), start: shift.start, restrict: Vec::new() });
    }
    if shift.by_month.as_ref().is_some_and(|months| !months.is_empty())
        || shift.by_monthday.as_ref().is_some_and(|days| !days.is_empty())
    {
        return Err("its events are on some days of a month, and windows are on days of the week".to_owned());
    }
    let interval = shift.interval.unwrap_or(1).max(1);
    let length = u32::try_from(shift.duration).ok().filter(|length| *length > 0).ok_or("its events have no length")?;
    let frequency = shift.frequency.as_deref().unwrap_or_default();
    let days = match &shift.by_day {
        Some(days) if !days.is_empty() => Some(days.iter().map(|day| weekday(day)).collect::<Result<Vec<_>, _>>()?),
        _ => None,
    };
    let (turn, period) = match frequency {
        "hourly" => (Turn::Every(SignedDuration::from_hours(interval.into())), 3600),
        "daily" => (Turn::Days(interval), DAY),
        "weekly" => (Turn::Days(interval.saturating_mul(7)), WEEK),
        other => return Err(format!("events that come again {other} have no counterpart")),
    };
    if matches!(turn, Turn::Days(367..)) {
        return Err("a turn lasts longer than a year".to_owned());
    }
    // Without a pause between events there is nothing to restrict.
    if days.is_none() && length == period.saturating_mul(interval.into()) {
        return Ok(Rhythm { shift: turn, start: shift.start, restrict: Vec::new() });
    }
    if interval > 1 || frequency == "hourly" || length > period {
        return Err(format!(
            "its events leave gaps or overlap ({frequency}, every {interval}), and windows come every week"
        ));
    }
    let begins = week::of_week(shift.start);
    let stretch = |day: u32| Stretch { from: day * DAY + begins % DAY, length };
    let (stretches, start): (Vec<Stretch>, DateTime) = match (frequency, days) {
        ("daily", None) => ((0..7).map(stretch).collect(), shift.start),
        ("daily", Some(days)) => (days.into_iter().map(stretch).collect(), shift.start),
        (_, None) => (vec![Stretch { from: begins, length }], shift.start),
        (_, Some(days)) => {
            let monday = week_of(shift.start.date(), shift.week_start.as_deref())?;
            let first = weekday(shift.week_start.as_deref().unwrap_or("SU"))?;
            let offset = days.iter().map(|day| (day + 7 - first) % 7).min().unwrap_or(0);
            let date = monday.checked_add(Span::new().days(i64::from(offset))).map_err(|_| "it has no start")?;
            (days.into_iter().map(stretch).collect(), date.to_datetime(shift.start.time()))
        }
    };
    let restrict = week::windows(&stretches).ok_or("its events leave no time")?;
    Ok(Rhythm { shift: turn, start, restrict })
}

/// The day on which the week of `date` begins.
fn week_of(date: Date, week_start: Option<&str>) -> Result<Date, String> {
    let first = weekday(week_start.unwrap_or("SU"))?;
    let today = u32::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    let back = Span::new().days(i64::from((today + 7 - first) % 7));
    date.checked_sub(back).map_err(|_| "it has no start".to_owned())
}

/// The number of a day of the week in iCalendar's letters, Monday's is 0.
fn weekday(day: &str) -> Result<u32, String> {
    let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    (0..)
        .zip(days)
        .find(|(_, known)| *known == day)
        .map(|(number, _)| number)
        .ok_or(format!("`{day}` is no day of the week"))
}
