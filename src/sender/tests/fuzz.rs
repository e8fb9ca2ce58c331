//! Random and mutated bodies and headers through every parser and the verifier: nothing panics, and nothing that
//! strangers send is ever answered as a fault of ours.

use std::mem;
use std::sync::OnceLock;

use domain::policy::{Integration, Kind, Policy};
use domain::signal::Signal;
use domain::text;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::dice::{Dice, runs};

use super::promises::packed;
use super::{Sent, by_aws, fixtures, is_of_aws, now, policy};

fn bodies() -> &'static [(String, Vec<u8>)] {
    static BODIES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    BODIES.get_or_init(|| fixtures().filter(|(name, _)| !is_of_aws(name)).collect())
}

/// The policy of the tests, with every integration open whose kind can be: what arrives gets past the proof.
fn open() -> Policy {
    let mut policy = policy();
    for integration in policy.integrations.values_mut() {
        if !matches!(integration.kind, Kind::Pagerduty | Kind::Prometheus | Kind::Oncall | Kind::Sns) {
            *integration =
                Integration { mapping: integration.mapping.take(), ..super::integration(integration.kind, None) };
        }
    }
    policy
}

/// Sends mutated fixtures of one sender, to whom everybody else's are strange too.
fn parser(sender: &str) {
    let policy = open();
    let own: Vec<_> =
        bodies().iter().filter(|(name, _)| name.trim_start_matches("malformed-").starts_with(sender)).collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for run in 0..runs() {
        let (name, body) = own[dice.roll(own.len())];
        let other = &bodies()[dice.roll(bodies().len())].1;
        let body = if dice.roll(20) == 0 { dice.bytes(400) } else { dice.mutate(body.clone(), other) };
        let mut sent = Sent { body, ..Sent::fixture(name.trim_start_matches("malformed-"), b"") };
        if dice.roll(20) == 0 {
            sent = sent.with("content-encoding", "gzip");
            if dice.roll(4) > 0 {
                sent.body = packed(&sent.body);
            }
            if dice.roll(2) == 0 {
                sent.body = dice.mutate(sent.body, other);
            }
        }
        sound(&sent, &policy, run);
    }
}

fn sound(sent: &Sent, policy: &Policy, run: u64) {
    let shown = || format!("run {run}: {} {}", sent.path, String::from_utf8_lossy(&sent.body));
    match sent.receive_by(policy) {
        Err(refused) => assert!((400..500).contains(&refused.reply.status), "{}", shown()),
        Ok(received) => {
            assert!([200, 202, 400].contains(&received.reply.status), "{}", shown());
            bounded(&received.signals, shown);
        }
    }
}

fn bounded(signals: &[Signal], shown: impl Fn() -> String) {
    for signal in signals {
        assert!(signal.alert.title.chars().count() <= text::TITLE, "{}", shown());
        assert!(signal.alert.labels.len() <= text::LABELS, "{}", shown());
        assert!(signal.at <= signal.received_at && signal.unique_since <= signal.received_at, "{}", shown());
    }
}

/// Twists the events of one service of AWS, or mails: with these nobody is at the door, so nothing may fail but by a name.
fn events(service: &str) {
    let read = |(_, body): (String, Vec<u8>)| serde_json::from_slice::<Value>(&body).expect("JSON");
    let own: Vec<Value> = fixtures().filter(|(name, _)| name.starts_with(service)).map(read).collect();
    let (policy, at) = (policy(), now());
    let mut dice = Dice(0x6a09_e667_f3bc_c909);
    for run in 0..runs() {
        let mut event = own[dice.roll(own.len())].clone();
        for _ in 0..=dice.roll(4) {
            dice.twist(&mut event);
        }
        // What SNS carries is an event in a text.
        if let Some(text) = event.pointer_mut("/Records/0/Sns/Message")
            && let Some(mut inner) = text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
        {
            // What SES carries is a mail in a text in that; what is not twisted around it is still believed.
            let other = own[dice.roll(own.len())].to_string();
            match inner.get_mut("content") {
                Some(Value::String(mail)) if dice.roll(2) == 0 => {
                    let bytes = dice.mutate(mem::take(mail).into_bytes(), other.as_bytes());
                    *mail = String::from_utf8_lossy(&bytes).into_owned();
                }
                _ => dice.twist(&mut inner),
            }
            *text = inner.to_string().into();
        }
        if let Ok(signals) = by_aws(&event, &policy, at) {
            bounded(&signals, || format!("run {run}: {event}"));
        }
    }
}

