//! The streams of the log, with the real binaries: who is in them, that nothing is in them twice, and that many writers
//! make one chain each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::access::AccessEvent;
use domain::cause::{Principal, Proof};
use domain::change::ChangeEvent;
use domain::incident::{Actor, Event, Incident};
use domain::log::{Entry, Record, verify};
use domain::sealed::SubjectEvent;
use domain::signal::{Action, Signal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, opened, signal, standin, the_incident};
use crate::cloud::{Cloud, key, wait};
use crate::paging::look;
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

/// What the holder of the token is answered.
fn call(function: &Function, method: &str, path: &str, body: &Value) -> (u64, Value) {
    let headers = [("authorization", format!("Bearer {TOKEN}")), ("content-type", "application/json".to_owned())];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = function.invoke(&gateway(method, path, &headers, &body)).unwrap().unwrap();
    let shown = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer["statusCode"].as_u64().unwrap(), shown)
}

/// Every stream whose name begins with `prefix`, after a check that each is a whole chain.
fn streams(standin: &Standin, prefix: &str) -> BTreeMap<String, Vec<Entry>> {
    let world = standin.world.lock().unwrap();
    let names = world.tables.get("records").into_iter().flatten().map(|((stream, _), _)| stream.clone());
    let names: BTreeSet<String> = names.filter(|stream| stream.starts_with(prefix)).collect();
    let streams = names.into_iter().map(|name| (name.clone(), world.stream(&name)));
    streams.inspect(|(name, entries)| assert!(verify(name, entries).is_ok(), "{name} is a chain")).collect()
}

/// The records of those streams.
fn records<E: Serialize + DeserializeOwned>(standin: &Standin, prefix: &str) -> Vec<Record<E>> {
    streams(standin, prefix).values().flatten().map(|entry| Record::open(entry).unwrap()).collect()
}

/// What the access log says was asked, and the status where it was refused.
fn accesses(standin: &Standin) -> Vec<(String, Option<u16>)> {
    let records = records::<AccessEvent>(standin, "access#");
    assert!(records.iter().all(|record| record.by == Some(Principal::token("tests"))));
    let events = records.into_iter().flat_map(|record| record.events);
    events
        .map(|event| match event {
            AccessEvent::Read { asked } => (asked, None),
            AccessEvent::Refused { asked, status } => (asked, Some(status)),
        })
        .collect()
}

#[test]
fn whoever_reads_is_written_down_once_and_nothing_else_of_the_request_is() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let hash = crate::cases::policy("127.0.0.1:9").hash();
    let functions = [
        (
            env!("CARGO_BIN_EXE_api"),
            vec![
                "/v1/incidents".to_owned(),
                "/v1/incidents?status=triggered&limit=7".to_owned(),
                format!("/v1/incidents/{incident}"),
                format!("/v1/incidents/{incident}/timeline"),
                format!("/v1/incidents/{incident}/records"),
                format!("/v1/policies/{hash}"),
                "/v1/history".to_owned(),
            ],
        ),
        (env!("CARGO_BIN_EXE_silence"), vec!["/v1/silences".to_owned(), "/api/v2/alerts".to_owned()]),
        (env!("CARGO_BIN_EXE_schedule"), vec!["/v1/oncall".to_owned(), "/v1/overrides".to_owned()]),
    ];
    let mut asked = Vec::new();
    for (binary, paths) in &functions {
        let function = function(binary, &standin, &[]);
        for path in paths {
            assert_eq!(call(&function, "GET", path, &Value::Null).0, 200, "{path}");
            asked.push((format!("GET {}", path.split('?').next().unwrap()), None));
        }
        assert!(!function.logs().contains(TOKEN));
    }
    let mut written = accesses(&standin);
    written.sort();
    asked.sort();
    assert_eq!(written, asked);
    let logs = streams(&standin, "access#");
    assert_eq!(logs.len(), functions.len(), "one stream each: {:?}", logs.keys());
    let text: String = logs.into_values().flatten().map(|entry| entry.body).collect();
    assert!(!text.contains(TOKEN) && !text.contains("limit"), "{text}");
}

