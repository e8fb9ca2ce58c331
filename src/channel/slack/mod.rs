//! Slack: one message with buttons, changed in place when somebody answered.
//!
//! Slack says 200 and `ok: false` where others say 4xx, so its error names are classified: a channel or token that is
//! gone rejects, whatever else it says fails and is tried again.

use bytes::Bytes;
use domain::escalation::Outcome;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{refused, unanswered};
use super::{Channel, Message, Notice, failed, rejected};
use crate::outgoing::{Failure, Outgoing};
use crate::secret::Secret;

mod blocks;
mod interaction;

pub use interaction::{Interaction, NotAnInteraction, interaction, whisper};

/// Errors that no other try can end otherwise. <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
const FINAL: [&str; 24] = [
    "account_inactive",
    "cannot_reply_to_message",
    "cant_update_message",
    "channel_not_found",
    "edit_window_closed",
    "invalid_arguments",
    "invalid_auth",
    "invalid_blocks",
    "invalid_blocks_format",
    "is_archived",
    "is_inactive",
    "message_not_found",
    "messages_tab_disabled",
    "missing_scope",
    "msg_too_long",
    "no_permission",
    "no_text",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "restricted_action",
    "token_expired",
    "token_revoked",
];

/// The longest notice, in characters.
const NOTICE: usize = 1000;

/// A Slack channel or person, by a bot.
pub(super) struct Slack<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) api: &'a str,
    pub(super) token: &'a Secret,
    pub(super) channel: &'a str,
}

/// What Slack answers to either method.
#[derive(Deserialize)]
struct Answered {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    ts: String,
}

impl Channel for Slack<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.call("chat.postMessage", &blocks::post(self.channel, message), message.now).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let body = json!({ "channel": self.channel, "text": blocks::escaped(notice.text, NOTICE) });
        self.call("chat.postMessage", &body, notice.now).await
    }

    async fn update(&self, message: &Message<'_>, reference: &str) -> Option<Outcome> {
        // A message to a person has another channel than the person's id, so the reference names it.
        let (channel, ts) = reference.split_once(':')?;
        match self.call("chat.update", &blocks::update(channel, ts, message), message.now).await {
            Outcome::Accepted { .. } => Some(Outcome::Shown { status: message.incident.status }),
            other => Some(other),
        }
    }
}

impl Slack<'_> {
    async fn call(&self, method: &str, body: &Value, now: Timestamp) -> Outcome {
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", self.token.expose())) else {
            return failed("Slack's token cannot be put into a header");
        };
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, json_type())]);
        let url = format!("{}/{method}", self.api);
        match self.answered(&url, headers, body, now).await {
            Ok(outcome) => outcome,
            Err(failure) => unanswered(&failure),
        }
    }

    async fn answered(&self, url: &str, headers: HeaderMap, body: &Value, now: Timestamp) -> Result<Outcome, Failure> {
        let reply = self.outgoing.post(url, headers, Bytes::from(body.to_string())).await?;
        if let Some(outcome) = refused(&reply, now) {
            return Ok(outcome);
        }
        let retry_after = reply.retry_after(now);
        let Ok(answered) = serde_json::from_slice::<Answered>(&reply.body().await?) else {
            return Ok(failed("Slack answered something that is not Slack's"));
        };
        if answered.ok {
            let reference = format!("{}:{}", answered.channel, answered.ts);
            return Ok(Outcome::Accepted { reference: Some(reference) });
        }
        let name: String = answered.error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        let reason = format!("Slack answered {name}");
        Ok(if FINAL.contains(&name.as_str()) { rejected(reason) } else { Outcome::Failed { reason, retry_after } })
    }
}

fn json_type() -> HeaderValue {
    HeaderValue::from_static("application/json; charset=utf-8")
}

#[cfg(test)]
mod tests;
