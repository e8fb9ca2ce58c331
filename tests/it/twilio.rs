//! Twilio with the real binaries: texts, replies, calls, and what became of them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::escalation::Fate;
use domain::incident::{IncidentId, Status};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::cases::{function, gateway, opened, policy, standin_with, the_incident};
use crate::paging::look;
use crate::runtime::Function;
use crate::server::{Answer, serve};
use crate::standin::Standin;

const TOKEN: &str = "12345678901234567890123456789012";
const ANA: &str = "+15550100";

/// The forms that Twilio was sent, each as its decoded fields.
type Sent = Arc<Mutex<Vec<Vec<(String, String)>>>>;

/// The account, the functions around it, and what it was asked to send.
pub struct World {
    pub standin: Standin,
    pub incident: IncidentId,
    pub page: Function,
    respond: Function,
    pub sent: Sent,
}

impl World {
    /// Ana is texted first and called second, and her incident is open.
    pub fn start() -> Self {
        let sent = Sent::default();
        let inner = Arc::clone(&sent);
        let address = serve(move |request| {
            let body = String::from_utf8(request.body).unwrap();
            let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
            let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
            inner.lock().unwrap().push(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect());
            Some(Answer::new(201, r#"{"sid":"SM1","status":"queued"}"#))
        });
        let mut policy = policy("127.0.0.1:9");
        let ana = json!({ "contacts": [{ "twilio_sms": ANA }, { "voice": ANA }] });
        policy.people.insert("ana".to_owned(), serde_json::from_value(ana).unwrap());
        let twilio = json!({
            "account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "ssm:/watchkeeper/twilio", "from": "+15550199",
        });
        policy.providers.twilio = Some(serde_json::from_value(twilio).unwrap());
        let standin = standin_with(&policy);
        standin.world.lock().unwrap().parameters.insert("/watchkeeper/twilio".to_owned(), TOKEN.to_owned());
        let incident = opened(&standin);
        let env = [("TWILIO_API", format!("http://{address}")), ("WEBHOOK_ALLOW", address.to_string())];
        let page = function(env!("CARGO_BIN_EXE_page"), &standin, &env);
        let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &env);
        Self { standin, incident, page, respond, sent }
    }

    /// The same, and she was texted.
    fn paged() -> Self {
        let world = Self::start();
        world.page.invoke(&look(&world.incident, "e/page/1")).unwrap().unwrap();
        world
    }

    /// A field of the message that was sent last.
    fn last(&self, name: &str) -> String {
        let sent = self.sent.lock().unwrap();
        sent.last().unwrap().iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    /// What Watchkeeper answers when Twilio posts `fields` to `url`.
    fn posts(&self, url: &str, fields: &[(&str, &str)], token: &str) -> (u64, String) {
        let reply: Value = self.respond.invoke(&posted(url, fields, token)).unwrap().unwrap();
        (reply["statusCode"].as_u64().unwrap(), reply["body"].as_str().unwrap().to_owned())
    }

    fn reply(&self, from: &str, body: &str) -> String {
        let sid = format!("SM{}", self.standin.world.lock().unwrap().calls.len());
        let fields = [("From", from), ("Body", body), ("MessageSid", sid.as_str())];
        let (status, said) = self.posts("https://watchkeeper.test/v1/twilio/sms", &fields, TOKEN);
        assert_eq!(status, 200, "{said}");
        said
    }

    /// The code that the last text asks for.
    fn code(&self) -> String {
        let body = self.last("Body");
        body.split_once("Reply 4 ").unwrap().1.split(' ').next().unwrap().to_owned()
    }
}

/// What Twilio posts to `url`, signed with `token`.
pub fn posted(url: &str, fields: &[(&str, &str)], token: &str) -> Value {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(format!("{name}{value}").as_bytes());
    }
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-twilio-signature", BASE64.encode(mac.finalize().into_bytes())),
    ];
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let path = url.strip_prefix("https://watchkeeper.test").unwrap();
    gateway("POST", path, &headers, &body.join("&"))
}

