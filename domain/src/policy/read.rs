//! Reading values out of a YAML tree, so that every mistake is found and not only the first.
//!
//! What cannot be read becomes a blank and its path is remembered as broken, so that no rule complains of the blank.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::node::{Node, Place, Value};
use super::{Mistake, nearest};

/// A value that can be read from a node.
pub(super) trait Read: Sized {
    /// Reads it; a mistake is noted, and a blank returned.
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self;
    /// What stands in the place of a value that could not be read.
    fn blank() -> Self;
}

/// What was learned while reading.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) mistakes: Vec<Mistake>,
    places: HashMap<String, Place>,
    broken: Vec<String>,
}

impl Reader {
    /// Notes a mistake, after which nothing at or below `path` can be relied on.
    pub(super) fn fail(&mut self, path: &str, place: Place, what: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake::error(path, what, fix).at(place));
        self.broken.push(path.to_owned());
    }

    /// Whether a mistake at `path` is only the consequence of one that was noted already.
    pub(super) fn is_broken(&self, path: &str) -> bool {
        self.broken.iter().any(|broken| {
            path.strip_prefix(broken.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// Whether everything below `path` could be read, so that a warning of the whole is one.
    pub(super) fn is_whole(&self, path: &str) -> bool {
        !self.broken.iter().any(|broken| broken.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '['])))
    }

    /// The sections that could not be read at all, whose names are not known therefore.
    pub(super) fn unread(&self) -> Vec<&str> {
        self.broken.iter().map(String::as_str).filter(|path| !path.contains(['.', '['])).collect()
    }

    /// Where `path` is in the file, or the nearest that is around it.
    pub(super) fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return (1, 1),
            }
        }
    }

    /// The fields of a mapping that may have the keys `known`.
    pub(super) fn fields<'a>(&'a mut self, node: &'a Node, path: &str, known: &[&str]) -> Fields<'a> {
        let Value::Map(map) = &node.value else {
            let what = format!("this is {}, and a mapping belongs here", node.value.kind());
            self.fail(path, node.place, what, format!("write it with: {}", known.join(", ")));
            return Fields { reader: self, map: None, place: node.place, path: path.to_owned() };
        };
        for (key, place, _) in map {
            if known.contains(&key.as_str()) {
                continue;
            }
            let near = nearest(key, known.iter().copied());
            let fix =
                near.map_or(format!("use one of: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
            self.fail(&join(path, key), *place, format!("unknown key `{key}`"), fix);
            // What was meant by it is not missing: it is misspelt.
            let meant = near.filter(|near| !map.iter().any(|(key, ..)| key == near));
            self.broken.extend(meant.map(|meant| join(path, meant)));
        }
        Fields { reader: self, map: Some(map), place: node.place, path: path.to_owned() }
    }

    fn text<'a>(&mut self, node: &'a Node, path: &str, wanted: &str) -> Option<&'a str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        let what = format!("this is {}, and {wanted} belongs here", node.value.kind());
        self.fail(path, node.place, what, format!("write {wanted}"));
        None
    }

    /// Reads a text by `parse`, which says what is wrong and how to write it.
    pub(super) fn parsed<T: Read>(
        &mut self,
        node: &Node,
        path: &str,
        wanted: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(text) = self.text(node, path, wanted) else { return T::blank() };
        parse(text).unwrap_or_else(|fix| {
            self.fail(path, node.place, format!("`{}` is not {wanted}", crate::text::cut(text, 60)), fix);
            T::blank()
        })
    }

    /// Reads one of some words.
    pub(super) fn word<T: Read + Copy>(&mut self, node: &Node, path: &str, words: &[(&str, T)]) -> T {
        let names = || words.iter().map(|(name, _)| *name);
        let listed = || format!("use one of: {}", names().collect::<Vec<_>>().join(", "));
        self.parsed(node, path, "one of the known words", |text| {
            let found = words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
            found.ok_or_else(|| nearest(text, names()).map_or_else(listed, |near| format!("did you mean `{near}`?")))
        })
    }
}

/// `path` and a key below it.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The fields of one mapping.
pub(super) struct Fields<'a> {
    pub(super) reader: &'a mut Reader,
    map: Option<&'a [(String, Place, Node)]>,
    pub(super) place: Place,
    pub(super) path: String,
}

impl<'a> Fields<'a> {
    /// The fields of no mapping: each of them is blank.
    pub(super) const fn none(reader: &'a mut Reader) -> Self {
        Self { reader, map: None, place: (1, 1), path: String::new() }
    }

    /// Whether the mapping could be read at all.
    pub(super) const fn is_mapping(&self) -> bool {
        self.map.is_some()
    }

