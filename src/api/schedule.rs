//! Schedules, as the API shows them.

use domain::policy::Policy;
use domain::schedule::{Covers, Span, final_schedule};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Turn;

/// The schedules of the policy that decides now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScheduleList {
    /// Each of them, by name.
    pub schedules: Vec<ScheduleSummary>,
}

/// A schedule in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScheduleSummary {
    /// The schedule.
    pub name: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Its layers: a later one wins wherever it has somebody.
    pub layers: Vec<LayerSummary>,
}

/// A layer in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerSummary {
    /// The layer.
    pub name: String,
    /// Names of people, in the order of their turns.
    pub members: Vec<String>,
    /// How long a turn is, as the policy writes it.
    pub shift: String,
}

/// A schedule from one instant to another: what everything that is set comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FinalSchedule {
    /// The schedule.
    pub name: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Its layers: a later one wins wherever it has somebody.
    pub layers: Vec<LayerSummary>,
    /// From when.
    pub from: Timestamp,
    /// Until when; earlier than was asked for where the list would be too long.
    pub until: Timestamp,
    /// Who is on call when, without a hole.
    pub spans: Vec<ScheduleSpan>,
    /// What is set and does not count, and why.
    pub warnings: Vec<String>,
}

/// A time in which the same people are on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScheduleSpan {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The turn of who is on call; null in a gap.
    pub turn: Option<Turn>,
    /// The turns that it wins over, the strongest first: an overlap where there is one.
    pub over: Vec<Turn>,
}

impl ScheduleList {
    /// The schedules of `policy`.
    pub fn of(policy: &Policy) -> Self {
        Self { schedules: policy.schedules.keys().filter_map(|name| ScheduleSummary::of(name, policy)).collect() }
    }
}

impl ScheduleSummary {
    fn of(name: &str, policy: &Policy) -> Option<Self> {
        let schedule = policy.schedules.get(name)?;
        let layers = schedule.all().map(|layer| LayerSummary {
            name: layer.name.clone(),
            members: layer.members.clone(),
            shift: layer.shift.to_string(),
        });
        Some(Self { name: name.to_owned(), time_zone: schedule.time_zone.clone(), layers: layers.collect() })
    }
}

impl FinalSchedule {
    /// The schedule `name` from `from` to `until`; `None` when the policy has no such schedule.
    pub fn of(name: &str, policy: &Policy, covers: &Covers, from: Timestamp, until: Timestamp) -> Option<Self> {
        let ScheduleSummary { name, time_zone, layers } = ScheduleSummary::of(name, policy)?;
        let spans = final_schedule(&name, policy, covers, from, until);
        let until = spans.last().map_or(until, |last| last.until);
        let warnings = covers.ignored(&name, policy).map(|(set, why)| format!("override {} is ignored: {why}", set.id));
        let warnings = warnings.collect();
        Some(Self {
            spans: spans.iter().map(ScheduleSpan::of).collect(),
            name,
            time_zone,
            layers,
            from,
            until,
            warnings,
        })
    }
}

impl ScheduleSpan {
    fn of(span: &Span<'_>) -> Self {
        let over = span.turns.iter().skip(1).map(Turn::from).collect();
        Self { from: span.from, until: span.until, turn: span.on_call().map(Turn::from), over }
    }
}
