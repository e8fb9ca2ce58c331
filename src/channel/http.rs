//! What an HTTP answer says about a message.

use std::error::Error;

use bytes::Bytes;
use domain::escalation::Outcome;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;

use super::{failed, rejected};
use crate::outgoing::{Failure, Outgoing, Reply};

/// Posts JSON: the reply of a provider that took it, or the outcome of one that did not.
pub(super) async fn post_json(
    outgoing: &Outgoing,
    url: &str,
    mut headers: HeaderMap,
    body: &Value,
    now: Timestamp,
) -> Result<Reply, Outcome> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    taken(outgoing.post(url, headers, Bytes::from(body.to_string())).await, now)
}

/// The reply of a provider that took what was posted, or the outcome of one that did not.
pub(super) fn taken(reply: Result<Reply, Failure>, now: Timestamp) -> Result<Reply, Outcome> {
    let reply = reply.map_err(|failure| unanswered(&failure))?;
    match refused(&reply, now) {
        Some(outcome) => Err(outcome),
        None => Ok(reply),
    }
}

/// A header that holds a secret, if it can stand in one: it is never printed.
pub(super) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The outcome that a reply's status tells, unless it is a success.
pub(super) fn refused(reply: &Reply, now: Timestamp) -> Option<Outcome> {
    let status = reply.status;
    let answered = format!("answered {}", status.as_u16());
    let later = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if status.is_success() {
        None
    } else if later || status.is_server_error() {
        Some(Outcome::Failed { reason: answered, retry_after: reply.retry_after(now) })
    } else if status.is_redirection() {
        Some(rejected(format!("{answered}: redirects are not followed")))
    } else {
        Some(rejected(answered))
    }
}

/// The outcome of a request that got no answer.
pub(super) fn unanswered(failure: &Failure) -> Outcome {
    let mut reason = failure.to_string();
    let mut source = failure.source();
    while let Some(inner) = source {
        reason = format!("{reason}: {inner}");
        source = inner.source();
    }
    if failure.is_retryable() { failed(reason) } else { rejected(reason) }
}
