//! CloudWatch alarms: by EventBridge, by SNS, and by an alarm that calls the function itself. The problem is the alarm's ARN.
//!
//! `OK` ends what `ALARM` began; `INSUFFICIENT_DATA` says neither, and is no signal. A composite alarm says which of its
//! alarms made it change. EventBridge tells of one whose actions are suppressed all the same, and nothing says that it
//! would tell again when they no longer are: so it counts, with a label that a route can ask for.

use std::collections::BTreeMap;

use domain::signal::{Action, Alert, Link, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::super::name_of;
use super::{Event, NoSignal, Said, console, escaped, parse};

/// The alarm's ARN alone, as it was before rules had names.
const RULE: &str = "";

/// The most alarms of a composite alarm that are named.
const CHILDREN: usize = 10;

/// `CloudWatch Alarm State Change`; also what an alarm says that calls the function itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    alarm_name: String,
    state: State,
    #[serde(default)]
    configuration: Configuration,
    #[serde(default)]
    alarm_tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    value: StateValue,
    #[serde(default)]
    reason: String,
    /// JSON in a text.
    #[serde(default)]
    reason_data: String,
    timestamp: Option<String>,
    actions_suppressed_by: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StateValue {
    Ok,
    Alarm,
    InsufficientData,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Configuration {
    metrics: Vec<Metrics>,
    alarm_rule: String,
}

/// Why a composite alarm changed its state.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReasonData {
    triggering_alarms: Vec<Child>,
}

#[derive(Deserialize)]
struct Child {
    arn: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
struct MetricStat {
    metric: Metric,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metric {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, String>,
}

/// The message that an alarm publishes to an SNS topic.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    alarm_name: String,
    alarm_arn: String,
    #[serde(rename = "AWSAccountId")]
    account: String,
    new_state_value: StateValue,
    #[serde(default)]
    new_state_reason: String,
    state_change_time: Option<String>,
    /// Of a composite alarm, which has no trigger.
    alarm_rule: Option<String>,
    #[serde(default)]
    trigger: Trigger,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Trigger {
    metric_name: String,
    namespace: String,
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize)]
struct Dimension {
    name: String,
    value: String,
}

/// An alarm that calls the function itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    alarm_arn: String,
    account_id: String,
    region: String,
    time: String,
    alarm_data: Detail,
}

/// What all ways of sending say.
struct Alarm<'a> {
    id: String,
    arn: &'a str,
    name: &'a str,
    account: &'a str,
    region: &'a str,
    state: &'a State,
    metric: Metric,
    rule: &'a str,
    tags: &'a BTreeMap<String, String>,
    details: &'a str,
}

/// The signal of an EventBridge event.
pub(super) fn from_event(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let mut read: Event<Detail> = parse(event)?;
    let arn = read.resources.first().ok_or_else(|| NoSignal::Malformed("resources".to_owned()))?;
    let metric = metric(&mut read.detail);
    let alarm = Alarm {
        id: read.id,
        arn,
        name: &read.detail.alarm_name,
        account: &read.account,
        region: &read.region,
        state: &read.detail.state,
        metric,
        rule: &read.detail.configuration.alarm_rule,
        tags: &read.detail.alarm_tags,
        details: &event["detail"].to_string(),
    };
    signal(alarm, integration, received_at)
}

/// The signal of an alarm that calls the function itself. It gives its call no name, so what it says is its name.
pub(super) fn from_action(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let mut read: Call = parse(event)?;
    let metric = metric(&mut read.alarm_data);
    let alarm = Alarm {
        id: name_of(&[&read.alarm_arn, &read.time, &event["alarmData"]["state"].to_string()]),
        arn: &read.alarm_arn,
        name: &read.alarm_data.alarm_name,
        account: &read.account_id,
        region: &read.region,
        state: &read.alarm_data.state,
        metric,
        rule: &read.alarm_data.configuration.alarm_rule,
        tags: &read.alarm_data.alarm_tags,
        details: &event["alarmData"].to_string(),
    };
    signal(alarm, integration, received_at)
}

