//! Any sender that signs by Standard Webhooks, with a body of our own:
//!
//! ```json
//! { "type": "alert.triggered", "key": "disk-web-1", "title": "Disk of web-1 is full", "severity": "critical",
//!   "source": "web-1", "service": "shop", "labels": { "environment": "production" }, "details": { "free_mb": 12 },
//!   "links": [{ "href": "https://example.com/graph", "text": "Graph" }], "at": "2026-11-21T10:00:00Z" }
//! ```
//!
//! `type` is `alert.triggered`, `alert.acknowledged`, `alert.resolved` or `change`. An alert needs its `key`, one that
//! triggers and a change need a `title`; all else may be absent. The `webhook-id` names the signal: one that is sent
//! again finds itself, and because its time is signed too, it cannot open an incident that has ended since. A sender
//! that tries again for hours signs a new time for each try: it should state `at`, which stays the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::policy::Integration;
use domain::signal::{Action, Alert, Severity, Signal, event_time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounds::{self, Labels, Scalar};
use super::reply::{Fault, Reason};
use super::verify::{self, STANDARD, Signed};
use super::{Received, Reply, Request, Secrets, json, name_of, proof, secrets_of};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    key: Option<String>,
    title: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    service: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Scalar>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    #[serde(default)]
    links: Vec<Link>,
    at: Option<String>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
    text: Option<String>,
}

#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    id: &'a str,
    key: &'a str,
}

/// One signed message.
pub(super) fn signal(
    name: &str,
    integration: &Integration,
    request: &Request<'_>,
    secrets: &Secrets<'_>,
) -> Result<Received, Fault> {
    let now = request.received_at;
    let signed = if integration.open {
        None
    } else {
        let secrets = secrets_of(integration, secrets)?;
        Some(
            verify::verify(&STANDARD, request.headers, request.body, secrets, now)
                .map_err(|rejected| proof::refuse(&rejected))?,
        )
    };
    let body = json::unpacked(request, json::LARGEST)?;
    let body: Body<'_> = json::read(json::object(&body)?)?;
    let action = match body.kind.as_ref() {
        "alert.triggered" => Action::Trigger,
        "alert.acknowledged" => Action::Acknowledge,
        "alert.resolved" => Action::Resolve,
        "change" => Action::Change,
        _ => {
            let supported = "alert.triggered, alert.acknowledged, alert.resolved, change";
            return Err(
                Fault::new(Reason::Malformed, format!("the type is not supported; supported: {supported}")).at("/type")
            );
        }
    };
    let present = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let missing = |pointer| Fault::new(Reason::Malformed, "this must be there and not be blank").at(pointer);
    if matches!(action, Action::Trigger | Action::Change) && present(&body.title).is_none() {
        return Err(missing("/title"));
    }
    let stated = match body.at.as_deref() {
        None => signed.and_then(|signed| signed.at),
        Some(text) => {
            Some(bounds::time(text).ok_or_else(|| Fault::new(Reason::Malformed, "this is not a time").at("/at"))?)
        }
    };
    let id = signed.map_or_else(|| request.id.to_owned(), |Signed { id, .. }| name_of(&[name, id]));
    let key = match present(&body.key) {
        Some(key) => key,
        None if action == Action::Change => id.clone(),
        None => return Err(missing("/key")),
    };
    let signal = Signal {
        at: event_time(stated, now),
        unique_since: signed.and_then(|signed| signed.at).map_or(now, earliest),
        ..request.signal(name, id, action, &key, alert(&body, action))
    };
    let reply = Reply::json(202, &Accepted { status: "accepted", id: &signal.id, key: &key });
    Ok(Received { integration: name.to_owned(), signals: vec![signal], reply })
}

/// The earliest at which a message signed at `at` can have been accepted.
fn earliest(at: Timestamp) -> Timestamp {
    at - SignedDuration::from_secs(verify::TOLERANCE)
}

fn alert(body: &Body<'_>, action: Action) -> Alert {
    let mut labels = Labels::default();
    for (name, value) in &body.labels {
        labels.add(name, &value.0);
    }
    let severity = match action {
        Action::Change => Severity::Info,
        _ => labels.severity(body.severity.as_deref()),
    };
    let mut links = Vec::new();
    for link in &body.links {
        bounds::link(&mut links, Some(&link.href), link.text.as_deref().unwrap_or("Link"));
    }
    Alert {
        title: bounds::title(body.title.as_deref().unwrap_or_default()),
        severity,
        source: bounds::field(body.source.as_deref().unwrap_or_default()),
        service: body.service.as_deref().filter(|name| !name.trim().is_empty()).map(bounds::field),
        labels: labels.done(),
        details: bounds::details(body.details.map_or("", RawValue::get)),
        links,
    }
}
