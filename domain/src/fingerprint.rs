//! Fingerprints: the one name of a problem, whoever reports it and however often.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex;

/// Names one problem: 20 hex digits of a hash over the integration and the sender's own key.
///
/// Two integrations never share a fingerprint, as PagerDuty scopes a `dedup_key` to its routing key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `key` as `integration` uses it.
    pub fn of(integration: &str, key: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(integration.as_bytes());
        hash.update([0xff]);
        hash.update(key.as_bytes());
        Self(hex(&hash.finalize()[..10]))
    }

    /// Reads 20 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 20 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The 20 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Alertmanager's fingerprint of a label set: FNV-1a 64 over the labels sorted by name, each as
/// `name 0xFF value 0xFF`, as 16 hex digits (`model.LabelSet.Fingerprint` of prometheus/common).
///
/// `labels` must come sorted by name, as a `BTreeMap` yields them.
pub fn of_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = OFFSET;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_set_has_alertmanagers_own_fingerprint() {
        assert_eq!(of_labels([]), "cbf29ce484222325");
        assert_eq!(of_labels([("fear", "love is not enough"), ("name", "garland, briggs")]), "507a62d79ee76c9a");
        assert_eq!(of_labels([("alertname", "HighMemory")]), "dea77e3876547bb1");
    }

    #[test]
    fn two_integrations_never_share_a_fingerprint() {
        assert_ne!(Fingerprint::of("a", "bc"), Fingerprint::of("ab", "c"));
        assert_ne!(Fingerprint::of("a", "k"), Fingerprint::of("b", "k"));
    }
}
