//! What people answer beside acknowledging, with the real binaries.

use domain::incident::{IncidentId, Status};
use domain::signal::Action;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, opened, policy, signal, standin, standin_with, the_incident};
use crate::paging::look;
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::Standin;

fn post(respond: &Function, path: &str, key: &str, body: &Value) -> (u64, Value) {
    let headers = [
        ("authorization", format!("Bearer {TOKEN}")),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", key.to_owned()),
    ];
    let answer = respond.invoke(&gateway("POST", path, &headers, &body.to_string())).unwrap().unwrap();
    let shown = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer["statusCode"].as_u64().unwrap(), shown)
}

fn looks(standin: &Standin) -> Vec<String> {
    let world = standin.world.lock().unwrap();
    world.executions.keys().filter(|name| name.contains("look")).cloned().collect()
}

#[test]
fn a_snooze_a_return_and_a_reassignment_are_looked_at_at_once_and_change_nothing_when_they_come_again() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    let at = |action: &str| format!("/v1/incidents/{incident}/{action}");
    let table = [
        ("snooze", json!({ "by": "ana", "for": "2h" }), Status::Acknowledged),
        ("unacknowledge", json!({ "by": "ben" }), Status::Triggered),
        ("reassign", json!({ "by": "ana", "to": "person:ben" }), Status::Triggered),
    ];
    for (number, (action, body, status)) in table.iter().enumerate() {
        let (code, first) = post(&respond, &at(action), "once", body);
        assert_eq!(code, 200, "{action}: {first}");
        let after = the_incident(&standin);
        assert_eq!(after.status, *status, "{action}");
        assert_eq!(post(&respond, &at(action), "once", body), (200, first), "{action}: the same answer");
        assert_eq!(the_incident(&standin), after, "{action}: no second effect");
        assert_eq!(looks(&standin).len(), number + 1, "{action}: one look");
    }
    page.invoke(&look(&incident, "e/page/2")).unwrap().unwrap();
    let told: Vec<String> = phone.pages().into_iter().map(|page| page.person).collect();
    assert_eq!(told, ["ana", "ben"], "whoever it was given to is told");

    let before = the_incident(&standin);
    for (action, body) in [
        ("reassign", json!({ "to": "person:stranger" })),
        ("reassign", json!({ "to": "channel:ops" })),
        ("snooze", json!({ "for": "0s" })),
        ("snooze", json!({})),
    ] {
        assert_eq!(post(&respond, &at(action), "other", &body).0, 400, "{action} {body}");
    }
    assert_eq!(post(&respond, &at("delete"), "other", &json!({})).0, 404);
    assert_eq!(the_incident(&standin), before);
}

#[test]
fn i02_nothing_is_put_off_or_given_away_once_it_is_over() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    post(&respond, &format!("/v1/incidents/{incident}/resolve"), "k", &json!({ "by": "ana" }));
    let before = the_incident(&standin);
    let requests = [
        ("snooze", json!({ "for": "1h" })),
        ("reassign", json!({ "to": "person:ana" })),
        ("unacknowledge", json!({})),
        ("acknowledge", json!({})),
    ];
    for (action, body) in requests {
        let (code, problem) = post(&respond, &format!("/v1/incidents/{incident}/{action}"), "k", &body);
        assert_eq!(code, 409, "{action}");
        assert!(problem["detail"].as_str().unwrap().contains("already resolved by ana"), "{problem}");
    }
    assert_eq!(the_incident(&standin), before);
}