#[test]
fn strangers_are_not_written_down_and_what_everybody_may_see_is_not_either() {
    let standin = standin("127.0.0.1:9");
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    for (path, token, status) in [("/v1/incidents", "nobody's", 401), ("/v1/openapi.json", "nobody's", 200)] {
        let headers = [("authorization", format!("Bearer {token}"))];
        let answer = api.invoke(&gateway("GET", path, &headers, "")).unwrap().unwrap();
        assert_eq!(answer["statusCode"], status, "{path}");
    }
    assert_eq!(accesses(&standin), []);
}

#[test]
fn nobody_is_shown_anything_that_cannot_be_written_down() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    let path = format!("/v1/incidents/{incident}");
    standin.breaks(|_, name| if name.ends_with(".PutItem") { Fault::Trouble } else { Fault::None });
    let (status, problem) = call(&api, "GET", &path, &Value::Null);
    assert_eq!(status, 503);
    assert!(!problem.to_string().contains("Checkout"), "{problem}");
    assert_eq!(accesses(&standin), []);
    standin.breaks(|_, _| Fault::None);
    assert_eq!(call(&api, "GET", &path, &Value::Null).0, 200);
    assert_eq!(accesses(&standin), [(format!("GET {path}"), None)]);
}

#[test]
fn an_access_whose_answer_is_lost_is_written_once() {
    let standin = standin("127.0.0.1:9");
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    let mut lost = false;
    standin.breaks(move |_, name| {
        let lose = name.ends_with(".PutItem") && !std::mem::replace(&mut lost, true);
        if lose { Fault::AnswerLost } else { Fault::None }
    });
    for _ in 0..2 {
        assert_eq!(call(&api, "GET", "/v1/incidents", &Value::Null).0, 200);
    }
    assert_eq!(accesses(&standin), vec![("GET /v1/incidents".to_owned(), None); 2]);
    assert_eq!(streams(&standin, "access#").len(), 1, "it found itself, and went on");
}

#[test]
fn a_read_makes_no_more_calls_than_its_own_and_one_put() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    let path = format!("/v1/incidents/{incident}");
    call(&api, "GET", &path, &Value::Null);
    standin.breaks(|_, _| Fault::None);
    call(&api, "GET", &path, &Value::Null);
    let mut calls = standin.world.lock().unwrap().calls.clone();
    calls.sort();
    assert_eq!(calls, ["DynamoDB_20120810.GetItem", "DynamoDB_20120810.PutItem"]);
}

#[test]
fn a_change_is_in_its_own_stream_with_whose_request_it_was_and_a_refusal_in_the_access_log() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let path = |action: &str| format!("/v1/incidents/{incident}/{action}");
    assert_eq!(call(&respond, "POST", &path("resolve"), &json!({ "by": "ana" })).0, 200);
    assert_eq!(accesses(&standin), [], "the change says it");
    assert_eq!(call(&respond, "POST", &path("acknowledge"), &json!({ "by": "ben" })).0, 409);
    assert_eq!(call(&respond, "POST", &path("delete"), &json!({})).0, 404);
    let refused = |action: &str, status| (format!("POST {}", path(action)), Some(status));
    assert_eq!(accesses(&standin), [refused("acknowledge", 409), refused("delete", 404)]);

    let log = records::<Event>(&standin, "incident#");
    let sender = Principal { actor: Actor::integration("pagerduty"), proof: Proof::SenderToken };
    assert_eq!(log.first().unwrap().by, Some(sender), "the sender's signal");
    let resolved = log.iter().find(|record| matches!(record.events[0], Event::Resolved { .. })).unwrap();
    assert_eq!(resolved.by, Some(Principal::token("tests")), "the holder of the token says that ana did");

    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    let told = call(&api, "GET", &path("timeline"), &Value::Null).1["entries"].clone();
    let last = told.as_array().unwrap().last().unwrap();
    assert_eq!(last["principal"], json!({ "actor": "token:tests", "proof": "api_token" }));
    assert_eq!(last["actor"], "person:ana");
}

