//! Archive and checkpoint, the real binaries: what they leave in the bucket proves the log, whatever breaks and whoever
//! rewrites it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::gather::Link;
use domain::evidence::head::Stretch;
use domain::evidence::note::{PublicKey, Unsigned};
use domain::evidence::tree::Frontier;
use domain::log::{Entry, Hash, verify};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{function, opened, standin as plain};
use crate::kill::{CALLS, FAULTS, break_at};
use crate::runtime::{Failure, Function};
use crate::standin::{Fault, Key, LOCK, ORIGIN, Standin, World};

/// A stand-in whose bucket is locked.
fn standin() -> Standin {
    let standin = plain("127.0.0.1:9");
    standin.world.lock().unwrap().lock = Some(LOCK);
    standin
}

fn archiver(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_archive"), standin, &[])
}

fn checkpointer(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_checkpoint"), standin, &[])
}

/// One checkpoint by a new process.
fn checkpoint(standin: &Standin) -> Result<Value, Failure> {
    checkpointer(standin).invoke(&json!({})).expect("an answer")
}

/// The body of a record, as canonical JSON.
fn body(stream: &str, seq: u64, prev: &Hash, what: &str) -> String {
    let at = Timestamp::UNIX_EPOCH;
    json!({ "at": at, "cause": what, "events": [{ "type": what }], "prev": prev, "seq": seq, "stream": stream })
        .to_string()
}

fn row(stream: &str, seq: u64, entry: &Entry) -> Value {
    let (body, hash) = (&entry.body, &entry.hash);
    json!({ "stream": { "S": stream }, "seq": { "N": seq.to_string() }, "body": { "S": body }, "hash": { "S": hash } })
}

/// Appends `count` records to `stream`, which say `what`.
pub fn write(standin: &Standin, stream: &str, count: u64, what: &str) {
    let mut world = standin.world.lock().unwrap();
    let known = world.stream(stream);
    let mut prev = known.last().map_or_else(Hash::zero, |entry| entry.hash.clone());
    for seq in (known.len() as u64..).take(usize::try_from(count).unwrap()) {
        let body = body(stream, seq, &prev, what);
        let entry = Entry { hash: Hash::of(body.as_bytes()), body };
        prev = entry.hash.clone();
        put(&mut world, &row(stream, seq, &entry));
    }
}

fn put(world: &mut World, row: &Value) {
    let key = (row["stream"]["S"].as_str().unwrap().to_owned(), format!("{:0>20}", row["seq"]["N"].as_str().unwrap()));
    world.table(&json!("records")).insert(key, row.as_object().unwrap().clone());
}

/// The stream of the table's changes: what was written since it was read last.
#[derive(Default)]
pub struct Changes {
    read: BTreeSet<(String, String)>,
    sequence: u32,
}

impl Changes {
    /// The stream of a table that took the place of another one, and has the same rows.
    pub fn of_another_table(standin: &Standin) -> Self {
        let mut changes = Self { sequence: 1000, ..Self::default() };
        changes.next(standin, |_, _| true);
        changes
    }

    /// Every new row as an event, but those that are `skipped`.
    pub fn next(&mut self, standin: &Standin, skipped: impl Fn(&str, u64) -> bool) -> Value {
        let mut world = standin.world.lock().unwrap();
        let rows = world.table(&json!("records")).clone();
        let new: Vec<_> = rows.into_iter().filter(|(key, _)| self.read.insert(key.clone())).collect();
        let kept = new.into_iter().filter(|((stream, seq), _)| !skipped(stream, seq.parse().unwrap()));
        json!({ "Records": kept.map(|(_, row)| self.change("INSERT", &Value::Object(row))).collect::<Vec<_>>() })
    }

