use domain::escalation::Assignee;
use domain::signal::Severity;
use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().expect("a time")
}

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

fn asked(action: Action, query: &str, body: &str) -> Result<Asked, Invalid> {
    let removes = matches!(action, Action::RemoveTags | Action::RemoveDetails);
    let method = if removes { Method::DELETE } else { Method::POST };
    let (method, headers, body) = (&method, HeaderMap::new(), body.as_bytes());
    let (path, id, source, certificate, received_at) = ("/", "r-1", None, None, now());
    let request = Request { method, path, headers: &headers, body, id, source, certificate, received_at };
    read(action, &request, query, &policy(), "og")
}

fn responder(kind: &str, name: &str) -> Responder {
    Responder { kind: kind.to_owned(), name: Some(name.to_owned()), ..Responder::default() }
}

#[test]
fn each_action_reads_its_own_body() {
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let until = now() + SignedDuration::from_hours(1);
    let user = Responder { username: Some("ana@example.com".to_owned()), ..responder("user", "x") };
    let table = [
        (Action::Close, "", "", What::Close),
        (Action::Acknowledge, "", "{}", What::Acknowledge),
        (Action::Unacknowledge, "", r#"{"source":"s"}"#, What::Unacknowledge),
        (Action::Snooze, "", r#"{"endTime":"2026-11-21T11:00:00Z"}"#, What::Snooze(until)),
        (Action::Snooze, "", r#"{"endTime":"2026-11-21T13:00:00+02:00"}"#, What::Snooze(until)),
        (Action::Snooze, "", r#"{"endTime":"2026-11-21T11:00:00"}"#, What::Snooze(until)),
        (Action::AddNote, "", r#"{"note":" x "}"#, What::Note),
        (Action::Escalate, "", r#"{"escalation":{"name":"all"}}"#, What::Escalate(responder("escalation", "all"))),
        (Action::Assign, "", r#"{"owner":{"name":"x","username":"ana@example.com"}}"#, What::Assign(user)),
        (Action::AddTeam, "", r#"{"team":{"name":"platform"}}"#, What::Respond(responder("team", "platform"))),
        (
            Action::AddResponder,
            "",
            r#"{"responder":{"type":"schedule","name":"s"}}"#,
            What::Respond(responder("schedule", "s")),
        ),
        (Action::AddTags, "", r#"{"tags":["a"," b "]}"#, What::Change(Change::AddTags(tags(&["a", "b"])))),
        (Action::RemoveTags, "tags=a%2C%20b&user=ana", "", What::Change(Change::RemoveTags(tags(&["a", "b"])))),
        (
            Action::AddDetails,
            "",
            r#"{"details":{"k":"v","n":18446744073709551617}}"#,
            What::Change(Change::AddDetails(BTreeMap::from([
                ("k".to_owned(), "v".to_owned()),
                ("n".to_owned(), "18446744073709551617".to_owned()),
            ]))),
        ),
        (Action::RemoveDetails, "keys=k", "[]", What::Change(Change::RemoveDetails(tags(&["k"])))),
        (Action::UpdateMessage, "", r#"{"message":"m"}"#, What::Change(Change::Message("m".to_owned()))),
        (Action::UpdateDescription, "", r#"{"description":"d"}"#, What::Change(Change::Description("d".to_owned()))),
        (Action::UpdatePriority, "", r#"{"priority":"P1"}"#, What::Change(Change::Priority("P1".to_owned()))),
    ];
    for (action, query, body, what) in table {
        let asked = asked(action, query, body).unwrap_or_else(|invalid| panic!("{action:?} {body}: {invalid:?}"));
        assert_eq!(asked.what, what, "{action:?} {body}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_by_its_field() {
    for (action, query, body, field) in [
        (Action::Snooze, "", "{}", "endTime"),
        (Action::Snooze, "", r#"{"endTime":"soon"}"#, "endTime"),
        (Action::Snooze, "", r#"{"endTime":"2026-11-21T09:00:00Z"}"#, "endTime"),
        (Action::Snooze, "", r#"{"endTime":"2027-11-21T09:00:00Z"}"#, "endTime"),
        (Action::AddNote, "", r#"{"note":" "}"#, "note"),
        (Action::Escalate, "", "{}", "escalation"),
        (Action::Assign, "", r#"{"owner":{}}"#, "owner"),
        (Action::AddTeam, "", "{}", "team"),
        (Action::AddResponder, "", r#"{"responder":{"type":"all"}}"#, "responder"),
        (Action::AddTags, "", r#"{"tags":[" "]}"#, "tags"),
        (Action::RemoveTags, "tags=", "", "tags"),
        (Action::AddDetails, "", "{}", "details"),
        (Action::RemoveDetails, "", "", "keys"),
        (Action::UpdateMessage, "", "{}", "message"),
        (Action::UpdateDescription, "", "{}", "description"),
        (Action::UpdatePriority, "", r#"{"priority":"P0"}"#, "priority"),
    ] {
        let invalid = asked(action, query, body).expect_err(body);
        assert!(invalid.status == 422 && invalid.errors.contains_key(field), "{action:?} {body}: {invalid:?}");
    }
}

#[test]
fn whoever_is_named_is_the_actor_and_otherwise_the_sender() {
    for (body, actor) in [
        ("{}", Actor::integration("og")),
        (r#"{"user":" "}"#, Actor::integration("og")),
        (r#"{"user":"Ana@example.com"}"#, Actor::person("ana")),
        (r#"{"user":"Grafana"}"#, Actor::person("Grafana")),
    ] {
        assert_eq!(asked(Action::Acknowledge, "", body).expect("it is valid").by, actor, "{body}");
    }
    let query = asked(Action::RemoveTags, "tags=a&user=ana&note=no%20more", "").expect("it is valid");
    assert_eq!((query.by, query.note.as_deref()), (Actor::person("ana"), Some("no more")));
}

#[test]
fn a_change_is_made_to_the_alert_as_it_stands() {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let details = BTreeMap::from([label("k", "v"), label("priority", "mine")]);
    let kept = Kept { details, description: "d".to_owned(), ..Kept::default() };
    let alert = Alert {
        labels: BTreeMap::from([label("tags", "a,b"), label("k", "v"), label("priority", "P3")]),
        details: kept.text(),
        ..Alert::default()
    };
    let one = |name: &str, value: Option<&str>| BTreeMap::from([(name.to_owned(), value.map(str::to_owned))]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

    assert_eq!(Change::AddTags(names(&["b", "c"])).amendment(&alert).labels, one("tags", Some("a,b,c")));
    assert_eq!(Change::RemoveTags(names(&["a"])).amendment(&alert).labels, one("tags", Some("b")));
    assert_eq!(Change::RemoveTags(names(&["a", "b"])).amendment(&alert).labels, one("tags", None));

    let added = Change::AddDetails(BTreeMap::from([label("k", "w"), label("priority", "P1")])).amendment(&alert);
    assert_eq!(added.labels, one("k", Some("w")), "a property does not change what the priority is");
    assert!(added.details.expect("details").contains(r#""priority":"P1""#));
    let removed = Change::RemoveDetails(names(&["k", "priority", "none"])).amendment(&alert);
    assert_eq!((removed.labels, removed.details.as_deref()), (one("k", None), Some(r#"{"description":"d"}"#)));

    let priority = Change::Priority("P1".to_owned()).amendment(&alert);
    assert_eq!((priority.severity, priority.labels), (Some(Severity::Critical), one("priority", Some("P1"))));
    let described = Change::Description("e".to_owned()).amendment(&alert).details.expect("details");
    assert!(described.contains(r#""description":"e""#) && described.contains(r#""k":"v""#));
    let responder = Change::AddResponder(responder("team", "Billing")).amendment(&alert);
    assert_eq!(responder.labels, one("responders", Some("team:Billing")));
}

#[test]
fn a_responder_is_who_the_policy_has_under_that_name() {
    let policy = policy();
    let to = |responder: Responder| responder.assignee(&policy);
    assert_eq!(to(responder("escalation", "ALL")), Some(Assignee::Escalation("all".to_owned())));
    assert_eq!(to(responder("team", "Platform")).map(|to| to.to_string()).as_deref(), Some("team:platform"));
    assert_eq!(to(responder("team", "all")), None);
    assert_eq!(to(responder("all", "all")), None);
}
