//! Senders: what arrives becomes [`Signal`]s, and its sender gets an answer in its own dialect.
//!
//! [`door`] says which dialect an address speaks, [`secrets_needed`] what must be fetched to know who is there, and
//! [`receive`] verifies, reads and answers. Its answer is given only once the signals are on the queue; when that
//! cannot be done, [`unavailable`] asks the sender to come back. AWS has no door: it says who it is itself, so
//! [`aws`] reads its events alone. Mails come by AWS too, and [`email`] verifies and reads them.
//!
//! To add a sender, add its file here, its [`Door`] if it has an address of its own, and its fixtures to `events/ingest`.

use std::net::IpAddr;

use domain::cause::Proof;
use domain::policy::{self, Integration, Kind, Policy, SecretRef};
use domain::signal::{Action, Alert, Signal};
use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::reply::Reply;
use crate::secret::Secret;

mod alertmanager;
pub mod aws;
mod bounds;
mod datadog;
pub mod email;
mod github;
mod gitlab;
mod grafana;
mod intercom;
mod json;
mod mapped;
mod oncall;
#[cfg(feature = "aws")]
pub(crate) mod opsgenie;
mod pagerduty;
mod pagerduty_v1;
mod pagerduty_webhook;
mod prometheus;
mod proof;
mod reply;
mod sentry;
mod sns;
mod standard_webhooks;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub mod verify;
mod zendesk;

pub use json::{LARGEST, LARGEST_EVENT};
use proof::{Copies, Message, Told};
pub use reply::Refused;
use reply::{Dialect, Fault, Reason};

/// The most alerts taken in one request: as many as Prometheus keeps for its Alertmanager.
const MOST_ALERTS: usize = 10_000;

/// A request as it reached us.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, without the query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw body; one that came as base64 is decoded.
    pub body: &'a [u8],
    /// The address it came from, where that is known.
    pub source: Option<IpAddr>,
    /// The certificate that [`certificate_needed`] asked for, as it was fetched.
    pub certificate: Option<&'a [u8]>,
    /// Names this request, for senders that give theirs no name.
    pub id: &'a str,
    /// When it came, by our clock.
    pub received_at: Timestamp,
}

/// An address that senders know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// `POST /v2/enqueue`, PagerDuty's Events API v2.
    PagerdutyEvents,
    /// `POST /v2/change/enqueue`, its change events.
    PagerdutyChanges,
    /// `POST /generic/2010-04-15/create_event.json`, PagerDuty's Events API v1.
    PagerdutyV1,
    /// `POST /v1/signals/{integration}`: the integration says which dialect. Grafana may `PUT`.
    Signals(String),
    /// `POST /integrations/v1/{kind}/{token}/`, where Grafana OnCall took alerts; the token says which integration.
    Oncall(Kind),
    /// `POST /api/v2/alerts`, as Prometheus calls an Alertmanager.
    PrometheusAlerts,
    /// `GET /-/healthy` and `GET /-/ready`, as Prometheus asks an Alertmanager.
    Health,
}

/// What a request was, once it is verified and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The integration it came by; empty when it says nothing.
    pub integration: String,
    /// What it says.
    pub signals: Vec<Signal>,
    /// The answer, once the signals are durably on the queue. It refuses when a part of the request was no good.
    pub reply: Reply,
}

/// The secrets that a reference stands for; none when it stands for nothing.
pub type Secrets<'s> = dyn Fn(&SecretRef) -> &'s [Secret] + 's;

/// Which door a request is at; a wrong method or an unknown address is refused.
pub fn door(method: &Method, path: &str) -> Result<Door, Refused> {
    let (door, allow) = match path {
        "/v2/enqueue" => (Door::PagerdutyEvents, "POST"),
        "/v2/change/enqueue" => (Door::PagerdutyChanges, "POST"),
        "/generic/2010-04-15/create_event.json" => (Door::PagerdutyV1, "POST"),
        "/api/v2/alerts" => (Door::PrometheusAlerts, "POST"),
        "/-/healthy" | "/-/ready" => (Door::Health, "GET, HEAD"),
        _ => match path.strip_prefix("/v1/signals/").filter(|name| !name.is_empty() && !name.contains('/')) {
            Some(name) => (Door::Signals(name.to_owned()), "POST, PUT"),
            None => match oncall::address(path) {
                Some((kind, _)) => (Door::Oncall(kind), "POST, PUT"),
                None => return Err(Dialect::Problem.refuse(Fault::new(Reason::NotFound, "no sender is expected here"))),
            },
        },
    };
    if allow.split(", ").any(|allowed| allowed == method.as_str()) {
        Ok(door)
    } else {
        let fault = Fault::new(Reason::Method, format!("use {allow}")).with("Allow", allow);
        Err(door.dialect().refuse(fault))
    }
}