    /// One change, as Lambda hands it over.
    fn change(&mut self, kind: &str, row: &Value) -> Value {
        self.sequence += 1;
        json!({
            "eventID": "e", "eventName": kind, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1.8e9 + f64::from(self.sequence),
                "Keys": { "stream": row["stream"], "seq": row["seq"] },
                "NewImage": row,
                "SequenceNumber": (4_421_584_500_000_000_000_u64 + u64::from(self.sequence)).to_string(),
                "SizeBytes": 100,
                "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/records/stream/2026-11-21T00:00:00.000",
        })
    }

    /// Archives everything new.
    fn archive(&mut self, standin: &Standin) -> Value {
        let batch = self.next(standin, |_, _| false);
        archiver(standin).invoke(&batch).unwrap().unwrap()
    }
}

/// What was found in the bucket, by the bucket alone.
pub struct Audit {
    /// Each checkpoint.
    checkpoints: Vec<(Checkpoint, Kept)>,
    /// The bodies of each stream, as far as checkpoints cover it.
    streams: BTreeMap<String, Vec<Entry>>,
}

impl Audit {
    pub fn size(&self, stream: &str) -> usize {
        self.streams.get(stream).map_or(0, Vec::len)
    }
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(bytes).unwrap()
}

fn kept(world: &World, number: u64) -> Option<Kept> {
    let object = world.objects.get(&format!("evidence/checkpoints/{number:010}.json.zst"))?;
    Some(serde_json::from_slice(&unpacked(object)).unwrap())
}

/// Reads the bucket as somebody would who has nothing else: each checkpoint is signed and goes on from the one before,
/// and each record that one covers is in the archive, once and in its place.
pub fn audit(standin: &Standin) -> Audit {
    let world = standin.world.lock().unwrap();
    let named = |prefix: &'static str| world.objects.iter().filter(move |(name, _)| name.starts_with(prefix));
    let pem = |bytes: &Vec<u8>| PublicKey::from_pem(std::str::from_utf8(bytes).unwrap()).unwrap();
    let keys: Vec<PublicKey> = named("evidence/keys/").map(|(_, bytes)| pem(bytes)).collect();
    let mut archive: BTreeMap<String, BTreeMap<u64, String>> = BTreeMap::new();
    for (_, object) in named("evidence/archive/") {
        for body in String::from_utf8(unpacked(object)).unwrap().lines() {
            let link = Link::read(body).unwrap();
            archive.entry(link.stream).or_default().entry(link.seq).or_insert_with(|| body.to_owned());
        }
    }
    let mut audit = Audit { checkpoints: Vec::new(), streams: BTreeMap::new() };
    let (mut tree, mut previous) = (Frontier::default(), Hash::zero());
    for (number, _) in (1..).zip(named("evidence/checkpoints/")) {
        let kept = kept(&world, number).unwrap_or_else(|| panic!("checkpoint {number} is not there"));
        let (said, after) = kept.open(ORIGIN, &keys).unwrap();
        assert_eq!((said.number, &said.previous, &kept.before), (number, &previous, &tree));
        assert!(kept.heads.is_sorted_by(|one, next| one.stream < next.stream));
        for head in &kept.heads {
            let entries = audit.streams.entry(head.stream.clone()).or_default();
            assert_eq!(head.from, entries.len() as u64, "{}: no record is covered twice, or left out", head.stream);
            let mut stretch = Stretch::new(head.from);
            for seq in head.from..head.size {
                let body = archive[&head.stream][&seq].clone();
                let entry = Entry { hash: Hash::of(body.as_bytes()), body };
                stretch.push(&entry.hash);
                entries.push(entry);
            }
            assert_eq!(stretch.head(&head.stream), *head);
        }
        (tree, previous) = (after, said.hash());
        audit.checkpoints.push((said, kept));
    }
    for (stream, entries) in &audit.streams {
        let last = entries.last().map(|entry| entry.hash.clone());
        assert_eq!(verify(stream, entries).ok(), last, "{stream}");
    }
    audit
}

/// What the stream `evidence` says, but that checkpoints were made.
pub fn findings(standin: &Standin) -> Vec<Value> {
    let entries = standin.world.lock().unwrap().stream("evidence");
    let records = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.body).unwrap());
    let events = records.flat_map(|record| record["events"].as_array().unwrap().clone());
    events.filter(|event| event["type"] != "checkpointed").collect()
}

