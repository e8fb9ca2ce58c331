//! Escalation: what is due for an incident now, and when to look again.
//!
//! [`due`] may be called at any time and by anybody. What it returns is written down before anything is sent, so a
//! step that is in the log is never begun again, and a message whose fate is unknown is sent again: a second page is
//! better than none (design.md, sections 2 and 7).

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::group;
use crate::incident::{Event, Incident, Status};
use crate::policy::{Acknowledge, Handling, Mode, Policy, Step, Target};
use crate::route::Noise;
use crate::schedule::Covers;

mod assignee;
mod contacts;
mod delivery;
mod find;
mod neglect;
mod paging;

pub use assignee::Assignee;
pub use contacts::contact_of;
pub use delivery::{Delivery, Fate, Outcome};
pub use find::{Found, Picked, addresses_of};
pub use neglect::{Beside, Neglect, WATCHED, neglect};
pub use paging::{Attempt, Paging, Position};

/// How long a message may be on its way before it counts as lost: longer than any channel's time-out.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// How often one contact is tried before the next one is.
pub const ATTEMPTS: u32 = 3;
/// How long after a failed attempt the next one is made, unless the provider says otherwise.
pub const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(15);
/// How often the catch-all is gone through while no message of it was accepted anywhere.
const CATCH_ALL_ROUNDS: u32 = 24;
/// How long somebody to whom an incident was reassigned has to answer, where its escalation does not say.
const ASSIGNED_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// When to look at an incident that somebody took on for good: often enough to notice its end on the same day.
const IDLE: SignedDuration = SignedDuration::from_hours(24);

/// When to look again, or why there is no need to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At this instant.
    At(Timestamp),
    /// Never.
    Over(Over),
}

/// Why nothing is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It is resolved.
    Resolved,
    /// It was told once, as a ticket.
    Ticketed,
    /// Nobody is to be told.
    Quiet,
    /// Everybody was told, and nobody answered.
    PageUndelivered,
}

/// What an escalation is decided by, beside the incident itself.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The policy the incident was routed by.
    pub policy: &'a Policy,
    /// The overrides and absences as they stand now.
    pub covers: &'a Covers,
    /// Until when a silence keeps it quiet, if one does now: no step begins before.
    pub silenced_until: Option<Timestamp>,
    /// Whose turn it is in a step that tells one of several: claimed by whoever writes what [`picks`] names.
    pub turn: u64,
}

/// What to write down before anything is sent: steps that begin, attempts that are due.
///
/// `cause` names the request; attempts that carry it in the log are this request's to send, or to send again.
pub fn due(incident: &Incident, around: Around<'_>, cause: &str, now: Timestamp) -> Vec<Event> {
    let Around { policy, silenced_until, .. } = around;
    let mut after = incident.clone();
    let mut events = Vec::new();
    let mut happened = |after: &mut Incident, event: Event| {
        after.apply(&event, now);
        events.push(event);
    };
    let expires = after.acknowledgement.as_ref().and_then(|taken| taken.expires_at);
    if after.status == Status::Acknowledged && expires.is_some_and(|expires| expires <= now) {
        happened(&mut after, Event::AcknowledgementExpired);
    }
    let silenced = silenced_until.is_some_and(|until| now < until);
    let held = waits_for_more(&after) || settles_at(&after).is_some_and(|until| now < until) || group::waits(&after);
    if after.status != Status::Triggered || quiet(&after) || silenced || held {
        return events;
    }
    if follow_up_at(&after).is_some_and(|at| at <= now) {
        happened(&mut after, Event::FollowedUp);
    }
    // Each turn begins a step that finds somebody, or passes over one that finds nobody.
    loop {
        let position = match turn(&after, policy, now) {
            Turn::Stay => break,
            Turn::To(position) => position,
            Turn::End => {
                happened(&mut after, Event::NobodyAnswered);
                return events;
            }
        };
        let began = find::begin(&after, around, position, now);
        happened(&mut after, began);
    }
    let attempts = after.group.as_ref().filter(|group| group.untold).map(|group| after.paging.once_more(group, cause));
    if let Some(attempts) = attempts.filter(|attempts| !attempts.is_empty()) {
        happened(&mut after, Event::Sending { attempts });
    }
    let attempts = due_attempts(&after, policy, cause, now);
    if !attempts.is_empty() {
        happened(&mut after, Event::Sending { attempts });
    }
    events
}

/// The counter whose next turn decides who is told, where `events` begin a step that tells one of several.
pub fn picks(events: &[Event]) -> Option<&str> {
    events.iter().find_map(|event| match event {
        Event::StepBegan { picked: Some(picked), .. } => Some(picked.counter.as_str()),
        _ => None,
    })
}