/// Which secrets [`receive`] will ask for.
pub fn secrets_needed<'p>(door: &Door, policy: &'p Policy) -> Vec<&'p SecretRef> {
    let kind = match door {
        Door::Health => return Vec::new(),
        Door::Signals(name) => {
            let integration = policy.integrations.get(name).filter(|integration| !integration.open);
            return integration.and_then(|integration| integration.secret.as_ref()).into_iter().collect();
        }
        Door::PagerdutyEvents | Door::PagerdutyChanges | Door::PagerdutyV1 => Kind::Pagerduty,
        Door::PrometheusAlerts => Kind::Prometheus,
        Door::Oncall(kind) => *kind,
    };
    of_kind(policy, kind).filter_map(|(_, integration)| integration.secret.as_ref()).collect()
}

/// The address of the certificate that [`receive`] will ask for, if the request is to be verified by one.
pub fn certificate_needed(door: &Door, request: &Request<'_>, policy: &Policy) -> Option<String> {
    let integration = posted_by_sns(door, policy).filter(|integration| integration.hears(request.source))?;
    json::admit(request, door.largest(), accepts(Some(Kind::Sns))).ok()?;
    sns::certificate(request, integration)
}

/// The address at which a subscription is to be confirmed that a request, which was received, asks for.
pub fn confirmation(door: &Door, request: &Request<'_>, policy: &Policy) -> Option<String> {
    sns::confirmation(request, posted_by_sns(door, policy)?)
}

fn posted_by_sns<'p>(door: &Door, policy: &'p Policy) -> Option<&'p Integration> {
    let Door::Signals(name) = door else { return None };
    policy.integrations.get(name).filter(|integration| integration.kind == Kind::Sns)
}

/// The media type that senders of a kind may use beside JSON's own.
const fn accepts(kind: Option<Kind>) -> Option<&'static str> {
    match kind {
        Some(Kind::Github) => Some(json::FORM),
        Some(Kind::Sns) => Some("text/plain"),
        _ => None,
    }
}

/// Verifies and reads a request.
pub fn receive(
    door: &Door,
    request: &Request<'_>,
    policy: &Policy,
    secrets: &Secrets<'_>,
) -> Result<Received, Refused> {
    let kind = match door {
        Door::Signals(name) => kind_of(policy, name),
        _ => None,
    };
    let received = json::admit(request, door.largest(), accepts(kind)).and_then(|()| match door {
        Door::PagerdutyEvents => pagerduty::event(request, policy, secrets),
        Door::PagerdutyChanges => pagerduty::change(request, policy, secrets),
        Door::PrometheusAlerts => prometheus::alerts(request, policy, secrets),
        Door::PagerdutyV1 => pagerduty_v1::event(request, policy, secrets),
        Door::Signals(name) => signals(name, request, policy, secrets),
        Door::Oncall(kind) => {
            oncall::owner(*kind, request, policy, secrets).and_then(|message| adapted(*kind, &message))
        }
        Door::Health => Ok(healthy()),
    });
    let mut received = received.map_err(|fault| door.dialect().refuse(fault))?;
    let integration = policy.integrations.get(&received.integration);
    if integration.is_some_and(|integration| !integration.hears(request.source)) {
        let why = "the integration hears other networks";
        return Err(door.dialect().refuse(Fault::new(Reason::Source, why)));
    }
    let proof = integration.map(proof_of).unwrap_or_default();
    received.signals.iter_mut().for_each(|signal| signal.proof = proof);
    Ok(received)
}

/// What a sender hears when we cannot do our part: never a 4xx or 429, which some take for "never try again".
pub fn unavailable(door: &Door, retry_after_seconds: u32) -> Reply {
    let fault = Fault::new(Reason::Unavailable, "nothing was lost on the way: send it again");
    door.dialect().refuse(fault.with("Retry-After", retry_after_seconds.to_string())).reply
}

impl Door {
    /// The largest body that is taken there, in bytes.
    const fn largest(&self) -> usize {
        match self {
            Self::PagerdutyEvents | Self::PagerdutyChanges | Self::PagerdutyV1 => json::LARGEST_EVENT,
            Self::PrometheusAlerts | Self::Signals(_) | Self::Oncall(_) | Self::Health => json::LARGEST,
        }
    }

    const fn dialect(&self) -> Dialect {
        match self {
            Self::PagerdutyEvents | Self::PagerdutyChanges | Self::PagerdutyV1 => Dialect::Pagerduty,
            Self::PrometheusAlerts => Dialect::Alertmanager,
            Self::Signals(_) | Self::Oncall(_) | Self::Health => Dialect::Problem,
        }
    }
}

