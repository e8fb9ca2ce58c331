//! Neglect: what is due for an incident, and whoever should have come by did not.
//!
//! Whoever comes by does so when [`next`](super::next) says. An execution that was aborted, a request that was lost and a
//! function that died between two calls all look the same from here: something was due a while ago and is not done.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Around, belongs_to_a_group, due};
use crate::incident::{Incident, IncidentId, Status};
use crate::policy::Policy;
use crate::schedule::Covers;
use crate::silence::Silences;

/// For how long after it was opened somebody looks after the messages of an incident that is over.
pub const WATCHED: SignedDuration = SignedDuration::from_hours(1);

/// What nobody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neglect {
    /// It is open, and nobody decided who is told.
    Unrouted,
    /// A step, a message, the end of an acknowledgement or the look at a group is due.
    Overdue,
    /// It is kept quiet by silences that are over.
    Unsilenced,
    /// It is kept quiet by an alert that is over.
    Uninhibited,
    /// It is told with a group that it is not in, or that is over.
    Ungrouped,
    /// It is over, and messages still say that it goes on.
    Unshown,
}

/// What neglect is told by, beside the incident itself.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The policy the incident was routed by.
    pub policy: &'a Policy,
    /// The overrides and absences.
    pub covers: &'a Covers,
    /// The silences, those that are over for a while included.
    pub silences: &'a Silences,
    /// Since when another incident is over or was never there; `None` while it is open.
    pub over_since: &'a dyn Fn(&IncidentId) -> Option<Timestamp>,
}

/// What was due for `incident` at `before` already and is not done at `now`; `None` when nothing is.
///
/// Between the two lies as long as whoever comes by may take. What changed since `before` is not neglected.
pub fn neglect(incident: &Incident, beside: Beside<'_>, before: Timestamp, now: Timestamp) -> Option<Neglect> {
    if let Some(ended) = incident.resolution.as_ref().filter(|_| incident.status == Status::Resolved) {
        let outdated = incident.paging.outdated(incident.status).next().is_some();
        let watched = incident.opened_at.is_some_and(|at| now.duration_since(at) <= WATCHED);
        return (outdated && watched && ended.at <= before).then_some(Neglect::Unshown);
    }
    let moved = moved_at(incident)?;
    if !incident.is_open() || before < moved {
        return None;
    }
    if incident.decision.is_none() {
        return Some(Neglect::Unrouted);
    }
    let over = |other: &IncidentId| (beside.over_since)(other).is_some_and(|at| at <= before);
    if let Some(group) = &incident.member_of {
        return over(group).then_some(Neglect::Ungrouped);
    }
    if belongs_to_a_group(incident) {
        return Some(Neglect::Ungrouped);
    }
    if let Some(by) = incident.inhibited_by.as_ref().filter(|_| !incident.paging.by_hand) {
        return over(by).then_some(Neglect::Uninhibited);
    }
    // What has just ended is let go of by whoever waited for its end.
    let stopped = [before, now].iter().any(|at| !beside.silences.stopping(incident, *at).is_empty());
    if !incident.silenced_by.is_empty() && !incident.paging.by_hand {
        return (!stopped).then_some(Neglect::Unsilenced);
    }
    let unflushed = incident.group.as_ref().filter(|group| group.flushed_at.is_none());
    if unflushed.is_some_and(|group| group.first_flush_at <= before) {
        return Some(Neglect::Overdue);
    }
    let Beside { policy, covers, .. } = beside;
    let silenced_until = stopped.then_some(Timestamp::MAX);
    let around = Around { policy, covers, silenced_until, turn: 0 };
    (!due(incident, around, "", before).is_empty()).then_some(Neglect::Overdue)
}

/// When the last thing happened that makes something due at once.
fn moved_at(incident: &Incident) -> Option<Timestamp> {
    let decided = incident.decision.as_ref().map(|decision| decision.at);
    let flushed = incident.group.as_ref().and_then(|group| group.flushed_at);
    let others = [decided, flushed, incident.reached_at, incident.paging.began_at, incident.paging.resumed_at];
    // A step that reached nobody gives way to the next one at once.
    let failed = incident.paging.current().filter_map(|delivery| delivery.fate.failed_at()).max();
    incident.opened_at.max(failed).max(others.into_iter().max().flatten())
}
