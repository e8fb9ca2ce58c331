//! Channels: the ways to tell somebody.
//!
//! A [`Channel`] is an open way to one address. [`Channels`] opens the right one, with the secrets it needs, and is
//! the only thing the functions see. Whatever goes wrong becomes an [`Outcome`]: a page is never lost in an error.
//!
//! - `Failed` may go through later: time-outs, broken connections, 408, 425, 429 and 5xx, throttling.
//! - `Rejected` never will: any other answer, an address that is none, a URL that may not be followed.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use domain::escalation::{Delivery, Outcome};
use domain::incident::Incident;
use domain::policy::{Address, Policy, SecretRef};
use jiff::Timestamp;

use crate::aws::Aws;
use crate::config::optional;
use crate::outgoing::Outgoing;
use crate::secret::Secret;
use crate::signed::Signed;

mod aws;
mod bases;
mod email;
#[cfg(test)]
mod fixture;
mod http;
mod notice;
mod ntfy;
mod open;
mod opsgenie;
mod pagerduty;
pub mod slack;
mod sms;
mod teams;
mod text;
pub mod twilio;
mod webhook;

pub use bases::Bases;
pub use notice::Notice;

/// How long a provider has, for each message.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is told to somebody.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// What happened.
    pub incident: &'a Incident,
    /// The delivery that this is an attempt of.
    pub delivery: &'a Delivery,
    /// Where it goes.
    pub address: &'a Address,
    /// How the message addresses its reader.
    pub person: &'a str,
    /// Opens the page that shows the incident and takes an answer.
    pub link: &'a str,
    /// The time.
    pub now: Timestamp,
    /// How many more incidents wait for the same reader, as they got too many messages.
    pub more: usize,
}

/// An open way to one address.
pub trait Channel {
    /// Tells it.
    fn send(&self, message: &Message<'_>) -> impl Future<Output = Outcome>;

    /// Tells what is about no incident; `Rejected` where a channel takes nothing of the kind.
    fn notify(&self, notice: &Notice<'_>) -> impl Future<Output = Outcome> {
        let _ = notice;
        std::future::ready(rejected("the channel takes no notices"))
    }

    /// Changes the message `reference` to what holds now, which gives `Shown`; `None` where a message stays as it was sent.
    fn update(&self, message: &Message<'_>, reference: &str) -> impl Future<Output = Option<Outcome>> {
        let _ = (message, reference);
        std::future::ready(None)
    }
}

/// Every way to tell somebody, built once.
pub struct Channels {
    outgoing: Outgoing,
    bases: Bases,
    email: Signed,
    sms: Signed,
}

impl Channels {
    /// Channels over these clients to the providers at `bases`.
    pub fn new(outgoing: Outgoing, bases: Bases, email: Signed, sms: Signed) -> Self {
        Self { outgoing, bases, email, sms }
    }

    /// Channels as the environment says: `WEBHOOK_ALLOW` lists private hosts that webhooks may reach, and [`Bases`]
    /// tells where the providers are.
    pub fn from_env(aws: &Aws) -> Self {
        let (email, sms) = (Signed::new(aws, "ses", "email"), Signed::new(aws, "sns", "sns"));
        Self::new(Outgoing::new(&optional("WEBHOOK_ALLOW")), Bases::from_env(), email, sms)
    }

    /// Shows `note` to the person who pressed a button in Slack, and to nobody else. A note that is lost is only a note.
    pub async fn whisper(&self, pressed: &slack::Interaction, note: &str) {
        if let Some(url) = &pressed.response_url
            && let Err(failure) = slack::whisper(&self.outgoing, url, note).await
        {
            tracing::warn!(%failure, "a note did not reach Slack");
        }
    }

    /// Sends `message` once. `secrets` resolves a reference of the policy.
    pub async fn send<E: Display>(
        &self,
        policy: &Policy,
        secrets: &impl AsyncFn(&SecretRef) -> Result<Arc<[Secret]>, E>,
        message: &Message<'_>,
    ) -> Outcome {
        let found = match open::secrets_of(policy, secrets, message.address).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        match self.open(policy, message.address, &found) {
            Ok(channel) => channel.send(message).await,
            Err(outcome) => outcome,
        }
    }

    /// Changes a message that was sent to what holds now. Only `Shown` is ever returned: a message that could not be
    /// changed stays delivered, and the next look finds it outdated again.
    pub async fn update<E: Display>(
        &self,
        policy: &Policy,
        secrets: &impl AsyncFn(&SecretRef) -> Result<Arc<[Secret]>, E>,
        message: &Message<'_>,
        reference: &str,
    ) -> Option<Outcome> {
        if !Address::can_change(message.address.channel()) {
            return None;
        }
        let found = open::secrets_of(policy, secrets, message.address).await;
        let opened = found.as_ref().map_err(Clone::clone).and_then(|found| self.open(policy, message.address, found));
        let outcome = match opened {
            Ok(channel) => channel.update(message, reference).await,
            Err(outcome) => Some(outcome),
        };
        match outcome {
            Some(Outcome::Failed { reason, .. } | Outcome::Rejected { reason }) => {
                let incident = message.incident.id.to_string();
                tracing::warn!(incident.id = incident, delivery.id = message.delivery.id, reason, "not updated");
                None
            }
            shown => shown,
        }
    }
}

/// It did not go through, and may later.
fn failed(reason: impl Into<String>) -> Outcome {
    Outcome::Failed { reason: reason.into(), retry_after: None }
}

/// It will never go through.
fn rejected(reason: impl Into<String>) -> Outcome {
    Outcome::Rejected { reason: reason.into() }
}

#[cfg(test)]
mod tests;
