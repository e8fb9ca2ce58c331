//! Routing: who is told about an incident, how, and why.
//!
//! Routing fails open. A condition that cannot be evaluated does not match, a route that leads nowhere is passed over,
//! and when nothing else says whom to tell, the catch-all is paged (faults.md, B20 and L08).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::Grouping;
use crate::incident::Incident;
use crate::log::Hash;
use crate::policy::{Handling, Ladder, Mode, Policy, Rung, Target};
use crate::pulse::Pulse;

pub mod condition;
mod facts;
mod router;

pub use facts::Sample;
pub use router::Router;

/// The most routes that did not match a trace lists by name; the others are counted.
pub const TRACED: usize = 64;

/// Who is told, how and why: complete enough to be made again from the policy it names, at the time it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is done.
    pub handling: Handling,
    /// Whether it is done, or only written down; `handling` is what is done, or would be.
    #[serde(default, skip_serializing_if = "Mode::executes")]
    pub mode: Mode,
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
    /// What the ladder says of that level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<Rung>,
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
    /// Why nobody is told yet: it may be noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
    /// How the problem came and went until then, where a route asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<Pulse>,
    /// The group that people are told of instead of this alert alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Grouping>,
    /// Each route that was looked at, and what came of it.
    pub trace: Vec<Looked>,
    /// The reason in one sentence.
    pub why: String,
}

/// What has to happen before anybody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Noise {
    /// So many triggers within so long.
    Threshold {
        /// How many, the first included.
        count: u32,
        /// How close together.
        within: SignedDuration,
    },
    /// A problem that comes and goes, and was told of already, stays until then.
    Flapping {
        /// When it has stayed for long enough.
        until: Timestamp,
    },
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

/// Who is told about `incident`, by `policy` with the hash `hash`.
///
/// Whoever decides more than once by the same policy keeps a [`Router`] instead, which compiles it once.
pub fn decide(incident: &Incident, policy: &Policy, hash: &Hash, now: Timestamp) -> Decision {
    Router::new(policy.clone(), hash.clone()).decide(incident, now)
}

/// Why the catch-all is paged when page finds no decision: a reason that is always the same can be replayed.
pub const FAILED: &str = "routing failed";

/// What is done when routing itself failed, because of `why`: the catch-all is paged.
pub fn fallback(incident: &Incident, policy: &Policy, hash: &Hash, now: Timestamp, why: &str) -> Decision {
    let catch_all = &policy.catch_all.escalation;
    let named = policy.escalations.get(catch_all);
    Decision {
        handling: Handling::Page,
        mode: Mode::Execute,
        policy: hash.clone(),
        at: now,
        service: incident.service().map(str::to_owned),
        team: incident.enrichment.as_ref().and_then(|found| found.team.clone()),
        level: None,
        rung: None,
        escalation: catch_all.clone(),
        catch_all: true,
        notify: Vec::new(),
        acknowledgement_expires: named.and_then(|escalation| escalation.acknowledgement_expires),
        noise: None,
        pulse: None,
        group: None,
        trace: Vec::new(),
        why: format!("routing failed ({why}), so the catch-all escalation `{catch_all}` is paged"),
    }
}

#[cfg(test)]
mod tests;
