//! SNS by HTTPS: what AWS sends from accounts and regions that have no function of ours to call.
//!
//! Any customer of AWS can make SNS sign a message, so the topics that an integration names come first: for a message of
//! another topic nothing is fetched, checked or confirmed. The certificate is the one that the message names, if it is at
//! SNS's own address in the region of the topic; [`certificate`] says which must be fetched before [`signals`] can check
//! anything. A subscription is taken by visiting [`confirmation`], once its message was verified.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::policy::{Integration, Policy};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::json;

use super::aws::{self, NoSignal};
use super::reply::{Fault, Reason};
use super::{Received, Reply, Request, bounds, json, name_of};

/// How old a message may be: as old as the oldest event that is believed. SNS itself gives up long before.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
/// By how much its clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A message as SNS posts it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(rename = "Type")]
    kind: Type,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate: String,
    #[serde(default, rename = "SubscribeURL")]
    subscribe: String,
    #[serde(default)]
    token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Type {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl Type {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// The address of the certificate that must be fetched to verify `request`; none for what is refused without one.
pub(super) fn certificate(request: &Request<'_>, integration: &Integration) -> Option<String> {
    read(request, integration).ok().map(|envelope| envelope.certificate)
}

/// The address that takes the subscription that `request` is about, which must have been verified.
pub(super) fn confirmation(request: &Request<'_>, integration: &Integration) -> Option<String> {
    let envelope = read(request, integration).ok().filter(|one| one.kind == Type::SubscriptionConfirmation)?;
    let ours = format!("https://{}/?Action=ConfirmSubscription&", host(&envelope.topic_arn)?);
    let plain = envelope.subscribe.bytes().all(|byte| byte.is_ascii_graphic());
    Some(envelope.subscribe).filter(|url| plain && url.starts_with(&ours))
}

/// What a message says, once it is verified by the certificate that was fetched for it.
pub(super) fn signals(
    name: &str,
    integration: &Integration,
    request: &Request<'_>,
    policy: &Policy,
) -> Result<Received, Fault> {
    let envelope = read(request, integration)?;
    let key = request.certificate.and_then(public_key);
    if !key.is_some_and(|key| envelope.is_signed_by(&key)) {
        return Err(Fault::new(Reason::Signature, "no signature matches"));
    }
    let stated = bounds::time(&envelope.timestamp);
    let now = request.received_at;
    let is_fresh = |at: Timestamp| now.duration_since(at) <= OLDEST && at.duration_since(now) <= AHEAD;
    if !stated.is_some_and(is_fresh) {
        return Err(Fault::new(Reason::Stale, "the timestamp is too far from our clock"));
    }
    let heard = match envelope.kind {
        Type::Notification => {
            let id = name_of(&[name, &envelope.message_id]);
            aws::message(name, &id, &envelope.message, &envelope.timestamp, policy, now)
        }
        Type::SubscriptionConfirmation | Type::UnsubscribeConfirmation => Ok(Vec::new()),
    };
    let signals = match heard {
        Ok(signals) => signals,
        Err(NoSignal::Silent(_)) => Vec::new(),
        Err(NoSignal::Malformed(place)) => {
            let fault =
                Fault::new(Reason::Malformed, format!("not an event that is known: something is wrong at `{place}`"));
            return Err(fault.at("/Message"));
        }
    };
    Ok(Received { integration: name.to_owned(), signals, reply: Reply::json(200, &json!({})) })
}

/// A message of a topic that the integration names, whose certificate is where SNS keeps them.
fn read(request: &Request<'_>, integration: &Integration) -> Result<Envelope, Fault> {
    let body = json::unpacked(request, json::LARGEST)?;
    let envelope: Envelope = json::read(json::object(&body)?)?;
    if !integration.topics.contains(&envelope.topic_arn) {
        return Err(Fault::new(Reason::Source, "the integration hears other topics").at("/TopicArn"));
    }
    let here = host(&envelope.topic_arn).is_some_and(|host| is_certificate(&envelope.certificate, &host));
    if !here {
        let why = "the certificate is not where SNS keeps those of the topic's region";
        return Err(Fault::new(Reason::Signature, why).at("/SigningCertURL"));
    }
    Ok(envelope)
}

/// SNS's own host in the region of a topic.
fn host(topic: &str) -> Option<String> {
    let mut parts = topic.split(':').skip(1);
    let (partition, region) = (parts.next()?, parts.nth(1)?);
    let plain =
        !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte));
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    plain.then(|| format!("sns.{region}.{domain}"))
}

/// Whether `url` is a certificate of SNS at `host`: others answer there what anybody made them say.
fn is_certificate(url: &str, host: &str) -> bool {
    let path = url.strip_prefix("https://").and_then(|rest| rest.strip_prefix(host));
    let name = path.and_then(|path| path.strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem"));
    name.is_some_and(|name| (16..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Envelope {
    /// Whether the owner of `key` signed it. A topic may sign by SHA-1 or by SHA-256, and what the message says of that
    /// decides nothing.
    fn is_signed_by(&self, key: &[u8]) -> bool {
        let Ok(signature) = BASE64.decode(&self.signature) else { return false };
        let text = self.text();
        let by = [&RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY];
        by.iter().any(|algorithm| UnparsedPublicKey::new(*algorithm, key).verify(text.as_bytes(), &signature).is_ok())
    }

    /// What is signed: each field's name and value, a line each.
    fn text(&self) -> String {
        let subject = self.subject.as_deref();
        let fields = match self.kind {
            Type::Notification => [
                ("Message", Some(self.message.as_str())),
                ("MessageId", Some(&*self.message_id)),
                ("Subject", subject),
                ("Timestamp", Some(&*self.timestamp)),
                ("TopicArn", Some(&*self.topic_arn)),
                ("Type", Some(self.kind.as_str())),
                ("", None),
            ],
            Type::SubscriptionConfirmation | Type::UnsubscribeConfirmation => [
                ("Message", Some(self.message.as_str())),
                ("MessageId", Some(&*self.message_id)),
                ("SubscribeURL", Some(&*self.subscribe)),
                ("Timestamp", Some(&*self.timestamp)),
                ("Token", Some(&*self.token)),
                ("TopicArn", Some(&*self.topic_arn)),
                ("Type", Some(self.kind.as_str())),
            ],
        };
        fields.iter().filter_map(|(name, value)| value.map(|value| format!("{name}\n{value}\n"))).collect()
    }
}

/// The RSA key of a certificate in PEM, as `ring` wants it: the way to it is fixed by X.509 (RFC 5280, 4.1).
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64.decode(body).ok()?;
    let (certificate, _) = element(&der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // The serial number, and then the algorithm, the issuer, the dates and the subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = element(fields, tag)?;
    }
    let (key, _) = element(fields, SEQUENCE)?;
    let (_, key) = element(key, SEQUENCE)?;
    let (bits, _) = element(key, BIT_STRING)?;
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The version of a certificate, which may be left out.
const VERSION: u8 = 0xa0;

/// The content of the element of DER that `bytes` begin with, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, mut rest) = rest.split_first()?;
    let mut size = usize::from(*length);
    if size >= 0x80 {
        let count = size - 0x80;
        let (digits, after) = rest.split_at_checked(count).filter(|_| (1..=3).contains(&count))?;
        size = digits.iter().fold(0, |size, digit| size << 8 | usize::from(*digit));
        rest = after;
    }
    rest.split_at_checked(size).filter(|_| *first == tag)
}

#[cfg(test)]
mod tests;
