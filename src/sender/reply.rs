//! What a sender hears: an answer in its own dialect, whether we took what it sent or not.

use serde::Serialize;

use crate::reply::Reply;

/// A request that we do not take, and what its sender hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Why, as a dimension of a metric.
    pub reason: &'static str,
    /// The answer.
    pub reply: Reply,
    /// It presented a proof that none of our secrets fits: worth fetching them once more, as one may just have been replaced.
    pub secret_unknown: bool,
}

/// How a sender wants to be told that something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// PagerDuty's Events API: a list of errors.
    Pagerduty,
    /// Alertmanager's API: one JSON string.
    Alertmanager,
    /// Everybody else: RFC 9457.
    Problem,
}

/// Why we do not take a request. The names are dimensions of a metric and ends of problem URNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Malformed,
    Oversized,
    MediaType,
    Method,
    NotFound,
    UnknownIntegration,
    UnknownKey,
    Signature,
    Stale,
    Token,
    Source,
    /// Our own configuration is wrong.
    Misconfigured,
    /// Our own queue or secret store does not answer.
    Unavailable,
}

impl Reason {
    const fn facts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "malformed", "The body is not what this address takes"),
            Self::Oversized => (413, "oversized", "The body is too large"),
            Self::MediaType => (415, "media_type", "The body is of a kind that is not taken here"),
            Self::Method => (405, "method", "The method is not allowed here"),
            Self::NotFound => (404, "not_found", "There is nothing at this address"),
            Self::UnknownIntegration => (404, "unknown_integration", "There is no such integration"),
            Self::UnknownKey => (400, "unknown_key", "The routing key is not known"),
            Self::Signature => (401, "signature", "The signature is not valid"),
            Self::Stale => (401, "stale", "The signature is too old or from the future"),
            Self::Token => (401, "token", "The token is not valid"),
            Self::Source => (403, "source", "The sender is not heard from this address"),
            Self::Misconfigured => (503, "misconfigured", "The integration cannot be checked"),
            Self::Unavailable => (503, "unavailable", "Try again soon"),
        }
    }

    pub(super) const fn status(self) -> u16 {
        self.facts().0
    }
}

/// What is wrong with a request, before it is put in the sender's dialect. It never quotes what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    reason: Reason,
    /// Each thing that is wrong.
    errors: Vec<String>,
    /// Where in the body, as a JSON pointer.
    pointer: Option<String>,
    headers: Vec<(&'static str, String)>,
    secret_unknown: bool,
}

impl Fault {
    pub(super) fn new(reason: Reason, error: impl Into<String>) -> Self {
        Self::list(reason, vec![error.into()])
    }

    pub(super) const fn list(reason: Reason, errors: Vec<String>) -> Self {
        Self { reason, errors, pointer: None, headers: Vec::new(), secret_unknown: false }
    }

    pub(super) fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// The status and what is wrong, for a dialect that is spoken elsewhere.
    #[cfg(feature = "aws")]
    pub(super) fn told(&self) -> (u16, String) {
        let place = self.pointer.as_ref().map(|pointer| format!("at {pointer}: ")).unwrap_or_default();
        (self.reason.status(), format!("{place}{}", self.errors.join("; ")))
    }

    pub(super) fn of_unknown_secret(self) -> Self {
        Self { secret_unknown: true, ..self }
    }
}

#[derive(Serialize)]
struct InvalidEvent<'a> {
    status: &'a str,
    message: &'a str,
    errors: &'a [String],
}

#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl Dialect {
    /// The fault as this dialect tells it.
    pub(super) fn refuse(self, fault: Fault) -> Refused {
        let (status, reason, title) = fault.reason.facts();
        let detail = fault.errors.join("; ");
        let mut reply = match self {
            Self::Pagerduty => {
                let (word, message) = match status {
                    500.. => ("unavailable", title),
                    _ => ("invalid event", "Event object is invalid"),
                };
                Reply::json(status, &InvalidEvent { status: word, message, errors: &fault.errors })
            }
            Self::Alertmanager => Reply::json(status, &detail),
            Self::Problem => {
                let kind = format!("urn:watchkeeper:problem:{}", reason.replace('_', "-"));
                let problem = Problem { kind, title, status, detail, pointer: fault.pointer };
                Reply { content_type: "application/problem+json", ..Reply::json(status, &problem) }
            }
        };
        reply.headers = fault.headers;
        Refused { reason, reply, secret_unknown: fault.secret_unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_in_the_dialect_of_the_sender() {
        let fault = Fault::list(Reason::Malformed, vec!["one".to_owned(), "two".to_owned()]).at("/a");
        let table = [
            (
                Dialect::Pagerduty,
                r#"{"status":"invalid event","message":"Event object is invalid","errors":["one","two"]}"#,
                "application/json",
            ),
            (Dialect::Alertmanager, r#""one; two""#, "application/json"),
            (
                Dialect::Problem,
                concat!(
                    r#"{"type":"urn:watchkeeper:problem:malformed","title":"The body is not what this address takes","#,
                    r#""status":400,"detail":"one; two","pointer":"/a"}"#
                ),
                "application/problem+json",
            ),
        ];
        for (dialect, body, content_type) in table {
            let refused = dialect.refuse(fault.clone());
            assert_eq!((refused.reply.status, refused.reply.body.as_str()), (400, body));
            assert_eq!(refused.reply.content_type, content_type);
        }
    }
}
