//! Schedules: rules that put users and rotations on call at once, temporary schedules, and overrides.

use domain::policy::{Layer, Shift};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Place;
use super::rotation::Rotation;
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;
use crate::migrate::lanes::{Turns, lanes};
use crate::migrate::week::{self, DAY, Stretch};

/// Since when somebody is on call who always is: long before anything is imported.
const ALWAYS: DateTime = DateTime::constant(2020, 1, 6, 0, 0, 0, 0);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    id: String,
    name: String,
    time_zone: String,
    #[serde(default)]
    targets: Vec<ScheduleTarget>,
    #[serde(default)]
    temporary_schedules: Vec<Temporary>,
}

#[derive(Debug, Deserialize)]
struct ScheduleTarget {
    target: Place,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    start: Time,
    end: Time,
    /// Sunday first.
    weekday_filter: [bool; 7],
}

#[derive(Debug, Deserialize)]
struct Temporary {
    start: Timestamp,
    end: Timestamp,
    #[serde(default)]
    shifts: Vec<TemporaryShift>,
}

#[derive(Debug, Deserialize)]
struct TemporaryShift {
    #[serde(rename = "userID")]
    user_id: String,
    start: Timestamp,
    end: Timestamp,
}

#[derive(Debug, Deserialize)]
struct UserOverride {
    id: String,
    start: Timestamp,
    end: Timestamp,
    #[serde(default, rename = "addUserID")]
    add: Option<String>,
    #[serde(default, rename = "removeUserID")]
    remove: Option<String>,
    target: Place,
}

/// Adds the schedules, and what was changed for a while as commands.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft, rotations: &[Rotation]) {
    for schedule in dump.take::<Schedule>("schedules", draft) {
        let Ok(zone) = TimeZone::get(&schedule.time_zone) else {
            draft.left_out("schedule", &schedule.name, format!("`{}` is no IANA time zone", schedule.time_zone));
            continue;
        };
        let (mut turns, mut differs) = (Vec::new(), Vec::new());
        for target in &schedule.targets {
            match layer(draft, target, rotations, (&schedule.time_zone, &zone), &mut differs) {
                Ok(layer) => turns.push(Turns { level: 0, layer }),
                Err(why) => {
                    let (kind, id) = target.target.told();
                    differs
                        .push(format!("{kind} `{}` is left out: {why}", target.target.name.as_deref().unwrap_or(id)));
                }
            }
        }
        if turns.is_empty() {
            differs.push("no rule of it could be imported".to_owned());
            draft.left_out("schedule", &schedule.name, differs.join("; "));
            continue;
        }
        let names = draft.schedule(&schedule.id, &schedule.name, &schedule.time_zone, lanes(turns));
        draft.partly("schedule", &schedule.name, format!("schedules.{}", names.join(", schedules.")), &differs);
        for temporary in &schedule.temporary_schedules {
            set(draft, &schedule, temporary);
        }
    }
    for set in dump.take::<UserOverride>("user_overrides", draft) {
        let person = |id: &Option<String>| id.as_deref().and_then(|id| draft.known(Section::People, id));
        let (add, remove) = (person(&set.add), person(&set.remove));
        let (_, schedule) = set.target.told();
        match (add, remove) {
            _ if draft.lanes(schedule).is_empty() => {
                draft.left_out("override", &set.id, "its schedule was not imported");
            }
            (Some(add), Some(remove)) => {
                let schedule = schedule.to_owned();
                draft.overrides(&schedule, &add, Some(&remove), (set.start, set.end));
            }
            (Some(_), None) if set.remove.is_none() => {
                draft.left_out(
                    "override",
                    &set.id,
                    "it puts somebody on call beside the others, and an override is instead of them",
                );
            }
            (None, Some(_)) if set.add.is_none() => {
                draft.left_out("override", &set.id, "it takes somebody off call without another: `watchkeeper absence add` gives their turn to the next");
            }
            _ => draft.left_out("override", &set.id, "its users were not imported"),
        }
    }
}

/// What a target of a schedule puts on call.
fn layer(
    draft: &Draft,
    target: &ScheduleTarget,
    rotations: &[Rotation],
    (name, zone): (&str, &TimeZone),
    differs: &mut Vec<String>,
) -> Result<Layer, String> {
    let stretches: Vec<Stretch> = target.rules.iter().flat_map(stretches).collect();
    let restrict = week::windows(&stretches).ok_or("its rules leave no time")?;
    match target.target.told() {
        ("user", id) => Ok(Layer {
            name: target.target.name.clone().unwrap_or_else(|| id.to_owned()),
            time_zone: None,
            members: draft.members([id])?,
            shift: Shift::WEEKLY,
            start: ALWAYS,
            end: None,
            restrict,
        }),
        ("rotation", id) => {
            let rotation = rotations.iter().find(|rotation| rotation.id == id).ok_or("it is not in the export")?;
            differs.extend(rotation.differs());
            if rotation.time_zone == name {
                return Ok(Layer { restrict, ..rotation.layer(draft, zone)? });
            }
            let own = TimeZone::get(&rotation.time_zone)
                .map_err(|_| format!("`{}` is no IANA time zone", rotation.time_zone))?;
            if restrict.is_empty() {
                return Ok(Layer { time_zone: Some(rotation.time_zone.clone()), ..rotation.layer(draft, &own)? });
            }
            differs.push(format!(
                "rotation `{}` hands off by the clock of {name} and not of {}, as its windows do",
                rotation.name, rotation.time_zone
            ));
            Ok(Layer { restrict, ..rotation.layer(draft, zone)? })
        }
        (other, _) => Err(format!("a `{other}` takes no turns")),
    }
}

/// When a rule counts; from a time until the same time is a whole day.
fn stretches(rule: &Rule) -> Vec<Stretch> {
    let (from, until) = (week::of_clock(rule.start), week::of_clock(rule.end));
    let length = if until > from { until - from } else { until + DAY - from };
    // Sunday is first there, and last here.
    let days = (0u32..7).filter(|day| rule.weekday_filter[(*day as usize + 1) % 7]);
    days.map(|day| Stretch { from: day * DAY + from, length }).collect()
}

/// A temporary schedule as overrides, where one person is on call at a time.
fn set(draft: &mut Draft, schedule: &Schedule, temporary: &Temporary) {
    let item = format!("{} {}", schedule.name, temporary.start);
    let mut shifts: Vec<&TemporaryShift> = temporary.shifts.iter().collect();
    shifts.sort_by_key(|shift| shift.start);
    if shifts.windows(2).any(|pair| pair[1].start < pair[0].end) {
        draft.left_out("temporary schedule", &item, "several are on call in it at once, and an override puts one");
        return;
    }
    let whole = shifts.first().is_some_and(|first| first.start <= temporary.start)
        && shifts.last().is_some_and(|last| last.end >= temporary.end)
        && shifts.windows(2).all(|pair| pair[0].end == pair[1].start);
    if !whole {
        draft.left_out(
            "temporary schedule",
            &item,
            "nobody is on call in parts of it, and there the schedule goes on here",
        );
    }
    for shift in shifts {
        match draft.known(Section::People, &shift.user_id) {
            Some(person) => draft.overrides(&schedule.id, &person, None, (shift.start, shift.end)),
            None => draft.left_out("temporary schedule", &item, format!("`{}` was not imported", shift.user_id)),
        }
    }
}
