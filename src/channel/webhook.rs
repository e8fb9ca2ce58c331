//! Outgoing webhooks: a POST of JSON, signed by Standard Webhooks.
//!
//! `webhook-id` names the delivery and is the same for every attempt, so that a receiver can tell a repeat. Every
//! valid secret signs: while one is replaced, receivers with the old and with the new both accept. An answer of 410
//! rejects like any other 4xx; the body of an answer is not read, as its status says all.

use bytes::Bytes;
use domain::escalation::Outcome;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::http::{refused, unanswered};
use super::{Channel, Message, Notice, failed, rejected, text};
use crate::api::Alert;
use crate::outgoing::Outgoing;
use crate::secret::Secret;
use crate::sender::verify;

/// What of a delivery's name cannot stand in a header; a dot would make the signature ambiguous.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A URL that gets signed messages.
pub(super) struct Webhook<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) url: &'a str,
    pub(super) secrets: &'a [Secret],
}

impl Channel for Webhook<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        let id = format!("{}-{}", message.incident.id, message.delivery.id);
        self.post("incident.page", &id, message).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let Notice { person, subject, text, .. } = notice;
        let body = json!({ "type": "notice", "name": person, "subject": subject, "text": text });
        self.deliver(notice.id, &body, notice.now).await
    }

    async fn update(&self, message: &Message<'_>, reference: &str) -> Option<Outcome> {
        let status = message.incident.status;
        // A group's alerts change while it stays what it is, and a receiver drops a repeat.
        let change = message.incident.group.as_ref().map(|group| format!("-{}", group.notifications));
        let id = format!("{reference}-{}{}", status.as_str(), change.unwrap_or_default());
        match self.post("incident.update", &id, message).await {
            Outcome::Accepted { .. } => Some(Outcome::Shown { status }),
            other => Some(other),
        }
    }
}

impl Webhook<'_> {
    async fn post(&self, kind: &str, id: &str, message: &Message<'_>) -> Outcome {
        self.deliver(id, &body(kind, message), message.now).await
    }

    async fn deliver(&self, id: &str, body: &Value, now: Timestamp) -> Outcome {
        let id = utf8_percent_encode(id, &ESCAPED).to_string();
        let body = body.to_string();
        let signature = match verify::sign(self.secrets, &id, now, body.as_bytes()) {
            Ok(signature) => signature,
            Err(error) => return failed(format!("it cannot be signed: {error}")),
        };
        let Some(headers) = headers(&id, now.as_second(), &signature) else {
            return rejected("it cannot be put into headers");
        };
        match self.outgoing.post(self.url, headers, Bytes::from(body)).await {
            Ok(reply) => refused(&reply, now).unwrap_or(Outcome::Accepted { reference: Some(id) }),
            Err(failure) => unanswered(&failure),
        }
    }
}

fn headers(id: &str, at: i64, signature: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", HeaderValue::from_str(id).ok()?);
    headers.insert("webhook-timestamp", HeaderValue::from(at));
    headers.insert("webhook-signature", HeaderValue::from_str(signature).ok()?);
    Some(headers)
}

