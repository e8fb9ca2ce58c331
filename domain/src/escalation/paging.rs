//! How far an incident's escalation is, as its log says.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, RETRY_AFTER};
use crate::group::Group;
use crate::incident::Status;
use crate::policy::{Contact, Handling};

/// The most deliveries remembered from earlier steps, so that their messages can still be changed in place.
const REMEMBERED: usize = 32;
/// The longest a provider can make us wait.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_mins(5);

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

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Outcome {
    /// The provider took it. That is not proof that a person has it.
    Accepted {
        /// The provider's name for it, if it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// It did not go through, and may later.
    Failed {
        /// Why, without the address.
        reason: String,
        /// When the provider says to try again, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// It will never go through.
    Rejected {
        /// Why, without the address.
        reason: String,
    },
    /// It was not sent, as nobody needs it any more.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The message was changed in place to show this status.
    Shown {
        /// The status it shows now.
        status: Status,
    },
}

/// One person or place told by one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Unique in the incident: the step's number, whom, and which contact.
    pub id: String,
    /// Which begun step it belongs to, from 1.
    pub step: u32,
    /// Whom: `person:ana` or `channel:ops`.
    pub to: String,
    /// Which of their contacts, from 0.
    pub contact: usize,
    /// The channel's name.
    pub channel: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands.
    pub fate: Fate,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum Fate {
    /// An attempt is on its way, or its sender died.
    Sending {
        /// Since when.
        since: Timestamp,
        /// The request that sends it.
        cause: String,
    },
    /// The provider took it.
    Accepted {
        /// When.
        at: Timestamp,
        /// The provider's name for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// The status that the message shows.
        shown: Status,
    },
    /// It is tried again.
    Waiting {
        /// When.
        until: Timestamp,
        /// Why the last attempt failed.
        reason: String,
    },
    /// It is given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Nobody needed it any more.
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl Fate {
    /// When it failed for good.
    pub(super) fn failed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Failed { at, .. } => Some(*at),
            _ => None,
        }
    }

    pub(super) const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    pub(super) const fn is_final_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl Delivery {
    /// Its next attempt.
    pub(super) fn again(&self, cause: &str) -> Attempt {
        Attempt {
            delivery: self.id.clone(),
            to: self.to.clone(),
            contact: self.contact,
            channel: self.channel.clone(),
            attempt: self.attempts + 1,
            cause: cause.to_owned(),
        }
    }
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
    /// How many steps began so far.
    pub steps: u32,
    /// Somebody asked for the next step now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hurry: bool,
    /// Somebody asked for people to be told, so it is a page now, whatever was decided.
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
    /// Who was told how, the current step's last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

impl Paging {
    /// The deliveries of the current step.
    pub fn current(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().filter(|delivery| self.position.is_some() && delivery.step == self.steps)
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
            Fate::Accepted { reference: Some(reference), shown, .. } if *shown != status => {
                Some((delivery, reference.as_str()))
            }
            _ => None,
        })
    }

    /// The first attempt at a contact in the current step.
    pub(super) fn attempt(&self, to: &str, place: usize, contact: &Contact, cause: &str) -> Attempt {
        Attempt {
            delivery: self.id(to, place),
            to: to.to_owned(),
            contact: place,
            channel: contact.address.channel().to_owned(),
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

    pub(crate) fn began(&mut self, position: Position, at: Timestamp) {
        if position.catch_all && !self.position.is_some_and(|before| before.catch_all) {
            self.accepted_since_catch_all = false;
        }
        self.position = Some(position);
        self.began_at = Some(at);
        self.steps += 1;
        self.hurry = false;
        self.forget(|_| false);
    }

    pub(crate) fn sending(&mut self, attempts: &[Attempt], at: Timestamp) {
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

    /// Forgets the deliveries that are not `kept`, but for the latest of those whose messages can still be changed.
    fn forget(&mut self, kept: impl Fn(&Delivery) -> bool) {
        let can_be_changed = |earlier: &Delivery| matches!(&earlier.fate, Fate::Accepted { reference: Some(_), .. });
        self.deliveries.retain(|delivery| kept(delivery) || can_be_changed(delivery));
        let earlier = self.deliveries.iter().filter(|delivery| !kept(delivery)).count();
        let mut excess = earlier.saturating_sub(REMEMBERED);
        self.deliveries.retain(|delivery| {
            let forgotten = excess > 0 && !kept(delivery);
            excess -= usize::from(forgotten);
            !forgotten
        });
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
            delivery.fate = match outcome.clone() {
                Outcome::Accepted { reference } => {
                    self.accepted_since_catch_all = true;
                    Fate::Accepted { at, reference, shown: Status::Triggered }
                }
                Outcome::Failed { reason, retry_after } if delivery.attempts < ATTEMPTS => {
                    let asked = retry_after.map(|seconds| SignedDuration::from_secs(seconds.into()));
                    let wait = asked.map_or(RETRY_AFTER, |asked| asked.clamp(RETRY_AFTER, LONGEST_RETRY));
                    Fate::Waiting { until: at + wait, reason }
                }
                Outcome::Failed { reason, .. } | Outcome::Rejected { reason } => Fate::Failed { at, reason },
                Outcome::Cancelled { reason } => Fate::Cancelled { reason },
                Outcome::Shown { status } => match &delivery.fate {
                    Fate::Accepted { at, reference, .. } => {
                        Fate::Accepted { at: *at, reference: reference.clone(), shown: status }
                    }
                    other => other.clone(),
                },
            };
        }
    }

    /// An acknowledgement counts no more: the first step comes again.
    pub(crate) fn restart(&mut self, at: Timestamp) {
        self.position = None;
        self.began_at = None;
        self.exhausted = false;
        self.resumed_at = Some(at);
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
