//! What the release binaries cost: size, start, memory, and processor time for each event.
//!
//! Each real binary runs behind a local Runtime API, over a stand-in for AWS that answers at once, so that the figures
//! are ours and not an emulator's. Budgets are for a quiet two-core machine: the yardsticks of the same run, a bare
//! loop and a hash, say how quiet this one was. Linux only, as it reads `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    reason = "a program that prints a table of small numbers, or stops"
)]
#![allow(unreachable_pub, dead_code, reason = "shared with the tests, which use more of it")]

#[path = "adapters.rs"]
mod adapters;
#[path = "../tests/it/cases.rs"]
mod cases;
#[path = "evidence.rs"]
mod evidence;
#[path = "export.rs"]
mod export;
#[path = "load.rs"]
mod load;
#[path = "../tests/it/runtime.rs"]
mod runtime;
#[path = "../tests/it/server.rs"]
mod server;
#[path = "../tests/it/standin.rs"]
mod standin;
#[path = "storm.rs"]
mod storm;
#[path = "table.rs"]
mod table;

use std::hint::black_box;
use std::time::Instant;

use cases::{batch, signal, standin};
use domain::fingerprint::Fingerprint;
use domain::incident::{Event, Incident, IncidentId};
use domain::rehearse::{Recorded, Rehearsal};
use domain::route::Router;
use domain::schedule::Covers;
use domain::signal::Action;
use jiff::{SignedDuration, Timestamp};
use runtime::Function;
use serde_json::Value;
use table::{Row, Table};

/// The functions, by name and binary.
const FUNCTIONS: [(&str, &str); 18] = [
    ("ingest", env!("CARGO_BIN_EXE_ingest")),
    ("dedup", env!("CARGO_BIN_EXE_dedup")),
    ("enrich", env!("CARGO_BIN_EXE_enrich")),
    ("route", env!("CARGO_BIN_EXE_route")),
    ("page", env!("CARGO_BIN_EXE_page")),
    ("respond", env!("CARGO_BIN_EXE_respond")),
    ("api", env!("CARGO_BIN_EXE_api")),
    ("policy", env!("CARGO_BIN_EXE_policy")),
    ("opsgenie", env!("CARGO_BIN_EXE_opsgenie")),
    ("silence", env!("CARGO_BIN_EXE_silence")),
    ("sweep", env!("CARGO_BIN_EXE_sweep")),
    ("schedule", env!("CARGO_BIN_EXE_schedule")),
    ("archive", env!("CARGO_BIN_EXE_archive")),
    ("checkpoint", env!("CARGO_BIN_EXE_checkpoint")),
    ("export", env!("CARGO_BIN_EXE_export")),
    ("audit", env!("CARGO_BIN_EXE_audit")),
    ("heartbeat", env!("CARGO_BIN_EXE_heartbeat")),
    ("operate", env!("CARGO_BIN_EXE_operate")),
];

/// What the yardsticks cost on the machine that the budgets were set on.
const BARE_INIT_MS: f64 = 1.8;
const HASH_US: f64 = 5.0;

fn main() {
    if std::env::args().nth(1).as_deref() == Some(load::BARE) {
        return load::bare();
    }
    let mut table = Table::new();

    let bare_init = median((0..15).map(|_| load::start_bare().init().as_secs_f64() * 1e3));
    let hash = load::hash_us();
    let drift = (bare_init / BARE_INIT_MS).max(hash / HASH_US).max(1.0);
    table.drift(drift);
    table.head("Yardsticks of this run");
    table.row(Row::plain("a bare Runtime API loop, start to first poll", bare_init, "ms"));
    table.row(Row::plain("SHA-256 of 2 KB", hash, "us"));

    table.head("Each function");
    for (name, binary) in FUNCTIONS {
        let size = std::fs::metadata(binary).unwrap().len() as f64 / 1e6;
        table.row(Row::budget(&format!("{name}: size"), size, "MB", 6.0).regardless());
        let inits = (0..9).map(|_| start(binary).init().as_secs_f64() * 1e3);
        table.row(Row::budget(&format!("{name}: start to first poll"), median(inits), "ms", 3.0));
    }

    ingest(&mut table);
    dedup(&mut table);
    storm::figures(&mut table, FUNCTIONS[0].1, FUNCTIONS[1].1);
    rehearse(&mut table);
    evidence::figures(&mut table);
    export::figures(&mut table);
    table.print();
}

/// Starts a function; what it is told of others does not matter until it is asked something.
fn start(binary: &str) -> Function {
    let more = [("CHECKPOINT_FUNCTION", "checkpoint".to_owned()), ("EXPORT_MACHINE", "export".to_owned())];
    cases::function(binary, &standin("127.0.0.1:9"), &more)
}

