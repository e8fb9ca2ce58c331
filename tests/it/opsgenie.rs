//! Opsgenie's Alert API, with the real binaries: every call, what it answers, and what it does.

use domain::incident::Status;
use domain::signal::{Action, Signal};
use serde_json::{Value, json};

use crate::cases::{API_KEY, batch, function, gateway, policy, signal, standin, standin_with, the_incident};
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

/// The API, and the dedup that takes what it queues.
struct Opsgenie {
    standin: Standin,
    api: Function,
    dedup: Function,
}

/// An answer: the status, the body and the headers.
struct Answer(u64, Value, Value);

impl Opsgenie {
    fn start() -> Self {
        Self::over(standin("127.0.0.1:9"))
    }

    fn over(standin: Standin) -> Self {
        let api = function(env!("CARGO_BIN_EXE_opsgenie"), &standin, &[]);
        let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
        Self { standin, api, dedup }
    }

    fn event(method: &str, path: &str, body: &Value) -> Value {
        let headers =
            [("authorization", format!("GenieKey {API_KEY}")), ("content-type", "application/json".to_owned())];
        gateway(method, path, &headers, &if body.is_null() { String::new() } else { body.to_string() })
    }

    fn send(&self, event: &Value) -> Answer {
        let answer = self.api.invoke(event).unwrap().unwrap();
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        Answer(answer["statusCode"].as_u64().unwrap(), body, answer["headers"].clone())
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let Answer(status, body, _) = self.send(&Self::event(method, path, body));
        (status, body)
    }

    /// Asks for something to be done, twice as if the event came again, and returns the id of the request.
    fn done(&self, method: &str, path: &str, body: &Value) -> String {
        let event = Self::event(method, path, body);
        let Answer(status, first, headers) = self.send(&event);
        assert_eq!((status, &first["result"]), (202, &json!("Request will be processed")), "{method} {path}: {first}");
        assert_eq!(headers["X-Request-ID"], first["requestId"], "{path}");
        let before = self.records();
        let Answer(_, second, _) = self.send(&event);
        assert_eq!(second["requestId"], first["requestId"], "{path}: the same answer");
        assert_eq!(self.records(), before, "{path}: no second effect");
        first["requestId"].as_str().unwrap().to_owned()
    }

    fn records(&self) -> usize {
        let world = self.standin.world.lock().unwrap();
        world.incidents().iter().map(|incident| world.stream(&incident.id.stream()).len()).sum()
    }

