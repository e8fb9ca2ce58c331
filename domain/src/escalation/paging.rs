//! How far an incident's escalation is, as its log says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, Fate, Outcome};
use super::{Assignee, Found};
use crate::group::Group;
use crate::incident::Status;
use crate::policy::{Address, Handling};

/// The most deliveries remembered from earlier steps, so that their messages can still be changed in place.
const REMEMBERED: usize = 32;
/// Why a message of an earlier step is sent no more.
const NEXT_STEP: &str = "the next step began";

/// A step of an escalation, and which time through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// From 0; the rounds after it are repeats.
    pub round: u32,
    /// From 0.
    pub step: u32,
    /// Whether it is a step of the catch-all.
    #[serde(default)]
    pub catch_all: bool,
}

/// One message that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The delivery it belongs to; the same for each attempt, so that a receiver can tell a repeat.
    pub delivery: String,
    /// Whom: `person:ana` or `channel:ops`.
    pub to: String,
    /// Which of their contacts, from 0. The address itself stays in the policy.
    pub contact: usize,
    /// The channel's name.
    pub channel: String,
    /// The how many-th attempt, from 1.
    pub attempt: u32,
    /// The request that sends it.
    pub cause: String,
}

/// How far the escalation is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the log of its own")]
pub struct Paging {
    /// The current step; none before the first, and after an acknowledgement expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// Whom the current step tells, or will tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Found>,
    /// Each person of the current step must acknowledge.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
    /// A step of the current round found somebody.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub found_somebody: bool,
    /// A step found somebody: the place that the ladder names, if there is one, was told with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub told_beside: bool,
    /// To whom somebody gave it, instead of those who were decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assignee>,
    /// How many steps began so far.
    pub steps: u32,
    /// Somebody asked for the next step now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hurry: bool,
    /// It is a page now, whatever was decided: somebody asked, or nobody took the ticket on in time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// Everybody was told, and nobody answered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exhausted: bool,
    /// A message was accepted since the catch-all began.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepted_since_catch_all: bool,
    /// When paging went on after somebody had taken it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_at: Option<Timestamp>,
    /// How often a message was held back.
    #[serde(skip_serializing_if = "is_zero")]
    pub held: u32,
    /// Who was told how, the current step's last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

impl Paging {
    /// The deliveries of the current step.
    pub fn current(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().filter(|delivery| self.position.is_some() && delivery.step == self.steps)
    }

    /// Whom the current step tells, each once. Older logs do not say whom a step found: there it is whom it told.
    pub(crate) fn recipients(&self) -> Vec<&str> {
        if !self.recipients.is_empty() {
            return self.recipients.iter().map(|found| found.to.as_str()).collect();
        }
        let mut told: Vec<&str> = Vec::new();
        for delivery in self.current() {
            if !told.contains(&delivery.to.as_str()) {
                told.push(&delivery.to);
            }
        }
        told
    }

    /// Whether `to` is told beside the current step, and need not answer.
    pub(super) fn is_beside(&self, to: &str) -> bool {
        self.recipients.iter().any(|found| found.beside && found.to == to)
    }

    /// The deliveries that the request `cause` is to send now.
    pub fn to_send(&self, cause: &str) -> impl Iterator<Item = &Delivery> {
        self.deliveries
            .iter()
            .filter(move |delivery| matches!(&delivery.fate, Fate::Sending { cause: sender, .. } if sender == cause))
    }

    /// Messages that can be changed in place and show another status than `status`: the delivery, and the
    /// provider's name for its message.
    pub fn outdated(&self, status: Status) -> impl Iterator<Item = (&Delivery, &str)> {
        self.deliveries.iter().filter_map(move |delivery| match &delivery.fate {
            Fate::Accepted { reference: Some(reference), shown, .. }
                if *shown != status && Address::can_change(&delivery.channel) =>
            {
                Some((delivery, reference.as_str()))
            }
            _ => None,
        })
    }

    /// The first attempt at a contact in the current step.
    pub(super) fn attempt(&self, to: &str, place: usize, address: &Address, cause: &str) -> Attempt {
        Attempt {
            delivery: self.id(to, place),
            to: to.to_owned(),
            contact: place,
            channel: address.channel().to_owned(),
            attempt: 1,
            cause: cause.to_owned(),
        }
    }

    /// The name of the first delivery to a contact in the current step.
    fn id(&self, to: &str, place: usize) -> String {
        // A person and a channel may share their name, and no name has a `~`.
        let name = match to.split_once(':') {
            Some(("person", name)) => name.to_owned(),
            _ => to.replacen(':', "~", 1),
        };
        format!("{}-{name}-{place}", self.steps)
    }

    /// The attempts that tell the next notification of a group to everybody who was told in the current step. Each is a
    /// delivery of its own, as a receiver drops a repeat.
    pub(super) fn once_more(&self, group: &Group, cause: &str) -> Vec<Attempt> {
        let told = self.current().filter(|delivery| delivery.fate.is_accepted());
        let again = told.map(|delivery| Attempt {
            delivery: format!("{}~{}", self.id(&delivery.to, delivery.contact), group.notifications),
            attempt: 1,
            ..delivery.again(cause)
        });
        again.collect()
    }

