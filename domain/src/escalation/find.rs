//! Whom a step finds, and how: everything about a beginning step that must not be computed again later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contacts::{addresses, plan, quiet_until};
use super::{Around, Position, named, step, targets};
use crate::incident::{Event, Incident};
use crate::policy::{Acknowledge, Address, Policy, Target};
use crate::schedule::{self, Covers, Source};
use crate::text::lasted;

/// Somebody whom a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Whom: `person:ana` or `channel:ops`.
    pub to: String,
    /// How: `on call for platform, for another 2 h, stands in for ana`; empty where the step names them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub via: String,
    /// Told beside the step, as the ladder says: whoever is there need not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Until when their quiet hours keep the first message back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Timestamp>,
}

/// That a step told one of those it found, in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// What is counted: the escalation and its step, such as `platform/1`.
    pub counter: String,
    /// The how many-th time the step was begun, whatever the incident; it decides who is told.
    pub turn: u64,
    /// How many could have been told.
    pub among: usize,
}

/// The beginning of the step at `position`: whom it finds at `now`, and whom it does not.
pub(super) fn begin(incident: &Incident, around: Around<'_>, position: Position, now: Timestamp) -> Event {
    let Around { policy, covers, turn, .. } = around;
    let step = step(incident, policy, position);
    let everybody = step.as_ref().is_some_and(|step| step.acknowledge == Acknowledge::Everybody);
    let reaches = |to: &str| !plan(incident, policy, to).is_empty();
    let (mut found, mut nobody) = find(policy, covers, &targets(incident, policy, position), now, reaches);
    for found in &mut found {
        found.quiet_until = quiet_until(incident, policy, position, &found.to, now);
    }
    if everybody && found.iter().any(|found| !incident.has_answered(&found.to)) {
        found.retain(|found| !incident.has_answered(&found.to));
    }
    let mut picked = None;
    if step.is_some_and(|step| step.round_robin) && !found.is_empty() {
        // Whoever sleeps is passed over while somebody is awake.
        if found.iter().any(|found| found.quiet_until.is_none()) {
            found.retain(|found| found.quiet_until.is_none());
        }
        let among = found.len();
        let place = usize::try_from(turn % among as u64).unwrap_or_default();
        found = vec![found.swap_remove(place)];
        let counter = format!("{}/{}", named(incident, policy, position).unwrap_or_default(), position.step + 1);
        picked = Some(Picked { counter, turn, among });
    }
    // The place that the ladder names is told with the first step that finds somebody, and with the catch-all's anyway.
    let place = beside(incident).filter(|_| !found.is_empty() || position.catch_all);
    if let Some(place) = place.filter(|place| found.iter().all(|found| found.to != place.to_string())) {
        let (mut told, unreachable) = find(policy, covers, std::slice::from_ref(place), now, reaches);
        for place in &mut told {
            place.beside = true;
        }
        found.extend(told);
        nobody.extend(unreachable);
    }
    let time_zones = schedule::time_zones().map(str::to_owned);
    Event::StepBegan { position, found, nobody, picked, everybody, time_zones }
}

/// Everybody whom `target` means at `now`, each with at least one address, in the order of the policy.
pub fn addresses_of<'a>(
    policy: &'a Policy,
    covers: &Covers,
    target: &Target,
    now: Timestamp,
) -> Vec<(String, Vec<&'a Address>)> {
    let reaches = |to: &str| !addresses(policy, to).is_empty();
    let (found, _) = find(policy, covers, std::slice::from_ref(target), now, reaches);
    let with_addresses = |found: Found| {
        let addresses = addresses(policy, &found.to);
        (found.to, addresses)
    };
    found.into_iter().map(with_addresses).collect()
}

/// The place that the ladder tells beside people, once.
fn beside(incident: &Incident) -> Option<&Target> {
    let rung = incident.decision.as_ref().and_then(|decision| decision.rung.as_ref());
    rung.and_then(|rung| rung.channel.as_ref()).filter(|_| !incident.paging.told_beside)
}

/// Whom `targets` lead to at `now`, each once and with at least one contact, and why the rest lead to nobody.
fn find(
    policy: &Policy,
    covers: &Covers,
    targets: &[Target],
    now: Timestamp,
    reaches: impl Fn(&str) -> bool,
) -> (Vec<Found>, Vec<String>) {
    let mut found: Vec<Found> = Vec::new();
    let mut unreachable = Vec::new();
    let mut nobody = Vec::new();
    let mut add = |to: String, via: String| {
        if !reaches(&to) {
            unreachable.push(format!("{to} has no contact"));
        } else if !found.iter().any(|known| known.to == to) {
            found.push(Found { to, via, beside: false, quiet_until: None });
        }
    };
    let person = |name: &str| Target::Person(name.to_owned()).to_string();
    for target in targets {
        match target {
            Target::Channel(_) | Target::Person(_) => add(target.to_string(), String::new()),
            Target::Team(name) => {
                let Some(team) = policy.teams.get(name) else {
                    nobody.push(format!("{target} has no member"));
                    continue;
                };
                team.members.iter().for_each(|member| add(person(member), format!("in team {name}")));
            }
            Target::Schedule(name) => match schedule::on_call(name, policy, covers, now) {
                Some(turn) => {
                    let left = lasted(turn.until.duration_since(now));
                    let instead = instead(turn.source);
                    add(person(turn.person), format!("on call for {name}, for another {left}{instead}"));
                }
                None => nobody.push(format!("nobody is on call for {target}")),
            },
            Target::Next(name) => match schedule::next_on_call(name, policy, covers, now) {
                Some(turn) => {
                    let ahead = lasted(turn.from.duration_since(now));
                    let instead = instead(turn.source);
                    add(person(turn.person), format!("next on call for {name}, in {ahead}{instead}"));
                }
                None => nobody.push(format!("nobody is next on call for schedule:{name}")),
            },
        }
    }
    unreachable.extend(nobody);
    (found, unreachable)
}

/// Why it is not whoever the rotation says, if it is not.
fn instead(source: Source<'_>) -> String {
    match source {
        Source::Layer { .. } => String::new(),
        Source::StandIn { absent, .. } => format!(", stands in for {absent}"),
        Source::Override(set) => format!(", by an override of {}", set.by.name()),
    }
}
