//! Slack with the real binaries: the message, the button, and the message changed in place.

use std::sync::{Arc, Mutex};

use domain::incident::Status;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::cases::{function, gateway, opened, policy, standin_with, the_incident};
use crate::paging::look;
use crate::server::{Answer, serve};
use crate::standin::Standin;

const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const ANA: &str = "U0ANA";

/// What Slack was told: the method's path, and the body.
type Told = Arc<Mutex<Vec<(String, Value)>>>;

/// A Slack that says yes to everything, and remembers what it was told.
fn workspace() -> (String, Told) {
    let told = Told::default();
    let inner = Arc::clone(&told);
    let address = serve(move |request| {
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        inner.lock().unwrap().push((request.path.clone(), body));
        Some(Answer::new(200, r#"{"ok":true,"channel":"C1","ts":"1763726400.000100"}"#))
    });
    (address.to_string(), told)
}

fn with_slack() -> Standin {
    let mut policy = policy("127.0.0.1:9");
    let ana = json!({ "slack": ANA, "contacts": [{ "slack": "C1" }] });
    policy.people.insert("ana".to_owned(), serde_json::from_value(ana).unwrap());
    let slack =
        json!({ "bot_token": "ssm:/watchkeeper/slack/token", "signing_secret": "ssm:/watchkeeper/slack/signing" });
    policy.providers.slack = Some(serde_json::from_value(slack).unwrap());
    let standin = standin_with(&policy);
    let mut world = standin.world.lock().unwrap();
    world.parameters.insert("/watchkeeper/slack/token".to_owned(), "xoxb-1".to_owned());
    world.parameters.insert("/watchkeeper/slack/signing".to_owned(), SIGNING.to_owned());
    drop(world);
    standin
}

/// What Slack posts when `user` presses a button, signed with `secret`.
pub fn press(incident: &str, user: &str, secret: &str) -> Value {
    let payload = json!({
        "type": "block_actions", "user": { "id": user }, "container": { "channel_id": "C1", "message_ts": "1763726400.000100" },
        "actions": [{ "action_id": "acknowledge", "value": incident, "action_ts": "1763726401.1" }],
    });
    let body = format!(
        "payload=%{}",
        domain::hex(payload.to_string().as_bytes())
            .as_bytes()
            .chunks(2)
            .map(|two| str::from_utf8(two).unwrap())
            .collect::<Vec<_>>()
            .join("%")
    );
    let now = Timestamp::now().as_second().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let signature = format!("v0={}", domain::hex(&mac.finalize().into_bytes()));
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-slack-request-timestamp", now),
        ("x-slack-signature", signature),
    ];
    gateway("POST", "/v1/slack/interactions", &headers, &body)
}

#[test]
fn c11_i12_a_button_acknowledges_once_and_the_message_shows_it() {
    let (address, told) = workspace();
    let standin = with_slack();
    let incident = opened(&standin);
    let env = [("SLACK_API", format!("http://{address}")), ("WEBHOOK_ALLOW", address.clone())];
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &env);
    page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    let (path, message) = told.lock().unwrap()[0].clone();
    assert_eq!((path.as_str(), &message["channel"]), ("/chat.postMessage", &json!("C1")));
    assert!(message.to_string().contains("\"action_id\":\"acknowledge\""), "{message}");

    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &env);
    let id = incident.to_string();
    let forged = respond.invoke(&press(&id, ANA, "not the signing secret of this app")).unwrap().unwrap();
    assert_eq!(forged["statusCode"], 401);
    for _ in 0..2 {
        let stranger = respond.invoke(&press(&id, "U0STRANGER", SIGNING)).unwrap().unwrap();
        assert_eq!(stranger["statusCode"], 200, "Slack hears 200, and nothing changes");
    }
    assert_eq!(the_incident(&standin).status, Status::Triggered);
    // It is in the log, once, however often they press (faults.md, I12).
    let log = standin.world.lock().unwrap().stream(&incident.stream());
    let denied = log.iter().filter(|entry| entry.body.contains(r#""by":"slack:U0STRANGER""#)).count();
    assert_eq!(denied, 1);

    for _ in 0..2 {
        let pressed = respond.invoke(&press(&id, ANA, SIGNING)).unwrap().unwrap();
        assert_eq!((&pressed["statusCode"], &pressed["body"]), (&json!(200), &json!("")));
    }
    let after = the_incident(&standin);
    assert_eq!(after.acknowledgement.unwrap().by.as_str(), "person:ana");
    let told = told.lock().unwrap();
    let updates: Vec<&Value> = told.iter().filter(|(path, _)| path == "/chat.update").map(|(_, body)| body).collect();
    assert_eq!(updates.len(), 1, "the message is changed once: {told:?}");
    assert!(updates[0].to_string().contains("ana"), "{}", updates[0]);
}
