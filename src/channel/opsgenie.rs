//! Opsgenie's Alert API v2: the alert there is created, acknowledged and closed with ours, by its alias.
//!
//! Our incident's id is the alias, so a repeat counts on the same alert. Opsgenie answers 202 and works later: accepted
//! is not done (wire.md, 4.2).

use domain::escalation::Outcome;
use domain::incident::Status;
use domain::policy::{Ladder, Region};
use domain::signal::Severity;
use domain::text::{cut, visible};
use http::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use super::http::{post_json, secret_header};
use super::{Channel, Message, failed, text};
use crate::outgoing::Outgoing;
use crate::secret::Secret;

/// The longest `message`, in characters.
const MESSAGE: usize = 130;
/// The longest `entity`, in characters.
const ENTITY: usize = 512;

/// A team of Opsgenie.
pub(super) struct Opsgenie<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) base: &'a str,
    pub(super) api_key: &'a Secret,
    pub(super) team: &'a str,
}

/// Where the API of a region is.
pub(super) const fn base(region: Region) -> &'static str {
    match region {
        Region::Us => "https://api.opsgenie.com",
        Region::Eu => "https://api.eu.opsgenie.com",
    }
}

impl Channel for Opsgenie<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.post("/v2/alerts", &alert(self.team, message), message).await
    }

    async fn update(&self, message: &Message<'_>, reference: &str) -> Option<Outcome> {
        let status = message.incident.status;
        let action = match status {
            Status::Expected | Status::Triggered => "unacknowledge",
            Status::Acknowledged => "acknowledge",
            Status::Resolved => "close",
        };
        // The reference is our own id, which needs no escape in a path.
        let path = format!("/v2/alerts/{reference}/{action}?identifierType=alias");
        let body = json!({ "source": "Watchkeeper", "note": text::line(message) });
        match self.post(&path, &body, message).await {
            Outcome::Accepted { .. } => Some(Outcome::Shown { status }),
            other => Some(other),
        }
    }
}

impl Opsgenie<'_> {
    async fn post(&self, path: &str, body: &Value, message: &Message<'_>) -> Outcome {
        let Some(key) = secret_header(&format!("GenieKey {}", self.api_key.expose())) else {
            return failed("Opsgenie's key cannot be put into a header");
        };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, key)]);
        let url = format!("{}{path}", self.base);
        match post_json(self.outgoing, &url, headers, body, message.now).await {
            Ok(_) => Outcome::Accepted { reference: Some(message.incident.id.to_string()) },
            Err(outcome) => outcome,
        }
    }
}

fn alert(team: &str, message: &Message<'_>) -> Value {
    let Message { incident, link, .. } = message;
    json!({
        "message": cut(&text::headline(incident), MESSAGE),
        "alias": incident.id,
        "description": format!("{}\n\nSee it and answer: {link}", text::line(message)),
        "responders": [{ "type": "team", "name": team }],
        "entity": cut(&visible(&incident.alert.source), ENTITY),
        "source": "Watchkeeper",
        "priority": priority(message),
        "details": { "incident": incident.id, "service": text::service(incident), "url": link },
    })
}

/// The team's own ladder if the incident is on it, else what the sender said.
fn priority(message: &Message<'_>) -> &'static str {
    let level = message.incident.decision.as_ref().and_then(|decision| decision.level);
    match (level, message.incident.severity()) {
        (Some(Ladder::Sev1), _) | (None, Severity::Critical) => "P1",
        (Some(Ladder::Sev2), _) | (None, Severity::Error) => "P2",
        (Some(Ladder::Sev3), _) | (None, Severity::Warning) => "P3",
        (Some(Ladder::Sev4), _) => "P4",
        (None, Severity::Info) => "P5",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::{self, Told};
    use crate::outgoing::scripted::{Answer, Server};

    fn taken() -> Answer {
        Answer::Whole("202 Accepted", r#"{"result":"Request will be processed","requestId":"r"}"#.to_owned())
    }

    #[tokio::test]
    async fn one_alert_there_follows_ours_from_creation_to_close() {
        let server = Server::start([taken(), taken(), taken()]);
        let (outgoing, key, base) = (server.client(2000), Secret::new("k-1"), format!("http://{}", server.address));
        let channel = Opsgenie { outgoing: &outgoing, base: &base, api_key: &key, team: "Platform" };
        let mut told = Told::new();
        let Outcome::Accepted { reference: Some(reference) } = channel.send(&told.message()).await else {
            panic!("not accepted")
        };
        fixture::acknowledge(&mut told.incident);
        let shown = channel.update(&told.message(), &reference).await;
        assert_eq!(shown, Some(Outcome::Shown { status: Status::Acknowledged }));
        fixture::resolve(&mut told.incident);
        let shown = channel.update(&told.message(), &reference).await;
        assert_eq!(shown, Some(Outcome::Shown { status: Status::Resolved }));
        let seen = server.seen();
        let lines: Vec<_> = seen.iter().map(|request| request.line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "POST /v2/alerts HTTP/1.1",
                "POST /v2/alerts/0123456789abcdef0123-1/acknowledge?identifierType=alias HTTP/1.1",
                "POST /v2/alerts/0123456789abcdef0123-1/close?identifierType=alias HTTP/1.1",
            ]
        );
        assert!(seen.iter().all(|request| request.header("authorization") == "GenieKey k-1"));
        insta::assert_json_snapshot!(seen[0].json());
    }

    #[tokio::test]
    async fn a_key_that_opsgenie_does_not_know_rejects_and_a_limit_waits() {
        let rejected = Outcome::Rejected { reason: "answered 422".to_owned() };
        let limited = Outcome::Failed { reason: "answered 429".to_owned(), retry_after: Some(7) };
        for (head, outcome) in [("422 Unprocessable", rejected), ("429 Too Many Requests\r\nretry-after: 7", limited)] {
            let server = Server::start([Answer::Whole(head, String::new())]);
            let (outgoing, key, base) = (server.client(2000), Secret::new("k"), format!("http://{}", server.address));
            let channel = Opsgenie { outgoing: &outgoing, base: &base, api_key: &key, team: "Platform" };
            assert_eq!(channel.send(&Told::new().message()).await, outcome);
        }
    }

    #[test]
    fn j14_a_message_is_never_longer_than_opsgenie_takes() {
        let mut told = Told::new();
        told.incident.alert.title = "é".repeat(5000);
        told.incident.alert.source = "h".repeat(5000);
        let alert = alert("Platform", &told.message());
        for (field, longest) in [("message", MESSAGE), ("entity", ENTITY)] {
            assert!(alert[field].as_str().expect("text").chars().count() <= longest, "{field}");
        }
    }
}
