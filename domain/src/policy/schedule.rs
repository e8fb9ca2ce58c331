//! Schedules: who is on call when, as a team writes it down. [`crate::schedule`] says who that is at an instant.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::nearest;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;

/// Who is on call when: one rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// An IANA time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The rotation.
    pub rotation: Rotation,
}

impl Schedule {
    /// Everybody who takes turns in it.
    pub fn members(&self) -> impl Iterator<Item = &String> {
        self.rotation.members.iter()
    }
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Names of people, in the order of their turns.
    pub members: Vec<String>,
    /// How long a turn is.
    pub shift: Shift,
    /// When the first turn begins, as a wall clock in the schedule's time zone shows it.
    pub start: DateTime,
}

/// How long a turn is: `daily`, `weekly`, or an exact length such as `12h`.
///
/// Daily and weekly turns change at the same time of the wall clock; an exact length is elapsed time (faults.md, H05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// One day of the wall clock.
    Daily,
    /// Seven days of the wall clock.
    Weekly,
    /// Elapsed time, whatever the wall clock does.
    #[serde(untagged)]
    Every(SignedDuration),
}

mapping!(Schedule, ["time_zone", "rotation"], fields => Schedule {
    time_zone: fields.required("time_zone", "write an IANA time zone, such as Europe/Berlin"),
    rotation: fields.required("rotation", "write `rotation:` with `members`, `shift` and `start`"),
});

mapping!(Rotation, ["members", "shift", "start"], fields => Rotation {
    members: fields.required("members", "write `members: [NAME, NAME]` in the order of their turns"),
    shift: fields.required("shift", "write daily, weekly or a length such as 12h"),
    start: fields.required("start", "write when the first turn begins, such as 2026-01-05T09:00"),
});

impl Read for Shift {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "the length of a turn", |text| match text {
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            length => {
                length.parse().map(Self::Every).map_err(|_| "write daily, weekly or a length such as 12h".to_owned())
            }
        })
    }

    fn blank() -> Self {
        Self::Daily
    }
}

impl Check<'_> {
    pub(super) fn schedule(&mut self, schedule: &Schedule, path: &str) {
        let Rotation { members, shift, start } = &schedule.rotation;
        if let Ok(zone) = TimeZone::get(&schedule.time_zone) {
            if zone.to_ambiguous_timestamp(*start).compatible().is_err() || !(1970..9000).contains(&start.year()) {
                let fix = "write when the first turn begins, such as 2026-01-05T09:00";
                self.error(format!("{path}.rotation.start"), "no clock shows this time", fix);
            }
        } else {
            let near = nearest_zone(&schedule.time_zone).map(|near| format!("did you mean `{near}`?"));
            let fix = near.unwrap_or_else(|| "write an IANA time zone, such as Europe/Berlin".to_owned());
            self.error(format!("{path}.time_zone"), format!("there is no time zone `{}`", schedule.time_zone), fix);
        }
        let path = format!("{path}.rotation");
        if members.is_empty() {
            self.error(format!("{path}.members"), "nobody takes turns: the rotation is empty", "name its people");
        }
        for (number, member) in members.iter().enumerate() {
            self.known(&format!("{path}.members[{number}]"), "person", member, self.policy.people.keys());
        }
        if let Shift::Every(length) = shift {
            self.length(*length, SignedDuration::from_mins(1), &format!("{path}.shift"), "a turn");
        }
    }
}

fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    nearest(name, zones.iter().map(String::as_str)).map(str::to_owned)
}
