//! Sealed texts: what people write about a person or a customer, readable for as long as its key exists.
//!
//! The log cannot forget, so it never holds such a text in the open. Each subject has a key of its own, kept outside the
//! log; once that is destroyed, nobody can read what was written, and the log verifies as before (faults.md, K21).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::incident::Actor;
use crate::log::Hash;

/// How many random bytes a key needs, and how many each text.
pub const RANDOM: (usize, usize) = (32, NONCE_LEN);
/// The longest name of a subject, in characters.
const LONGEST: usize = 200;

/// Somebody about whom things are written, such as `customer:acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Reads `<kind>:<name>`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.trim().split_once(':')?;
        let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
        let fits = is_kind && !name.trim().is_empty() && text.chars().count() <= LONGEST;
        fits.then(|| Self(format!("{kind}:{}", name.trim())))
    }

    /// What their key is found by; the name itself is kept nowhere.
    pub fn hash(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }
}

/// The key of one subject's texts.
#[derive(Clone)]
pub struct Key {
    /// Names it: a random text, which says nothing about the subject.
    pub id: String,
    secret: [u8; RANDOM.0],
}

impl Key {
    /// The key named `id`.
    pub fn new(id: String, secret: [u8; RANDOM.0]) -> Self {
        Self { id, secret }
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.secret).expect("32 bytes are a key");
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({})", self.id)
    }
}

/// A text that only whoever has the key can read: AES-256-GCM, bound to the stream it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The key's name.
    pub key: String,
    /// The nonce and the sealed text, as base64.
    pub text: String,
}

impl Sealed {
    /// Seals `text` for `stream`. A `nonce` is used once.
    pub fn new(key: &Key, nonce: [u8; RANDOM.1], stream: &str, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        let sealed = key.cipher().seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(stream.as_bytes()),
            &mut bytes,
        );
        sealed.expect("a text is far shorter than AES-GCM can seal");
        Self { key: key.id.clone(), text: BASE64.encode([&nonce[..], &bytes].concat()) }
    }

    /// The text; `None` with another key, in another stream, and when it was changed.
    pub fn open(&self, key: &Key, stream: &str) -> Option<String> {
        let bytes = BASE64.decode(&self.text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let text = key.cipher().open_in_place(nonce, Aad::from(stream.as_bytes()), &mut sealed).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

/// What is written about subjects. Who they were is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SubjectEvent {
    /// A key was destroyed: nobody can read any more what was sealed with it.
    Erased {
        /// The key's name.
        key: String,
        /// On whose behalf it was destroyed.
        by: Actor,
        /// Why.
        reason: String,
    },
}

/// The stream of what is written about subjects.
pub const STREAM: &str = "subjects";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::new(format!("key-{byte}"), [byte; 32])
    }

    #[test]
    fn a_sealed_text_is_read_with_its_key_in_its_stream_and_in_no_other_way() {
        for text in ["", "Frau Müller called: she is furious", &"x".repeat(5000)] {
            let sealed = Sealed::new(&key(1), [7; 12], "incident#a-1", text);
            assert!(text.is_empty() || !sealed.text.contains(text));
            assert_eq!(sealed.open(&key(1), "incident#a-1").as_deref(), Some(text));
            assert_eq!(sealed.open(&key(2), "incident#a-1"), None, "another key");
            assert_eq!(sealed.open(&key(1), "incident#a-2"), None, "another stream");
            let mut bytes = BASE64.decode(&sealed.text).expect("base64");
            *bytes.last_mut().expect("a tag") ^= 1;
            let changed = Sealed { text: BASE64.encode(bytes), ..sealed };
            assert_eq!(changed.open(&key(1), "incident#a-1"), None, "it was changed");
        }
        for broken in ["", "AAAA", "no base64"] {
            let broken = Sealed { key: "key-1".to_owned(), text: broken.to_owned() };
            assert_eq!(broken.open(&key(1), "incident#a-1"), None);
        }
    }

    #[test]
    fn a_subject_has_a_kind_and_a_name() {
        for (text, known) in [
            ("customer:acme", true),
            (" customer: acme ", true),
            ("person:Frau Müller", true),
            ("acme", false),
            (":acme", false),
            ("customer:", false),
            ("customer: ", false),
            ("Customer:acme", false),
        ] {
            assert_eq!(Subject::parse(text).is_some(), known, "{text}");
        }
        assert_eq!(Subject::parse("customer:acme"), Subject::parse(" customer: acme "));
        assert!(Subject::parse(&format!("customer:{}", "x".repeat(200))).is_none());
        assert_eq!(format!("{:?}", key(9)), "Key(key-9)");
    }
}