#[test]
fn what_watchkeeper_does_itself_is_proved_by_its_role() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    for (binary, cause) in [(env!("CARGO_BIN_EXE_enrich"), "e/enrich"), (env!("CARGO_BIN_EXE_route"), "e/route")] {
        function(binary, &standin, &[]).invoke(&look(&incident, cause)).unwrap().unwrap();
    }
    let own = records::<Event>(&standin, "incident#").into_iter().skip(1);
    let own: Vec<_> = own.map(|record| record.by.unwrap()).collect();
    assert_eq!(own, vec![Principal { actor: Actor::watchkeeper(), proof: Proof::Role }; 2]);
    assert_eq!(the_incident(&standin).seq, 3);
}

fn deploy(id: &str, ago: i64) -> Signal {
    signal(id, id, Action::Change, ago)
}

#[test]
fn a_deploy_is_one_record_of_its_service_however_often_it_is_delivered() {
    let standin = standin("127.0.0.1:9");
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let deploys = [deploy("d1", 60), deploy("d2", 30)];
    for received in 1..=3 {
        let answer = dedup.invoke(&batch(&deploys, received)).unwrap().unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    let log = records::<ChangeEvent>(&standin, "changes#");
    assert!(log.iter().all(|record| record.stream == "changes#checkout"));
    let reported: Vec<ChangeEvent> = log.iter().flat_map(|record| record.events.clone()).collect();
    assert_eq!(reported, deploys.each_ref().map(ChangeEvent::from));
    let rows = standin.world.lock().unwrap().tables["state"].keys().filter(|(pk, _)| pk == "change#checkout").count();
    assert_eq!(rows, 2, "each has its row");
}

#[test]
fn a_deploy_broken_at_any_call_is_one_record_and_one_row() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost, Fault::Trouble] {
        for broken in 0..2 {
            let standin = standin("127.0.0.1:9");
            let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
            standin.kills(dedup.killer());
            standin.breaks(move |call, _| if call == broken { fault } else { Fault::None });
            let deploy = deploy("d1", 60);
            dedup.invoke(&batch(std::slice::from_ref(&deploy), 1));
            standin.breaks(|_, _| Fault::None);
            let again = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
            again.invoke(&batch(&[deploy], 2)).unwrap().unwrap();
            assert_eq!(records::<ChangeEvent>(&standin, "changes#").len(), 1, "{fault:?} at call {broken}");
        }
    }
}

#[test]
fn k21_what_was_written_about_somebody_is_read_until_it_is_erased_and_the_chain_verifies_before_and_after() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let (respond, api) =
        (function(env!("CARGO_BIN_EXE_respond"), &standin, &[]), function(env!("CARGO_BIN_EXE_api"), &standin, &[]));
    let notes = format!("/v1/incidents/{incident}/notes");
    let told = || {
        let path = format!("/v1/incidents/{incident}/timeline");
        let entries = call(&api, "GET", &path, &Value::Null).1["entries"].as_array().unwrap().clone();
        let noted = entries.into_iter().filter(|entry| entry["kind"] == "noted");
        noted.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let subject = "/v1/subjects/customer%3Aacme";
    let why = json!({ "reason": "they asked for it" });
    assert_eq!(call(&respond, "DELETE", subject, &why).0, 404, "nothing was written about them");
    for (text, about) in
        [("Ms Doe called", "customer:acme"), ("and Mr Roe", "customer:acme"), ("a third", "customer:other")]
    {
        assert_eq!(call(&respond, "POST", &notes, &json!({ "text": text, "about": about, "by": "ana" })).0, 200);
    }
    assert_eq!(call(&respond, "POST", &notes, &json!({ "text": "x", "about": "acme" })).0, 400);
    assert_eq!(told(), ["ana noted: Ms Doe called", "ana noted: and Mr Roe", "ana noted: a third"]);
    let stored = || format!("{:?}", standin.world.lock().unwrap().tables);
    for secret in ["Ms Doe", "Mr Roe", "acme"] {
        assert!(!stored().contains(secret), "{secret} is nowhere in the open");
    }
    let before = streams(&standin, "incident#");

    assert_eq!(call(&respond, "DELETE", subject, &json!({ "reason": " " })).0, 400);
    assert_eq!(call(&respond, "GET", subject, &Value::Null).0, 405);
    let (status, erased) = call(&respond, "DELETE", subject, &why);
    assert_eq!(status, 200, "{erased}");
    let gone = "ana noted something about somebody: it was erased";
    assert_eq!(told(), [gone, gone, "ana noted: a third"]);
    assert_eq!(streams(&standin, "incident#"), before, "no record was touched");
    assert!(!stored().contains(&format!("key#{}", erased["key"].as_str().unwrap())), "the key is gone");
    let log = records::<SubjectEvent>(&standin, "subjects");
    let wanted = SubjectEvent::Erased {
        key: erased["key"].as_str().unwrap().to_owned(),
        by: Actor::token("tests"),
        reason: "they asked for it".to_owned(),
    };
    assert_eq!((log.len(), &log[0].events, &log[0].by), (1, &vec![wanted], &Some(Principal::token("tests"))));
    assert_eq!(call(&respond, "DELETE", subject, &why).0, 404, "nothing is left");
    assert!(accesses(&standin).iter().all(|(asked, _)| !asked.contains("acme")));

    assert_eq!(call(&respond, "POST", &notes, &json!({ "text": "again", "about": "customer:acme" })).0, 200);
    assert_eq!(told().last().unwrap(), "tests (by API token) noted: again", "a new key for what is written anew");
}

