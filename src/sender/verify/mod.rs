//! Who sent this: one verifier for all signature schemes, and the signing of what we send ourselves.
//!
//! A scheme is a row: which headers, how the key is written, what is signed, how the digest is written. The algorithm
//! comes from the row and never from the request, and the raw bytes are signed, so nothing is parsed before this.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Secret;

#[cfg(test)]
mod tests;

/// How far a signed timestamp may be from our clock, in seconds, both ways.
pub const TOLERANCE: i64 = 300;
/// The longest list of signatures that is looked at.
const MOST_SIGNATURES: usize = 16;
/// The longest signature header that is looked at, in bytes.
const LONGEST_HEADER: usize = 4096;
/// The shortest key that signs anything, in bytes: an empty one would let anybody sign.
const SHORTEST_KEY: usize = 24;

/// A signature scheme (wire.md, 4.13).
#[derive(Debug)]
pub struct Scheme {
    /// The header of the signatures: a list separated by spaces.
    signature: &'static str,
    /// The header of the unix time that is signed.
    timestamp: &'static str,
    /// The header of the message id, where there is one.
    id: Option<&'static str>,
    /// What a signature of this scheme begins with; all others in the list are passed over.
    version: &'static str,
    key: Key,
    message: &'static [Part],
    digest: Digest,
}

/// How a secret is written.
#[derive(Debug)]
enum Key {
    /// `whsec_` and base64.
    Whsec,
    /// The key itself.
    Raw,
}

/// What is signed, piece by piece.
#[derive(Debug)]
enum Part {
    Id,
    Time,
    Body,
    Text(&'static str),
}

/// How a digest is written.
#[derive(Debug)]
enum Digest {
    Base64,
    Hex,
}

/// Standard Webhooks, symmetric signatures.
pub static STANDARD: Scheme = Scheme {
    signature: "webhook-signature",
    timestamp: "webhook-timestamp",
    id: Some("webhook-id"),
    version: "v1,",
    key: Key::Whsec,
    message: &[Part::Id, Part::Text("."), Part::Time, Part::Text("."), Part::Body],
    digest: Digest::Base64,
};

/// Slack's request signatures.
pub static SLACK: Scheme = Scheme {
    signature: "x-slack-signature",
    timestamp: "x-slack-request-timestamp",
    id: None,
    version: "v0=",
    key: Key::Raw,
    message: &[Part::Text("v0:"), Part::Time, Part::Text(":"), Part::Body],
    digest: Digest::Hex,
};

/// What a good signature vouches for besides the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The message id; empty in a scheme without one.
    pub id: &'a str,
    /// When it was signed.
    pub at: Timestamp,
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header of the scheme is absent.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header of the scheme cannot be what it should be.
    #[error("the header {0} is malformed")]
    Malformed(&'static str),
    /// The timestamp is too far from our clock.
    #[error("the timestamp is more than 5 minutes away from our clock")]
    Stale,
    /// None of the signatures was made with any of the secrets.
    #[error("no signature matches")]
    NoMatch,
    /// We hold no secret to check with.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// What is wrong with a secret of our own configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The parameter holds none.
    #[error("there is no secret")]
    None,
    /// It is not base64.
    #[error("the secret is not `whsec_` and base64")]
    Encoding,
    /// It is so short that it could be guessed.
    #[error("the secret is shorter than 24 bytes")]
    Short,
}

/// Checks that one of `secrets` signed `body` within 5 minutes of `now`.
pub fn verify<'a>(
    scheme: &Scheme,
    headers: &'a HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Signed<'a>, Rejected> {
    let header = |name: &'static str| {
        let value = headers.get(name).ok_or(Rejected::Missing(name))?;
        value.to_str().map_err(|_| Rejected::Malformed(name))
    };
    let signatures = header(scheme.signature)?;
    if signatures.len() > LONGEST_HEADER || signatures.split(' ').count() > MOST_SIGNATURES {
        return Err(Rejected::Malformed(scheme.signature));
    }
    let id = scheme.id.map_or(Ok(""), header)?;
    if let Some(name) = scheme.id
        && (id.is_empty() || id.len() > 256 || id.contains('.'))
    {
        // A dot would let one signature stand for two messages.
        return Err(Rejected::Malformed(name));
    }
    let stated = header(scheme.timestamp)?;
    let at = unix_seconds(stated).ok_or(Rejected::Malformed(scheme.timestamp))?;
    if (now.as_second() - at.as_second()).abs() > TOLERANCE {
        return Err(Rejected::Stale);
    }
    let mut unusable = secrets.is_empty().then_some(Unusable::None);
    for secret in secrets {
        match scheme.digest(secret, id, stated, body) {
            Err(error) => unusable = Some(error),
            Ok(expected) => {
                let presented = signatures.split(' ').filter_map(|entry| entry.strip_prefix(scheme.version));
                if presented.fold(false, |found, entry| found | bool::from(expected.as_bytes().ct_eq(entry.as_bytes())))
                {
                    return Ok(Signed { id, at });
                }
            }
        }
    }
    // A secret that we wrote down wrongly may be the one that signed this: that is no fault of the sender's.
    Err(unusable.map_or(Rejected::NoMatch, Rejected::Unusable))
}

/// The `webhook-signature` of an outgoing Standard Webhooks message: one entry for each secret.
pub fn sign(secrets: &[Secret], id: &str, at: Timestamp, body: &[u8]) -> Result<String, Unusable> {
    if secrets.is_empty() {
        return Err(Unusable::None);
    }
    let time = at.as_second().to_string();
    let entry = |secret| Ok(format!("{}{}", STANDARD.version, STANDARD.digest(secret, id, &time, body)?));
    Ok(secrets.iter().map(entry).collect::<Result<Vec<_>, _>>()?.join(" "))
}

impl Scheme {
    fn digest(&self, secret: &Secret, id: &str, time: &str, body: &[u8]) -> Result<String, Unusable> {
        let key = match self.key {
            Key::Raw => Zeroizing::new(secret.expose().as_bytes().to_vec()),
            Key::Whsec => {
                let text = secret.expose();
                let text = text.strip_prefix("whsec_").unwrap_or(text);
                Zeroizing::new(BASE64.decode(text).map_err(|_| Unusable::Encoding)?)
            }
        };
        if key.len() < SHORTEST_KEY {
            return Err(Unusable::Short);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        for part in self.message {
            mac.update(match part {
                Part::Id => id.as_bytes(),
                Part::Time => time.as_bytes(),
                Part::Body => body,
                Part::Text(text) => text.as_bytes(),
            });
        }
        let bytes = mac.finalize().into_bytes();
        Ok(match self.digest {
            Digest::Base64 => BASE64.encode(bytes),
            Digest::Hex => domain::hex(&bytes),
        })
    }
}

fn unix_seconds(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().and_then(|second| Timestamp::from_second(second).ok())
}
