//! AWS Health, by EventBridge: what AWS itself has trouble with, plans, or wants to be known.
//!
//! The problem is the event's ARN in one account, as the ARN alone is shared by accounts. A communication may come in
//! pages, and once more from the backup region: all of them are one signal, named by the communication and the account.
//! A status of `closed` ends it. Notifications without an end stay open until a person or `auto_close` ends them.

use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::super::name_of;
use super::{Event, NoSignal, Said, add_tags, parse, time};

/// The event's ARN, and the account.
const RULE: &str = "aws_health/1 ";

/// Where an account's events are shown, whatever their region.
const PAGE: &str = "https://health.aws.amazon.com/health/home#/account/event-log";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_arn: String,
    service: String,
    event_type_code: String,
    event_type_category: String,
    #[serde(default)]
    event_scope_code: String,
    event_region: Option<String>,
    communication_id: Option<String>,
    affected_account: Option<String>,
    start_time: Option<String>,
    last_updated_time: Option<String>,
    #[serde(default)]
    status_code: String,
    page: Option<Value>,
    #[serde(default)]
    event_description: Vec<Description>,
    #[serde(default)]
    affected_entities: Vec<Entity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    latest_description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(default)]
    entity_value: String,
    #[serde(default)]
    tags: Value,
}

/// The signal of an event.
pub(super) fn event(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let Event::<Detail> { id, account, region, time: sent, detail, .. } = parse(event)?;
    let account = detail.affected_account.as_deref().unwrap_or(&account);
    let abuse = event["detail-type"] == "AWS Health Abuse Event";
    let stated = detail.last_updated_time.as_ref().or(detail.start_time.as_ref());
    let at = [stated, sent.as_ref()].into_iter().flatten().find_map(|text| time(text));
    let action = if detail.status_code == "closed" { Action::Resolve } else { Action::Trigger };
    let said = Said {
        id: communication(&detail).map_or(id, |communication| name_of(&[communication, account])),
        action,
        rule: RULE,
        key: &format!("{} {account}", detail.event_arn),
        at,
        alert: alert(&detail, account, &region, abuse, &event["detail"]),
    };
    Ok(said.signal(integration, received_at))
}

/// The communication that an event brings, without the number of its page.
fn communication(detail: &Detail) -> Option<&str> {
    let id = detail.communication_id.as_deref()?;
    let page = detail.page.as_ref().map(|page| page.as_str().map_or_else(|| page.to_string(), str::to_owned));
    let stem = page.and_then(|page| id.strip_suffix(page.as_str())?.strip_suffix('-'));
    Some(stem.unwrap_or(id))
}

/// An issue hurts now; what is looked into or planned may; everything else is worth knowing.
fn severity(category: &str, abuse: bool) -> Severity {
    match category {
        _ if abuse || category == "issue" => Severity::Error,
        "investigation" | "scheduledChange" => Severity::Warning,
        _ => Severity::Info,
    }
}

fn alert(detail: &Detail, account: &str, delivered: &str, abuse: bool, whole: &Value) -> Alert {
    let (mut labels, mut links) = (Labels::default(), Vec::new());
    // The envelope's region is where it was delivered, which need not be where it happens.
    let region = detail.event_region.as_deref().unwrap_or(delivered);
    for (name, value) in [
        // Not `service`, which names one of the policy's.
        ("aws_service", detail.service.as_str()),
        ("event_type", &detail.event_type_code),
        ("category", &detail.event_type_category),
        ("scope", &detail.event_scope_code),
        ("account", account),
        ("region", region),
    ] {
        labels.add(name, value);
    }
    let entity = detail.affected_entities.first();
    labels.add_some("resource", entity.map(|entity| entity.entity_value.as_str()));
    add_tags(&mut labels, entity.map_or(&Value::Null, |entity| &entity.tags));
    let described = detail.event_description.first().map_or("", |first| first.latest_description.trim());
    let line = described.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(&detail.event_type_code);
    bounds::link(&mut links, Some(PAGE), "AWS Health");
    Alert {
        title: bounds::title(&format!("{} in {region}: {line}", detail.service)),
        severity: severity(&detail.event_type_category, abuse),
        source: bounds::field(&detail.event_type_code),
        service: None,
        labels: labels.done(),
        details: bounds::details(&whole.to_string()),
        links,
    }
}