    fn queued(&self) -> Vec<Signal> {
        let world = self.standin.world.lock().unwrap();
        world.queues.get("signals").into_iter().flatten().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    /// Takes in what is queued.
    fn deliver(&self) {
        let signals = self.queued();
        self.standin.world.lock().unwrap().queues.remove("signals");
        let answer = self.dedup.invoke(&batch(&signals, 1)).unwrap().unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    /// What became of a request: whether it was done, and the words.
    fn became(&self, request: &str) -> (bool, String) {
        let (status, body) = self.ask("GET", &format!("/v2/alerts/requests/{request}"), &Value::Null);
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["data"]["success"], body["data"]["isSuccess"]);
        (body["data"]["success"].as_bool().unwrap(), body["data"]["status"].as_str().unwrap().to_owned())
    }

    fn alert(&self, alias: &str) -> Value {
        let (status, body) = self.ask("GET", &format!("/v2/alerts/{alias}?identifierType=alias"), &Value::Null);
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    /// Opens an alert by the alias `disk`.
    fn opened(&self) -> Value {
        let create = json!({
            "message": "Disk full on db-1", "alias": "disk", "priority": "P2", "tags": ["db"], "entity": "db-1",
            "details": { "mount": "/var" }, "description": "It grows.", "source": "cron", "actions": ["Restart"],
        });
        let request = self.done("POST", "/v2/alerts", &create);
        self.deliver();
        assert_eq!(self.became(&request), (true, "Created alert".to_owned()));
        self.alert("disk")
    }
}

fn said(words: &str) -> (bool, String) {
    (true, words.to_owned())
}

fn refused(words: &str) -> (bool, String) {
    (false, words.to_owned())
}

/// `value` without what differs from run to run.
fn steady(value: &Value) -> Value {
    let mut value = value.clone();
    for field in ["lastOccurredAt", "createdAt", "updatedAt"] {
        value[field] = json!("(a time)");
    }
    value["report"] = json!({});
    value
}

#[test]
fn an_alert_is_created_deduplicated_acknowledged_and_closed_as_a_stock_client_does_it() {
    let opsgenie = Opsgenie::start();
    let alert = opsgenie.opened();
    insta::assert_json_snapshot!(steady(&alert));

    let again = opsgenie.done("POST", "/v2/alerts", &json!({ "message": "Disk full on db-1", "alias": "disk" }));
    opsgenie.deliver();
    assert_eq!(opsgenie.became(&again), said("Alert is open already: counted"));
    assert_eq!(opsgenie.alert("disk")["count"], 2);
    assert_eq!(the_incident(&opsgenie.standin).occurrences, 2, "the event that came again was counted once");

    let acknowledge = json!({ "user": "ana", "note": "I look at it" });
    let request = opsgenie.done("POST", "/v2/alerts/disk/acknowledge?identifierType=alias", &acknowledge);
    assert_eq!(opsgenie.became(&request), said("Acknowledged alert"));
    let shown = opsgenie.alert("disk");
    assert_eq!(
        (&shown["acknowledged"], &shown["owner"], &shown["status"]),
        (&json!(true), &json!("ana"), &json!("open"))
    );

    let request = opsgenie.done("POST", "/v2/alerts/disk/close?identifierType=alias", &json!({ "source": "cron" }));
    let (status, body) = opsgenie.ask("GET", &format!("/v2/alerts/requests/{request}"), &Value::Null);
    assert_eq!((status, &body["message"]), (404, &json!("Request not found. It might not be processed, yet.")));
    opsgenie.deliver();
    assert_eq!(opsgenie.became(&request), said("Closed alert"));
    assert_eq!(opsgenie.alert("disk")["status"], "closed");
    assert_eq!(the_incident(&opsgenie.standin).status, Status::Resolved);

    // Once more: there is nothing to close, and what it was is still told.
    let late = opsgenie.done("POST", "/v2/alerts/disk/close?identifierType=alias", &Value::Null);
    opsgenie.deliver();
    assert_eq!(opsgenie.became(&late), refused("Alert is already closed"));
    assert_eq!(opsgenie.became(&request), said("Closed alert"));
    // What was never there can be closed too; nobody hears of it.
    let nothing = opsgenie.done("POST", "/v2/alerts/nothing/close?identifierType=alias", &Value::Null);
    opsgenie.deliver();
    assert_eq!(opsgenie.became(&nothing), refused("Alert does not exist"));
}

#[test]
fn whatever_is_done_to_an_alert_is_in_its_log_once_and_its_request_tells() {
    let opsgenie = Opsgenie::start();
    let id = opsgenie.opened()["id"].as_str().unwrap().to_owned();
    let hour = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let at = |action: &str| format!("/v2/alerts/{id}/{action}");
    let jsm = |action: &str| format!("/jsm/ops/integration/v2/alerts/disk/{action}?identifierType=alias");
    let table = [
        ("POST", at("snooze"), json!({ "endTime": hour.to_string() }), "Snoozed alert"),
        ("POST", jsm("unacknowledge"), json!({ "user": "ben" }), "UnAcknowledged alert"),
        ("POST", jsm("notes"), json!({ "note": "It is the log files", "user": "ana" }), "Added note"),
        ("POST", at("tags"), json!({ "tags": ["disk", "db"], "note": "for the report" }), "Added tags"),
        ("DELETE", format!("{}?tags=db", at("tags")), Value::Null, "Removed tags"),
        ("POST", at("details"), json!({ "details": { "size": "40G", "free": 0 } }), "Added details"),
        ("DELETE", format!("{}?keys=mount", at("details")), Value::Null, "Removed details"),
        ("PUT", at("message"), json!({ "message": "Disk of db-1 is full" }), "Updated message"),
        ("PUT", at("description"), json!({ "description": "It grew." }), "Updated description"),
        ("PUT", jsm("priority"), json!({ "priority": "P1" }), "Updated priority"),
        ("POST", at("assign"), json!({ "owner": { "username": "ben" } }), "Assigned alert"),
        ("POST", at("teams"), json!({ "team": { "name": "Platform" } }), "Added team"),
        ("POST", at("responders"), json!({ "responder": { "type": "team", "name": "Billing" } }), "Added responder"),
        ("POST", at("escalate"), json!({ "escalation": { "name": "platform" } }), "Escalated alert"),
    ];
    let requests: Vec<String> = table.iter().map(|(method, path, body, _)| opsgenie.done(method, path, body)).collect();
    assert!(opsgenie.queued().is_empty(), "none of it waits in a queue");
    for ((_, path, ..), (request, words)) in table.iter().zip(requests.iter().zip(table.iter().map(|row| row.3))) {
        assert_eq!(opsgenie.became(request), said(words), "{path}");
    }
    let alert = opsgenie.alert("disk");
    insta::assert_json_snapshot!(steady(&alert));
    let incident = the_incident(&opsgenie.standin);
    assert_eq!(incident.alert.labels["responders"], "team:Billing", "the policy does not know them");
    let looks = opsgenie.standin.world.lock().unwrap().executions.keys().filter(|name| name.contains("look")).count();
    assert_eq!(looks, 5, "a snooze, its end, two assignments and an escalation are looked at at once");

    let (_, notes) = opsgenie.ask("GET", &format!("{}?order=asc", at("notes")), &Value::Null);
    let texts: Vec<_> = notes["data"].as_array().unwrap().iter().map(|note| note["note"].clone()).collect();
    assert_eq!(texts, [json!("It is the log files"), json!("for the report")]);
    assert_eq!(notes["data"][0]["owner"], "ana");
    let (_, page) = opsgenie.ask("GET", &format!("{}?order=asc&limit=1", at("notes")), &Value::Null);
    let next = page["paging"]["next"].as_str().unwrap().strip_prefix("https://watchkeeper.test").unwrap().to_owned();
    let (_, second) = opsgenie.ask("GET", &next, &Value::Null);
    assert_eq!((&second["data"][0]["note"], &second["paging"]["next"]), (&texts[1], &Value::Null));
    let (_, logs) = opsgenie.ask("GET", &format!("{}?limit=100&order=asc", at("logs")), &Value::Null);
    let lines = logs["data"].as_array().unwrap().iter().filter(|line| line["type"] == "amended");
    let lines: Vec<_> = lines.map(|line| line["log"].clone()).collect();
    insta::assert_json_snapshot!(lines);
}

#[test]
fn what_cannot_be_done_is_accepted_and_its_request_says_why() {
    let opsgenie = Opsgenie::start();
    let request = opsgenie.done("POST", "/v2/alerts/none/tags?identifierType=alias", &json!({ "tags": ["x"] }));
    assert_eq!(opsgenie.became(&request), refused("Alert does not exist"));
    let id = opsgenie.opened()["id"].as_str().unwrap().to_owned();
    let act = |action: &str, body: &Value| {
        let request = opsgenie.done("POST", &format!("/v2/alerts/{id}/{action}"), body);
        opsgenie.became(&request)
    };
    assert_eq!(
        act("assign", &json!({ "owner": { "username": "stranger" } })),
        refused("The policy has nobody of this name")
    );
    assert_eq!(
        act("escalate", &json!({ "escalation": { "name": "x" } })),
        refused("The policy has nobody of this name")
    );
    assert_eq!(act("acknowledge", &json!({ "user": "ana" })), said("Acknowledged alert"));
    assert_eq!(act("acknowledge", &json!({ "user": "ana" })), said("Nothing had to be changed"));
    let taken = refused("Alert is already acknowledged by somebody else");
    assert_eq!(act("acknowledge", &json!({ "user": "ben" })), taken);
    assert_eq!(act("close", &json!({ "user": "Ben", "note": "It was the log files" })), said("Closed alert"));
    assert_eq!(the_incident(&opsgenie.standin).resolution.unwrap().by.as_str(), "person:ben", "and not the sender");
    assert_eq!(act("acknowledge", &json!({ "user": "ana" })), refused("Alert is already closed"));
    let other = format!("/v2/alerts/{}/tags", "0123456789abcdef0123-1");
    let request = opsgenie.done("POST", &other, &json!({ "tags": ["x"] }));
    assert_eq!(opsgenie.became(&request), refused("Alert does not exist"));
}

#[test]
fn an_acknowledgement_that_follows_its_alert_at_once_is_taken_after_it() {
    let opsgenie = Opsgenie::start();
    let create = json!({ "message": "Disk full", "alias": "a/b c%" });
    opsgenie.done("POST", "/v2/alerts", &create);
    let request = opsgenie.done("POST", "/v2/alerts/a%2Fb%20c%25/acknowledge?identifierType=alias", &json!({}));
    let actions: Vec<Action> = opsgenie.queued().iter().map(|signal| signal.action).collect();
    assert_eq!(actions.len(), 4, "each event came twice: {actions:?}");
    opsgenie.deliver();
    assert_eq!(the_incident(&opsgenie.standin).status, Status::Acknowledged);
    assert_eq!(opsgenie.became(&request), said("Acknowledged alert"));
}

#[test]
fn alerts_are_found_by_id_alias_and_number_and_listed_by_what_is_asked() {
    let opsgenie = Opsgenie::start();
    for (alias, priority) in [("a", "P1"), ("b", "P3"), ("c", "P5")] {
        let create =
            json!({ "message": format!("Alert {alias}"), "alias": alias, "priority": priority, "tags": [alias] });
        opsgenie.done("POST", "/v2/alerts", &create);
        opsgenie.deliver();
    }
    // Another integration's alert is nobody's business here.
    opsgenie.dedup.invoke(&batch(&[signal("s1", "k", Action::Trigger, 1)], 1)).unwrap().unwrap();
    opsgenie.done("POST", "/v2/alerts/c/close?identifierType=alias", &json!({}));
    opsgenie.deliver();

    let alert = opsgenie.alert("a");
    for (name, kind) in [(&alert["id"], "id"), (&alert["alias"], "alias"), (&alert["tinyId"], "tiny")] {
        let path = format!("/v2/alerts/{}?identifierType={kind}", name.as_str().unwrap());
        let (status, body) = opsgenie.ask("GET", &path, &Value::Null);
        assert_eq!((status, &body["data"]), (200, &alert), "{path}");
    }
    let listed = |query: &str| {
        let (status, body) = opsgenie.ask("GET", &format!("/v2/alerts?{query}"), &Value::Null);
        assert_eq!(status, 200, "{query}: {body}");
        body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["alias"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    let table = [
        ("", "cba"),
        ("order=asc", "abc"),
        ("sort=alias&order=asc", "abc"),
        ("sort=status&order=asc", "cab"),
        ("query=status%3A%20open", "ba"),
        ("query=status%3Aclosed", "c"),
        ("query=tag%3A%20(a%20OR%20c)%20AND%20NOT%20priority%3A%20P5", "a"),
        ("query=createdAt%20%3E%201000", "cba"),
        ("query=createdAt%20%3C%201000", ""),
        ("limit=1&offset=1", "b"),
        ("limit=2&offset=2", "a"),
    ];
    for (query, expected) in table {
        assert_eq!(listed(query), expected, "{query}");
    }
    let (_, body) = opsgenie.ask("GET", "/v2/alerts?limit=1&offset=1&query=status%3A%20open%20OR", &Value::Null);
    assert!(body["errors"]["query"].as_str().unwrap().contains("OR is taken"), "{body}");
    let (_, body) = opsgenie.ask("GET", "/v2/alerts?limit=1&query=status%3A%20open", &Value::Null);
    let next = body["paging"]["next"].as_str().unwrap();
    assert!(next.starts_with("https://watchkeeper.test/v2/alerts?query=status%3A%20open&offset=1"), "{next}");
    assert_eq!(body["paging"]["prev"], Value::Null);
    let (_, body) = opsgenie.ask("GET", "/jsm/ops/integration/v2/alerts/count?query=status%3A%20open", &Value::Null);
    assert_eq!(body["data"]["count"], 2);

    let foreign = opsgenie.standin.world.lock().unwrap().incidents();
    let foreign = foreign.iter().find(|incident| incident.integration == "pagerduty").unwrap().id.clone();
    assert_eq!(opsgenie.ask("GET", &format!("/v2/alerts/{foreign}"), &Value::Null).0, 404);
    let tags = opsgenie.done("POST", &format!("/v2/alerts/{foreign}/tags"), &json!({ "tags": ["x"] }));
    let (status, _) = opsgenie.ask("GET", &format!("/v2/alerts/requests/{tags}"), &Value::Null);
    assert_eq!(status, 404, "not even whether it is there");
}

#[test]
fn what_is_wrong_is_told_as_opsgenie_tells_it_and_changes_nothing() {
    let opsgenie = Opsgenie::start();
    let message = json!({ "message": "m" });
    let nothing = Value::Null;
    let table = [
        ("POST", "/v2/alerts", &json!({}), 422),
        ("POST", "/v2/alerts", &json!([]), 400),
        ("PATCH", "/v2/alerts", &message, 405),
        ("POST", "/v2/alerts/x/snooze?identifierType=alias", &json!({}), 422),
        ("POST", "/v2/alerts/x/close?identifierType=name", &json!({}), 422),
        ("POST", "/v2/alerts/x/actions/restart", &json!({}), 404),
        ("GET", "/v2/alerts/x", &nothing, 404),
        ("GET", "/v2/alerts/x?identifierType=tiny", &nothing, 404),
        ("GET", "/v2/alerts/x/notes?identifierType=alias", &nothing, 404),
        ("GET", "/v2/alerts/requests/43a29c5c-3dbf-4fa4-9c26-f4f71023e120", &nothing, 404),
        ("GET", "/v2/alerts?limit=1000", &nothing, 422),
        ("GET", "/v2/alerts?sort=mood", &nothing, 422),
        ("GET", "/v2/alerts/count?query=mood%3A%20bad", &nothing, 422),
        ("GET", "/v2/alerts/saved-searches", &nothing, 403),
        ("GET", "/v2/alerts/x/attachments", &nothing, 403),
        ("DELETE", "/v2/alerts/x", &nothing, 403),
    ];
    for (method, path, body, status) in table {
        let Answer(answered, told, headers) = opsgenie.send(&Opsgenie::event(method, path, body));
        assert_eq!(answered, status, "{method} {path}: {told}");
        assert!(told["message"].is_string() && told["took"].is_number() && told["requestId"].is_string(), "{told}");
        assert_eq!(headers["X-Request-ID"], told["requestId"]);
        assert_eq!(headers["Allow"].is_string(), status == 405, "{headers}");
    }
    for key in [None, Some("GenieKey wrong"), Some("Bearer 4f1c9b7e-0a2d-4c5e-8b6f-123456789abc"), Some("GenieKey ")] {
        let headers: Vec<_> = key.map(|key| ("authorization", key.to_owned())).into_iter().collect();
        let Answer(status, told, _) = opsgenie.send(&gateway("POST", "/v2/alerts", &headers, &message.to_string()));
        assert_eq!((status, &told["message"]), (401, &json!("Could not authenticate")), "{key:?}");
    }
    assert!(opsgenie.queued().is_empty() && opsgenie.records() == 0);
    let logs = opsgenie.api.logs();
    assert!(!logs.contains(API_KEY) && !logs.contains("GenieKey"), "{logs}");
}

#[test]
fn a_key_counts_only_in_the_networks_that_its_integration_hears() {
    for (network, status) in [("127.0.0.0/8", 200), ("10.0.0.0/8", 403)] {
        let mut policy = policy("127.0.0.1:9");
        policy.integrations.get_mut("opsgenie").unwrap().from = vec![network.parse().unwrap()];
        let opsgenie = Opsgenie::over(standin_with(&policy));
        assert_eq!(opsgenie.ask("GET", "/v2/alerts", &Value::Null).0, status, "{network}");
    }
}

#[test]
fn both_keys_are_valid_while_one_is_replaced() {
    let opsgenie = Opsgenie::start();
    let both = format!("a-newer-key\n{API_KEY}");
    opsgenie.standin.world.lock().unwrap().parameters.insert("/watchkeeper/integrations/opsgenie".to_owned(), both);
    for key in [API_KEY, "a-newer-key"] {
        let headers = [("authorization", format!("GenieKey {key}"))];
        assert_eq!(opsgenie.send(&gateway("GET", "/v2/alerts", &headers, "")).0, 200, "{key}");
    }
}

#[test]
fn when_we_cannot_do_our_part_the_sender_is_asked_to_come_back_and_nothing_is_lost() {
    for broken in ["AmazonSSM", "AmazonSQS", "GET /policies"] {
        let opsgenie = Opsgenie::start();
        opsgenie.standin.breaks(move |_, name| if name.starts_with(broken) { Fault::Trouble } else { Fault::None });
        let create = json!({ "message": "m", "alias": "a" });
        let Answer(status, told, headers) = opsgenie.send(&Opsgenie::event("POST", "/v2/alerts", &create));
        assert_eq!((status, headers["Retry-After"].is_string()), (503, true), "{broken}: {told}");
        opsgenie.standin.breaks(|_, _| Fault::None);
        opsgenie.done("POST", "/v2/alerts", &create);
    }
}
