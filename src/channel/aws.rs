//! What AWS says about a message.

use domain::escalation::Outcome;
use serde_json::Value;

use super::{PATIENCE, failed, rejected};
use crate::signed::{Answered, Unanswered};

/// Codes that come with status 400 and pass by themselves. Every 5xx does.
const PASSING: [&str; 12] = [
    "Throttled",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "InternalError",
    "KMSThrottling",
    "ExpiredToken",
    "ExpiredTokenException",
];

/// The outcome of a call, whose success gives AWS's name for the message.
///
/// Only the error's code is kept: AWS quotes addresses in its messages.
pub(super) async fn outcome(asked: impl Future<Output = Result<Answered, Unanswered>>) -> Outcome {
    let answered = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answered)) => answered,
        Err(_) | Ok(Err(Unanswered::Slow)) => return failed("AWS did not answer in time"),
        Ok(Err(_)) => return failed("AWS could not be reached"),
    };
    let body = String::from_utf8_lossy(&answered.body);
    if answered.status.is_success() {
        return Outcome::Accepted { reference: field(&body, "MessageId") };
    }
    let code = answered.error.clone().or_else(|| field(&body, "Code"));
    let code = code.as_deref().unwrap_or("an error without a code");
    let reason = format!("AWS answered {code}");
    if answered.is_passing() || PASSING.contains(&code) { failed(reason) } else { rejected(reason) }
}

/// The text of a field in AWS's small answers: `"name":"text"` of JSON, or `<name>text</name>` of XML.
fn field(body: &str, name: &str) -> Option<String> {
    if let Ok(Value::Object(object)) = serde_json::from_str(body) {
        return object.get(name)?.as_str().map(str::to_owned);
    }
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text.to_owned())
}
