//! The stories that are kept in the middle: each leaves rows, messages and executions of other kinds.

use std::collections::BTreeSet;

use domain::incident::Status;
use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::installation::{Breaks, Installation, event};
use super::super::journeys::{
    Step, acknowledge, answer, archive_all, checkpoint, hour, incident, next, resolve, resolve_by_hand, sweep, trigger,
    wait,
};
use crate::cases::policy as simple;
use crate::evidence::{audit, findings};
use crate::export::verified;

/// What happens before somebody deploys, and after.
pub struct Story {
    pub name: &'static str,
    pub before: &'static [Step],
    pub after: &'static [Step],
    /// How executions end.
    pub ends: &'static [&'static str],
}

/// All of them.
pub const STORIES: [Story; 9] = [
    Story {
        name: "paged",
        before: &[trigger, next, |place| queue(place, "trigger", "k", &json!({}))],
        after: &[settle, acknowledge, resolve, wait, |place| is_over(place, 1)],
        ends: &["Resolved"],
    },
    Story {
        name: "acknowledged",
        before: &[trigger, acknowledge],
        after: &[settle, resolve_by_hand, wait, |place| is_over(place, 1)],
        ends: &["Resolved"],
    },
    Story {
        name: "silenced",
        before: &[silence, trigger],
        after: &[settle, hour, sweep, sweep, is_told, resolve_by_hand, wait, |place| is_over(place, 1)],
        ends: &["Resolved", "Suppressed"],
    },
    Story {
        name: "grouped",
        before: &[|place| crowd(place, "trigger"), next],
        after: &[settle, |place| crowd(place, "resolve"), wait, |place| is_over(place, 3)],
        ends: &["Grouped", "Resolved"],
    },
    Story {
        name: "inhibited",
        before: &[|place| fires(place, "eu", "cluster"), |place| fires(place, "pod", "pod")],
        after: &[
            settle,
            |place| place.send("resolve", "eu"),
            is_told,
            |place| place.send("resolve", "pod"),
            wait,
            |place| is_over(place, 2),
        ],
        ends: &["Resolved", "Suppressed"],
    },
    Story {
        name: "failing",
        before: &[look_fails],
        after: &[settle, next, is_told, resolve, wait, |place| is_over(place, 1)],
        ends: &["Resolved"],
    },
    Story {
        name: "quiet",
        before: &[|place| fated(place, "trigger")],
        after: &[settle, |place| fated(place, "resolve"), wait, |place| is_over(place, 4)],
        ends: &["Recorded", "Simulated", "Suppressed", "Ticketed"],
    },
    Story {
        name: "changed",
        before: &[trigger, set, sweep, queue_all],
        after: &[is_set, settle, heard, sweep, set_again, resolve_by_hand, answer_queued, wait, |place| {
            is_over(place, 4);
        }],
        ends: &["Resolved"],
    },
    Story {
        name: "proven",
        before: &[trigger, resolve, wait, archive_all, checkpoint, planned, archive_all],
        after: &[settle, is_exported, archive_all, checkpoint, is_proven],
        ends: &["Exported", "Resolved"],
    },
];

/// People are told by texts, which need no address of a test's own. Whatever a story is about has its labels.
pub fn policy() -> Policy {
    let person = |number: &str| json!({ "contacts": [{ "sms": number }] });
    let when = |label: &str, value: &str| format!("alert.labels.{label} == \"{value}\"");
    let matcher = |value: &str| json!([{ "name": "kind", "value": value, "isRegex": false, "isEqual": true }]);
    let mut policy = json!(simple("127.0.0.1:9"));
    policy["people"] = json!({ "ana": person("+15550100"), "ben": person("+15550101"), "eve": person("+15550102") });
    policy["schedules"] = json!({ "platform": { "time_zone": "Europe/Berlin", "rotation": {
        "members": ["ana", "ben"], "shift": "weekly", "start": "2026-01-05T09:00:00" } } });
    policy["escalations"] = json!({
        "platform": {
            "steps": [
                { "notify": ["schedule:platform"], "wait": "PT5M" },
                { "notify": ["team:platform"], "wait": "PT5M", "round_robin": true },
            ],
            "acknowledgement_expires": "PT30M",
        },
        "last": { "steps": [{ "notify": ["person:eve"], "wait": "PT10M" }] },
    });
    policy["catch_all"] = json!({ "escalation": "last" });
    policy["routes"] = json!([
        { "name": "crowd", "when": when("crowd", "yes"), "group": { "by": [], "wait": "PT30S", "interval": "PT5M" } },
        { "name": "record", "when": when("fate", "record"), "action": "record" },
        { "name": "suppress", "when": when("fate", "suppress"), "action": "suppress" },
        { "name": "ticket", "when": when("fate", "ticket"), "action": "ticket", "notify": ["person:ana"] },
        { "name": "simulate", "when": when("fate", "simulate"), "mode": "simulate" },
    ]);
    policy["inhibitions"] = json!([{ "name": "cluster down", "source": matcher("cluster"), "target": matcher("pod"),
        "equal": ["cluster"] }]);
    policy["heartbeats"] = json!({ "nightly": { "every": "PT24H", "service": "checkout" } });
    serde_json::from_value(policy).unwrap()
}

