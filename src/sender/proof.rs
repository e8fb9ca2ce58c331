//! How a sender proves who it is, as its integration says; and what a request is called that may come again.

use domain::policy::{Integration, Kind, Proof};
use domain::signal::{Action, Alert, Signal, event_time};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::reply::{Fault, Reason};
use super::verify::table::{GITHUB, GRAFANA_SIGNATURE, INTERCOM, PAGERDUTY, SENTRY, Scheme, ZENDESK};
use super::verify::{self, Rejected, STANDARD};
use super::{Received, Reply, Request, Secrets, bounds, name_of, secrets_of, token};

/// The header of GitLab's token.
const GITLAB_TOKEN: &str = "X-Gitlab-Token";
/// For how long a copy is known of a message that states no time.
pub(super) const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// By how much the clocks of senders may differ from ours.
pub(super) const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A request of a sender that has proved who it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'r> {
    /// The integration it came by.
    pub(super) integration: &'r str,
    /// The request.
    pub(super) request: &'r Request<'r>,
    /// When it was signed, where that is signed too.
    pub(super) signed_at: Option<Timestamp>,
}

/// One thing that a message says.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) action: Action,
    /// The sender's own name for the problem.
    pub(super) key: String,
    /// When it happened, where the sender says so.
    pub(super) at: Option<Timestamp>,
    pub(super) alert: Alert,
}

/// How a message that comes again is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copies {
    /// By its body, which is what is signed: two that are the same byte for byte are one.
    OfTheBody,
    /// Not at all: its sender uses the same words for one problem and for the next.
    Unknown,
}

/// Checks the proof that `integration` asks for.
pub(super) fn prove<'r>(
    name: &'r str,
    integration: &Integration,
    request: &'r Request<'r>,
    secrets: &Secrets<'_>,
) -> Result<Message<'r>, Fault> {
    let mut message = Message { integration: name, request, signed_at: None };
    if integration.open {
        return Ok(message);
    }
    let secrets = secrets_of(integration, secrets)?;
    match integration.proof() {
        Proof::Token => {
            let presented = match (integration.header.as_deref(), integration.kind) {
                (Some(header), _) => token::in_header(request.headers, header),
                (None, Kind::Gitlab) => token::in_header(request.headers, GITLAB_TOKEN),
                (None, _) => token::presented(request.headers).or_else(|| token::api_key(request.headers)),
            };
            if !presented.as_deref().is_some_and(|presented| token::is_one_of(secrets, presented)) {
                return Err(token::refuse(presented.as_deref()));
            }
        }
        Proof::Signature => {
            let header = [integration.header.as_deref().unwrap_or(GRAFANA_SIGNATURE)];
            let scheme = scheme(integration, &header);
            let signed = verify::verify(&scheme, request.headers, request.body, secrets, request.received_at);
            message.signed_at = signed.map_err(|rejected| refuse(&rejected))?.at;
        }
    }
    Ok(message)
}

/// How the senders of `integration` sign. The configuration alone decides it.
fn scheme<'a>(integration: &'a Integration, header: &'a [&'a str]) -> Scheme<'a> {
    match integration.kind {
        Kind::Github => GITHUB,
        Kind::Grafana => Scheme::grafana(header, integration.timestamp_header.as_deref()),
        Kind::Intercom => INTERCOM,
        Kind::PagerdutyWebhook => PAGERDUTY,
        Kind::Sentry => SENTRY,
        Kind::Zendesk => ZENDESK,
        // GitLab's signing token is one of Standard Webhooks; all others present a token.
        _ => STANDARD,
    }
}

/// What a sender hears whose signature is not accepted.
pub(super) fn refuse(rejected: &Rejected) -> Fault {
    let why = rejected.to_string();
    match rejected {
        Rejected::Stale => Fault::new(Reason::Stale, why),
        Rejected::NoMatch => Fault::new(Reason::Signature, why).of_unknown_secret(),
        Rejected::Missing(_) | Rejected::Malformed(_) => Fault::new(Reason::Signature, why),
        Rejected::Unusable(_) => Fault::new(Reason::Misconfigured, why).with("Retry-After", "60"),
    }
}

impl Message<'_> {
    /// What the message says, as signals; `rule` names how its fingerprints are made, and its version.
    pub(super) fn received(&self, rule: &str, copies: Copies, told: Vec<Told>) -> Received {
        let name = match copies {
            _ if told.is_empty() => String::new(),
            Copies::OfTheBody => name_of(&[self.integration.as_bytes(), self.request.body]),
            Copies::Unknown => self.request.id.to_owned(),
        };
        let now = self.request.received_at;
        let signal = |(number, told): (usize, Told)| {
            let Told { action, key, at, alert } = told;
            let first_sent = match copies {
                Copies::OfTheBody => at.map_or(now - REMEMBERED, |at| at.min(now)),
                Copies::Unknown => now,
            };
            Signal {
                fingerprint: bounds::fingerprint(self.integration, &format!("{rule} {}", key.trim())),
                at: event_time(at.or(self.signed_at), now),
                unique_since: first_sent.checked_sub(SKEW).unwrap_or(Timestamp::MIN),
                ..self.request.signal(self.integration, format!("{name}/{number}"), action, &key, alert)
            }
        };
        let signals: Vec<Signal> = told.into_iter().enumerate().map(signal).collect();
        // Senders tell much that is no problem and no end of one; hearing that it was of no use would only worry them.
        let reply = Reply::json(202, &json!({ "status": "accepted", "signals": signals.len() }));
        Received { integration: self.integration.to_owned(), signals, reply }
    }
}