    pub(crate) fn began(&mut self, position: Position, found: &[Found], everybody: bool, at: Timestamp) {
        if position.catch_all && !self.position.is_some_and(|before| before.catch_all) {
            self.accepted_since_catch_all = false;
        }
        self.found_somebody = found.iter().any(|found| !found.beside) || (self.found_somebody && position.step > 0);
        self.told_beside |= !found.is_empty();
        self.recipients = found.to_vec();
        self.everybody = everybody;
        self.position = Some(position);
        self.began_at = Some(at);
        self.steps += 1;
        self.hurry = false;
        for earlier in &mut self.deliveries {
            match &earlier.fate {
                Fate::Waiting { .. } => earlier.fate = Fate::Cancelled { reason: NEXT_STEP.to_owned() },
                Fate::Sending { .. } => {
                    let reason = "what came of it is not known".to_owned();
                    earlier.fate = Fate::Failed { at, reason, undelivered: false };
                }
                Fate::Accepted { .. } | Fate::Failed { .. } | Fate::Cancelled { .. } => {}
            }
        }
        self.forget(|_| false);
    }

    pub(crate) fn sending(&mut self, attempts: &[Attempt], at: Timestamp) {
        self.found_somebody |= attempts.iter().any(|attempt| !self.is_beside(&attempt.to));
        for attempt in attempts {
            let fate = Fate::Sending { since: at, cause: attempt.cause.clone() };
            if let Some(known) = self.deliveries.iter_mut().find(|known| known.id == attempt.delivery) {
                known.attempts = attempt.attempt;
                known.fate = fate;
            } else {
                self.supersede(attempt);
                self.deliveries.push(Delivery {
                    id: attempt.delivery.clone(),
                    step: self.steps,
                    to: attempt.to.clone(),
                    contact: attempt.contact,
                    channel: attempt.channel.clone(),
                    attempts: attempt.attempt,
                    fate,
                });
            }
        }
    }

    /// An earlier notification of a group to the same contact is no part of the current step any more.
    fn supersede(&mut self, attempt: &Attempt) {
        let step = self.steps;
        let same = |known: &Delivery| known.step == step && known.to == attempt.to && known.contact == attempt.contact;
        self.deliveries.iter_mut().filter(|known| same(known)).for_each(|known| known.step = 0);
        self.forget(|delivery| delivery.step == step);
    }

    /// Forgets deliveries that are not `kept` where there are too many; those that can be changed in place last.
    fn forget(&mut self, kept: impl Fn(&Delivery) -> bool) {
        let can_be_changed = |earlier: &Delivery| matches!(&earlier.fate, Fate::Accepted { reference: Some(_), .. });
        let earlier = self.deliveries.iter().filter(|delivery| !kept(delivery)).count();
        let mut excess = earlier.saturating_sub(REMEMBERED);
        for last in [false, true] {
            self.deliveries.retain(|delivery| {
                let forgotten = excess > 0 && !kept(delivery) && (last || !can_be_changed(delivery));
                excess -= usize::from(forgotten);
                !forgotten
            });
        }
    }

    /// A group has something new to tell. Messages that are not sent again are to be changed, and where nobody was
    /// reached in every step before, the steps begin again.
    pub(crate) fn outdate(&mut self, status: Status, at: Timestamp) {
        if self.exhausted && !self.current().any(|delivery| delivery.fate.is_accepted()) {
            self.restart(at);
        }
        if status != Status::Acknowledged {
            return;
        }
        for delivery in &mut self.deliveries {
            if let Fate::Accepted { shown, .. } = &mut delivery.fate {
                // What no message shows, so that each is brought up to date.
                *shown = Status::Expected;
            }
        }
    }

    pub(crate) fn sent(&mut self, outcomes: &[(String, Outcome)], at: Timestamp) {
        for (id, outcome) in outcomes {
            let Some(delivery) = self.deliveries.iter_mut().find(|known| known.id == *id) else { continue };
            delivery.conclude(outcome.clone(), at);
            let (accepted, to) = (delivery.fate.is_accepted(), delivery.to.clone());
            match outcome {
                // A place that the ladder tells beside people is nobody who could answer.
                Outcome::Accepted { .. } | Outcome::Delivered if !self.is_beside(&to) => {
                    self.accepted_since_catch_all |= accepted;
                }
                Outcome::Undelivered { .. } => {
                    let is_a_person = |delivery: &&Delivery| !self.is_beside(&delivery.to);
                    let accepted = self.current().filter(is_a_person).any(|delivery| delivery.fate.is_accepted());
                    self.accepted_since_catch_all = accepted;
                }
                Outcome::Held { .. } => self.held += 1,
                _ => {}
            }
        }
    }

    /// Somebody answered: what waits or is held back is sent no more.
    pub(crate) fn call_off(&mut self, status: Status) {
        for delivery in &mut self.deliveries {
            if matches!(delivery.fate, Fate::Waiting { .. }) {
                delivery.fate = Fate::Cancelled { reason: format!("the incident is {}", status.as_str()) };
            }
        }
    }

    /// Nobody has it any more: the first step comes again.
    pub(crate) fn restart(&mut self, at: Timestamp) {
        self.position = None;
        self.began_at = None;
        self.recipients.clear();
        self.everybody = false;
        self.hurry = false;
        self.exhausted = false;
        self.resumed_at = Some(at);
    }

    /// Nobody took a ticket on in time: its first step comes again, as a page.
    pub(crate) fn follow_up(&mut self, at: Timestamp) {
        self.restart(at);
        self.by_hand = true;
    }

    /// Somebody gave it to `to`: their first step comes, as a page, whatever was decided.
    pub(crate) fn assign(&mut self, to: &Assignee, at: Timestamp) {
        self.restart(at);
        self.assigned = Some(to.clone());
        self.by_hand = true;
    }

    /// Somebody asked for the next step now. After the last one, and after a ticket, that is the first.
    pub(crate) fn hurry(&mut self, decided: Handling, at: Timestamp) {
        let told_once = decided != Handling::Page && !self.by_hand;
        if self.exhausted || told_once {
            self.restart(at);
        }
        self.hurry = true;
        self.by_hand = true;
        self.resumed_at = Some(at);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests;
