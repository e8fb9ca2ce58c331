//! Tables that went back to an earlier time (faults.md, D12): alerts go on, and nobody is told that all is well.

use domain::incident::{IncidentId, Status};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::installation::Installation;
use super::invariants::{check, paged};
use super::journeys::{acknowledge, archive_all, checkpoint, incident, sweep, trigger, with_last};
use crate::cases::function;
use crate::evidence::{Changes, audit, findings};
use crate::phone::Phone;

/// What `watchkeeper fsck` says is wrong: the stream, and what of it.
fn found(place: &mut Installation) -> Vec<(String, String)> {
    let (status, said) = place.ask("operate", "GET", "/v1/fsck", &Value::Null);
    assert_eq!(status, 200, "{said}");
    let findings = said["findings"].as_array().unwrap().iter();
    let rewritten = findings.filter(|finding| finding["fault"] == "rewritten");
    let places = rewritten.map(|finding| {
        let place = finding["place"].as_str().unwrap();
        let (stream, what) = place.strip_prefix("stream ").unwrap().split_once(", ").unwrap();
        (stream.to_owned(), what.to_owned())
    });
    places.collect()
}

/// Runs every execution once, as if its time had come.
fn wake(place: &mut Installation) {
    place.executions.iter_mut().for_each(|execution| execution.pass(SignedDuration::from_mins(10)));
    place.settle();
}

fn silence(place: &mut Installation, number: usize) {
    let body = json!({ "matchers": ["service=search"], "for": "1h", "reason": "a test" });
    let (status, made) = place.ask("silence", "POST", &format!("/v1/silences?{number}"), &body);
    assert_eq!(status, 201, "{made}");
}

fn length(place: &Installation, stream: &str) -> usize {
    place.standin.world.lock().unwrap().stream(stream).len()
}

#[test]
fn d12_tables_from_an_earlier_time_are_told_by_their_streams_and_alerts_go_on() {
    let phone = Phone::start();
    let mut place = Installation::furnished(&phone, &with_last(&phone.address.to_string()));
    trigger(&mut place);
    silence(&mut place, 1);
    archive_all(&mut place);
    checkpoint(&mut place);
    assert_eq!(found(&mut place), []);
    let earlier = place.standin.world.lock().unwrap().tables.clone();

    // The day goes on: an answer, another silence, and a problem that comes and goes.
    acknowledge(&mut place);
    silence(&mut place, 2);
    place.send("trigger", "k2");
    place.send("resolve", "k2");
    wake(&mut place);
    let lost = [incident("k").stream(), incident("k2").stream(), "silences".to_owned()];
    let covered = lost.each_ref().map(|stream| length(&place, stream));
    archive_all(&mut place);
    checkpoint(&mut place);
    assert_eq!(found(&mut place), []);

    // The tables are those of before. Nothing that ran then is warm any more.
    place.standin.world.lock().unwrap().tables = earlier;
    place.cool();
    let mut changes = Changes::of_another_table(&place.standin);
    let left = lost.each_ref().map(|stream| length(&place, stream));
    assert!(left.iter().zip(&covered).all(|(left, covered)| left < covered), "{left:?} of {covered:?}");
    let told = |place: &mut Installation| {
        let found = found(place);
        let part = |at: usize| {
            let what = format!("there are {} records, and a checkpoint covers {}", left[at], covered[at]);
            (lost[at].clone(), what)
        };
        (0..lost.len()).filter(|at| !found.contains(&part(*at))).map(|at| lost[at].clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut place), Vec::<String>::new(), "before anybody has made a checkpoint");

    // Checkpoints go on from where they were, and say what is gone, where an alarm hears it.
    let checkpointer = function(env!("CARGO_BIN_EXE_checkpoint"), &place.standin, &[]);
    let made = checkpointer.invoke(&json!({})).unwrap().unwrap();
    assert_eq!(made["number"], 3);
    assert!(checkpointer.logs().contains("records_rewritten"), "{}", checkpointer.logs());
    let gone = findings(&place.standin);
    for (at, stream) in lost.iter().enumerate() {
        let expected = json!({ "type": "gone", "stream": stream, "from": left[at], "until": covered[at] });
        assert!(gone.contains(&expected), "{gone:?}");
    }
    assert_eq!(told(&mut place), Vec::<String>::new(), "and after that");

    // What is written now is archived and covered, but for what would take the place of what was signed for.
    place.send("trigger", "k3");
    place.send("trigger", "k2");
    silence(&mut place, 3);
    let batch = changes.next(&place.standin, |_, _| false);
    place.scheduled("archive", &batch);
    for number in 4..6 {
        assert_eq!(place.scheduled("checkpoint", &json!({}))["number"], number);
    }
    let audit = audit(&place.standin);
    assert_eq!(audit.size(&incident("k3").stream()), length(&place, &incident("k3").stream()));
    assert_eq!(lost.each_ref().map(|stream| audit.size(stream)), covered, "what was signed for stays");
    let found: Vec<String> = found(&mut place).into_iter().map(|(stream, _)| stream).collect();
    assert!(lost.iter().all(|stream| found.contains(stream)), "{found:?}");

    // Somebody hears of both alerts: of the one whose execution had its name before, by the sweep.
    place.pass(SignedDuration::from_mins(2));
    sweep(&mut place);
    sweep(&mut place);
    let paged = paged(&place);
    for key in ["k", "k2", "k3"] {
        assert!(paged.contains(&incident(key).to_string()), "{key}: {paged:?}");
    }
    let open = place.standin.world.lock().unwrap().incidents();
    assert!(open.iter().all(|known| known.status == Status::Triggered), "{open:#?}");
    check(&place);
}

#[test]
fn d12_when_the_table_of_what_is_kept_is_lost_alone_all_goes_on_from_the_logs() {
    let phone = Phone::start();
    let mut place = Installation::furnished(&phone, &with_last(&phone.address.to_string()));
    for action in ["trigger", "resolve", "trigger", "resolve"] {
        place.send(action, "came-twice");
    }
    trigger(&mut place);
    silence(&mut place, 1);
    let before = length(&place, &incident("k").stream());
    place.standin.world.lock().unwrap().tables.remove("state");
    place.cool();

    acknowledge(&mut place);
    assert!(length(&place, &incident("k").stream()) > before, "somebody has it");
    place.send("trigger", "came-twice");
    place.send("trigger", "new");
    silence(&mut place, 2);
    {
        let world = place.standin.world.lock().unwrap();
        let incidents = world.incidents();
        let status = |id: &str| incidents.iter().find(|known| known.id.to_string() == id).map(|known| known.status);
        let third = IncidentId { generation: 3, ..incident("came-twice") }.to_string();
        assert_eq!(status(&third), Some(Status::Triggered), "the third time, and not the first again");
        assert_eq!(status(&incident("new").to_string()), Some(Status::Triggered));
        assert_eq!(status(&incident("k").to_string()), Some(Status::Acknowledged));
    }
    let (_, all) = place.ask("silence", "GET", "/v1/silences", &Value::Null);
    assert_eq!(all["silences"].as_array().unwrap().len(), 2, "the first one holds again: {all}");
    check(&place);
}