#[test]
fn k21_an_erasure_broken_at_any_call_is_done_once_it_is_asked_for_again() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost, Fault::Trouble] {
        for broken in 0..4 {
            let standin = standin("127.0.0.1:9");
            let incident = opened(&standin);
            let start = || function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
            let note = json!({ "text": "x", "about": "customer:acme" });
            assert_eq!(call(&start(), "POST", &format!("/v1/incidents/{incident}/notes"), &note).0, 200);
            let headers = [("authorization", format!("Bearer {TOKEN}"))];
            let erase = gateway("DELETE", "/v1/subjects/customer:acme", &headers, r#"{"reason":"asked"}"#);
            let respond = start();
            standin.kills(respond.killer());
            standin.breaks(move |call, _| if call == broken { fault } else { Fault::None });
            respond.invoke(&erase);
            standin.breaks(|_, _| Fault::None);
            let again = start().invoke(&erase).unwrap().unwrap();
            assert!([json!(200), json!(404)].contains(&again["statusCode"]), "{fault:?} at call {broken}: {again}");
            assert_eq!(records::<SubjectEvent>(&standin, "subjects").len(), 1, "{fault:?} at call {broken}");
            let world = standin.world.lock().unwrap();
            let left =
                world.tables["state"].keys().filter(|(pk, _)| pk.starts_with("key#") || pk.starts_with("subject#"));
            assert_eq!(left.count(), 0, "{fault:?} at call {broken}");
        }
    }
}

/// Hands `batch`es over until every message is taken, as a queue does.
fn deliver(dedup: &Function, signals: &[Signal]) {
    for received in 1.. {
        let answer = dedup.invoke(&batch(signals, received)).unwrap().unwrap();
        if answer["batchItemFailures"] == json!([]) {
            return;
        }
    }
}

