//! Heartbeats with the real functions: sent, missed, told of by the sweep, and over when they come again.

use domain::incident::Status;
use domain::policy::Policy;
use domain::signal::{Action, Signal};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{API_KEY, TOKEN, batch, function, gateway, policy, standin_with, the_incident};
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

const NOBODY: &str = "127.0.0.1:9";
/// What the job itself holds.
const JOB: &str = "a-token-of-the-nightly-job";

fn watched() -> Policy {
    let mut policy = serde_json::to_value(policy(NOBODY)).unwrap();
    policy["heartbeats"] = json!({
        "nightly": { "every": "PT24H", "grace": "PT30M", "service": "checkout", "secret": "ssm:/watchkeeper/nightly" },
    });
    serde_json::from_value(policy).unwrap()
}

fn start() -> (Standin, Function, Function) {
    let standin = standin_with(&watched());
    standin.world.lock().unwrap().parameters.insert("/watchkeeper/nightly".to_owned(), JOB.to_owned());
    let heartbeat = function(env!("CARGO_BIN_EXE_heartbeat"), &standin, &[]);
    let sweep = function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]);
    (standin, heartbeat, sweep)
}

fn asked(heartbeat: &Function, method: &str, path: &str, token: &str) -> (u64, Value) {
    let headers = [("authorization", format!("Bearer {token}"))];
    let answer = heartbeat.invoke(&gateway(method, path, &headers, "")).unwrap().unwrap();
    let body = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    (answer["statusCode"].as_u64().unwrap(), body.unwrap_or_default())
}

/// Of how many heartbeats one sweep told.
fn swept(sweep: &Function) -> Value {
    sweep.invoke(&json!({})).unwrap().unwrap()["heartbeats"].clone()
}

/// The row of the heartbeat, as if all of it had happened `ago` hours earlier.
fn age(standin: &Standin, ago: i64) {
    let mut world = standin.world.lock().unwrap();
    let row = world.table(&json!("state")).get_mut(&("heartbeats".to_owned(), "nightly".to_owned())).unwrap();
    let mut watch: Value = serde_json::from_str(row["body"]["S"].as_str().unwrap()).unwrap();
    for field in ["since", "last"] {
        if let Some(at) = watch[field].as_str() {
            let at: Timestamp = at.parse().unwrap();
            watch[field] = json!(at - SignedDuration::from_hours(ago));
        }
    }
    row.insert("body".to_owned(), json!({ "S": watch.to_string() }));
}

