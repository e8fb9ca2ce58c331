//! The schemes: one row for each, as its sender documents it (wire.md, 4.13).

/// What a public key begins with, where a scheme has keys of both kinds.
pub(super) const PUBLIC_KEY: &str = "whpk_";

/// A signature scheme.
#[derive(Debug, Clone, Copy)]
pub struct Scheme<'a> {
    /// The headers that the signatures may come in; the first that is there counts.
    pub(super) signature: &'a [&'a str],
    /// What stands between two signatures.
    pub(super) separator: char,
    /// What a signature of this scheme begins with; all others in the list are passed over.
    pub(super) version: &'static str,
    /// The time that is signed.
    pub(super) time: Time<'a>,
    /// The header of the message id, where one is signed.
    pub(super) id: Option<&'static str>,
    pub(super) key: Key,
    pub(super) message: &'static [Part],
    pub(super) digest: Digest,
    /// The row for secrets that are public keys, where there is one.
    pub(super) public: Option<&'a Scheme<'a>>,
}

/// Where the time is that a scheme signs, and how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Time<'a> {
    /// It signs none.
    Unsigned,
    /// A header, in unix seconds.
    Unix(&'a str),
    /// A header, in ISO 8601.
    Iso(&'a str),
    /// An entry of the signature's header that begins so, in unix seconds.
    Entry(&'static str),
}

/// How a secret is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// The key itself.
    Raw,
    /// Base64, after what it begins with.
    Base64(&'static str),
}

/// What is signed, piece by piece.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Id,
    Time,
    Body,
    Text(&'static str),
}

/// What a signature is, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    HexSha1,
    HexSha256,
    Base64Sha256,
    Ed25519,
}

/// What most senders do: the body alone, HMAC-SHA256, lower hex.
const PLAIN: Scheme<'static> = Scheme {
    signature: &[],
    separator: ',',
    version: "",
    time: Time::Unsigned,
    id: None,
    key: Key::Raw,
    message: &[Part::Body],
    digest: Digest::HexSha256,
    public: None,
};

/// What the two rows of Standard Webhooks share.
const STANDARD_FORM: Scheme<'static> = Scheme {
    signature: &["webhook-signature"],
    separator: ' ',
    time: Time::Unix("webhook-timestamp"),
    id: Some("webhook-id"),
    message: &[Part::Id, Part::Text("."), Part::Time, Part::Text("."), Part::Body],
    ..PLAIN
};

/// Standard Webhooks with shared secrets; a secret that is a public key has the row below.
pub static STANDARD: Scheme<'static> = Scheme {
    version: "v1,",
    key: Key::Base64("whsec_"),
    digest: Digest::Base64Sha256,
    public: Some(&STANDARD_PUBLIC),
    ..STANDARD_FORM
};

/// Standard Webhooks with ed25519: what a secret that begins with `whpk_` proves.
static STANDARD_PUBLIC: Scheme<'static> =
    Scheme { version: "v1a,", key: Key::Base64(PUBLIC_KEY), digest: Digest::Ed25519, ..STANDARD_FORM };

/// Slack's request signatures.
pub static SLACK: Scheme<'static> = Scheme {
    signature: &["x-slack-signature"],
    version: "v0=",
    time: Time::Unix("x-slack-request-timestamp"),
    message: &[Part::Text("v0:"), Part::Time, Part::Text(":"), Part::Body],
    ..PLAIN
};

/// GitHub's webhooks.
pub static GITHUB: Scheme<'static> = Scheme { signature: &["x-hub-signature-256"], version: "sha256=", ..PLAIN };

/// Intercom's webhooks, which have no other digest than SHA-1.
pub static INTERCOM: Scheme<'static> =
    Scheme { signature: &["x-hub-signature"], version: "sha1=", digest: Digest::HexSha1, ..PLAIN };

/// Sentry's webhooks; what comes from a component of its pages has the other header. The timestamp is not signed.
pub static SENTRY: Scheme<'static> = Scheme { signature: &["sentry-hook-signature", "sentry-app-signature"], ..PLAIN };

/// PagerDuty's webhooks, version 3.
pub static PAGERDUTY: Scheme<'static> = Scheme { signature: &["x-pagerduty-signature"], version: "v1=", ..PLAIN };

/// Stripe's webhooks, and those of all who copied them. The secret is the key as it is, `whsec_` included.
pub static STRIPE: Scheme<'static> = Scheme {
    signature: &["stripe-signature"],
    version: "v1=",
    time: Time::Entry("t="),
    message: &[Part::Time, Part::Text("."), Part::Body],
    ..PLAIN
};

/// Zendesk's webhooks. The secret looks like base64 and is the key as it is.
pub static ZENDESK: Scheme<'static> = Scheme {
    signature: &["x-zendesk-webhook-signature"],
    time: Time::Iso("x-zendesk-webhook-signature-timestamp"),
    message: &[Part::Time, Part::Body],
    digest: Digest::Base64Sha256,
    ..PLAIN
};

/// The header of Grafana's signature, unless the contact point names another.
pub const GRAFANA_SIGNATURE: &str = "X-Grafana-Alerting-Signature";

impl<'a> Scheme<'a> {
    /// Grafana's webhook contact point, which names its headers itself, and signs a time when it names a header for it.
    pub const fn grafana(signature: &'a [&'a str], timestamp: Option<&'a str>) -> Self {
        match timestamp {
            None => Scheme { signature, ..PLAIN },
            Some(header) => {
                let message = &[Part::Time, Part::Text(":"), Part::Body];
                Scheme { signature, time: Time::Unix(header), message, ..PLAIN }
            }
        }
    }
}
