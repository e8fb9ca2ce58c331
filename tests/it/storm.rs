//! Storm control with the real binaries: what is held back, what never is, and that nothing is dropped silently.

use domain::escalation::Fate;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cases::{function, the_incident};
use crate::paging::{ask, look};
use crate::twilio::World;

/// Ana's phone got this many texts just now, of the same service.
fn stormy(texts: usize) -> World {
    let world = World::start();
    let now = Timestamp::now();
    let sent: Vec<Value> = (0..texts).map(|number| json!([now, format!("i{number}"), "1-ana-0"])).collect();
    let waiting =
        json!({ "i98": now + jiff::SignedDuration::from_mins(14), "i99": now + jiff::SignedDuration::from_mins(14) });
    let window = json!({ "sent": sent, "services": { "checkout": now }, "waiting": waiting });
    let row = json!({
        "pk": { "S": "throttle#person:ana#0" }, "sk": { "S": "window" }, "seq": { "N": "1" },
        "body": { "S": window.to_string() },
    });
    let mut inner = world.standin.world.lock().unwrap();
    let key = ("throttle#person:ana#0".to_owned(), "window".to_owned());
    inner.table(&json!("state")).insert(key, row.as_object().unwrap().clone());
    drop(inner);
    world
}

/// Routes the incident and looks once.
fn page(world: &World) -> Value {
    let route = function(env!("CARGO_BIN_EXE_route"), &world.standin, &[]);
    for (step, cause) in [(&route, "e/route"), (&world.page, "e/page/1")] {
        step.invoke(&look(&world.incident, cause)).unwrap().unwrap();
    }
    // The same request again, as when a Lambda is tried twice: one message and one count.
    world.page.invoke(&look(&world.incident, "e/page/1")).unwrap().unwrap()
}

#[test]
fn j12_a_message_too_many_is_held_counted_and_cancelled_by_an_acknowledgement() {
    let world = stormy(5);
    let answer = page(&world);
    assert!(world.sent.lock().unwrap().is_empty(), "nothing is sent");
    let held = the_incident(&world.standin);
    assert_eq!(held.paging.held, 1);
    let delivery = held.paging.deliveries[0].clone();
    assert!(matches!(delivery.fate, Fate::Waiting { held: true, .. }), "{delivery:?}");
    assert_eq!(delivery.attempts, 0);
    let look_at: Timestamp = answer["look_at"].as_str().unwrap().parse().unwrap();
    assert!(look_at <= Timestamp::now() + jiff::SignedDuration::from_mins(6), "the next step comes in its time");

    let respond = function(env!("CARGO_BIN_EXE_respond"), &world.standin, &[]);
    respond.invoke(&ask(&world.incident, "acknowledge", "ben")).unwrap().unwrap();
    let called_off = the_incident(&world.standin).paging.deliveries[0].clone();
    assert!(matches!(called_off.fate, Fate::Cancelled { .. }), "{called_off:?}");
    world.page.invoke(&look(&world.incident, "e/page/2")).unwrap().unwrap();
    assert!(world.sent.lock().unwrap().is_empty(), "nobody needs it any more");
}

#[test]
fn j12_while_there_is_room_a_message_goes_out_and_says_how_many_more_wait() {
    let world = stormy(4);
    page(&world);
    let sent = world.sent.lock().unwrap();
    assert_eq!(sent.len(), 1, "once");
    let body = &sent[0].iter().find(|(name, _)| name == "Body").unwrap().1;
    assert!(body.contains("and 2 more incidents"), "{body}");
    assert_eq!(the_incident(&world.standin).paging.held, 0);
}

#[test]
fn the_catch_all_is_never_held_back() {
    let world = stormy(50);
    world.page.invoke(&look(&world.incident, "e/page/1")).unwrap().unwrap();
    assert!(the_incident(&world.standin).decision.unwrap().catch_all);
    assert_eq!(world.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_throttle_that_cannot_be_kept_holds_nobodys_page_back() {
    let world = stormy(50);
    let mut row = json!({ "pk": { "S": "throttle#person:ana#0" }, "sk": { "S": "window" }, "seq": { "N": "1" } });
    row["body"] = json!({ "S": "what nobody can read" });
    let key = ("throttle#person:ana#0".to_owned(), "window".to_owned());
    let row = row.as_object().unwrap().clone();
    world.standin.world.lock().unwrap().table(&json!("state")).insert(key, row);
    page(&world);
    assert_eq!(world.sent.lock().unwrap().len(), 1);
}
