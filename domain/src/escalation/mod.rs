//! Escalation: what is due for an incident now, and when to look again.
//!
//! [`due`] may be called at any time and by anybody. What it returns is written down before anything is sent, so a
//! step that is in the log is never begun again, and a message whose fate is unknown is sent again: a second page is
//! better than none (design.md, sections 2 and 7).

use jiff::{SignedDuration, Timestamp};

use crate::group;
use crate::incident::{Event, Incident, Status};
use crate::policy::{Contact, Handling, Policy, Step, Target};
use crate::schedule::{self, Covers};

mod paging;

pub use paging::{Attempt, Delivery, Fate, Outcome, Paging, Position};

/// How long a message may be on its way before it counts as lost: longer than any channel's time-out.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// How often one contact is tried before the next one is.
pub const ATTEMPTS: u32 = 3;
/// How long after a failed attempt the next one is made, unless the provider says otherwise.
pub const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(15);
/// How often the catch-all is gone through while no message of it was accepted anywhere.
const CATCH_ALL_ROUNDS: u32 = 24;
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
}

/// What to write down before anything is sent: steps that begin, attempts that are due.
///
/// `cause` names the request; attempts that carry it in the log are this request's to send, or to send again.
pub fn due(incident: &Incident, around: Around<'_>, cause: &str, now: Timestamp) -> Vec<Event> {
    let Around { policy, covers, silenced_until } = around;
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
    if after.status != Status::Triggered || quiet(&after) || silenced || group::waits(&after) {
        return events;
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
        let found = recipients(policy, covers, targets(&after, policy, position), now);
        let first = found.contacts.iter().map(|(to, contacts)| (to, 0, &contacts[0]));
        happened(&mut after, Event::StepBegan { position, nobody: found.nobody.clone() });
        let attempts: Vec<Attempt> =
            first.map(|(to, place, contact)| after.paging.attempt(to, place, contact, cause)).collect();
        if !attempts.is_empty() {
            happened(&mut after, Event::Sending { attempts });
        }
    }
    let attempts = after.group.as_ref().filter(|group| group.untold).map(|group| after.paging.once_more(group, cause));
    if let Some(attempts) = attempts.filter(|attempts| !attempts.is_empty()) {
        happened(&mut after, Event::Sending { attempts });
    }
    let attempts = further_attempts(&after, policy, cause, now);
    if !attempts.is_empty() {
        happened(&mut after, Event::Sending { attempts });
    }
    events
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
    if quiet(incident) {
        return Next::Over(Over::Quiet);
    }
    if incident.paging.exhausted {
        return Next::Over(Over::PageUndelivered);
    }
    if let Some(until) = silenced_until.filter(|until| now < *until) {
        return Next::At(until);
    }
    let Some(position) = incident.paging.position else { return Next::At(now) };
    let ticket = handling(incident) == Handling::Ticket;
    let pending = incident.paging.current().filter_map(|delivery| match &delivery.fate {
        Fate::Sending { since, .. } => Some(*since + LOST_AFTER),
        Fate::Waiting { until, .. } => Some(*until),
        Fate::Accepted { .. } | Fate::Failed { .. } | Fate::Cancelled { .. } => None,
    });
    let later = later_contacts(incident, policy).map(|(at, ..)| at);
    let ends = (!ticket).then(|| ends_at(incident, policy, position)).flatten();
    match pending.chain(later).chain(ends).min() {
        Some(at) => Next::At(at.max(now)),
        None if ticket && incident.paging.current().any(|delivery| delivery.fate.is_accepted()) => {
            Next::Over(Over::Ticketed)
        }
        None if ticket => Next::Over(Over::PageUndelivered),
        None => Next::At(now),
    }
}

/// What is done with an incident: what was decided, unless a person asked for a page or another alert keeps it quiet.
pub fn handling(incident: &Incident) -> Handling {
    let decided = incident.decision.as_ref().map_or(Handling::Page, |decision| decision.handling);
    if incident.paging.by_hand {
        Handling::Page
    } else if incident.inhibited_by.is_some() {
        Handling::Suppress
    } else {
        decided
    }
}

/// Nobody is to be told.
fn quiet(incident: &Incident) -> bool {
    incident.member_of.is_some() || matches!(handling(incident), Handling::Record | Handling::Suppress)
}

/// Who is told at `position`: those whom a ticket names, or those of the step.
fn targets<'a>(incident: &'a Incident, policy: &'a Policy, position: Position) -> &'a [Target] {
    match &incident.decision {
        Some(decision) if handling(incident) == Handling::Ticket && !decision.notify.is_empty() => &decision.notify,
        _ => step(incident, policy, position).map_or(&[], |step| &step.notify),
    }
}

/// The step at `position`, of the frozen escalation or of the catch-all.
fn step<'a>(incident: &Incident, policy: &'a Policy, position: Position) -> Option<&'a Step> {
    let name = if position.catch_all { &policy.catch_all.escalation } else { &incident.decision.as_ref()?.escalation };
    policy.escalations.get(name)?.steps.get(position.step as usize)
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
        let catch_all = incident.decision.as_ref().is_none_or(|decision| decision.catch_all);
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
    let reached_nobody = incident.paging.current().all(|delivery| delivery.fate.is_final_failure())
        && later_contacts(incident, policy).next().is_none();
    // The last step waits even so: an outage of a provider must not use up every round within a minute.
    Some(if reached_nobody && !last { began } else { began + step.wait })
}