fn waiting(standin: &Standin) -> usize {
    let mut world = standin.world.lock().unwrap();
    world.table(&json!("state")).keys().filter(|(pk, _)| pk == "archived").count()
}

#[test]
fn k16_every_stream_can_be_verified_from_the_archive_and_the_checkpoints_alone() {
    let standin = standin();
    let mut changes = Changes::default();
    opened(&standin);
    write(&standin, "policy", 3, "applied");
    assert_eq!(changes.archive(&standin), json!({ "records": 4, "rewritten": 0 }));
    let first = checkpoint(&standin).unwrap();
    assert_eq!(
        (&first["number"], &first["streams"], &first["records"], &first["more"]),
        (&json!(1), &json!(2), &json!(4), &json!(false))
    );
    write(&standin, "policy", 2, "applied");
    changes.archive(&standin);
    let second = checkpoint(&standin).unwrap();
    assert_eq!(
        (&second["number"], &second["records"]),
        (&json!(2), &json!(3)),
        "what was written of the first is covered too"
    );
    // The tables are gone.
    standin.world.lock().unwrap().tables.clear();
    let audit = audit(&standin);
    assert_eq!((audit.size("policy"), audit.size("evidence"), audit.streams.len()), (5, 1, 3));
    assert!(audit.streams.keys().any(|stream| stream.starts_with("incident#")));
}

#[test]
fn a_batch_that_comes_again_is_the_same_object_and_one_that_is_cut_in_two_covers_nothing_twice() {
    let standin = standin();
    write(&standin, "policy", 6, "applied");
    let batch = Changes::default().next(&standin, |_, _| false);
    let archiver = archiver(&standin);
    let objects = || standin.world.lock().unwrap().objects.keys().filter(|name| name.contains("archive")).count();
    for _ in 0..2 {
        archiver.invoke(&batch).unwrap().unwrap();
        assert_eq!((objects(), waiting(&standin)), (1, 1));
    }
    let all = batch["Records"].as_array().unwrap();
    for half in [&all[..3], &all[3..]] {
        archiver.invoke(&json!({ "Records": half })).unwrap().unwrap();
    }
    assert_eq!(objects(), 3);
    assert_eq!(checkpoint(&standin).unwrap()["records"], 6);
    assert_eq!((audit(&standin).size("policy"), waiting(&standin)), (6, 0));
}