#[test]
fn d01_d02_k04_sixty_four_writers_over_fifty_incidents_make_one_chain_each() {
    const INCIDENTS: usize = 50;
    const WRITERS: usize = 32;
    const NOTES: usize = 3;
    const BATCHES: usize = 2;
    let standin = standin("127.0.0.1:9");
    let key = |incident: usize| format!("k{incident}");
    let one = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let first: Vec<Signal> = (0..INCIDENTS)
        .map(|incident| signal(&format!("first-{incident}"), &key(incident), Action::Trigger, 9))
        .collect();
    deliver(&one, &first);
    let ids: Vec<String> =
        standin.world.lock().unwrap().incidents().into_iter().map(|incident| incident.id.to_string()).collect();
    assert_eq!(ids.len(), INCIDENTS);
    let noted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (standin, ids, noted) = (&standin, &ids, &noted);
            scope.spawn(move || {
                let dedup = function(env!("CARGO_BIN_EXE_dedup"), standin, &[]);
                for ten in 0..BATCHES {
                    let some = (0..10).map(|place| (10 * ten + 7 * writer + place) % INCIDENTS);
                    let id = |incident: usize| format!("{writer}-{ten}-{incident}");
                    let signals = some.map(|incident| signal(&id(incident), &key(incident), Action::Trigger, 5));
                    deliver(&dedup, &signals.chain([deploy(&format!("deploy-{writer}-{ten}"), 5)]).collect::<Vec<_>>());
                }
            });
            scope.spawn(move || {
                let respond = function(env!("CARGO_BIN_EXE_respond"), standin, &[]);
                for note in 0..NOTES {
                    let path = format!("/v1/incidents/{}/notes", ids[(writer + 5 * note) % INCIDENTS]);
                    while call(&respond, "POST", &path, &json!({ "text": format!("{writer}/{note}") })).0 != 200 {}
                    noted.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(noted.load(Ordering::SeqCst), WRITERS * NOTES);

    let logs = streams(&standin, "incident#");
    assert_eq!(logs.len(), INCIDENTS, "one chain each");
    let (mut occurrences, mut notes) = (0, 0);
    for snapshot in standin.world.lock().unwrap().incidents() {
        let entries = &logs[&snapshot.id.stream()];
        assert_eq!(verify(&snapshot.id.stream(), entries), Ok(snapshot.head.clone()));
        let mut folded = Incident::expected(snapshot.id.clone());
        for entry in entries {
            let record: Record<Event> = Record::open(entry).unwrap();
            notes += record.events.iter().filter(|event| matches!(event, Event::Noted { .. })).count();
            folded.fold(&record, entry.hash.clone());
        }
        assert_eq!(folded, snapshot, "the snapshot is the fold of the log");
        occurrences += snapshot.occurrences;
    }
    assert_eq!(occurrences, (INCIDENTS + 10 * BATCHES * WRITERS) as u64, "each signal counted once");
    assert_eq!(notes, WRITERS * NOTES, "each note is there once");
    let deploys = records::<ChangeEvent>(&standin, "changes#checkout");
    assert_eq!(deploys.len(), WRITERS * BATCHES, "each deploy is there once");
}

#[test]
#[ignore = "needs the local stack: make up"]
fn k04_sixty_four_writers_make_one_chain_each_on_the_local_cloud() {
    const INCIDENTS: usize = 50;
    const WRITERS: usize = 32;
    const SIGNALS: usize = 10;
    let cloud = &Cloud::new();
    let run = &key("writers");
    let name = |incident: usize| format!("{run}-{incident}");
    let send = |incident| while cloud.pagerduty("trigger", &name(incident)).0 != 202 {};
    (0..INCIDENTS).for_each(send);
    let found =
        (0..INCIDENTS).map(|incident| cloud.until(&name(incident), |_| true)["id"].as_str().unwrap().to_owned());
    let ids: &Vec<String> = &found.collect();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let place = move |number: usize| (writer + 5 * number) % INCIDENTS;
            scope.spawn(move || (0..SIGNALS).for_each(|number| send(place(number))));
            scope.spawn(move || {
                for number in 0..SIGNALS {
                    let path = format!("/v1/incidents/{}/notes", ids[place(number)]);
                    while cloud.ask("POST", &path, &json!({ "text": format!("{writer}/{number}") })).0 != 200 {}
                }
            });
        }
    });
    let recorded = || {
        let counts = (0..INCIDENTS).map(|incident| cloud.until(&name(incident), |_| true)["occurrences"].as_u64());
        usize::try_from(counts.map(Option::unwrap_or_default).sum::<u64>()).unwrap()
    };
    wait("every signal to be counted", || (recorded() == INCIDENTS + WRITERS * SIGNALS).then_some(()));
    let mut notes = 0;
    for id in ids {
        let records = cloud.get(&format!("/v1/incidents/{id}/records"));
        let entries: Vec<Entry> = serde_json::from_value(records["entries"].clone()).unwrap();
        verify(&format!("incident#{id}"), &entries).expect("one chain");
        let opened = entries.iter().map(|entry| Record::<Event>::open(entry).unwrap());
        notes += opened.flat_map(|record| record.events).filter(|event| matches!(event, Event::Noted { .. })).count();
        cloud.ask("POST", &format!("/v1/incidents/{id}/resolve"), &json!({ "by": "ana" }));
    }
    assert_eq!(notes, WRITERS * SIGNALS, "each note is there once");
}
