//! Contacts: by which of them somebody is told, in which order, and when.

use jiff::{SignedDuration, Timestamp};

use super::{Delivery, Position};
use crate::incident::Incident;
use crate::policy::{Address, Person, Policy};

/// One contact of somebody, in the order in which they want to be told.
pub(super) struct Planned<'a> {
    /// Its place in the policy's list of their contacts, from 0.
    pub(super) place: usize,
    /// Where the message goes.
    pub(super) address: &'a Address,
    /// How long after the step began; without it, when those before it failed.
    pub(super) after: Option<SignedDuration>,
}

/// A contact that was not tried yet and will be.
pub(super) struct Later<'a> {
    /// When.
    pub(super) at: Timestamp,
    /// Whose: `person:ana` or `channel:ops`.
    pub(super) to: &'a str,
    pub(super) planned: Planned<'a>,
}

/// The contacts by which `to` is told of `incident`: those of their rule for its level, or else all of them.
pub(super) fn plan<'a>(incident: &Incident, policy: &'a Policy, to: &str) -> Vec<Planned<'a>> {
    match to.split_once(':') {
        Some(("person", name)) => policy.people.get(name).map_or_else(Vec::new, |person| of_person(incident, person)),
        Some(("channel", name)) => {
            policy.channels.get(name).map(|address| Planned { place: 0, address, after: None }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Every address of `to`, whatever happened.
pub(super) fn addresses<'a>(policy: &'a Policy, to: &str) -> Vec<&'a Address> {
    match to.split_once(':') {
        Some(("person", name)) => {
            let person = policy.people.get(name);
            person.into_iter().flat_map(|person| &person.contacts).map(|contact| &contact.address).collect()
        }
        Some(("channel", name)) => policy.channels.get(name).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_person<'a>(incident: &Incident, person: &'a Person) -> Vec<Planned<'a>> {
    let contacts = person.contacts.iter().enumerate();
    let level = incident.decision.as_ref().and_then(|decision| decision.level);
    let Some(rules) = level.and_then(|level| person.rules.at(level)) else {
        return contacts
            .map(|(place, contact)| Planned { place, address: &contact.address, after: contact.after })
            .collect();
    };
    let by_rule = rules.iter().flat_map(|rule| {
        let named = contacts.clone().filter(|(_, contact)| contact.address.channel() == rule.by);
        // The first contact of a channel comes when the rule says; another one replaces it.
        named.enumerate().map(|(number, (place, contact))| {
            let after = rule.after.filter(|_| number == 0);
            Planned { place, address: &contact.address, after }
        })
    });
    by_rule.collect()
}

/// Until when the quiet hours of `to` keep back a message that is due at `at`; `None` when they do not.
///
/// The catch-all wakes everybody, and so does a level that they except.
pub(super) fn quiet_until(
    incident: &Incident,
    policy: &Policy,
    position: Position,
    to: &str,
    at: Timestamp,
) -> Option<Timestamp> {
    let person = to.strip_prefix("person:").and_then(|name| policy.people.get(name))?;
    let quiet = person.quiet.as_ref()?;
    let level = incident.decision.as_ref().and_then(|decision| decision.level);
    let excepted = level.is_some_and(|level| quiet.except.contains(&level));
    if position.catch_all || excepted { None } else { quiet.until(at) }
}

/// Contacts of the current step's people that were not tried yet and will be, the first ones included.
pub(super) fn later<'a>(incident: &'a Incident, policy: &'a Policy) -> Vec<Later<'a>> {
    let paging = &incident.paging;
    let (Some(position), Some(began)) = (paging.position, paging.began_at) else { return Vec::new() };
    let mut all = Vec::new();
    for to in paging.recipients().into_iter().filter(|to| !incident.is_spared(to)) {
        let tried: Vec<&Delivery> = paging.current().filter(|delivery| delivery.to == to).collect();
        let failed_at = tried.iter().map(|delivery| delivery.fate.failed_at()).collect::<Option<Vec<_>>>();
        let failed_at = failed_at.map(|times| times.into_iter().max().unwrap_or(began));
        // Only the first untried contact replaces the failed ones; the others still come at their own time.
        let mut replaces = failed_at;
        let plan = plan(incident, policy, to).into_iter();
        for planned in plan.filter(|planned| tried.iter().all(|delivery| delivery.contact != planned.place)) {
            let own = planned.after.map(|after| began + after);
            let Some(at) = [replaces.take(), own].into_iter().flatten().min() else { continue };
            let at = quiet_until(incident, policy, position, to, at).unwrap_or(at);
            all.push(Later { at, to, planned });
        }
    }
    all
}

/// The contact that a delivery goes to, by the frozen policy.
pub fn contact_of<'a>(policy: &'a Policy, delivery: &Delivery) -> Option<&'a Address> {
    match delivery.to.split_once(':') {
        Some(("person", name)) => policy.people.get(name)?.contacts.get(delivery.contact).map(|known| &known.address),
        Some(("channel", name)) => policy.channels.get(name),
        _ => None,
    }
}
