//! Killed between any two AWS calls, or with any answer lost: the incident is still there, still pages, at most twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::incident::Status;
use domain::signal::Action;
use serde_json::Value;

use crate::cases::{batch, function, opened, signal, standin, the_incident};
use crate::paging::{ask, look};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

/// Every way to break a call that leaves its caller in doubt.
pub const FAULTS: [Fault; 3] = [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost];
/// More calls than any function makes for one event.
pub const CALLS: usize = 60;

/// Hands `event` to a new `start`ed function whose `broken`-th call is broken by `fault`; whether it got that far.
pub fn break_at(standin: &Standin, fault: Fault, broken: usize, start: impl Fn() -> Function, event: &Value) -> bool {
    let function = start();
    let reached = Arc::new(AtomicBool::new(false));
    let hit = Arc::clone(&reached);
    standin.kills(function.killer());
    standin.breaks(move |call, _| {
        hit.fetch_or(call == broken, Ordering::SeqCst);
        if call == broken { fault } else { Fault::None }
    });
    function.invoke(event);
    standin.breaks(|_, _| Fault::None);
    reached.load(Ordering::SeqCst)
}

#[test]
fn e04_g01_g02_dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..CALLS {
            let standin = standin("127.0.0.1:9");
            let signals = [signal("a", "k", Action::Trigger, 2), signal("b", "k", Action::Trigger, 1)];
            let start = || function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
            if !break_at(&standin, fault, broken, start, &batch(&signals, 1)) {
                break;
            }
            cases += 1;
            let answer = start().invoke(&batch(&signals, 2)).unwrap().unwrap();
            assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 0, "{fault:?} at call {broken}");
            assert_eq!(the_incident(&standin).occurrences, 2, "{fault:?} at call {broken}");
            assert_eq!(standin.world.lock().unwrap().executions.len(), 1, "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 9, "three faults at three calls at least: {cases}");
}

#[test]
fn f15_g03_page_broken_at_any_call_still_pages_and_at_most_twice() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..CALLS {
            let phone = Phone::start();
            let standin = standin(&phone.address.to_string());
            let incident = opened(&standin);
            let allow = [("WEBHOOK_ALLOW", phone.address.to_string())];
            let start = || function(env!("CARGO_BIN_EXE_page"), &standin, &allow);
            let event = look(&incident, "e/page/1");
            if !break_at(&standin, fault, broken, start, &event) {
                break;
            }
            cases += 1;
            // The state machine's retry is the same task again.
            start().invoke(&event).unwrap().unwrap();
            let pages = phone.pages();
            assert!((1..=2).contains(&pages.len()), "{fault:?} at call {broken}: {} pages", pages.len());
            assert!(pages.iter().all(|page| page.id == pages[0].id), "a repeat can be told by its id");
            assert_eq!(the_incident(&standin).status, Status::Triggered);
        }
    }
    assert!(cases >= 15, "three faults at five calls at least: {cases}");
}

#[test]
fn respond_broken_at_any_call_acknowledges_once_when_it_is_asked_again() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..CALLS {
            let standin = standin("127.0.0.1:9");
            let incident = opened(&standin);
            let start = || function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
            let event = ask(&incident, "acknowledge", "ana");
            if !break_at(&standin, fault, broken, start, &event) {
                break;
            }
            cases += 1;
            let answer = start().invoke(&event).unwrap().unwrap();
            assert_eq!(answer["statusCode"], 200, "{fault:?} at call {broken}");
            let after = the_incident(&standin);
            assert_eq!((after.status, after.seq), (Status::Acknowledged, 2), "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 9, "three faults at three calls at least: {cases}");
}