/// When to look again after everything that is due now was written down and sent.
pub fn next(incident: &Incident, around: Around<'_>, now: Timestamp) -> Next {
    let Around { policy, silenced_until, .. } = around;
    match incident.status {
        Status::Resolved => return Next::Over(Over::Resolved),
        Status::Acknowledged => {
            let expires = incident.acknowledgement.as_ref().and_then(|taken| taken.expires_at);
            return Next::At(expires.map_or(now + IDLE, |expires| expires.max(now)));
        }
        Status::Expected => return Next::Over(Over::Quiet),
        Status::Triggered => {}
    }
    if quiet(incident) || waits_for_more(incident) {
        return Next::Over(Over::Quiet);
    }
    if incident.paging.exhausted {
        return Next::Over(Over::PageUndelivered);
    }
    if let Some(until) = silenced_until.filter(|until| now < *until) {
        return Next::At(until);
    }
    if let Some(until) = settles_at(incident).filter(|until| now < *until) {
        return Next::At(until);
    }
    let Some(position) = incident.paging.position else { return Next::At(now) };
    let ticket = handling(incident) == Handling::Ticket;
    let expected = incident.paging.current().filter(|delivery| !incident.is_spared(&delivery.to));
    let pending = expected.filter_map(|delivery| match &delivery.fate {
        Fate::Sending { since, .. } => Some(*since + LOST_AFTER),
        Fate::Waiting { until, .. } => Some(*until),
        Fate::Accepted { .. } | Fate::Failed { .. } | Fate::Cancelled { .. } => None,
    });
    let later = contacts::later(incident, policy).into_iter().map(|later| later.at);
    let ends = (!ticket).then(|| ends_at(incident, policy, position)).flatten();
    match pending.chain(later).chain(ends).chain(follow_up_at(incident)).min() {
        Some(at) => Next::At(at.max(now)),
        None if ticket && incident.paging.current().any(|delivery| delivery.fate.is_accepted()) => {
            Next::Over(Over::Ticketed)
        }
        None if ticket => Next::Over(Over::PageUndelivered),
        None => Next::At(now),
    }
}

/// What is done with an incident: what was decided, unless a person asked for a page, or a silence or another alert
/// keeps it quiet.
pub fn handling(incident: &Incident) -> Handling {
    let decided = incident.decision.as_ref().map_or(Handling::Page, |decision| decision.handling);
    if incident.paging.by_hand {
        Handling::Page
    } else if incident.silenced_by.is_empty() && incident.inhibited_by.is_none() {
        decided
    } else {
        Handling::Suppress
    }
}

/// Whether nobody is told yet because more triggers have to come first. The one that is enough looks again by itself.
pub fn waits_for_more(incident: &Incident) -> bool {
    let noise = incident.decision.as_ref().and_then(|decision| decision.noise);
    matches!(noise, Some(Noise::Threshold { .. })) && incident.reached_at.is_none() && !incident.paging.by_hand
}

/// Whether nobody may come by any more, or not for hours: everybody was told of it, or it is a ticket.
pub fn may_be_over(incident: &Incident) -> bool {
    incident.paging.exhausted || handling(incident) == Handling::Ticket
}

/// When a problem that comes and goes has stayed for long enough that somebody is told.
fn settles_at(incident: &Incident) -> Option<Timestamp> {
    match incident.decision.as_ref().and_then(|decision| decision.noise) {
        Some(Noise::Flapping { until }) if !incident.paging.by_hand => Some(until),
        _ => None,
    }
}

/// When a ticket becomes a page, if nobody takes it on before: counted from when it was told, as nobody can before.
fn follow_up_at(incident: &Incident) -> Option<Timestamp> {
    let decision = incident.decision.as_ref().filter(|_| handling(incident) == Handling::Ticket)?;
    incident.paging.began_at?.checked_add(decision.rung.as_ref()?.follow_up?).ok()
}

/// Whether that is done or only written down: a person who asks for a page gets one.
pub fn mode(incident: &Incident) -> Mode {
    let decided = incident.decision.as_ref().map_or(Mode::Execute, |decision| decision.mode);
    if incident.paging.by_hand { Mode::Execute } else { decided }
}

/// Whether people are told of the incident's group instead of itself: as its route says, unless that is only rehearsed,
/// more triggers have to come first, or somebody asked for a page of this one.
pub fn belongs_to_a_group(incident: &Incident) -> bool {
    let grouped = incident.decision.as_ref().is_some_and(|decision| decision.group.is_some());
    let alone = waits_for_more(incident) || mode(incident) == Mode::Simulate || incident.paging.by_hand;
    incident.is_open() && incident.group.is_none() && grouped && !alone
}

/// Nobody is to be told.
fn quiet(incident: &Incident) -> bool {
    let told_of = !matches!(handling(incident), Handling::Record | Handling::Suppress);
    incident.member_of.is_some() || !told_of || mode(incident) == Mode::Simulate
}

/// Who is told at `position`: those whom a ticket names, or those of the step.
fn targets(incident: &Incident, policy: &Policy, position: Position) -> Vec<Target> {
    match &incident.decision {
        Some(decision) if handling(incident) == Handling::Ticket && !decision.notify.is_empty() => {
            decision.notify.clone()
        }
        _ => step(incident, policy, position).map_or_else(Vec::new, |step| step.notify.clone()),
    }
}

