//! Promises about dead letters: each says why it is there, and what doing it again comes to.

use super::*;
use crate::cause::Proof;
use crate::fingerprint::Fingerprint;
use crate::signal::{Action, Alert};

fn letter(path: Path, body: &Value, attributes: &[(&str, &str)]) -> Letter {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    Letter { path, id: "m".to_owned(), sent_at: Timestamp::UNIX_EPOCH, body, attributes }
}

fn signal() -> Value {
    let at = Timestamp::UNIX_EPOCH;
    let signal = Signal {
        id: "s1".to_owned(),
        integration: "pd".to_owned(),
        proof: Proof::SenderToken,
        action: Action::Trigger,
        fingerprint: Fingerprint::of("pd", "k"),
        key: "k".to_owned(),
        at,
        received_at: at,
        unique_since: at,
        alert: Alert { title: "ana@example.org".to_owned(), ..Alert::default() },
    };
    serde_json::to_value(signal).expect("plain JSON")
}

#[test]
fn e11_each_letter_says_how_often_it_was_tried_and_where_to_look_for_that() {
    let root = "1-67891233-abcdef012345678912345678";
    let header = format!("Sampled=1;Root={root};Parent=463ac35c9f6413ad");
    let lambda = json!({ "requestContext": { "requestId": "r-1", "approximateInvokeCount": 3 } });
    let look = json!({ "incident": "x", "execution": "e-1", "error": "States.Timeout" });
    let received = |count| ("ApproximateReceiveCount", count);
    let table = [
        // Given up by SQS, and seen in its queue once; and given up by dedup, which saw at once that it is none.
        (Path::Signals, signal(), vec![received("61"), ("AWSTraceHeader", &header)], Some(60), Some(root)),
        (Path::Signals, json!("{"), vec![received("1"), ("reason", "not a signal")], Some(1), None),
        (Path::Ingest, lambda.clone(), vec![received("7")], Some(3), Some("r-1")),
        (Path::Archive, lambda, vec![], Some(3), Some("r-1")),
        (Path::Ingest, json!({}), vec![("RETRY_ATTEMPTS", "185")], Some(186), None),
        (Path::Incident, look, vec![received("2")], None, Some("e-1")),
        (Path::Sweep, json!("not JSON"), vec![("RETRY_ATTEMPTS", "many"), ("AWSTraceHeader", "none")], None, None),
    ];
    for (path, body, attributes, tries, trace) in table {
        let letter = letter(path, &body, &attributes);
        assert_eq!((letter.tries(), letter.trace().as_deref()), (tries, trace), "{letter:?}");
    }
}

#[test]
fn e11_each_letter_says_why_it_is_there_and_nothing_of_what_a_sender_said() {
    let failed = json!({
        "requestContext": { "condition": "RetriesExhausted" },
        "requestPayload": { "detail": "ana@example.org" },
        "responsePayload": { "errorType": "Unavailable", "errorMessage": "ana@example.org" },
    });
    let table = [
        (letter(Path::Signals, &signal(), &[]), "dedup failed again and again"),
        (
            letter(Path::Signals, &json!("{"), &[("reason", "not a signal: at alert.title")]),
            "not a signal: at alert.title",
        ),
        (letter(Path::Ingest, &failed, &[]), "Unavailable"),
        (
            letter(Path::Ingest, &json!({ "source": "aws.cloudwatch" }), &[("ERROR_CODE", "NO_PERMISSIONS")]),
            "NO_PERMISSIONS",
        ),
        (letter(Path::Incident, &json!({ "incident": "x", "error": "States.Timeout" }), &[]), "States.Timeout"),
        (
            letter(Path::Archive, &json!({ "requestContext": { "condition": "RecordAgeExceeded" } }), &[]),
            "RecordAgeExceeded",
        ),
        (letter(Path::Sweep, &json!("not JSON"), &[]), "nothing is said of it"),
        (letter(Path::Sweep, &json!("x"), &[("reason", "\u{1b}[2J")]), "\\u{1b}[2J"),
    ];
    for (letter, expected) in table {
        assert_eq!(letter.cause(), expected, "{letter:?}");
        assert!(!format!("{:?}{:?}", letter.cause(), letter.about()).contains("example.org"), "{letter:?}");
    }
    let endless = "x".repeat(10_000);
    assert!(letter(Path::Sweep, &json!("x"), &[("reason", &endless)]).cause().chars().count() <= CAUSE);
}

