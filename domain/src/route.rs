//! Routing: who is told about an incident, how, and why.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::log::Hash;
use crate::policy::{Handling, Ladder, Target};

/// Who is told, how and why: complete enough to be made again from the policy it names, at the time it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is done.
    pub handling: Handling,
    /// The policy that said so, for good: whatever is applied later, this incident keeps it.
    pub policy: Hash,
    /// The clock it used.
    pub at: Timestamp,
    /// The service it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The team that owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Where it stands on the severity ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Ladder>,
    /// The escalation that tells people, by its name in the policy.
    pub escalation: String,
    /// Whether nothing but the catch-all knew whom to tell.
    #[serde(default)]
    pub catch_all: bool,
    /// Who hears of a ticket, once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Target>,
    /// How long an acknowledgement counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_expires: Option<SignedDuration>,
    /// Each route that was looked at, and what came of it.
    pub trace: Vec<Looked>,
    /// The reason in one sentence.
    pub why: String,
}

/// A route that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The route's name, with its parents': `production / checkout`.
    pub route: String,
    /// What came of it: that it matched, that it did not, or that its condition could not be evaluated and why.
    pub result: String,
    /// Whether it matched.
    pub matched: bool,
}

/// stub
#[derive(Debug)]
pub struct Router;
impl Router {
    /// stub
    pub fn new(_: &crate::policy::Policy) -> Self { Self }
}
