//! What AWS says about a message.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::escalation::Outcome;

use super::{PATIENCE, failed, rejected};

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

/// The outcome of a call, whose success gives the provider's name for the message.
///
/// Only the error's code is kept: AWS quotes addresses in its messages.
pub(super) async fn outcome<E: ProvideErrorMetadata>(
    call: impl Future<Output = Result<Option<String>, SdkError<E, HttpResponse>>>,
) -> Outcome {
    let Ok(result) = tokio::time::timeout(PATIENCE, call).await else {
        return failed("AWS did not answer in time");
    };
    match result {
        Ok(reference) => Outcome::Accepted { reference },
        Err(SdkError::ServiceError(error)) => {
            let status = error.raw().status();
            let code = error.err().code().unwrap_or("an error without a code");
            let reason = format!("AWS answered {code}");
            if status.is_server_error() || status.as_u16() == 429 || PASSING.contains(&code) {
                failed(reason)
            } else {
                rejected(reason)
            }
        }
        Err(SdkError::TimeoutError(_)) => failed("AWS did not answer in time"),
        Err(_) => failed("AWS could not be reached"),
    }
}
