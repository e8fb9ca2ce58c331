//! PagerDuty's Events API v2, so that a stock client changes only its host.
//!
//! Where PagerDuty itself is said to answer 202 to a routing key that nobody owns, we answer 400: such an event would
//! page nobody, and its sender should hear that at once.
//!
//! The order of events is the order in which they came. Senders put a constant `payload.timestamp` in their triggers,
//! and a trigger after a resolve opens a new alert whatever it says, so the timestamp is kept as a label alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::policy::{Kind, Policy};
use domain::signal::{Action, Alert, Severity, Signal, event_time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounds::{self, Labels, Scalar};
use super::reply::{Fault, Reason};
use super::{Received, Reply, Request, Secrets, json, name_of, of_kind, token};

/// Any value: what is wrong with it is told by name, so nothing may fail while the body is parsed.
pub(super) type Any<'a> = Option<&'a RawValue>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    routing_key: Any<'a>,
    #[serde(borrow, rename = "event_action")]
    action: Any<'a>,
    #[serde(borrow)]
    dedup_key: Any<'a>,
    #[serde(borrow)]
    payload: Any<'a>,
    #[serde(borrow)]
    client: Any<'a>,
    #[serde(borrow)]
    client_url: Any<'a>,
    #[serde(borrow)]
    links: Any<'a>,
    #[serde(borrow)]
    images: Any<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    summary: Any<'a>,
    #[serde(borrow)]
    source: Any<'a>,
    #[serde(borrow)]
    severity: Any<'a>,
    #[serde(borrow)]
    timestamp: Any<'a>,
    #[serde(borrow)]
    component: Any<'a>,
    #[serde(borrow)]
    group: Any<'a>,
    #[serde(borrow)]
    class: Any<'a>,
    #[serde(borrow)]
    custom_details: Any<'a>,
}

/// A link or an image.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    href: Any<'a>,
    #[serde(borrow)]
    src: Any<'a>,
    #[serde(borrow)]
    text: Any<'a>,
    #[serde(borrow)]
    alt: Any<'a>,
}

/// `POST /v2/enqueue`: an alert fires, is taken on, or is over.
pub(super) fn event(request: &Request<'_>, policy: &Policy, secrets: &Secrets<'_>) -> Result<Received, Fault> {
    let body = json::unpacked(request, json::LARGEST_EVENT)?;
    let event: Event<'_> = json::read(json::object(&body)?)?;
    let mut errors = Errors::default();
    let routing_key = errors.key("routing_key", event.routing_key);
    let payload = errors.payload(event.payload);
    let action = errors.action("event_action", event.action);
    let mut dedup_key = match action {
        Action::Acknowledge | Action::Resolve => errors.needed("dedup_key", event.dedup_key),
        _ => errors.optional("dedup_key", event.dedup_key),
    };
    errors.short("dedup_key", &dedup_key);
    if action == Action::Trigger {
        errors.needed("payload.summary", payload.summary);
        errors.needed("payload.source", payload.source);
        errors.needed("payload.severity", payload.severity);
    }
    errors.none()?;
    let integration = integration("routing_key", &routing_key, policy, secrets)?;
    if dedup_key.trim().is_empty() {
        dedup_key = name_of(&[request.id]).into();
    }
    let signal = request.signal(integration, request.id.to_owned(), action, &dedup_key, alert(&event, &payload));
    Ok(accepted(integration, signal, "Event processed", Some(&dedup_key)))
}

/// `POST /v2/change/enqueue`: something was changed.
pub(super) fn change(request: &Request<'_>, policy: &Policy, secrets: &Secrets<'_>) -> Result<Received, Fault> {
    let body = json::unpacked(request, json::LARGEST_EVENT)?;
    let event: Event<'_> = json::read(json::object(&body)?)?;
    let mut errors = Errors::default();
    let routing_key = errors.key("routing_key", event.routing_key);
    let payload = errors.payload(event.payload);
    errors.needed("payload.summary", payload.summary);
    errors.none()?;
    let integration = integration("routing_key", &routing_key, policy, secrets)?;
    let stated = string(payload.timestamp).and_then(|text| bounds::time(&text));
    let alert = Alert { severity: Severity::Info, ..alert(&event, &payload) };
    let signal = request.signal(integration, request.id.to_owned(), Action::Change, request.id, alert);
    let signal = Signal { at: event_time(stated, request.received_at), ..signal };
    Ok(accepted(integration, signal, "Change event processed", None))
}

/// What go-pagerduty reads, and insists on.
#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_key: Option<&'a str>,
}

fn accepted(integration: &str, signal: Signal, message: &'static str, dedup_key: Option<&str>) -> Received {
    let reply = Reply::json(202, &Accepted { status: "success", message, dedup_key });
    Received { integration: integration.to_owned(), signals: vec![signal], reply }
}

/// The integration whose key this is; `field` is where it was sent.
pub(super) fn integration<'p>(
    field: &str,
    key: &str,
    policy: &'p Policy,
    secrets: &Secrets<'_>,
) -> Result<&'p str, Fault> {
    let mut owners = of_kind(policy, Kind::Pagerduty).filter(|(_, integration)| {
        integration.secret.as_ref().is_some_and(|reference| token::is_one_of(secrets(reference), key))
    });
    let unknown = || Fault::new(Reason::UnknownKey, format!("'{field}' is not known")).of_unknown_secret();
    owners.next().map(|(name, _)| name).ok_or_else(unknown)
}

