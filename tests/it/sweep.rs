//! The sweep with the real binaries: what nobody did is done, once, and all being well is said outside.

use std::sync::{Arc, Mutex};

use domain::signal::Action;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::cases::{batch, function, opened, signal, standin, the_incident};
use crate::faults::clock::pass;
use crate::grouping::World;
use crate::paging::look;
use crate::phone::Phone;
use crate::runtime::Function;
use crate::server::{Answer, serve};
use crate::standin::{Fault, Standin};

const NOBODY: &str = "127.0.0.1:9";

/// The sweep, to which whatever is due is late at once.
fn impatient(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_sweep"), standin, &[("GRACE_SECONDS", "0".to_owned())])
}

fn swept(sweep: &Function) -> Value {
    sweep.invoke(&json!({})).unwrap().unwrap()
}

/// What one sweep found: how many incidents were neglected, and how many of those in vain.
fn found(sweep: &Function) -> (Value, Value) {
    let swept = swept(sweep);
    (swept["neglected"].clone(), swept["in_vain"].clone())
}

fn executions(standin: &Standin) -> Vec<String> {
    standin.world.lock().unwrap().executions.keys().cloned().collect()
}

/// Every execution is over, however it ended.
fn abort(standin: &Standin) {
    let mut world = standin.world.lock().unwrap();
    let names = world.executions.keys().cloned().collect();
    world.over = names;
}

#[test]
fn g01_an_incident_whose_execution_was_never_started_gets_it_and_only_one_from_any_number_of_sweeps() {
    let standin = standin(NOBODY);
    let id = opened(&standin);
    standin.world.lock().unwrap().executions.clear();
    let patient = function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]);
    assert_eq!(found(&patient), (json!(0), json!(0)), "whoever opened it may still be at it");
    assert!(executions(&standin).is_empty());
    let (one, other) = (impatient(&standin), impatient(&standin));
    for sweep in [&one, &other, &one] {
        assert_eq!(found(sweep), (json!(1), json!(0)));
    }
    assert_eq!(executions(&standin), [id.to_string()]);
}

#[test]
fn f17_an_execution_that_was_aborted_is_replaced_under_a_name_that_was_not_used() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let id = opened(&standin);
    let sweep = impatient(&standin);
    for (aborted, in_vain) in [(1, 0), (2, 1), (3, 2)] {
        abort(&standin);
        let swept = swept(&sweep);
        assert_eq!((&swept["neglected"], swept["in_vain"].as_u64().unwrap() > 0), (&json!(1), in_vain > 0));
        let names = executions(&standin);
        assert_eq!(names.len(), aborted + 1, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with(&id.to_string())));
    }
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    page.invoke(&look(&id, "e/page/1")).unwrap().unwrap();
    assert_eq!(found(&sweep), (json!(0), json!(0)), "somebody looked");
}

#[test]
fn an_incident_that_was_routed_and_never_paged_is_looked_at() {
    let standin = standin(NOBODY);
    let id = opened(&standin);
    function(env!("CARGO_BIN_EXE_route"), &standin, &[]).invoke(&look(&id, "e/route")).unwrap().unwrap();
    let sweep = impatient(&standin);
    assert_eq!(found(&sweep), (json!(1), json!(0)));
    let names = executions(&standin);
    assert_eq!(names.len(), 2);
    assert!(names[1].starts_with(&format!("{id}-look-")), "{names:?}");
    assert_eq!(the_incident(&standin).seq, 2, "a look is no record");
}

#[test]
fn an_alert_whose_way_into_its_group_was_lost_is_found_and_finds_it() {
    let world = World::new("PT0S");
    let alert = world.fires("a");
    let sweep = impatient(&world.standin);
    let before = executions(&world.standin).len();
    swept(&sweep);
    let group = world.incidents().into_iter().find(|incident| incident.group.is_some()).unwrap();
    {
        let mut guard = world.standin.world.lock().unwrap();
        let rows = guard.table(&json!("state"));
        rows.retain(|(pk, _), _| !pk.starts_with("group#"));
    }
    swept(&sweep);
    let looks = |of: &str| executions(&world.standin).into_iter().filter(|name| name.starts_with(of)).count();
    assert_eq!(looks(&format!("{alert}-look-")), 1);
    assert!(executions(&world.standin).len() > before);
    world.routes(&alert);
    let row = |pk: &str| world.standin.world.lock().unwrap().tables["state"].keys().any(|(known, _)| known == pk);
    assert!(row(&format!("group#{}", group.id)), "its look takes it there");
    let patient = function(env!("CARGO_BIN_EXE_sweep"), &world.standin, &[]);
    assert_eq!(found(&patient), (json!(0), json!(0)));
}

