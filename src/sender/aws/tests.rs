//! Promises about what AWS sends.

use serde_json::json;

use super::*;
use crate::sender::tests::{now, policy};

fn fixture(name: &str) -> Value {
    let path = format!("{}/events/ingest/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

fn heard(event: &Value) -> Signal {
    let mut signals = signals(event, &policy(), now()).expect("a signal");
    assert_eq!(signals.len(), 1);
    signals.remove(0)
}

fn alarm(state: &Value) -> Value {
    let mut event = fixture("cloudwatch-alarm");
    event["detail"]["state"] = state.clone();
    event
}

#[test]
fn an_alarm_without_data_is_no_signal() {
    let state = json!({ "value": "INSUFFICIENT_DATA", "reason": "", "timestamp": "2026-11-21T10:00:00.000+0000" });
    assert_eq!(signals(&alarm(&state), &policy(), now()), Err(NoSignal::Silent("insufficient data")));
}

#[test]
fn what_is_no_event_is_named_by_its_place() {
    let mut finding = fixture("guardduty-finding");
    finding["detail"]["severity"] = "high".into();
    let table = [
        (json!({}), "."),
        (alarm(&json!({ "value": "PURPLE" })), "detail.state.value"),
        (alarm(&json!("x")), "detail.state"),
        (Value::Null, "."),
        (finding, "detail.severity"),
        (json!({ "source": "aws.backup", "id": "e", "account": "1", "region": "r" }), "."),
        (json!({ "source": "aws.ce", "detail": { "anomalyId": "a" } }), "id"),
        (json!({ "Records": {} }), "."),
    ];
    for (event, place) in table {
        let answer = signals(&event, &policy(), now());
        assert_eq!(answer, Err(NoSignal::Malformed(place.to_owned())), "{event}");
    }
    for message in ["", "hello", "{}", "null", "[]", r#"{"AlarmArn":"a"}"#] {
        let event = json!({ "Records": [{ "Sns": { "MessageId": "m", "Message": message } }] });
        assert!(matches!(signals(&event, &policy(), now()), Err(NoSignal::Malformed(_))), "{message}");
    }
}

#[test]
fn c21_an_alarm_is_the_same_problem_whichever_way_it_comes() {
    let by_eventbridge = heard(&alarm(&json!({ "value": "ALARM" })));
    let by_sns = heard(&fixture("cloudwatch-sns-alarm"));
    let mut call = fixture("cloudwatch-lambda-alarm");
    call["alarmArn"] = by_eventbridge.key.as_str().into();
    let by_itself = heard(&call);
    assert_eq!(by_sns.fingerprint, by_eventbridge.fingerprint);
    assert_eq!(by_itself.fingerprint, by_eventbridge.fingerprint);
    assert_eq!(by_eventbridge.at, now(), "a state without a time is as new as its event");
    assert_eq!(heard(&call).id, by_itself.id, "a call that comes again is the same signal");
    call["alarmData"]["state"]["value"] = "OK".into();
    assert_ne!(heard(&call).id, by_itself.id);
}

#[test]
fn a_service_that_no_integration_asks_for_is_not_heard() {
    let mut policy = policy();
    policy.integrations.clear();
    for name in ["guardduty-finding", "securityhub-failed", "health-issue", "deploy-codepipeline", "cost-anomaly"] {
        let answer = signals(&fixture(name), &policy, now());
        assert!(matches!(answer, Err(NoSignal::Silent(_))), "{name}: {answer:?}");
    }
    let alarm = signals(&fixture("cloudwatch-alarm"), &policy, now()).expect("an alarm is always heard");
    assert_eq!(alarm[0].integration, "cloudwatch");
}

#[test]
fn pages_and_copies_of_a_communication_of_health_are_one_signal() {
    let first = heard(&fixture("health-issue"));
    let mut page = fixture("health-issue");
    page["id"] = "another".into();
    page["region"] = "us-west-2".into();
    page["detail"]["backupEvent"] = "true".into();
    page["detail"]["page"] = "2".into();
    page["detail"]["communicationId"] = "7f1e2d3c4b5a69788796a5b4c3d2e1f0aa55cc33-2".into();
    assert_eq!(heard(&page).id, first.id);
    page["detail"]["affectedAccount"] = "444455556666".into();
    let other = heard(&page);
    assert!(other.id != first.id && other.fingerprint != first.fingerprint, "another account has its own problem");
    assert_eq!(heard(&fixture("health-closed")).fingerprint, first.fingerprint);
}

#[test]
fn a_finding_of_security_hub_says_what_its_workflow_says() {
    let table = [
        ("/Workflow/Status", "NEW", Some(Action::Trigger)),
        ("/Workflow/Status", "NOTIFIED", Some(Action::Acknowledge)),
        ("/Workflow/Status", "RESOLVED", Some(Action::Resolve)),
        ("/Workflow/Status", "SUPPRESSED", Some(Action::Resolve)),
        ("/RecordState", "ARCHIVED", Some(Action::Resolve)),
        ("/Compliance/Status", "PASSED", Some(Action::Resolve)),
        ("/Severity/Label", "INFORMATIONAL", None),
        ("/ProductArn", "arn:aws:securityhub:us-east-1::product/aws/guardduty", None),
    ];
    for (place, word, expected) in table {
        let mut event = fixture("securityhub-failed");
        *event["detail"]["findings"][0].pointer_mut(place).expect("a place") = word.into();
        let action = signals(&event, &policy(), now()).ok().map(|signals| signals[0].action);
        assert_eq!(action, expected, "{place} {word}");
    }
}

#[test]
fn a_change_belongs_to_the_service_that_it_is_called_after() {
    let mut policy = policy();
    let service = json!({ "team": "t" });
    for name in ["shop", "shop-web"] {
        policy.services.insert(name.to_owned(), serde_json::from_value(service.clone()).expect("a service"));
    }
    let mut event = fixture("deploy-codepipeline");
    let table =
        [("shop", Some("shop")), ("shop-web-deploy", Some("shop-web")), ("shopping", None), ("other-shop", None)];
    for (pipeline, expected) in table {
        event["detail"]["pipeline"] = pipeline.into();
        let signal = signals(&event, &policy, now()).expect("a change").remove(0);
        assert_eq!((signal.action, signal.alert.service.as_deref()), (Action::Change, expected), "{pipeline}");
    }
    event["detail"]["state"] = "STARTED".into();
    assert_eq!(signals(&event, &policy, now()), Err(NoSignal::Silent("a step of a change")));
}

#[test]
fn a_backup_that_completes_ends_what_one_that_failed_began() {
    let failed = heard(&fixture("backup-failed"));
    let done = heard(&fixture("backup-completed"));
    assert_eq!((failed.action, done.action), (Action::Trigger, Action::Resolve));
    assert_eq!(failed.fingerprint, done.fingerprint);
    assert_ne!(heard(&fixture("backup-copy-failed")).fingerprint, failed.fingerprint);
}

#[test]
fn a_time_is_read_as_in_a_mail_too() {
    let table = [
        ("Sat, 21 Nov 2026 09:41:00 GMT", Some("2026-11-21T09:41:00Z")),
        ("Mon, 21 Nov 2026 09:41:00 GMT", Some("2026-11-21T09:41:00Z")),
        ("2026-11-21T09:41:00Z", Some("2026-11-21T09:41:00Z")),
        ("soon", None),
    ];
    for (text, expected) in table {
        assert_eq!(time(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
    }
}
