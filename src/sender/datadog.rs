//! Datadog's webhooks, whose body is a template of the user's. This is ours, for the custom payload:
//!
//! ```json
//! {"alert_id":"$ALERT_ID","alert_cycle_key":"$ALERT_CYCLE_KEY","aggreg_key":"$AGGREG_KEY","alert_transition":"$ALERT_TRANSITION",
//!  "alert_type":"$ALERT_TYPE","alert_priority":"$ALERT_PRIORITY","alert_scope":"$ALERT_SCOPE","alert_metric":"$ALERT_METRIC",
//!  "alert_status":"$ALERT_STATUS","title":"$EVENT_TITLE","body":"$TEXT_ONLY_MSG","event_id":"$ID","host":"$HOSTNAME",
//!  "link":"$LINK","tags":"$TAGS","date":"$DATE_POSIX"}
//! ```
//!
//! The cycle of an alert, from its first trigger to its recovery, has a key of its own, which links the two.

use domain::signal::{Action, Alert, Severity};
use jiff::Timestamp;
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::{Fault, Reason};

/// The key of the alert's cycle; without one its aggregation key, or the monitor and the scope.
pub(super) const RULE: &str = "datadog/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    alert_id: Text,
    alert_cycle_key: Text,
    aggreg_key: Text,
    alert_transition: Text,
    alert_type: Text,
    alert_priority: Text,
    alert_scope: Text,
    alert_metric: Text,
    alert_status: Text,
    title: Text,
    body: Text,
    #[serde(rename = "event_id")]
    id: Text,
    host: Text,
    link: Text,
    tags: Text,
    date: Text,
}

/// One event.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let event: Event = json::read(body)?;
    let of_monitor =
        || filled(&event.alert_id).map(|id| format!("{id} {}", filled(&event.alert_scope).unwrap_or_default()));
    let key = filled(&event.alert_cycle_key).or(filled(&event.aggreg_key)).map(str::to_owned).or_else(of_monitor);
    let key = key.ok_or_else(|| {
        let why = "one of alert_cycle_key, aggreg_key and alert_id must be there: use the payload of the guide";
        Fault::new(Reason::Malformed, why).at("/alert_cycle_key")
    })?;
    let over = event.alert_transition.is("Recovered");
    let action = if over { Action::Resolve } else { Action::Trigger };
    Ok(vec![Told { action, key, at: date(&event.date), alert: alert(&event) }])
}

/// A variable that Datadog has filled in: one without a value stays as it is written, or becomes `null`.
fn filled(text: &Text) -> Option<&str> {
    text.get().map(str::trim).filter(|text| !text.starts_with('$') && *text != "null")
}

/// Seconds since 1970, or milliseconds as another variable has them.
fn date(text: &Text) -> Option<Timestamp> {
    let number: i64 = filled(text)?.parse().ok()?;
    let at =
        if number > 100_000_000_000 { Timestamp::from_millisecond(number) } else { Timestamp::from_second(number) };
    at.ok()
}

fn alert(event: &Event) -> Alert {
    let mut labels = Labels::default();
    let fields = [
        ("transition", &event.alert_transition),
        ("priority", &event.alert_priority),
        ("scope", &event.alert_scope),
        ("metric", &event.alert_metric),
        ("monitor", &event.alert_id),
        ("event", &event.id),
    ];
    for (name, value) in fields {
        labels.add_some(name, filled(value));
    }
    let mut service = None;
    for tag in filled(&event.tags).unwrap_or_default().split(',') {
        let (name, value) = tag.trim().split_once(':').unwrap_or((tag.trim(), "true"));
        labels.add(name, value);
        if name == "service" && service.is_none() {
            service = Some(bounds::field(value)).filter(|name| !name.is_empty());
        }
    }
    let mut links = Vec::new();
    bounds::link(&mut links, filled(&event.link), "Datadog");
    let severity = severity(event, &mut labels);
    Alert {
        title: bounds::title(filled(&event.title).or(filled(&event.alert_status)).unwrap_or("Datadog alert")),
        severity,
        source: bounds::field(filled(&event.host).or(filled(&event.alert_scope)).unwrap_or_default()),
        service,
        labels: labels.done(),
        details: filled(&event.body)
            .map(|text| bounds::details(&serde_json::json!(text).to_string()))
            .unwrap_or_default(),
        links,
    }
}

/// A warning is one whatever the monitor's priority; else that says how bad it is, where it was given one.
fn severity(event: &Event, labels: &mut Labels) -> Severity {
    if event.alert_transition.is("Warn") || event.alert_transition.is("Re-Warn") {
        return Severity::Warning;
    }
    match filled(&event.alert_priority) {
        Some("P1") => Severity::Critical,
        Some("P2") => Severity::Error,
        Some("P3") => Severity::Warning,
        Some("P4" | "P5") => Severity::Info,
        // What recovers is called a success.
        _ => labels.severity(filled(&event.alert_type).filter(|kind| *kind != "success")),
    }
}
