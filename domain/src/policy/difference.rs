//! The difference between two policies, in words.
//!
//! It is taken over their compiled form, so that no key can be forgotten: two policies differ in nothing exactly when
//! they have the same hash.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Policy;
use crate::text::cut;

/// The longest value that is quoted, in characters.
const QUOTED: usize = 120;

/// Something that one policy has otherwise than the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What sort of thing: `service`, `escalation`, `route`, …
    pub noun: &'static str,
    /// Its name; a route's with its parents', and empty for what has none.
    pub name: String,
    /// What is different, such as `step 2: wait is 10m, was 5m`.
    pub what: String,
}

/// What makes `after` another policy than `before`, grouped by noun; empty for the same policy.
pub fn difference(before: &Policy, after: &Policy) -> Vec<Difference> {
    let (before, after) = (object(before), object(after));
    let mut found = Found { noun: "policy", name: String::new(), differences: Vec::new() };
    // A section that is not listed here is told as a part of the policy itself.
    let sections = [
        ("services", "service"),
        ("teams", "team"),
        ("people", "person"),
        ("channels", "channel"),
        ("schedules", "schedule"),
        ("escalations", "escalation"),
        ("integrations", "integration"),
        ("heartbeats", "heartbeat"),
    ];
    for (section, noun) in sections {
        found.noun = noun;
        let (old, new) = (section_of(&before, section), section_of(&after, section));
        for name in names(&old, &new) {
            found.name.clone_from(name);
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => found.value("", old, new),
                (None, Some(_)) => found.add("is added".to_owned()),
                _ => found.add("is removed".to_owned()),
            }
        }
    }
    found.noun = "route";
    found.routes("", list_of(&before, "routes"), list_of(&after, "routes"));
    (found.noun, found.name) = ("policy", String::new());
    for key in names(&before, &after) {
        if key != "routes" && sections.iter().all(|(section, _)| section != key) {
            found.field(key, before.get(key), after.get(key));
        }
    }
    found.differences
}

fn object(policy: &Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("a policy is a JSON object"),
    }
}

fn section_of(policy: &Map<String, Value>, section: &str) -> Map<String, Value> {
    policy.get(section).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn list_of<'a>(of: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The keys of both, those of `old` first, each once.
fn names<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)))
}

/// What was found so far, and what is being looked at.
struct Found {
    noun: &'static str,
    name: String,
    differences: Vec<Difference>,
}

impl Found {
    fn add(&mut self, what: String) {
        self.differences.push(Difference { noun: self.noun, name: self.name.clone(), what });
    }

    /// What is different at `path`, which is empty for the thing as a whole.
    fn value(&mut self, path: &str, old: &Value, new: &Value) {
        match (old, new) {
            _ if old == new => {}
            (Value::Object(old), Value::Object(new)) => {
                for key in names(old, new) {
                    self.field(&below(path, key), old.get(key), new.get(key));
                }
            }
            (Value::Array(old), Value::Array(new)) if plain(old) && plain(new) => self.members(path, old, new),
            (Value::Array(old), Value::Array(new)) => {
                for number in 0..old.len().max(new.len()) {
                    self.field(&numbered(path, number), old.get(number), new.get(number));
                }
            }
            _ => self.field_is(path, &format!("{}, was {}", shown(new), shown(old))),
        }
    }

    fn field(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (Some(old), Some(new)) => self.value(path, old, new),
            (None, Some(new)) => self.field_is(path, &format!("{}, was not set", shown(new))),
            (Some(old), None) => self.field_is(path, &format!("not set any more, was {}", shown(old))),
            (None, None) => {}
        }
    }

    fn field_is(&mut self, path: &str, what: &str) {
        self.add(if path.is_empty() { format!("is {what}") } else { format!("{path} is {what}") });
    }

    /// A list of words, such as the members of a team.
    fn members(&mut self, path: &str, old: &[Value], new: &[Value]) {
        let listed = |values: Vec<&Value>| values.into_iter().map(shown).collect::<Vec<_>>().join(", ");
        let joined: Vec<&Value> = new.iter().filter(|value| !old.contains(value)).collect();
        let left: Vec<&Value> = old.iter().filter(|value| !new.contains(value)).collect();
        let mut said = Vec::new();
        if !joined.is_empty() {
            said.push(format!("{} added", listed(joined)));
        }
        if !left.is_empty() {
            said.push(format!("{} removed", listed(left)));
        }
        if said.is_empty() {
            said.push(format!("another order: {}, was {}", listed(new.iter().collect()), listed(old.iter().collect())));
        }
        self.add(format!("{path}: {}", said.join(", ")));
    }

    /// Routes are known by their names, and their order decides.
    fn routes(&mut self, above: &str, old: &[Value], new: &[Value]) {
        let name = |route: &Value| route["name"].as_str().unwrap_or_default().to_owned();
        let find =
            |routes: &[Value], wanted: &Value| routes.iter().find(|route| route["name"] == wanted["name"]).cloned();
        let full = |route: &Value| if above.is_empty() { name(route) } else { format!("{above} / {}", name(route)) };
        for route in old.iter().filter(|route| find(new, route).is_none()) {
            self.name = full(route);
            self.add("is removed".to_owned());
        }
        let mut stays = old.iter().filter(|route| find(new, route).is_some()).map(name).collect::<Vec<_>>();
        for (place, route) in new.iter().enumerate() {
            self.name = full(route);
            let place = new.get(place + 1).map_or("last".to_owned(), |next| format!("before `{}`", name(next)));
            let Some(before) = find(old, route) else {
                self.add(format!("is added {place}"));
                continue;
            };
            // Whoever does not stand where the ones before it left off was moved.
            if stays.first() == Some(&name(route)) {
                stays.remove(0);
            } else {
                stays.retain(|other| *other != name(route));
                self.add(format!("is moved {place}"));
            }
            let (Value::Object(mut before), Value::Object(mut after)) = (before, route.clone()) else { continue };
            let finer = |route: &mut Map<String, Value>| match route.remove("routes") {
                Some(Value::Array(routes)) => routes,
                _ => Vec::new(),
            };
            let (old_finer, new_finer) = (finer(&mut before), finer(&mut after));
            self.value("", &Value::Object(before), &Value::Object(after));
            self.routes(&full(route), &old_finer, &new_finer);
        }
    }
}

/// Whether these are words and not things of several fields.
fn plain(values: &[Value]) -> bool {
    !values.iter().any(|value| value.is_object() || value.is_array())
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}: {key}") }
}

/// `steps` and 1 as `step 2`.
fn numbered(path: &str, number: usize) -> String {
    format!("{} {}", path.strip_suffix('s').unwrap_or(path), number + 1)
}

/// A value as a person would write it in the file.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => length(text).unwrap_or_else(|| text.clone()),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", shown(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    cut(&text, QUOTED)
}

/// A length of time such as `PT5M`, which is how the compiled form writes it, as `5m`.
fn length(text: &str) -> Option<String> {
    let length: SignedDuration = text.strip_prefix('P').and_then(|_| text.parse().ok())?;
    Some(format!("{length:#}"))
}

#[cfg(test)]
mod tests;