fn body(kind: &str, message: &Message<'_>) -> Value {
    let Message { incident, delivery, person, link, .. } = message;
    let to = delivery.to.split_once(':').map_or(delivery.to.as_str(), |(_, name)| name);
    let mut body = json!({
        "type": kind,
        "incident": {
            "id": incident.id,
            "status": incident.status,
            "severity": incident.severity(),
            "title": incident.alert.title,
            "service": incident.service(),
            "occurrences": incident.occurrences,
            "opened_at": incident.opened_at,
            "url": link,
        },
        "person": to,
        "name": person,
        "delivery": delivery.id,
        "attempt": delivery.attempts,
        "text": text::line(message),
        "link": link,
    });
    if let Some(group) = &incident.group {
        let alerts: Vec<Alert> = group.alerts.iter().map(Alert::from).collect();
        body["group"] = json!(incident.alert.labels);
        body["alerts"] = json!(alerts);
        body["more_alerts"] = json!(group.unlisted());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::{self, Told};
    use crate::outgoing::scripted::{Answer, Seen, Server};

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    async fn tell(server: &Server, told: &Told, secrets: &[&str]) -> Outcome {
        let secrets: Vec<_> = secrets.iter().map(|text| Secret::new(text)).collect();
        let url = format!("http://{}/page?key=hunter2", server.address);
        let outgoing = server.client(2000);
        Webhook { outgoing: &outgoing, url: &url, secrets: &secrets }.send(&told.message()).await
    }

    fn verified_with(seen: &Seen, secret: &str) -> bool {
        let at = seen.header("webhook-timestamp").parse().expect("seconds");
        let headers = headers(seen.header("webhook-id"), at, seen.header("webhook-signature")).expect("headers");
        verify::verify(&verify::STANDARD, &headers, &seen.body, &[Secret::new(secret)], Told::new().message().now)
            .is_ok()
    }

    fn ok() -> Answer {
        Answer::Whole("200 OK", String::new())
    }

    #[tokio::test]
    async fn a_page_says_what_happened_and_whom_it_is_for() {
        let server = Server::start([ok()]);
        let outcome = tell(&server, &Told::new(), &[OLD]).await;
        assert_eq!(outcome, Outcome::Accepted { reference: Some("0123456789abcdef0123-1-1-ana-0".to_owned()) });
        let seen = server.seen();
        let link = "https://wk.example.com/l/0123456789abcdef0123-1.1-ana-0.AAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(
            seen[0].json(),
            json!({
                "type": "incident.page",
                "incident": {
                    "id": "0123456789abcdef0123-1", "status": "triggered", "severity": "critical",
                    "title": "p99 latency over 2 s", "service": "checkout", "occurrences": 1,
                    "opened_at": "2026-11-21T12:00:00Z", "url": link,
                },
                "person": "ana", "name": "Ana", "delivery": "1-ana-0", "attempt": 1,
                "text": "[critical] checkout: p99 latency over 2 s", "link": link,
            })
        );
    }

    #[tokio::test]
    async fn while_a_secret_is_replaced_both_verify_and_a_stranger_does_not() {
        let server = Server::start([ok()]);
        tell(&server, &Told::new(), &[NEW, OLD]).await;
        let seen = server.seen();
        assert!(verified_with(&seen[0], OLD));
        assert!(verified_with(&seen[0], NEW));
        assert!(!verified_with(&seen[0], "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }

    #[tokio::test]
    async fn every_attempt_carries_the_same_id_and_an_update_another() {
        let server = Server::start([ok(), ok(), ok()]);
        let mut told = Told::new();
        told.delivery.id = "1-ana.b zoë-0".to_owned();
        tell(&server, &told, &[OLD]).await;
        told.delivery.attempts = 2;
        let Outcome::Accepted { reference: Some(reference) } = tell(&server, &told, &[OLD]).await else {
            panic!("not accepted")
        };
        fixture::acknowledge(&mut told.incident);
        let (outgoing, secrets) = (server.client(2000), [Secret::new(OLD)]);
        let url = format!("http://{}/", server.address);
        let webhook = Webhook { outgoing: &outgoing, url: &url, secrets: &secrets };
        let shown = webhook.update(&told.message(), &reference).await;
        assert_eq!(shown, Some(Outcome::Shown { status: told.incident.status }));
        let seen = server.seen();
        let ids: Vec<_> = seen.iter().map(|request| request.header("webhook-id")).collect();
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[2]);
        assert!(ids.iter().all(|id| !id.contains('.')), "{ids:?}");
        assert!(seen.iter().all(|request| verified_with(request, OLD)));
        assert_eq!(seen[2].json()["type"], "incident.update");
        assert_eq!(seen[2].json()["incident"]["status"], "acknowledged");
    }

    #[tokio::test]
    async fn each_answer_has_its_outcome() {
        let later = |reason: &str, retry_after| Outcome::Failed { reason: reason.to_owned(), retry_after };
        let table = [
            ("201 Created", Outcome::Accepted { reference: Some("0123456789abcdef0123-1-1-ana-0".to_owned()) }),
            ("302 Found\r\nlocation: http://127.0.0.1/", rejected("answered 302: redirects are not followed")),
            ("400 Bad Request", rejected("answered 400")),
            ("404 Not Found", rejected("answered 404")),
            ("408 Request Timeout", later("answered 408", None)),
            ("410 Gone", rejected("answered 410")),
            ("425 Too Early", later("answered 425", None)),
            ("429 Too Many Requests\r\nretry-after: 9", later("answered 429", Some(9))),
            ("500 Oops", later("answered 500", None)),
            ("503 Busy\r\nretry-after: Sat, 21 Nov 2026 12:01:02 GMT", later("answered 503", Some(60))),
        ];
        for (head, outcome) in table {
            let server = Server::start([Answer::Whole(head, "hunter2".to_owned())]);
            assert_eq!(tell(&server, &Told::new(), &[OLD]).await, outcome, "{head}");
        }
    }

    #[tokio::test]
    async fn a_server_that_accepted_may_say_what_it_likes_for_as_long_as_it_likes() {
        for answer in [Answer::Endless, Answer::Stuck] {
            let server = Server::start([answer]);
            assert!(matches!(tell(&server, &Told::new(), &[OLD]).await, Outcome::Accepted { .. }));
        }
    }

    #[tokio::test]
    async fn a_url_that_leads_inside_is_rejected_and_a_dead_one_is_tried_again_and_neither_is_told() {
        let dead = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let (outgoing, secrets) = (Outgoing::new(&dead.to_string()), [Secret::new(OLD)]);
        let tell = async |url: &str| {
            Webhook { outgoing: &outgoing, url, secrets: &secrets }.send(&Told::new().message()).await
        };
        let inside = tell("https://169.254.169.254/hunter2").await;
        assert_eq!(inside, rejected("the URL is refused: the host has no public address"));
        let unreachable = tell(&format!("http://{dead}/hunter2")).await;
        let Outcome::Failed { reason, retry_after: None } = unreachable else { panic!("{unreachable:?}") };
        assert!(reason.starts_with("127.0.0.1 could not be reached: "), "{reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }

    #[tokio::test]
    async fn a_secret_that_cannot_sign_sends_nothing() {
        let server = Server::start([ok()]);
        assert!(matches!(tell(&server, &Told::new(), &["whsec_"]).await, Outcome::Failed { .. }));
        assert_eq!(server.seen().len(), 0);
    }
}