#[test]
fn archive_broken_at_any_call_keeps_every_record_when_the_batch_comes_again() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..CALLS {
            let standin = standin();
            write(&standin, "policy", 2, "applied");
            let mut changes = Changes::default();
            let mut batch = changes.next(&standin, |_, _| false);
            let removed = json!({ "stream": { "S": "policy" }, "seq": { "N": "0" } });
            batch["Records"].as_array_mut().unwrap().push(changes.change("REMOVE", &removed));
            if !break_at(&standin, fault, broken, || archiver(&standin), &batch) {
                break;
            }
            cases += 1;
            archiver(&standin).invoke(&batch).unwrap().unwrap();
            assert_eq!(findings(&standin).len(), 1, "{fault:?} at call {broken}");
            checkpoint(&standin).unwrap();
            assert_eq!(audit(&standin).size("policy"), 2, "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 12, "three faults at four calls at least: {cases}");
}

#[test]
fn checkpoint_broken_at_any_call_leaves_one_chain_that_covers_every_record_once() {
    let mut cases = 0;
    for fault in FAULTS {
        for broken in 0..CALLS {
            let standin = standin();
            let mut changes = Changes::default();
            write(&standin, "policy", 2, "applied");
            changes.archive(&standin);
            checkpoint(&standin).unwrap();
            write(&standin, "policy", 3, "applied");
            write(&standin, "silences", 3, "made");
            // One record is missing in the archive, and is taken from the table.
            let batch = changes.next(&standin, |stream, seq| (stream, seq) == ("silences", 1));
            archiver(&standin).invoke(&batch).unwrap().unwrap();
            if !break_at(&standin, fault, broken, || checkpointer(&standin), &json!({})) {
                break;
            }
            cases += 1;
            checkpoint(&standin).unwrap();
            let audit = audit(&standin);
            let place = format!("{fault:?} at call {broken}");
            assert_eq!((audit.size("policy"), audit.size("silences"), audit.size("evidence")), (5, 3, 1), "{place}");
            assert!((2..=3).contains(&audit.checkpoints.len()), "{place}");
            assert_eq!((waiting(&standin), findings(&standin).len()), (0, 0), "{place}");
            // What checkpoints wrote of themselves is one record each, in order.
            let world = standin.world.lock().unwrap();
            let told = world
                .stream("evidence")
                .iter()
                .map(|entry| {
                    let record: Value = serde_json::from_str(&entry.body).unwrap();
                    record["events"][0]["number"].as_u64().unwrap()
                })
                .collect::<Vec<_>>();
            assert_eq!(told, (1..=audit.checkpoints.len() as u64).collect::<Vec<_>>(), "{place}");
        }
    }
    assert!(cases >= 30, "three faults at ten calls at least: {cases}");
}

#[test]
fn whoever_comes_second_takes_over_the_checkpoint_of_whoever_was_first() {
    let standin = standin();
    write(&standin, "policy", 2, "applied");
    Changes::default().archive(&standin);
    // The rival's checkpoint, made of the same records a moment before ours is put.
    let before = standin.world.lock().unwrap().tables.clone();
    checkpoint(&standin).unwrap();
    let (name, rival) = {
        let mut world = standin.world.lock().unwrap();
        world.tables = before;
        let name = "evidence/checkpoints/0000000001.json.zst".to_owned();
        let rival = world.objects.remove(&name).unwrap();
        (name, rival)
    };
    let told = serde_json::from_slice::<Kept>(&unpacked(&rival)).unwrap();
    let (world, once) = (Arc::clone(&standin.world), Arc::new(AtomicBool::new(true)));
    let comes_first = move || {
        world.lock().unwrap().objects.insert(name.clone(), rival.clone());
    };
    standin.kills(comes_first);
    standin.breaks(move |_, name| {
        let ours = name.starts_with("PUT /evidence/checkpoints/") && once.swap(false, Ordering::SeqCst);
        if ours { Fault::KilledBefore } else { Fault::None }
    });
    let made = checkpoint(&standin).unwrap();
    assert_eq!((&made["number"], &made["records"]), (&json!(1), &json!(2)));
    let audit = audit(&standin);
    assert_eq!((audit.checkpoints.len(), &audit.checkpoints[0].1.note), (1, &told.note));
    assert_eq!(waiting(&standin), 0, "what follows from the rival's checkpoint is done");
}

#[test]
fn c19_many_checkpoints_at_once_never_fork() {
    let standin = standin();
    let mut changes = Changes::default();
    for round in 1..=3 {
        write(&standin, "policy", 2, "applied");
        write(&standin, &format!("incident#{round}"), 1, "opened");
        changes.archive(&standin);
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| checkpoint(&standin));
            }
        });
        checkpoint(&standin).unwrap();
        let audit = audit(&standin);
        assert_eq!((audit.size("policy"), audit.size(&format!("incident#{round}"))), (2 * round, 1));
        assert!(findings(&standin).is_empty());
    }
}

