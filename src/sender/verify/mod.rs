//! Who sent this: one verifier for all signature schemes, and the signing of what we send ourselves.
//!
//! A scheme is a row of [`table`]: which headers, how the key is written, what is signed, how the digest is written. The
//! algorithm comes from the row and the configured secret, never from the request, and the raw bytes are signed, so
//! nothing is parsed before this.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Secret;

pub mod table;
#[cfg(test)]
mod tests;

use table::{Digest, Key, Part, Scheme, Time};
pub use table::{SLACK, STANDARD};

/// How far a signed timestamp may be from our clock, in seconds, both ways.
pub const TOLERANCE: i64 = 300;
/// The longest list of signatures that is looked at.
const MOST_SIGNATURES: usize = 16;
/// The longest signature header that is looked at, in bytes.
const LONGEST_HEADER: usize = 4096;
/// The shortest key of Standard Webhooks, in bytes; other senders' keys are as long as these make them.
const SHORTEST_KEY: usize = 24;

/// What a good signature vouches for besides the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The message id; empty in a scheme that signs none.
    pub id: &'a str,
    /// When it was signed, where the scheme signs a time.
    pub at: Option<Timestamp>,
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header of the scheme is absent.
    #[error("the header {0} is missing")]
    Missing(String),
    /// A header of the scheme cannot be what it should be.
    #[error("the header {0} is malformed")]
    Malformed(String),
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
    #[error("the secret is not `whsec_` or `whpk_` and base64")]
    Encoding,
    /// It is so short that it could be guessed.
    #[error("the secret is shorter than 24 bytes")]
    Short,
    /// It proves and does not sign: it is another's public key.
    #[error("the secret is a public key, which signs nothing")]
    Public,
}

/// What is signed, as its headers say it.
struct Message<'a> {
    id: &'a str,
    time: &'a str,
    body: &'a [u8],
}

