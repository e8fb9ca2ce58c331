//! Dumps: files with what a system's API answered, found by what they are called or by what they hold.
//!
//! `users.json`, `users-2.json` and `users/ana.json` hold users, whatever wraps them: a list, the answer's own `data` or
//! `results`, or an object with the key `users`. A file with another name is one that has such keys. Of what belongs to
//! something else and does not say so, such as `overrides/PLATFORM.json`, the file's name says to what.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::draft::Draft;
use super::yaml;
use crate::failure::Failure;

/// The largest file, in bytes.
const LARGEST: u64 = 50_000_000;
/// The most files.
const MOST: usize = 10_000;

/// What the files of an export hold, by kind.
#[derive(Debug, Default)]
pub struct Dump {
    held: BTreeMap<&'static str, Vec<Entry>>,
}

/// One thing, as the API wrote it.
#[derive(Debug)]
struct Entry {
    /// What its file or its key is called: what it belongs to, where it does not say so itself.
    of: String,
    value: Value,
}

impl Dump {
    /// Reads every file, and those of folders; one that holds none of `kinds` is left out.
    pub fn read(paths: &[PathBuf], kinds: &[&'static str], draft: &mut Draft) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            find(path, 0, &mut files).map_err(|error| unreadable(path, &error))?;
        }
        if files.len() > MOST {
            return Err(Failure::failed(format!("{} files are too many, and {MOST} are the most", files.len())));
        }
        let mut dump = Self::default();
        for file in &files {
            let value = parse(file)?;
            let (stem, folder) = (name(file.file_stem()), name(file.parent().and_then(Path::file_name)));
            let kind = |word: &str| kinds.iter().copied().find(|kind| *kind == plain(word));
            if let Some(kind) = kind(&stem) {
                dump.add(kind, "", inside(value, kind));
            } else if let Some(kind) = kind(&folder) {
                dump.add(kind, &stem, inside(value, kind));
            } else if !dump.add_each(value, kinds) {
                draft.left_out(
                    "file",
                    &file.display().to_string(),
                    "its name and its keys say nothing of what it holds",
                );
            }
        }
        if dump.held.is_empty() {
            return Err(Failure::Failed {
                what: format!("nothing here is an export of {}", draft.source),
                fix: Some(format!("name files after what they hold: {}", kinds.join(", "))),
            });
        }
        Ok(dump)
    }

    /// Adds what an object has under the names of kinds; `false` when it has none of them.
    fn add_each(&mut self, value: Value, kinds: &[&'static str]) -> bool {
        let Value::Object(mut map) = value else { return false };
        // GraphQL's answers.
        if let Some(Value::Object(data)) = map.get("data").cloned() {
            map.extend(data);
        }
        let mut any = false;
        for kind in kinds {
            let key = map.keys().find(|key| plain(key) == *kind).cloned();
            if let Some(value) = key.and_then(|key| map.remove(&key)) {
                any = true;
                self.add(kind, "", value);
            }
        }
        any
    }

    fn add(&mut self, kind: &'static str, of: &str, value: Value) {
        let held = self.held.entry(kind).or_default();
        let entry = |value| Entry { of: of.to_owned(), value };
        match value {
            Value::Array(list) => held.extend(list.into_iter().map(entry)),
            // GraphQL's lists.
            Value::Object(mut map) if map.get("nodes").is_some_and(Value::is_array) => {
                let nodes = map.remove("nodes").unwrap_or_default();
                self.add(kind, of, nodes);
            }
            // By what they belong to.
            Value::Object(map) if !map.is_empty() && map.values().all(Value::is_array) => {
                for (of, list) in map {
                    self.add(kind, &of, list);
                }
            }
            Value::Null => {}
            one => held.push(entry(one)),
        }
    }

    /// Takes everything of a kind; what is not as the API writes it is left out.
    pub fn take<T: DeserializeOwned>(&mut self, kind: &'static str, draft: &mut Draft) -> Vec<T> {
        self.take_of(kind, draft).into_iter().map(|(_, one)| one).collect()
    }

    /// The same, each with what it belongs to.
    pub fn take_of<T: DeserializeOwned>(&mut self, kind: &'static str, draft: &mut Draft) -> Vec<(String, T)> {
        let mut taken = Vec::new();
        for Entry { of, value } in self.held.remove(kind).unwrap_or_default() {
            let called = ["name", "username", "id"].iter().find_map(|key| value.get(key)?.as_str()).unwrap_or("?");
            let called = called.to_owned();
            match serde_path_to_error::deserialize(value) {
                Ok(one) => taken.push((of, one)),
                // The text of the error may quote a secret.
                Err(error) => {
                    draft.left_out(&singular(kind), &called, format!("`{}` is not as the API writes it", error.path()));
                }
            }
        }
        taken
    }

    /// How much of a kind there is that nobody took.
    pub fn left(&mut self, kind: &'static str, draft: &mut Draft, why: &str) {
        for Entry { of, value } in self.held.remove(kind).unwrap_or_default() {
            let words = ["name", "summary", "description", "label", "id"];
            let called = words
                .iter()
                .find_map(|key| value.get(key)?.as_str())
                .or(value.as_str())
                .unwrap_or(if of.is_empty() { kind } else { &of });
            draft.left_out(&singular(kind), called, why);
        }
    }
}

/// Every file under `path`, in the order of their names.
fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    inside.sort();
    for path in inside {
        let data = path.extension().is_some_and(|end| ["json", "yaml", "yml"].iter().any(|known| end == *known));
        if data || (path.is_dir() && depth < 3) {
            find(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

fn parse(path: &Path) -> Result<Value, Failure> {
    let mut text = String::new();
    let opened = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    opened.map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > LARGEST {
        return Err(Failure::failed(format!("{} is too large: it has more than {LARGEST} bytes", path.display())));
    }
    if path.extension().is_some_and(|end| end == "json") {
        // The text of the error quotes nothing.
        return serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::failed(format!("{}: this is not JSON: line {line}, column {column}", path.display()))
        });
    }
    yaml::read(&text).map_err(|why| Failure::failed(format!("{}: this is not YAML: {why}", path.display())))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::NotFound { what: format!("{}: {error}", path.display()), fix: None }
}

fn name(part: Option<&std::ffi::OsStr>) -> String {
    part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A word as kinds are written: `Escalation-Policies-2` and `escalationPolicies` are `escalation_policies`.
fn plain(word: &str) -> String {
    let mut plain = String::new();
    for c in word.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '.']).chars() {
        if c.is_ascii_uppercase() && plain.ends_with(|c: char| c.is_ascii_lowercase()) {
            plain.push('_');
        }
        plain.push(if matches!(c, '-' | ' ') { '_' } else { c.to_ascii_lowercase() });
    }
    plain
}

/// One of a kind, in words: `policies` is `policy`.
fn singular(kind: &str) -> String {
    let words = kind.replace('_', " ");
    match words.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => words.strip_suffix('s').unwrap_or(&words).to_owned(),
    }
}

