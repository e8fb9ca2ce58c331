//! Every door of ingest, with the real binary: what it answers, and what is on the queue afterwards.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeeper::secret::Secret;
use watchkeeper::sender::verify::{self, table::GITHUB};

use crate::cases::{ROUTING_KEY, WEBHOOK_SECRET, function, gateway, policy, standin, standin_with};
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

type Headers = Vec<(&'static str, String)>;

fn json_type() -> Headers {
    vec![("content-type", "application/json".to_owned())]
}

fn ingest(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_ingest"), standin, &[])
}

fn queued(standin: &Standin) -> usize {
    standin.world.lock().unwrap().queues.get("signals").map_or(0, Vec::len)
}

fn signed(id: &str, body: &str, secret: &str, ago: i64) -> Headers {
    let at = Timestamp::from_second(Timestamp::now().as_second() - ago).unwrap();
    let signature = verify::sign(&[Secret::new(secret)], id, at, body.as_bytes()).unwrap();
    let mut headers = json_type();
    headers.push(("webhook-id", id.to_owned()));
    headers.push(("webhook-timestamp", at.as_second().to_string()));
    headers.push(("webhook-signature", signature));
    headers
}

fn pagerduty(action: &str) -> String {
    let event = json!({
        "routing_key": ROUTING_KEY, "event_action": action, "dedup_key": "samplekeyhere",
        "payload": {
            "summary": "Example alert on host1.example.com", "timestamp": "2015-07-17T08:42:58.315+0000",
            "source": "monitoringtool:host1.example.com/a", "severity": "info", "component": "postgres",
            "group": "prod-datapipe", "class": "deploy",
            "custom_details": { "ping time": "1500ms", "load avg": 0.75 },
        },
        "images": [{ "src": "https://www.example.com/chart.png", "href": "https://example.com/", "alt": "Example text" }],
        "links": [{ "href": "https://example.com/", "text": "Link text" }],
        "client": "Sample Monitoring Service", "client_url": "https://monitoring.example.com",
    });
    event.to_string()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default()
}

#[test]
fn a01_pagerdutys_own_sample_is_answered_as_pagerduty_answers_it() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    let answer = ingest.invoke(&gateway("POST", "/v2/enqueue", &json_type(), &pagerduty("trigger"))).unwrap().unwrap();
    assert_eq!(answer["statusCode"], 202, "{answer}");
    let expected = json!({ "status": "success", "message": "Event processed", "dedup_key": "samplekeyhere" });
    assert_eq!(body(&answer), expected);
    assert_eq!(queued(&standin), 1);

    // A client that sends base64 through the HTTP API hears the same.
    let mut event = gateway("POST", "/v2/enqueue", &json_type(), &STANDARD.encode(pagerduty("resolve")));
    event["isBase64Encoded"] = json!(true);
    assert_eq!(ingest.invoke(&event).unwrap().unwrap()["statusCode"], 202);
    assert_eq!(queued(&standin), 2);
}

