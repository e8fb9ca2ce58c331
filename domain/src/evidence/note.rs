//! Signed notes: a text and the signatures under it, as C2SP's signed-note has them.
//!
//! Our signatures are ECDSA over P-256 and SHA-256, as KMS makes them, in DER. The specification reserves that type, and
//! gives its key id: the first four bytes of the SHA-256 of the public key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::hex;
use crate::log::Hash;

/// What stands before the point in a public key of P-256 as DER (RFC 5480): the two object identifiers, and a bit string.
const HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The length of the uncompressed point after it.
const POINT: usize = 65;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A text and the signatures under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Note(String);

/// A public key that signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

/// Why a text is not vouched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unsigned {
    /// It is not a signed note.
    #[error("it is not a signed note")]
    Malformed,
    /// No signature under it is by one of the keys.
    #[error("it is signed by none of the keys")]
    UnknownKey,
    /// A signature that should be of one of the keys is not.
    #[error("its signature does not fit its text")]
    Forged,
}

impl PublicKey {
    /// Reads a key of P-256 as DER (`SubjectPublicKeyInfo`); `None` for any other.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let point = der.strip_prefix(&HEADER)?;
        (point.len() == POINT && point[0] == 4).then(|| Self(der.to_vec()))
    }

    /// The same as PEM.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let inner = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
        let packed: String = inner.split_ascii_whitespace().collect();
        Self::from_der(&STANDARD.decode(packed).ok()?)
    }

    /// The key as PEM.
    pub fn pem(&self) -> String {
        let packed = STANDARD.encode(&self.0);
        let lines: Vec<&str> = (0..packed.len()).step_by(64).map(|at| &packed[at..packed.len().min(at + 64)]).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    /// The key as DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// What signatures name it by.
    pub fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = Hash::of(&self.0).bytes();
        [a, b, c, d]
    }

    /// The same as eight hex digits.
    pub fn name(&self) -> String {
        hex(&self.id())
    }

    /// The SHA-256 of the key, to compare with what its owner published.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(&self.0)
    }

    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0[HEADER.len()..]);
        key.verify(text.as_bytes(), signature).is_ok()
    }
}

impl Note {
    /// The note of `text`, which ends with a line feed, signed in the name of `signer` by `key`: `signature` is DER.
    pub fn new(text: &str, signer: &str, key: &PublicKey, signature: &[u8]) -> Self {
        let packed = STANDARD.encode([&key.id()[..], signature].concat());
        Self(format!("{text}\n\u{2014} {signer} {packed}\n"))
    }

    /// The note that is in a file, unverified.
    pub fn from_file(text: String) -> Self {
        Self(text)
    }

    /// The whole note.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text, whoever signed it.
    pub fn text(&self) -> Option<&str> {
        let end = self.0.rfind("\n\n")?;
        self.0.get(..=end)
    }

    /// Whether there is exactly one signature under it.
    pub fn is_signed_once(&self) -> bool {
        self.text().is_some_and(|text| self.0[text.len() + 1..].matches('\n').count() == 1)
    }

    /// Its text, if `signer` signed it with one of `keys`; and with which.
    pub fn verified<'k>(&self, signer: &str, keys: &'k [PublicKey]) -> Result<(&str, &'k PublicKey), Unsigned> {
        let text = self.text().ok_or(Unsigned::Malformed)?;
        let signatures = self.0[text.len() + 1..].strip_suffix('\n').ok_or(Unsigned::Malformed)?;
        for line in signatures.split('\n') {
            let signature = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' '));
            let (name, packed) = signature.ok_or(Unsigned::Malformed)?;
            let packed = STANDARD.decode(packed).map_err(|_| Unsigned::Malformed)?;
            let (id, signature) = packed.split_first_chunk::<4>().ok_or(Unsigned::Malformed)?;
            let Some(key) = keys.iter().find(|key| name == signer && key.id() == *id) else { continue };
            return if key.verifies(text, signature) { Ok((text, key)) } else { Err(Unsigned::Forged) };
        }
        Err(Unsigned::UnknownKey)
    }
}