macro_rules! parsers {
    ($fuzz:ident, $($test:ident: $sender:literal),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                $fuzz($sender);
            }
        )+
    };
}

parsers! {
    parser,
    no_body_makes_alertmanager_s_parser_fail: "alertmanager",
    no_body_makes_datadog_s_parser_fail: "datadog",
    no_body_makes_the_generic_parser_fail: "generic",
    no_body_makes_github_s_parser_fail: "github",
    no_body_makes_gitlab_s_parser_fail: "gitlab",
    no_body_makes_grafana_s_parser_fail: "grafana",
    no_body_makes_intercom_s_parser_fail: "intercom",
    no_body_makes_oncall_s_parser_fail: "oncall",
    no_body_makes_pagerduty_s_parser_fail: "pagerduty-",
    no_body_makes_pagerduty_s_older_parser_fail: "pagerdutyv1",
    no_body_makes_pagerduty_s_webhook_parser_fail: "pagerdutywebhook",
    no_body_makes_prometheus_s_parser_fail: "prometheus",
    no_body_makes_sns_s_parser_fail: "sns",
    no_body_makes_sentry_s_parser_fail: "sentry",
    no_body_makes_zendesk_s_parser_fail: "zendesk",
    no_body_makes_a_mapping_fail: "mapped",
}

parsers! {
    events,
    no_event_makes_the_parser_of_alarms_fail: "cloudwatch",
    no_event_makes_the_parser_of_backups_fail: "backup",
    no_event_makes_the_parser_of_changes_fail: "deploy",
    no_event_makes_the_parser_of_costs_fail: "cost",
    no_mail_makes_its_parser_fail: "email",
    no_event_makes_guardduty_s_parser_fail: "guardduty",
    no_event_makes_health_s_parser_fail: "health",
    no_event_makes_security_hub_s_parser_fail: "securityhub",
}

/// Headers and bodies of which anything may be changed: what is taken was signed as it came.
#[test]
fn no_header_makes_the_verifier_fail_or_believe() {
    let policy = policy();
    let signed: Vec<_> = bodies()
        .iter()
        .filter(|(name, _)| {
            let sender = name.split('-').next().unwrap_or_default();
            ["generic", "github", "grafana", "intercom", "pagerdutywebhook", "sentry", "zendesk"].contains(&sender)
        })
        .map(|(name, body)| Sent::fixture(name, body))
        .collect();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for run in 0..runs() {
        let good = &signed[dice.roll(signed.len())];
        let mut sent = good.clone();
        let names: Vec<HeaderName> = sent.headers.keys().filter(|name| *name != "content-type").cloned().collect();
        let name = names[dice.roll(names.len())].clone();
        let value = sent.headers[&name].as_bytes().to_vec();
        let other = signed[dice.roll(signed.len())].headers.values().next().expect("a header").as_bytes().to_vec();
        match dice.roll(4) {
            0 => drop(sent.headers.remove(&name)),
            1 => sent.body = dice.mutate(sent.body, &other),
            _ => {
                if let Ok(value) = HeaderValue::from_bytes(&dice.mutate(value, &other)) {
                    sent.headers.insert(name.clone(), value);
                }
            }
        }
        sound(&sent, &policy, run);
        if sent.receive_by(&policy).is_ok() {
            assert_eq!(sent.body, good.body, "run {run}");
            // More signatures may stand beside the good one, and nothing but blanks around what is signed.
            let still = |name: &HeaderName| {
                let (now, before) = (sent.headers.get(name), good.headers.get(name));
                let text = |value: Option<&HeaderValue>| {
                    String::from_utf8_lossy(value.map_or(&[], HeaderValue::as_bytes)).into_owned()
                };
                text(now).contains(text(before).trim())
            };
            assert!(names.iter().all(still), "run {run}: {} {:?}", sent.path, sent.headers);
        }
    }
}