#[test]
fn a_reply_acknowledges_and_i15_a_stale_or_foreign_code_is_explained_and_changes_nothing() {
    let world = World::paged();
    let code = world.code();
    let other = if code == "0000" { "0001" } else { "0000" };
    for (from, body) in [(ANA, format!("4 {other}")), ("+15550177", format!("4 {code}")), (ANA, "yes".to_owned())] {
        let said = world.reply(from, &body);
        assert!(said.contains("<Message>") && !said.contains("Acknowledged"), "{said}");
        assert_eq!(the_incident(&world.standin).status, Status::Triggered, "{body}");
    }
    let said = world.reply(ANA, &format!("4 {code}"));
    assert!(said.contains("<Message>Acknowledged: "), "{said}");
    let after = the_incident(&world.standin);
    assert_eq!(after.status, Status::Acknowledged);
    assert!(after.acknowledgement.unwrap().by.as_str().contains("ana"));

    assert!(world.reply(ANA, &format!("6 {code}")).contains("Resolved: "));
    let said = world.reply(ANA, &format!("4 {code}"));
    assert!(said.contains("Nothing changed: no open alert"), "{said}");
    assert_eq!(the_incident(&world.standin).status, Status::Resolved);
}

#[test]
fn what_twilio_did_not_sign_changes_nothing() {
    let world = World::paged();
    let fields = [("From", ANA), ("Body", "4 0000"), ("MessageSid", "SM9")];
    let before = the_incident(&world.standin);
    let status = world.last("StatusCallback");
    for url in ["https://watchkeeper.test/v1/twilio/sms", status.as_str()] {
        assert_eq!(world.posts(url, &fields, "another token").0, 401, "{url}");
    }
    assert_eq!(the_incident(&world.standin), before);
}

#[test]
fn j04_what_did_not_arrive_is_followed_by_the_next_contact_at_once_and_a_key_answers_the_call() {
    let world = World::paged();
    let status = world.last("StatusCallback");
    let tells = |word: &str| {
        let fields = [("MessageSid", "SM1"), ("MessageStatus", word), ("ErrorCode", "30003")];
        assert_eq!(world.posts(&status, &fields, TOKEN).0, 204, "{word}");
    };
    tells("sent");
    assert!(matches!(the_incident(&world.standin).paging.deliveries[0].fate, Fate::Accepted { .. }));
    tells("undelivered");
    tells("undelivered");
    tells("delivered");
    let failed = the_incident(&world.standin);
    assert!(matches!(failed.paging.deliveries[0].fate, Fate::Failed { undelivered: true, .. }), "{failed:?}");
    assert_eq!(world.standin.world.lock().unwrap().executions.len(), 2, "somebody looks at once, and once only");

    world.page.invoke(&look(&world.incident, "e/page/2")).unwrap().unwrap();
    assert_eq!(world.sent.lock().unwrap().len(), 2);
    let script = world.last("Twiml");
    let action = script.split_once("action=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let press = |key: &str| world.posts(&action, &[("CallSid", "CA1"), ("Digits", key)], TOKEN).1;
    for key in ["1", "9", ""] {
        assert!(press(key).contains("<Gather"), "{key}");
        assert_eq!(the_incident(&world.standin).status, Status::Triggered);
    }
    assert!(press("4").contains("<Say>Acknowledged: "));
    assert_eq!(the_incident(&world.standin).status, Status::Acknowledged);
}

#[test]
fn j04_what_arrived_is_shown_as_delivered_and_an_older_attempt_says_nothing() {
    let world = World::paged();
    let status = world.last("StatusCallback");
    let fields = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
    let older = format!("{}7", status.strip_suffix('1').unwrap());
    assert_eq!(world.posts(&older, &fields, TOKEN).0, 204);
    let delivered = || match the_incident(&world.standin).paging.deliveries[0].fate.clone() {
        Fate::Accepted { delivered_at, .. } => delivered_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(delivered(), None);
    assert_eq!(world.posts(&status, &fields, TOKEN).0, 204);
    assert!(delivered().is_some());
}