fn signals(standin: &Standin) -> Vec<Signal> {
    let world = standin.world.lock().unwrap();
    let queue = world.queues.get("signals").cloned().unwrap_or_default();
    queue.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

#[test]
fn only_its_own_token_or_one_of_the_api_sends_a_heartbeat() {
    let (standin, heartbeat, _) = start();
    let table = [
        ("GET", "/v1/heartbeats/nightly", JOB, 200),
        ("POST", "/v1/heartbeats/nightly", JOB, 200),
        ("POST", "/v1/heartbeats/nightly", TOKEN, 200),
        ("POST", "/v1/heartbeats/nightly", "wrong", 401),
        ("POST", "/v1/heartbeats/weekly", JOB, 401),
        ("POST", "/v1/heartbeats/weekly", TOKEN, 404),
        ("DELETE", "/v1/heartbeats/nightly", TOKEN, 405),
        ("GET", "/v1/heartbeats", JOB, 401),
        ("GET", "/v1/heartbeats", TOKEN, 200),
        ("POST", "/v1/heartbeats", TOKEN, 405),
    ];
    for (method, path, token, status) in table {
        assert_eq!(asked(&heartbeat, method, path, token).0, status, "{method} {path} {token}");
    }
    let rows = standin.world.lock().unwrap().table(&json!("state")).keys().filter(|(pk, _)| pk == "heartbeats").count();
    assert_eq!(rows, 1, "what is refused leaves nothing behind");
}

#[test]
fn a_heartbeat_that_is_missed_opens_an_incident_once_and_the_next_one_ends_it() {
    let (standin, heartbeat, sweep) = start();
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let list = || asked(&heartbeat, "GET", "/v1/heartbeats", TOKEN).1["heartbeats"][0].clone();
    assert_eq!((list()["state"].clone(), list()["due"].clone()), (json!("waiting"), Value::Null));
    assert_eq!(swept(&sweep), 0, "from now on it is waited for");
    assert_eq!(asked(&heartbeat, "POST", "/v1/heartbeats/nightly", JOB).1["state"], "alive");
    age(&standin, 24);
    assert_eq!((swept(&sweep), list()["state"].clone()), (json!(0), json!("alive")), "the grace is not over");
    age(&standin, 1);
    assert_eq!((swept(&sweep), list()["state"].clone()), (json!(1), json!("missing")));
    assert_eq!(swept(&sweep), 0, "it is told once");
    dedup.invoke(&batch(&signals(&standin), 1)).unwrap().unwrap();
    let incident = the_incident(&standin);
    assert_eq!((incident.status, incident.alert.service.as_deref()), (Status::Triggered, Some("checkout")));
    assert!(incident.alert.title.starts_with("nightly was last heard of "), "{}", incident.alert.title);

    assert_eq!(asked(&heartbeat, "GET", "/v1/heartbeats/nightly", JOB).1["state"], "alive");
    assert_eq!((swept(&sweep), swept(&sweep)), (json!(1), json!(0)));
    let told = signals(&standin);
    assert_eq!(told.iter().map(|signal| signal.action).collect::<Vec<_>>(), [Action::Trigger, Action::Resolve]);
    for received in 1..=2 {
        dedup.invoke(&batch(&told, received)).unwrap().unwrap();
        assert_eq!(the_incident(&standin).status, Status::Resolved);
    }
}

#[test]
fn a_sweep_that_ends_anywhere_is_finished_by_the_next() {
    for broken in 0..8 {
        let (standin, heartbeat, sweep) = start();
        asked(&heartbeat, "POST", "/v1/heartbeats/nightly", JOB);
        age(&standin, 30);
        let mut calls = 0;
        standin.breaks(move |_, name| {
            let ours = name.contains("PutItem") || name.contains("SendMessage");
            calls += usize::from(ours);
            match (ours && calls == broken / 2 + 1, broken % 2) {
                (false, _) => Fault::None,
                (true, 0) => Fault::Trouble,
                (true, _) => Fault::AnswerLost,
            }
        });
        let _ = sweep.invoke(&json!({}));
        standin.breaks(|_, _| Fault::None);
        sweep.invoke(&json!({})).unwrap().unwrap();
        assert_eq!(swept(&sweep), 0, "{broken}: all is told");
        let told = signals(&standin);
        assert!(!told.is_empty() && told.iter().all(|signal| signal.id == told[0].id), "{broken}: {told:?}");
    }
}

#[test]
fn a_heartbeat_that_leaves_the_policy_ends_what_it_began() {
    let (standin, heartbeat, sweep) = start();
    asked(&heartbeat, "POST", "/v1/heartbeats/nightly", JOB);
    age(&standin, 30);
    assert_eq!(swept(&sweep), 1);
    let without = policy(NOBODY);
    {
        let mut world = standin.world.lock().unwrap();
        world.objects.insert(format!("policies/policies/{}", without.hash()), without.compile().into_bytes());
        world.objects.insert("policies/policies/active".to_owned(), without.hash().to_string().into_bytes());
    }
    let sweep = function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]);
    assert_eq!((swept(&sweep), swept(&sweep)), (json!(1), json!(0)));
    assert_eq!(signals(&standin).last().map(|signal| signal.action), Some(Action::Resolve));
    let mut world = standin.world.lock().unwrap();
    assert!(world.table(&json!("state")).keys().all(|(pk, _)| pk != "heartbeats"), "nothing is left of it");
}

#[test]
fn a_heartbeat_is_taken_at_the_paths_of_opsgenie_with_a_key_of_its_integration() {
    let (standin, heartbeat, _) = start();
    let opsgenie = function(env!("CARGO_BIN_EXE_opsgenie"), &standin, &[]);
    let ping = |method: &str, path: &str, key: &str| {
        let headers = [("authorization", format!("GenieKey {key}"))];
        let answer = opsgenie.invoke(&gateway(method, path, &headers, "")).unwrap().unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].as_u64().unwrap(), body["result"].clone())
    };
    let last = || asked(&heartbeat, "GET", "/v1/heartbeats", TOKEN).1["heartbeats"][0]["last"].clone();
    assert_eq!(ping("GET", "/v2/heartbeats/nightly/ping", "somebody else's").0, 401);
    assert_eq!(ping("GET", "/v2/heartbeats/unknown/ping", API_KEY).0, 404);
    assert_eq!(last(), Value::Null, "neither was a heartbeat");
    for (method, root) in [("GET", ""), ("POST", ""), ("PUT", "/jsm/ops/integration"), ("PATCH", "")] {
        let (status, result) = ping(method, &format!("{root}/v2/heartbeats/nightly/ping"), API_KEY);
        assert_eq!((status, result), (202, json!("PONG - Heartbeat received")), "{method} {root}");
    }
    assert_ne!(last(), Value::Null);
}