/// What is said of the ways of alerts that tell nobody.
const FATES: [&str; 4] = ["record", "suppress", "ticket", "simulate"];

fn settle(place: &mut Installation) {
    place.settle();
}

/// Puts an alert with these labels on the queue, and leaves it there.
fn queue(place: &mut Installation, action: &str, key: &str, labels: &Value) {
    let mut said = event(action, key, "Checkout fails");
    said["payload"]["custom_details"] = labels.clone();
    said["links"] = json!([{ "href": "https://graphs.example.com/1", "text": "Graph" }]);
    let (status, answer) = place.ask("ingest", "POST", "/v2/enqueue", &said);
    assert_eq!(status, 202, "{answer}");
}

fn fires(place: &mut Installation, key: &str, kind: &str) {
    queue(place, "trigger", key, &json!({ "kind": kind, "cluster": "eu" }));
    place.settle();
}

fn crowd(place: &mut Installation, action: &str) {
    for key in ["a", "b"] {
        queue(place, action, key, &json!({ "crowd": "yes" }));
    }
    place.settle();
}

fn fated(place: &mut Installation, action: &str) {
    for fate in FATES {
        queue(place, action, fate, &json!({ "fate": fate }));
    }
    place.settle();
}

/// A look at an incident at which the tables fail.
fn look_fails(place: &mut Installation) {
    queue(place, "trigger", "k", &json!({}));
    place.settle();
    place.cool();
    place.breaks(Breaks::Outage(&["DynamoDB_20120810"]));
    place.pass_to_next();
    place.breaks(Breaks::Nothing);
}

fn is_told(place: &mut Installation) {
    let told = place.standin.world.lock().unwrap().sent.len();
    assert!(told > 0, "somebody is told");
}

/// Every incident is over, and there are so many.
fn is_over(place: &mut Installation, count: usize) {
    let incidents = place.standin.world.lock().unwrap().incidents();
    let over = incidents.iter().filter(|known| known.status == Status::Resolved).count();
    assert_eq!((over, incidents.len()), (count, count), "{incidents:#?}");
}

/// The states in which executions have ended.
pub fn ends(place: &Installation) -> BTreeSet<String> {
    place.executions.iter().map(|known| known.ended.clone().unwrap_or_else(|| format!("{known:?}"))).collect()
}

fn silence(place: &mut Installation) {
    let body = json!({ "matchers": ["service=checkout"], "for": "1h", "by": "ana", "reason": "a new disk" });
    make(place, "silence", "/v1/silences", &body);
}

/// Asks for something to be made.
fn make(place: &mut Installation, function: &str, path: &str, body: &Value) {
    let (status, made) = place.ask(function, "POST", path, body);
    assert!([200, 201].contains(&status), "{path}: {made}");
}

