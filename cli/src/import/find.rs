//! The turns that a calendar has within a time, and why the rest of it has none.

use std::collections::BTreeMap;

use domain::policy::Policy;
use jiff::tz::TimeZone;

use super::calendar::{Calendar, Lines, Zones};
use super::event::{self, Event, When};
use super::series::{self, Window};
use super::who::People;
use super::{Found, LONGEST, LeftOut, MOST_TURNS, State, Turn, window};
use crate::args::Import;
use crate::failure::Failure;

/// The most events of a file that come again.
const MOST_SERIES: usize = 500;

/// The turns of `calendar`, in order, and what of it was not taken.
pub(super) fn find(asked: &Import, calendar: &Calendar, policy: &Policy) -> Result<Found, Failure> {
    let (from, until) = window(asked)?;
    let schedule = policy.schedules.get(&asked.schedule).ok_or_else(|| Failure::NotFound {
        what: format!("the policy has no schedule `{}`", asked.schedule),
        fix: Some("watchkeeper schedule list names those it has".to_owned()),
    })?;
    let unknown = |name: &str| Failure::Usage(format!("nobody knows the time zone `{name}`"));
    let zone = |name: &str| TimeZone::get(name).map_err(|_| unknown(name));
    let told: Result<BTreeMap<&str, TimeZone>, Failure> =
        asked.zone.iter().map(|(name, place)| Ok((name.as_str(), zone(place)?))).collect();
    let zones = Zones { own: zone(&schedule.time_zone)?, told: told?, calendar };
    let people = People::new(&asked.person, policy).map_err(Failure::Usage)?;
    if calendar.events.iter().filter(|event| event.get("RRULE").is_some()).count() > MOST_SERIES {
        let what = format!("more than {MOST_SERIES} events of the calendar come again");
        return Err(Failure::Failed { what, fix: Some("export the calendar of the schedule alone".to_owned()) });
    }

    let mut found = Found { schedule: asked.schedule.clone(), from, until, turns: Vec::new(), left_out: Vec::new() };
    let outdated: BTreeMap<usize, usize> = event::outdated(&calendar.events).into_iter().collect();
    let replaced = replaced(&calendar.events, &outdated, &zones);
    for (place, lines) in calendar.events.iter().enumerate() {
        let taken = match outdated.get(&place) {
            Some(line) => Err(format!("the event at line {line} is a later version of it")),
            None => turns(lines, &replaced, &people, &zones, (from, until)),
        };
        match taken {
            Ok(turns) => found.turns.extend(turns),
            Err(why) => found.left_out.push(LeftOut { line: lines.number, event: title(lines), why }),
        }
        if found.turns.len() > MOST_TURNS {
            let what = format!("the calendar has more than {MOST_TURNS} turns until {until}");
            return Err(Failure::Failed { what, fix: Some("look less far ahead: --until".to_owned()) });
        }
    }
    found.turns.sort_by(|one, other| one.key().cmp(&other.key()).then(one.line.cmp(&other.line)));
    found.turns.dedup_by(|later, first| later.key() == first.key());
    Ok(found)
}

/// Of each series, the comings that events of their own replace; `Err` where one of them cannot be understood.
type Replaced = BTreeMap<String, Result<Vec<When>, String>>;

fn replaced(events: &[Lines], outdated: &BTreeMap<usize, usize>, zones: &Zones<'_>) -> Replaced {
    let mut all = Replaced::new();
    for (_, lines) in events.iter().enumerate().filter(|(place, _)| !outdated.contains_key(place)) {
        let replaced = all.entry(lines.text("UID")).or_insert_with(|| Ok(Vec::new()));
        match (event::instead_of(lines, zones), &mut *replaced) {
            (Ok(when), Ok(known)) => known.extend(when),
            (Err(_), _) => {
                *replaced = Err(format!("the event at line {} changes it, and is not understood", lines.number));
            }
            (Ok(_), Err(_)) => {}
        }
    }
    all
}

/// The turns of one event within the window, or why there can be none.
fn turns(
    lines: &Lines,
    replaced: &Replaced,
    people: &People<'_>,
    zones: &Zones<'_>,
    window: Window,
) -> Result<Vec<Turn>, String> {
    let event = Event::read(lines, zones)?;
    let uid = lines.text("UID");
    if uid.is_empty() {
        return Err("it has no UID: without a name it would be set anew each time".to_owned());
    }
    let of_series: &[When] = match replaced.get(&uid) {
        Some(Ok(replaced)) if event.instead_of.is_none() => replaced,
        Some(Err(why)) if event.instead_of.is_none() => return Err(why.clone()),
        _ => &[],
    };
    if event.cancelled {
        return Ok(Vec::new());
    }
    let times = series::times(&event, of_series, window, MOST_TURNS)?;
    if times.is_empty() {
        return Ok(Vec::new());
    }
    let person = people.of(lines)?;
    if times.iter().any(|(from, until)| until.duration_since(*from) > LONGEST) {
        return Err("it lasts for more than a year".to_owned());
    }
    let turn = |(from, until)| Turn {
        person: person.clone(),
        from,
        until,
        event: title(lines),
        line: lines.number,
        state: State::New,
        uid: uid.clone(),
    };
    Ok(times.into_iter().map(turn).collect())
}

/// What an event is called.
fn title(lines: &Lines) -> String {
    let title = lines.text("SUMMARY");
    if title.is_empty() { lines.text("UID") } else { title }
}
