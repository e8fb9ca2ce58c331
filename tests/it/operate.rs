//! Dead letters and checks with the real binary: what failed is listed by its cause, and done again once.

use domain::signal::Action;
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, opened, signal, standin, the_incident};
use crate::kill::FAULTS;
use crate::paging::look;
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::{Fault, Letter, Standin};

const NOBODY: &str = "127.0.0.1:9";

/// The function that answers operators.
struct Operator(Function);

impl Operator {
    fn start(standin: &Standin) -> Self {
        Self(function(env!("CARGO_BIN_EXE_operate"), standin, &[]))
    }

    /// What it answers the holder of the token, and with which status; nothing when it died.
    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Option<(u64, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", format!("Bearer {TOKEN}")), ("content-type", "application/json".to_owned())];
        let answer = self.0.invoke(&gateway(method, path, &headers, &body))?.unwrap();
        let text = answer["body"].as_str().unwrap();
        Some((answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap_or_default()))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_ask(method, path, body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// How many letters it redrove, could not, and failed at.
    fn redrive(&self, queue: &str, body: &Value) -> [Value; 3] {
        let done = self.ask("POST", &format!("/v1/dead-letters/{queue}/redrive"), body);
        ["redriven", "impossible", "failed"].map(|name| done[name].clone())
    }

    /// The faults that a whole check finds, and how many incidents and records it looked at.
    fn check(&self) -> (Vec<String>, u64, u64) {
        let (mut cursor, mut faults, mut incidents, mut records) = (String::new(), Vec::new(), 0, 0);
        loop {
            let part = self.ask("GET", &format!("/v1/fsck{cursor}"), &Value::Null);
            let found = part["findings"].as_array().unwrap().iter();
            faults.extend(found.map(|finding| finding["fault"].as_str().unwrap().to_owned()));
            incidents += part["incidents"].as_u64().unwrap();
            records += part["records"].as_u64().unwrap();
            match part["next"].as_str() {
                Some(next) => cursor = format!("?cursor={}", next.replace(' ', "%20")),
                None => return (faults, incidents, records),
            }
        }
    }
}

/// Puts letters into the queue at the end of `url`.
fn bury(standin: &Standin, url: &str, letters: &[(&str, String)]) {
    let mut world = standin.world.lock().unwrap();
    let queue = world.letters.entry(url.to_owned()).or_default();
    for (number, (reason, body)) in letters.iter().enumerate() {
        let attributes = [*reason].into_iter().filter(|reason| !reason.is_empty());
        let attributes = attributes.map(|reason| ("reason".to_owned(), reason.to_owned())).collect();
        let (id, sent_at) = (format!("{url}-{}", queue.len() + number), 1_700_000_000_000);
        queue.push(Letter { id, body: body.clone(), attributes, sent_at, hidden: false });
    }
}

/// Two signals that dedup gave up, and one message that is none.
fn buried(standin: &Standin) {
    let text = |id: &str| serde_json::to_string(&signal(id, "k", Action::Trigger, 5)).unwrap();
    let none = "{\"id\":7}".to_owned();
    bury(standin, "dead-letters", &[("", text("a")), ("", text("b")), ("not a signal: at id", none)]);
}

fn left(standin: &Standin, url: &str) -> usize {
    standin.world.lock().unwrap().letters.get(url).map_or(0, Vec::len)
}

#[test]
fn dead_letters_are_listed_by_cause_shown_and_left_where_they_are() {
    let standin = standin(NOBODY);
    buried(&standin);
    let operator = Operator::start(&standin);
    for _ in 0..2 {
        let all = operator.ask("GET", "/v1/dead-letters", &Value::Null);
        let queues = all["queues"].as_array().unwrap();
        assert_eq!(queues.len(), 7);
        assert_eq!((&queues[0]["name"], &queues[0]["letters"]), (&json!("signals"), &json!(3)));
        let causes = queues[0]["causes"].as_array().unwrap();
        let told = |at: usize| ["cause", "letters", "possible"].map(|name| causes[at][name].clone());
        assert_eq!(told(0), [json!("dedup failed again and again"), json!(2), json!(true)]);
        assert_eq!(told(1), [json!("not a signal: at id"), json!(1), json!(false)]);
        assert!(queues[1..].iter().all(|queue| queue["letters"] == 0 && queue["causes"] == json!([])));
        let shown = operator.ask("GET", "/v1/dead-letters/signals", &Value::Null);
        assert_eq!(shown["letters"].as_array().unwrap().len(), 3);
        assert_eq!(shown["letters"][2]["body"], "{\"id\":7}");
    }
    let (status, _) = operator.try_ask("GET", "/v1/dead-letters/elsewhere", &Value::Null).unwrap();
    assert_eq!(status, 404);
    let (status, _) = operator.try_ask("GET", "/v1/dead-letters/signals/redrive", &Value::Null).unwrap();
    assert_eq!(status, 405);
    let read =
        standin.world.lock().unwrap().tables["records"].keys().filter(|(pk, _)| pk.starts_with("access#")).count();
    assert!(read >= 6, "who looked is written down");
}

#[test]
fn e09_a_redrive_does_what_can_be_done_by_cause_and_number_and_a_dry_run_does_nothing() {
    let standin = standin(NOBODY);
    buried(&standin);
    let operator = Operator::start(&standin);
    assert_eq!(operator.redrive("signals", &json!({ "dry_run": true })), [json!(2), json!(1), json!(0)]);
    assert_eq!(operator.redrive("signals", &json!({ "cause": "another" })), [json!(0), json!(0), json!(0)]);
    let early = json!({ "before": "2020-01-01T00:00:00Z" });
    assert_eq!(operator.redrive("signals", &early), [json!(0), json!(0), json!(0)], "what came back later stays");
    assert_eq!((left(&standin, "dead-letters"), standin.world.lock().unwrap().queues.get("signals")), (3, None));

    assert_eq!(operator.redrive("signals", &json!({ "most": 1 }))[0], 1);
    assert_eq!(operator.redrive("signals", &Value::Null), [json!(1), json!(1), json!(0)]);
    assert_eq!(
        operator.redrive("signals", &Value::Null),
        [json!(0), json!(1), json!(0)],
        "the second time there is nothing"
    );
    assert_eq!(left(&standin, "dead-letters"), 1, "what nobody can read stays");
    assert_eq!(standin.world.lock().unwrap().queues["signals"].len(), 2);
}

#[test]
fn what_somebody_else_looks_at_is_not_said_to_be_gone() {
    let standin = standin(NOBODY);
    buried(&standin);
    let operator = Operator::start(&standin);
    let hide = |most: usize| {
        let mut world = standin.world.lock().unwrap();
        world.letters.values_mut().flatten().take(most).for_each(|letter| letter.hidden = true);
    };
    for (hidden, seen) in [(1, 2), (3, 0)] {
        hide(hidden);
        let shown = operator.ask("GET", "/v1/dead-letters/signals", &Value::Null);
        assert_eq!((shown["letters"].as_array().unwrap().len(), &shown["complete"]), (seen, &json!(false)));
        let all = operator.ask("GET", "/v1/dead-letters", &Value::Null);
        let told = ["letters", "complete"].map(|name| all["queues"][0][name].clone());
        assert_eq!(told, [json!(3), json!(false)]);
        let dry = operator.ask("POST", "/v1/dead-letters/signals/redrive", &json!({ "dry_run": true }));
        assert_eq!(dry["more"], true, "{dry}");
    }
    let none = operator.ask("GET", "/v1/dead-letters/sweep", &Value::Null);
    assert_eq!((&none["letters"], &none["complete"]), (&json!([]), &json!(true)));
}

#[test]
fn what_fails_again_keeps_nothing_behind_it_from_its_turn() {
    let standin = standin(NOBODY);
    buried(&standin);
    let operator = Operator::start(&standin);
    let mut sent = 0;
    standin.breaks(move |_, name| {
        sent += usize::from(name == "AmazonSQS.SendMessage");
        if name == "AmazonSQS.SendMessage" && sent == 1 { Fault::Failing } else { Fault::None }
    });
    assert_eq!(operator.redrive("signals", &json!({ "most": 1 })), [json!(1), json!(0), json!(1)]);
    standin.mend();
    assert_eq!(left(&standin, "dead-letters"), 2, "what failed again stays");
    assert_eq!(operator.redrive("signals", &Value::Null), [json!(1), json!(1), json!(0)]);
}

#[test]
fn a_redrive_that_meets_too_many_others_says_that_there_may_be_more() {
    let standin = standin(NOBODY);
    let others: Vec<_> = (0..510).map(|_| ("not a signal: at id", "{\"id\":7}".to_owned())).collect();
    bury(&standin, "dead-letters", &others);
    buried(&standin);
    let operator = Operator::start(&standin);
    let asked = json!({ "cause": "dedup failed again and again" });
    let done = operator.ask("POST", "/v1/dead-letters/signals/redrive", &asked);
    assert_eq!((&done["redriven"], &done["more"]), (&json!(0), &json!(true)));
    assert_eq!(left(&standin, "dead-letters"), 513);
}

#[test]
fn nobody_who_looks_at_a_dead_mail_learns_its_address_and_it_is_redriven_whole() {
    let standin = standin(NOBODY);
    let path = format!("{}/events/ingest/email-forged-refused.json", env!("CARGO_MANIFEST_DIR"));
    let event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let failed = json!({ "requestPayload": event, "responsePayload": { "errorType": "InvalidEvent" } });
    bury(&standin, "ingest-dead", &[("", failed.to_string())]);
    let operator = Operator::start(&standin);
    let shown = operator.ask("GET", "/v1/dead-letters/ingest", &Value::Null);
    let body = shown["letters"][0]["body"].as_str().unwrap();
    assert!(body.contains("07p3q9sk1v7fgh2m5n8r4t6w0y1z") && body.contains("dmarcVerdict"), "{body}");
    assert!(!body.contains("9f2c4e6a8b0d1f3e5a7c9b2d") && !body.contains("Call this number"), "{body}");
    assert_eq!(operator.redrive("ingest", &Value::Null), [json!(1), json!(0), json!(0)]);
    assert_eq!(standin.world.lock().unwrap().called, [("ingest".to_owned(), event)]);
}

#[test]
fn each_path_is_gone_again_from_where_it_failed() {
    let standin = standin(NOBODY);
    let id = opened(&standin);
    bury(&standin, "incident-dead", &[("", json!({ "incident": id, "error": "States.Timeout" }).to_string())]);
    let event =
        json!({ "requestPayload": { "source": "aws.cloudwatch" }, "responsePayload": { "errorType": "Unavailable" } });
    bury(&standin, "ingest-dead", &[("", event.to_string())]);
    bury(&standin, "export-dead", &[("", json!({ "every": "week" }).to_string())]);
    bury(&standin, "sweep-dead", &[("", "{}".to_owned())]);
    bury(&standin, "archive-dead", &[("", "{}".to_owned())]);
    let operator = Operator::start(&standin);
    for queue in ["incident", "ingest", "export", "sweep"] {
        assert_eq!(operator.redrive(queue, &Value::Null), [json!(1), json!(0), json!(0)], "{queue}");
    }
    assert_eq!(operator.redrive("archive", &Value::Null), [json!(0), json!(1), json!(0)]);
    let world = standin.world.lock().unwrap();
    assert_eq!(world.called, [("ingest".to_owned(), json!({ "source": "aws.cloudwatch" }))]);
    let names: Vec<&String> = world.executions.keys().collect();
    assert!(names.iter().any(|name| name.starts_with(&format!("{id}-look-"))), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("dead-letter-export-dead")), "{names:?}");
    let left: usize = world.letters.values().map(Vec::len).sum();
    assert_eq!(left, 1, "what cannot be done again stays");
}

#[test]
fn e09_a_redrive_that_is_broken_at_any_call_loses_no_letter() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..20 {
            let standin = standin(NOBODY);
            buried(&standin);
            let operator = Operator::start(&standin);
            standin.kills(operator.0.killer());
            let reached = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let hit = std::sync::Arc::clone(&reached);
            standin.breaks(move |call, _| {
                hit.fetch_or(call == broken, std::sync::atomic::Ordering::SeqCst);
                if call == broken { fault } else { Fault::None }
            });
            operator.try_ask("POST", "/v1/dead-letters/signals/redrive", &Value::Null);
            standin.breaks(|_, _| Fault::None);
            if !reached.load(std::sync::atomic::Ordering::SeqCst) {
                break;
            }
            cases += 1;
            // Nobody sees for a minute what whoever died was looking at.
            let mut world = standin.world.lock().unwrap();
            world.letters.values_mut().flatten().for_each(|letter| letter.hidden = false);
            drop(world);
            Operator::start(&standin).redrive("signals", &Value::Null);
            let queued = standin.world.lock().unwrap().queues["signals"].clone();
            for id in ["\"id\":\"a\"", "\"id\":\"b\""] {
                let count = queued.iter().filter(|body| body.contains(id)).count();
                assert!((1..=2).contains(&count), "{fault:?} at call {broken}: {id} {count} times");
            }
            assert_eq!(left(&standin, "dead-letters"), 1, "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 15, "three faults at five calls at least: {cases}");
}

#[test]
fn all_is_well_until_something_is_lost_and_what_it_is_is_named() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let operator = Operator::start(&standin);
    assert_eq!(operator.check(), (vec![], 0, 0), "nothing is well");
    let id = opened(&standin);
    function(env!("CARGO_BIN_EXE_route"), &standin, &[]).invoke(&look(&id, "e/route")).unwrap().unwrap();
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    page.invoke(&look(&id, "e/page/1")).unwrap().unwrap();
    let seq = the_incident(&standin).seq;
    assert_eq!(operator.check(), (vec![], 1, seq));

    buried(&standin);
    assert_eq!(operator.check().0, ["signal_lost"]);
    standin.world.lock().unwrap().letters.clear();
    {
        let mut world = standin.world.lock().unwrap();
        world.executions.insert(format!("{id}-c1"), "{}".to_owned());
    }
    assert_eq!(operator.check().0, ["two_executions"]);
    standin.world.lock().unwrap().over.insert(format!("{id}-c1"));
    {
        let mut world = standin.world.lock().unwrap();
        let rows = world.table(&json!("records"));
        let (_, row) = rows.iter_mut().find(|((pk, _), _)| *pk == id.stream()).unwrap();
        let body = row["body"]["S"].as_str().unwrap().replace("Checkout fails", "All is well");
        row["body"] = json!({ "S": body });
    }
    assert_eq!(operator.check().0, ["broken"]);
    let repaired = operator.ask("POST", "/v1/fsck/repair", &Value::Null);
    assert_eq!(repaired["through"], true);
    assert_eq!(standin.world.lock().unwrap().called, [("sweep".to_owned(), json!({}))]);
}

#[test]
fn a_check_goes_through_any_number_of_incidents_part_by_part() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let signals: Vec<_> = (0..45).map(|n| signal(&format!("s{n}"), &format!("k{n}"), Action::Trigger, 1)).collect();
    for some in signals.chunks(10) {
        dedup.invoke(&batch(some, 1)).unwrap().unwrap();
    }
    let over: Vec<_> = (0..10).map(|n| signal(&format!("r{n}"), &format!("k{n}"), Action::Resolve, 0)).collect();
    dedup.invoke(&batch(&over, 1)).unwrap().unwrap();
    let (faults, incidents, records) = Operator::start(&standin).check();
    assert_eq!((faults, incidents, records), (vec![], 45, 55));
}
