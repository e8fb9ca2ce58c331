//! The one error of the edge. Its names are what state machines match, hence public.

use std::error::Error as _;
use std::fmt;

use aws_sdk_dynamodb::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::incident::Refusal;
use lambda_runtime::Diagnostic;

/// A failure as the caller can act on it. Nothing in it is secret or personal: its `Debug` form is logged.
#[derive(thiserror::Error)]
pub enum Error {
    /// The event is not what this function takes; it never will be.
    #[error("the event is not valid: {0}")]
    InvalidEvent(String),
    /// What the event names does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The rules say no.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// The function, its policy or its secrets are set up wrongly; a person has to mend it.
    #[error("misconfigured: {0}")]
    Misconfigured(String),
    /// Others moved first, again and again.
    #[error("others moved first too often")]
    Conflict,
    /// A service cannot do its part now, and may later.
    #[error("{what} is not available")]
    Unavailable {
        /// Which service, and what was asked of it.
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Every name an [`Error`] can have, beside the enum that it lists; `name` keeps it complete.
pub const NAMES: [&str; 6] = ["InvalidEvent", "NotFound", "Refused", "Misconfigured", "Conflict", "Unavailable"];

impl Error {
    /// The name that state machines match.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidEvent(_) => NAMES[0],
            Self::NotFound(_) => NAMES[1],
            Self::Refused(_) => NAMES[2],
            Self::Misconfigured(_) => NAMES[3],
            Self::Conflict => NAMES[4],
            Self::Unavailable { .. } => NAMES[5],
        }
    }

    /// Whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::InvalidEvent(_) | Self::NotFound(_) | Self::Refused(_) | Self::Misconfigured(_) => false,
            Self::Conflict | Self::Unavailable { .. } => true,
        }
    }

    /// An event that could not be read: the place of the mistake, without the text that stands there.
    pub fn invalid_event(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        Self::InvalidEvent(format!("at {}", error.path()))
    }

    /// What an AWS call that failed means. A missing permission or table may be mended by a deploy, so it is worth a retry.
    pub fn aws<E>(what: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        Self::Unavailable { what, source: Box::new(error) }
    }

    /// The error and everything under it, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text.replace(['\n', '\r'], " ")
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.chain() }
    }
}

/// One line: it is what the runtime logs when a task failed, and what a start that failed prints.
impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.name(), self.chain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b14_an_error_tells_its_whole_chain_on_one_line() {
        let inner = std::io::Error::other("first\nsecond");
        let error = Error::Unavailable { what: "the records table", source: Box::new(inner) };
        let diagnostic = Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "Unavailable");
        assert_eq!(diagnostic.error_message, "the records table is not available: first second");
    }

    #[test]
    fn l07_an_event_that_cannot_be_read_is_never_quoted() {
        #[derive(Debug, serde::Deserialize)]
        struct Request {
            #[serde(rename = "incident")]
            _incident: u32,
        }
        let text = r#"{"incident":"hunter2"}"#;
        let read = serde_path_to_error::deserialize::<_, Request>(&mut serde_json::Deserializer::from_str(text));
        let error = Error::invalid_event(&read.expect_err("not a number"));
        assert_eq!(error.to_string(), "the event is not valid: at incident");
    }
}
