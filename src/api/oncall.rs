//! Who is on call, as the API shows it.

use domain::policy::Policy;
use domain::schedule::{self, Covers, Source};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who is on call at one instant, on every schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OnCall {
    /// The instant.
    pub at: Timestamp,
    /// The schedules, by name.
    pub schedules: Vec<ScheduleNow>,
}

/// One schedule at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScheduleNow {
    /// The schedule.
    pub name: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Who is on call, by short name; null when nobody is.
    pub person: Option<String>,
    /// Their full name.
    pub full_name: Option<String>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Their turn, and where it comes from.
    pub turn: Option<Turn>,
    /// The turn of whoever else is next, gaps left out.
    pub next: Option<Turn>,
}

/// A turn of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Turn {
    /// Who, by short name.
    pub person: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The layer it comes from; null for an override.
    pub layer: Option<String>,
    /// Who is away, and whose turn in the layer it is.
    pub stands_in_for: Option<String>,
    /// The override or swap it comes from.
    pub override_id: Option<String>,
}

impl From<&schedule::Turn<'_>> for Turn {
    fn from(turn: &schedule::Turn<'_>) -> Self {
        let (layer, stands_in_for, override_id) = match turn.source {
            Source::Layer { layer } => (Some(layer), None, None),
            Source::StandIn { layer, absent } => (Some(layer), Some(absent), None),
            Source::Override(set) => (None, None, Some(set.id.as_str())),
        };
        Self {
            person: turn.person.to_owned(),
            from: turn.from,
            until: turn.until,
            layer: layer.map(str::to_owned),
            stands_in_for: stands_in_for.map(str::to_owned),
            override_id: override_id.map(str::to_owned),
        }
    }
}

impl OnCall {
    /// Who is on call by `policy` at `now`: the same rule that pages them.
    pub fn of(policy: &Policy, covers: &Covers, now: Timestamp) -> Self {
        let view = |(name, named): (&String, &domain::policy::Schedule)| {
            let turn = schedule::on_call(name, policy, covers, now);
            let next = schedule::next_on_call(name, policy, covers, now);
            let person = turn.as_ref().and_then(|turn| policy.people.get(turn.person));
            ScheduleNow {
                name: name.clone(),
                time_zone: named.time_zone.clone(),
                person: turn.as_ref().map(|turn| turn.person.to_owned()),
                full_name: person.and_then(|person| person.name.clone()),
                until: turn.as_ref().map(|turn| turn.until),
                turn: turn.as_ref().map(Turn::from),
                next: next.as_ref().map(Turn::from),
            }
        };
        Self { at: now, schedules: policy.schedules.iter().map(view).collect() }
    }
}
