//! A roster: a schedule with everything that says who is on call, and what it comes to at an instant.

use jiff::{SignedDuration, Timestamp};

use super::{Covers, FOLLOWED, Override, Source, Turn, instant, rotation, window};
use crate::policy::{Layer, Policy, Schedule};

/// A schedule, whom its policy knows, and what was set at run time.
#[derive(Clone, Copy)]
pub(super) struct Roster<'a> {
    name: &'a str,
    schedule: &'a Schedule,
    policy: &'a Policy,
    covers: &'a Covers,
}

/// What a roster comes to at an instant, and the time around it in which nothing changes.
#[derive(Debug, Clone)]
pub(super) struct Moment<'a> {
    /// Everybody whom a layer or an override has, who wins first.
    pub(super) turns: Vec<Turn<'a>>,
    /// Since when nothing changed.
    pub(super) from: Timestamp,
    /// Until when nothing changes.
    pub(super) until: Timestamp,
}

impl<'a> Moment<'a> {
    /// Who is on call.
    pub(super) fn person(&self) -> Option<&'a str> {
        self.turns.first().map(|turn| turn.person)
    }
}

/// The time around an instant in which nothing changes, as far as is known.
pub(super) struct Still {
    pub(super) now: Timestamp,
    from: Timestamp,
    until: Timestamp,
}

impl Still {
    /// Notes that something may change at `at`.
    pub(super) fn changes(&mut self, at: Timestamp) {
        if at <= self.now {
            self.from = self.from.max(at);
        } else {
            self.until = self.until.min(at);
        }
    }
}

impl<'a> Roster<'a> {
    /// The roster of the schedule `name`; `None` when the policy has no such schedule.
    pub(super) fn new(name: &str, policy: &'a Policy, covers: &'a Covers) -> Option<Self> {
        let (name, schedule) = policy.schedules.get_key_value(name)?;
        Some(Self { name, schedule, policy, covers })
    }

    /// Everybody who may ever be on call.
    pub(super) fn people(&self) -> impl Iterator<Item = &'a str> {
        let members = self.schedule.all().flat_map(|layer| &layer.members).map(String::as_str);
        members.chain(self.overrides().map(|set| set.person.as_str()))
    }

    fn overrides(&self) -> impl Iterator<Item = &'a Override> + use<'a> {
        let name = self.name;
        self.covers.overrides.iter().filter(move |set| set.schedule == name)
    }

    /// What it comes to at `now`.
    pub(super) fn at(&self, now: Timestamp) -> Moment<'a> {
        let mut still = Still { now, from: Timestamp::MIN, until: Timestamp::MAX };
        let mut turns: Vec<Turn<'a>> =
            self.schedule.all().rev().filter_map(|layer| self.layer(layer, &mut still)).collect();
        let away = self.covers.absences.iter().map(|absence| (absence.from, absence.until));
        for (from, until) in self.overrides().map(|set| (set.from, set.until)).chain(away) {
            still.changes(from);
            still.changes(until);
        }
        let counting: Vec<&Override> = self.overrides().filter(|set| self.counts(set, now)).collect();
        // The two halves of a swap have one id, and each sees what was before both.
        for together in counting.chunk_by(|one, other| one.id == other.id) {
            let before = turns.first().cloned();
            let ours = together.iter().filter(|set| applies(set, before.as_ref()));
            for set in ours {
                let turn =
                    Turn { person: &set.person, source: Source::Override(set), from: set.from, until: set.until };
                turns.insert(0, turn);
            }
        }
        Moment { turns, from: still.from, until: still.until }
    }

    /// Whom a layer has, with the whole of their turn in the rotation.
    fn layer(&self, layer: &'a Layer, still: &mut Still) -> Option<Turn<'a>> {
        let zone = layer.zone(self.schedule)?;
        let (start, end) = (instant(&zone, layer.start)?, layer.end.and_then(|end| instant(&zone, end)));
        still.changes(start);
        if let Some(end) = end {
            still.changes(end);
        }
        let now = still.now;
        if layer.members.is_empty() || now < start || end.is_some_and(|end| end <= now) {
            return None;
        }
        if !window::is_open(&layer.restrict, &zone, still) {
            return None;
        }
        let (number, from, until) = rotation::turn_at(layer, &zone, now)?;
        still.changes(from);
        still.changes(until);
        let members = layer.members.len();
        let own = usize::try_from(number.rem_euclid(i64::try_from(members).ok()?)).ok()?;
        let absent = layer.members[own].as_str();
        let mut order = layer.members.iter().cycle().skip(own).take(members).map(String::as_str);
        let person = order.find(|member| !self.covers.is_away(member, now))?;
        let layer = layer.name.as_str();
        let source = if person == absent { Source::Layer { layer } } else { Source::StandIn { layer, absent } };
        Some(Turn { person, source, from, until })
    }

    /// Whether an override is one now, by somebody who can be told.
    fn counts(&self, set: &Override, now: Timestamp) -> bool {
        let known = self.policy.people.contains_key(&set.person);
        known && set.from <= now && now < set.until && !self.covers.is_away(&set.person, now)
    }

    /// The turn of whoever is on call at `moment`, from when to when they are without a break.
    pub(super) fn turn(&self, moment: Moment<'a>) -> Option<Turn<'a>> {
        let whole = moment.turns.into_iter().next()?;
        let same = |moment: &Moment<'a>| moment.turns.first() == Some(&whole);
        let (mut from, mut until) = (moment.from, moment.until);
        for _ in 0..FOLLOWED {
            if until >= whole.until {
                break;
            }
            let next = self.at(until);
            if !same(&next) {
                break;
            }
            until = next.until;
        }
        for _ in 0..FOLLOWED {
            if from <= whole.from {
                break;
            }
            let Ok(before) = from.checked_sub(SignedDuration::from_nanos(1)) else { break };
            let before = self.at(before);
            if !same(&before) {
                break;
            }
            from = before.from;
        }
        Some(Turn { from, until, ..whole })
    }
}

/// Whether an override counts where `before` would be on call without it.
fn applies(set: &Override, before: Option<&Turn<'_>>) -> bool {
    let Some(person) = set.instead_of.as_deref() else { return true };
    before.is_some_and(|turn| {
        turn.person == person || matches!(turn.source, Source::StandIn { absent, .. } if absent == person)
    })
}
