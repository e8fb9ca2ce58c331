//! The real binaries, each with its own events, over a stand-in for AWS.

use domain::incident::Status;
use domain::signal::Action;
use serde_json::{Value, json};

use crate::cases::{batch, function, opened, signal, standin, the_incident};

const NOBODY: &str = "127.0.0.1:9";

fn failures(answer: &Value) -> Vec<&str> {
    answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .collect()
}

#[test]
fn ten_duplicates_in_a_batch_are_one_incident_one_read_and_one_transaction() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    opened(&standin);
    standin.world.lock().unwrap().calls.clear();

    let ten: Vec<_> = (0..10).map(|n| signal(&format!("d{n}"), "k", Action::Trigger, 0)).collect();
    let answer = dedup.invoke(&batch(&ten, 1)).unwrap().unwrap();

    assert!(failures(&answer).is_empty());
    let incident = the_incident(&standin);
    assert_eq!(incident.occurrences, 11);
    let world = standin.world.lock().unwrap();
    assert_eq!(world.calls, ["DynamoDB_20120810.Query", "DynamoDB_20120810.TransactWriteItems"]);
    assert_eq!(world.executions.len(), 1);
}

#[test]
fn c12_c21_a_batch_that_comes_again_changes_nothing() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let story = [
        signal("a", "k", Action::Trigger, 5),
        signal("b", "k", Action::Trigger, 4),
        signal("c", "k", Action::Acknowledge, 3),
        signal("d", "k", Action::Resolve, 2),
    ];
    for received in 1..=3 {
        let answer = dedup.invoke(&batch(&story, received)).unwrap().unwrap();
        assert!(failures(&answer).is_empty());
        let incident = the_incident(&standin);
        assert_eq!((incident.status, incident.occurrences, incident.seq), (Status::Resolved, 2, 1));
    }
    assert!(standin.world.lock().unwrap().executions.is_empty(), "nobody is told of what is over");
}

#[test]
fn e01_e02_one_message_that_cannot_be_read_fails_alone_and_is_kept() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let mut events = batch(&[signal("a", "k", Action::Trigger, 1)], 1);
    let poison = json!({ "messageId": "poison", "body": "{\"id\":7}", "attributes": {}, "messageAttributes": {} });
    events["Records"].as_array_mut().unwrap().insert(0, poison);

    let answer = dedup.invoke(&events).unwrap().unwrap();

    assert!(failures(&answer).is_empty(), "it is not delivered again");
    assert_eq!(the_incident(&standin).occurrences, 1);
    assert_eq!(standin.world.lock().unwrap().queues["dead-letters"], ["{\"id\":7}"]);
}

#[test]
fn e11_a_buried_message_keeps_its_trace() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let trace = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
    let poison = |attributes: Value| json!({ "messageId": "m", "body": "{", "attributes": attributes });
    let records = [poison(json!({ "AWSTraceHeader": trace })), poison(json!({}))];
    let answer = dedup.invoke(&json!({ "Records": records })).unwrap().unwrap();
    assert!(failures(&answer).is_empty());
    let world = standin.world.lock().unwrap();
    assert_eq!((world.queues["dead-letters"].len(), world.traces.as_slice()), (2, [trace.to_owned()].as_slice()));
}

#[test]
fn d11_e02_a_table_in_trouble_gives_the_messages_back() {
    let standin = standin(NOBODY);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    standin.breaks(|_, name| {
        if name.starts_with("DynamoDB") { crate::standin::Fault::Trouble } else { crate::standin::Fault::None }
    });
    let answer = dedup.invoke(&batch(&[signal("a", "k", Action::Trigger, 1)], 1)).unwrap().unwrap();
    assert_eq!(failures(&answer), ["m-a"]);

    standin.breaks(|_, _| crate::standin::Fault::None);
    let answer = dedup.invoke(&batch(&[signal("a", "k", Action::Trigger, 1)], 2)).unwrap().unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(the_incident(&standin).occurrences, 1);
}
