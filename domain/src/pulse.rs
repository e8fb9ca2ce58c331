//! The pulse of a problem: when it came and went, and how often it was reported, kept just long enough to tell noise.
//!
//! Two rules read it. A route with a `threshold` tells nobody before so many triggers came within so long. A route with
//! `flapping` tells once that a problem comes and goes, and then only when it stays.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many instants of each sort are kept, the latest: also the most that a rule can ask for.
pub const KEPT: usize = 64;
/// How long an instant is kept for the incidents that follow: also the longest window of a rule.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// When a problem came and went, and when it was reported, in whole seconds of Unix time, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pulse {
    /// When it fired or cleared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<i64>,
    /// When a trigger reached us, while somebody may want to count them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    triggers: Vec<i64>,
}

impl Pulse {
    /// Nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.triggers.is_empty()
    }

    /// It fired or cleared at `at`.
    pub(crate) fn changed(&mut self, at: Timestamp) {
        add(&mut self.changes, &[at.as_second()]);
    }

    /// A trigger reached us at `at`.
    pub(crate) fn triggered(&mut self, at: Timestamp) {
        add(&mut self.triggers, &[at.as_second()]);
    }

    /// Nobody counts its triggers.
    pub(crate) fn forget_triggers(&mut self) {
        self.triggers = Vec::new();
    }

    /// What was known before belongs to it too. The order in which pulses are joined does not matter.
    pub(crate) fn join(&mut self, other: &Self) {
        add(&mut self.changes, &other.changes);
        add(&mut self.triggers, &other.triggers);
    }

    /// What of it an incident that opens at `now` still has to know.
    pub(crate) fn handed_on(&self, now: Timestamp) -> Self {
        let since = (now - LONGEST).as_second();
        let recent = |instants: &[i64]| instants.iter().copied().filter(|at| *at >= since).collect();
        Self { changes: recent(&self.changes), triggers: recent(&self.triggers) }
    }

    /// How often it fired or cleared within `within` before `now`.
    pub fn changes_within(&self, within: SignedDuration, now: Timestamp) -> usize {
        let since = (now - within).as_second();
        self.changes.iter().filter(|at| **at > since && **at <= now.as_second()).count()
    }

    /// Whether `count` triggers ever came within `within` of each other.
    pub fn reached(&self, count: usize, within: SignedDuration) -> bool {
        self.triggers.windows(count.max(1)).any(|run| run[run.len() - 1] - run[0] <= within.as_secs())
    }
}

/// Adds instants in order, and keeps the latest.
fn add(instants: &mut Vec<i64>, more: &[i64]) {
    instants.extend(more);
    instants.sort_unstable();
    let excess = instants.len().saturating_sub(KEPT);
    instants.drain(..excess);
}

#[cfg(test)]
mod tests;