/// Checks that one of `secrets` signed `body`, and within 5 minutes of `now` where the scheme signs a time.
pub fn verify<'a>(
    scheme: &Scheme<'_>,
    headers: &'a HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Signed<'a>, Rejected> {
    let found = scheme.signature.iter().find(|name| headers.contains_key(**name));
    let name = *found.unwrap_or(&scheme.signature[0]);
    let signatures = header(headers, name)?;
    if signatures.len() > LONGEST_HEADER || signatures.split(scheme.separator).count() > MOST_SIGNATURES {
        return Err(Rejected::Malformed(name.to_owned()));
    }
    let entries = || signatures.split(scheme.separator).map(str::trim);
    let id = match scheme.id {
        // A dot would let one signature stand for two messages.
        Some(name) => Some(header(headers, name)?)
            .filter(|id| !id.is_empty() && id.len() <= 256 && !id.contains('.'))
            .ok_or_else(|| Rejected::Malformed(name.to_owned()))?,
        None => "",
    };
    let (time, at) = match scheme.time {
        Time::Unsigned => ("", None),
        Time::Unix(name) => stated(name, header(headers, name)?, unix_seconds)?,
        Time::Iso(name) => stated(name, header(headers, name)?, |text| text.parse().ok())?,
        Time::Entry(start) => {
            let time = entries().find_map(|entry| entry.strip_prefix(start));
            stated(name, time.ok_or_else(|| Rejected::Malformed(name.to_owned()))?, unix_seconds)?
        }
    };
    if at.is_some_and(|at| (now.as_second() - at.as_second()).abs() > TOLERANCE) {
        return Err(Rejected::Stale);
    }
    let message = Message { id, time, body };
    let mut unusable = secrets.is_empty().then_some(Unusable::None);
    for secret in secrets {
        match scheme.of(secret).signed(secret, &message, entries()) {
            Err(error) => unusable = Some(error),
            Ok(true) => return Ok(Signed { id, at }),
            Ok(false) => {}
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
    let message = Message { id, time: &time, body };
    let entry = |secret: &Secret| match STANDARD.of(secret).digest {
        Digest::Ed25519 => Err(Unusable::Public),
        _ => Ok(format!("{}{}", STANDARD.version, STANDARD.mac(secret, &message)?)),
    };
    Ok(secrets.iter().map(entry).collect::<Result<Vec<_>, _>>()?.join(" "))
}

/// The headers with which a sender of `scheme` sends `body` as `id` at `at`.
pub fn headers(
    scheme: &Scheme<'_>,
    secret: &Secret,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> Result<Vec<(String, String)>, Unusable> {
    if scheme.of(secret).digest == Digest::Ed25519 {
        return Err(Unusable::Public);
    }
    let time = match scheme.time {
        Time::Unsigned => String::new(),
        Time::Unix(_) | Time::Entry(_) => at.as_second().to_string(),
        Time::Iso(_) => Timestamp::from_second(at.as_second()).unwrap_or(at).to_string(),
    };
    let mac = scheme.mac(secret, &Message { id, time: &time, body })?;
    let mut signature = format!("{}{mac}", scheme.version);
    let mut headers = Vec::new();
    match scheme.time {
        Time::Unsigned => {}
        Time::Unix(name) | Time::Iso(name) => headers.push((name.to_ascii_lowercase(), time)),
        Time::Entry(start) => signature = format!("{start}{time}{}{signature}", scheme.separator),
    }
    headers.extend(scheme.id.map(|name| (name.to_owned(), id.to_owned())));
    headers.push((scheme.signature[0].to_ascii_lowercase(), signature));
    Ok(headers)
}

impl Scheme<'_> {
    /// The row for `secret`: how a secret is written says whether it is a public key.
    fn of(&self, secret: &Secret) -> &Self {
        match self.public {
            Some(public) if secret.expose().starts_with(table::PUBLIC_KEY) => public,
            _ => self,
        }
    }

    /// Whether any of `entries` is the signature of `message` by `secret`.
    fn signed<'e>(
        &self,
        secret: &Secret,
        message: &Message<'_>,
        entries: impl Iterator<Item = &'e str>,
    ) -> Result<bool, Unusable> {
        let presented = entries.filter_map(|entry| entry.strip_prefix(self.version));
        if self.digest == Digest::Ed25519 {
            let key = self.key(secret)?;
            let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, &*key);
            let signed = self.text(message);
            let good = |entry: &str| BASE64.decode(entry).is_ok_and(|bytes| key.verify(&signed, &bytes).is_ok());
            return Ok(presented.fold(false, |found, entry| found | good(entry)));
        }
        let expected = self.mac(secret, message)?;
        Ok(presented.fold(false, |found, entry| found | bool::from(expected.as_bytes().ct_eq(entry.as_bytes()))))
    }

    /// The signature of `message` by `secret`, as it is written.
    fn mac(&self, secret: &Secret, message: &Message<'_>) -> Result<String, Unusable> {
        let key = self.key(secret)?;
        Ok(match self.digest {
            Digest::HexSha1 => domain::hex(&self.bytes::<Hmac<Sha1>>(&key, message)),
            Digest::HexSha256 => domain::hex(&self.bytes::<Hmac<Sha256>>(&key, message)),
            Digest::Base64Sha256 | Digest::Ed25519 => BASE64.encode(self.bytes::<Hmac<Sha256>>(&key, message)),
        })
    }

    fn bytes<M: Mac + KeyInit>(&self, key: &[u8], message: &Message<'_>) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
        for part in self.message {
            mac.update(part.of(message));
        }
        mac.finalize().into_bytes().to_vec()
    }

    fn text(&self, message: &Message<'_>) -> Vec<u8> {
        self.message.iter().flat_map(|part| part.of(message)).copied().collect()
    }

    fn key(&self, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        let text = secret.expose();
        match self.key {
            Key::Raw if text.is_empty() => Err(Unusable::None),
            Key::Raw => Ok(Zeroizing::new(text.as_bytes().to_vec())),
            Key::Base64(start) => {
                let text = text.strip_prefix(start).unwrap_or(text);
                let key = Zeroizing::new(BASE64.decode(text).map_err(|_| Unusable::Encoding)?);
                if key.len() < SHORTEST_KEY { Err(Unusable::Short) } else { Ok(key) }
            }
        }
    }
}

impl Part {
    fn of<'m>(&self, message: &Message<'m>) -> &'m [u8] {
        match self {
            Self::Id => message.id.as_bytes(),
            Self::Time => message.time.as_bytes(),
            Self::Body => message.body,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Rejected> {
    let value = headers.get(name).ok_or_else(|| Rejected::Missing(name.to_owned()))?;
    value.to_str().map_err(|_| Rejected::Malformed(name.to_owned()))
}

/// A time as it is signed, and when it is.
fn stated<'a>(
    name: &str,
    text: &'a str,
    read: impl Fn(&str) -> Option<Timestamp>,
) -> Result<(&'a str, Option<Timestamp>), Rejected> {
    match read(text) {
        Some(at) => Ok((text, Some(at))),
        None => Err(Rejected::Malformed(name.to_owned())),
    }
}

fn unix_seconds(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().and_then(|second| Timestamp::from_second(second).ok())
}
