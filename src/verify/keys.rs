//! Whose keys are trusted: those that the reader has, or names by their fingerprint.

use std::path::Path;

use domain::evidence::bundle::KEYS;
use domain::evidence::note::PublicKey;
use domain::log::Hash;
use serde::Serialize;

use super::{Unreadable, file};

/// What the reader trusts. With neither, a bundle's own keys are taken, which proves that it is whole and not whose it is.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that the reader has.
    pub keys: Vec<PublicKey>,
    /// Fingerprints of keys that may come with the evidence.
    pub fingerprints: Vec<Hash>,
}

/// A key that was trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vouching {
    /// What signatures name it, eight hex digits.
    pub id: String,
    /// The SHA-256 of the key, to compare with what its owner published.
    pub fingerprint: Hash,
    /// Whether the reader trusts it; else it came with the evidence.
    pub confirmed: bool,
}

impl Trust {
    /// Whether the reader trusts anything of their own.
    pub const fn is_given(&self) -> bool {
        !self.keys.is_empty() || !self.fingerprints.is_empty()
    }

    /// The keys to verify with: those that the reader has, and of those that come with the evidence the ones that the
    /// reader names, or all if the reader has and names none.
    pub fn among(&self, offered: impl IntoIterator<Item = PublicKey>) -> Vec<PublicKey> {
        let mut keys = self.keys.clone();
        for key in offered {
            if !keys.contains(&key) && (!self.is_given() || self.fingerprints.contains(&key.fingerprint())) {
                keys.push(key);
            }
        }
        keys
    }

    /// The keys to verify what is in the folder `dir` with; its own are below `keys/`.
    pub(super) fn keys(&self, dir: &Path, paths: &[String]) -> Result<Vec<PublicKey>, Unreadable> {
        let mut offered = Vec::new();
        for path in paths.iter().filter(|path| path.starts_with(KEYS)) {
            let pem = file::whole(&dir.join(path))?.and_then(|pem| String::from_utf8(pem).ok());
            // What is no key vouches for nothing; the manifest says whether the file is as it was.
            offered.extend(pem.and_then(|pem| PublicKey::from_pem(&pem)));
        }
        Ok(self.among(offered))
    }

    /// What is said of the `keys` that were trusted.
    pub fn vouching(&self, keys: &[PublicKey]) -> Vec<Vouching> {
        let confirmed = self.is_given();
        keys.iter().map(|key| Vouching { id: key.name(), fingerprint: key.fingerprint(), confirmed }).collect()
    }
}