#[test]
fn k07_a_stream_that_somebody_rewrites_in_both_tables_contradicts_the_checkpoint() {
    let standin = standin();
    let mut changes = Changes::default();
    write(&standin, "policy", 4, "applied");
    changes.archive(&standin);
    checkpoint(&standin).unwrap();
    let head = |number: u64| {
        let kept = kept(&standin.world.lock().unwrap(), number).unwrap();
        kept.heads.into_iter().find(|head| head.stream == "policy")
    };
    let signed = head(1).unwrap();
    // All of it is written anew, and so is everything that says how far it is covered: nothing in the tables disagrees.
    standin.world.lock().unwrap().table(&json!("records")).retain(|(stream, _), _| stream != "policy");
    write(&standin, "policy", 4, "forged");
    let forged = standin.world.lock().unwrap().stream("policy");
    let last = verify("policy", &forged).expect("the forged chain is whole");
    {
        let mut world = standin.world.lock().unwrap();
        let rows = world
            .table(&json!("state"))
            .iter_mut()
            .filter(|((pk, sk), _)| pk.starts_with("covered#") && sk == "policy");
        rows.for_each(|(_, row)| {
            row.insert("head".to_owned(), json!({ "S": last }));
        });
    }
    assert_ne!(signed.head, last, "the signed head is that of what was written first");
    let mut stretch = Stretch::new(0);
    for entry in &forged {
        stretch.push(&entry.hash);
    }
    assert_ne!(
        stretch.head("policy").node(),
        signed.node(),
        "no proof leads from what is there now to the signed root"
    );
    // Whatever is appended to it from now on does not follow what was signed.
    write(&standin, "policy", 1, "applied");
    let batch = changes.next(&standin, |_, seq| seq < 4);
    archiver(&standin).invoke(&batch).unwrap().unwrap();
    checkpoint(&standin).unwrap();
    let after = head(2).unwrap();
    let object = standin
        .world
        .lock()
        .unwrap()
        .objects
        .iter()
        .filter(|(name, _)| name.starts_with("evidence/archive/"))
        .map(|(_, bytes)| unpacked(bytes))
        .collect::<Vec<_>>()
        .concat();
    let lines = String::from_utf8(object).unwrap();
    let links: Vec<Link> = lines.lines().filter_map(Link::read).filter(|link| link.stream == "policy").collect();
    assert_eq!(after.from, 4);
    assert_eq!((&links[3].hash, links[4].prev == signed.head), (&signed.head, false));
}

#[test]
fn k07_where_only_the_log_is_rewritten_the_next_checkpoint_says_so() {
    let standin = standin();
    let mut changes = Changes::default();
    write(&standin, "policy", 4, "applied");
    changes.archive(&standin);
    checkpoint(&standin).unwrap();
    standin.world.lock().unwrap().table(&json!("records")).retain(|(stream, _), _| stream != "policy");
    write(&standin, "policy", 5, "forged");
    changes.archive(&standin);
    checkpoint(&standin).unwrap();
    assert_eq!(findings(&standin), [json!({ "type": "rewritten", "stream": "policy", "seq": 4, "how": "unlinked" })]);
    assert_eq!(audit(&standin).size("policy"), 4, "nothing is covered that does not follow");
}

#[test]
fn a_change_that_the_log_never_makes_is_told_once_and_never_archived() {
    let standin = standin();
    let mut changes = Changes::default();
    write(&standin, "policy", 1, "applied");
    changes.archive(&standin);
    let rows = standin.world.lock().unwrap().table(&json!("records")).clone();
    let row = Value::Object(rows.values().next().unwrap().clone());
    let mut foreign = row.clone();
    (foreign["seq"], foreign["body"]) = (json!({ "N": "7" }), json!({ "N": "1" }));
    let made = [("MODIFY", &row), ("REMOVE", &row), ("INSERT", &foreign)];
    let batch = json!({ "Records": made.map(|(kind, row)| changes.change(kind, row)) });
    let archiver = archiver(&standin);
    for _ in 0..2 {
        assert_eq!(archiver.invoke(&batch).unwrap().unwrap(), json!({ "records": 0, "rewritten": 3 }));
        let event = |seq: u64, how: &str| json!({ "type": "rewritten", "stream": "policy", "seq": seq, "how": how });
        assert_eq!(findings(&standin), [event(0, "changed"), event(0, "removed"), event(7, "foreign")]);
    }
    assert_eq!(waiting(&standin), 1, "what was archived before stays alone");
    assert!(archiver.logs().contains("records_rewritten"), "it is counted for the alarm");
}