/// The position after `position`; `None` after the last.
fn following(incident: &Incident, policy: &Policy, position: Position) -> Option<Position> {
    let Position { round, step: at, catch_all } = position;
    let further = Position { step: at + 1, ..position };
    if step(incident, policy, further).is_some() {
        return Some(further);
    }
    let decided = incident.decision.as_ref().map(|decision| &decision.escalation);
    let name = if catch_all { Some(&policy.catch_all.escalation) } else { decided };
    let rounds = 1 + name.and_then(|name| policy.escalations.get(name)).map_or(0, |named| named.repeat);
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

/// Attempts of the current step that are due beside its first ones: repeats, and further contacts.
fn further_attempts(incident: &Incident, policy: &Policy, cause: &str, now: Timestamp) -> Vec<Attempt> {
    let paging = &incident.paging;
    let again = paging.current().filter(|delivery| match &delivery.fate {
        Fate::Waiting { until, .. } => *until <= now,
        Fate::Sending { since, cause: sender } => sender != cause && *since + LOST_AFTER <= now,
        Fate::Accepted { .. } | Fate::Failed { .. } | Fate::Cancelled { .. } => false,
    });
    let again = again.map(|delivery| delivery.again(cause));
    let more = later_contacts(incident, policy).filter(|(at, ..)| *at <= now);
    let more = more.map(|(_, to, place, contact)| paging.attempt(to, place, contact, cause));
    again.chain(more).collect()
}

/// Contacts of the current recipients that were not tried yet and will be, with the instant.
fn later_contacts<'a>(
    incident: &'a Incident,
    policy: &'a Policy,
) -> impl Iterator<Item = (Timestamp, &'a str, usize, &'a Contact)> {
    let paging = &incident.paging;
    let began = paging.began_at.unwrap_or(Timestamp::MAX);
    let firsts = paging.current().filter(|delivery| delivery.contact == 0);
    firsts.flat_map(move |first| {
        let to = first.to.as_str();
        let tried: Vec<&Delivery> = paging.current().filter(|delivery| delivery.to == to).collect();
        let failed_at = tried.iter().map(|delivery| delivery.fate.failed_at()).collect::<Option<Vec<_>>>();
        let failed_at = failed_at.and_then(|times| times.into_iter().max());
        let mut waiting_for_failure = failed_at;
        let contacts = person_contacts(policy, to).iter().enumerate();
        let untried: Vec<_> = contacts
            .filter(|(place, _)| tried.iter().all(|delivery| delivery.contact != *place))
            .filter_map(|(place, contact)| {
                // Only the first untried contact replaces the failed ones; the others still come at their own time.
                let replaces = waiting_for_failure.take();
                let own = contact.after.map(|after| began + after);
                let at = [replaces, own].into_iter().flatten().min()?;
                Some((at, to, place, contact))
            })
            .collect();
        untried
    })
}

fn person_contacts<'a>(policy: &'a Policy, to: &str) -> &'a [Contact] {
    let person = to.strip_prefix("person:").and_then(|name| policy.people.get(name));
    person.map_or(&[], |person| &person.contacts)
}

/// Whom a step tells at `now`, each with at least one contact, and why it finds nobody for the rest.
struct Found {
    contacts: Vec<(String, Vec<Contact>)>,
    nobody: Vec<String>,
}

fn recipients(policy: &Policy, covers: &Covers, targets: &[Target], now: Timestamp) -> Found {
    let mut found = Found { contacts: Vec::new(), nobody: Vec::new() };
    let mut add = |to: String, contacts: Vec<Contact>| {
        if contacts.is_empty() {
            found.nobody.push(format!("{to} has no contact"));
        } else if !found.contacts.iter().any(|(known, _)| *known == to) {
            found.contacts.push((to, contacts));
        }
    };
    let mut nobody = Vec::new();
    for target in targets {
        match target {
            Target::Channel(name) => {
                let address = policy.channels.get(name).cloned();
                let contact = address.map(|address| Contact { address, after: None });
                add(target.to_string(), contact.into_iter().collect());
            }
            Target::Person(_) => add(target.to_string(), person_contacts(policy, &target.to_string()).to_vec()),
            Target::Team(name) => {
                if !policy.teams.contains_key(name) {
                    nobody.push(format!("{target} has no member"));
                }
                for member in policy.teams.get(name).iter().flat_map(|team| &team.members) {
                    let to = Target::Person(member.clone()).to_string();
                    let contacts = person_contacts(policy, &to).to_vec();
                    add(to, contacts);
                }
            }
            Target::Schedule(name) => {
                let on_call = schedule::on_call(name, policy, covers, now);
                match on_call {
                    Some(turn) => {
                        let to = Target::Person(turn.person.to_owned()).to_string();
                        let contacts = person_contacts(policy, &to).to_vec();
                        add(to, contacts);
                    }
                    None => nobody.push(format!("nobody is on call for {target}")),
                }
            }
        }
    }
    found.nobody.extend(nobody);
    found
}

/// The contact that a delivery goes to, by the frozen policy.
pub fn contact_of<'a>(policy: &'a Policy, delivery: &Delivery) -> Option<&'a crate::policy::Address> {
    match delivery.to.split_once(':') {
        Some(("person", _)) => {
            person_contacts(policy, &delivery.to).get(delivery.contact).map(|contact| &contact.address)
        }
        Some(("channel", name)) => policy.channels.get(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
