//! A flush: looking at the alerts of a group together, and deciding whether somebody is told.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::told::Alerts;
use super::{Grouping, LISTED, Listed, Member, Told, tick};
use crate::incident::{Actor, Event, Incident};
use crate::signal::Severity;

/// What a flush found, as the group's log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flushed {
    /// The instant it was due at: the next ones are counted from here, however late this one is.
    pub due_at: Timestamp,
    /// How many alerts were firing and not kept quiet.
    pub firing: u64,
    /// How many were over and not kept quiet; they leave the group.
    pub resolved: u64,
    /// How many were kept quiet.
    #[serde(default)]
    pub muted: u64,
    /// The worst severity of those firing.
    pub severity: Severity,
    /// Why somebody is told; nobody is when nothing new is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Reason>,
    /// The alerts that the notification lists, the newest first, with a bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Listed>,
}

/// Why a notification is due; the reasons of Alertmanager's `needsUpdate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody was told of the group before.
    First,
    /// Alerts are firing of which nobody was told.
    NewAlerts,
    /// Alerts are over that were not when somebody was told.
    SomeResolved,
    /// All are over, and somebody was told that they were not.
    AllResolved,
    /// Nothing changed for as long as the route says.
    Repeat,
}

/// What a flush does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flush {
    /// What to write in the group's log.
    pub events: Vec<Event>,
    /// What was told last now; to be kept with the events.
    pub told: Told,
    /// The alerts that are over and leave, unless they began again meanwhile.
    pub leaving: Vec<Member>,
}

/// Looks at the `members` of a group as they were when its last flush was due; `None` when none is due or nothing changed.
///
/// `muted` says which of them are silenced or inhibited. A flush that finds nothing new leaves no record.
pub fn flush(
    incident: &Incident,
    members: &[Member],
    muted: impl Fn(&Member) -> bool,
    told: &Told,
    now: Timestamp,
) -> Option<Flush> {
    let grouping = incident.decision.as_ref()?.group.as_ref()?;
    let due_at = due_at(incident, grouping, members, now)?;
    let group = incident.group.as_ref()?;
    let (mut firing, mut resolved): (Vec<&Member>, Vec<&Member>) = (Vec::new(), Vec::new());
    for member in members.iter().filter(|member| member.joined_at <= due_at) {
        let over = member.cleared_at.is_some_and(|cleared| cleared <= due_at);
        if over { resolved.push(member) } else { firing.push(member) }
    }
    let over = firing.is_empty() && members.iter().all(|member| member.joined_at <= due_at);
    let leaving: Vec<Member> = resolved.iter().copied().cloned().collect();
    let all = firing.len() + resolved.len();
    let severity = firing.iter().map(|member| member.severity).max().unwrap_or(incident.severity());
    firing.retain(|member| !muted(member));
    resolved.retain(|member| !muted(member));
    let alerts = |members: &[&Member]| members.iter().map(|member| &member.incident.fingerprint).collect::<Alerts>();
    let found = (alerts(&firing), alerts(&resolved));
    let reason = needs_update(told, &found.0, &found.1, grouping.repeat, due_at);
    if reason.is_none() && group.flushed_at.is_some() && leaving.is_empty() && !over {
        return None;
    }
    let listed = if reason.is_some() { list(&firing, &resolved, grouping) } else { Vec::new() };
    let mut events = vec![Event::Flushed(Flushed {
        due_at,
        firing: firing.len() as u64,
        resolved: resolved.len() as u64,
        muted: (all - firing.len() - resolved.len()) as u64,
        severity,
        told: reason,
        alerts: listed,
    })];
    if over {
        events.push(Event::Resolved { by: Actor::watchkeeper(), covers: due_at });
    }
    let told = if reason.is_some() { Told::new(due_at, found.0, found.1) } else { told.clone() };
    Some(Flush { events, told, leaving })
}

/// When the flush that `now` may carry out was due; `None` when none is due since the last one in the log.
fn due_at(incident: &Incident, grouping: &Grouping, members: &[Member], now: Timestamp) -> Option<Timestamp> {
    let group = incident.group.as_ref().filter(|_| incident.is_open())?;
    if let Some(last) = group.flushed_at {
        return Some(tick(last, grouping.interval, now)).filter(|due| *due > last);
    }
    let hurried = members.iter().filter(|member| member.hurries(grouping.wait)).map(|member| member.joined_at);
    hurried.chain([group.first_flush_at]).min().filter(|first| *first <= now)
}

/// Alertmanager's rule (`notify.DedupStage.needsUpdate`, with `send_resolved`), and its reason.
fn needs_update(
    told: &Told,
    firing: &Alerts,
    resolved: &Alerts,
    repeat: SignedDuration,
    now: Timestamp,
) -> Option<Reason> {
    if firing.is_empty() && resolved.is_empty() {
        return None;
    }
    let Some(at) = told.at else { return (!firing.is_empty()).then_some(Reason::First) };
    if !firing.is_subset(&told.firing) {
        return Some(Reason::NewAlerts);
    }
    if firing.is_empty() {
        return (!told.firing.is_empty()).then_some(Reason::AllResolved);
    }
    if !resolved.is_subset(&told.resolved) {
        return Some(Reason::SomeResolved);
    }
    (at + repeat < now).then_some(Reason::Repeat)
}

/// The newest alerts of a notification, those firing first.
fn list(firing: &[&Member], resolved: &[&Member], grouping: &Grouping) -> Vec<Listed> {
    let newest = |members: &[&Member]| {
        let mut members = members.to_vec();
        members.sort_by(|a, b| (b.since, &a.incident).cmp(&(a.since, &b.incident)));
        members.truncate(LISTED);
        members.into_iter().cloned().collect::<Vec<_>>()
    };
    let (firing, resolved) = (newest(firing), newest(resolved));
    let marked =
        firing.into_iter().map(|member| (member, false)).chain(resolved.into_iter().map(|member| (member, true)));
    let listed = marked.map(|(member, resolved)| {
        let Member { incident, title, severity, mut labels, since, .. } = member;
        labels.retain(|name, value| grouping.labels.get(name) != Some(value));
        Listed { incident, resolved, title, severity, labels, since }
    });
    listed.take(LISTED).collect()
}
