//! Gaps ahead: times of the coming week at which a step of an escalation will find nobody (faults.md, H16).
//!
//! A step counts by all its schedules together, so teams that follow the sun on several of them have no gap. One that
//! also tells a person, a team or whoever is next has none either. A channel is no person: nobody's phone rings there.
//!
//! Each gap is told once a day, by day where its schedule is, so that nobody is woken by what can wait; one that begins
//! before the next morning cannot, and is told at once.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Covers, final_schedule, instant};
use crate::policy::{Policy, Step, Target};

/// How far ahead a gap is told of.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far ahead the end of a gap is looked for.
const SEEN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// When people are told of what can wait: from the one to the other.
const DAY: (Time, Time) = (Time::constant(9, 0, 0, 0), Time::constant(18, 0, 0, 0));

/// A time ahead at which nobody is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// All schedules of a step.
    pub schedules: BTreeSet<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` when it lasts for longer than anybody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What is written about gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GapEvent {
    /// Somebody is about to be told of gaps.
    Told {
        /// Each of them, of the same schedules.
        gaps: Vec<Gap>,
    },
}

/// Of which gaps somebody was told, until they begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToldGaps(Vec<Told>);

/// That somebody was told of a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    schedules: BTreeSet<String>,
    from: Timestamp,
    at: Timestamp,
}

impl ToldGaps {
    /// The gaps of `policy` that somebody is to be told of at `now`, those of the same schedules together.
    pub fn due(&self, policy: &Policy, covers: &Covers, now: Timestamp) -> Vec<Vec<Gap>> {
        let due = |schedules: BTreeSet<String>| {
            let zone = zone_of(&schedules, policy);
            let today = zone.to_datetime(now).date();
            let mut gaps = ahead(&schedules, policy, covers, now);
            gaps.retain(|gap| self.told_at(gap).is_none_or(|at| zone.to_datetime(at).date() != today));
            (!gaps.is_empty() && cannot_wait(gaps[0].from, &zone, now)).then_some(gaps)
        };
        alone(policy).into_iter().filter_map(due).collect()
    }

    /// What `event`, written at `at`, does.
    pub fn apply(&mut self, event: &GapEvent, at: Timestamp) {
        let GapEvent::Told { gaps } = event;
        let told = |known: &Told| gaps.iter().any(|gap| gap.schedules == known.schedules && gap.from == known.from);
        self.0.retain(|known| known.from > at && !told(known));
        self.0.extend(gaps.iter().map(|gap| Told { schedules: gap.schedules.clone(), from: gap.from, at }));
    }

    fn told_at(&self, gap: &Gap) -> Option<Timestamp> {
        self.0.iter().find(|told| told.schedules == gap.schedules && told.from == gap.from).map(|told| told.at)
    }
}

/// Every gap of `policy` that begins in the coming week, whoever was told of it, by schedule and in order.
pub fn gaps_ahead(policy: &Policy, covers: &Covers, now: Timestamp) -> Vec<Gap> {
    alone(policy).iter().flat_map(|schedules| ahead(schedules, policy, covers, now)).collect()
}

impl Gap {
    /// Who is to hear of it, whoever can be reached first: those whom the escalations over its schedules tell, in
    /// their order, and at last those whom the catch-all tells.
    pub fn owners<'a>(&self, policy: &'a Policy) -> Vec<&'a Target> {
        let theirs = |step: &Step| schedules_of(step).is_some_and(|schedules| schedules == self.schedules);
        let over = policy.escalations.values().filter(|escalation| escalation.steps.iter().any(theirs));
        let steps = over.chain(policy.escalations.get(&policy.catch_all.escalation)).flat_map(|known| &known.steps);
        steps.flat_map(|step| &step.notify).collect()
    }

    /// The time zone in which it is told: that of its first schedule.
    pub fn zone(&self, policy: &Policy) -> TimeZone {
        zone_of(&self.schedules, policy)
    }
}

fn zone_of(schedules: &BTreeSet<String>, policy: &Policy) -> TimeZone {
    let first = schedules.first().and_then(|name| policy.schedules.get(name));
    first.and_then(|schedule| TimeZone::get(&schedule.time_zone).ok()).unwrap_or(TimeZone::UTC)
}

/// The sets of schedules that steps of `policy` depend on alone.
fn alone(policy: &Policy) -> BTreeSet<BTreeSet<String>> {
    policy.escalations.values().flat_map(|escalation| &escalation.steps).filter_map(schedules_of).collect()
}

/// The schedules on which alone it depends whether `step` finds somebody; `None` when it depends on none.
fn schedules_of(step: &Step) -> Option<BTreeSet<String>> {
    let mut schedules = BTreeSet::new();
    for target in &step.notify {
        match target {
            Target::Schedule(name) => {
                schedules.insert(name.clone());
            }
            Target::Channel(_) => {}
            Target::Person(_) | Target::Team(_) | Target::Next(_) => return None,
        }
    }
    (!schedules.is_empty()).then_some(schedules)
}

/// The gaps that `schedules` have in common and that begin in the coming week, in order.
fn ahead(schedules: &BTreeSet<String>, policy: &Policy, covers: &Covers, now: Timestamp) -> Vec<Gap> {
    let end = |length| now.saturating_add(length).unwrap_or(Timestamp::MAX);
    let (soon, last) = (end(AHEAD), end(SEEN));
    let mut common = vec![(now, last)];
    for name in schedules {
        let spans = final_schedule(name, policy, covers, now, last);
        let gaps = spans.iter().filter(|span| span.is_gap()).map(|span| (span.from, span.until));
        common = gaps.flat_map(|gap| common.iter().filter_map(move |known| both(*known, gap))).collect();
    }
    let begins = common.into_iter().filter(|(from, _)| now < *from && *from <= soon);
    let gap = |(from, until)| Gap { schedules: schedules.clone(), from, until: Some(until).filter(|at| *at < last) };
    begins.map(gap).collect()
}

/// The time that two have in common.
fn both(one: (Timestamp, Timestamp), other: (Timestamp, Timestamp)) -> Option<(Timestamp, Timestamp)> {
    let (from, until) = (one.0.max(other.0), one.1.min(other.1));
    (from < until).then_some((from, until))
}

/// Whether it is day, or a gap from `from` on begins before the next day does.
fn cannot_wait(from: Timestamp, zone: &TimeZone, now: Timestamp) -> bool {
    let local = zone.to_datetime(now);
    if DAY.0 <= local.time() && local.time() < DAY.1 {
        return true;
    }
    let day = if local.time() < DAY.0 { Ok(local.date()) } else { local.date().tomorrow() };
    let morning = day.ok().and_then(|day| instant(zone, day.to_datetime(DAY.0)));
    morning.is_none_or(|morning| from < morning)
}
