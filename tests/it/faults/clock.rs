//! Time that passes at once. The functions read the machine's clock, so what they wrote is made older instead.

use std::collections::BTreeMap;

use domain::incident::{Event, Incident, IncidentId};
use domain::log::{Entry, Hash, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::standin::World;

/// Lets everything in `world` have happened longer ago, by `time`: each record is sealed anew, as it would have been then.
pub fn pass(world: &mut World, time: SignedDuration) {
    let hashes = age_records(world, time);
    age_state(world, time, &hashes);
    for message in world.queues.get_mut("signals").into_iter().flatten() {
        *message = aged_json(message, time, &hashes);
    }
}

/// A message as it would have been longer ago, by `time`.
pub fn earlier(message: &str, time: SignedDuration) -> String {
    aged_json(message, time, &BTreeMap::new())
}

/// Ages the records; what each hash became.
fn age_records(world: &mut World, time: SignedDuration) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    let mut prev = (String::new(), Hash::zero());
    for ((stream, _), row) in world.tables.entry("records".to_owned()).or_default() {
        let before = row["body"]["S"].as_str().unwrap();
        let mut record: Value = serde_json::from_str(before).unwrap();
        age(&mut record, time, &hashes);
        record["prev"] = json!(if prev.0 == *stream { prev.1 } else { Hash::zero() });
        let body = record.to_string();
        let hash = Hash::of(body.as_bytes());
        hashes.insert(row["hash"]["S"].as_str().unwrap().to_owned(), hash.to_string());
        row.insert("body".to_owned(), json!({ "S": body }));
        row.insert("hash".to_owned(), json!({ "S": hash }));
        prev = (stream.clone(), hash);
    }
    hashes
}

fn age_state(world: &mut World, time: SignedDuration, hashes: &BTreeMap<String, String>) {
    let mut rows = world.tables.remove("state").unwrap_or_default();
    for ((pk, sk), row) in &mut rows {
        for (_, value) in row.iter_mut().filter(|(name, _)| !["pk", "sk"].contains(&name.as_str())) {
            if let Some(text) = value["S"].as_str() {
                let text = if text.starts_with('{') { aged_json(text, time, hashes) } else { aged(text, time) };
                *value = json!({ "S": text });
            }
        }
        // What an incident remembers it remembers in forms of its own, so it is folded anew.
        let id = pk
            .strip_prefix("incident#")
            .and_then(|fingerprint| IncidentId::parse(&format!("{fingerprint}-{}", sk.trim_start_matches('0'))));
        if let Some(id) = id {
            row.insert("body".to_owned(), json!({ "S": serde_json::to_string(&folded(world, id)).unwrap() }));
        }
    }
    world.tables.insert("state".to_owned(), rows);
}

fn folded(world: &World, id: IncidentId) -> Incident {
    let entries = world.stream(&id.stream());
    let mut incident = Incident::expected(id);
    for entry in entries {
        let record: Record<Event> = Record::open(&entry).unwrap();
        debug_assert_eq!(record.seal(), Entry { ..entry.clone() });
        incident.fold(&record, entry.hash);
    }
    incident
}

fn aged_json(text: &str, time: SignedDuration, hashes: &BTreeMap<String, String>) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    age(&mut value, time, hashes);
    value.to_string()
}

fn age(value: &mut Value, time: SignedDuration, hashes: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            *text = hashes.get(text.as_str()).cloned().unwrap_or_else(|| aged(text, time));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| age(item, time, hashes)),
        Value::Object(fields) => fields.values_mut().for_each(|field| age(field, time, hashes)),
        _ => {}
    }
}

/// An instant, or a name that has instants between slashes, made older.
fn aged(text: &str, time: SignedDuration) -> String {
    let part = |part: &str| part.parse::<Timestamp>().map_or_else(|_| part.to_owned(), |at| (at - time).to_string());
    text.split('/').map(part).collect::<Vec<_>>().join("/")
}