/// So many hours from now.
fn hence(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

/// Sets everything that people set at run time.
fn set(place: &mut Installation) {
    let turn = |person: &str, from: i64| json!({ "person": person, "from": hence(from), "until": hence(from + 1) });
    let cover = json!({ "schedule": "platform", "person": "ben", "instead_of": "ana", "from": hence(1), "until": hence(2),
        "reason": "a wedding", "by": "ana" });
    make(place, "schedule", "/v1/overrides", &cover);
    let swap = json!({ "schedule": "platform", "one": turn("ana", 3), "other": turn("ben", 4) });
    make(place, "schedule", "/v1/swaps", &swap);
    make(place, "schedule", "/v1/absences", &turn("eve", 5));
    make(place, "schedule", "/v1/calendars", &json!({ "person": "ana" }));
    make(place, "schedule", "/v1/calendars?schedule", &json!({ "schedule": "platform" }));
    let silence = json!({ "matchers": ["service=search", "severity!=critical"], "for": "2h", "reason": "a test" });
    make(place, "silence", "/v1/silences", &silence);
    let maintenance = "/v1/services/checkout/maintenance";
    make(place, "silence", maintenance, &json!({ "for": "1h", "reason": "a deploy" }));
    assert_eq!(place.ask("silence", "DELETE", maintenance, &json!({})).0, 204);
    heard(place);
    let note = json!({ "text": "they called", "about": "customer:acme", "by": "ana" });
    make(place, "respond", &format!("/v1/incidents/{}/notes", incident("k")), &note);
    let mut policy = json!(policy());
    policy["people"]["ana"]["name"] = json!("Ana");
    assert_eq!(place.ask("policy", "PUT", "/v1/policy", &policy).0, 200);
    let (status, answer) = place.ask("ingest", "POST", "/v2/change/enqueue", &event("trigger", "", "Deploy 41"));
    assert_eq!(status, 202, "{answer}");
    place.cool();
    place.settle();
}

/// The nightly job goes on, so that it is not missed.
fn heard(place: &mut Installation) {
    make(place, "heartbeat", "/v1/heartbeats/nightly", &Value::Null);
}

/// Leaves a signal of each sort on the queue.
fn queue_all(place: &mut Installation) {
    let labels = json!({ "env": "prod", "kind": "database" });
    queue(place, "trigger", "q1", &labels);
    queue(place, "trigger", "q2", &labels);
    queue(place, "acknowledge", "q1", &labels);
    queue(place, "trigger", "q3", &labels);
    queue(place, "resolve", "q3", &labels);
    let (status, answer) = place.ask("ingest", "POST", "/v2/change/enqueue", &event("trigger", "", "Deploy 42"));
    assert_eq!(status, 202, "{answer}");
}

fn answer_queued(place: &mut Installation) {
    answer(place, "q1", "resolve");
    answer(place, "q2", "resolve");
}

/// What was set is still set.
fn is_set(place: &mut Installation) {
    let lists = [
        ("schedule", "/v1/overrides", "overrides", 3),
        ("schedule", "/v1/absences", "absences", 1),
        ("schedule", "/v1/calendars", "calendars", 2),
        ("silence", "/v1/silences", "silences", 2),
        ("heartbeat", "/v1/heartbeats", "heartbeats", 1),
    ];
    for (function, path, name, count) in lists {
        let (status, listed) = place.ask(function, "GET", path, &Value::Null);
        assert_eq!((status, listed[name].as_array().map(Vec::len)), (200, Some(count)), "{path}: {listed}");
    }
    let (_, policy) = place.ask("policy", "GET", "/v1/policy", &Value::Null);
    assert_eq!(policy["policy"]["people"]["ana"]["name"], "Ana");
    let (_, heard) = place.ask("heartbeat", "GET", "/v1/heartbeats", &Value::Null);
    assert!(heard["heartbeats"][0]["last"].is_string(), "{heard}");
}

/// What was set can be changed, and what was written about somebody be erased.
fn set_again(place: &mut Installation) {
    let turn = json!({ "person": "eve", "from": hence(7), "until": hence(8) });
    let cover = json!({ "schedule": "platform", "person": "eve", "from": hence(7), "until": hence(8) });
    make(place, "schedule", "/v1/overrides?again", &cover);
    make(place, "schedule", "/v1/absences?again", &turn);
    make(place, "schedule", "/v1/calendars?again", &json!({ "person": "ben" }));
    make(place, "silence", "/v1/silences?again", &json!({ "matchers": ["service=search"], "for": "1h" }));
    let erase = json!({ "reason": "they asked for it" });
    let (status, erased) = place.ask("respond", "DELETE", "/v1/subjects/customer%3Aacme", &erase);
    assert_eq!(status, 200, "{erased}");
    assert_eq!(place.ask("policy", "PUT", "/v1/policy?again", &json!(policy())).0, 200);
    place.cool();
}

/// An export, up to where its parts are listed.
fn planned(place: &mut Installation) {
    let until = Timestamp::now();
    let asked = json!({ "from": until - SignedDuration::from_hours(1), "until": until, "classes": [] });
    place.execute_to("WriteParts", "export", "export-1", asked);
}

fn is_exported(place: &mut Installation) {
    let world = place.standin.world.lock().unwrap();
    assert!(verified(&world).records > 0);
}

/// Everything is covered, in one chain of checkpoints. How late one is is no fault of a record.
fn is_proven(place: &mut Installation) {
    let world = place.standin.world.lock().unwrap();
    let incidents: Vec<String> = world.incidents().iter().map(|known| known.id.stream()).collect();
    let sizes: Vec<usize> = incidents.iter().map(|stream| world.stream(stream).len()).collect();
    drop(world);
    let audit = audit(&place.standin);
    assert_eq!(incidents.iter().map(|stream| audit.size(stream)).collect::<Vec<_>>(), sizes);
    let wrong: Vec<Value> = findings(&place.standin).into_iter().filter(|found| found["type"] != "late").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
