//! A storm: 100,000 mixed signals through ingest, a queue that delivers in any order and sometimes twice, and dedup.
//!
//! None of them may be lost: each that was accepted is in the log of one incident, once. What a signal costs, and how
//! much memory the functions have, must be the same in the last wave as in the first.

use std::collections::{BTreeMap, BTreeSet};

use domain::incident::Event;
use domain::log::{Record, verify};
use domain::signal::Signal;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{self, ROUTING_KEY, gateway};
use crate::load;
use crate::runtime::Function;
use crate::standin::Standin;
use crate::table::{Row, Table};

const WAVES: usize = 10;
/// Signals in each wave; as many of them are of one problem as `SAME` says.
const SIGNALS: usize = 10_000;
const SAME: usize = 2_500;

/// What a wave cost, in microseconds of the processor, and the memory of both functions after it.
struct Wave {
    ingest_us: f64,
    mixed_us: f64,
    same_us: f64,
    ingest_mb: f64,
    dedup_mb: f64,
}

/// Adds the figures of the storm to the table.
pub fn figures(table: &mut Table, ingest: &str, dedup: &str) {
    let standin = cases::standin("127.0.0.1:9");
    let (ingest, dedup) = (cases::function(ingest, &standin, &[]), cases::function(dedup, &standin, &[]));
    let began = Timestamp::now() - SignedDuration::from_hours(2);
    let mut accepted = BTreeSet::new();
    let waves: Vec<Wave> =
        (0..WAVES).map(|number| pass(number, began, &standin, &ingest, &dedup, &mut accepted)).collect();
    let (incidents, records) = account(&standin, &accepted);

    table.head(&format!("A storm: {} mixed signals, in {WAVES} waves", WAVES * SIGNALS));
    table.row(Row::plain("signals that differ, each in one log, once", accepted.len() as f64, ""));
    table.row(Row::plain("    incidents that they opened", incidents as f64, ""));
    table.row(Row::plain("    records", records as f64, ""));
    // The first wave also fills what is kept in memory.
    let mean = |waves: &[Wave], of: fn(&Wave) -> f64| waves.iter().map(of).sum::<f64>() / waves.len() as f64;
    let (early, late) = (&waves[1..4], &waves[WAVES - 3..]);
    let grew = |of: fn(&Wave) -> f64| mean(late, of) / mean(early, of);
    table.row(Row::plain("ingest, for each signal", mean(late, |wave| wave.ingest_us), "us CPU"));
    table.row(Row::budget("    the last 30,000 against the second", grew(|wave| wave.ingest_us), "times", 1.2));
    table.row(Row::plain("dedup, for each mixed signal", mean(late, |wave| wave.mixed_us), "us CPU"));
    table.row(Row::budget("    the last against the second", grew(|wave| wave.mixed_us), "times", 1.2));
    // One batch of twenty comes twice, and whoever comes again is looked for in the log.
    table.row(Row::budget("dedup, for each duplicate", mean(late, |wave| wave.same_us), "us CPU", 60.0));
    table.row(Row::budget("    the last against the second", grew(|wave| wave.same_us), "times", 1.2));
    table
        .row(Row::budget("resident memory of ingest, at the end", waves[WAVES - 1].ingest_mb, "MB", 12.0).regardless());
    let grew = |of: fn(&Wave) -> f64| of(&waves[WAVES - 1]) / of(&waves[1]);
    table.row(Row::budget("    against the second wave", grew(|wave| wave.ingest_mb), "times", 1.1).regardless());
    table.row(Row::budget("resident memory of dedup, at the end", waves[WAVES - 1].dedup_mb, "MB", 12.0).regardless());
    table.row(Row::budget("    against the second wave", grew(|wave| wave.dedup_mb), "times", 1.1).regardless());
}

/// Lets one wave through.
fn pass(
    number: usize,
    began: Timestamp,
    standin: &Standin,
    ingest: &Function,
    dedup: &Function,
    accepted: &mut BTreeSet<String>,
) -> Wave {
    let mut taken = |requests: Vec<Value>| {
        for request in requests {
            let answer = ingest.invoke(&request).unwrap().unwrap();
            assert!(matches!(answer["statusCode"].as_u64(), Some(200..300)), "{answer}");
        }
        let bodies = standin.world.lock().unwrap().queues.remove("signals").unwrap_or_default();
        let ids = bodies.iter().map(|body| serde_json::from_str::<Signal>(body).unwrap().id);
        accepted.extend(ids);
        bodies
    };
    let before = load::cpu_seconds(ingest);
    let mixed = taken(mixed(number, began));
    let same = taken((0..SAME).map(|_| pagerduty("trigger", "same")).collect());
    let ingest_us = (load::cpu_seconds(ingest) - before) * 1e6 / SIGNALS as f64;
    assert_eq!((mixed.len(), same.len()), (SIGNALS - SAME, SAME), "every signal is on the queue");
    Wave {
        ingest_us,
        mixed_us: deliver(dedup, &shuffled(mixed, number as u64)),
        same_us: deliver(dedup, &same),
        ingest_mb: load::resident_mb(ingest),
        dedup_mb: load::resident_mb(dedup),
    }
}

