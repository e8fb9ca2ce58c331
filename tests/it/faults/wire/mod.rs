//! Deploys in the middle of everything (faults.md, E18 and F16): what an earlier version left behind comes to its end with
//! this one, and what this one says can be read by the one before.
//!
//! A running execution keeps the definition that it began with, while its functions are those of the last deploy. A folder
//! of `tests/it/wire` holds one version of all that meets another one so: the definitions of the machines, how everything
//! stood in the middle of each story (rows, objects, messages, executions), and in `runs.jsonl` what executions asked and
//! heard. Files of a version are never changed.
//!
//! Where what travels looks different from the newest version, a new one goes beside it:
//! `WIRE_VERSION=2 cargo test -p watchkeeper --test it e18_what_travels` writes it. What no story shows is not noticed: a new
//! sort of message, row or task gets its place in a story first.

use std::collections::{BTreeMap, BTreeSet};

use domain::log::Hash;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::golden::{bare, definition, has_all, keep, keep_definition, kind, later, later_line, lines, shape, versions};
use self::stories::{STORIES, Story, ends, policy};
use super::installation::{Asked, Installation};
use super::invariants::check;
use super::machine::{self, Execution};
use crate::phone::Phone;
use crate::runtime::Failure;
use crate::standin::Letter;

mod golden;
mod stories;

/// The machines.
const MACHINES: [&str; 2] = ["incident", "export"];
/// What to do when what travels changed.
const HOW: &str = "keep what there is, and write the next version beside it: see tests/it/faults/wire/mod.rs";

/// The second half of a story, and that it ends as it should.
fn finish(place: &mut Installation, story: &Story) {
    story.after.iter().for_each(|step| step(place));
    check(place);
    let expected: BTreeSet<String> = story.ends.iter().map(|end| (*end).to_owned()).collect();
    assert_eq!(ends(place), expected, "{}", story.name);
}

/// Goes on with a story from what was kept of it, each in a thread of its own.
fn go_on(version: u32, change: fn(Value) -> Value, between: fn(Value) -> Value) {
    let phone = &Phone::start();
    std::thread::scope(|scope| {
        for story in &STORIES {
            let thread = std::thread::Builder::new().name(story.name.to_owned());
            let goes_on = move || {
                let kept: Vec<Value> = lines(version, story.name).into_iter().map(change).collect();
                let mut place = Installation::going_on(phone, &policy(), &kept, |name| definition(version, name));
                place.between = between;
                finish(&mut place, story);
            };
            thread.spawn_scoped(scope, goes_on).unwrap();
        }
    });
}

#[test]
fn e18_f16_what_an_earlier_version_left_in_the_middle_comes_to_its_end_with_this_one() {
    for version in versions() {
        go_on(version, |line| line, |said| said);
    }
}

#[test]
fn e18_what_a_later_version_adds_to_rows_messages_and_tasks_changes_nothing() {
    let newest = *versions().last().unwrap();
    go_on(newest, later_line, later);
}

/// A rollback after somebody applied a policy with keys that only the later version knows.
#[test]
fn e18_a_policy_of_a_later_version_rules_as_far_as_it_is_known() {
    let mut place = Installation::furnished(&Phone::start(), &policy());
    let newer = later(json!(policy()));
    let (status, refused) = place.ask("policy", "PUT", "/v1/policy", &newer);
    assert_eq!(status, 400, "whoever applies it hears of the key");
    assert!(refused["detail"].as_str().unwrap().contains("of_a_later_version"), "{refused}");
    {
        let mut world = place.standin.world.lock().unwrap();
        let hash = Hash::of(newer.to_string().as_bytes());
        world.objects.insert(format!("policies/policies/{hash}"), newer.to_string().into_bytes());
        world.objects.insert("policies/policies/active".to_owned(), hash.to_string().into_bytes());
    }
    place.send("trigger", "k");
    assert_eq!(place.standin.world.lock().unwrap().sent.len(), 1, "somebody is paged");
    check(&place);
}

/// A rollback: executions that began with this version's definitions are carried out by the functions before it.
#[test]
fn f16_executions_of_this_version_come_to_the_same_end_with_the_functions_before_it() {
    let newest = *versions().last().unwrap();
    let runs = lines(newest, "runs");
    for run in &runs {
        let machine = if run["machine"] == "export" { "export" } else { "incident" };
        let name = run["name"].as_str().unwrap();
        let mut heard = run["asked"].as_array().unwrap().iter();
        let definition = machine::definition(machine);
        let mut execution = Execution::of(machine, name, definition, run["given"].clone(), BTreeMap::new());
        while execution.ended.is_none() {
            execution.run(true, &mut |resource, arguments| {
                let before = heard.next().unwrap_or_else(|| panic!("{name} asks {resource}: {HOW}"));
                assert_eq!(before["resource"], resource, "{name}: {HOW}");
                assert!(has_all(&before["arguments"], arguments), "{name}: {resource} misses something: {HOW}");
                answer_of(&before["answer"])
            });
            execution.pass(execution.wakes_at.duration_since(Timestamp::now()) + SignedDuration::from_secs(1));
        }
        assert_eq!(json!(execution.ended), run["ended"], "{name}");
        assert_eq!(heard.next(), None, "{name} does not ask for this any more: {HOW}");
    }
    assert!(runs.len() >= STORIES.len());
}

fn answer_of(kept: &Value) -> Result<Value, Failure> {
    match kept["error"].as_str() {
        Some(name) => Err(Failure { name: name.to_owned(), message: String::new() }),
        None => Ok(kept["result"].clone()),
    }
}