#[test]
fn a19_b01_b02_b18_what_cannot_be_taken_is_refused_in_the_senders_dialect_and_never_queued() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    let good = json!({ "type": "alert.triggered", "key": "k", "title": "t" }).to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let big = format!("\"{}\"", "x".repeat(600_000));
    let form: Headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let own = |body: &str| signed("msg_1", body, WEBHOOK_SECRET, 0);
    let short = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    // Method, path, headers, body; then the status.
    let table: Vec<(&str, &str, Headers, &str, u16)> = vec![
        ("POST", "/v2/enqueue", json_type(), "", 400),
        ("POST", "/v2/enqueue", json_type(), "null", 400),
        ("POST", "/v2/enqueue", json_type(), "[]", 400),
        ("POST", "/v2/enqueue", json_type(), "{\"routing_key\":", 400),
        ("POST", "/v2/enqueue", json_type(), "{\"routing_key\":7}", 400),
        ("POST", "/v2/enqueue", json_type(), &deep, 400),
        ("POST", "/v2/enqueue", json_type(), &big, 413),
        ("POST", "/v2/enqueue", form.clone(), &good, 415),
        ("GET", "/v2/enqueue", json_type(), "", 405),
        ("DELETE", "/v2/change/enqueue", json_type(), "", 405),
        ("PUT", "/api/v2/alerts", json_type(), "[]", 405),
        ("POST", "/v2/change/enqueue", json_type(), "{}", 400),
        ("POST", "/api/v2/alerts", json_type(), "{}", 400),
        ("POST", "/api/v2/alerts", json_type(), "[{\"labels\":{}}]", 400),
        ("POST", "/v1/signals/alertmanager", json_type(), "{\"version\":\"3\"}", 400),
        ("POST", "/v1/signals/nobody", json_type(), &good, 404),
        ("POST", "/v1/signals/pagerduty", json_type(), &good, 404),
        ("POST", "/v1/signals/generic", json_type(), &good, 401),
        ("POST", "/v1/signals/generic", signed("msg_1", &good, short, 0), &good, 401),
        ("POST", "/v1/signals/generic", signed("msg_1", &good, WEBHOOK_SECRET, 302), &good, 401),
        ("POST", "/v1/signals/generic", signed("msg_1", &good, WEBHOOK_SECRET, -302), &good, 401),
        ("POST", "/v1/signals/generic", own("{}"), &good, 401),
        ("POST", "/v1/signals/generic", own("{\"type\":\"nothing\"}"), "{\"type\":\"nothing\"}", 400),
    ];
    for (method, path, headers, text, status) in table {
        let answer = ingest.invoke(&gateway(method, path, &headers, text)).unwrap().unwrap();
        let shown: String = text.chars().take(40).collect();
        assert_eq!(answer["statusCode"], status, "{method} {path} {shown}: {answer}");
        let kind = answer["headers"]["content-type"].as_str().unwrap();
        assert!(kind.ends_with("json"), "{method} {path}: {kind}");
        assert_eq!(answer["headers"]["allow"].is_string() || answer["headers"]["Allow"].is_string(), status == 405);
    }
    assert_eq!(queued(&standin), 0, "nothing is queued that was refused");
}

#[test]
fn a_batch_of_any_size_is_on_the_queue_before_it_is_answered_and_each_alert_once() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    let alert = |number: usize| json!({ "labels": { "alertname": "HighMemory", "instance": format!("web-{number}") } });
    let alerts = |count: usize| (0..count).map(alert).collect::<Value>().to_string();
    let group = |count: usize| {
        let fired = |number| {
            let mut alert = alert(number);
            alert["status"] = "firing".into();
            alert
        };
        json!({ "version": "4", "alerts": (0..count).map(fired).collect::<Value>() }).to_string()
    };
    for (path, body, count) in [
        ("/api/v2/alerts", alerts(2501), 2501),
        ("/v1/signals/alertmanager", group(1234), 1234),
        ("/api/v2/alerts", alerts(10_001), 0),
    ] {
        let answer = ingest.invoke(&gateway("POST", path, &json_type(), &body)).unwrap().unwrap();
        assert_eq!(answer["statusCode"], if count == 0 { 413 } else { 200 }, "{path}");
        let queued = standin.world.lock().unwrap().queues.remove("signals").unwrap_or_default();
        let read = |message: &String| serde_json::from_str::<Value>(message).unwrap();
        let ids: BTreeSet<String> = queued.iter().map(|message| read(message)["id"].to_string()).collect();
        let problems: BTreeSet<String> = queued.iter().map(|message| read(message)["key"].to_string()).collect();
        assert_eq!((queued.len(), ids.len(), problems.len()), (count, count, count), "{path}");
    }
    // When one call of many fails, nobody is told that all is well.
    standin.breaks(|call, name| match name {
        _ if name.starts_with("AmazonSQS") && call > 20 => Fault::Trouble,
        _ => Fault::None,
    });
    let answer = ingest.invoke(&gateway("POST", "/api/v2/alerts", &json_type(), &alerts(2501))).unwrap().unwrap();
    assert_eq!(answer["statusCode"], 503);
}

