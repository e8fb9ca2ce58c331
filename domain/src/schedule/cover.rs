//! Covers: who takes whose turn for a while, set at run time and never touched by a policy.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::incident::Actor;
use crate::policy::Policy;

/// How long something that is over is still shown.
const SHOWN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest that an override or an absence may last.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Every override and absence that is not long over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Covers {
    /// In the order in which they were set: a later one wins.
    pub overrides: Vec<Override>,
    /// When people are away, whatever the schedule.
    pub absences: Vec<Absence>,
}

/// Somebody is on call for a while, whatever the rotation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Names it; the two of a swap have one name.
    pub id: String,
    /// The schedule it belongs to, and no other.
    pub schedule: String,
    /// Who is on call.
    pub person: String,
    /// Only where this person would be; without it, whoever would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who set it.
    pub by: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Names it.
    pub id: String,
    /// Who is away.
    pub person: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub by: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What is written about covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CoverEvent {
    /// Somebody takes turns.
    OverrideSet {
        /// The override.
        set: Override,
    },
    /// Two people take turns of each other.
    Swapped {
        /// One takes turns of the other, and the other of the one.
        swap: [Override; 2],
    },
    /// An override or a swap counts no more.
    OverrideRemoved {
        /// Its name.
        id: String,
        /// Who removed it.
        by: Actor,
        /// What it was; both of a swap.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        before: Vec<Override>,
    },
    /// Somebody is away.
    AbsenceSet {
        /// The absence.
        set: Absence,
    },
    /// An absence counts no more.
    AbsenceRemoved {
        /// Its name.
        id: String,
        /// Who removed it.
        by: Actor,
        /// What it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Absence>,
    },
}

/// Why an override or an absence cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no such schedule.
    #[error("the policy has no schedule `{0}`")]
    Schedule(String),
    /// There is no such person.
    #[error("the policy has nobody called `{0}`")]
    Person(String),
    /// Somebody would stand in for themselves.
    #[error("`{0}` cannot take their own turns")]
    Themselves(String),
    /// It would end before it begins, or as it does.
    #[error("`until` must be later than `from`")]
    Backwards,
    /// It would be over already.
    #[error("`until` is over already")]
    Over,
    /// It would last for longer than a year.
    #[error("it would last for more than a year")]
    Long,
}

impl Covers {
    /// None at all.
    pub const NONE: &'static Self = &Self { overrides: Vec::new(), absences: Vec::new() };

    /// What they come to after `event` at `at`. What has been over for a week is dropped on the occasion.
    pub fn apply(&mut self, event: &CoverEvent, at: Timestamp) {
        match event.clone() {
            CoverEvent::OverrideSet { set } => self.overrides.push(set),
            CoverEvent::Swapped { swap } => self.overrides.extend(swap),
            CoverEvent::OverrideRemoved { id, .. } => self.overrides.retain(|set| set.id != id),
            CoverEvent::AbsenceSet { set } => self.absences.push(set),
            CoverEvent::AbsenceRemoved { id, .. } => self.absences.retain(|set| set.id != id),
        }
        let shown = |until: Timestamp| until.checked_add(SHOWN).map_or(true, |end| end > at);
        self.overrides.retain(|set| shown(set.until));
        self.absences.retain(|set| shown(set.until));
    }

    /// Whether `person` is away at `now`.
    pub fn is_away(&self, person: &str, now: Timestamp) -> bool {
        self.absences.iter().any(|absence| absence.person == person && absence.from <= now && now < absence.until)
    }

    /// The overrides for `schedule` that never count because `policy` does not know who they are about, and why.
    pub fn ignored<'a>(&'a self, schedule: &'a str, policy: &Policy) -> impl Iterator<Item = (&'a Override, Unfit)> {
        self.overrides.iter().filter(move |set| set.schedule == schedule).filter_map(move |set| {
            let about = [Some(&set.person), set.instead_of.as_ref()];
            let unknown = about.into_iter().flatten().find(|person| !policy.people.contains_key(*person))?;
            Some((set, Unfit::Person(unknown.clone())))
        })
    }
}

impl Override {
    /// Why it cannot be set by `policy` at `now`.
    pub fn check(&self, policy: &Policy, now: Timestamp) -> Result<(), Unfit> {
        if !policy.schedules.contains_key(&self.schedule) {
            return Err(Unfit::Schedule(self.schedule.clone()));
        }
        known(policy, &self.person)?;
        if let Some(person) = &self.instead_of {
            known(policy, person)?;
            if *person == self.person {
                return Err(Unfit::Themselves(person.clone()));
            }
        }
        fits(self.from, self.until, now)
    }
}

impl Absence {
    /// Why it cannot be set by `policy` at `now`.
    pub fn check(&self, policy: &Policy, now: Timestamp) -> Result<(), Unfit> {
        known(policy, &self.person)?;
        fits(self.from, self.until, now)
    }
}

fn known(policy: &Policy, person: &str) -> Result<(), Unfit> {
    if policy.people.contains_key(person) { Ok(()) } else { Err(Unfit::Person(person.to_owned())) }
}

fn fits(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), Unfit> {
    if until <= from {
        return Err(Unfit::Backwards);
    }
    if until <= now {
        return Err(Unfit::Over);
    }
    if until.duration_since(from) > LONGEST { Err(Unfit::Long) } else { Ok(()) }
}
