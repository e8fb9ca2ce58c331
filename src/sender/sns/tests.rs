//! What holds of SNS: which topics, which certificates, and every byte that is signed.

use domain::policy::Kind;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::sender::tests::{CERTIFICATE, Sent, fixtures, now, policy};

const FIXTURES: [&str; 3] = ["sns-alarm", "sns-ok", "sns-confirmation-ignored"];

fn message(name: &str) -> Value {
    let (_, body) = fixtures().find(|(known, _)| known == name).expect("a fixture");
    serde_json::from_slice(&body).expect("JSON")
}

fn sent(message: &Value) -> Sent {
    Sent::fixture("sns", message.to_string().as_bytes())
}

fn needed(message: &Value) -> Option<String> {
    let sent = sent(message);
    sent.with_request(|request| certificate(request, &policy().integrations["sns"]))
}

#[test]
fn a_message_of_a_topic_that_is_named_is_verified_and_says_what_the_alarm_says() {
    let alarm = sent(&message("sns-alarm")).receive().expect("taken");
    let ok = sent(&message("sns-ok")).receive().expect("taken");
    assert_eq!((alarm.integration.as_str(), alarm.signals.len(), alarm.reply.status), ("sns", 1, 200));
    assert_eq!(alarm.signals[0].fingerprint, ok.signals[0].fingerprint);
    let again = Sent { at: now() + SignedDuration::from_hours(24), ..sent(&message("sns-alarm")) };
    let again = again.receive().expect("SNS tries for a while");
    assert_eq!((&again.signals[0].id, again.signals[0].at), (&alarm.signals[0].id, alarm.signals[0].at));
}

#[test]
fn one_changed_bit_of_what_is_signed_is_refused() {
    for name in FIXTURES {
        let good = message(name);
        let signed: Vec<&str> = match name {
            "sns-confirmation-ignored" => {
                vec!["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type", "Signature"]
            }
            "sns-alarm" => vec!["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"],
            _ => vec!["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Signature"],
        };
        for field in signed {
            let text = good[field].as_str().expect("a text");
            for place in 0..text.len() {
                let mut bytes = text.as_bytes().to_vec();
                bytes[place] ^= 1;
                let mut other = good.clone();
                other[field] = String::from_utf8(bytes).expect("ASCII").into();
                let status = sent(&other).refused().reply.status;
                assert!([400, 401, 403].contains(&status), "{name}: {field} {place}: {status}");
            }
        }
        let mut other = good.clone();
        other["Subject"] = if good.get("Subject").is_some() { Value::Null } else { "".into() };
        // A confirmation has no subject, so nobody signs or reads one.
        assert_eq!(sent(&other).receive().is_ok(), name == "sns-confirmation-ignored", "{name}");
    }
}

#[test]
fn b19_for_other_topics_and_other_certificates_nothing_is_fetched_and_nothing_confirmed() {
    let good = message("sns-confirmation-ignored");
    let address = good["SigningCertURL"].as_str().expect("a URL").to_owned();
    assert_eq!(needed(&good), Some(address.clone()));
    let url = |url: &str| ("SigningCertURL", url.to_owned(), 401);
    let file = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8";
    let table = [
        ("TopicArn", "arn:aws:sns:us-east-1:111122223333:another".to_owned(), 403),
        ("TopicArn", "arn:aws:sns:us-east-1:999999999999:watchkeeper-alarms".to_owned(), 403),
        url("https://example.com/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem"),
        url(&format!("http://sns.us-east-1.amazonaws.com/{file}.pem")),
        url(&format!("https://sns.eu-west-1.amazonaws.com/{file}.pem")),
        url(&format!("https://sns.us-east-1.amazonaws.com.example.com/{file}.pem")),
        url(&format!("https://sns.us-east-1.amazonaws.com@example.com/{file}.pem")),
        url(&format!("https://sns.us-east-1.amazonaws.com:8443/{file}.pem")),
        url("https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&x=.pem"),
        url(&format!("https://sns.us-east-1.amazonaws.com/{file}.pem?x=.pem")),
        url(&format!("https://sns.us-east-1.amazonaws.com/../{file}.pem")),
        url(""),
    ];
    for (field, value, status) in table {
        let mut other = good.clone();
        other[field] = value.as_str().into();
        assert_eq!(needed(&other), None, "{value}");
        assert_eq!(sent(&other).refused().reply.status, status, "{value}");
    }
    assert_eq!(address, format!("https://sns.us-east-1.amazonaws.com/{file}.pem"));
}

#[test]
fn for_who_sends_from_another_network_nothing_is_fetched() {
    let mut policy = policy();
    policy.integrations.get_mut("sns").expect("it is there").from = vec!["127.0.0.0/8".parse().expect("a network")];
    let door = super::super::Door::Signals("sns".to_owned());
    let sent = sent(&message("sns-alarm"));
    for (source, fetched) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let sent = Sent { source: source.parse().ok(), ..sent.clone() };
        let needed = sent.with_request(|request| super::super::certificate_needed(&door, request, &policy));
        assert_eq!(needed.is_some(), fetched, "{source}");
    }
}

#[test]
fn b19_a_subscription_is_taken_at_sns_s_own_address_alone() {
    let confirmed =
        |message: &Value| sent(message).with_request(|request| confirmation(request, &policy().integrations["sns"]));
    let good = message("sns-confirmation-ignored");
    assert_eq!(confirmed(&good).as_deref(), good["SubscribeURL"].as_str());
    assert_eq!(confirmed(&message("sns-alarm")), None);
    for url in [
        "https://example.com/?Action=ConfirmSubscription&Token=t",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
        "https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&Token=t",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t\r\nX: y",
    ] {
        let mut other = good.clone();
        other["SubscribeURL"] = url.into();
        assert_eq!(confirmed(&other), None, "{url}");
    }
}

#[test]
fn without_its_certificate_or_by_another_nothing_is_believed() {
    let good = sent(&message("sns-alarm"));
    let upside_down: &str = CERTIFICATE.lines().rev().collect::<Vec<_>>().join("\n").leak();
    for certificate in
        [None, Some(""), Some(upside_down), Some("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")]
    {
        let other = Sent { certificate, ..good.clone() };
        assert_eq!(other.refused().reason, "signature", "{certificate:?}");
    }
    for hours in [15 * 24, -1] {
        let other = Sent { at: now() + SignedDuration::from_hours(hours), ..good.clone() };
        assert_eq!(other.refused().reason, "stale", "{hours}");
    }
    let mut policy = policy();
    policy.integrations.get_mut("sns").expect("an integration").topics.clear();
    assert_eq!(good.receive_by(&policy).expect_err("no topic is named").reply.status, 403);
    assert_eq!(policy.integrations["sns"].kind, Kind::Sns);
}

proptest! {
    #[test]
    fn no_certificate_makes_its_reader_fail(
        bytes in prop::collection::vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let pem = |der: &[u8]| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", BASE64.encode(der));
        let _ = public_key(&bytes);
        let _ = public_key(pem(&bytes).as_bytes());
        let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = BASE64.decode(body).expect("base64");
        let place = place.index(der.len());
        der[place] = byte;
        let _ = public_key(pem(&der).as_bytes());
    }
}
