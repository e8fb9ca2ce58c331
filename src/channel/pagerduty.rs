//! PagerDuty's Events API v2: the incident there is opened, acknowledged and resolved with ours.
//!
//! Our incident's id is the `dedup_key`, so every step of ours is one incident there, and a repeat is no second one.
//! A team moves over service by service: where PagerDuty still calls people, it does for our incidents too.
//! <https://developer.pagerduty.com/docs/send-alert-event>

use domain::escalation::Outcome;
use domain::incident::Status;
use domain::signal::Severity;
use domain::text::{cut, visible};
use http::HeaderMap;
use serde_json::{Value, json};

use super::http::post_json;
use super::{Channel, Message, text};
use crate::outgoing::Outgoing;
use crate::secret::Secret;

/// The longest `summary`, in characters.
const SUMMARY: usize = 1024;
/// The longest `source` that makes sense to read.
const SOURCE: usize = 255;

/// A service of PagerDuty.
pub(super) struct PagerDuty<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) base: &'a str,
    pub(super) routing_key: &'a Secret,
}

impl Channel for PagerDuty<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.enqueue(message).await
    }

    async fn update(&self, message: &Message<'_>, _: &str) -> Option<Outcome> {
        match self.enqueue(message).await {
            Outcome::Accepted { .. } => Some(Outcome::Shown { status: message.incident.status }),
            other => Some(other),
        }
    }
}

impl PagerDuty<'_> {
    async fn enqueue(&self, message: &Message<'_>) -> Outcome {
        let url = format!("{}/v2/enqueue", self.base);
        let event = event(self.routing_key, message);
        match post_json(self.outgoing, &url, HeaderMap::new(), &event, message.now).await {
            Ok(_) => Outcome::Accepted { reference: Some(message.incident.id.to_string()) },
            Err(outcome) => outcome,
        }
    }
}

fn event(routing_key: &Secret, message: &Message<'_>) -> Value {
    let Message { incident, link, .. } = message;
    let action = match incident.status {
        Status::Expected | Status::Triggered => "trigger",
        Status::Acknowledged => "acknowledge",
        Status::Resolved => "resolve",
    };
    let mut event = json!({
        "routing_key": routing_key.expose(),
        "event_action": action,
        "dedup_key": incident.id,
        "client": "Watchkeeper",
        "client_url": link,
    });
    if action == "trigger" {
        let source = if incident.alert.source.is_empty() { &incident.integration } else { &incident.alert.source };
        event["payload"] = json!({
            "summary": cut(&text::line(message), SUMMARY),
            "source": cut(&visible(source), SOURCE),
            "severity": severity(incident.severity()),
            "component": text::service(incident),
            "timestamp": incident.opened_at,
            "custom_details": { "incident": incident.id, "occurrences": incident.occurrences },
        });
        event["links"] = json!([{ "href": link, "text": "See it and answer in Watchkeeper" }]);
    }
    event
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::{self, Told};
    use crate::outgoing::scripted::{Answer, Server};

    fn taken() -> Answer {
        Answer::Whole("202 Accepted", r#"{"status":"success","dedup_key":"x"}"#.to_owned())
    }

    #[tokio::test]
    async fn one_incident_there_follows_ours_from_trigger_to_resolve() {
        let server = Server::start([taken(), taken(), taken()]);
        let (outgoing, key, base) =
            (server.client(2000), Secret::new("R0123456789"), format!("http://{}", server.address));
        let channel = PagerDuty { outgoing: &outgoing, base: &base, routing_key: &key };
        let mut told = Told::new();
        let id = told.incident.id.to_string();
        let sent = channel.send(&told.message()).await;
        assert_eq!(sent, Outcome::Accepted { reference: Some(id.clone()) });
        fixture::acknowledge(&mut told.incident);
        let shown = channel.update(&told.message(), &id).await;
        assert_eq!(shown, Some(Outcome::Shown { status: Status::Acknowledged }));
        fixture::resolve(&mut told.incident);
        let shown = channel.update(&told.message(), &id).await;
        assert_eq!(shown, Some(Outcome::Shown { status: Status::Resolved }));
        let seen = server.seen();
        assert!(seen.iter().all(|request| request.line == "POST /v2/enqueue HTTP/1.1"));
        assert!(seen.iter().all(|request| request.json()["dedup_key"] == id.as_str()));
        let actions: Vec<_> = seen.iter().map(|request| request.json()["event_action"].clone()).collect();
        assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
        assert!(seen[1].json().get("payload").is_none());
        insta::assert_json_snapshot!(seen[0].json());
    }

    #[tokio::test]
    async fn j14_a_summary_is_never_longer_than_pagerduty_takes() {
        let mut told = Told::new();
        told.incident.alert.title = "é".repeat(5000);
        told.incident.alert.source = "h".repeat(5000);
        let payload = event(&Secret::new("R"), &told.message())["payload"].take();
        for (field, longest) in [("summary", SUMMARY), ("source", SOURCE)] {
            assert!(payload[field].as_str().expect("text").chars().count() <= longest, "{field}");
        }
    }
}