/// The name of the escalation at `position`: the catch-all's, the one it was reassigned to, or the decided one.
pub(crate) fn named<'a>(incident: &'a Incident, policy: &'a Policy, position: Position) -> Option<&'a str> {
    match &incident.paging.assigned {
        _ if position.catch_all => Some(&policy.catch_all.escalation),
        Some(Assignee::Escalation(name)) => Some(name),
        _ => Some(&incident.decision.as_ref()?.escalation),
    }
}

/// The step at `position`. Somebody to whom it was reassigned comes before the first step of the escalation.
pub(crate) fn step<'a>(incident: &Incident, policy: &'a Policy, position: Position) -> Option<Cow<'a, Step>> {
    let named = named(incident, policy, position).and_then(|name| policy.escalations.get(name));
    let steps = named.map_or(&[][..], |named| &named.steps);
    let at = position.step as usize;
    match &incident.paging.assigned {
        Some(Assignee::Target(target)) if !position.catch_all => match at.checked_sub(1) {
            Some(at) => steps.get(at).map(Cow::Borrowed),
            None => Some(Cow::Owned(Step {
                notify: vec![target.clone()],
                wait: steps.first().map_or(ASSIGNED_WAIT, |first| first.wait),
                round_robin: false,
                acknowledge: Acknowledge::Anybody,
            })),
        },
        _ => steps.get(at).map(Cow::Borrowed),
    }
}

/// Where to go now.
enum Turn {
    /// Nowhere.
    Stay,
    /// To a step.
    To(Position),
    /// Past the last one.
    End,
}

fn turn(incident: &Incident, policy: &Policy, now: Timestamp) -> Turn {
    let paging = &incident.paging;
    if paging.exhausted {
        return Turn::Stay;
    }
    let Some(position) = paging.position else {
        let decided = incident.decision.as_ref();
        let catch_all = paging.assigned.is_none() && decided.is_none_or(|decision| decision.catch_all);
        return Turn::To(Position { round: 0, step: 0, catch_all });
    };
    if handling(incident) == Handling::Ticket {
        return Turn::Stay;
    }
    let over = paging.hurry || ends_at(incident, policy, position).is_some_and(|end| end <= now);
    if over { following(incident, policy, position).map_or(Turn::End, Turn::To) } else { Turn::Stay }
}

/// When the step at `position` gives way to the next: when its time is up, or at once when it reached nobody.
fn ends_at(incident: &Incident, policy: &Policy, position: Position) -> Option<Timestamp> {
    let began = incident.paging.began_at?;
    let Some(step) = step(incident, policy, position) else { return Some(began) };
    let last = following(incident, policy, position).is_none_or(|next| next.step == 0);
    let asked = |to: &str| !incident.paging.is_beside(to);
    let mut told = incident.paging.current().filter(|delivery| asked(&delivery.to)).peekable();
    let tried = told.peek().is_some();
    let reached_nobody = told.all(|delivery| delivery.fate.is_final_failure())
        && !contacts::later(incident, policy).iter().any(|later| asked(later.to));
    // The last step waits even so: an outage of a provider must not use up every round within a minute.
    let waits = last && (tried || position.catch_all);
    Some(if reached_nobody && !waits { began } else { began + step.wait })
}

/// The position after `position`; `None` after the last.
fn following(incident: &Incident, policy: &Policy, position: Position) -> Option<Position> {
    let Position { round, step: at, catch_all } = position;
    let further = Position { step: at + 1, ..position };
    if step(incident, policy, further).is_some() {
        return Some(further);
    }
    let named = named(incident, policy, position).and_then(|name| policy.escalations.get(name));
    // A round that found nobody at all is not repeated: the catch-all is told at once (faults.md, H09).
    let repeats = named.map_or(0, |named| named.repeat);
    let rounds = if incident.paging.found_somebody || catch_all { 1 + repeats } else { 1 };
    let unheard = catch_all && !incident.paging.accepted_since_catch_all;
    let rounds = if unheard { rounds.max(CATCH_ALL_ROUNDS) } else { rounds };
    if round + 1 < rounds {
        Some(Position { round: round + 1, step: 0, catch_all })
    } else if catch_all {
        None
    } else {
        Some(Position { round: 0, step: 0, catch_all: true })
    }
}

/// Attempts of the current step that are due: repeats, and contacts that were not tried yet.
fn due_attempts(incident: &Incident, policy: &Policy, cause: &str, now: Timestamp) -> Vec<Attempt> {
    let paging = &incident.paging;
    let expected = paging.current().filter(|delivery| !incident.is_spared(&delivery.to));
    let again = expected.filter(|delivery| match &delivery.fate {
        Fate::Waiting { until, .. } => *until <= now,
        Fate::Sending { since, cause: sender } => sender != cause && *since + LOST_AFTER <= now,
        Fate::Accepted { .. } | Fate::Failed { .. } | Fate::Cancelled { .. } => false,
    });
    let again = again.map(|delivery| delivery.again(cause));
    let more = contacts::later(incident, policy).into_iter().filter(|later| later.at <= now);
    let more = more.map(|later| paging.attempt(later.to, later.planned.place, later.planned.address, cause));
    again.chain(more).collect()
}

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
