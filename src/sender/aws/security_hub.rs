//! Security Hub findings, by EventBridge: those that it imports, and those that somebody sends by a custom action.
//!
//! The problem is the finding's id. It is over when its workflow is resolved or suppressed, when it is archived, or when
//! the check passes; somebody took it on when its workflow says that the owner was notified. What is only informational
//! is no problem: every check that passes is told of so.

use domain::policy::{Kind, Policy};
use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::super::of_kind;
use super::{Event, NoSignal, Said, add_tags, console, escaped, parse, time};

/// The finding's id.
const RULE: &str = "security_hub/1 ";

#[derive(Deserialize)]
struct Detail {
    findings: Vec<Finding>,
}

/// A finding in AWS's Security Finding Format.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Finding {
    id: String,
    aws_account_id: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    product_arn: String,
    #[serde(default)]
    product_name: String,
    title: String,
    updated_at: Option<String>,
    #[serde(default)]
    severity: Level,
    #[serde(default)]
    workflow: Status,
    #[serde(default)]
    compliance: Compliance,
    #[serde(default)]
    record_state: String,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    remediation: Remediation,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Level {
    label: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Status {
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Compliance {
    status: String,
    security_control_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Resource {
    id: String,
    #[serde(rename = "Type")]
    kind: String,
    tags: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Remediation {
    recommendation: Recommendation,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Recommendation {
    url: Option<String>,
}

/// The signals of the findings of one event.
pub(super) fn findings(
    event: &Value,
    policy: &Policy,
    integration: &str,
    received_at: Timestamp,
) -> Result<Vec<Signal>, NoSignal> {
    let Event::<Detail> { id, detail, time: sent, .. } = parse(event)?;
    let told_by_itself = of_kind(policy, Kind::Guardduty).next().is_some();
    let signal = |(index, finding): (usize, &Finding)| {
        // GuardDuty tells of it too, and sooner.
        if told_by_itself && finding.product_arn.ends_with("product/aws/guardduty") {
            return None;
        }
        let at = finding.updated_at.as_deref().or(sent.as_deref()).and_then(time);
        let alert = alert(finding, &event["detail"]["findings"][index]);
        let said =
            Said { id: format!("{id}/{index}"), action: action(finding)?, rule: RULE, key: &finding.id, at, alert };
        Some(said.signal(integration, received_at))
    };
    let signals: Vec<Signal> = detail.findings.iter().enumerate().filter_map(signal).collect();
    if signals.is_empty() {
        Err(NoSignal::Silent("informational, or told by another integration"))
    } else {
        Ok(signals)
    }
}

/// What a finding says; nothing when it is only informational.
fn action(finding: &Finding) -> Option<Action> {
    let over = matches!(finding.workflow.status.as_str(), "RESOLVED" | "SUPPRESSED")
        || finding.record_state == "ARCHIVED"
        || finding.compliance.status == "PASSED";
    match (over, finding.workflow.status.as_str(), finding.severity.label.as_str()) {
        (true, ..) => Some(Action::Resolve),
        (false, _, "INFORMATIONAL") => None,
        (false, "NOTIFIED", _) => Some(Action::Acknowledge),
        (false, ..) => Some(Action::Trigger),
    }
}

fn alert(finding: &Finding, details: &Value) -> Alert {
    let (mut labels, mut links) = (Labels::default(), Vec::new());
    let severity = match finding.severity.label.as_str() {
        "INFORMATIONAL" | "LOW" => Severity::Info,
        "MEDIUM" => Severity::Warning,
        "HIGH" => Severity::Error,
        other => labels.severity(Some(other).filter(|word| !word.is_empty())),
    };
    let resource = finding.resources.first();
    let resource_id = resource.map_or("", |resource| &resource.id);
    for (name, value) in [
        ("account", finding.aws_account_id.as_str()),
        ("region", &finding.region),
        ("product", &finding.product_name),
        ("control", &finding.compliance.security_control_id),
        ("resource", resource_id),
        ("resource_type", resource.map_or("", |resource| &resource.kind)),
    ] {
        labels.add(name, value);
    }
    add_tags(&mut labels, resource.map_or(&Value::Null, |resource| &resource.tags));
    let search = escaped(&format!("\\operator\\:EQUALS\\:{}", finding.id));
    let page = format!("securityhub/home?region={}#/findings?search=Id%3D{search}", escaped(&finding.region));
    bounds::link(&mut links, Some(&console(&finding.product_arn, &finding.region, &page)), "Finding");
    bounds::link(&mut links, finding.remediation.recommendation.url.as_deref(), "Remediation");
    Alert {
        title: bounds::title(&finding.title),
        severity,
        source: bounds::field(resource_id),
        service: None,
        labels: labels.done(),
        details: bounds::details(&details.to_string()),
        links,
    }
}
