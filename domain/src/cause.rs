//! Causes: the request that made a record be written, whose it was, and how they proved who they are.
//!
//! Who is named in an event may be said on somebody's behalf: the holder of a token says that Ana acknowledged. The
//! principal is who was authenticated, and it is in the record, under its hash.

use serde::{Deserialize, Serialize};

use crate::incident::Actor;

/// Why a record is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Names the request: one that comes again finds its own record by this.
    pub request: String,
    /// Whose request it is.
    pub by: Principal,
}

impl Cause {
    /// Watchkeeper's own doing: a step of a machine, a sweep, a flush.
    pub fn own(request: impl Into<String>) -> Self {
        Principal { actor: Actor::watchkeeper(), proof: Proof::Role }.cause(request)
    }
}

/// Who was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Who.
    pub actor: Actor,
    /// How they proved it.
    pub proof: Proof,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// They did not: the integration takes alerts from anybody.
    #[default]
    None,
    /// By a token of the API.
    ApiToken,
    /// Slack signed that they pressed a button.
    SlackSignature,
    /// Twilio signed that their telephone answered, or what became of a message.
    TwilioSignature,
    /// By the link of a message that was sent to them; a link can be forwarded (faults.md, I05).
    Link,
    /// A sender signed the request.
    SenderSignature,
    /// A sender presented its token.
    SenderToken,
    /// AWS delivered it from this account.
    Aws,
    /// By the IAM role of a function of this installation.
    Role,
}

impl Principal {
    /// The holder of the API token `name`.
    pub fn token(name: &str) -> Self {
        Self { actor: Actor::token(name), proof: Proof::ApiToken }
    }

    /// The cause of what they ask for in `request`.
    pub fn cause(self, request: impl Into<String>) -> Cause {
        Cause { request: request.into(), by: self }
    }
}