/// The signal of an alarm's SNS message, which is `text`, and is called `id`.
pub(super) fn from_sns(
    id: &str,
    message: &Value,
    text: &str,
    integration: &str,
    received_at: Timestamp,
) -> Result<Signal, NoSignal> {
    let read: Message = parse(message)?;
    let Trigger { metric_name, namespace, dimensions } = read.trigger;
    let dimensions = dimensions.into_iter().map(|dimension| (dimension.name, dimension.value)).collect();
    let alarm = Alarm {
        id: id.to_owned(),
        arn: &read.alarm_arn,
        name: &read.alarm_name,
        account: &read.account,
        // The message's own `Region` is a name for people, such as "US East (N. Virginia)".
        region: read.alarm_arn.split(':').nth(3).unwrap_or_default(),
        state: &State {
            value: read.new_state_value,
            reason: read.new_state_reason,
            reason_data: String::new(),
            timestamp: read.state_change_time,
            actions_suppressed_by: None,
        },
        metric: Metric { namespace, name: metric_name, dimensions },
        rule: read.alarm_rule.as_deref().unwrap_or_default(),
        tags: &BTreeMap::new(),
        details: text,
    };
    signal(alarm, integration, received_at)
}

fn metric(detail: &mut Detail) -> Metric {
    let metrics = std::mem::take(&mut detail.configuration.metrics);
    metrics.into_iter().find_map(|metric| metric.metric_stat).map(|stat| stat.metric).unwrap_or_default()
}

fn signal(alarm: Alarm<'_>, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let action = match alarm.state.value {
        StateValue::Ok => Action::Resolve,
        StateValue::Alarm => Action::Trigger,
        StateValue::InsufficientData => return Err(NoSignal::Silent("insufficient data")),
    };
    let at = alarm.state.timestamp.as_deref().and_then(bounds::time);
    let (key, alert) = (alarm.arn, alert(&alarm));
    Ok(Said { id: alarm.id, action, rule: RULE, key, at, alert }.signal(integration, received_at))
}

fn alert(alarm: &Alarm<'_>) -> Alert {
    let mut labels = Labels::default();
    let fixed = [
        ("alarm", alarm.name),
        ("account", alarm.account),
        ("region", alarm.region),
        ("namespace", &alarm.metric.namespace),
        ("metric", &alarm.metric.name),
        ("actions_suppressed_by", alarm.state.actions_suppressed_by.as_deref().unwrap_or_default()),
    ];
    let severity = ["watchkeeper:severity", "severity"].iter().find_map(|tag| alarm.tags.get(*tag));
    let severity = labels.severity(severity.map(String::as_str));
    for (name, value) in fixed {
        labels.add(name, value);
    }
    for (name, value) in alarm.metric.dimensions.iter().chain(alarm.tags) {
        labels.add(name, value);
    }
    labels.add("alarm_rule", alarm.rule);
    labels.add("children", &children(alarm.state));
    let reason = alarm.state.reason.trim();
    let title = if reason.is_empty() { alarm.name.to_owned() } else { format!("{}: {reason}", alarm.name) };
    Alert {
        title: bounds::title(&title),
        severity,
        source: bounds::field(alarm.name),
        service: None,
        labels: labels.done(),
        details: bounds::details(alarm.details),
        links: links(alarm),
    }
}

/// The alarms that made a composite alarm change, by name.
fn children(state: &State) -> String {
    let data: ReasonData = serde_json::from_str(&state.reason_data).unwrap_or_default();
    let names = data.triggering_alarms.iter().filter_map(|child| child.arn.split(":alarm:").nth(1));
    names.take(CHILDREN).collect::<Vec<_>>().join(", ")
}

/// The alarm's page in the console.
fn links(alarm: &Alarm<'_>) -> Vec<Link> {
    let page = format!("cloudwatch/home?region={}#alarmsV2:alarm/{}", escaped(alarm.region), escaped(alarm.name));
    let mut links = Vec::new();
    bounds::link(&mut links, Some(&console(alarm.arn, alarm.region, &page)), "Alarm");
    links
}
