//! A button that somebody pressed. The caller has checked Slack's signature over these bytes.

use bytes::Bytes;
use domain::incident::IncidentId;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::json;

use super::blocks::escaped;
use super::json_type;
use crate::form::{self, Answer};
use crate::outgoing::{Failure, Outgoing};

/// The longest note to one person.
const NOTE: usize = 1000;

/// What somebody answered by a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Slack's id of who pressed it.
    pub user: String,
    /// The answer.
    pub answer: Answer,
    /// The incident that the button stands for.
    pub incident: IncidentId,
    /// Slack's id of the channel with the message.
    pub channel: String,
    /// Slack's name of the message in it.
    pub ts: String,
    /// Slack's time of the press: the same however often it is delivered (faults.md, C11).
    pub pressed_at: String,
    /// Where a note for this person alone can be sent, for half an hour.
    pub response_url: Option<String>,
}

/// Why a request from Slack is no answer to a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnInteraction {
    /// There is no field `payload` with JSON of Slack's in it.
    #[error("the form has no readable payload")]
    Payload,
    /// It is something else than a button, or not one of ours.
    #[error("the payload is not about a button of ours")]
    Other,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    user: Named,
    #[serde(default)]
    channel: Named,
    #[serde(default)]
    container: Container,
    #[serde(default)]
    actions: Vec<Pressed>,
    #[serde(default)]
    response_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(default)]
    channel_id: String,
    #[serde(default)]
    message_ts: String,
}

#[derive(Deserialize)]
struct Pressed {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    action_ts: String,
}

/// Reads the body of an interaction request.
pub fn interaction(body: &[u8]) -> Result<Interaction, NotAnInteraction> {
    let payload = form::field(body, "payload").ok_or(NotAnInteraction::Payload)?;
    let payload: Payload = serde_json::from_str(&payload).map_err(|_| NotAnInteraction::Payload)?;
    if payload.kind != "block_actions" || payload.user.id.is_empty() {
        return Err(NotAnInteraction::Other);
    }
    let pressed = payload.actions.first().ok_or(NotAnInteraction::Other)?;
    let answer = Answer::parse(&pressed.action_id).ok_or(NotAnInteraction::Other)?;
    let incident = IncidentId::parse(&pressed.value).ok_or(NotAnInteraction::Other)?;
    let Container { channel_id, message_ts } = payload.container;
    let channel = if channel_id.is_empty() { payload.channel.id } else { channel_id };
    Ok(Interaction {
        user: payload.user.id,
        answer,
        incident,
        channel,
        ts: message_ts,
        pressed_at: pressed.action_ts.clone(),
        response_url: payload.response_url.filter(|url| !url.is_empty()),
    })
}

/// Shows `note` to the person who pressed a button, and to nobody else.
pub async fn whisper(outgoing: &Outgoing, response_url: &str, note: &str) -> Result<(), Failure> {
    let body = json!({ "response_type": "ephemeral", "replace_original": false, "text": escaped(note, NOTE) });
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, json_type())]);
    outgoing.post(response_url, headers, Bytes::from(body.to_string())).await.map(drop)
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use serde_json::Value;

    use super::*;
    use crate::outgoing::scripted::{Answer as Scripted, Server};

    fn pressed() -> Value {
        json!({
            "type": "block_actions",
            "user": { "id": "U1", "username": "ana", "team_id": "T1" },
            "team": { "id": "T1" },
            "channel": { "id": "C1" },
            "container": { "type": "message", "message_ts": "1763726400.000100", "channel_id": "C1" },
            "message": { "ts": "1763726400.000100", "text": "a + b & c" },
            "state": { "values": {} },
            "trigger_id": "1.2.3",
            "response_url": "https://hooks.slack.com/actions/T1/1/x",
            "actions": [{
                "action_id": "acknowledge", "block_id": "answer", "type": "button",
                "value": "0123456789abcdef0123-1", "action_ts": "1763726401.1",
            }],
        })
    }

    fn sent(payload: &Value) -> Vec<u8> {
        format!("payload={}", utf8_percent_encode(&payload.to_string(), NON_ALPHANUMERIC)).into_bytes()
    }

    #[test]
    fn a_button_says_who_answered_what_about_which_incident() {
        let read = interaction(&sent(&pressed())).expect("an interaction");
        assert_eq!(
            read,
            Interaction {
                user: "U1".to_owned(),
                answer: Answer::Acknowledge,
                incident: IncidentId::parse("0123456789abcdef0123-1").expect("an id"),
                channel: "C1".to_owned(),
                ts: "1763726400.000100".to_owned(),
                pressed_at: "1763726401.1".to_owned(),
                response_url: Some("https://hooks.slack.com/actions/T1/1/x".to_owned()),
            }
        );
    }

    #[test]
    fn whatever_is_no_button_of_ours_is_no_answer() {
        let with = |pointer: &str, value: Value| {
            let mut payload = pressed();
            *payload.pointer_mut(pointer).expect("a place") = value;
            sent(&payload)
        };
        let table = [
            (with("/type", "view_submission".into()), NotAnInteraction::Other),
            (with("/actions", json!([])), NotAnInteraction::Other),
            (with("/actions/0/action_id", "open".into()), NotAnInteraction::Other),
            (with("/actions/0/value", "x".into()), NotAnInteraction::Other),
            (with("/user/id", "".into()), NotAnInteraction::Other),
            (with("/actions", json!({})), NotAnInteraction::Payload),
            (b"payload=%7B".to_vec(), NotAnInteraction::Payload),
            (b"payload=".to_vec(), NotAnInteraction::Payload),
            (b"{}".to_vec(), NotAnInteraction::Payload),
            (Vec::new(), NotAnInteraction::Payload),
            (b"\xff\xfe".to_vec(), NotAnInteraction::Payload),
        ];
        for (body, why) in table {
            assert_eq!(interaction(&body), Err(why), "{}", String::from_utf8_lossy(&body));
        }
    }

    #[tokio::test]
    async fn a_note_is_for_one_person_and_leaves_the_message_alone() {
        let server = Server::start([Scripted::Whole("200 OK", "ok".to_owned())]);
        let url = format!("http://{}/actions", server.address);
        whisper(&server.client(2000), &url, "Only people of the policy can answer <!here>").await.expect("sent");
        let note = server.seen()[0].json();
        assert_eq!(note["response_type"], "ephemeral");
        assert_eq!(note["replace_original"], false);
        assert_eq!(note["text"], "Only people of the policy can answer &lt;!here&gt;");
    }
}
