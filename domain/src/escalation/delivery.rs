//! One message to one contact: where it stands, and what each piece of news makes of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, Attempt, RETRY_AFTER};
use crate::incident::Status;

/// The longest a provider can make us wait.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_mins(5);

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
    /// The provider says that the device has it.
    Delivered,
    /// The provider took it, and says now that it did not arrive.
    Undelivered {
        /// Why, without the address.
        reason: String,
    },
    /// It was held back, as its recipient got too many messages: it is not counted as an attempt.
    Held {
        /// When it may be sent.
        until: Timestamp,
        /// Why.
        reason: String,
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
        /// When the provider said that the device has it, if it ever did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivered_at: Option<Timestamp>,
    },
    /// It is tried again.
    Waiting {
        /// When.
        until: Timestamp,
        /// Why the last attempt failed, or was held back.
        reason: String,
        /// It was held back, and is no failure.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        held: bool,
    },
    /// It is given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
        /// The provider had taken it before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        undelivered: bool,
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

    const fn delivered_at(&self) -> Option<Timestamp> {
        match self {
            Self::Accepted { delivered_at, .. } => *delivered_at,
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

    /// What `outcome` makes of it. News that comes late or twice changes nothing that is known better.
    pub(super) fn conclude(&mut self, outcome: Outcome, at: Timestamp) {
        let fate = match (outcome, &self.fate) {
            (Outcome::Accepted { .. }, Fate::Failed { undelivered: true, .. }) => return,
            (Outcome::Accepted { reference }, known) => {
                let delivered_at = known.delivered_at();
                Fate::Accepted { at, reference, shown: Status::Triggered, delivered_at }
            }
            (Outcome::Delivered, Fate::Accepted { at: accepted, reference, shown, delivered_at: None }) => {
                Fate::Accepted { at: *accepted, reference: reference.clone(), shown: *shown, delivered_at: Some(at) }
            }
            (Outcome::Delivered, Fate::Sending { .. }) => {
                Fate::Accepted { at, reference: None, shown: Status::Triggered, delivered_at: Some(at) }
            }
            (Outcome::Undelivered { reason }, Fate::Accepted { delivered_at: None, .. } | Fate::Sending { .. }) => {
                Fate::Failed { at, reason, undelivered: true }
            }
            (Outcome::Held { until, reason }, _) => {
                self.attempts = self.attempts.saturating_sub(1);
                Fate::Waiting { until, reason, held: true }
            }
            (Outcome::Failed { reason, retry_after }, _) if self.attempts < ATTEMPTS => {
                let asked = retry_after.map(|seconds| SignedDuration::from_secs(seconds.into()));
                let wait = asked.map_or(RETRY_AFTER, |asked| asked.clamp(RETRY_AFTER, LONGEST_RETRY));
                Fate::Waiting { until: at + wait, reason, held: false }
            }
            (Outcome::Failed { reason, .. } | Outcome::Rejected { reason }, _) => {
                Fate::Failed { at, reason, undelivered: false }
            }
            (Outcome::Cancelled { reason }, _) => Fate::Cancelled { reason },
            (Outcome::Shown { status }, Fate::Accepted { at, reference, delivered_at, .. }) => {
                Fate::Accepted { at: *at, reference: reference.clone(), shown: status, delivered_at: *delivered_at }
            }
            (Outcome::Delivered | Outcome::Undelivered { .. } | Outcome::Shown { .. }, _) => return,
        };
        self.fate = fate;
    }
}
