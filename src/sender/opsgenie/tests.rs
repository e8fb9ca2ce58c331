use http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn policy() -> Policy {
    serde_json::from_value(json!({
        "version": 1,
        "people": { "ana": { "name": "Ana Duarte", "contacts": [{ "email": "ana@example.com" }] } },
        "teams": { "platform": { "members": ["ana"] } },
        "escalations": { "all": { "steps": [] } },
        "catch_all": { "escalation": "all" },
    }))
    .expect("a policy")
}

fn created(body: &str) -> Result<(String, Alert), Invalid> {
    let (headers, received_at) = (HeaderMap::new(), "2026-11-21T10:00:00Z".parse().expect("a time"));
    let body = body.as_bytes();
    let request = Request {
        method: &Method::POST,
        path: "/v2/alerts",
        headers: &headers,
        body,
        id: "r-1",
        source: None,
        certificate: None,
        received_at,
    };
    create(&request, &policy(), "unnamed")
}

#[test]
fn opsgenies_own_example_keeps_everything_it_says() {
    let body = json!({
        "message": "An example alert message",
        "alias": "Life is too short for no alias",
        "description": "Every alert needs a description",
        "responders": [
            { "id": "4513b7ea-3b91-438f-b7e4-e3e54af9147c", "type": "team" },
            { "name": "Platform", "type": "team" },
            { "username": "trinity@opsgenie.com", "type": "user" },
            { "name": "Nebuchadnezzar", "type": "escalation" },
        ],
        "visibleTo": [{ "name": "rocket_team", "type": "team" }],
        "actions": ["Restart", "AnExampleAction"],
        "tags": ["OverwriteQuietHours", "Critical"],
        "details": { "key1": "value1", "key2": "value2" },
        "entity": "An example entity",
        "priority": "P1",
        "user": "morpheus@example.com",
        "note": "Wake up",
        "source": "cron",
        "unknown": [1, 2, 3],
    });
    let (alias, alert) = created(&body.to_string()).expect("it is valid");
    assert_eq!(alias, "Life is too short for no alias");
    insta::assert_json_snapshot!(alert);
    assert_eq!(priority(&alert), "P1");
    assert_eq!(Kept::of(&alert).responders.len(), 4);
}

#[test]
fn the_least_that_is_taken_is_a_message() {
    let (alias, alert) = created(r#"{"message":" Disk full ","priority":null,"tags":null}"#).expect("it is valid");
    assert_eq!((alias.as_str(), alert.title.as_str(), alert.severity), ("unnamed", "Disk full", Severity::Warning));
    assert_eq!((priority(&alert), alert.details.as_str()), ("P3", ""));
    assert_eq!(alert.labels, BTreeMap::from([("priority".to_owned(), "P3".to_owned())]));
}

#[test]
fn what_is_wrong_is_told_field_by_field_and_never_quoted() {
    let long = "a".repeat(513);
    for (body, status, part) in [
        ("", 422, "Message can not be empty"),
        ("{}", 422, "Message can not be empty"),
        (r#"{"message":"  "}"#, 422, "Message can not be empty"),
        (r#"{"message":"m","priority":"P6"}"#, 422, "Priority should be one of"),
        (&format!(r#"{{"message":"m","alias":"{long}"}}"#), 422, "Alias can not be longer"),
        (r#"{"message":"m","responders":[{"name":"x"}]}"#, 422, "needs a type"),
        (r#"{"message":"m","responders":[{"type":"user"}]}"#, 422, "needs an id"),
        (r#"{"message":7}"#, 422, "at /message"),
        (r#"{"message":"m","tags":"hunter2"}"#, 422, "at /tags"),
        (r#"{"message":"#, 400, "not JSON"),
        (r#"{"message":"m"} x"#, 400, "after the end of the JSON"),
        (r#"["message"]"#, 400, "not a JSON object"),
        (r#"{"message":"a\u0000"}"#, 400, "U+0000"),
    ] {
        let invalid = created(body).expect_err(body);
        let told = format!("{} {:?}", invalid.message, invalid.errors);
        assert!(invalid.status == status && told.contains(part), "{body}: {invalid:?}");
        assert!(!told.contains("hunter2") && !told.contains(&long), "{told}");
    }
}

#[test]
fn five_priorities_are_four_severities_and_come_back_as_they_were() {
    for (word, severity) in PRIORITIES {
        let (_, alert) = created(&json!({ "message": "m", "priority": word }).to_string()).expect("it is valid");
        assert_eq!((alert.severity, priority(&alert)), (severity, word));
    }
    let (_, mut alert) = created(r#"{"message":"m","priority":"P4"}"#).expect("it is valid");
    alert.severity = Severity::Critical;
    assert_eq!(priority(&alert), "P1", "what it is by now counts");
}

#[test]
fn a_team_of_ours_is_the_owner_and_a_stranger_is_not() {
    let team = |name: &str| {
        let body = json!({ "message": "m", "responders": [{ "type": "team", "name": name }] });
        let (_, alert) = created(&body.to_string()).expect("it is valid");
        (alert.labels.get("team").cloned(), alert.labels.get("responders").cloned())
    };
    assert_eq!(team("PLATFORM"), (Some("platform".to_owned()), Some("team:PLATFORM".to_owned())));
    assert_eq!(team("Billing"), (None, Some("team:Billing".to_owned())));
}

#[test]
fn somebody_is_known_by_short_name_name_and_address() {
    let policy = policy();
    for called in ["ana", "ANA", "Ana Duarte", "ana@example.com", " Ana@Example.com "] {
        assert_eq!(person(&policy, called), Some("ana"), "{called}");
    }
    assert_eq!(person(&policy, "ben"), None);
    let user =
        Responder { kind: "user".to_owned(), username: Some("ana@example.com".to_owned()), ..Responder::default() };
    assert_eq!(user.assignee(&policy).map(|to| to.to_string()), Some("person:ana".to_owned()));
    assert_eq!(user.of_kind("schedule").assignee(&policy), None);
}

#[test]
fn tags_are_kept_each_once_and_within_bounds() {
    assert_eq!(tags_label(["a", " b ", "a", "", "c,d"]).as_deref(), Some("a,b,c,d"));
    assert_eq!(tags_label([]), None);
    let many: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(100))).collect();
    let label = tags_label(many.iter().map(String::as_str)).expect("tags");
    assert_eq!(label.split(',').count(), 20);
    assert!(label.chars().count() <= text::FIELD);
}

proptest! {
    #[test]
    fn details_are_never_larger_than_they_may_be(
        description in prop::collection::vec("[a-z\"\\\\é\u{1F600}\\n]{0,64}", 0..400),
        details in prop::collection::btree_map("[a-z\"]{1,200}", "[a-z\"\\n]{0,300}", 0..80),
    ) {
        let body = json!({ "message": "m", "description": description.concat(), "details": details });
        let (_, alert) = created(&body.to_string()).expect("it is valid");
        prop_assert!(alert.details.len() <= text::DETAILS);
        let read: Value = serde_json::from_str(&alert.details).unwrap_or_else(|_| json!({}));
        prop_assert!(alert.details.is_empty() || read.is_object(), "it is JSON");
        prop_assert_eq!(Kept::of(&alert).text(), alert.details);
    }

    #[test]
    fn no_body_breaks_it(body in "\\PC*") {
        let _ = created(&body);
    }
}
