//! What a group's last notification told, so that the next one is sent only when it says something else.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::fingerprint::Fingerprint;

/// The most alerts that are remembered as told; one that is not is told again, as a second message is better than none.
const MOST: usize = 20_000;

/// The alerts of the last notification, as Alertmanager's notification log keeps them.
///
/// It stands beside the group's incident and not in it: the incident is written with every step of its escalation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The instant of the flush that told them; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Those that were firing.
    #[serde(default)]
    pub(super) firing: Alerts,
    /// Those that were over.
    #[serde(default)]
    pub(super) resolved: Alerts,
}

impl Told {
    pub(super) fn new(at: Timestamp, firing: Alerts, resolved: Alerts) -> Self {
        Self { at: Some(at), firing, resolved }
    }
}

/// A set of alerts, 64 bits each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alerts(BTreeSet<u64>);

impl Alerts {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }
}

impl<'a> FromIterator<&'a Fingerprint> for Alerts {
    fn from_iter<T: IntoIterator<Item = &'a Fingerprint>>(alerts: T) -> Self {
        Self(alerts.into_iter().map(short).collect())
    }
}

fn short(alert: &Fingerprint) -> u64 {
    let hash = Sha256::digest(alert.as_str().as_bytes());
    u64::from_be_bytes(hash[..8].try_into().expect("eight of 32 bytes"))
}

/// The stored form: eleven characters an alert, so that ten thousand fit into an item.
impl Serialize for Alerts {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().take(MOST).flat_map(|alert| alert.to_be_bytes()).collect();
        STANDARD_NO_PAD.encode(bytes).serialize(out)
    }
}

impl<'de> Deserialize<'de> for Alerts {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
        let (alerts, _) = bytes.as_chunks::<8>();
        Ok(Self(alerts.iter().map(|alert| u64::from_be_bytes(*alert)).collect()))
    }
}
