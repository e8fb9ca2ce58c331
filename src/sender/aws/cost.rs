//! Cost anomalies, by EventBridge or by SNS. The problem is the anomaly's id: it is told of once a day while it lasts.
//!
//! Nothing says that one is over: it stays open until a person or the integration's `auto_close` ends it. A bill wakes
//! nobody, so each is a warning; routes can ask for its labels.

use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::{NoSignal, Said, parse, time};

/// The anomaly's id.
const RULE: &str = "aws_cost/1 ";

/// The most causes that are named.
const CAUSES: usize = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Anomaly {
    #[serde(rename = "anomalyId")]
    id: String,
    account_id: Option<String>,
    #[serde(rename = "anomalyDetailsLink")]
    link: Option<String>,
    monitor_name: Option<String>,
    #[serde(alias = "dimensionalValue")]
    dimension_value: Option<String>,
    #[serde(default)]
    impact: Impact,
    #[serde(default)]
    root_causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Impact {
    total_impact: f64,
    total_expected_spend: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Cause {
    linked_account: Option<String>,
    region: Option<String>,
    service: Option<String>,
    usage_type: Option<String>,
}

/// The signal of an anomaly: the detail of an event, or a notification's whole message with the notification's `id`.
pub(super) fn anomaly(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let detail = event.get("detail").unwrap_or(event);
    let anomaly: Anomaly = parse(detail)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let id = text("id").ok_or_else(|| NoSignal::Malformed("id".to_owned()))?.to_owned();
    let account = anomaly.account_id.as_deref().or_else(|| text("account"));
    let said = Said {
        id,
        action: Action::Trigger,
        rule: RULE,
        key: &anomaly.id,
        // The anomaly's own dates are days, and the one it is told on is later than both.
        at: text("time").and_then(time),
        alert: alert(&anomaly, account, detail),
    };
    Ok(said.signal(integration, received_at))
}

fn alert(anomaly: &Anomaly, account: Option<&str>, detail: &Value) -> Alert {
    let (mut labels, mut links) = (Labels::default(), Vec::new());
    let first = anomaly.root_causes.first();
    labels.add_some("account", first.and_then(|cause| cause.linked_account.as_deref()).or(account));
    labels.add_some("monitor", anomaly.monitor_name.as_deref());
    labels.add_some(
        "aws_service",
        first.and_then(|cause| cause.service.as_deref()).or(anomaly.dimension_value.as_deref()),
    );
    labels.add_some("region", first.and_then(|cause| cause.region.as_deref()));
    labels.add_some("usage_type", first.and_then(|cause| cause.usage_type.as_deref()));
    bounds::link(&mut links, anomaly.link.as_deref(), "Anomaly");
    let Impact { total_impact, total_expected_spend } = anomaly.impact;
    let expected =
        total_expected_spend.map(|expected| format!(", where ${expected:.2} was expected")).unwrap_or_default();
    let cause = |cause: &Cause| {
        let parts = [&cause.service, &cause.usage_type, &cause.region];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let causes: Vec<String> =
        anomaly.root_causes.iter().take(CAUSES).map(cause).filter(|cause| !cause.is_empty()).collect();
    let source = anomaly.dimension_value.as_deref().unwrap_or("cost");
    let of = if causes.is_empty() { source.to_owned() } else { causes.join(", ") };
    Alert {
        title: bounds::title(&format!("${total_impact:.2} more than usual for {of}{expected}")),
        severity: Severity::Warning,
        source: bounds::field(source),
        service: None,
        labels: labels.done(),
        details: bounds::details(&detail.to_string()),
        links,
    }
}
