//! Golden records: what earlier versions wrote is read, verified and written back for ever.
//!
//! A directory of `records` holds the records of one schema version, a body a line, and `heads.json` says how many each
//! stream has and the hash of its last. Files of a version that is no longer written are never changed. A new variant of
//! an event, or a new field, gets a record at the end of a stream of the version that is written now.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;

use domain::access::AccessEvent;
use domain::change::ChangeEvent;
use domain::log::{Entry, Hash, Record, VERSION, verify};
use domain::schedule::{CoverEvent, GapEvent};
use domain::sealed::SubjectEvent;
use domain::{incident, silence};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema versions there are records of.
const VERSIONS: [u32; 2] = [0, VERSION];

/// What `heads.json` says of a stream.
#[derive(Deserialize)]
struct Head {
    size: usize,
    head: Hash,
}

/// The records in a file of a version, by their streams.
fn streams(version: u32, name: &str) -> BTreeMap<String, Vec<Entry>> {
    let mut streams: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for body in read_to_string(path(version, &format!("{name}.jsonl"))).unwrap().lines() {
        let stream = serde_json::from_str::<Value>(body).unwrap()["stream"].as_str().unwrap().to_owned();
        let entry = Entry { body: body.to_owned(), hash: Hash::of(body.as_bytes()) };
        streams.entry(stream).or_default().push(entry);
    }
    streams
}

fn path(version: u32, file: &str) -> String {
    format!("{}/tests/records/{version}/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// The names of the files of a version.
fn files(version: u32) -> BTreeSet<String> {
    let files = std::fs::read_dir(path(version, "")).unwrap().map(|file| file.unwrap().file_name());
    files.filter_map(|file| file.to_str()?.strip_suffix(".jsonl").map(str::to_owned)).collect()
}

#[test]
fn every_stream_of_every_version_verifies_to_the_head_it_had() {
    for version in VERSIONS {
        let heads = read_to_string(path(version, "heads.json")).unwrap();
        let mut heads: BTreeMap<String, Head> = serde_json::from_str(&heads).unwrap();
        for (stream, entries) in files(version).iter().flat_map(|file| streams(version, file)) {
            let known = heads.remove(&stream).unwrap();
            assert_eq!(verify(&stream, &entries), Ok(known.head), "{stream} of version {version}");
            assert_eq!(entries.len(), known.size, "{stream} of version {version}");
        }
        assert_eq!(heads.into_keys().next(), None, "version {version}: no records");
    }
}

/// Every record of `file` is read as events of `E` and written back as the same bytes; in the last version there is one
/// of each sort.
fn kept<E: Serialize + DeserializeOwned>(file: &str, since: u32) {
    for version in VERSIONS.into_iter().filter(|version| *version >= since) {
        let mut sorts = BTreeSet::new();
        for entry in streams(version, file).values().flatten() {
            let record: Record<E> = Record::open(entry).unwrap();
            assert_eq!(record.seal(), *entry, "{file} of version {version}");
            let body: Value = serde_json::from_str(&entry.body).unwrap();
            let events = body["events"].as_array().unwrap();
            sorts.extend(events.iter().map(|event| event["type"].as_str().unwrap().to_owned()));
        }
        if Some(&version) == VERSIONS.last() {
            assert_eq!(sorts, sorts_of::<E>(), "{file} of version {version}");
        }
    }
}

/// The sorts of event that `E` knows, as its own refusal of an unknown one lists them.
fn sorts_of<E: DeserializeOwned>() -> BTreeSet<String> {
    let refused = serde_json::from_str::<E>(r#"{"type":""}"#).err().unwrap().to_string();
    let (_, listed) = refused.split_once(", expected ").unwrap();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn e18_every_record_is_written_back_as_the_same_bytes() {
    kept::<incident::Event>("incident", 0);
    kept::<silence::Event>("silences", 0);
    kept::<CoverEvent>("covers", 0);
    kept::<GapEvent>("gaps", 0);
    kept::<AccessEvent>("access", 1);
    kept::<ChangeEvent>("changes", 1);
    kept::<SubjectEvent>("subjects", 1);
}

/// The same as a later version may write it, with one more field in each object but labels, whose names are data.
fn later(said: Value) -> Value {
    match said {
        Value::Object(fields) => {
            let field = |(name, field): (String, Value)| {
                let field = if name == "labels" { field } else { later(field) };
                (name, field)
            };
            fields.into_iter().map(field).chain([("of_a_later_version".to_owned(), Value::Bool(true))]).collect()
        }
        Value::Array(items) => items.into_iter().map(later).collect(),
        other => other,
    }
}

fn passed_over<E: Serialize + DeserializeOwned>(file: &str) {
    for entry in streams(VERSION, file).values().flatten() {
        let body = later(serde_json::from_str(&entry.body).unwrap()).to_string();
        let hash = Hash::of(body.as_bytes());
        let record: Record<E> = Record::open(&Entry { body, hash }).unwrap();
        assert_eq!(record.seal(), *entry, "{file}");
    }
}

/// A rollback: the version before reads what this one wrote, as far as it knows of it.
#[test]
fn e18_a_record_with_fields_of_a_later_version_says_the_same() {
    passed_over::<incident::Event>("incident");
    passed_over::<silence::Event>("silences");
    passed_over::<CoverEvent>("covers");
    passed_over::<GapEvent>("gaps");
    passed_over::<AccessEvent>("access");
    passed_over::<ChangeEvent>("changes");
    passed_over::<SubjectEvent>("subjects");
}

#[test]
fn e18_an_incident_of_every_version_folds_to_an_end() {
    for entries in VERSIONS.into_iter().flat_map(|version| streams(version, "incident").into_values()) {
        let first: Record<incident::Event> = Record::open(&entries[0]).unwrap();
        let id = incident::IncidentId::parse(first.stream.strip_prefix("incident#").unwrap()).unwrap();
        let mut folded = incident::Incident::expected(id);
        for entry in &entries {
            folded.fold(&Record::open(entry).unwrap(), entry.hash.clone());
        }
        assert_eq!((folded.seq, Some(&folded.head)), (entries.len() as u64, entries.last().map(|last| &last.hash)));
        assert_ne!(folded.status, incident::Status::Expected);
    }
}

#[test]
fn every_record_since_the_first_version_names_its_version_and_whose_request_it_was() {
    for (version, file) in
        [1].into_iter().flat_map(|version| files(version).into_iter().map(move |file| (version, file)))
    {
        for entry in streams(version, &file).values().flatten() {
            let record: Record<Value> = Record::open(entry).unwrap();
            assert_eq!((record.version, record.by.is_some()), (version, true), "{}", entry.body);
        }
    }
}