#[test]
fn a_round_looks_at_every_open_incident_and_reads_no_other_one_by_one() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let signals: Vec<_> = (0..250).map(|n| signal(&format!("s{n}"), &format!("k{n}"), Action::Trigger, 1)).collect();
    for some in signals.chunks(10) {
        dedup.invoke(&batch(some, 1)).unwrap().unwrap();
    }
    let over: Vec<_> = (0..50).map(|n| signal(&format!("r{n}"), &format!("k{n}"), Action::Resolve, 0)).collect();
    for some in over.chunks(10) {
        dedup.invoke(&batch(some, 1)).unwrap().unwrap();
    }
    standin.breaks(|_, _| Fault::None);
    let swept = swept(&function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]));
    assert_eq!((&swept["looked"], &swept["through"]), (&json!(250), &json!(true)), "50 of them just resolved");
    let world = standin.world.lock().unwrap();
    let reads = world.calls.iter().filter(|call| call.ends_with(".GetItem") || call.ends_with(".BatchGetItem")).count();
    assert!(reads < 20, "{:?}", world.calls);
    assert!(!world.calls.iter().any(|call| call.ends_with("PutItem")), "a round that is through leaves nothing behind");
}

#[test]
fn what_one_sweep_cannot_read_it_says_and_goes_on_with_the_others() {
    let standin = standin(NOBODY);
    let id = opened(&standin);
    {
        let mut world = standin.world.lock().unwrap();
        world.executions.clear();
        let rows = world.table(&json!("state"));
        let (key, row) = rows.iter().find(|((pk, _), _)| pk.starts_with("incident#")).unwrap();
        let (mut key, mut row) = (key.clone(), row.clone());
        key.1 = "0000000009".to_owned();
        row["sk"] = json!({ "S": key.1 });
        row["body"] = json!({ "S": "{" });
        rows.insert(key, row);
    }
    let failed = impatient(&standin).invoke(&json!({})).unwrap().expect_err("somebody hears of it");
    assert_eq!(failed.name, "Misconfigured");
    assert_eq!(executions(&standin), [id.to_string()]);
}

#[test]
fn what_a_silence_held_back_and_is_over_since_costs_its_share_of_a_read() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    for some in (0..240).collect::<Vec<_>>().chunks(5) {
        let fires = some.iter().map(|n| signal(&format!("s{n}"), &format!("k{n}"), Action::Trigger, 2));
        let clears = some.iter().map(|n| signal(&format!("r{n}"), &format!("k{n}"), Action::Resolve, 1));
        dedup.invoke(&batch(&fires.chain(clears).collect::<Vec<_>>(), 1)).unwrap().unwrap();
    }
    let id = "0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1";
    {
        let mut world = standin.world.lock().unwrap();
        let ids: Vec<_> = world.incidents().into_iter().map(|incident| incident.id).collect();
        let rows = world.table(&json!("state"));
        for incident in &ids {
            let (pk, sk) = (format!("silence#{id}"), format!("incident#{incident}"));
            let row = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
            rows.insert((pk, sk), row.as_object().unwrap().clone());
        }
        let silence = json!({
            "id": id, "kind": "silence", "matchers": [], "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z",
            "by": "person:ana", "reason": "", "remind": "PT0S", "updated_at": "2026-01-01T00:00:00Z",
        });
        let ledger = json!({ "seq": 1, "head": "0".repeat(64), "value": [silence] }).to_string();
        let row =
            json!({ "pk": { "S": "silences" }, "sk": { "S": "ledger" }, "seq": { "N": "1" }, "body": { "S": ledger } });
        rows.insert(("silences".to_owned(), "ledger".to_owned()), row.as_object().unwrap().clone());
    }
    standin.breaks(|_, _| Fault::None);
    let swept = swept(&function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]));
    assert_eq!((&swept["ended"], &swept["released"]), (&json!(1), &json!(0)));
    let calls = standin.world.lock().unwrap().calls.clone();
    assert!(calls.iter().filter(|call| call.ends_with("BatchGetItem")).count() >= 3);
    assert!(calls.len() < 40, "240 incidents: {calls:?}");
    assert!(executions(&standin).is_empty(), "what is over needs no look");
}