#[test]
fn k08_l11_without_kms_records_go_on_and_no_checkpoint_is_made_until_it_is_back() {
    for fault in [Fault::Trouble, Fault::Refused] {
        let standin = standin();
        let mut changes = Changes::default();
        write(&standin, "policy", 1, "applied");
        changes.archive(&standin);
        checkpoint(&standin).unwrap();
        write(&standin, "policy", 1, "applied");
        changes.archive(&standin);
        standin.breaks(move |_, name| if name.starts_with("TrentService") { fault } else { Fault::None });
        let function = checkpointer(&standin);
        let failure = function.invoke(&json!({})).unwrap().unwrap_err();
        assert_eq!(failure.name, "Unavailable");
        assert!(function.logs().contains("checkpoint_age_seconds"), "its age is told all the same");
        opened(&standin);
        changes.archive(&standin);
        assert_eq!(audit(&standin).checkpoints.len(), 1, "none that is unsigned");
        standin.breaks(|_, _| Fault::None);
        checkpoint(&standin).unwrap();
        let audit = audit(&standin);
        assert_eq!((audit.checkpoints.len(), audit.size("policy"), audit.streams.len()), (2, 2, 3));
    }
}

#[test]
fn k09_checkpoints_of_a_key_that_was_retired_still_verify_by_its_id() {
    let standin = standin();
    let mut changes = Changes::default();
    for count in 1..=2 {
        write(&standin, "policy", 1, "applied");
        changes.archive(&standin);
        checkpoint(&standin).unwrap();
        assert_eq!(audit(&standin).checkpoints.len(), count);
        standin.world.lock().unwrap().key = Some(Key::new());
    }
    let audit = audit(&standin);
    let keys = standin.world.lock().unwrap().objects.keys().filter(|name| name.starts_with("evidence/keys/")).count();
    assert_eq!(keys, 2);
    let stranger = [Key::new().public()];
    for (_, kept) in &audit.checkpoints {
        assert_eq!(kept.note.verified(ORIGIN, &stranger), Err(Unsigned::UnknownKey));
    }
}

#[test]
fn k10_a_time_without_checkpoints_is_written_down() {
    let standin = standin();
    checkpoint(&standin).unwrap();
    let since = Timestamp::now() - SignedDuration::from_hours(3);
    {
        let mut world = standin.world.lock().unwrap();
        let row = world.table(&json!("state")).get_mut(&("evidence".to_owned(), "ledger".to_owned())).unwrap();
        let mut ledger: Value = serde_json::from_str(row["body"]["S"].as_str().unwrap()).unwrap();
        ledger["value"]["made_at"] = json!(since);
        row.insert("body".to_owned(), json!({ "S": ledger.to_string() }));
    }
    checkpoint(&standin).unwrap();
    checkpoint(&standin).unwrap();
    let found = findings(&standin);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["type"], &found[0]["since"]), (&json!("late"), &json!(since)));
}

#[test]
fn k10_what_the_archive_lacks_is_taken_from_the_table_and_what_is_nowhere_is_written_down() {
    let standin = standin();
    let mut changes = Changes::default();
    write(&standin, "policy", 4, "applied");
    let batch = changes.next(&standin, |_, seq| seq < 3);
    archiver(&standin).invoke(&batch).unwrap().unwrap();
    checkpoint(&standin).unwrap();
    assert_eq!(audit(&standin).size("policy"), 4);
    write(&standin, "policy", 3, "applied");
    let batch = changes.next(&standin, |stream, seq| stream == "policy" && seq < 6);
    archiver(&standin).invoke(&batch).unwrap().unwrap();
    let key = ("policy".to_owned(), format!("{:020}", 5));
    standin.world.lock().unwrap().table(&json!("records")).remove(&key).unwrap();
    checkpoint(&standin).unwrap();
    assert_eq!(findings(&standin), [json!({ "type": "missing", "stream": "policy", "from": 5, "until": 6 })]);
    assert_eq!(audit(&standin).size("policy"), 5);
}

