//! Twilio: texts and calls that can be answered, and what it tells us of them afterwards.
//!
//! Twilio takes a message long before anybody has it. So each carries the address of a status callback, which names
//! the delivery by the token of its link and the attempt: what failed after all is known, and the next contact is told.
//!
//! It says why it refused by a code of its own, which is kept; its text is not, as it repeats the number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use domain::escalation::Outcome;
use domain::policy::Twilio;
use domain::text::cut;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::http::{refused, secret_header, unanswered};
use super::{Channel, Message, Notice, failed, rejected};
use crate::link;
use crate::outgoing::{Outgoing, Reply};
use crate::secret::Secret;

mod signature;
mod text;
mod twiml;

pub use signature::is_signed;
pub use twiml::{call, said, told};

/// The account's API.
pub(super) struct Api<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) base: &'a str,
    pub(super) account: &'a Twilio,
    pub(super) token: &'a Secret,
}

/// A phone that gets a text.
pub(super) struct Sms<'a> {
    pub(super) api: Api<'a>,
    pub(super) to: &'a str,
}

/// A phone that is called.
pub(super) struct Voice<'a> {
    pub(super) api: Api<'a>,
    pub(super) to: &'a str,
}

impl Channel for Sms<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        let form = [("To", self.to.to_owned()), ("Body", text::short(message))];
        self.api.create("Messages", form, fate(message), message.now).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let form = [("To", self.to.to_owned()), ("Body", cut(notice.text, text::LONGEST))];
        self.api.create("Messages", form, None, notice.now).await
    }
}

impl Channel for Voice<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        let action = callback(message, "voice");
        let form = [("To", self.to.to_owned()), ("Twiml", call(message, action.as_deref()))];
        self.api.create("Calls", form, fate(message), message.now).await
    }
}

/// Where Twilio tells or asks us about a delivery; `None` when there is no secret that could name it.
fn callback(message: &Message<'_>, about: &str) -> Option<String> {
    let (base, token) = link::split(message.link)?;
    Some(format!("{base}/v1/twilio/{about}/{token}"))
}

/// Where Twilio tells what became of this attempt.
fn fate(message: &Message<'_>) -> Option<String> {
    Some(format!("{}/{}", callback(message, "status")?, message.delivery.attempts))
}

/// What Twilio answers. <https://www.twilio.com/docs/usage/twilios-response>
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    sid: Option<String>,
    #[serde(default)]
    code: Option<u32>,
}

impl Api<'_> {
    /// Creates a message or a call, whose `fate` is told at that address.
    async fn create(&self, what: &str, form: [(&str, String); 2], fate: Option<String>, now: Timestamp) -> Outcome {
        let Twilio { account_sid, from, .. } = self.account;
        let mut form = Vec::from(form);
        form.push(("From", from.clone()));
        form.extend(fate.map(|fate| ("StatusCallback", fate)));
        let pairs = form.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let credentials = BASE64.encode(format!("{account_sid}:{}", self.token.expose()));
        let Some(basic) = secret_header(&format!("Basic {credentials}")) else {
            return failed("Twilio's token cannot be put into a header");
        };
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, basic), (CONTENT_TYPE, form_type)]);
        let url = format!("{}/2010-04-01/Accounts/{account_sid}/{what}.json", self.base);
        match self.outgoing.post(&url, headers, Bytes::from(body)).await {
            Ok(reply) => judge(reply, now).await,
            Err(failure) => unanswered(&failure),
        }
    }
}

/// What came of it. That a message was taken counts even when its name cannot be read: it is not sent twice for that.
async fn judge(reply: Reply, now: Timestamp) -> Outcome {
    let refused = refused(&reply, now);
    let body = reply.body().await.ok();
    let answered = body.and_then(|body| serde_json::from_slice::<Answered>(&body).ok());
    let code = answered.as_ref().and_then(|answered| answered.code);
    match (refused, code) {
        (None, _) => Outcome::Accepted { reference: answered.and_then(|answered| answered.sid) },
        (Some(Outcome::Rejected { .. }), Some(code)) => rejected(format!("Twilio answered error {code}")),
        (Some(Outcome::Failed { retry_after, .. }), Some(code)) => {
            Outcome::Failed { reason: format!("Twilio answered error {code}"), retry_after }
        }
        (Some(outcome), _) => outcome,
    }
}

#[cfg(test)]
mod tests;