#[test]
fn an_installation_without_a_policy_is_swept_and_well() {
    let standin = Standin::start();
    let swept = swept(&function(env!("CARGO_BIN_EXE_sweep"), &standin, &[]));
    assert_eq!((&swept["through"], &swept["neglected"]), (&json!(true), &json!(0)));
}

#[test]
fn what_cannot_be_read_of_groups_and_silences_keeps_nobody_from_its_look() {
    for broken in ["group", "silences"] {
        let world = World::new("PT0S");
        world.fires("a");
        let standin = &world.standin;
        let other = signal("s-other", "other", Action::Trigger, 1);
        function(env!("CARGO_BIN_EXE_dedup"), standin, &[]).invoke(&batch(&[other], 1)).unwrap().unwrap();
        {
            let mut world = standin.world.lock().unwrap();
            world.executions.clear();
            let rows = world.table(&json!("state"));
            if broken == "silences" {
                let row = json!({ "pk": { "S": broken }, "sk": { "S": "ledger" }, "body": { "S": "{" } });
                rows.insert((broken.to_owned(), "ledger".to_owned()), row.as_object().unwrap().clone());
            } else {
                let group = rows.iter_mut().filter(|((pk, _), _)| pk.starts_with("group#"));
                group.for_each(|(_, row)| row["body"] = json!({ "S": "{" }));
            }
        }
        let failed = impatient(standin).invoke(&json!({})).unwrap().expect_err("somebody hears of it");
        assert_eq!(failed.name, "Misconfigured", "{broken}");
        assert!(!executions(standin).is_empty(), "{broken}: who was never routed is started all the same");
    }
}

/// A switch that hears the heartbeat, and the paths at which it did.
fn switch() -> (String, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let inner = Arc::clone(&heard);
    let address = serve(move |request| {
        inner.lock().unwrap().push(format!("{} {}", request.method, request.path));
        Some(Answer::new(200, "OK"))
    });
    (address.to_string(), heard)
}

#[test]
fn g06_the_heartbeat_is_heard_only_while_all_is_well() {
    let standin = standin(NOBODY);
    let (address, heard) = switch();
    let more = [("WEBHOOK_ALLOW", address.clone()), ("GRACE_SECONDS", "0".to_owned())];
    let count = || heard.lock().unwrap().len();
    let quiet = function(env!("CARGO_BIN_EXE_sweep"), &standin, &more);
    swept(&quiet);
    assert_eq!(count(), 0, "nobody asked for one");
    let url = format!("http://{address}/ping/me");
    standin.world.lock().unwrap().parameters.insert("/watchkeeper/heartbeat".to_owned(), url);

    let sweep = function(env!("CARGO_BIN_EXE_sweep"), &standin, &more);
    swept(&sweep);
    assert_eq!(*heard.lock().unwrap(), ["POST /ping/me"]);
    let _id = opened(&standin);
    swept(&sweep);
    assert_eq!(count(), 2, "what is mended is well");
    abort(&standin);
    swept(&sweep);
    abort(&standin);
    swept(&sweep);
    assert_eq!(count(), 3, "a look that was in vain is not");
    {
        let mut world = standin.world.lock().unwrap();
        pass(&mut world, SignedDuration::from_mins(5));
        world.over.clear();
    }
    assert_eq!(found(&sweep), (json!(1), json!(1)));
    assert_eq!(count(), 3, "and neither is one that goes on for minutes and does nothing");
    standin.breaks(|_, name| if name.contains("DynamoDB") { Fault::Trouble } else { Fault::None });
    sweep.invoke(&json!({})).unwrap().expect_err("the table is in trouble");
    assert_eq!(count(), 3);
}
