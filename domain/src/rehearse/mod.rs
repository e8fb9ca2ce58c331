//! Rehearsal: what another policy would have made of the incidents that were recorded.
//!
//! First every recorded decision is made again by the policy it names: if that does not give the same decision, bit for
//! bit, nothing else here can be believed. Then each incident is decided by the policy that rules and by the one that is
//! proposed, each as if it were new, and what differs is told: who would be paged instead, and who would no longer be.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::incident::IncidentId;
use crate::log::Hash;
use crate::policy::Policy;
use crate::route::{Decision, Router};
use crate::schedule::Covers;

mod outcome;
mod recorded;
mod summary;

pub use outcome::{Outcome, What, told_first};
pub use recorded::Recorded;
pub use summary::{Group, summary};

/// At night: from this hour of the wall clock until [`MORNING`].
const EVENING: i8 = 22;
/// When the night is over.
const MORNING: i8 = 7;

/// What a rehearsal found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// How many incidents were rehearsed.
    pub incidents: usize,
    /// How many signals they stand for.
    pub signals: u64,
    /// How many decisions were recorded.
    pub decisions: usize,
    /// How many of them were made again exactly.
    pub exact: usize,
    /// The others.
    pub faults: Vec<Fault>,
    /// Every incident of which somebody else would hear, or the same people otherwise; the worst first, then the latest.
    pub changes: Vec<Change>,
    /// How many pages each person or place had, and would have, such as `person:ana`.
    pub people: BTreeMap<String, Load>,
}

/// A recorded decision that was not made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Whose.
    pub incident: IncidentId,
    /// The policy that it names.
    pub policy: Hash,
    /// What came instead; none when the policy is not there.
    pub instead: Option<Decision>,
}

/// An incident that the two policies treat differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which.
    pub incident: IncidentId,
    /// When somebody was told, or would be.
    pub at: Timestamp,
    /// What it was about.
    pub title: String,
    /// How bad the difference is.
    pub kind: Kind,
    /// By the policy that rules.
    pub before: Outcome,
    /// By the policy that is proposed.
    pub after: Outcome,
}

/// How bad a difference is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody was paged, and nobody would be.
    Lost,
    /// Others would be paged.
    Moved,
    /// Nobody was paged, and somebody would be.
    Gained,
    /// The same people would be paged first, and others after them, or at another time.
    Later,
    /// A ticket would come, go, or be somebody else's.
    Ticket,
}

/// How often somebody was paged, and would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Load {
    /// By the policy that rules.
    pub before: Pages,
    /// By the policy that is proposed.
    pub after: Pages,
}

/// How many pages, and how many of them at night.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pages {
    /// All of them.
    pub all: u32,
    /// Those between 22:00 and 7:00 by the clock of the person's first schedule; of UTC for who is in none.
    pub at_night: u32,
}

impl Rehearsal {
    /// Rehearses `history` by `before`, which rules, and by `after`, which is proposed.
    ///
    /// `policies` holds those that the recorded decisions name. `covers` are the overrides and absences that are known.
    pub fn of<'a>(
        history: impl IntoIterator<Item = &'a Recorded>,
        policies: &BTreeMap<Hash, Router>,
        before: &Router,
        after: &Router,
        covers: &Covers,
    ) -> Self {
        let mut rehearsal = Self::default();
        let (clocks, new_clocks) = (clocks(before.policy()), clocks(after.policy()));
        for recorded in history {
            rehearsal.incidents += 1;
            rehearsal.signals += recorded.occurrences;
            rehearsal.replay(recorded, policies);
            let at = recorded.told_at();
            let old = Outcome::of(recorded, before, covers, at);
            let new = Outcome::of(recorded, after, covers, at);
            rehearsal.count(&old, at, &clocks, |load| &mut load.before);
            rehearsal.count(&new, at, &new_clocks, |load| &mut load.after);
            if let Some(kind) = Kind::of(&old, &new, before.policy(), after.policy()) {
                let (incident, title) = (recorded.id.clone(), recorded.alert.title.clone());
                rehearsal.changes.push(Change { incident, at, title, kind, before: old, after: new });
            }
        }
        rehearsal.changes.sort_by(|a, b| {
            a.kind.cmp(&b.kind).then_with(|| b.at.cmp(&a.at)).then_with(|| a.incident.cmp(&b.incident))
        });
        rehearsal
    }

    /// Whether a page would be lost.
    pub fn loses_pages(&self) -> bool {
        self.changes.iter().any(|change| change.kind == Kind::Lost)
    }

    fn replay(&mut self, recorded: &Recorded, policies: &BTreeMap<Hash, Router>) {
        let Some(made) = &recorded.decision else { return };
        self.decisions += 1;
        let again = policies.get(&made.policy).and_then(|router| recorded.again(router));
        if again.as_ref() == Some(made) {
            self.exact += 1;
        } else {
            let (incident, policy) = (recorded.id.clone(), made.policy.clone());
            self.faults.push(Fault { incident, policy, instead: again });
        }
    }

    fn count(
        &mut self,
        outcome: &Outcome,
        at: Timestamp,
        clocks: &BTreeMap<String, TimeZone>,
        side: fn(&mut Load) -> &mut Pages,
    ) {
        if !outcome.pages() {
            return;
        }
        for who in &outcome.who {
            let hour = clocks.get(who).unwrap_or(&TimeZone::UTC).to_datetime(at).hour();
            if !self.people.contains_key(who) {
                self.people.insert(who.clone(), Load::default());
            }
            let Some(load) = self.people.get_mut(who) else { continue };
            let pages = side(load);
            pages.all += 1;
            pages.at_night += u32::from(!(MORNING..EVENING).contains(&hour));
        }
    }
}

impl Kind {
    /// How bad it is that `old` became `new`; `None` when nobody would notice.
    fn of(old: &Outcome, new: &Outcome, before: &Policy, after: &Policy) -> Option<Self> {
        let ticket = |outcome: &Outcome| (outcome.what == What::Ticket).then(|| outcome.who.clone());
        match (old.pages(), new.pages()) {
            (true, false) => Some(Self::Lost),
            (false, true) => Some(Self::Gained),
            (true, true) if old.who != new.who => Some(Self::Moved),
            (true, true) => (old.steps(before) != new.steps(after)).then_some(Self::Later),
            (false, false) => (ticket(old) != ticket(new)).then_some(Self::Ticket),
        }
    }
}

/// The clock of each person: that of the first schedule they are in.
fn clocks(policy: &Policy) -> BTreeMap<String, TimeZone> {
    let mut clocks = BTreeMap::new();
    for schedule in policy.schedules.values() {
        let Ok(zone) = TimeZone::get(&schedule.time_zone) else { continue };
        for member in schedule.members() {
            clocks.entry(format!("person:{member}")).or_insert_with(|| zone.clone());
        }
    }
    clocks
}

#[cfg(test)]
mod tests;
