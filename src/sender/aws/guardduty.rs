//! GuardDuty findings, by EventBridge. The problem is the finding's id, which stays the same when it comes again.
//!
//! GuardDuty tells of no end: an archived finding that is told of once more is over, and everything else stays open until
//! a person or the integration's `auto_close` ends it.

use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::{Event, NoSignal, Said, add_tags, console, escaped, parse, time};

/// The finding's id.
const RULE: &str = "guardduty/1 ";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    id: String,
    account_id: String,
    region: String,
    #[serde(default)]
    arn: String,
    #[serde(rename = "type")]
    kind: String,
    severity: f64,
    title: String,
    updated_at: Option<String>,
    #[serde(default)]
    resource: Value,
    #[serde(default)]
    service: Service,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    archived: bool,
}

/// The signal of a finding.
pub(super) fn finding(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let Event::<Finding> { id, detail: finding, time: sent, .. } = parse(event)?;
    let action = if finding.service.archived { Action::Resolve } else { Action::Trigger };
    let at = finding.updated_at.as_deref().or(sent.as_deref()).and_then(time);
    let alert = alert(&finding, &event["detail"]);
    Ok(Said { id, action, rule: RULE, key: &finding.id, at, alert }.signal(integration, received_at))
}

/// GuardDuty's own levels: low below 4, medium below 7, high below 9, and critical above.
fn severity(number: f64) -> Severity {
    match number {
        ..4.0 => Severity::Info,
        4.0..7.0 => Severity::Warning,
        7.0..9.0 => Severity::Error,
        _ => Severity::Critical,
    }
}

fn alert(finding: &Finding, detail: &Value) -> Alert {
    let resource = |name: &str| finding.resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, mut labels, mut links) = (resource("resourceType"), Labels::default(), Vec::new());
    for (name, value) in [
        ("finding", finding.kind.as_str()),
        ("account", &finding.account_id),
        ("region", &finding.region),
        ("resource_type", kind),
    ] {
        labels.add(name, value);
    }
    // Each kind of resource has its details, or a list of them, and its tags in there.
    for details in finding.resource.as_object().into_iter().flat_map(|fields| fields.values()) {
        let one = std::slice::from_ref(details);
        let some = details.as_array().map_or(one, Vec::as_slice);
        for details in some {
            add_tags(&mut labels, &details["tags"]);
        }
    }
    let page = format!(
        "guardduty/home?region={}#/findings?macros=current&fId={}",
        escaped(&finding.region),
        escaped(&finding.id)
    );
    bounds::link(&mut links, Some(&console(&finding.arn, &finding.region, &page)), "Finding");
    Alert {
        title: bounds::title(&finding.title),
        severity: severity(finding.severity),
        source: bounds::field(kind),
        service: None,
        labels: labels.done(),
        details: bounds::details(&detail.to_string()),
        links,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_guardduty_s_own_level() {
        let table = [
            (1.0, Severity::Info),
            (3.9, Severity::Info),
            (4.0, Severity::Warning),
            (6.9, Severity::Warning),
            (7.0, Severity::Error),
            (8.9, Severity::Error),
            (9.0, Severity::Critical),
            (10.0, Severity::Critical),
            (f64::NAN, Severity::Critical),
        ];
        for (number, expected) in table {
            assert_eq!(severity(number), expected, "{number}");
        }
    }
}
