//! What AWS itself sends: events by EventBridge, notifications by SNS, and alarms that call the function themselves.
//!
//! AWS proves who sends, so there is nothing to verify and nobody to answer. CloudWatch's alarms are always heard, as
//! somebody made each of them. The other services are heard once the policy has an integration of their kind: an account
//! that turns GuardDuty on for its auditors does not mean to page anybody by it.

use domain::cause::Proof;
use domain::policy::{Kind, Policy};
use domain::signal::{Action, Alert, Signal, event_time};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::bounds::{self, Labels};
use super::of_kind;

mod backup;
mod change;
mod cloudwatch;
mod cost;
mod guardduty;
mod health;
mod security_hub;

/// What needs no escape in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// An event is told again for as long as we fail to take it, but never before it happened; clocks differ by less.
const EARLIER: SignedDuration = SignedDuration::from_mins(5);

/// Why an event of AWS is no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSignal {
    /// It says neither that there is a problem nor that one is over; the word says why, as a dimension of a metric.
    #[error("it says neither that there is a problem nor that one is over: {0}")]
    Silent(&'static str),
    /// It is not what the service sends.
    #[error("not an event that is known: something is wrong at `{0}`")]
    Malformed(String),
}

/// An event as EventBridge delivers it.
#[derive(Deserialize)]
struct Event<D> {
    id: String,
    account: String,
    region: String,
    time: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    detail: D,
}

/// What an event says, whatever the service.
struct Said<'a> {
    /// Names the event for good.
    id: String,
    action: Action,
    /// How the fingerprint is made, and the version of that.
    rule: &'static str,
    /// The service's own name for the problem.
    key: &'a str,
    /// When it happened.
    at: Option<Timestamp>,
    alert: Alert,
}

impl Said<'_> {
    fn signal(self, integration: &str, received_at: Timestamp) -> Signal {
        let at = event_time(self.at, received_at);
        Signal {
            id: self.id,
            integration: integration.to_owned(),
            proof: Proof::Aws,
            action: self.action,
            fingerprint: bounds::fingerprint(integration, &format!("{}{}", self.rule, self.key)),
            key: bounds::field(self.key),
            at,
            received_at,
            unique_since: at - EARLIER,
            alert: self.alert,
        }
    }
}

/// The signals of what the function was called with: an EventBridge event, a notification of SNS, or an alarm's own call.
pub fn signals(event: &Value, policy: &Policy, received_at: Timestamp) -> Result<Vec<Signal>, NoSignal> {
    let Some(records) = event.get("Records") else { return one(event, None, policy, received_at) };
    let records: Vec<Record> = parse(records)?;
    let (mut signals, mut silent) = (Vec::new(), None);
    for Record { sns } in &records {
        match notified(sns, None, policy, received_at) {
            Ok(mut heard) => signals.append(&mut heard),
            Err(NoSignal::Silent(why)) => silent = Some(why),
            Err(malformed) => return Err(malformed),
        }
    }
    match silent {
        Some(why) if signals.is_empty() => Err(NoSignal::Silent(why)),
        _ => Ok(signals),
    }
}

/// Whether `event` is of a service other than CloudWatch.
pub fn is_of_another_service(event: &Value) -> bool {
    let message = event["Records"][0]["Sns"]["Message"].as_str().and_then(|text| serde_json::from_str(text).ok());
    kind_of(message.as_ref().unwrap_or(event)) != Kind::Cloudwatch
}

/// Whose an event is; what nobody else knows is read as an alarm.
fn kind_of(event: &Value) -> Kind {
    match event["source"].as_str() {
        Some("aws.guardduty") => Kind::Guardduty,
        Some("aws.securityhub") => Kind::SecurityHub,
        Some("aws.health") => Kind::AwsHealth,
        Some("aws.codepipeline" | "aws.codedeploy" | "aws.cloudformation") => Kind::AwsChanges,
        Some("aws.ce") => Kind::AwsCost,
        Some("aws.backup") => Kind::AwsBackup,
        None if event.get("anomalyId").is_some() => Kind::AwsCost,
        _ => Kind::Cloudwatch,
    }
}

