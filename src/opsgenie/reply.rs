//! Answers as Opsgenie gives them: every one with the id of its request and the time it took.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::call::NoCall;
use crate::error::Error;
use crate::reply::Reply;
use crate::sender::opsgenie::Invalid;

/// What a call came to, before the id of the request is put to it.
#[derive(Debug)]
pub(super) enum Told {
    /// It will be done, or is.
    Accepted,
    /// A heartbeat was taken.
    Pong,
    /// What was asked for, and where its other pages are.
    Data(Value, Option<Value>),
    /// It is not taken.
    Fault(Fault),
}

/// Why a call is not taken, and what its sender hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    status: u16,
    /// Opsgenie's own number, where it has one.
    code: Option<u32>,
    message: String,
    errors: BTreeMap<&'static str, String>,
    headers: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paging: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a BTreeMap<&'static str, String>>,
    took: f64,
    request_id: &'a str,
}

impl Fault {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, code: None, message: message.into(), errors: BTreeMap::new(), headers: Vec::new() }
    }

    /// The key is none that we know.
    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "Could not authenticate")
    }

    /// The key is ours, and the integration is heard from other networks.
    pub(super) fn elsewhere() -> Self {
        Self::new(403, "This integration is not heard from your network.")
    }

    /// There is no alert of this name.
    pub(super) fn no_alert() -> Self {
        Self::new(404, "No alert exists with the given identifier.")
    }

    /// The policy waits for no heartbeat of this name.
    pub(super) fn no_heartbeat() -> Self {
        Self::new(404, "No heartbeat exists with the given name.")
    }

    /// Nothing is known of a request yet.
    pub(super) fn no_request() -> Self {
        Self::new(404, "Request not found. It might not be processed, yet.")
    }

    /// We cannot do our part: the sender is asked to come back, after seconds.
    pub(super) fn unavailable(after: u32) -> Self {
        let headers = vec![("Retry-After", after.to_string())];
        Self { headers, ..Self::new(503, "Not available for the moment. Please try again.") }
    }

    /// The status of the answer.
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// The status, as a dimension of a metric.
    pub(super) const fn reason(&self) -> &'static str {
        match self.status {
            401 => "token",
            403 if self.code.is_none() => "source",
            403 => "not_offered",
            404 => "not_found",
            405 => "method",
            503 => "unavailable",
            _ => "malformed",
        }
    }
}

impl From<NoCall> for Fault {
    fn from(none: NoCall) -> Self {
        match none {
            NoCall::Nowhere => Self::new(404, "There is nothing at this address."),
            NoCall::Method(allow) => {
                Self { headers: vec![("Allow", allow.to_owned())], ..Self::new(405, format!("Use {allow}.")) }
            }
            NoCall::NotOffered(why) => Self { code: Some(40302), ..Self::new(403, why) },
        }
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self { errors: invalid.errors, ..Self::new(invalid.status, invalid.message) }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        tracing::warn!(error = %error.chain(), name = error.name(), "a request failed");
        match error {
            Error::NotFound(_) => Self::no_alert(),
            Error::InvalidEvent(what) => Self::new(422, what),
            Error::Refused(refusal) => Self::new(422, refusal.to_string()),
            Error::Misconfigured(_) => Self::unavailable(60),
            Error::Conflict | Error::Unavailable { .. } => Self::unavailable(2),
        }
    }
}

/// The answer to the request `id`.
pub(super) fn reply(told: &Told, id: &str, took: Duration) -> Reply {
    // As Opsgenie does: seconds, to the thousandth.
    let took = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    let nothing =
        Body { result: None, data: None, paging: None, code: None, message: None, errors: None, took, request_id: id };
    let reply = match told {
        Told::Accepted => Reply::json(202, &Body { result: Some("Request will be processed"), ..nothing }),
        Told::Pong => Reply::json(202, &Body { result: Some("PONG - Heartbeat received"), ..nothing }),
        Told::Data(data, paging) => Reply::json(200, &Body { data: Some(data), paging: paging.as_ref(), ..nothing }),
        Told::Fault(fault) => {
            let errors = Some(&fault.errors).filter(|errors| !errors.is_empty());
            let body = Body { code: fault.code, message: Some(&fault.message), errors, ..nothing };
            let reply = Reply::json(fault.status, &body);
            fault.headers.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
        }
    };
    reply.with("X-Request-ID", id).with("X-Response-Time", &took.to_string()).with("X-RateLimit-State", "OK")
}
