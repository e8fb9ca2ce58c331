//! What is kept of each version in `tests/it/wire`, and what two versions have in common.

use std::collections::BTreeSet;
use std::fs::{create_dir_all, read_dir, read_to_string, write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The field that no version knows.
const LATER: &str = "of_a_later_version";
/// Objects whose names are data, or the one choice of several: what is added to them is no field.
const MAPS: [&str; 12] = [
    "labels",
    "services",
    "waiting",
    "rows",
    "of",
    "people",
    "teams",
    "schedules",
    "escalations",
    "integrations",
    "heartbeats",
    "channels",
];

fn path(version: u32, file: &str) -> String {
    format!("{}/tests/it/wire/{version}/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// The versions there are, in order.
pub fn versions() -> Vec<u32> {
    let folder = format!("{}/tests/it/wire", env!("CARGO_MANIFEST_DIR"));
    let names = read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut versions: Vec<u32> = names.map(|name| name.to_str().unwrap().parse().unwrap()).collect();
    versions.sort_unstable();
    versions
}

/// The definition of a machine in a version.
pub fn definition(version: u32, machine: &str) -> Value {
    serde_json::from_str(&read_to_string(path(version, &format!("{machine}.asl.json"))).unwrap()).unwrap()
}

/// The lines of a file of a version.
pub fn lines(version: u32, name: &str) -> Vec<Value> {
    let text = read_to_string(path(version, &format!("{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Writes a file of a version.
pub fn keep(version: u32, name: &str, lines: &[Value]) {
    create_dir_all(path(version, "")).unwrap();
    let text: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    write(path(version, &format!("{name}.jsonl")), text.concat()).unwrap();
}

/// Writes the definitions of a version.
pub fn keep_definition(version: u32, machine: &str) {
    let current = format!("{}/statemachines/{machine}.asl.json", env!("CARGO_MANIFEST_DIR"));
    write(path(version, &format!("{machine}.asl.json")), read_to_string(current).unwrap()).unwrap();
}

/// A definition without what is said beside it.
pub fn bare(definition: Value) -> Value {
    match definition {
        Value::Object(fields) => {
            fields.into_iter().filter(|(name, _)| name != "Comment").map(|(name, field)| (name, bare(field))).collect()
        }
        Value::Array(items) => items.into_iter().map(bare).collect(),
        other => other,
    }
}

/// The same as a later version may say it: every object has one field more.
pub fn later(said: Value) -> Value {
    match said {
        Value::Object(fields) => {
            let field = |(name, field): (String, Value)| {
                let field = match field {
                    Value::Object(fields) if MAPS.contains(&name.as_str()) => {
                        fields.into_iter().map(|(name, field)| (name, later(field))).collect()
                    }
                    field => later(field),
                };
                (name, field)
            };
            let more = (LATER.to_owned(), json!({ "known": "to nobody" }));
            fields.into_iter().map(field).chain([more]).collect()
        }
        Value::Array(items) => items.into_iter().map(later).collect(),
        other => other,
    }
}

/// The same of a line that is kept. What a hash names stays as it is: records and objects.
pub fn later_line(mut line: Value) -> Value {
    let more = |text: &mut Value| {
        if let Some(said) = text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            *text = json!(later(said).to_string());
        }
    };
    if let Some(item) = line["item"].as_object_mut() {
        // The body of such a row is labels.
        let is_map = item.get("pk").is_none_or(|pk| pk["S"].as_str().is_some_and(|pk| pk.starts_with("inhibit#")));
        if let Some(body) = item.get_mut("body").filter(|_| !is_map) {
            more(&mut body["S"]);
        }
        item.insert(LATER.to_owned(), json!({ "S": "known to nobody" }));
    } else if line["body"].is_string() {
        more(&mut line["body"]);
    } else if line["execution"].is_object() {
        line["execution"]["input"] = later(line["execution"]["input"].take());
    }
    line
}

/// Whether `said` has everything that `wanted` has, of the same sort.
pub fn has_all(wanted: &Value, said: &Value) -> bool {
    match (wanted, said) {
        (Value::Object(wanted), Value::Object(said)) => {
            wanted.iter().all(|(name, field)| said.get(name).is_some_and(|said| has_all(field, said)))
        }
        (wanted, said) => sort(wanted) == sort(said),
    }
}

/// The sort of a row: what its key begins with.
pub fn kind(item: &Value) -> &str {
    let key = item["pk"]["S"].as_str().or(item["stream"]["S"].as_str()).unwrap();
    key.split('#').next().unwrap()
}

/// Every field that `lines` have, each with its place and its sort.
pub fn shape(lines: &[Value]) -> BTreeSet<String> {
    let mut shape = BTreeSet::new();
    for line in lines {
        let text = |name: &str| line[name].as_str();
        if let Some(table) = text("table") {
            walk(&format!("{table} {}", kind(&line["item"])), &line["item"], &mut shape);
        } else if let Some(name) = text("object") {
            let name: Vec<&str> = name.split('/').map(|part| if is_data(part) { "*" } else { part }).collect();
            for said in contents(line) {
                walk(&name.join("/"), &said, &mut shape);
            }
        } else if let Some(queue) = text("queue") {
            walk(&format!("queue {queue}"), &line["body"], &mut shape);
        } else if text("started").is_some() {
            walk("started", &line["input"], &mut shape);
        } else if let Some(resource) = text("resource") {
            walk(&format!("{resource} is asked"), &line["arguments"], &mut shape);
            walk(&format!("{resource} answers"), &line["answer"], &mut shape);
        } else {
            let execution = &line["execution"];
            walk(&format!("execution {}", execution["machine"]), execution, &mut shape);
        }
    }
    shape
}

/// What an object says, if that is JSON: as a text, or a line each, packed.
fn contents(line: &Value) -> Vec<Value> {
    let packed = line["base64"].as_str().map(|text| STANDARD.decode(text).unwrap());
    let text = packed.and_then(|bytes| String::from_utf8(zstd::stream::decode_all(&bytes[..]).ok()?).ok());
    let text = text.unwrap_or_else(|| line["text"].as_str().unwrap_or_default().to_owned());
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether a name is one of somebody's things, and no field's.
fn is_data(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_digit())
}

fn walk(place: &str, said: &Value, shape: &mut BTreeSet<String>) {
    match said {
        Value::Object(fields) => {
            for (name, field) in fields {
                walk(&format!("{place}.{}", if is_data(name) { "*" } else { name }), field, shape);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(&format!("{place}[]"), item, shape)),
        Value::String(text) if text.starts_with('{') => match serde_json::from_str(text) {
            Ok(inner) => walk(place, &inner, shape),
            Err(_) => drop(shape.insert(format!("{place}: text"))),
        },
        other => drop(shape.insert(format!("{place}: {}", sort(other)))),
    }
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "number",
        Value::String(text) if text.parse::<Timestamp>().is_ok() => "time",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