fn ingest(table: &mut Table) {
    let policy = cases::policy("127.0.0.1:9");
    let pure = load::pure_us(&policy);
    table.head("ingest");
    table.row(Row::budget("verify, parse, normalise one signed 2 KB alert", pure, "us CPU", 20.0));
    adapters::figures(table);
    let standin = standin("127.0.0.1:9");
    let function = cases::function(FUNCTIONS[0].1, &standin, &[]);
    function.init();

    let one = measure(&function, 3000, |_| load::signed());
    standin.world.lock().unwrap().queues.clear();
    table.row(Row::budget("one signed 2 KB alert, with its queue call", one.cpu_us, "us CPU", 400.0));
    table.row(Row::plain("    events a second, one sandbox", one.per_second, "/s"));
    let python = load::python_us("python3", load::PEER);
    table.row(Row::peer("    Python, standard library, the same work", python, one.cpu_us));
    let boto = load::python_us(".venv/tools/bin/python", load::PEER_BOTO);
    table.row(Row::peer("    Python with boto3, the same work", boto, one.cpu_us));

    let hundred = load::alertmanager(100);
    let many = measure(&function, 150, |_| hundred.clone());
    standin.world.lock().unwrap().queues.clear();
    table.row(Row::budget("a batch of 100 alerts, for each alert", many.cpu_us / 100.0, "us CPU", 45.0));
    table.row(Row::plain("    alerts a second, one sandbox", many.per_second * 100.0, "/s"));
    table.row(Row::budget("resident memory, warm", load::resident_mb(&function), "MB", 12.0).regardless());
}

fn dedup(table: &mut Table) {
    let standin = standin("127.0.0.1:9");
    let function = cases::function(FUNCTIONS[1].1, &standin, &[]);
    function.init();
    let duplicates = |run: usize| {
        let ten: Vec<_> = (0..10).map(|n| signal(&format!("{run}-{n}"), "k", Action::Trigger, 0)).collect();
        batch(&ten, 1)
    };
    table.head("dedup: 10,000 duplicates of one alert, ten to a batch");
    let warm = measure(&function, 100, duplicates);
    let before = load::resident_mb(&function);
    let early = measure(&function, 300, |run| duplicates(1000 + run));
    let middle = measure(&function, 300, |run| duplicates(2000 + run));
    let late = measure(&function, 300, |run| duplicates(3000 + run));
    let after = load::resident_mb(&function);
    let counted = cases::the_incident(&standin).occurrences;
    assert_eq!(counted, 10_000, "every duplicate is recorded");
    black_box((warm.cpu_us, middle.cpu_us));
    let calls = standin.world.lock().unwrap().calls.len() as f64;
    table.row(Row::budget("for each duplicate", late.cpu_us / 10.0, "us CPU", 60.0));
    table.row(Row::plain("    duplicates a second, one sandbox", late.per_second * 10.0, "/s"));
    table.row(
        Row::budget("the last 3,000 against the first 3,000", late.cpu_us / early.cpu_us, "times", 1.2).regardless(),
    );
    table.row(Row::budget("AWS calls for each batch", calls / 1000.0, "calls", 2.1).regardless());
    table.row(Row::budget("resident memory, warm", after, "MB", 12.0).regardless());
    table.row(Row::budget("resident memory, after against before", after / before, "times", 1.1).regardless());
}

/// Thirty days of signals, none of them a repeat: what `policy plan` does once it has read them.
fn rehearse(table: &mut Table) {
    let (policy, _) = domain::policy::parse(include_str!("../policy/sample.yaml")).unwrap();
    let router = || Router::new(policy.clone(), policy.hash());
    let (before, policies) = (router(), [(policy.hash(), router())].into());
    let decided = |number: i64| {
        let id = IncidentId { fingerprint: Fingerprint::of("pagerduty", &number.to_string()), generation: 1 };
        let mut incident = Incident::expected(id);
        let alert = signal("s", "k", Action::Trigger, 0).alert;
        let opened = Event::Opened { integration: "pagerduty".to_owned(), key: "k".to_owned(), alert, follows: None };
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + 26 * number);
        incident.apply(&opened, at);
        incident.occurrences = 1;
        incident.decision = Some(before.decide(&incident, at));
        Recorded::of(&incident).unwrap()
    };
    let history: Vec<Recorded> = (0..100_000).map(decided).collect();
    let mut proposed = policy.clone();
    proposed.routes.retain(|route| route.name != "production");
    let after = Router::new(proposed.clone(), proposed.hash());
    table.head("policy plan: 30 days of 100,000 signals, each an incident of its own");
    let began = Instant::now();
    let rehearsal = Rehearsal::of(&history, &policies, &before, &after, Covers::NONE);
    let took = began.elapsed().as_secs_f64();
    assert_eq!(rehearsal.exact, 100_000, "every decision replays");
    table.row(Row::budget("replayed, and decided by both policies", took, "s", 5.0));
}

struct Cost {
    cpu_us: f64,
    per_second: f64,
}

/// Processor time and rate of `runs` events, after a warm-up.
fn measure(function: &Function, runs: usize, event: impl Fn(usize) -> Value) -> Cost {
    let events: Vec<String> = (0..runs).map(|run| event(run).to_string()).collect();
    let before = load::cpu_seconds(function);
    let began = Instant::now();
    for event in events {
        let answer = function.invoke_text(event).unwrap().unwrap();
        assert!(!answer.contains(r#""statusCode":4"#) && !answer.contains(r#""statusCode":5"#), "{answer}");
    }
    let took = began.elapsed().as_secs_f64();
    let cpu = load::cpu_seconds(function) - before;
    Cost { cpu_us: cpu * 1e6 / runs as f64, per_second: runs as f64 / took }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
