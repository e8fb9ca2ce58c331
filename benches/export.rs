//! A million records archived, covered by checkpoints and exported, by the release binaries over the stand-in.

use domain::cause::Cause;
use domain::log::{Hash, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{function, standin};
use crate::load;
use crate::runtime::Function;
use crate::standin::{Item, LOCK, Standin};
use crate::table::{Row, Table};

/// An incident with every event there is; each stream has its first records.
const INCIDENT: &str = include_str!("../domain/tests/records/1/incident.jsonl");
/// How many records a stream has.
const STREAM: usize = 32;
/// How many streams are archived together: what Lambda hands over at once has at most 6 MB.
const TOGETHER: usize = 100;
/// How much memory a function may use, in MB.
const MEMORY_MB: f64 = 512.0;

/// Adds the figures of the export to the table.
pub fn figures(table: &mut Table) {
    let few = Exported::of(256_000);
    let many = Exported::of(1_000_000);
    table.head("export: 1,000,000 records of 31,250 incidents, archived, covered and exported");
    for (name, cost) in ["archive", "checkpoint", "export"].into_iter().zip(&many.costs) {
        table.row(Row::budget(&format!("{name}: most memory"), cost.peak_mb, "MB", MEMORY_MB).regardless());
    }
    for (at, name) in ["archive", "checkpoint", "export"].into_iter().enumerate() {
        let [few, many] = [&few, &many].map(|run| run.costs[at].cpu_s / run.records);
        table.row(Row::plain(&format!("{name}: for each record"), many * 1e6, "us CPU"));
        table.row(Row::budget("    against one of 256,000", many / few, "times", 1.25).regardless());
    }
    table.row(Row::plain("parts", many.parts, "parts"));
    table.row(Row::plain("the longest step", many.longest_s, "s"));
}

/// What an export cost.
struct Exported {
    records: f64,
    parts: f64,
    /// Of archive, checkpoint and export.
    costs: [Cost; 3],
    /// The wall time of the longest step of the export, the stand-in's work included.
    longest_s: f64,
}

struct Cost {
    peak_mb: f64,
    cpu_s: f64,
}

impl Cost {
    fn of(function: &Function) -> Self {
        Self { peak_mb: load::peak_mb(function), cpu_s: load::cpu_seconds(function) }
    }
}

impl Exported {
    fn of(records: usize) -> Self {
        let standin = standin("127.0.0.1:9");
        standin.world.lock().unwrap().lock = Some(LOCK);
        let archive = function(env!("CARGO_BIN_EXE_archive"), &standin, &[]);
        let streams: Vec<usize> = (0..records / STREAM).collect();
        for streams in streams.chunks(TOGETHER) {
            let rows: Vec<Item> = streams.iter().flat_map(|number| incident(*number)).collect();
            archive.invoke(&changes(streams[0] * STREAM, &rows)).unwrap().unwrap();
            keep(&standin, rows);
        }
        let checkpoint = function(env!("CARGO_BIN_EXE_checkpoint"), &standin, &[]);
        while waits(&standin) {
            checkpoint.invoke(&json!({})).unwrap().unwrap();
        }
        let export = function(env!("CARGO_BIN_EXE_export"), &standin, &[("WEBHOOK_ALLOW", String::new())]);
        let mut longest_s = 0.0_f64;
        let mut step = |event: Value| {
            let began = std::time::Instant::now();
            let answer = export.invoke(&event).unwrap().unwrap();
            longest_s = longest_s.max(began.elapsed().as_secs_f64());
            answer
        };
        let (from, until) = (Timestamp::now() - SignedDuration::from_hours(2), Timestamp::now());
        let planned =
            step(json!({ "step": "plan", "asked": { "from": from, "until": until, "classes": [] }, "anyway": true }));
        let parts = planned["parts"].as_u64().unwrap();
        for part in 1..=parts {
            step(json!({ "step": "part", "export": planned["export"], "part": part }));
        }
        let finished = step(json!({ "step": "finish", "export": planned["export"] }));
        assert_eq!(finished["records"], records, "each record is exported");
        let costs = [&archive, &checkpoint, &export].map(Cost::of);
        Self { records: records as f64, parts: parts as f64, costs, longest_s }
    }
}

/// The rows of an incident's stream.
fn incident(number: usize) -> Vec<Item> {
    let stream = format!("incident#{number:020x}-1");
    let began = Timestamp::now() - SignedDuration::from_hours(1);
    let mut prev = Hash::zero();
    let rows = INCIDENT.lines().take(STREAM).zip(0..).map(|(line, seq)| {
        let Value::Array(events) = serde_json::from_str::<Value>(line).unwrap()["events"].take() else { panic!() };
        let at = began + SignedDuration::from_secs(i64::try_from(seq).unwrap());
        let cause = Cause::own(format!("message {number} {seq}"));
        let entry = Record::new(stream.clone(), seq, prev.clone(), &cause, events, at).seal();
        prev = entry.hash.clone();
        let row = json!({
            "stream": { "S": stream }, "seq": { "N": seq.to_string() },
            "body": { "S": entry.body }, "hash": { "S": entry.hash },
        });
        row.as_object().unwrap().clone()
    });
    rows.collect()
}

/// What the table's stream tells of new rows.
fn changes(first: usize, rows: &[Item]) -> Value {
    let at = Timestamp::now().as_second();
    let change = |(number, row): (usize, &Item)| {
        json!({
            "eventName": "INSERT",
            "dynamodb": {
                "ApproximateCreationDateTime": at, "Keys": { "stream": row["stream"], "seq": row["seq"] },
                "NewImage": row, "SequenceNumber": number.to_string(),
            },
        })
    };
    json!({ "Records": (first..).zip(rows).map(change).collect::<Vec<_>>() })
}

fn keep(standin: &Standin, rows: Vec<Item>) {
    let mut world = standin.world.lock().unwrap();
    let table = world.table(&json!("records"));
    for row in rows {
        let seq = format!("{:0>20}", row["seq"]["N"].as_str().unwrap());
        table.insert((row["stream"]["S"].as_str().unwrap().to_owned(), seq), row);
    }
}

/// Whether something archived is not covered yet.
fn waits(standin: &Standin) -> bool {
    let mut world = standin.world.lock().unwrap();
    world.calls.clear();
    world.table(&json!("state")).keys().any(|(pk, _)| pk == "archived")
}