#[test]
fn a15_d11_when_we_cannot_do_our_part_the_sender_is_asked_to_come_back() {
    let broken = ["AmazonSSM", "AmazonSQS", "GET /policies"];
    let cases = broken.into_iter().flat_map(|broken| [(broken, Fault::Trouble), (broken, Fault::Throttled)]);
    for (broken, fault) in cases {
        // A15: among several secrets, too.
        let mut policy = json!(policy("127.0.0.1:9"));
        policy["integrations"]["second"] = json!({ "kind": "pagerduty", "secret": "ssm:/watchkeeper/second" });
        let standin = standin_with(&serde_json::from_value(policy).unwrap());
        let ingest = ingest(&standin);
        standin.breaks(move |_, name| if name.starts_with(broken) { fault } else { Fault::None });
        let answer =
            ingest.invoke(&gateway("POST", "/v2/enqueue", &json_type(), &pagerduty("trigger"))).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 503, "{broken}: {answer}");
        standin.mend();
        let answer =
            ingest.invoke(&gateway("POST", "/v2/enqueue", &json_type(), &pagerduty("trigger"))).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 202, "{broken} is back: {answer}");
    }
}

#[test]
fn a13_a14_a_secret_that_was_replaced_a_moment_ago_is_fetched_before_anybody_is_refused() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    let text = json!({ "type": "alert.triggered", "key": "k", "title": "t" }).to_string();
    let send = |id: &str, secret: &str| {
        let event = gateway("POST", "/v1/signals/generic", &signed(id, &text, secret, 0), &text);
        ingest.invoke(&event).unwrap().unwrap()["statusCode"].as_u64().unwrap()
    };
    assert_eq!(send("m1", WEBHOOK_SECRET), 202);
    let newer = "whsec_bmV3ZXIgdGhhbiB0aGUgb3RoZXIgc2VjcmV0IDEyMzQ=";
    let both = format!("{newer}\n{WEBHOOK_SECRET}");
    standin.world.lock().unwrap().parameters.insert("/watchkeeper/integrations/generic".to_owned(), both);
    assert_eq!(send("m2", newer), 202);
    assert_eq!(send("m3", WEBHOOK_SECRET), 202, "the old one is still valid");
}

#[test]
fn alarms_of_cloudwatch_come_by_eventbridge_and_by_sns() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    for name in ["cloudwatch-alarm", "cloudwatch-ok", "cloudwatch-sns-alarm"] {
        let path = format!("{}/events/ingest/{name}.json", env!("CARGO_MANIFEST_DIR"));
        ingest.invoke_text(std::fs::read_to_string(path).unwrap()).unwrap().unwrap();
    }
    assert_eq!(queued(&standin), 3);
    let failure = ingest.invoke(&json!({ "detail-type": "something else" })).unwrap().unwrap_err();
    assert_eq!(failure.name, "InvalidEvent");
}

