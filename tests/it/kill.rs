//! Killed between any two AWS calls, with any answer lost: the incident is still there, and still pages.

use domain::signal::Action;

use crate::cases::{batch, function, signal, standin, the_incident};
use crate::standin::Fault;

/// More calls than any function makes for one event.
const CALLS: usize = 40;

#[test]
fn dedup_broken_at_any_call_opens_one_incident_and_starts_one_execution() {
    let mut cases = 0;
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost] {
        for broken in 0..CALLS {
            let standin = standin("127.0.0.1:9");
            let event = |received| {
                batch(&[signal("a", "k", Action::Trigger, 2), signal("b", "k", Action::Trigger, 1)], received)
            };
            let first = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
            let reached = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let hit = std::sync::Arc::clone(&reached);
            standin.kills(first.killer());
            standin.breaks(move |call, _| {
                hit.fetch_or(call == broken, std::sync::atomic::Ordering::SeqCst);
                if call == broken { fault } else { Fault::None }
            });
            first.invoke(&event(1));
            if !reached.load(std::sync::atomic::Ordering::SeqCst) {
                break;
            }
            cases += 1;
            standin.breaks(|_, _| Fault::None);
            let second = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
            let answer = second.invoke(&event(2)).unwrap().unwrap();
            assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 0, "{fault:?} at call {broken}");
            let incident = the_incident(&standin);
            assert_eq!(incident.occurrences, 2, "{fault:?} at call {broken}");
            assert_eq!(standin.world.lock().unwrap().executions.len(), 1, "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 9, "three faults at three calls at least: {cases}");
}
