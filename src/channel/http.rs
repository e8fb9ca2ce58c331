//! What an HTTP answer says about a message.

use std::error::Error;

use domain::escalation::Outcome;
use http::StatusCode;
use jiff::Timestamp;

use super::{failed, rejected};
use crate::outgoing::{Failure, Reply};

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
