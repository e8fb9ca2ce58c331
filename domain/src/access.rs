//! Access: who read what, and who was refused. What people change is in the streams of what they change.

use serde::{Deserialize, Serialize};

/// The longest part of an address that is kept, in bytes: the id of an incident and the hash of a policy are shorter.
const LONGEST: usize = 80;
/// The most parts of an address that are kept.
const PARTS: usize = 6;
/// The parts of an address whose next part names somebody.
const PEOPLE: [&str; 3] = ["people", "person", "subjects"];

/// What is written about access. Who it was is the record's principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AccessEvent {
    /// Somebody asked to be shown something.
    Read {
        /// What, as [`asked`] writes it.
        asked: String,
    },
    /// Somebody asked for a change and was refused: nothing was changed.
    Refused {
        /// For what, as [`asked`] writes it.
        asked: String,
        /// The HTTP status of the answer.
        status: u16,
    },
}

/// The stream of one writer on one day in UTC, such as `2026-11-21`. Each writer has a stream of its own, so that none
/// waits for another.
pub fn stream(day: &str, writer: &str) -> String {
    format!("access#{day}#{writer}")
}

/// What a request asked for: its method and address, without the query. A part that is no word or id of ours, and one
/// that names a person, is left out as `*`.
pub fn asked(method: &str, path: &str) -> String {
    let mut person = false;
    let parts = path.trim_matches('/').split('/').take(PARTS).map(|part| {
        let named = std::mem::replace(&mut person, PEOPLE.contains(&part));
        if named || !is_plain(part) { "*" } else { part }
    });
    format!("{method} /{}", parts.collect::<Vec<_>>().join("/"))
}

fn is_plain(part: &str) -> bool {
    part.len() <= LONGEST && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_a_method_and_an_address_and_nothing_personal() {
        let hash = "0".repeat(64);
        let table = [
            ("/v1/incidents/0123456789abcdef0123-2/timeline", "/v1/incidents/0123456789abcdef0123-2/timeline"),
            (&format!("/v1/policies/{hash}"), &format!("/v1/policies/{hash}")),
            ("/v1/openapi.json/", "/v1/openapi.json"),
            ("/v1/people/ana/test-page", "/v1/people/*/test-page"),
            ("/v1/calendars/person/ana", "/v1/calendars/person/*"),
            ("/v1/subjects/customer:acme", "/v1/subjects/*"),
            ("/v1/calendars/schedule/platform", "/v1/calendars/schedule/platform"),
            ("/v1/incidents/ana%40example.com", "/v1/incidents/*"),
            (&format!("/v1/incidents/{}", "x".repeat(81)), "/v1/incidents/*"),
            ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f"),
            ("", "/"),
        ];
        for (path, expected) in table {
            assert_eq!(asked("GET", path), format!("GET {expected}"), "{path}");
        }
    }
}