#[test]
fn e09_what_would_fail_again_is_not_tried_and_everything_else_goes_where_it_came_from() {
    let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
    let alarm = json!({ "source": "aws.cloudwatch" });
    let notification = json!({ "Type": "Notification", "MessageId": "n", "Message": "{}" });
    let sns = json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "", "Sns": notification }] });
    let table = [
        (letter(Path::Signals, &signal(), &[]), Again::Signal(signal().to_string())),
        (letter(Path::Ingest, &alarm, &[]), Again::Event(alarm.clone())),
        (letter(Path::Ingest, &json!({ "requestPayload": alarm }), &[]), Again::Event(alarm)),
        (letter(Path::Ingest, &notification, &[]), Again::Event(sns)),
        (letter(Path::Incident, &json!({ "incident": id.to_string() }), &[]), Again::Look(id)),
        (letter(Path::Export, &json!({ "every": "week" }), &[]), Again::Export(json!({ "every": "week" }))),
        (letter(Path::Sweep, &json!({}), &[]), Again::Done),
        (letter(Path::Checkpoint, &json!({}), &[]), Again::Done),
    ];
    for (letter, expected) in table {
        assert_eq!(letter.again(), expected);
        assert!(expected.is_possible() && !expected.what().is_empty());
    }
    for (path, body) in [
        (Path::Signals, json!({ "id": 7 })),
        (Path::Ingest, json!("[")),
        (Path::Ingest, json!([1])),
        (Path::Incident, json!({ "incident": "nobody" })),
        (Path::Export, json!({})),
        (Path::Archive, json!({})),
    ] {
        let again = letter(path, &body, &[]).again();
        assert!(!again.is_possible(), "{path:?} {body}: {again:?}");
    }
}

#[test]
fn every_path_is_found_by_its_name_and_says_what_a_letter_there_means() {
    for path in Path::ALL {
        assert_eq!(Path::named(path.as_str()), Some(path));
        assert!(!path.means().is_empty() && path.runbook().ends_with(path.as_str()));
    }
    assert_eq!(Path::named("elsewhere"), None);
}

#[test]
fn however_a_mail_is_wrapped_neither_its_address_nor_what_it_says_is_shown_and_it_is_still_done_again() {
    let event: Value = serde_json::from_str(include_str!("../../../events/ingest/email-firing.json")).expect("JSON");
    let notification = event["Records"][0]["Sns"].clone();
    let told: Value = serde_json::from_str(notification["Message"].as_str().expect("a text")).expect("JSON");
    let mut nameless = told.clone();
    nameless.as_object_mut().expect("an object").remove("notificationType");
    let failed = json!({ "requestPayload": event, "responsePayload": { "errorType": "InvalidEvent" } });
    let direct = json!({ "Records": [{ "eventSource": "aws:ses", "ses": nameless }] });
    for body in [event, notification, failed, told, direct, nameless] {
        let letter = letter(Path::Ingest, &body, &[]);
        let shown = letter.shown();
        assert!(letter.body.contains("9f2c4e6a8b0d1f3e5a7c9b2d") && letter.body.contains("% full"));
        for secret in ["9f2c4e6a8b0d1f3e5a7c9b2d", "% full", "Disk", "nagios", "monitoring.example.com"] {
            assert!(!shown.to_ascii_lowercase().contains(&secret.to_ascii_lowercase()), "{secret}: {shown}");
        }
        for kept in ["01p3q9sk1v7fgh2m5n8r4t6w0y1z", "dmarcVerdict", "PASS"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        let Again::Event(again) = letter.again() else { panic!("it is done again") };
        assert!(again.to_string().contains("9f2c4e6a8b0d1f3e5a7c9b2d"));
    }
}

#[test]
fn what_holds_no_secret_is_shown_as_it_failed_and_no_address_that_ends_a_subscription_is() {
    let event =
        json!({ "source": "aws.cloudwatch", "detail": { "state": { "reasonData": "{\"version\": \"1.0\"}" } } });
    for (path, body) in [
        (Path::Ingest, event),
        (Path::Ingest, json!("[")),
        (Path::Signals, json!("{\"id\":  7}")),
        (Path::Signals, signal()),
        (Path::Sweep, json!("")),
    ] {
        let letter = letter(path, &body, &[]);
        assert_eq!(letter.shown(), letter.body, "not a byte is changed");
    }
    for name in ["UnsubscribeURL", "UnsubscribeUrl", "SubscribeURL", "Token"] {
        let body = json!({ "Type": "Notification", "Message": "{\"AlarmName\":\"a\"}", name: "https://canary" });
        let letter = letter(Path::Ingest, &json!({ "requestPayload": { "Records": [{ "Sns": body }] } }), &[]);
        let shown = letter.shown();
        assert!(!shown.contains("canary") && shown.contains("AlarmName"), "{shown}");
    }
}
