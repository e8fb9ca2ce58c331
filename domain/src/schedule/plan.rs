//! The final schedule: who is on call from one instant to another, with the times that nobody is and that several are.

use jiff::Timestamp;

use super::roster::Roster;
use super::{Covers, Turn};
use crate::policy::Policy;

/// The most times of one list.
const LISTED: usize = 10_000;

/// A time in which the same people are on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<'a> {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Everybody whom a layer or an override has, who wins first; each with the whole of their turn.
    pub turns: Vec<Turn<'a>>,
}

impl<'a> Span<'a> {
    /// Who is on call; `None` in a gap.
    pub fn on_call(&self) -> Option<&Turn<'a>> {
        self.turns.first()
    }

    /// Whether nobody is on call.
    pub const fn is_gap(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether more than one layer or override has somebody.
    pub const fn is_overlap(&self) -> bool {
        self.turns.len() > 1
    }
}

/// Who is on call for the schedule `name` from `from` until `until`, without a hole; empty when there is no such schedule.
///
/// A list that would be endless ends early: where the last of it ends, the next one begins.
pub fn final_schedule<'a>(
    name: &str,
    policy: &'a Policy,
    covers: &'a Covers,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Span<'a>> {
    let mut spans: Vec<Span<'a>> = Vec::new();
    let Some(roster) = Roster::new(name, policy, covers) else { return spans };
    let mut at = from;
    for _ in 0..LISTED {
        if at >= until {
            break;
        }
        let moment = roster.at(at);
        let end = moment.until.min(until);
        match spans.last_mut() {
            Some(last) if last.turns == moment.turns => last.until = end,
            _ => spans.push(Span { from: at, until: end, turns: moment.turns }),
        }
        at = end;
    }
    spans
}