    /// Whether a key is there, even with nothing behind it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.is_some_and(|map| map.iter().any(|(known, ..)| known == key))
    }

    fn node(&mut self, key: &str) -> Option<(String, &'a Node)> {
        let (_, place, node) = self.map?.iter().find(|(known, ..)| known == key)?;
        let path = join(&self.path, key);
        self.reader.places.insert(path.clone(), shown(*place, node));
        Some((path, node)).filter(|(_, node)| !matches!(node.value, Value::Null))
    }

    /// A field that may be absent.
    pub(super) fn optional<T: Read>(&mut self, key: &str) -> Option<T> {
        let (path, node) = self.node(key)?;
        Some(T::read(self.reader, node, &path))
    }

    /// A field with a default.
    pub(super) fn or_default<T: Read + Default>(&mut self, key: &str) -> T {
        let unread = |fields: &Self| !fields.is_mapping() || fields.reader.is_broken(&join(&fields.path, key));
        self.optional(key).unwrap_or_else(|| if unread(self) { T::blank() } else { T::default() })
    }

    /// A field that must be there.
    pub(super) fn required<T: Read>(&mut self, key: &str, fix: &str) -> T {
        if let Some(value) = self.optional(key) {
            return value;
        }
        let path = join(&self.path, key);
        if self.is_mapping() && !self.reader.is_broken(&path) {
            let place = self.reader.places.get(&path).copied().unwrap_or(self.place);
            self.reader.fail(&path, place, format!("`{key}` is missing"), fix);
        }
        T::blank()
    }
}

/// A collection is shown at its key, a text at itself.
fn shown(key: Place, node: &Node) -> Place {
    if matches!(node.value, Value::Text(_)) { node.place } else { key }
}

impl<T: Read> Read for Vec<T> {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        let Value::List(list) = &node.value else {
            let what = format!("this is {}, and a list belongs here", node.value.kind());
            reader.fail(path, node.place, what, "write each entry on its own line after `- `, or as [one, two]");
            return Self::blank();
        };
        let each = list.iter().enumerate().map(|(number, node)| {
            let path = format!("{path}[{number}]");
            reader.places.insert(path.clone(), node.place);
            T::read(reader, node, &path)
        });
        each.collect()
    }

    // Not empty: nobody should be told that a list is empty which could not be read.
    fn blank() -> Self {
        vec![T::blank()]
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        let Value::Map(map) = &node.value else {
            let what = format!("this is {}, and a mapping of names belongs here", node.value.kind());
            reader.fail(path, node.place, what, "write `name:` and what belongs to it, indented, below");
            return Self::new();
        };
        let each = map.iter().map(|(name, place, node)| {
            let path = join(path, name);
            reader.places.insert(path.clone(), *place);
            (name.clone(), T::read(reader, node, &path))
        });
        each.collect()
    }

    fn blank() -> Self {
        Self::new()
    }
}

impl Read for String {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.text(node, path, "a text").unwrap_or_default().to_owned()
    }

    fn blank() -> Self {
        Self::new()
    }
}

impl Read for bool {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "true or false", |text| text.parse().map_err(|_| "write true or false".to_owned()))
    }

    fn blank() -> Self {
        false
    }
}

fn number<T: Read + FromStr>(reader: &mut Reader, node: &Node, path: &str) -> T {
    reader.parsed(node, path, "a whole number that fits", |text| {
        text.parse().map_err(|_| "write digits alone, such as 2".to_owned())
    })
}

impl Read for u32 {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        number(reader, node, path)
    }

    fn blank() -> Self {
        0
    }
}

impl Read for u8 {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        number(reader, node, path)
    }

    fn blank() -> Self {
        0
    }
}

impl Read for SignedDuration {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "a length of time", |text| {
            text.parse().map_err(|_| "write it such as `30s`, `5m`, `12h` or `1h 30m`".to_owned())
        })
    }

    fn blank() -> Self {
        Self::ZERO
    }
}

impl Read for DateTime {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "a local date and time", |text| {
            text.parse().map_err(|_| "write it such as `2026-01-05T09:00`, without an offset".to_owned())
        })
    }

    fn blank() -> Self {
        Self::constant(2000, 1, 1, 0, 0, 0, 0)
    }
}

/// Reads a struct from a mapping: its keys, and how each is read.
macro_rules! mapping {
    ($type:ident, $keys:expr, $fields:ident => $read:expr) => {
        impl Read for $type {
            fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
                let $fields = &mut reader.fields(node, path, &$keys);
                $read
            }

            fn blank() -> Self {
                // A mapping without fields and without a place: every field of it is blank.
                let mut reader = Reader::default();
                let $fields = &mut Fields::none(&mut reader);
                $read
            }
        }
    };
}

pub(super) use mapping;

/// Reads an enum from its words.
macro_rules! words {
    ($type:ident, $blank:ident, $($word:literal => $variant:ident),+) => {
        impl Read for $type {
            fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
                reader.word(node, path, &[$(($word, Self::$variant)),+])
            }

            fn blank() -> Self {
                Self::$blank
            }
        }
    };
}

pub(super) use words;
