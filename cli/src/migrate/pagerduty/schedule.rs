//! Schedules: layers of turns, their restrictions, and overrides.

use domain::policy::{Layer, Shift, Window};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Reference;
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;
use crate::migrate::lanes::{Turns, aligned, lanes};
use crate::migrate::week::{self, Stretch};

#[derive(Debug, Deserialize)]
struct Schedule {
    id: String,
    name: String,
    #[serde(default)]
    time_zone: String,
    #[serde(default)]
    #[serde(rename = "schedule_layers")]
    layers: Vec<ScheduleLayer>,
    #[serde(default)]
    overrides_subschedule: Option<Rendered>,
}

#[derive(Debug, Deserialize)]
struct ScheduleLayer {
    #[serde(default)]
    name: String,
    start: Timestamp,
    #[serde(default)]
    end: Option<Timestamp>,
    rotation_virtual_start: Timestamp,
    rotation_turn_length_seconds: i64,
    users: Vec<Member>,
    #[serde(default)]
    restrictions: Vec<Restriction>,
}

#[derive(Debug, Deserialize)]
struct Member {
    user: Reference,
}

#[derive(Debug, Deserialize)]
struct Restriction {
    #[serde(rename = "type")]
    kind: String,
    start_time_of_day: Time,
    #[serde(default)]
    start_day_of_week: Option<u32>,
    duration_seconds: u32,
}

#[derive(Debug, Deserialize)]
struct Rendered {
    #[serde(default)]
    rendered_schedule_entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    start: Timestamp,
    end: Timestamp,
    user: Reference,
}

/// Adds the schedules, and their overrides as commands.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    let mut schedules: Vec<Schedule> = dump.take("schedules", draft);
    // A list of them has no layers; each one's own answer does.
    let whole: Vec<String> = schedules.iter().filter(|one| !one.layers.is_empty()).map(|one| one.id.clone()).collect();
    schedules.retain(|one| !one.layers.is_empty() || !whole.contains(&one.id));
    let mut overrides: Vec<(String, Entry)> = dump.take_of("overrides", draft);
    for schedule in schedules {
        let Ok(zone) = TimeZone::get(&schedule.time_zone) else {
            draft.left_out("schedule", &schedule.name, format!("`{}` is no IANA time zone", schedule.time_zone));
            continue;
        };
        let (mut turns, mut differs) = (Vec::new(), Vec::new());
        // The API answers the layer that wins first.
        for (level, layer) in (0..).zip(schedule.layers.iter().rev()) {
            match read_layer(draft, layer, &zone) {
                Ok(layer) => turns.push(Turns { level, layer }),
                Err(why) => differs.push(format!("layer `{}` is left out: {why}", layer.name)),
            }
        }
        if turns.is_empty() {
            differs.push("no layer of it could be imported; ask for each schedule by its id".to_owned());
            draft.left_out("schedule", &schedule.name, differs.join("; "));
            continue;
        }
        let names = draft.schedule(&schedule.id, &schedule.name, &schedule.time_zone, lanes(turns));
        draft.partly("schedule", &schedule.name, format!("schedules.{}", names.join(", schedules.")), &differs);
        let rendered = schedule.overrides_subschedule.into_iter().flat_map(|sub| sub.rendered_schedule_entries);
        overrides.extend(rendered.map(|entry| (schedule.id.clone(), entry)));
    }
    overrides
        .sort_by(|(one, a), (other, b)| (one, a.start, a.end, &a.user.id).cmp(&(other, b.start, b.end, &b.user.id)));
    overrides.dedup_by(|(one, a), (other, b)| {
        one == other && a.start == b.start && a.end == b.end && a.user.id == b.user.id
    });
    for (schedule, Entry { start, end, user }) in overrides {
        match draft.known(Section::People, &user.id) {
            Some(person) if !draft.lanes(&schedule).is_empty() => {
                draft.overrides(&schedule, &person, None, (start, end));
            }
            _ => {
                draft.left_out("override", &format!("{schedule} {start}"), "its schedule or its user was not imported");
            }
        }
    }
}

fn read_layer(draft: &Draft, layer: &ScheduleLayer, zone: &TimeZone) -> Result<Layer, String> {
    let members = draft.members(layer.users.iter().map(|member| member.user.id.as_str()))?;
    let seconds = layer.rotation_turn_length_seconds;
    let days = u16::try_from(seconds / 86_400).ok().filter(|days| (1..=366).contains(days) && seconds % 86_400 == 0);
    let shift = match days {
        Some(days) => Shift::Days(days),
        None if seconds >= 60 => Shift::Every(SignedDuration::from_secs(seconds)),
        None => return Err(format!("a turn of {seconds} seconds is not possible")),
    };
    let local = |at: Timestamp| zone.to_datetime(at);
    let times = (local(layer.rotation_virtual_start), local(layer.start));
    let (start, members) = aligned(times, shift, members, zone);
    let end = layer.end.map(local);
    if end.is_some_and(|end| end <= start) {
        return Err("it ended as it began".to_owned());
    }
    let restrict = windows(&layer.restrictions)?;
    Ok(Layer { name: layer.name.clone(), time_zone: None, members, shift, start, end, restrict })
}

fn windows(restrictions: &[Restriction]) -> Result<Vec<Window>, String> {
    if restrictions.is_empty() {
        return Ok(Vec::new());
    }
    let mut stretches = Vec::new();
    for restriction in restrictions {
        let (begins, length) = (week::of_clock(restriction.start_time_of_day), restriction.duration_seconds);
        let days = match (restriction.kind.as_str(), restriction.start_day_of_week) {
            ("daily_restriction", _) => 0..7,
            ("weekly_restriction", Some(day @ 1..=7)) => day - 1..day,
            (kind, _) => return Err(format!("`{kind}` is not known")),
        };
        stretches.extend(days.map(|day| Stretch { from: day * week::DAY + begins, length }));
    }
    week::windows(&stretches).ok_or_else(|| "its restrictions leave no time".to_owned())
}
