//! Who is on call, as the API shows it.

use domain::policy::Policy;
use domain::schedule::{self, Covers};
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
    /// Whose turn is next.
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
}

impl OnCall {
    /// Who is on call by `policy` at `now`: the same rule that pages them.
    pub fn of(policy: &Policy, covers: &Covers, now: Timestamp) -> Self {
        let view = |(name, named): (&String, &domain::policy::Schedule)| {
            let turn = schedule::on_call(name, policy, covers, now);
            let next = turn.as_ref().and_then(|turn| schedule::on_call(name, policy, covers, turn.until));
            let person = turn.as_ref().and_then(|turn| policy.people.get(turn.person));
            ScheduleNow {
                name: name.clone(),
                time_zone: named.time_zone.clone(),
                person: turn.as_ref().map(|turn| turn.person.to_owned()),
                full_name: person.and_then(|person| person.name.clone()),
                until: turn.as_ref().map(|turn| turn.until),
                next: next.map(|next| Turn { person: next.person.to_owned(), from: next.from, until: next.until }),
            }
        };
        Self { at: now, schedules: policy.schedules.iter().map(view).collect() }
    }
}