#[test]
fn other_senders_come_to_doors_of_their_own_and_no_token_of_an_address_is_written_down() {
    let mut policy = serde_json::to_value(policy("127.0.0.1:9")).unwrap();
    let with =
        |kind: &str, secret: &str| json!({ "kind": kind, "secret": format!("ssm:/watchkeeper/integrations/{secret}") });
    policy["integrations"]["github"] = with("github", "generic");
    policy["integrations"]["oncall"] = with("oncall", "pagerduty");
    let standin = standin_with(&serde_json::from_value(policy).unwrap());
    let ingest = ingest(&standin);
    let fixture = |name: &str| {
        let path = format!("{}/events/ingest/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let failed = fixture("github-workflow-failure");
    let secret = Secret::new(WEBHOOK_SECRET);
    let mut signed = json_type();
    for (_, value) in verify::headers(&GITHUB, &secret, "", Timestamp::now(), failed.as_bytes()).unwrap() {
        signed.push(("x-hub-signature-256", value));
    }
    let oncall = format!("/integrations/v1/formatted_webhook/{ROUTING_KEY}/");
    let wrong = "/integrations/v1/formatted_webhook/4f1c9b-canary/";
    let table = [
        ("/v1/signals/github", signed, failed.as_str(), 202),
        ("/v1/signals/github", json_type(), failed.as_str(), 401),
        ("/generic/2010-04-15/create_event.json", json_type(), &fixture("pagerdutyv1-trigger"), 200),
        (&oncall, json_type(), &fixture("oncall-alerting"), 202),
        (wrong, json_type(), &fixture("oncall-alerting"), 401),
    ];
    for (path, headers, body, status) in table {
        let answer = ingest.invoke(&gateway("POST", path, &headers, body)).unwrap().unwrap();
        assert_eq!(answer["statusCode"], status, "{path}: {answer}");
        assert!(!answer.to_string().contains("canary"), "{answer}");
    }
    assert_eq!(queued(&standin), 3);
    let logs = ingest.logs();
    assert!(!logs.contains(ROUTING_KEY) && !logs.contains("canary"), "{logs}");
}

#[test]
fn mails_come_by_ses_and_a_refused_one_is_counted_and_kept_if_it_is_ours_and_nothing_of_it_is_written_down() {
    let mut policy = serde_json::to_value(policy("127.0.0.1:9")).unwrap();
    policy["integrations"]["mailbox"] = json!({ "kind": "email", "secret": "ssm:/watchkeeper/integrations/pagerduty" });
    let standin = standin_with(&serde_json::from_value(policy).unwrap());
    let ingest = ingest(&standin);
    let mail = |name: &str, token: &str| {
        let path = format!("{}/events/ingest/email-{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap().replace("9f2c4e6a8b0d1f3e5a7c9b2d", token)
    };
    for name in ["firing", "clearing", "base64"] {
        // In base64 the address is only outside of the mail, which is where it is looked for.
        ingest.invoke_text(mail(name, ROUTING_KEY)).unwrap().unwrap();
    }
    assert_eq!(queued(&standin), 3);
    let failure = ingest.invoke_text(mail("forged-refused", ROUTING_KEY)).unwrap().unwrap_err();
    assert_eq!(failure.name, "InvalidEvent", "somebody may wait for it, so it is kept");
    for stranger in ["firing", "forged-refused"] {
        ingest.invoke_text(mail(stranger, "4f1c9b-canary")).unwrap().unwrap();
    }
    assert_eq!(queued(&standin), 3);
    let failure = ingest.invoke_text(mail("firing", ROUTING_KEY).replace("spamVerdict", "spam")).unwrap().unwrap_err();
    assert_eq!(failure.name, "InvalidEvent", "what cannot be read is kept");

    let logs = ingest.logs();
    for reason in ["dmarc", "token"] {
        assert!(logs.contains(&format!(r#""reason":"{reason}""#)), "{reason}: {logs}");
    }
    for secret in [ROUTING_KEY, "canary", "nagios@", "Disk full"] {
        assert!(!logs.contains(secret), "{secret}: {logs}");
    }

    standin.world.lock().unwrap().parameters.remove("/watchkeeper/integrations/pagerduty");
    let fresh = self::ingest(&standin);
    let failure = fresh.invoke_text(mail("firing", ROUTING_KEY)).unwrap().unwrap_err();
    assert_eq!(failure.name, "Misconfigured", "a mail is not given up because our own secret is missing");
}

#[test]
fn b14_l06_what_is_refused_is_counted_and_no_secret_is_ever_written_down() {
    let standin = standin("127.0.0.1:9");
    let ingest = ingest(&standin);
    let canary = "canary-4f1c9b";
    let text = json!({ "type": "alert.triggered", "key": canary, "title": canary }).to_string();
    let other = "whsec_Y2FuYXJ5LXNlY3JldC1jYW5hcnktc2VjcmV0LTQyNDI=";
    for headers in [signed("m1", &text, WEBHOOK_SECRET, 0), signed("m2", &text, other, 0), json_type()] {
        ingest.invoke(&gateway("POST", "/v1/signals/generic", &headers, &text)).unwrap().unwrap();
    }
    ingest.invoke(&gateway("POST", "/v2/enqueue", &json_type(), &pagerduty("trigger"))).unwrap().unwrap();
    ingest.invoke(&json!({ "detail-type": canary })).unwrap().unwrap_err();

    let logs = ingest.logs();
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    let metrics: Vec<&Value> = lines.iter().filter(|line| line["_aws"].is_object()).collect();
    let counted =
        |name: &str, of: &str| metrics.iter().any(|line| line[name].is_number() && line.to_string().contains(of));
    assert!(counted("requests_refused", "signature"), "{logs}");
    assert!(counted("signals_accepted", "generic") && counted("signals_accepted", "pagerduty"), "{logs}");
    for secret in [WEBHOOK_SECRET, other, ROUTING_KEY, canary] {
        assert!(!logs.contains(secret), "{secret} is in the log: {logs}");
    }
}
