//! Promises about mails.

use jiff::SignedDuration;

use super::*;
use crate::sender::tests::{MAILBOX, MAILBOX_BEFORE, by_aws, lookup, now, policy};

/// The notification of SES in a fixture.
fn fixture(name: &str) -> Value {
    let path = format!("{}/events/ingest/email-{name}.json", env!("CARGO_MANIFEST_DIR"));
    let event: Value = serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON");
    serde_json::from_str(event["Records"][0]["Sns"]["Message"].as_str().expect("a text")).expect("JSON")
}

fn event(told: &Value) -> Value {
    json!({ "Records": [{ "Sns": { "Message": told.to_string() } }] })
}

fn mail(told: &Value) -> Mail {
    mails(&event(told)).expect("a mail").expect("that can be read").remove(0)
}

fn heard(told: &Value) -> Signal {
    let mut signals = by_aws(&event(told), &policy(), now()).expect("it is heard");
    assert_eq!(signals.len(), 1);
    signals.remove(0)
}

/// A mail with these lines as its header.
fn with(header: &str) -> Value {
    let mut told = fixture("firing");
    told["content"] = format!("{header}\r\n\r\nDisk full\r\n").into();
    told
}

#[test]
fn a_subject_names_the_problem_without_its_marks() {
    let table = [
        ("Disk full", Action::Trigger, "Disk full"),
        ("[FIRING:1] Disk full", Action::Trigger, "Disk full"),
        ("[RESOLVED] Disk full", Action::Resolve, "Disk full"),
        ("Re: [RESOLVED:12] Disk full", Action::Resolve, "Disk full"),
        ("RE: Fwd: AW: WG: Re[2]: problem: Disk full", Action::Trigger, "Disk full"),
        ("OK: Disk full", Action::Resolve, "Disk full"),
        ("Recovered:Disk full", Action::Resolve, "Disk full"),
        ("[ Ok ] Disk full", Action::Resolve, "Disk full"),
        ("Resolved in 5m 12s: Disk full", Action::Resolve, "Disk full"),
        ("[ALERT] RESOLVED: Disk full", Action::Resolve, "Disk full"),
        ("RESOLVED: [FIRING:1] Disk full", Action::Resolve, "Disk full"),
        ("DOWN: OKAY: fine", Action::Trigger, "OKAY: fine"),
        // What only looks like a mark stays.
        ("Problem in production: Disk full", Action::Trigger, "Problem in production: Disk full"),
        ("[OK corral] Disk full", Action::Trigger, "[OK corral] Disk full"),
        ("[re] Disk full", Action::Trigger, "[re] Disk full"),
        ("Resolved in haste: Disk full", Action::Trigger, "Resolved in haste: Disk full"),
        ("Disk full is RESOLVED: yes", Action::Trigger, "Disk full is RESOLVED: yes"),
        ("[", Action::Trigger, "["),
        (":", Action::Trigger, ":"),
        ("[OK]", Action::Resolve, NAMELESS),
        ("", Action::Trigger, NAMELESS),
    ];
    for (subject, action, key) in table {
        assert_eq!(problem(subject), (action, key), "{subject}");
    }
}

#[test]
fn what_begins_and_what_ends_and_a_reply_are_one_problem() {
    let [firing, clearing, reply] = ["firing", "clearing", "reply"].map(|name| heard(&fixture(name)));
    assert_eq!([firing.action, clearing.action, reply.action], [Action::Trigger, Action::Resolve, Action::Trigger]);
    assert!(firing.fingerprint == clearing.fingerprint && firing.fingerprint == reply.fingerprint);
    assert!(firing.at < reply.at && reply.at < clearing.at, "each states its time");
    assert_ne!(heard(&fixture("html")).fingerprint, firing.fingerprint);
}

#[test]
fn only_what_ses_finds_nothing_wrong_with_is_heard() {
    let table = [
        ("virusVerdict", "FAIL", Some(Unheard::Virus)),
        ("spamVerdict", "FAIL", Some(Unheard::Spam)),
        ("dmarcVerdict", "FAIL", Some(Unheard::Dmarc)),
        ("dmarcVerdict", "GRAY", None),
        ("spamVerdict", "GRAY", None),
        ("virusVerdict", "PROCESSING_FAILED", None),
        ("spfVerdict", "FAIL", None),
        ("dkimVerdict", "GRAY", None),
    ];
    for (verdict, status, expected) in table {
        let mut told = fixture("firing");
        told["receipt"][verdict]["status"] = status.into();
        assert_eq!(mail(&told).trusted().err(), expected, "{verdict} {status}");
    }
    for (spf, dkim) in [("FAIL", "GRAY"), ("GRAY", "FAIL"), ("PROCESSING_FAILED", "GRAY"), ("NONE", "")] {
        let mut told = fixture("firing");
        told["receipt"]["spfVerdict"]["status"] = spf.into();
        told["receipt"]["dkimVerdict"]["status"] = dkim.into();
        assert_eq!(mail(&told).trusted(), Err(Unheard::Unproven), "{spf} {dkim}");
    }
    let mut old = fixture("firing");
    old["receipt"].as_object_mut().expect("an object").remove("dmarcVerdict");
    assert_eq!(mail(&old).trusted(), Ok(()), "a domain need not have a policy");
}