/// The signals of a message that SNS posted to the integration `by`; `id` names it for good.
pub(super) fn message(
    by: &str,
    id: &str,
    text: &str,
    timestamp: &str,
    policy: &Policy,
    received_at: Timestamp,
) -> Result<Vec<Signal>, NoSignal> {
    let (message_id, message, timestamp) = (id.to_owned(), text.to_owned(), Some(timestamp.to_owned()));
    notified(&Notification { message_id, message, timestamp }, Some(by), policy, received_at)
}

/// The integration that hears an event of `kind`: the one that it came by, or the first of that kind.
fn hearer<'a>(by: Option<&'a str>, policy: &'a Policy, kind: Kind) -> Result<&'a str, NoSignal> {
    match by.or_else(|| of_kind(policy, kind).next().map(|(name, _)| name)) {
        Some(name) => Ok(name),
        None if kind == Kind::Cloudwatch => Ok("cloudwatch"),
        None => Err(NoSignal::Silent("the policy has no integration of its kind")),
    }
}

fn one(event: &Value, by: Option<&str>, policy: &Policy, received_at: Timestamp) -> Result<Vec<Signal>, NoSignal> {
    let kind = kind_of(event);
    let integration = hearer(by, policy, kind)?;
    let said = match kind {
        Kind::Cloudwatch if event.get("alarmData").is_some() => cloudwatch::from_action,
        Kind::Cloudwatch => cloudwatch::from_event,
        Kind::Guardduty => guardduty::finding,
        Kind::SecurityHub => return security_hub::findings(event, policy, integration, received_at),
        Kind::AwsHealth => health::event,
        Kind::AwsChanges => return Ok(vec![change::change(event, policy, integration, received_at)?]),
        Kind::AwsCost => cost::anomaly,
        _ => backup::job,
    };
    said(event, integration, received_at).map(|signal| vec![signal])
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Notification,
}

/// A notification as SNS gives it to a function.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message_id: String,
    message: String,
    timestamp: Option<String>,
}

/// The signals of a notification: an alarm, an anomaly of cost, or a whole event that a rule sent to the topic.
fn notified(
    sns: &Notification,
    by: Option<&str>,
    policy: &Policy,
    received_at: Timestamp,
) -> Result<Vec<Signal>, NoSignal> {
    let unread = || NoSignal::Malformed("Message".to_owned());
    let mut message: Value = serde_json::from_str(&sns.message).map_err(|_| unread())?;
    if message.get("AlarmArn").is_some() {
        let integration = hearer(by, policy, Kind::Cloudwatch)?;
        return Ok(vec![cloudwatch::from_sns(&sns.message_id, &message, &sns.message, integration, received_at)?]);
    }
    if message.get("anomalyId").is_some() {
        // It names neither itself nor its time.
        message["id"] = sns.message_id.as_str().into();
        message["time"] = sns.timestamp.clone().into();
    } else if message.get("source").is_none() {
        return Err(unread());
    }
    one(&message, by, policy, received_at)
}

fn parse<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, NoSignal> {
    serde_path_to_error::deserialize(value).map_err(|error| NoSignal::Malformed(error.path().to_string()))
}

/// A time as AWS's services write it: as everybody does, or as in a mail, such as `Wed, 27 Jan 2027 01:43:21 GMT`.
fn time(text: &str) -> Option<Timestamp> {
    /// Health's own documentation has days of the week that were none.
    const MAIL: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    bounds::time(text).or_else(|| MAIL.parse_timestamp(text.trim()).ok())
}

/// Keeps tags as labels: a list of keys and values, or a mapping. `watchkeeper:service` among them names the service.
fn add_tags(labels: &mut Labels, tags: &Value) {
    match tags {
        Value::Object(tags) => tags.iter().for_each(|(name, value)| labels.add_some(name, value.as_str())),
        Value::Array(tags) => {
            for tag in tags {
                let part = |lower: &str, upper: &str| tag.get(lower).or_else(|| tag.get(upper)).and_then(Value::as_str);
                labels.add_some(part("key", "Key").unwrap_or_default(), part("value", "Value"));
            }
        }
        _ => {}
    }
}

/// A page of the console of an ARN's partition; `page` is what follows the host.
fn console(arn: &str, region: &str, page: &str) -> String {
    let domain = match arn.split(':').nth(1) {
        Some("aws-cn") => "console.amazonaws.cn",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{}.{domain}/{page}", escaped(region))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests;
