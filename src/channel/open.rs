//! Opening the channel that an address needs, with what the policy says of its provider.

use std::fmt::Display;
use std::sync::Arc;

use domain::escalation::Outcome;
use domain::policy::{Address, Ntfy, Policy, SecretRef, Twilio};

use super::{Channel, Channels, Message, Notice, failed, rejected};
use super::{email, ntfy, opsgenie, pagerduty, slack, sms, teams, twilio, webhook};
use crate::secret::Secret;

/// An open channel, of whatever kind.
pub(super) enum Open<'a> {
    Webhook(webhook::Webhook<'a>),
    Slack(slack::Slack<'a>),
    Teams(teams::Teams<'a>),
    Email(email::Email<'a>),
    Sms(sms::Sms<'a>),
    TwilioSms(twilio::Sms<'a>),
    Voice(twilio::Voice<'a>),
    Ntfy(ntfy::Ntfy<'a>),
    PagerDuty(pagerduty::PagerDuty<'a>),
    Opsgenie(opsgenie::Opsgenie<'a>),
}

/// Does `$call` with whichever channel is open.
macro_rules! with_open {
    ($open:expr, $channel:ident => $call:expr) => {
        match $open {
            Open::Webhook($channel) => $call,
            Open::Slack($channel) => $call,
            Open::Teams($channel) => $call,
            Open::Email($channel) => $call,
            Open::Sms($channel) => $call,
            Open::TwilioSms($channel) => $call,
            Open::Voice($channel) => $call,
            Open::Ntfy($channel) => $call,
            Open::PagerDuty($channel) => $call,
            Open::Opsgenie($channel) => $call,
        }
    };
}

impl Channel for Open<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        with_open!(self, channel => channel.send(message).await)
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        with_open!(self, channel => channel.notify(notice).await)
    }

    async fn update(&self, message: &Message<'_>, reference: &str) -> Option<Outcome> {
        with_open!(self, channel => channel.update(message, reference).await)
    }
}

impl Channels {
    /// The channel to `address`, with the `secrets` of it that [`secrets_of`] found.
    pub(super) fn open<'a>(
        &'a self,
        policy: &'a Policy,
        address: &'a Address,
        secrets: &'a [Secret],
    ) -> Result<Open<'a>, Outcome> {
        let (outgoing, bases, providers) = (&self.outgoing, &self.bases, &policy.providers);
        let secret = || secrets.first().ok_or_else(|| failed("its secret is empty"));
        Ok(match address {
            Address::Webhook { url, .. } => {
                secret()?;
                Open::Webhook(webhook::Webhook { outgoing, url, secrets })
            }
            Address::Slack(channel) => {
                Open::Slack(slack::Slack { outgoing, api: &bases.slack, token: secret()?, channel })
            }
            Address::Teams(_) => Open::Teams(teams::Teams { outgoing, url: secret()? }),
            Address::Email(to) => {
                let from = providers.email.as_ref().map(|email| email.from.as_str());
                let from = from.ok_or_else(|| rejected("the policy names no sender of e-mail"))?;
                Open::Email(email::Email { ses: &self.email, from, to })
            }
            Address::Sms(to) => Open::Sms(sms::Sms { sns: &self.sms, to }),
            Address::TwilioSms(to) => {
                let account = twilio_of(policy)?;
                let api = twilio::Api { outgoing, base: &bases.twilio, account, token: secret()? };
                Open::TwilioSms(twilio::Sms { api, to })
            }
            Address::Voice(to) => {
                let account = twilio_of(policy)?;
                let api = twilio::Api { outgoing, base: &bases.twilio, account, token: secret()? };
                Open::Voice(twilio::Voice { api, to })
            }
            Address::Ntfy(topic) => {
                let server = providers.ntfy.as_ref();
                let url = server.map_or(Ntfy::PUBLIC, |server| server.url.as_str());
                let token = server.and_then(|server| server.token.as_ref()).map(|_| secret()).transpose()?;
                Open::Ntfy(ntfy::Ntfy { outgoing, url, token, topic })
            }
            Address::Pagerduty(_) => {
                Open::PagerDuty(pagerduty::PagerDuty { outgoing, base: &bases.pagerduty, routing_key: secret()? })
            }
            Address::Opsgenie(team) => {
                let account = providers.opsgenie.as_ref().ok_or_else(|| rejected("the policy names no Opsgenie"))?;
                let base = bases.opsgenie.as_deref().unwrap_or_else(|| opsgenie::base(account.region));
                Open::Opsgenie(opsgenie::Opsgenie { outgoing, base, api_key: secret()?, team })
            }
        })
    }
}

fn twilio_of(policy: &Policy) -> Result<&Twilio, Outcome> {
    policy.providers.twilio.as_ref().ok_or_else(|| rejected("the policy names no Twilio account"))
}

/// The secrets that an address needs.
pub(super) async fn secrets_of<E: Display>(
    policy: &Policy,
    secrets: &impl AsyncFn(&SecretRef) -> Result<Arc<[Secret]>, E>,
    address: &Address,
) -> Result<Arc<[Secret]>, Outcome> {
    let providers = &policy.providers;
    let reference = match address {
        Address::Webhook { secret, .. } | Address::Teams(secret) | Address::Pagerduty(secret) => Some(secret),
        Address::Slack(_) => match &providers.slack {
            Some(slack) => Some(&slack.bot_token),
            None => return Err(rejected("the policy names no Slack app")),
        },
        Address::TwilioSms(_) | Address::Voice(_) => Some(&twilio_of(policy)?.auth_token),
        Address::Ntfy(_) => providers.ntfy.as_ref().and_then(|server| server.token.as_ref()),
        Address::Opsgenie(_) => providers.opsgenie.as_ref().map(|account| &account.api_key),
        Address::Email(_) | Address::Sms(_) => None,
    };
    match reference {
        None => Ok(Arc::from([])),
        Some(reference) => {
            secrets(reference).await.map_err(|error| failed(format!("its secret could not be read: {error}")))
        }
    }
}