#[test]
fn a_verdict_refuses_only_who_knows_an_address_and_a_stranger_is_a_stranger_whatever_ses_finds() {
    for (verdict, status, expected) in [
        ("virusVerdict", "FAIL", Unheard::Virus),
        ("spamVerdict", "FAIL", Unheard::Spam),
        ("dmarcVerdict", "FAIL", Unheard::Dmarc),
    ] {
        let mut told = fixture("firing");
        told["receipt"][verdict]["status"] = status.into();
        assert_eq!(mail(&told).signals(&policy(), &lookup, now()).err(), Some(expected), "{verdict}");
        told["receipt"]["recipients"] = json!(["info@alerts.example.com"]);
        assert_eq!(mail(&told).signals(&policy(), &lookup, now()).err(), Some(Unheard::Token), "{verdict}");
    }
}

#[test]
fn the_address_is_the_proof_in_any_case_and_two_are_valid_at_a_time() {
    let sent_to = |addresses: &[&str]| {
        let mut told = fixture("firing");
        told["receipt"]["recipients"] = json!(addresses);
        mail(&told).signals(&policy(), &lookup, now()).map(|signals| signals.len())
    };
    let address = |token: &str| format!("{token}@alerts.example.com");
    assert_eq!(sent_to(&[&address(MAILBOX)]), Ok(1));
    assert_eq!(sent_to(&[&address(&MAILBOX.to_ascii_uppercase())]), Ok(1));
    assert_eq!(sent_to(&[&address(MAILBOX_BEFORE)]), Ok(1), "the one that is being replaced");
    assert_eq!(sent_to(&[&address("info"), &address(MAILBOX)]), Ok(1));
    assert_eq!(sent_to(&[&address(MAILBOX), &address(MAILBOX_BEFORE)]), Ok(1), "it is one mail to one integration");
    for wrong in [&MAILBOX[1..], &MAILBOX[..23], "", "a-token-of-prometheus"] {
        assert_eq!(sent_to(&[&address(wrong)]), Err(Unheard::Token), "{wrong}");
    }
    assert_eq!(sent_to(&[MAILBOX]), Err(Unheard::Token), "it is no address");
    assert_eq!(sent_to(&[]), Err(Unheard::Token));

    let two = json!({ "kind": "email", "secret": "ssm:/mailbox" });
    let mut policy = policy();
    policy.integrations.insert("second".to_owned(), serde_json::from_value(two).expect("an integration"));
    let signals = mail(&fixture("firing")).signals(&policy, &lookup, now()).expect("it is heard");
    assert_eq!(signals.len(), 2);
    assert!(signals[0].id != signals[1].id && signals[0].fingerprint != signals[1].fingerprint);
}

#[test]
fn no_mail_is_given_up_while_an_integration_has_no_secret() {
    let mut policy = policy();
    let unset = json!({ "kind": "email", "secret": "ssm:/nothing" });
    policy.integrations.insert("unset".to_owned(), serde_json::from_value(unset).expect("an integration"));
    let answer = |name: &str| mail(&fixture(name)).signals(&policy, &lookup, now()).map(|signals| signals.len());
    assert_eq!(answer("unknown-refused"), Err(Unheard::Misconfigured));
    assert_eq!(answer("forged-refused"), Err(Unheard::Dmarc));
    assert_eq!(answer("firing"), Ok(1), "the address says whose it is");
    assert_eq!(secrets_needed(&policy).len(), 2);
}

#[test]
fn a_copy_of_a_mail_is_the_same_signal() {
    let first = heard(&fixture("firing"));
    let mut copy = fixture("firing");
    copy["mail"]["messageId"] = "another".into();
    copy["mail"]["timestamp"] = "2026-11-21T09:58:00Z".into();
    let again = heard(&copy);
    assert_eq!((&again.id, again.at, again.unique_since), (&first.id, first.at, first.unique_since));
    assert!(first.unique_since < first.at);

    let mut nameless = with("Subject: Disk full");
    nameless["mail"]["commonHeaders"].as_object_mut().expect("an object").remove("messageId");
    let one = heard(&nameless);
    nameless["mail"]["messageId"] = "another".into();
    let other = heard(&nameless);
    assert_ne!(one.id, other.id, "what has no name is named by SES");
    assert!(one.unique_since <= now() - SignedDuration::from_hours(24), "and may be a copy of any day");
}