fn alert(event: &Event<'_>, payload: &Payload<'_>) -> Alert {
    let mut labels = Labels::default();
    let fields = [
        ("component", payload.component),
        ("group", payload.group),
        ("class", payload.class),
        ("client", event.client),
        ("timestamp", payload.timestamp),
    ];
    for (name, value) in fields {
        labels.add_some(name, value.and_then(Scalar::of).map(|scalar| scalar.0).as_deref());
    }
    let severity = labels.severity(string(payload.severity).as_deref());
    let custom = payload.custom_details.map_or("", RawValue::get);
    for (name, value) in read_or_default::<BTreeMap<Cow<'_, str>, &RawValue>>(custom) {
        labels.add_some(&name, Scalar::of(value).map(|scalar| scalar.0).as_deref());
    }
    let mut links = Vec::new();
    bounds::link(&mut links, string(event.client_url).as_deref(), string(event.client).as_deref().unwrap_or("Client"));
    for link in read_or_default::<Vec<Reference<'_>>>(event.links.map_or("", RawValue::get)) {
        bounds::link(&mut links, string(link.href).as_deref(), string(link.text).as_deref().unwrap_or("Link"));
    }
    for image in read_or_default::<Vec<Reference<'_>>>(event.images.map_or("", RawValue::get)) {
        // A reader's browser would load it without asking.
        let src = string(image.src).filter(|src| src.starts_with("https://"));
        bounds::link(&mut links, src.as_deref(), string(image.alt).as_deref().unwrap_or("Image"));
    }
    Alert {
        title: bounds::title(&string(payload.summary).unwrap_or_default()),
        severity,
        source: bounds::field(&string(payload.source).unwrap_or_default()),
        service: None,
        labels: labels.done(),
        details: bounds::details(custom),
        links,
    }
}

/// What can be read of something that is not worth refusing an alert for.
pub(super) fn read_or_default<'a, T: Default + Deserialize<'a>>(json: &'a str) -> T {
    serde_json::from_str(json).unwrap_or_default()
}

pub(super) fn string(value: Any<'_>) -> Option<Cow<'_, str>> {
    let json = value?.get();
    let plain = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|text| !text.contains('\\'));
    plain.map(Cow::Borrowed).or_else(|| serde_json::from_str::<String>(json).ok().map(Cow::Owned))
}

/// Everything that is wrong with an event, in PagerDuty's words.
#[derive(Default)]
pub(super) struct Errors(Vec<String>);

impl Errors {
    fn add(&mut self, error: impl Into<String>) {
        self.0.push(error.into());
    }

    pub(super) fn optional<'a>(&mut self, name: &str, value: Any<'a>) -> Cow<'a, str> {
        let present = value.filter(|value| value.get() != "null");
        let text = string(present);
        if present.is_some() && text.is_none() {
            self.add(format!("'{name}' is not a string"));
        }
        text.unwrap_or_default()
    }

    pub(super) fn needed<'a>(&mut self, name: &str, value: Any<'a>) -> Cow<'a, str> {
        let before = self.0.len();
        let text = self.optional(name, value);
        if text.trim().is_empty() && self.0.len() == before {
            self.add(format!("'{name}' is missing or blank"));
        }
        text
    }

    fn payload<'a>(&mut self, value: Any<'a>) -> Payload<'a> {
        let Some(value) = value.map(RawValue::get).filter(|value| *value != "null") else { return Payload::default() };
        let read = value.starts_with('{').then(|| serde_json::from_str(value).ok()).flatten();
        read.unwrap_or_else(|| {
            self.add("'payload' is not an object");
            Payload::default()
        })
    }

    /// The key of an integration.
    pub(super) fn key<'a>(&mut self, name: &str, value: Any<'a>) -> Cow<'a, str> {
        let key = self.needed(name, value);
        if !key.trim().is_empty() && key.chars().count() != 32 {
            self.add(format!("Length of '{name}' is incorrect (should be 32 characters)"));
        }
        key
    }

    /// What an event does; a change where that is wrong.
    pub(super) fn action(&mut self, name: &str, value: Any<'_>) -> Action {
        match self.needed(name, value).as_ref() {
            "trigger" => Action::Trigger,
            "acknowledge" => Action::Acknowledge,
            "resolve" => Action::Resolve,
            "" => Action::Change,
            _ => {
                let known = "'trigger', 'acknowledge' or 'resolve'";
                self.add(format!("'{name}' is invalid (must be one of the following: {known})"));
                Action::Change
            }
        }
    }

    /// Checks the length of the name of a problem.
    pub(super) fn short(&mut self, name: &str, value: &str) {
        if value.chars().count() > 255 {
            self.add(format!("Length of '{name}' is incorrect (should be 255 characters or less)"));
        }
    }

    pub(super) fn none(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Fault::list(Reason::Malformed, self.0)) }
    }
}
