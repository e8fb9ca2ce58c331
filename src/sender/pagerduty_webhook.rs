//! PagerDuty's webhooks, version 3: what is an incident there is an alert here, for as long as both are in use.
//!
//! An incident that Watchkeeper itself opened there is passed over, or the two would page each other for ever.

use domain::incident::IncidentId;
use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::Fault;

/// The id of PagerDuty's incident.
pub(super) const RULE: &str = "pagerduty_webhook/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Hook {
    event: Event,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "event_type")]
    kind: Text,
    occurred_at: Text,
    data: Incident,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Incident {
    id: Text,
    number: Text,
    title: Text,
    urgency: Text,
    html_url: Text,
    #[serde(rename = "incident_key")]
    key: Text,
    service: Reference,
    priority: Option<Reference>,
    escalation_policy: Reference,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference {
    summary: Text,
}

/// One event; of those that neither begin nor end an incident, nothing.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let Hook { event } = json::read(body)?;
    let incident = &event.data;
    let action = match event.kind.or_empty() {
        "incident.triggered" | "incident.reopened" | "incident.unacknowledged" => Action::Trigger,
        "incident.acknowledged" => Action::Acknowledge,
        "incident.resolved" => Action::Resolve,
        _ => return Ok(Vec::new()),
    };
    let ours = incident.key.get().is_some_and(|key| IncidentId::parse(key).is_some());
    let Some(id) = incident.id.get().filter(|_| !ours) else { return Ok(Vec::new()) };
    let priority = incident.priority.as_ref().and_then(|priority| priority.summary.get());
    let mut labels = Labels::default();
    let fields = [
        ("number", incident.number.get()),
        ("urgency", incident.urgency.get()),
        ("priority", priority),
        ("pagerduty_service", incident.service.summary.get()),
        ("escalation_policy", incident.escalation_policy.summary.get()),
    ];
    for (name, value) in fields {
        labels.add_some(name, value);
    }
    let severity = match priority {
        Some("P1") => Severity::Critical,
        Some("P3") => Severity::Warning,
        Some("P4" | "P5") => Severity::Info,
        None if incident.urgency.is("low") => Severity::Warning,
        _ => Severity::Error,
    };
    let mut links = Vec::new();
    bounds::link(&mut links, incident.html_url.get(), "PagerDuty");
    let alert = Alert {
        title: incident.title.get().map_or_else(|| format!("PagerDuty incident {}", bounds::field(id)), bounds::title),
        severity,
        source: bounds::field(incident.service.summary.or_empty()),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    Ok(vec![Told { action, key: id.to_owned(), at: event.occurred_at.time(), alert }])
}
