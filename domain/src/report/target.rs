//! Targets: how soon somebody is to answer, and how soon it is to be over.
//!
//! They are those that teams with an on-call rotation commonly promise: minutes for what hurts customers, hours for what
//! they will notice, and days for the rest.

use jiff::SignedDuration;
use serde::Serialize;

use crate::policy::Ladder;

/// What is promised for an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Target {
    /// How soon after it was opened somebody has taken it on.
    pub acknowledge: SignedDuration,
    /// How soon after it was opened it is over.
    pub resolve: SignedDuration,
}

/// What is promised for an incident of this level; one without a level is taken as SEV3.
pub const fn target(level: Option<Ladder>) -> Target {
    let (minutes, hours) = match level {
        Some(Ladder::Sev1) => (5, 4),
        Some(Ladder::Sev2) => (15, 24),
        Some(Ladder::Sev3) | None => (60, 72),
        Some(Ladder::Sev4) => (24 * 60, 7 * 24),
    };
    Target { acknowledge: SignedDuration::from_mins(minutes), resolve: SignedDuration::from_hours(hours) }
}
