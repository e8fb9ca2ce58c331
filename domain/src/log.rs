//! The log: records in a stream, each holding the hash of the one before it (design.md, section 1).
//!
//! A record is hashed over the bytes that are stored, and those bytes name every field, stream and number
//! included. So whoever holds the stored bytes can verify a stream with SHA-256 alone.

use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cause::{Cause, Principal};
use crate::hex;

/// The schema version of the records that are written. Those without one are of version 0.
pub const VERSION: u32 = 1;

/// A SHA-256 as 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(String);

impl Hash {
    /// What stands in the place of a predecessor in the first record of a stream.
    pub fn zero() -> Self {
        Self("0".repeat(64))
    }

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Reads 64 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash that these bytes are.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hex(bytes))
    }

    /// The bytes themselves. What is no hash, in a record that somebody changed, comes to zeroes.
    pub fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let digit = |digit: u8| (digit as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        for (byte, pair) in bytes.iter_mut().zip(self.0.as_bytes().chunks_exact(2)) {
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return [0; 32] };
            *byte = high << 4 | low;
        }
        bytes
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::zero()
    }
}

impl From<String> for Hash {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Hash({})", self.0)
    }
}

/// One step of a stream: what happened, when, why it was written, and what came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<E> {
    /// The schema it is written by.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u32,
    /// The stream it belongs to, such as `incident#<id>` or `policy`.
    pub stream: String,
    /// Its place in the stream, from 0.
    pub seq: u64,
    /// When it was written, by our clock.
    pub at: Timestamp,
    /// The request that caused it: a request that comes again finds its own record by this.
    pub cause: String,
    /// Whose request that was; version 0 does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// What happened, in order.
    pub events: Vec<E>,
    /// The hash of the record before it, or [`Hash::zero`].
    pub prev: Hash,
}

/// A record as it is stored: its canonical bytes and their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record as canonical JSON (RFC 8785).
    pub body: String,
    /// The SHA-256 of `body`.
    pub hash: Hash,
}

impl<E> Record<E> {
    /// The record that writes `events` down at place `seq` of `stream`, after the one with the hash `prev`.
    pub fn new(stream: String, seq: u64, prev: Hash, cause: &Cause, events: Vec<E>, now: Timestamp) -> Self {
        let (cause, by) = (cause.request.clone(), Some(cause.by.clone()));
        Self { version: VERSION, stream, seq, at: now, cause, by, events, prev }
    }
}

impl<E: Serialize + DeserializeOwned> Record<E> {
    /// The bytes to store and their hash.
    pub fn seal(&self) -> Entry {
        // Strings, integers below 2^53 and arrays of the same: nothing that RFC 8785 cannot write.
        let body = serde_json_canonicalizer::to_string(self).expect("a record is plain JSON");
        let hash = Hash::of(body.as_bytes());
        Entry { body, hash }
    }

    /// Reads a stored record back. What a later version wrote may mean something else, so it is refused.
    pub fn open(entry: &Entry) -> Result<Self, serde_json::Error> {
        let record: Self = serde_json::from_str(&entry.body)?;
        if record.version > VERSION {
            return Err(serde::de::Error::custom(format_args!("it is of version {}", record.version)));
        }
        Ok(record)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(version: &u32) -> bool {
    *version == 0
}

/// The first thing that is wrong with a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The bytes do not have the hash that was stored with them.
    #[error("record {0} was changed: its bytes do not match its hash")]
    Changed(u64),
    /// The record does not follow the one before it.
    #[error("record {0} does not follow the one before it: something was dropped, inserted or reordered")]
    Unlinked(u64),
    /// The record belongs to another stream, or stands at another place.
    #[error("record {0} says it stands elsewhere")]
    Misplaced(u64),
    /// The stored bytes are not a record.
    #[error("record {0} cannot be read")]
    Unreadable(u64),
}

/// What `verify` needs of a record, whatever its events are.
#[derive(Deserialize)]
struct Frame {
    stream: String,
    seq: u64,
    prev: Hash,
}

/// Checks the whole of `stream` from its first record and returns the hash of its last, or the first place that is wrong.
pub fn verify<'a>(stream: &str, entries: impl IntoIterator<Item = &'a Entry>) -> Result<Hash, Broken> {
    let mut head = Hash::zero();
    for (seq, entry) in (0u64..).zip(entries) {
        if Hash::of(entry.body.as_bytes()) != entry.hash {
            return Err(Broken::Changed(seq));
        }
        let frame: Frame = serde_json::from_str(&entry.body).map_err(|_| Broken::Unreadable(seq))?;
        if frame.prev != head {
            return Err(Broken::Unlinked(seq));
        }
        if frame.stream != stream || frame.seq != seq {
            return Err(Broken::Misplaced(seq));
        }
        head = entry.hash.clone();
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> Vec<Entry> {
        let mut prev = Hash::zero();
        (0..length)
            .map(|seq| {
                let (cause, events) = (Cause::own(format!("c{seq}")), vec![format!("e{seq}")]);
                let record = Record::new("s".to_owned(), seq, prev.clone(), &cause, events, Timestamp::UNIX_EPOCH);
                let entry = record.seal();
                prev = entry.hash.clone();
                entry
            })
            .collect()
    }

    #[test]
    fn an_untouched_stream_verifies_to_its_last_hash() {
        let entries = chain(5);
        assert_eq!(verify("s", &entries), Ok(entries[4].hash.clone()));
        assert_eq!(verify("s", &[]), Ok(Hash::zero()));
    }

    #[test]
    fn a_record_names_its_version_and_whose_request_it_was_and_a_later_version_is_not_guessed_at() {
        let entry = chain(1).remove(0);
        let record: Record<String> = Record::open(&entry).expect("a record");
        assert_eq!((record.version, record.by), (VERSION, Some(Cause::own("c0").by)));
        let known = format!("\"version\":{VERSION}");
        assert!(entry.body.contains(&known));
        let later = entry.body.replace(&known, &format!("\"version\":{}", VERSION + 1));
        let later = Entry { hash: Hash::of(later.as_bytes()), body: later };
        let refused = Record::<String>::open(&later).expect_err("a later version");
        assert!(refused.to_string().contains("version 2"), "{refused}");
        assert!(verify("s", &[later]).is_ok(), "its chain can be verified all the same");
    }

    #[test]
    fn k06_a_flipped_dropped_swapped_or_renamed_record_is_named() {
        let mut flipped = chain(5);
        flipped[2].body = flipped[2].body.replace("e2", "e9");
        assert_eq!(verify("s", &flipped), Err(Broken::Changed(2)));

        let mut rehashed = chain(5);
        rehashed[2].body = rehashed[2].body.replace("e2", "e9");
        rehashed[2].hash = Hash::of(rehashed[2].body.as_bytes());
        assert_eq!(verify("s", &rehashed), Err(Broken::Unlinked(3)));

        let mut dropped = chain(5);
        dropped.remove(1);
        assert_eq!(verify("s", &dropped), Err(Broken::Unlinked(1)));

        let mut swapped = chain(5);
        swapped.swap(3, 4);
        assert_eq!(verify("s", &swapped), Err(Broken::Unlinked(3)));

        assert_eq!(verify("t", &chain(1)), Err(Broken::Misplaced(0)));
    }
}