/// What an execution was: what it asked, what it heard, how it ended.
fn run(execution: &Execution, asked: &[Asked]) -> Value {
    let own = asked.iter().filter(|asked| execution.name == asked.execution);
    let told = own.map(|Asked { resource, arguments, answer, .. }| {
        let answer = match answer {
            Ok(result) => json!({ "result": result }),
            Err(failure) => json!({ "error": failure.name }),
        };
        json!({ "resource": resource, "arguments": arguments, "answer": answer })
    });
    let Execution { machine, name, given, ended, .. } = execution;
    let told: Vec<Value> = told.collect();
    json!({ "machine": machine, "name": name, "given": given, "asked": told, "ended": ended })
}

/// Tells every story: how everything stands in its middle, and the executions it had.
fn tell() -> (Vec<(&'static str, Vec<Value>)>, Vec<Value>) {
    let phone = Phone::start();
    let (mut middles, mut runs) = (Vec::new(), Vec::new());
    for story in &STORIES {
        let mut place = Installation::furnished(&phone, &policy());
        story.before.iter().for_each(|step| step(&mut place));
        middles.push((story.name, place.kept()));
        finish(&mut place, story);
        runs.extend(place.executions.iter().map(|execution| run(execution, &place.asked)));
    }
    (middles, runs)
}

#[test]
fn e18_what_travels_looks_as_the_newest_version_that_is_kept_of_it() {
    let (middles, runs) = tell();
    if let Ok(version) = std::env::var("WIRE_VERSION") {
        let version = version.parse().expect("a number");
        for (name, lines) in &middles {
            keep(version, name, lines);
        }
        keep(version, "runs", &runs);
        for machine in MACHINES {
            keep_definition(version, machine);
        }
    }
    let newest = *versions().last().expect("there is a version");
    for machine in MACHINES {
        let (kept, now) = (bare(definition(newest, machine)), bare(machine::definition(machine)));
        assert!(kept == now, "the machine {machine} is not that of version {newest}: {HOW}");
    }
    let all = |middles: Vec<Value>, runs: &[Value]| {
        let asked = runs.iter().flat_map(|run| run["asked"].as_array().unwrap().clone());
        shape(&middles.into_iter().chain(asked).collect::<Vec<_>>())
    };
    let kept = STORIES.iter().flat_map(|story| lines(newest, story.name)).collect();
    let (kept, now) =
        (all(kept, &lines(newest, "runs")), all(middles.into_iter().flat_map(|(_, lines)| lines).collect(), &runs));
    let (gone, new): (Vec<_>, Vec<_>) = (kept.difference(&now).collect(), now.difference(&kept).collect());
    assert!(gone.is_empty() && new.is_empty(), "of version {newest}\ngone: {gone:#?}\nnew: {new:#?}\n{HOW}");
}

#[test]
fn e18_every_sort_of_row_has_its_place_in_a_story() {
    /// What no story leaves, and why.
    const ELSEWHERE: [(&str, &str); 2] = [
        ("gaps", "a gap is told of by day alone; its row is a ledger as all others are"),
        ("sweep", "it is there after a sweep that had too much to do; one that cannot be read is the beginning"),
    ];
    let mut known: BTreeSet<String> = ELSEWHERE.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    for version in versions() {
        let lines = STORIES.iter().flat_map(|story| lines(version, story.name));
        known.extend(lines.filter(|line| line["table"] == "state").map(|line| kind(&line["item"]).to_owned()));
    }
    let mut written = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let partitions = source.split("format!(\"").skip(1).filter_map(|rest| rest.split_once("#{"));
        written.extend(partitions.map(|(kind, _)| kind.to_owned()));
        let ledgers = source.split("Ledger::new(aws, records, state").skip(1);
        written.extend(ledgers.filter_map(|rest| rest.split('"').nth(1).map(str::to_owned)));
        let whole = source.split("(\"pk\".to_owned(), s(\"").skip(1);
        written.extend(whole.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
    }
    assert!(written.len() >= 15, "{written:?}");
    assert!(written.is_subset(&known), "{:?}", written.difference(&known).collect::<Vec<_>>());
}

#[test]
fn e18_a_dead_letter_of_every_version_is_read_and_done_again() {
    let phone = Phone::start();
    for version in versions() {
        let kept = lines(version, "failing");
        let mut place = Installation::going_on(&phone, &policy(), &kept, |name| definition(version, name));
        let bodies = |story: &str, queue: &str| {
            let lines = lines(version, story).into_iter().filter(|line| line["queue"] == queue);
            lines.map(|line| line["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        // The machine says what a letter is; on AWS it is the message's body as it was sent.
        let sent = |body: &String| serde_json::from_str::<Value>(body).unwrap()["MessageBody"].to_string();
        let letters = [
            ("signals", "dead-letters", bodies("changed", "signals")),
            ("incident", "incident-dead", bodies("failing", "incident-dead-letters").iter().map(sent).collect()),
        ];
        for (path, queue, bodies) in letters {
            assert!(!bodies.is_empty());
            let count = bodies.len();
            let held = bodies.into_iter().enumerate().map(|(number, body)| Letter {
                id: format!("letter-{number}"),
                body,
                sent_at: Timestamp::now().as_millisecond() - 60_000,
                ..Letter::default()
            });
            place.standin.world.lock().unwrap().letters.insert(queue.to_owned(), held.collect());
            let (status, redriven) =
                place.ask("operate", "POST", &format!("/v1/dead-letters/{path}/redrive"), &json!({}));
            assert_eq!((status, &redriven["redriven"]), (200, &json!(count)), "{redriven}");
        }
        assert!(place.standin.world.lock().unwrap().letters.values().all(Vec::is_empty), "all of them are done with");
        place.settle();
        assert!(place.standin.world.lock().unwrap().queues["dead-letters"].is_empty(), "and none comes back");
    }
}
