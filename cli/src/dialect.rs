//! The senders' dialects, as much as it takes to send a payload as its sender would: address, proof, samples.

use jiff::Timestamp;
use serde_json::Value;
use watchkeeper::secret::Secret;
use watchkeeper::sender::aws;
use watchkeeper::sender::email;
use watchkeeper::sender::verify::{self, table, table::Scheme};

use crate::args::Sender;
use crate::failure::Failure;

mod mail;

/// Grafana with the headers that it has unless one names others.
static GRAFANA: Scheme<'static> = Scheme::grafana(&[table::GRAFANA_SIGNATURE], None);

/// A payload on its way to a door.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The door.
    pub path: String,
    /// What proves who sends it, and what it is.
    pub headers: Vec<(String, String)>,
    /// The payload.
    pub body: Vec<u8>,
}

impl Sender {
    /// The word on the command line; also what its integration is called unless the policy has another name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pagerduty => "pagerduty",
            Self::Generic => "generic",
            Self::Alertmanager => "alertmanager",
            Self::Prometheus => "prometheus",
            Self::Cloudwatch => "cloudwatch",
            Self::Datadog => "datadog",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Grafana => "grafana",
            Self::Intercom => "intercom",
            Self::Oncall => "oncall",
            Self::PagerdutyWebhook => "pagerduty-webhook",
            Self::Sentry => "sentry",
            Self::Zendesk => "zendesk",
            Self::Aws => "aws",
            Self::Email => "email",
            Self::Json => "json",
        }
    }

    /// The environment variable of its key.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Pagerduty => Some("WATCHKEEPER_PAGERDUTY_KEY"),
            Self::Generic => Some("WATCHKEEPER_HOOK_SECRET"),
            Self::Alertmanager => Some("WATCHKEEPER_ALERTMANAGER_TOKEN"),
            Self::Prometheus => Some("WATCHKEEPER_PROMETHEUS_TOKEN"),
            Self::Json => Some("WATCHKEEPER_JSON_TOKEN"),
            Self::Cloudwatch | Self::Aws => None,
            Self::Datadog => Some("WATCHKEEPER_DATADOG_TOKEN"),
            Self::Email => Some("WATCHKEEPER_EMAIL_TOKEN"),
            Self::Github => Some("WATCHKEEPER_GITHUB_SECRET"),
            Self::Gitlab => Some("WATCHKEEPER_GITLAB_TOKEN"),
            Self::Grafana => Some("WATCHKEEPER_GRAFANA_SECRET"),
            Self::Intercom => Some("WATCHKEEPER_INTERCOM_SECRET"),
            Self::Oncall => Some("WATCHKEEPER_ONCALL_TOKEN"),
            Self::PagerdutyWebhook => Some("WATCHKEEPER_PAGERDUTY_WEBHOOK_SECRET"),
            Self::Sentry => Some("WATCHKEEPER_SENTRY_SECRET"),
            Self::Zendesk => Some("WATCHKEEPER_ZENDESK_SECRET"),
        }
    }

    /// A real payload of it: a problem, or its end.
    const fn sample(self, resolve: bool) -> &'static str {
        match (self, resolve) {
            (Self::Pagerduty, false) => include_str!("../../events/ingest/pagerduty-trigger.json"),
            (Self::Pagerduty, true) => include_str!("../../events/ingest/pagerduty-resolve.json"),
            (Self::Generic, false) => include_str!("../../events/ingest/generic-triggered.json"),
            (Self::Generic, true) => include_str!("../../events/ingest/generic-resolved.json"),
            (Self::Alertmanager, false) => include_str!("../../events/ingest/alertmanager-firing.json"),
            (Self::Alertmanager, true) => include_str!("../../events/ingest/alertmanager-resolved.json"),
            (Self::Prometheus, false) => include_str!("../../events/ingest/prometheus-firing.json"),
            (Self::Prometheus, true) => include_str!("../../events/ingest/prometheus-resolved.json"),
            (Self::Cloudwatch, false) => include_str!("../../events/ingest/cloudwatch-alarm.json"),
            (Self::Cloudwatch, true) => include_str!("../../events/ingest/cloudwatch-ok.json"),
            (Self::Datadog, false) => include_str!("../../events/ingest/datadog-triggered.json"),
            (Self::Datadog, true) => include_str!("../../events/ingest/datadog-recovered.json"),
            (Self::Github, false) => include_str!("../../events/ingest/github-workflow-failure.json"),
            (Self::Github, true) => include_str!("../../events/ingest/github-workflow-success.json"),
            (Self::Gitlab, false) => include_str!("../../events/ingest/gitlab-pipeline-failed.json"),
            (Self::Gitlab, true) => include_str!("../../events/ingest/gitlab-pipeline-success.json"),
            (Self::Grafana, false) => include_str!("../../events/ingest/grafana-firing.json"),
            (Self::Grafana, true) => include_str!("../../events/ingest/grafana-resolved.json"),
            (Self::Intercom, false) => include_str!("../../events/ingest/intercom-conversation-created.json"),
            (Self::Intercom, true) => include_str!("../../events/ingest/intercom-conversation-closed.json"),
            (Self::Oncall, false) => include_str!("../../events/ingest/oncall-alerting.json"),
            (Self::Oncall, true) => include_str!("../../events/ingest/oncall-ok.json"),
            (Self::PagerdutyWebhook, false) => include_str!("../../events/ingest/pagerdutywebhook-triggered.json"),
            (Self::PagerdutyWebhook, true) => include_str!("../../events/ingest/pagerdutywebhook-resolved.json"),
            (Self::Sentry, false) => include_str!("../../events/ingest/sentry-metric-critical.json"),
            (Self::Sentry, true) => include_str!("../../events/ingest/sentry-metric-resolved.json"),
            (Self::Zendesk, false) => include_str!("../../events/ingest/zendesk-ticket-created.json"),
            (Self::Zendesk, true) => include_str!("../../events/ingest/zendesk-ticket-solved.json"),
            (Self::Json, false) => include_str!("../../events/ingest/mapped-down.json"),
            (Self::Json, true) => include_str!("../../events/ingest/mapped-up.json"),
            (Self::Aws, false) => include_str!("../../events/ingest/guardduty-finding.json"),
            (Self::Aws, true) => include_str!("../../events/ingest/guardduty-archived.json"),
            (Self::Email, false) => include_str!("../../events/ingest/email-firing.json"),
            (Self::Email, true) => include_str!("../../events/ingest/email-clearing.json"),
        }
    }

    /// A sample as if it happened `now`, and bad enough to page somebody; `name` tells it from every other.
    pub fn fresh_sample(self, resolve: bool, now: Timestamp, name: &str) -> Vec<u8> {
        let mut sample: Value = serde_json::from_str(self.sample(resolve)).expect("the samples are JSON");
        if self == Self::Cloudwatch {
            sample["id"] = name.into();
        }
        freshen(&mut sample, resolve, now, name);
        if self == Self::Email {
            mail::rewrite(&mut sample, |told| mail::freshen(told, now, name));
        }
        sample.to_string().into_bytes()
    }

    /// Whose payload `body` is, by its shape.
    pub fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let has = |name: &str| body.get(name).is_some();
        // The first of these fields that is there: some have fields that others are known by.
        let known = [
            (has("routing_key") || has("service_key"), Self::Pagerduty),
            (has("alerts") && has("orgId"), Self::Grafana),
            (has("alerts"), Self::Alertmanager),
            (has("detail-type") || has("Records") || has("alarmData"), Self::of_aws(&body)),
            (has("alert_transition"), Self::Datadog),
            (has("object_kind"), Self::Gitlab),
            (has("zen") || (has("repository") && has("action")), Self::Github),
            (has("data") && has("action"), Self::Sentry),
            (has("topic") && has("app_id"), Self::Intercom),
            (has("zendesk_event_version") || has("ticket"), Self::Zendesk),
            (body.pointer("/event/event_type").is_some(), Self::PagerdutyWebhook),
            (has("alert_uid"), Self::Oncall),
            (has("type"), Self::Generic),
        ];
        if body.is_array() {
            return Some(Self::Prometheus);
        }
        known.into_iter().find(|(fits, _)| *fits).map(|(_, sender)| sender)
    }

    /// Whether it has no door: AWS hands it to the function.
    pub const fn is_handed_over(self) -> bool {
        matches!(self, Self::Cloudwatch | Self::Aws | Self::Email)
    }

    /// Which of them an event of AWS is.
    fn of_aws(event: &Value) -> Self {
        if email::mails(event).is_some() {
            return Self::Email;
        }
        if aws::is_of_another_service(event) { Self::Aws } else { Self::Cloudwatch }
    }

    /// How it signs, if it does.
    const fn scheme(self) -> Option<&'static Scheme<'static>> {
        match self {
            Self::Generic => Some(&verify::STANDARD),
            Self::Github => Some(&table::GITHUB),
            Self::Grafana => Some(&GRAFANA),
            Self::Intercom => Some(&table::INTERCOM),
            Self::PagerdutyWebhook => Some(&table::PAGERDUTY),
            Self::Sentry => Some(&table::SENTRY),
            Self::Zendesk => Some(&table::ZENDESK),
            _ => None,
        }
    }

    /// The letter that brings `body` to `integration`, proven with `key`.
    pub fn letter(self, integration: &str, body: &[u8], key: Option<&Secret>, id: &str) -> Result<Letter, Failure> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some((key, scheme)) = key.zip(self.scheme()) {
            let signed = verify::headers(scheme, key, id, Timestamp::now(), body);
            headers.extend(signed.map_err(|error| Failure::failed(error.to_string()))?);
        }
        let mut body = body.to_vec();
        let path = match self {
            Self::Pagerduty => with_key(&mut body, key).to_owned(),
            Self::Prometheus => "/api/v2/alerts".to_owned(),
            Self::Cloudwatch | Self::Aws => String::new(),
            Self::Email => {
                mail::address(&mut body, key);
                String::new()
            }
            _ => format!("/v1/signals/{integration}"),
        };
        let header = match self {
            Self::Alertmanager | Self::Prometheus | Self::Oncall | Self::Json => Some(("authorization", "Bearer ")),
            Self::Datadog => Some(("x-api-key", "")),
            Self::Gitlab => Some(("x-gitlab-token", "")),
            _ => None,
        };
        let shown = key.zip(header).map(|(key, (name, before))| (name.to_owned(), format!("{before}{}", key.expose())));
        headers.extend(shown);
        Ok(Letter { path, headers, body })
    }
}

