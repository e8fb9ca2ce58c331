//! Auto-close with the real binaries: what a sender never ends is over when nobody speaks of it any more.

use domain::incident::Status;
use domain::policy::Policy;
use domain::signal::{Action, Signal};
use jiff::SignedDuration;
use serde_json::json;

use crate::cases::{batch, function, opened, policy, signal, standin, standin_with, the_incident};
use crate::grouping::{World, grouped};
use crate::standin::Standin;

/// `policy`, in which silence is an end at once.
fn closing(mut policy: Policy) -> Policy {
    policy.integrations.get_mut("pagerduty").unwrap().auto_close = Some(SignedDuration::ZERO);
    policy
}

/// How many incidents one sweep ended, and the signals that it sent.
fn sweep(standin: &Standin) -> (u64, Vec<Signal>) {
    let swept = function(env!("CARGO_BIN_EXE_sweep"), standin, &[]).invoke(&json!({})).unwrap().unwrap();
    let sent = standin.world.lock().unwrap().queues.remove("signals").unwrap_or_default();
    let sent = sent.iter().map(|message| serde_json::from_str(message).unwrap()).collect();
    (swept["closed"].as_u64().unwrap(), sent)
}

#[test]
fn what_nobody_speaks_of_any_more_is_ended_by_the_sweep_and_once_however_often_it_comes_by() {
    let standin = standin_with(&closing(policy("127.0.0.1:9")));
    opened(&standin);
    let (closed, ends) = sweep(&standin);
    assert_eq!((closed, ends.len()), (1, 1));
    let (_, again) = sweep(&standin);
    assert_eq!(ends[0].id, again[0].id, "until it is taken in, it is the same end");

    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    for sent in [&ends, &again] {
        dedup.invoke(&batch(sent, 1)).unwrap().unwrap();
    }
    let incident = the_incident(&standin);
    assert_eq!(incident.status, Status::Resolved);
    assert!(incident.resolution.unwrap().by.is_integration(), "in the name of its sender");
    assert_eq!(sweep(&standin), (0, Vec::new()));

    // Its time is in whole seconds, and has to be after the end.
    dedup.invoke(&batch(&[signal("s2", "k", Action::Trigger, -2)], 1)).unwrap().unwrap();
    assert_eq!(standin.world.lock().unwrap().incidents().len(), 2, "what its sender speaks of again is a new incident");
}

#[test]
fn where_the_policy_does_not_say_so_nothing_is_ended_nor_even_looked_for() {
    let standin = standin("127.0.0.1:9");
    opened(&standin);
    assert_eq!(sweep(&standin), (0, Vec::new()));
    assert_eq!(the_incident(&standin).status, Status::Triggered);
}

#[test]
fn an_alert_of_a_group_is_ended_and_not_the_group() {
    let world = World::with(&closing(grouped("127.0.0.1:9", "PT1H")));
    let alert = world.fires("k");
    let (closed, ends) = sweep(&world.standin);
    assert_eq!((closed, ends.len()), (1, 1));
    assert_eq!(ends[0].fingerprint, alert.fingerprint);
}