fn signals(name: &str, request: &Request<'_>, policy: &Policy, secrets: &Secrets<'_>) -> Result<Received, Fault> {
    // Strangers learn nothing about integrations that have an address elsewhere.
    let elsewhere = |kind: Kind| {
        matches!(kind, Kind::Pagerduty | Kind::Prometheus | Kind::Opsgenie | Kind::Email) || kind.is_of_aws()
    };
    let found = policy.integrations.get_key_value(name).filter(|(_, integration)| !elsewhere(integration.kind));
    let Some((name, integration)) = found else {
        return Err(Fault::new(Reason::UnknownIntegration, "no integration of this name takes signals here"));
    };
    if request.method == Method::PUT && integration.kind != Kind::Grafana {
        return Err(Fault::new(Reason::Method, "use POST").with("Allow", "POST"));
    }
    if integration.kind == Kind::Sns {
        return sns::signals(name, integration, request, policy);
    }
    if integration.kind == Kind::StandardWebhooks {
        return standard_webhooks::signal(name, integration, request, secrets);
    }
    let message = proof::prove(name, integration, request, secrets)?;
    match &integration.mapping {
        Some(mapping) => mapped::message(&message, mapping),
        None => adapted(integration.kind, &message),
    }
}

/// Reads what a sender of `kind` says once it has proved who it is.
fn adapted(kind: Kind, message: &Message<'_>) -> Result<Received, Fault> {
    type Read = fn(&str) -> Result<Vec<Told>, Fault>;
    let (rule, read, copies): (_, Read, _) = match kind {
        Kind::Alertmanager => return alertmanager::notification(message),
        Kind::Datadog => (datadog::RULE, datadog::read, Copies::OfTheBody),
        Kind::Github => (github::RULE, github::read, Copies::OfTheBody),
        Kind::Gitlab => (gitlab::RULE, gitlab::read, Copies::OfTheBody),
        Kind::Grafana => (grafana::RULE, grafana::read, Copies::OfTheBody),
        Kind::Intercom => (intercom::RULE, intercom::read, Copies::OfTheBody),
        Kind::Oncall => (oncall::RULE, oncall::read, Copies::Unknown),
        Kind::PagerdutyWebhook => (pagerduty_webhook::RULE, pagerduty_webhook::read, Copies::OfTheBody),
        Kind::Sentry => (sentry::RULE, sentry::read, Copies::OfTheBody),
        Kind::Zendesk => (zendesk::RULE, zendesk::read, Copies::OfTheBody),
        // They have an address or a way of their own, and any JSON its mapping.
        _ => {
            return Err(Fault::new(Reason::UnknownIntegration, "no integration of this kind takes signals here"));
        }
    };
    let text = json::unwrapped(message.request)?;
    let told = read(json::object(&text)?)?;
    Ok(message.received(rule, copies, told))
}

/// Refuses a request of more alerts than are taken at once.
fn few(alerts: usize) -> Result<(), Fault> {
    if alerts <= MOST_ALERTS {
        return Ok(());
    }
    Err(Fault::new(Reason::Oversized, format!("at most {MOST_ALERTS} alerts are taken at once")))
}

fn kind_of(policy: &Policy, name: &str) -> Option<Kind> {
    policy.integrations.get(name).map(|integration| integration.kind)
}

/// How whoever sends by `integration` proves who they are, once they were let in.
fn proof_of(integration: &Integration) -> Proof {
    match integration.proof() {
        _ if integration.kind.is_of_aws() => Proof::Aws,
        // A routing key is asked for whatever the integration says.
        _ if integration.open && !matches!(integration.kind, Kind::Pagerduty | Kind::Opsgenie) => Proof::None,
        policy::Proof::Token => Proof::SenderToken,
        policy::Proof::Signature => Proof::SenderSignature,
    }
}

fn healthy() -> Received {
    let reply = Reply { status: 200, content_type: "text/plain", headers: Vec::new(), body: "OK".to_owned() };
    Received { integration: String::new(), signals: Vec::new(), reply }
}

fn of_kind(policy: &Policy, kind: Kind) -> impl Iterator<Item = (&str, &Integration)> {
    let all = policy.integrations.iter().filter(move |(_, integration)| integration.kind == kind);
    all.map(|(name, integration)| (name.as_str(), integration))
}

/// The secrets of an integration; having none is our own mistake, and the sender must not be told to give up.
fn secrets_of<'s>(integration: &Integration, secrets: &Secrets<'s>) -> Result<&'s [Secret], Fault> {
    let found = integration.secret.as_ref().map_or(&[][..], secrets);
    if found.is_empty() {
        let fault = Fault::new(Reason::Misconfigured, verify::Unusable::None.to_string());
        return Err(fault.with("Retry-After", "60"));
    }
    Ok(found)
}

impl Request<'_> {
    /// A signal of which this request is the only copy, and which is as new as the request.
    fn signal(&self, integration: &str, id: String, action: Action, key: &str, alert: Alert) -> Signal {
        Signal {
            id,
            integration: integration.to_owned(),
            // What is taken from it is only known once it was let in.
            proof: Proof::None,
            action,
            fingerprint: bounds::fingerprint(integration, key),
            key: bounds::field(key),
            at: self.received_at,
            received_at: self.received_at,
            unique_since: self.received_at,
            alert,
        }
    }
}

/// A name for something that was given none: always the same for the same `parts`.
fn name_of<P: AsRef<[u8]>>(parts: &[P]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_ref());
        hash.update([0xff]);
    }
    domain::hex(&hash.finalize()[..16])
}
