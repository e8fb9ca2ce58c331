//! Microsoft Teams: an Adaptive Card by the webhook of a workflow, with a link to the page that takes an answer.
//!
//! The connectors of Office 365 are retired, so there are no message cards. A workflow answers 202 and cannot change
//! what it posted; the card says what holds when it is sent. A text of a sender stands in text runs, which know no markup.
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>

use domain::escalation::Outcome;
use domain::text::visible;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::post_json;
use super::{Channel, Message, Notice, text};
use crate::outgoing::Outgoing;
use crate::secret::Secret;

/// A workflow that posts to a channel or a chat.
pub(super) struct Teams<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) url: &'a Secret,
}

impl Channel for Teams<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.post(&card(message), message.now).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let body = [run(notice.subject, true), run(&format!("{}, {}", visible(notice.person), notice.text), false)];
        self.post(&adaptive(&body), notice.now).await
    }
}

impl Teams<'_> {
    async fn post(&self, card: &Value, now: Timestamp) -> Outcome {
        match post_json(self.outgoing, self.url.expose(), HeaderMap::new(), &envelope(card), now).await {
            Ok(_) => Outcome::Accepted { reference: None },
            Err(outcome) => outcome,
        }
    }
}

fn envelope(card: &Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(message: &Message<'_>) -> Value {
    let Message { incident, link, .. } = message;
    let opened = incident.opened_at.map(|at| format!(", opened {}", text::clock(at))).unwrap_or_default();
    let about = format!("For {}{opened}, incident {}", visible(message.person), incident.id);
    let mut card = adaptive(&[run(&text::line(message), true), run(&about, false)]);
    card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "See it and answer", "url": link }]);
    card
}

/// A line of a card. A text of a sender is a run of text, which no markup can change.
fn run(text: &str, bold: bool) -> Value {
    let weight = if bold { "Bolder" } else { "Default" };
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight }] })
}

fn adaptive(body: &[Value]) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": { "width": "Full" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;
    use crate::outgoing::scripted::{Answer, Server};

    #[tokio::test]
    async fn a_workflow_gets_a_card_in_its_envelope() {
        let server = Server::start([Answer::Whole("202 Accepted", String::new())]);
        let url = Secret::new(&format!("http://{}/workflows/1?sig=hunter2", server.address));
        let outgoing = server.client(2000);
        let mut told = Told::new();
        told.incident.alert.title = "**p99** [over](https://evil.example.com) 2 s".to_owned();
        let outcome = Teams { outgoing: &outgoing, url: &url }.send(&told.message()).await;
        assert_eq!(outcome, Outcome::Accepted { reference: None });
        let seen = server.seen();
        assert_eq!(seen[0].line, "POST /workflows/1?sig=hunter2 HTTP/1.1");
        insta::assert_json_snapshot!(seen[0].json());
    }

    #[tokio::test]
    async fn j13_no_outcome_tells_the_url() {
        for (head, reason) in [("410 Gone", "answered 410"), ("404 Not Found", "answered 404")] {
            let server = Server::start([Answer::Whole(head, String::new())]);
            let url = Secret::new(&format!("http://{}/hunter2", server.address));
            let outgoing = server.client(2000);
            let outcome = Teams { outgoing: &outgoing, url: &url }.send(&Told::new().message()).await;
            assert_eq!(outcome, Outcome::Rejected { reason: reason.to_owned() });
        }
        let (outgoing, url) = (Outgoing::new(""), Secret::new("https://10.0.0.1/hunter2"));
        let outcome = Teams { outgoing: &outgoing, url: &url }.send(&Told::new().message()).await;
        assert!(matches!(&outcome, Outcome::Rejected { reason } if !reason.contains("hunter2")), "{outcome:?}");
    }
}