/// The requests of a wave whose signals are of all kinds: 3,500 of PagerDuty's senders among few keys, 500 changes, and
/// 3,500 alerts of Alertmanager, which fire, are repeated and clear.
fn mixed(number: usize, began: Timestamp) -> Vec<Value> {
    let mut requests = Vec::new();
    for n in 0..3_500 {
        let (action, keys) = match n % 7 {
            0 => ("acknowledge", 250),
            1 => ("resolve", 250),
            2 | 3 => ("trigger", 250),
            _ => ("trigger", 3),
        };
        requests.push(pagerduty(action, &format!("{keys}-{}", n / 7 % keys)));
    }
    requests.extend((0..500).map(|n| {
        let payload = json!({ "summary": format!("Build {n}"), "source": "ci", "timestamp": Timestamp::now() });
        let body = json!({ "routing_key": ROUTING_KEY, "payload": payload });
        gateway("POST", "/v2/change/enqueue", &[], &body.to_string())
    }));
    let fired = began + SignedDuration::from_mins(10) * i32::try_from(number).unwrap();
    for round in 0..7 {
        // An alert is told again and again, and one that cleared says since when.
        let cleared = (round >= 5).then(|| fired + SignedDuration::from_mins(5));
        requests.extend((0..5).map(|group| alertmanager(group * 100..(group + 1) * 100, fired, cleared)));
    }
    requests
}

fn pagerduty(action: &str, key: &str) -> Value {
    let payload = json!({ "summary": "Checkout fails", "severity": "critical", "source": "checkout-7" });
    let body = json!({ "routing_key": ROUTING_KEY, "event_action": action, "dedup_key": key, "payload": payload });
    gateway("POST", "/v2/enqueue", &[], &body.to_string())
}

fn alertmanager(instances: std::ops::Range<usize>, fired: Timestamp, cleared: Option<Timestamp>) -> Value {
    let status = if cleared.is_some() { "resolved" } else { "firing" };
    let alerts = instances.map(|n| {
        json!({
            "status": status, "startsAt": fired, "endsAt": cleared.unwrap_or("0001-01-01T00:00:00Z".parse().unwrap()),
            "labels": { "alertname": "HighLatency", "severity": "critical", "service": "checkout", "instance": format!("i-{n}") },
            "annotations": { "summary": "p99 latency of checkout is over 2 s" }, "fingerprint": format!("{n:016x}"),
        })
    });
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "status": status, "receiver": "watchkeeper", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "alerts": alerts.collect::<Vec<_>>(),
    });
    gateway("POST", "/v1/signals/alertmanager", &[("content-type", "application/json".to_owned())], &body.to_string())
}

/// The same messages in another order, which is always the same one.
fn shuffled(mut bodies: Vec<String>, seed: u64) -> Vec<String> {
    // Knuth's generator, of which the high bits are good enough.
    let mut state = seed;
    for end in (1..bodies.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bodies.swap(end, (state >> 33) as usize % (end + 1));
    }
    bodies
}

/// Hands messages to dedup, ten at a time, and every twentieth batch twice; what each message cost.
fn deliver(dedup: &Function, bodies: &[String]) -> f64 {
    let batch = |bodies: &[String], received: &str| {
        let records = bodies.iter().enumerate().map(|(n, body)| {
            let attributes = json!({ "ApproximateReceiveCount": received });
            json!({ "messageId": format!("m-{n}"), "body": body, "attributes": attributes, "messageAttributes": {} })
        });
        json!({ "Records": records.collect::<Vec<_>>() }).to_string()
    };
    let before = load::cpu_seconds(dedup);
    let mut delivered = 0;
    for (number, ten) in bodies.chunks(10).enumerate() {
        for received in ["1", "2"].into_iter().take(if number % 20 == 0 { 2 } else { 1 }) {
            let answer = dedup.invoke_text(batch(ten, received)).unwrap().unwrap();
            assert!(answer.contains(r#""batchItemFailures":[]"#), "{answer}");
            delivered += ten.len();
        }
    }
    (load::cpu_seconds(dedup) - before) * 1e6 / delivered as f64
}

/// That every signal is where it belongs, once, in logs that are whole; how many incidents and records there are.
fn account(standin: &Standin, accepted: &BTreeSet<String>) -> (usize, usize) {
    let world = standin.world.lock().unwrap();
    let mut streams: BTreeMap<&str, Vec<domain::log::Entry>> = BTreeMap::new();
    for ((stream, _), item) in &world.tables["records"] {
        let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
        let entry = domain::log::Entry { body: text("body"), hash: text("hash").into() };
        streams.entry(stream).or_default().push(entry);
    }
    let mut found = BTreeSet::new();
    let (mut incidents, mut records) = (0, 0);
    for (stream, entries) in &streams {
        verify(stream, entries).unwrap();
        let Some(id) = stream.strip_prefix("incident#") else { continue };
        incidents += 1;
        records += entries.len();
        let events = entries.iter().flat_map(|entry| Record::<Event>::open(entry).unwrap().events).collect::<Vec<_>>();
        for event in &events {
            let Event::Signalled { signals } = event else { continue };
            for signal in signals {
                assert!(found.insert(signal.id.clone()), "{} is counted twice", signal.id);
            }
        }
        let opened = events.iter().any(|event| matches!(event, Event::Opened { .. }));
        let over = events.iter().any(|event| matches!(event, Event::Resolved { .. }));
        assert!(!opened || over || world.executions.contains_key(id), "nobody looks after {id}");
    }
    let changes = world.tables["state"].keys().filter(|(pk, _)| pk.starts_with("change#"));
    found.extend(changes.map(|(_, sk)| sk.split_once('~').unwrap().1.to_owned()));
    let lost: Vec<_> = accepted.difference(&found).take(3).collect();
    assert!(lost.is_empty(), "signals were lost: {lost:?}");
    assert_eq!(found.len(), accepted.len(), "nothing is there that nobody sent");
    (incidents, records)
}
