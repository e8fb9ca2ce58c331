//! ntfy: a push message to a phone, with buttons that answer at once.
//!
//! The buttons post to the link of the message, as its page does, so a press needs no browser. The topic travels in the
//! body and not in the URL. <https://docs.ntfy.sh/publish/#publish-as-json>

use domain::escalation::Outcome;
use domain::policy::Ladder;
use domain::signal::Severity;
use domain::text::cut;
use http::header::{AUTHORIZATION, HeaderMap};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::{post_json, secret_header};
use super::{Channel, Message, Notice, failed, text};
use crate::form::Answer;
use crate::link;
use crate::outgoing::Outgoing;
use crate::secret::Secret;

/// The longest title that a phone shows, in characters.
const TITLE: usize = 120;
/// The longest message in characters: ntfy makes a file of anything above 4,096 bytes, and a character has up to four.
const MESSAGE: usize = 1000;
/// The priority of what is no page: it makes the phone's usual sound.
const USUAL: u8 = 3;

/// A topic.
pub(super) struct Ntfy<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) url: &'a str,
    pub(super) token: Option<&'a Secret>,
    pub(super) topic: &'a str,
}

impl Channel for Ntfy<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.publish(&body(self.topic, message), message.now).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let body = json!({
            "topic": self.topic,
            "title": cut(notice.subject, TITLE),
            "message": cut(notice.text, MESSAGE),
            "priority": USUAL,
        });
        self.publish(&body, notice.now).await
    }
}

impl Ntfy<'_> {
    async fn publish(&self, body: &Value, now: Timestamp) -> Outcome {
        let mut headers = HeaderMap::new();
        if let Some(token) = self.token {
            let Some(bearer) = secret_header(&format!("Bearer {}", token.expose())) else {
                return failed("ntfy's token cannot be put into a header");
            };
            headers.insert(AUTHORIZATION, bearer);
        }
        match post_json(self.outgoing, self.url, headers, body, now).await {
            Ok(_) => Outcome::Accepted { reference: None },
            Err(outcome) => outcome,
        }
    }
}

fn body(topic: &str, message: &Message<'_>) -> Value {
    let button = |label: &str, answer: Answer| {
        json!({
            "action": "http",
            "label": label,
            "url": message.link,
            "method": "POST",
            "headers": { "content-type": "application/x-www-form-urlencoded" },
            "body": format!("action={}", answer.as_str()),
            "clear": true,
        })
    };
    let mut body = json!({
        "topic": topic,
        "title": cut(&text::headline(message.incident), TITLE),
        "message": cut(&text::line(message), MESSAGE),
        "priority": priority(message),
        "tags": ["rotating_light"],
        "click": message.link,
    });
    // Without a secret for links there is no page that could take an answer.
    if link::split(message.link).is_some() {
        body["actions"] = json!([button("Acknowledge", Answer::Acknowledge), button("Resolve", Answer::Resolve)]);
    }
    body
}

/// From 1 to 5, where 5 rings through.
fn priority(message: &Message<'_>) -> u8 {
    let level = message.incident.decision.as_ref().and_then(|decision| decision.level);
    match (level, message.incident.severity()) {
        (Some(Ladder::Sev1), _) | (None, Severity::Critical) => 5,
        (Some(Ladder::Sev2), _) | (None, Severity::Error) => 4,
        (Some(Ladder::Sev3), _) | (None, Severity::Warning) => 3,
        (Some(Ladder::Sev4), _) | (None, Severity::Info) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;
    use crate::outgoing::scripted::{Answer as Scripted, Server};

    #[tokio::test]
    async fn a_push_rings_by_severity_and_its_buttons_answer() {
        let server = Server::start([Scripted::Whole("200 OK", r#"{"id":"x"}"#.to_owned())]);
        let (outgoing, token, url) = (server.client(2000), Secret::new("tk_1"), format!("http://{}", server.address));
        let channel = Ntfy { outgoing: &outgoing, url: &url, token: Some(&token), topic: "ana-4f1c" };
        assert_eq!(channel.send(&Told::new().message()).await, Outcome::Accepted { reference: None });
        let seen = server.seen();
        assert_eq!(seen[0].line, "POST / HTTP/1.1");
        assert_eq!(seen[0].header("authorization"), "Bearer tk_1");
        insta::assert_json_snapshot!(seen[0].json());
    }

    #[tokio::test]
    async fn a_server_without_tokens_gets_none() {
        let server = Server::start([Scripted::Whole("200 OK", "{}".to_owned())]);
        let (outgoing, url) = (server.client(2000), format!("http://{}", server.address));
        let channel = Ntfy { outgoing: &outgoing, url: &url, token: None, topic: "ana" };
        assert!(matches!(channel.send(&Told::new().message()).await, Outcome::Accepted { .. }));
        assert_eq!(server.seen()[0].header("authorization"), "");
    }

    #[test]
    fn j14_a_message_never_becomes_a_file() {
        let mut told = Told::new();
        told.incident.alert.title = "\u{1f525}".repeat(5000);
        let body = body("ana", &told.message());
        assert!(body["message"].as_str().expect("text").len() < 4096);
        assert!(body["title"].as_str().expect("text").chars().count() <= TITLE);
    }

    #[test]
    fn without_a_link_there_is_no_button_that_could_answer() {
        let told = Told::new();
        let message = Message { link: "https://wk.example.com", ..told.message() };
        assert!(body("ana", &message).get("actions").is_none());
    }
}
