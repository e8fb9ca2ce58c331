//! Alertmanager's webhook, version 4: a group of alerts, each of which is one signal.
//!
//! What an alert looks like is shared with [`super::prometheus`], which sends the same alerts by another door.

use std::collections::BTreeMap;

use domain::fingerprint::of_labels;
use domain::signal::{Action, Alert};
use serde::Deserialize;
use serde_json::json;

use super::bounds::{self, Labels};
use super::proof::Message;
use super::reply::{Fault, Reason};
use super::{Received, Reply, few, json};

/// Labels or annotations.
pub(super) type Pairs = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    version: Option<String>,
    #[serde(default)]
    group_key: String,
    #[serde(default)]
    receiver: String,
    #[serde(default)]
    truncated_alerts: u64,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    alerts: Vec<Fired>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fired {
    status: Status,
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    #[serde(default)]
    starts_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

/// One group of alerts, by an integration that presents a token.
pub(super) fn notification(message: &Message<'_>) -> Result<Received, Fault> {
    let Message { integration: name, request, .. } = *message;
    let body = json::unpacked(request, json::LARGEST)?;
    let notification: Notification = json::read(json::object(&body)?)?;
    if notification.version.as_deref() != Some("4") {
        return Err(Fault::new(Reason::Malformed, "the version is not supported; supported: 4").at("/version"));
    }
    few(notification.alerts.len())?;
    let signal = |(index, alert): (usize, &Fired)| {
        let computed = || of_labels(alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let sent = Some(alert.fingerprint.trim()).filter(|sent| !sent.is_empty());
        let key = sent.map_or_else(computed, str::to_owned);
        let action = match alert.status {
            Status::Firing => Action::Trigger,
            Status::Resolved => Action::Resolve,
        };
        let details = json!({
            "annotations": alert.annotations, "startsAt": alert.starts_at,
            "groupKey": bounds::field(&notification.group_key), "receiver": bounds::field(&notification.receiver),
        });
        let mut described = describe(&alert.labels, &alert.annotations, &alert.generator_url, &details);
        bounds::link(&mut described.links, Some(&notification.external_url), "Alertmanager");
        if notification.truncated_alerts > 0 {
            described.labels.insert("truncated_alerts".to_owned(), notification.truncated_alerts.to_string());
        }
        request.signal(name, format!("{}/{index}", request.id), action, &key, described)
    };
    let signals = notification.alerts.iter().enumerate().map(signal).collect();
    Ok(Received { integration: name.to_owned(), signals, reply: Reply::json(200, &json!({})) })
}

/// What an alert of the Prometheus family says, by the conventions of its labels and annotations.
pub(super) fn describe(labels: &Pairs, annotations: &Pairs, generator_url: &str, details: &serde_json::Value) -> Alert {
    let label = |name: &str| labels.get(name).map(String::as_str);
    let annotation = |name: &str| annotations.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    let mut kept = Labels::default();
    for (name, value) in labels {
        kept.add(name, value);
    }
    let mut links = Vec::new();
    bounds::link(&mut links, annotation("runbook_url").or(annotation("runbook")), "Runbook");
    bounds::link(&mut links, annotation("dashboard_url").or(annotation("dashboard")), "Dashboard");
    bounds::link(&mut links, Some(generator_url), "Graph");
    let stated = annotation("summary").or(annotation("title"));
    Alert {
        title: stated.map_or_else(|| named(labels), bounds::title),
        severity: kept.severity(label("severity")),
        source: bounds::field(label("instance").or(label("alertname")).unwrap_or_default()),
        service: label("service").map(bounds::field),
        labels: kept.done(),
        details: bounds::details(&details.to_string()),
        links,
    }
}

/// A title for an alert without a summary: its name, and the labels that tell it from its sisters.
fn named(labels: &Pairs) -> String {
    let name = labels.get("alertname").map_or("Alert", String::as_str);
    let others = labels.iter().filter(|(name, _)| !matches!(name.as_str(), "alertname" | "severity"));
    let others = others.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    bounds::title(&if others.is_empty() { name.to_owned() } else { format!("{name} ({others})") })
}
