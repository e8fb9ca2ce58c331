//! What AWS says about a message.

use domain::escalation::Outcome;

use super::{PATIENCE, failed, rejected};
use crate::signed::{Answered, Unanswered, field};

/// The outcome of a call, whose success gives AWS's name for the message.
///
/// Only the error's code is kept: AWS quotes addresses in its messages.
pub(super) async fn outcome(asked: impl Future<Output = Result<Answered, Unanswered>>) -> Outcome {
    let answered = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answered)) => answered,
        Err(_) | Ok(Err(Unanswered::Slow)) => return failed("AWS did not answer in time"),
        Ok(Err(_)) => return failed("AWS could not be reached"),
    };
    if answered.status.is_success() {
        let body = String::from_utf8_lossy(&answered.body);
        return Outcome::Accepted { reference: field(&body, "MessageId") };
    }
    let code = answered.code();
    let code = code.as_deref().unwrap_or("an error without a code");
    let reason = format!("AWS answered {code}");
    if answered.is_passing() { failed(reason) } else { rejected(reason) }
}
