//! The senders' dialects, as much as it takes to send a payload as its sender would: address, proof, samples.

use jiff::Timestamp;
use serde_json::Value;
use watchkeeper::secret::Secret;
use watchkeeper::sender::{aws, verify};

use crate::args::Sender;
use crate::failure::Failure;

/// A payload on its way to a door.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The door.
    pub path: String,
    /// What proves who sends it, and what it is.
    pub headers: Vec<(&'static str, String)>,
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
            Self::Aws => "aws",
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
            (Self::Json, false) => include_str!("../../events/ingest/mapped-down.json"),
            (Self::Json, true) => include_str!("../../events/ingest/mapped-up.json"),
            (Self::Aws, false) => include_str!("../../events/ingest/guardduty-finding.json"),
            (Self::Aws, true) => include_str!("../../events/ingest/guardduty-archived.json"),
        }
    }

    /// A sample as if it happened `now`, and bad enough to page somebody; `name` tells it from every other.
    pub fn fresh_sample(self, resolve: bool, now: Timestamp, name: &str) -> Vec<u8> {
        let mut sample: Value = serde_json::from_str(self.sample(resolve)).expect("the samples are JSON");
        freshen(&mut sample, resolve, &now.to_string(), name);
        sample.to_string().into_bytes()
    }

    /// Whose payload `body` is, by its shape.
    pub fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let has = |name: &str| body.get(name).is_some();
        if body.is_array() {
            Some(Self::Prometheus)
        } else if has("routing_key") {
            Some(Self::Pagerduty)
        } else if has("alerts") {
            Some(Self::Alertmanager)
        } else if has("detail-type") || has("Records") || has("alarmData") {
            Some(if aws::is_of_another_service(&body) { Self::Aws } else { Self::Cloudwatch })
        } else if has("type") {
            Some(Self::Generic)
        } else {
            None
        }
    }

    /// The letter that brings `body` to `integration`, proven with `key`.
    pub fn letter(self, integration: &str, body: &[u8], key: Option<&Secret>, id: &str) -> Result<Letter, Failure> {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        let mut body = body.to_vec();
        let path = match self {
            Self::Pagerduty => {
                let event = with_key(&mut body, key);
                if event { "/v2/enqueue" } else { "/v2/change/enqueue" }.to_owned()
            }
            Self::Generic => {
                if let Some(key) = key {
                    let now = Timestamp::now();
                    let signature = verify::sign(std::slice::from_ref(key), id, now, &body);
                    let signature = signature.map_err(|error| Failure::failed(error.to_string()))?;
                    headers.push(("webhook-id", id.to_owned()));
                    headers.push(("webhook-timestamp", now.as_second().to_string()));
                    headers.push(("webhook-signature", signature));
                }
                format!("/v1/signals/{integration}")
            }
            Self::Alertmanager | Self::Prometheus | Self::Json => {
                headers.extend(key.map(|key| ("authorization", format!("Bearer {}", key.expose()))));
                let webhook = format!("/v1/signals/{integration}");
                if self == Self::Prometheus { "/api/v2/alerts".to_owned() } else { webhook }
            }
            Self::Cloudwatch | Self::Aws => String::new(),
        };
        Ok(Letter { path, headers, body })
    }
}

/// Writes `key` into a PagerDuty event, and says whether it is an alert and not a change.
fn with_key(body: &mut Vec<u8>, key: Option<&Secret>) -> bool {
    // A payload that is no object is sent as it is: the door shall say what is wrong with it.
    let Ok(Value::Object(mut event)) = serde_json::from_slice(body) else { return true };
    if let Some(key) = key {
        event.insert("routing_key".to_owned(), Value::from(key.expose()));
        *body = Value::Object(event.clone()).to_string().into_bytes();
    }
    event.contains_key("event_action") || !event.contains_key("payload")
}

/// Moves a sample's times to `now`, so that it is not taken for an old one, and names it anew.
fn freshen(value: &mut Value, resolve: bool, now: &str, name: &str) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match (key.as_str(), &field) {
                    ("at" | "startsAt" | "timestamp" | "time" | "updatedAt", Value::String(_)) => *field = now.into(),
                    ("endsAt", Value::String(_)) if resolve => *field = now.into(),
                    ("id", Value::String(_)) => *field = name.into(),
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
    use super::*;

    #[test]
    fn every_sample_is_known_by_its_shape() {
        let doors = [Sender::Pagerduty, Sender::Generic, Sender::Alertmanager, Sender::Prometheus];
        let all = doors.into_iter().chain([Sender::Cloudwatch, Sender::Aws]);
        for sender in all {
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
            ("[", "/v2/enqueue"),
        ] {
            let letter = Sender::Pagerduty.letter("pagerduty", body.as_bytes(), Some(&key), "id").unwrap();
            assert_eq!(letter.path, path);
        }
    }
}
