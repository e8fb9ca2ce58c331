//! Schedules: who is on call when, as a team writes it down. [`crate::schedule`] says who that is at an instant.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use super::{Shift, Window, nearest};

/// Who is on call when: one rotation, or layers of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// An IANA time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The only layer, where one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Layer>,
    /// The layers: a later one wins wherever it has somebody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What it is called, once in a schedule.
    #[serde(default = "rotation", skip_serializing_if = "is_rotation")]
    pub name: String,
    /// An IANA time zone of its own; the schedule's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Names of people, in the order of their turns.
    pub members: Vec<String>,
    /// How long a turn is.
    pub shift: Shift,
    /// When the first turn begins, as a wall clock in the layer's time zone shows it.
    pub start: DateTime,
    /// When the last turn ends, by the same clock; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<DateTime>,
    /// The only times of the week at which its turns count; always when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrict: Vec<Window>,
}

/// What a layer is called that says nothing else.
fn rotation() -> String {
    "rotation".to_owned()
}

fn is_rotation(name: &str) -> bool {
    name == "rotation"
}

impl Schedule {
    /// Every layer, the one that yields to all others first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.rotation.iter().chain(&self.layers)
    }

    /// Everybody who takes turns in it; whoever does in two layers comes twice.
    pub fn members(&self) -> impl Iterator<Item = &String> {
        self.all().flat_map(|layer| &layer.members)
    }
}

impl Layer {
    /// The zone of its wall clock in `schedule`; `None` when nobody knows it.
    pub fn zone(&self, schedule: &Schedule) -> Option<TimeZone> {
        TimeZone::get(self.time_zone.as_ref().unwrap_or(&schedule.time_zone)).ok()
    }
}

mapping!(Schedule, ["time_zone", "rotation", "layers"], fields => Schedule {
    time_zone: fields.required("time_zone", "write an IANA time zone, such as Europe/Berlin"),
    rotation: if fields.has("layers") {
        fields.optional("rotation")
    } else {
        Some(fields.required("rotation", "write `rotation:` with `members`, `shift` and `start`, or several as `layers:`"))
    },
    layers: fields.or_default("layers"),
});

mapping!(Layer, ["name", "time_zone", "members", "shift", "start", "end", "restrict"], fields => Layer {
    name: fields.optional("name").unwrap_or_else(rotation),
    time_zone: fields.optional("time_zone"),
    members: fields.required("members", "write `members: [NAME, NAME]` in the order of their turns"),
    shift: fields.required("shift", "write daily, weekly, monthly, `2 weeks`, or a length such as 12h"),
    start: fields.required("start", "write when the first turn begins, such as 2026-01-05T09:00"),
    end: fields.optional("end"),
    restrict: fields.or_default("restrict"),
});

impl Check<'_> {
    pub(super) fn schedule(&mut self, name: &str, schedule: &Schedule) {
        let path = format!("schedules.{name}");
        self.zone(&schedule.time_zone, &path);
        match (&schedule.rotation, schedule.layers.as_slice()) {
            (Some(rotation), []) => self.layer(rotation, schedule, &format!("{path}.rotation")),
            (Some(_), _) => {
                let fix = "write the rotation as the first of the layers";
                self.error(format!("{path}.rotation"), "there are layers too, so this has no place among them", fix);
            }
            (None, []) => {
                let fix = "add one with `members`, `shift` and `start`";
                self.error(format!("{path}.layers"), "nobody takes turns: there is no layer", fix);
            }
            (None, layers) => {
                for (number, layer) in layers.iter().enumerate() {
                    let path = format!("{path}.layers[{number}]");
                    if layer.name.trim().is_empty() || layers[..number].iter().any(|other| other.name == layer.name) {
                        let what = format!("`{}` does not tell this layer from the others", layer.name);
                        self.error(format!("{path}.name"), what, "give each layer a name of its own");
                    }
                    self.layer(layer, schedule, &path);
                }
            }
        }
    }

    fn layer(&mut self, layer: &Layer, schedule: &Schedule, path: &str) {
        if let Some(zone) = &layer.time_zone {
            self.zone(zone, path);
        }
        if let Some(zone) = layer.zone(schedule) {
            let fix = "write a local date and time, such as 2026-01-05T09:00";
            for (key, time) in [("start", Some(layer.start)), ("end", layer.end)] {
                let shown = |time| zone.to_ambiguous_timestamp(time).compatible().is_ok();
                if time.is_some_and(|time| !shown(time) || !(1970..9000).contains(&time.year())) {
                    self.error(format!("{path}.{key}"), "no clock shows this time", fix);
                }
            }
        }
        if layer.end.is_some_and(|end| end <= layer.start) {
            self.error(format!("{path}.end"), "it ends before it starts", "write a later end, or leave it out");
        }
        if layer.members.is_empty() {
            self.error(format!("{path}.members"), "nobody takes turns: the rotation is empty", "name its people");
        }
        for (number, member) in layer.members.iter().enumerate() {
            self.known(&format!("{path}.members[{number}]"), "person", member, self.policy.people.keys());
        }
        if let Shift::Every(length) = layer.shift {
            self.length(length, SignedDuration::from_mins(1), &format!("{path}.shift"), "a turn");
        }
    }

    fn zone(&mut self, name: &str, path: &str) {
        if TimeZone::get(name).is_err() {
            let near = nearest_zone(name).map(|near| format!("did you mean `{near}`?"));
            let fix = near.unwrap_or_else(|| "write an IANA time zone, such as Europe/Berlin".to_owned());
            self.error(format!("{path}.time_zone"), format!("there is no time zone `{name}`"), fix);
        }
    }
}

fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    nearest(name, zones.iter().map(String::as_str)).map(str::to_owned)
}