#[test]
fn d08_i14_five_hundred_incidents_are_answered_at_once_and_each_has_its_own_result() {
    let standin = standin("127.0.0.1:9");
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let signals: Vec<_> =
        (0..499).map(|number| signal(&format!("s{number}"), &format!("k{number}"), Action::Trigger, 0)).collect();
    dedup.invoke(&batch(&signals, 1)).unwrap().unwrap();
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let mut ids: Vec<String> =
        standin.world.lock().unwrap().incidents().iter().map(|incident| incident.id.to_string()).collect();
    let taken = ids[7].clone();
    post(&respond, &format!("/v1/incidents/{taken}/acknowledge"), "k", &json!({ "by": "ben" }));
    ids.push("nonsense".to_owned());

    let body = json!({ "by": "ana", "ids": ids });
    for _ in 0..2 {
        let (code, answer) = post(&respond, "/v1/incidents/acknowledge", "all", &body);
        assert_eq!(code, 200);
        let results = answer["results"].as_array().unwrap();
        let named: Vec<&str> = results.iter().map(|result| result["id"].as_str().unwrap()).collect();
        assert_eq!(named, ids, "in the order in which they were named");
        for result in results {
            let id = result["id"].as_str().unwrap();
            let refused = result["problem"]["status"].as_u64();
            let expected = if id == taken { Some(409) } else { (id == "nonsense").then_some(404) };
            assert_eq!(refused, expected, "{result}");
            assert_eq!(result["incident"].is_null(), refused.is_some());
        }
    }
    let incidents = standin.world.lock().unwrap().incidents();
    assert!(incidents.iter().all(|incident| incident.status == Status::Acknowledged));
    let too_many = json!({ "ids": vec![ids[0].clone(); 501] });
    assert_eq!(post(&respond, "/v1/incidents/resolve", "all", &too_many).0, 400);
    assert_eq!(post(&respond, "/v1/incidents/resolve", "all", &json!({ "ids": [] })).0, 400);
}

#[test]
fn people_take_turns_in_a_round_robin_whatever_the_incident() {
    let phone = Phone::start();
    let mut policy = policy(&phone.address.to_string());
    let step = json!({ "notify": ["person:ana", "person:ben"], "wait": "PT5M", "round_robin": true });
    let last = policy.catch_all.escalation.clone();
    policy.escalations.get_mut(&last).unwrap().steps = vec![serde_json::from_value(step).unwrap()];
    let standin = standin_with(&policy);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    let signals: Vec<_> =
        (0..4).map(|number| signal(&format!("s{number}"), &format!("k{number}"), Action::Trigger, 0)).collect();
    dedup.invoke(&batch(&signals, 1)).unwrap().unwrap();
    let ids: Vec<IncidentId> =
        standin.world.lock().unwrap().incidents().into_iter().map(|incident| incident.id).collect();
    for id in &ids {
        for _ in 0..2 {
            page.invoke(&look(id, &format!("{id}/page/1"))).unwrap().unwrap();
        }
    }
    let told: Vec<String> = phone.pages().into_iter().map(|page| page.person).collect();
    assert_eq!(told, ["ana", "ben", "ana", "ben"]);
}

#[test]
fn c06_a_key_stands_for_one_body_at_one_address_for_a_day_and_for_none_that_was_refused() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let notes = format!("/v1/incidents/{incident}/notes");
    let note = |key: &str, text: &str| post(&respond, &notes, key, &json!({ "text": text })).0;
    let mut written = the_incident(&standin).seq;
    let longest = "k".repeat(256);
    let table = [
        ("k", "the disk is full", 200, 1, "the first"),
        ("k", "the disk is full", 200, 0, "the same again"),
        ("k", "the disk is empty", 422, 0, "another one"),
        ("k", "the disk is full", 200, 0, "the first once more"),
        ("other", "the disk is empty", 200, 1, "a key of its own"),
        ("mended", "", 400, 0, "what is refused"),
        ("mended", "the disk is mended", 200, 1, "what was refused, mended"),
        (&longest, "a long key", 200, 1, "the longest key"),
        (&format!("{longest}k"), "too long a key", 400, 0, "a longer one"),
        ("", "no key", 400, 0, "an empty one"),
        ("sch\u{f6}n", "a word", 400, 0, "one that is not ASCII"),
    ];
    for (key, text, status, records, what) in table {
        assert_eq!(note(key, text), status, "{what}");
        written += records;
        assert_eq!(the_incident(&standin).seq, written, "{what}");
    }
    let (status, problem) = post(&respond, &notes, "k", &json!({ "text": "the disk is empty" }));
    assert_eq!((status, &problem["type"]), (422, &json!("/v1/openapi.json#/components/responses/KeyReused")));
    let taken = format!("/v1/incidents/{incident}/acknowledge");
    assert_eq!(post(&respond, &taken, "k", &json!({ "by": "ana" })).0, 200, "the key of another address");

    let mut world = standin.world.lock().unwrap();
    let rows = world.tables.get_mut("state").unwrap().iter_mut().filter(|((pk, _), _)| pk.starts_with("request#"));
    rows.for_each(|(_, row)| row["expires_at"]["N"] = json!((Timestamp::now().as_second() - 1).to_string()));
    drop(world);
    assert_eq!(note("k", "the disk is empty again"), 200, "a day later");
}