/// What an API's answer wraps.
fn inside(value: Value, kind: &str) -> Value {
    let Value::Object(mut map) = value else { return value };
    let names = |key: &str| {
        let one = plain(key);
        one == kind || format!("{one}s") == kind || format!("{}ies", one.trim_end_matches('y')) == kind
    };
    let key = map.keys().find(|key| names(key)).cloned();
    let key = key.or_else(|| ["data", "results"].into_iter().find(|key| map.contains_key(*key)).map(str::to_owned));
    let key = key.filter(|key| map[key].is_object() || map[key].is_array());
    // An answer that calls them otherwise has one list, and no id of its own.
    let only = || {
        let mut lists = map.iter().filter(|(_, value)| value.is_array()).map(|(key, _)| key.clone());
        lists.next().filter(|_| lists.next().is_none() && !map.contains_key("id"))
    };
    match key.or_else(only) {
        Some(key) => inside(map.remove(&key).unwrap_or_default(), kind),
        None => Value::Object(map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_is_found_however_its_file_writes_it() {
        for word in ["notification_rules", "notification-rules", "Notification Rules", "notificationRules-2"] {
            assert_eq!(plain(word), "notification_rules", "{word}");
        }
    }

    #[test]
    fn an_answer_is_unwrapped_to_what_it_is_about() {
        let one = json!({"id": "1", "name": "n"});
        let table = [
            json!([one]),
            json!({"data": [one], "took": 0.1, "requestId": "r"}),
            json!({"results": [one], "next": null}),
            json!({"users": [one], "limit": 25, "more": false}),
            json!({"data": {"users": {"nodes": [one]}}}),
            json!({"user": one}),
            json!({"members": [one], "total": 1}),
            one.clone(),
        ];
        for value in table {
            let mut dump = Dump::default();
            dump.add("users", "", inside(value.clone(), "users"));
            let held: Vec<&Value> = dump.held["users"].iter().map(|entry| &entry.value).collect();
            assert_eq!(held, [&one], "{value}");
        }
    }

    #[test]
    fn a_file_of_everything_is_split_by_its_keys_and_by_what_each_belongs_to() {
        let mut dump = Dump::default();
        let all = json!({"users": [{"id": "u"}], "overrides": {"S1": [{"alias": "a"}]}, "took": 1});
        assert!(dump.add_each(all, &["users", "overrides", "teams"]));
        assert_eq!(dump.held["overrides"][0].of, "S1");
        assert!(!dump.held.contains_key("teams"));
        assert!(!dump.add_each(json!({"took": 1}), &["users"]));
    }

    #[derive(serde::Deserialize)]
    struct Secretive {
        #[serde(rename = "key")]
        _key: u32,
    }

    #[test]
    fn what_is_not_as_the_api_writes_it_is_left_out_without_its_text() {
        let mut dump = Dump::default();
        let mut draft = Draft::new("test");
        dump.add("users", "", json!([{"name": "ana", "id": 7, "key": "s3cret"}]));
        assert!(dump.take::<Secretive>("users", &mut draft).is_empty());
        let why = draft.items[0].why.clone().unwrap_or_default();
        assert!(why.contains("`key`") && !why.contains("s3cret"), "{why}");
    }
}