#[test]
fn a_mail_is_as_old_as_it_says_where_that_can_be() {
    let table = [
        ("Date: Sat, 21 Nov 2026 10:30:00 +0100", "2026-11-21T09:30:00Z"),
        ("Date: Sat, 21 Nov 2026 12:30:00 +0000", "2026-11-21T10:00:00Z"),
        ("Date: Thu, 1 Jan 1970 00:00:00 +0000", "2026-11-21T10:00:00Z"),
        ("Date: soon", "2026-11-21T09:41:02.417Z"),
        ("X-Nothing: a", "2026-11-21T09:41:02.417Z"),
    ];
    for (header, at) in table {
        let signal = heard(&with(header));
        assert_eq!(signal.at.to_string(), at, "{header}");
        assert!(signal.unique_since < signal.at, "{header}");
    }
}

#[test]
fn a_header_says_how_bad_it_is() {
    let table = [
        ("X-Priority: 1 (Highest)", Severity::Critical),
        ("x-priority: 2", Severity::Error),
        ("X-Priority: 3", Severity::Error),
        ("X-Priority: 4", Severity::Warning),
        ("X-Priority: 5", Severity::Info),
        ("Importance: High", Severity::Critical),
        ("Importance: normal", Severity::Error),
        ("Importance: low", Severity::Info),
        ("X-Priority: 5\r\nImportance: high", Severity::Info),
        ("X-Priority: urgent", Severity::Error),
        ("Subject: nothing", Severity::Error),
    ];
    for (header, severity) in table {
        assert_eq!(heard(&with(header)).alert.severity, severity, "{header}");
    }
}

#[test]
fn no_incident_shows_the_address_that_it_came_by_or_who_wrote_it() {
    for name in ["firing", "clearing", "reply", "multipart", "base64", "html", "oversized"] {
        let shown = serde_json::to_string(&heard(&fixture(name))).expect("plain JSON").to_ascii_lowercase();
        assert!(!shown.contains(MAILBOX) && !shown.contains("ana@") && !shown.contains("nagios@"), "{name}: {shown}");
    }
    let reply = heard(&fixture("reply"));
    assert!(reply.alert.details.contains("<…@alerts.example.com>"), "{}", reply.alert.details);
    let subject = heard(&with(&format!("Subject: Failed for {MAILBOX}@alerts.example.com")));
    assert_eq!(subject.key, "Failed for …@alerts.example.com");
}

#[test]
fn a_mail_without_its_content_pages_by_what_ses_tells_of_it() {
    let mut told = fixture("clearing");
    told.as_object_mut().expect("an object").remove("content");
    let signal = heard(&told);
    let whole = heard(&fixture("clearing"));
    assert_eq!((signal.action, &signal.fingerprint, &signal.id), (Action::Resolve, &whole.fingerprint, &whole.id));
    assert_eq!((signal.alert.title.as_str(), signal.alert.details.as_str()), ("RESOLVED: Disk full on db-1", ""));
    assert_eq!(signal.alert.source, "monitoring.example.com");
}

#[test]
fn what_is_no_mail_is_named_by_its_place_and_ses_s_greeting_is_nothing() {
    let greeting = json!({ "notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed" });
    assert!(matches!(mails(&event(&greeting)), Some(Err(NoSignal::Silent(_)))));
    for (place, value) in [("receipt", Value::Null), ("mail", json!({})), ("content", json!([]))] {
        let mut told = fixture("firing");
        told[place] = value;
        let answer = mails(&event(&told)).expect("it is of SES");
        assert!(matches!(&answer, Err(NoSignal::Malformed(at)) if at.contains(place)), "{place}: {answer:?}");
    }
    for other in [json!({}), json!({ "Records": [] }), json!({ "Records": {} }), event(&json!({ "AlarmArn": "a" }))] {
        assert!(!matches!(mails(&other), Some(Ok(_))), "{other}");
    }
}

#[test]
fn a_body_of_nothing_but_a_short_address_is_read_in_one_go() {
    let mut told = fixture("firing");
    told["receipt"]["recipients"] = json!([format!("{MAILBOX}@alerts.example.com"), "a@alerts.example.com"]);
    told["content"] = format!("Subject: s\r\n\r\n{}", "a@".repeat(75_000)).into();
    let details = heard(&told).alert.details;
    assert!(details.contains("…@…@") && !details.contains("a@"), "{} bytes", details.len());
}
