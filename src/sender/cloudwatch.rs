//! CloudWatch alarms, by EventBridge and by SNS. AWS itself says who sends, so there is nothing to verify or answer.
//!
//! `OK` ends what `ALARM` began; `INSUFFICIENT_DATA` says neither, and is no signal.

use std::collections::BTreeMap;

use domain::cause::Proof;
use domain::policy::{Kind, Policy};
use domain::signal::{Action, Alert, Link, Signal, event_time};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::bounds::{self, Labels};
use super::of_kind;

/// What needs no escape in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Why an event of AWS is no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSignal {
    /// The alarm does not know: neither a problem nor the end of one.
    #[error("the alarm has insufficient data")]
    InsufficientData,
    /// It is not what CloudWatch sends.
    #[error("not a CloudWatch alarm: something is wrong at `{0}`")]
    Malformed(String),
}

/// `CloudWatch Alarm State Change`, as EventBridge delivers it.
#[derive(Deserialize)]
struct Event {
    id: String,
    account: String,
    region: String,
    resources: Vec<String>,
    detail: Detail,
}

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
#[serde(default)]
struct Configuration {
    metrics: Vec<Metrics>,
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

/// What both ways of sending say.
struct Alarm<'a> {
    id: &'a str,
    arn: &'a str,
    name: &'a str,
    account: &'a str,
    region: &'a str,
    state: &'a State,
    metric: Metric,
    tags: &'a BTreeMap<String, String>,
    details: &'a str,
}

/// The signal of an EventBridge event.
pub fn from_eventbridge(event: &Value, policy: &Policy, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let mut read: Event = parse(event)?;
    let arn = read.resources.first().ok_or_else(|| NoSignal::Malformed("resources".to_owned()))?;
    let metrics = std::mem::take(&mut read.detail.configuration.metrics);
    let metric = metrics.into_iter().find_map(|metric| metric.metric_stat).map(|stat| stat.metric);
    let alarm = Alarm {
        id: &read.id,
        arn,
        name: &read.detail.alarm_name,
        account: &read.account,
        region: &read.region,
        state: &read.detail.state,
        metric: metric.unwrap_or_default(),
        tags: &read.detail.alarm_tags,
        details: &event["detail"].to_string(),
    };
    signal(&alarm, policy, received_at)
}

/// The signal of an SNS message, given its `MessageId` and its `Message`.
pub fn from_sns(id: &str, message: &str, policy: &Policy, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let value: Value = serde_json::from_str(message).map_err(|_| NoSignal::Malformed("Message".to_owned()))?;
    let read: Message = parse(&value)?;
    let Trigger { namespace, metric_name, dimensions } = read.trigger;
    let dimensions = dimensions.into_iter().map(|dimension| (dimension.name, dimension.value)).collect();
    let alarm = Alarm {
        id,
        arn: &read.alarm_arn,
        name: &read.alarm_name,
        account: &read.account,
        // The message's own `Region` is a name for people, such as "US East (N. Virginia)".
        region: read.alarm_arn.split(':').nth(3).unwrap_or_default(),
        state: &State {
            value: read.new_state_value,
            reason: read.new_state_reason,
            timestamp: read.state_change_time,
            actions_suppressed_by: None,
        },
        metric: Metric { namespace, name: metric_name, dimensions },
        tags: &BTreeMap::new(),
        details: message,
    };
    signal(&alarm, policy, received_at)
}

fn parse<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, NoSignal> {
    serde_path_to_error::deserialize(value).map_err(|error| NoSignal::Malformed(error.path().to_string()))
}

fn signal(alarm: &Alarm<'_>, policy: &Policy, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let action = match alarm.state.value {
        StateValue::Ok => Action::Resolve,
        StateValue::Alarm => Action::Trigger,
        StateValue::InsufficientData => return Err(NoSignal::InsufficientData),
    };
    let integration = of_kind(policy, Kind::Cloudwatch).next().map_or("cloudwatch", |(name, _)| name);
    let at = event_time(alarm.state.timestamp.as_deref().and_then(bounds::time), received_at);
    Ok(Signal {
        id: alarm.id.to_owned(),
        integration: integration.to_owned(),
        proof: Proof::Aws,
        action,
        fingerprint: bounds::fingerprint(integration, alarm.arn),
        key: bounds::field(alarm.arn),
        at,
        received_at,
        // It is told again for as long as we fail to take it, but never before it happened.
        unique_since: at - SignedDuration::from_mins(5),
        alert: alert(alarm),
    })
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
    let reason = alarm.state.reason.trim();
    let title = if reason.is_empty() { alarm.name.to_owned() } else { format!("{}: {reason}", alarm.name) };
    Alert {
        title: bounds::title(&title),
        severity,
        source: bounds::field(alarm.name),
        service: None,
        labels: labels.done(),
        details: bounds::details(alarm.details),
        links: console(alarm),
    }
}

/// The alarm's page in the console of its partition.
fn console(alarm: &Alarm<'_>) -> Vec<Link> {
    let domain = match alarm.arn.split(':').nth(1) {
        Some("aws-cn") => "console.amazonaws.cn",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    let region = utf8_percent_encode(alarm.region, PLAIN).to_string();
    let name = utf8_percent_encode(alarm.name, PLAIN).to_string();
    let href = format!("https://{region}.{domain}/cloudwatch/home?region={region}#alarmsV2:alarm/{name}");
    let mut links = Vec::new();
    bounds::link(&mut links, Some(&href), "Alarm");
    links
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sender::tests::{now, policy};

    fn event(state: &Value) -> Value {
        let mut event: Value =
            serde_json::from_str(include_str!("../../events/ingest/cloudwatch-alarm.json")).expect("a fixture");
        event["detail"]["state"] = state.clone();
        event
    }

    #[test]
    fn an_alarm_without_data_is_no_signal() {
        let state = json!({ "value": "INSUFFICIENT_DATA", "reason": "", "timestamp": "2026-11-21T10:00:00.000+0000" });
        assert_eq!(from_eventbridge(&event(&state), &policy(), now()), Err(NoSignal::InsufficientData));
    }

    #[test]
    fn what_is_no_alarm_is_named_by_its_place() {
        let table = [
            (json!({}), "."),
            (event(&json!({ "value": "PURPLE" })), "detail.state.value"),
            (event(&json!("x")), "detail.state"),
            (Value::Null, "."),
        ];
        for (event, place) in table {
            let answer = from_eventbridge(&event, &policy(), now());
            assert_eq!(answer, Err(NoSignal::Malformed(place.to_owned())), "{event}");
        }
        for message in ["", "hello", "{}", "null", "[]"] {
            assert!(matches!(from_sns("m", message, &policy(), now()), Err(NoSignal::Malformed(_))), "{message}");
        }
    }

    #[test]
    fn an_alarm_is_the_same_problem_by_eventbridge_and_by_sns() {
        let fixture: Value =
            serde_json::from_str(include_str!("../../events/ingest/cloudwatch-sns-alarm.json")).expect("a fixture");
        let record = &fixture["Records"][0]["Sns"];
        let by_sns = from_sns("m", record["Message"].as_str().expect("text"), &policy(), now()).expect("a signal");
        let state = json!({ "value": "ALARM" });
        let by_eventbridge = from_eventbridge(&event(&state), &policy(), now()).expect("a signal");
        assert_eq!(by_sns.fingerprint, by_eventbridge.fingerprint);
        assert_eq!(by_eventbridge.at, now(), "a state without a time is as new as its event");
    }
}
