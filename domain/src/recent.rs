//! A short memory of ids, which knows how far back it reaches.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// How many ids are kept.
const KEPT: usize = 64;

/// The last 64 ids that were added, as 64-bit hashes, and the latest second at which a forgotten one arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    ids: Vec<(u64, u32)>,
    forgotten: Option<u32>,
}

/// What a [`Recent`] can say of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was added.
    Yes,
    /// It was never added.
    No,
    /// It may have been added and forgotten since: only the log knows.
    Unsure,
}

impl Recent {
    /// Adds an id that arrived at `at`, and forgets the oldest when there are too many.
    pub fn add(&mut self, id: &str, at: Timestamp) {
        if self.ids.len() == KEPT {
            let (_, arrived) = self.ids.remove(0);
            self.forgotten = self.forgotten.max(Some(arrived));
        }
        self.ids.push((short(id), second(at)));
    }

    /// Whether `id` was added, given that it cannot have arrived before `since`.
    pub fn knows(&self, id: &str, since: Timestamp) -> Known {
        let id = short(id);
        if self.ids.iter().any(|(added, _)| *added == id) {
            Known::Yes
        } else if self.forgotten.is_none_or(|forgotten| forgotten < second(since)) {
            Known::No
        } else {
            Known::Unsure
        }
    }
}

fn short(id: &str) -> u64 {
    let hash = Sha256::digest(id.as_bytes());
    u64::from_be_bytes(hash[..8].try_into().expect("eight of 32 bytes"))
}

fn second(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(0)
}

/// The stored form: 16 characters an id, as this is written with every append.
#[derive(Serialize, Deserialize)]
struct Stored {
    ids: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten: Option<u32>,
}

impl Serialize for Recent {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.ids.len() * 12);
        for (id, at) in &self.ids {
            bytes.extend(id.to_be_bytes());
            bytes.extend(at.to_be_bytes());
        }
        Stored { ids: STANDARD_NO_PAD.encode(bytes), forgotten: self.forgotten }.serialize(out)
    }
}

impl<'de> Deserialize<'de> for Recent {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(input)?;
        let bytes = STANDARD_NO_PAD.decode(stored.ids).map_err(serde::de::Error::custom)?;
        let (chunks, _) = bytes.as_chunks::<12>();
        let ids = chunks
            .iter()
            .map(|[a, b, c, d, e, f, g, h, at @ ..]| {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), u32::from_be_bytes(*at))
            })
            .collect();
        Ok(Self { ids, forgotten: stored.forgotten })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> Timestamp {
        Timestamp::from_second(n).expect("a time")
    }

    #[test]
    fn a_memory_that_never_overflowed_is_never_unsure() {
        let mut recent = Recent::default();
        for n in 0..64 {
            recent.add(&format!("id{n}"), at(n));
        }
        assert_eq!(recent.knows("id0", at(0)), Known::Yes);
        assert_eq!(recent.knows("other", at(0)), Known::No);
    }

    #[test]
    fn a_forgotten_id_is_unsure_and_never_unknown() {
        let mut recent = Recent::default();
        for n in 0..1000 {
            recent.add(&format!("id{n}"), at(n));
            for earlier in 0..=n {
                assert_ne!(recent.knows(&format!("id{earlier}"), at(earlier)), Known::No);
            }
        }
        assert_eq!(recent.knows("new", at(1000)), Known::No);
    }

    #[test]
    fn the_stored_form_reads_back_the_same() {
        let mut recent = Recent::default();
        for n in 0..200 {
            recent.add(&format!("id{n}"), at(n));
        }
        let text = serde_json::to_string(&recent).expect("plain JSON");
        assert_eq!(serde_json::from_str::<Recent>(&text).expect("its own form"), recent);
    }
}
