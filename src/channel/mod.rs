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
mod email;
#[cfg(test)]
mod fixture;
mod http;
mod notice;
pub mod slack;
mod sms;
mod text;
mod webhook;

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
    slack_api: String,
    email: Signed,
    sms: Signed,
}

/// The channel that an address needs, opened.
enum Open<'a> {
    Webhook(webhook::Webhook<'a>),
    Slack(slack::Slack<'a>),
    Email(email::Email<'a>),
    Sms(sms::Sms<'a>),
}

impl Channels {
    /// Channels over these clients; `slack_api` is [`slack::API`], except where Slack is played by something else.
    pub fn new(outgoing: Outgoing, slack_api: &str, email: Signed, sms: Signed) -> Self {
        Self { outgoing, slack_api: slack_api.trim_end_matches('/').to_owned(), email, sms }
    }

    /// Channels as the environment says: `WEBHOOK_ALLOW` lists private hosts that webhooks may reach, and `SLACK_API`
    /// is another Slack than Slack's.
    pub fn from_env(aws: &Aws) -> Self {
        let api = Some(optional("SLACK_API")).filter(|api| !api.is_empty());
        let (email, sms) = (Signed::new(aws, "ses", "email"), Signed::new(aws, "sns", "sns"));
        Self::new(Outgoing::new(&optional("WEBHOOK_ALLOW")), api.as_deref().unwrap_or(slack::API), email, sms)
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
        let found = match found(policy, secrets, message.address).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        match self.open(policy, message.address, &found) {
            Ok(Open::Webhook(channel)) => channel.send(message).await,
            Ok(Open::Slack(channel)) => channel.send(message).await,
            Ok(Open::Email(channel)) => channel.send(message).await,
            Ok(Open::Sms(channel)) => channel.send(message).await,
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
        if matches!(message.address, Address::Email(_) | Address::Sms(_)) {
            return None;
        }
        let found = found(policy, secrets, message.address).await;
        let opened = found.as_ref().map_err(Clone::clone).and_then(|found| self.open(policy, message.address, found));
        let outcome = match opened {
            Ok(Open::Webhook(channel)) => channel.update(message, reference).await,
            Ok(Open::Slack(channel)) => channel.update(message, reference).await,
            Ok(Open::Email(_) | Open::Sms(_)) => None,
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

    fn open<'a>(
        &'a self,
        policy: &'a Policy,
        address: &'a Address,
        secrets: &'a [Secret],
    ) -> Result<Open<'a>, Outcome> {
        let outgoing = &self.outgoing;
        let secret = || secrets.first().ok_or_else(|| failed("its secret is empty"));
        Ok(match address {
            Address::Webhook { url, .. } => {
                secret()?;
                Open::Webhook(webhook::Webhook { outgoing, url, secrets })
            }
            Address::Slack(channel) => {
                Open::Slack(slack::Slack { outgoing, api: &self.slack_api, token: secret()?, channel })
            }
            Address::Email(to) => {
                let from = policy.providers.email.as_ref().map(|email| email.from.as_str());
                let from = from.ok_or_else(|| rejected("the policy names no sender of e-mail"))?;
                Open::Email(email::Email { ses: &self.email, from, to })
            }
            Address::Sms(to) => Open::Sms(sms::Sms { sns: &self.sms, to }),
        })
    }
}

/// The secrets that an address needs.
async fn found<E: Display>(
    policy: &Policy,
    secrets: &impl AsyncFn(&SecretRef) -> Result<Arc<[Secret]>, E>,
    address: &Address,
) -> Result<Arc<[Secret]>, Outcome> {
    let reference = match address {
        Address::Webhook { secret, .. } => secret,
        Address::Slack(_) => match &policy.providers.slack {
            Some(slack) => &slack.bot_token,
            None => return Err(rejected("the policy names no Slack app")),
        },
        Address::Email(_) | Address::Sms(_) => return Ok(Arc::from([])),
    };
    secrets(reference).await.map_err(|error| failed(format!("its secret could not be read: {error}")))
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
