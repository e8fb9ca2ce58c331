//! Schedules: rotations, all of which put somebody on call at once, and overrides.

use domain::policy::{Layer, Shift, Window};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Recipient, person};
use crate::migrate::draft::Draft;
use crate::migrate::dump::Dump;
use crate::migrate::lanes::{Turns, lanes};
use crate::migrate::week::{self, DAY, Stretch, WEEK};

#[derive(Debug, Deserialize)]
struct Schedule {
    id: String,
    name: String,
    #[serde(default)]
    timezone: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    rotations: Vec<Rotation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    #[serde(default)]
    name: String,
    start_date: Timestamp,
    #[serde(default)]
    end_date: Option<Timestamp>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "one")]
    length: u16,
    participants: Vec<Recipient>,
    #[serde(default)]
    time_restriction: Option<Restriction>,
}

const fn one() -> u16 {
    1
}

#[derive(Debug, Deserialize)]
struct Restriction {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, rename = "restriction")]
    daily: Option<Hours>,
    #[serde(default, rename = "restrictions")]
    weekly: Vec<Hours>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hours {
    #[serde(default)]
    start_day: Option<String>,
    #[serde(default)]
    end_day: Option<String>,
    start_hour: u32,
    start_min: u32,
    end_hour: u32,
    end_min: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Override {
    alias: String,
    user: Recipient,
    start_date: Timestamp,
    end_date: Timestamp,
    #[serde(default)]
    rotations: Vec<Recipient>,
}

/// Adds the schedules, and their overrides as commands.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    let mut named = Vec::new();
    for schedule in dump.take::<Schedule>("schedules", draft) {
        if schedule.enabled == Some(false) {
            draft.left_out("schedule", &schedule.name, "it is disabled");
            continue;
        }
        let Ok(zone) = TimeZone::get(&schedule.timezone) else {
            draft.left_out("schedule", &schedule.name, format!("`{}` is no IANA time zone", schedule.timezone));
            continue;
        };
        let (mut turns, mut differs) = (Vec::new(), Vec::new());
        for rotation in &schedule.rotations {
            match read_rotation(draft, rotation, &zone) {
                Ok(layer) => turns.push(Turns { level: 0, layer }),
                Err(why) => differs.push(format!("rotation `{}` is left out: {why}", rotation.name)),
            }
        }
        if turns.is_empty() {
            differs.push("no rotation of it could be imported; ask with expand=rotation".to_owned());
            draft.left_out("schedule", &schedule.name, differs.join("; "));
            continue;
        }
        let names = draft.schedule(&schedule.id, &schedule.name, &schedule.timezone, lanes(turns));
        draft.partly("schedule", &schedule.name, format!("schedules.{}", names.join(", schedules.")), &differs);
        named.push((schedule.name, schedule.id));
    }
    for (of, set) in dump.take_of::<Override>("overrides", draft) {
        let id = named.iter().find(|(name, id)| *id == of || *name == of).map(|(_, id)| id.clone());
        let person = person(draft, &set.user);
        match (id, person) {
            (Some(id), Some(person)) if set.rotations.is_empty() || draft.lanes(&id).len() == 1 => {
                draft.overrides(&id, &person, None, (set.start_date, set.end_date));
            }
            (Some(_), Some(_)) => {
                let why = "it is for some of the schedule's rotations; set it with `override add` where it belongs";
                draft.left_out("override", &set.alias, why);
            }
            _ => draft.left_out("override", &set.alias, "its schedule or its user was not imported"),
        }
    }
}

fn read_rotation(draft: &Draft, rotation: &Rotation, zone: &TimeZone) -> Result<Layer, String> {
    let mut members = Vec::new();
    for participant in &rotation.participants {
        let member = person(draft, participant);
        members.push(member.ok_or_else(|| {
            format!(
                "it has turns of {} `{}`, and a turn is of one person of the export",
                participant.kind,
                participant.called()
            )
        })?);
    }
    if members.is_empty() {
        return Err("nobody takes turns in it".to_owned());
    }
    let shift = match rotation.kind.as_str() {
        "hourly" => Shift::Every(SignedDuration::from_hours(rotation.length.into())),
        "daily" => Shift::Days(rotation.length),
        "weekly" => Shift::Days(rotation.length.saturating_mul(7)),
        other => return Err(format!("a turn `{other}` is not known")),
    };
    if matches!(shift, Shift::Days(0 | 367..)) || rotation.length == 0 {
        return Err(format!("a turn of {} {} is not possible", rotation.length, rotation.kind));
    }
    let local = |at: Timestamp| zone.to_datetime(at);
    let (start, end) = (local(rotation.start_date), rotation.end_date.map(local));
    if end.is_some_and(|end| end <= start) {
        return Err("it ended as it began".to_owned());
    }
    let restrict = rotation.time_restriction.as_ref().map(windows).transpose()?.unwrap_or_default();
    let name = rotation.name.clone();
    Ok(Layer { name, time_zone: None, members, shift, start, end, restrict })
}

fn windows(restriction: &Restriction) -> Result<Vec<Window>, String> {
    let hours = restriction.daily.iter().chain(&restriction.weekly);
    let mut stretches = Vec::new();
    for hours in hours {
        let time = |hour: u32, minute: u32| hour * 3600 + minute * 60;
        let (from, until) = (time(hours.start_hour, hours.start_min), time(hours.end_hour, hours.end_min));
        if restriction.kind == "time-of-day" {
            let length = if until > from { until - from } else { until + DAY - from };
            stretches.extend((0..7).map(|day| Stretch { from: day * DAY + from, length }));
            continue;
        }
        let day = |name: &Option<String>| {
            let name = name.as_deref().unwrap_or_default().to_lowercase();
            let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
            (0u32..).zip(days).find(|(_, day)| *day == name).map(|(number, _)| number)
        };
        let (Some(first), Some(last)) = (day(&hours.start_day), day(&hours.end_day)) else {
            return Err("a restriction of it names no day".to_owned());
        };
        let (from, until) = (first * DAY + from, last * DAY + until);
        let length = if until > from { until - from } else { until + WEEK - from };
        stretches.push(Stretch { from, length });
    }
    week::windows(&stretches).ok_or_else(|| "its restrictions leave no time".to_owned())
}
