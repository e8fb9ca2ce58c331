//! Schedules: shifts by level, and overrides.

use std::collections::HashMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::shift::{Shift, layers};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;
use crate::migrate::lanes::{Turns, lanes};

#[derive(Debug, Deserialize)]
struct Schedule {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    shifts: Vec<String>,
    #[serde(default)]
    ical_url_overrides: Option<String>,
}

/// Adds the schedules, and their overrides as commands.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    let shifts: HashMap<String, Shift> =
        dump.take::<Shift>("on_call_shifts", draft).into_iter().map(|shift| (shift.id.clone(), shift)).collect();
    for schedule in dump.take::<Schedule>("schedules", draft) {
        if schedule.kind == "ical" {
            let why = "its turns are in a calendar: import that with `watchkeeper schedule import`";
            draft.left_out("schedule", &schedule.name, why);
            continue;
        }
        let time_zone = schedule.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let Ok(zone) = TimeZone::get(&time_zone) else {
            draft.left_out("schedule", &schedule.name, format!("`{time_zone}` is no IANA time zone"));
            continue;
        };
        let (mut turns, mut differs, mut overrides) = (Vec::new(), Vec::new(), Vec::new());
        if schedule.ical_url_overrides.is_some() {
            differs.push("its overrides are in a calendar: import that with `watchkeeper schedule import`".to_owned());
        }
        for id in &schedule.shifts {
            let Some(shift) = shifts.get(id) else {
                differs.push(format!("shift `{id}` is not in the export"));
                continue;
            };
            if shift.kind == "override" {
                overrides.push(shift);
                continue;
            }
            match layers(draft, shift, &zone) {
                Ok(layers) => turns.extend(layers.into_iter().map(|layer| Turns { level: shift.level, layer })),
                Err(why) => differs.push(format!("shift `{}` is left out: {why}", shift.name)),
            }
        }
        if turns.is_empty() {
            differs.push("no shift of it could be imported".to_owned());
            draft.left_out("schedule", &schedule.name, differs.join("; "));
            continue;
        }
        let names = draft.schedule(&schedule.id, &schedule.name, &time_zone, lanes(turns));
        draft.partly("schedule", &schedule.name, format!("schedules.{}", names.join(", schedules.")), &differs);
        for shift in overrides {
            set(draft, &schedule.id, shift, &zone);
        }
    }
}

/// An override of one person as a command.
fn set(draft: &mut Draft, schedule: &str, shift: &Shift, zone: &TimeZone) {
    let zone = shift.zone().unwrap_or_else(|| zone.clone());
    let mut people = shift.rolling_users.iter().flatten().flatten().chain(&shift.users);
    let (first, second) = (people.next(), people.next());
    let person = first.filter(|_| second.is_none()).and_then(|id| draft.known(Section::People, id));
    let from = instant(shift.start, &zone);
    let until = from.and_then(|from| from.checked_add(SignedDuration::from_secs(shift.duration)).ok());
    match (person, from.zip(until)) {
        (Some(person), Some(span)) => draft.overrides(schedule, &person, None, span),
        _ => draft.left_out("override", &shift.name, "an override puts one person of the export on call"),
    }
}

fn instant(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(time).compatible().ok()
}