/// Writes `key` into a PagerDuty event, and says at which door such an event is taken.
fn with_key(body: &mut Vec<u8>, key: Option<&Secret>) -> &'static str {
    // A payload that is no object is sent as it is: the door shall say what is wrong with it.
    let Ok(Value::Object(mut event)) = serde_json::from_slice(body) else { return "/v2/enqueue" };
    let older = event.contains_key("service_key");
    if let Some(key) = key {
        let field = if older { "service_key" } else { "routing_key" };
        event.insert(field.to_owned(), Value::from(key.expose()));
        *body = Value::Object(event.clone()).to_string().into_bytes();
    }
    if older {
        "/generic/2010-04-15/create_event.json"
    } else if event.contains_key("event_action") || !event.contains_key("payload") {
        "/v2/enqueue"
    } else {
        "/v2/change/enqueue"
    }
}

/// The fields in which senders say when something happened.
const TIMES: [&str; 13] = [
    "updatedAt",
    "at",
    "startsAt",
    "timestamp",
    "time",
    "date_started",
    "date_closed",
    "datetime",
    "created_at",
    "updated_at",
    "finished_at",
    "status_changed_at",
    "occurred_at",
];

/// Moves a sample's times to `now`, so that it is not taken for an old one, and names it anew.
fn freshen(value: &mut Value, resolve: bool, now: Timestamp, name: &str) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match (key.as_str(), &field) {
                    (name, Value::String(_)) if TIMES.contains(&name) => *field = now.to_string().into(),
                    ("endsAt", Value::String(_)) if resolve => *field = now.to_string().into(),
                    ("date", Value::String(_)) => *field = now.as_second().to_string().into(),
                    ("created_at", Value::Number(_)) => *field = now.as_second().into(),
                    ("event_id", Value::String(_)) => *field = name.into(),
                    ("severity", Value::String(word)) if word == "info" => *field = "critical".into(),
                    _ => freshen(field, resolve, now, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| freshen(item, resolve, now, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_sample_is_known_by_its_shape() {
        // Any JSON is known by nothing but what its integration says of it.
        let known = |sender: &Sender| *sender != Sender::Json;
        for sender in Sender::value_variants().iter().copied().filter(known) {
            for resolve in [false, true] {
                let sample = sender.fresh_sample(resolve, Timestamp::UNIX_EPOCH, "n");
                assert_eq!(Sender::of(&sample), Some(sender));
            }
        }
        assert_eq!(Sender::of(b"{}"), None);
        assert_eq!(Sender::of(b"not JSON"), None);
    }

    #[test]
    fn a_change_goes_to_the_door_of_changes() {
        let key = Secret::new("k");
        for (body, path) in [
            (r#"{"routing_key":"x","event_action":"trigger","payload":{}}"#, "/v2/enqueue"),
            (r#"{"routing_key":"x","payload":{}}"#, "/v2/change/enqueue"),
            (r#"{"service_key":"x","event_type":"trigger","payload":null}"#, "/generic/2010-04-15/create_event.json"),
            ("[", "/v2/enqueue"),
        ] {
            let letter = Sender::Pagerduty.letter("pagerduty", body.as_bytes(), Some(&key), "id").unwrap();
            assert_eq!(letter.path, path);
        }
    }
}
