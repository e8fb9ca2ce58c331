//! PagerDuty's Events API v1, at its own path: older tools know no other. Keys, rules and mistakes are those of v2.

use domain::policy::Policy;
use domain::signal::{Action, Alert};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounds::{self, Labels, Scalar};
use super::pagerduty::{Any, Errors, integration, read_or_default, string};
use super::reply::Fault;
use super::{Received, Reply, Request, Secrets, json, name_of};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    service_key: Any<'a>,
    #[serde(borrow, rename = "event_type")]
    kind: Any<'a>,
    #[serde(borrow)]
    incident_key: Any<'a>,
    #[serde(borrow)]
    description: Any<'a>,
    #[serde(borrow)]
    details: Any<'a>,
    #[serde(borrow)]
    client: Any<'a>,
    #[serde(borrow)]
    client_url: Any<'a>,
    #[serde(borrow)]
    contexts: Any<'a>,
}

/// A link or an image.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Context<'a> {
    #[serde(borrow)]
    href: Any<'a>,
    #[serde(borrow)]
    src: Any<'a>,
    #[serde(borrow)]
    text: Any<'a>,
    #[serde(borrow)]
    alt: Any<'a>,
}

#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    message: &'static str,
    incident_key: &'a str,
}

/// `POST /generic/2010-04-15/create_event.json`: an alert fires, is taken on, or is over.
pub(super) fn event(request: &Request<'_>, policy: &Policy, secrets: &Secrets<'_>) -> Result<Received, Fault> {
    let body = json::unpacked(request, json::LARGEST_EVENT)?;
    let event: Event<'_> = json::read(json::object(&body)?)?;
    let mut errors = Errors::default();
    let service_key = errors.key("service_key", event.service_key);
    let action = errors.action("event_type", event.kind);
    let mut incident_key = match action {
        Action::Acknowledge | Action::Resolve => errors.needed("incident_key", event.incident_key),
        _ => errors.optional("incident_key", event.incident_key),
    };
    errors.short("incident_key", &incident_key);
    if action == Action::Trigger {
        errors.needed("description", event.description);
    }
    errors.none()?;
    let integration = integration("service_key", &service_key, policy, secrets)?;
    if incident_key.trim().is_empty() {
        incident_key = name_of(&[request.id]).into();
    }
    let signal = request.signal(integration, request.id.to_owned(), action, &incident_key, alert(&event));
    let accepted = Accepted { status: "success", message: "Event processed", incident_key: &incident_key };
    let reply = Reply::json(200, &accepted);
    Ok(Received { integration: integration.to_owned(), signals: vec![signal], reply })
}

fn alert(event: &Event<'_>) -> Alert {
    let mut labels = Labels::default();
    labels.add_some("client", event.client.and_then(Scalar::of).map(|scalar| scalar.0).as_deref());
    let details = event.details.map_or("", RawValue::get);
    for (name, value) in read_or_default::<std::collections::BTreeMap<std::borrow::Cow<'_, str>, &RawValue>>(details) {
        labels.add_some(&name, Scalar::of(value).map(|scalar| scalar.0).as_deref());
    }
    let mut links = Vec::new();
    bounds::link(&mut links, string(event.client_url).as_deref(), string(event.client).as_deref().unwrap_or("Client"));
    for context in read_or_default::<Vec<Context<'_>>>(event.contexts.map_or("", RawValue::get)) {
        bounds::link(&mut links, string(context.href).as_deref(), string(context.text).as_deref().unwrap_or("Link"));
        // A reader's browser would load it without asking.
        let src = string(context.src).filter(|src| src.starts_with("https://"));
        bounds::link(&mut links, src.as_deref(), string(context.alt).as_deref().unwrap_or("Image"));
    }
    Alert {
        title: bounds::title(&string(event.description).unwrap_or_default()),
        source: bounds::field(&string(event.client).unwrap_or_default()),
        labels: labels.done(),
        details: bounds::details(details),
        links,
        ..Alert::default()
    }
}