#[test]
fn an_object_of_the_archive_that_is_gone_is_written_down_and_the_rest_goes_on() {
    let standin = standin();
    let mut changes = Changes::default();
    write(&standin, "policy", 1, "applied");
    changes.archive(&standin);
    standin.world.lock().unwrap().objects.retain(|name, _| !name.starts_with("evidence/archive/"));
    write(&standin, "silences", 1, "made");
    changes.archive(&standin);
    checkpoint(&standin).unwrap();
    let found = findings(&standin);
    assert_eq!((found.len(), &found[0]["type"]), (1, &json!("lost")));
    assert_eq!((audit(&standin).size("silences"), waiting(&standin)), (1, 0));
    // The next record of its stream brings it back from the table.
    write(&standin, "policy", 1, "applied");
    changes.archive(&standin);
    checkpoint(&standin).unwrap();
    assert_eq!(audit(&standin).size("policy"), 2);
}

#[test]
fn k17_without_a_locked_bucket_no_checkpoint_is_made() {
    let standin = standin();
    write(&standin, "policy", 1, "applied");
    Changes::default().archive(&standin);
    let without_retention =
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
    let function = checkpointer(&standin);
    for lock in [None, Some(without_retention)] {
        standin.world.lock().unwrap().lock = lock;
        assert_eq!(function.invoke(&json!({})).unwrap().unwrap_err().name, "Misconfigured");
        let world = standin.world.lock().unwrap();
        assert!(world.objects.keys().all(|name| !name.starts_with("evidence/checkpoints/")));
        assert!(!world.calls.iter().any(|call| call.starts_with("TrentService")), "nothing is signed either");
    }
    standin.world.lock().unwrap().lock = Some(LOCK);
    function.invoke(&json!({})).unwrap().unwrap();
    standin.breaks(|_, _| Fault::None);
    function.invoke(&json!({})).unwrap().unwrap();
    let asked = standin.world.lock().unwrap().calls.iter().filter(|call| *call == "GET /evidence/").count();
    assert_eq!(asked, 1, "the lock is asked for once, and checkpoints are listed");
}

#[test]
fn a_checkpoint_that_somebody_put_in_the_place_of_the_next_is_never_gone_on_from() {
    let standin = standin();
    checkpoint(&standin).unwrap();
    let mut forged = kept(&standin.world.lock().unwrap(), 1).unwrap();
    forged.heads.clear();
    let forged = zstd::stream::encode_all(&serde_json::to_vec(&forged).unwrap()[..], 3).unwrap();
    standin.world.lock().unwrap().objects.insert("evidence/checkpoints/0000000002.json.zst".to_owned(), forged);
    let failure = checkpoint(&standin).unwrap_err();
    assert_eq!(failure.name, "Misconfigured");
    assert!(failure.message.contains("checkpoint 2 is not ours"), "{}", failure.message);
}

#[test]
fn a_checkpoint_of_very_many_streams_covers_each_of_them() {
    const STREAMS: usize = 2_000;
    let standin = standin();
    let mut changes = Changes::default();
    for stream in 0..STREAMS {
        write(&standin, &format!("incident#{stream}"), 1, "opened");
    }
    let batch = changes.next(&standin, |_, _| false);
    let archiver = archiver(&standin);
    for some in batch["Records"].as_array().unwrap().chunks(1000) {
        archiver.invoke(&json!({ "Records": some })).unwrap().unwrap();
    }
    assert_eq!(checkpoint(&standin).unwrap()["streams"], STREAMS);
    assert_eq!(audit(&standin).streams.len(), STREAMS);
    let mut world = standin.world.lock().unwrap();
    let covered = world.table(&json!("state")).keys().filter(|(pk, _)| pk.starts_with("covered#")).count();
    assert_eq!(covered, STREAMS);
}
