//! Schedules: who is on call at an instant.
//!
//! Turns are computed, never stored and never stepped through: ten years of hand-offs cost as much as one.
//! A hand-off at a local time that does not exist happens at the first instant after the gap; at a local time that
//! comes twice, it happens at the first (faults.md, H01 to H05).

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

use crate::policy::{Policy, Rotation, Schedule, Shift};

mod cover;

pub use cover::{Absence, Covers, Override};

/// The most turns that are listed at once.
pub const LISTED: usize = 1000;

/// A turn of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn<'a> {
    /// The short name of who is on call.
    pub person: &'a str,
    /// When the turn began.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// Who is on call for the schedule `name` of `policy` at `now`; `None` when nobody is, or there is no such schedule.
///
/// The engine, the API, the command and the calendars all ask this one function (faults.md, H14).
pub fn on_call<'a>(name: &str, policy: &'a Policy, covers: &'a Covers, now: Timestamp) -> Option<Turn<'a>> {
    let _ = covers;
    rostered(policy.schedules.get(name)?, now)
}

/// Who is on call for the schedule `name` after whoever is at `now`; `None` when nobody else is to come.
pub fn next_on_call<'a>(name: &str, policy: &'a Policy, covers: &'a Covers, now: Timestamp) -> Option<Turn<'a>> {
    let mut turn = on_call(name, policy, covers, now)?;
    let person = turn.person;
    for _ in 0..LISTED {
        turn = on_call(name, policy, covers, turn.until)?;
        if turn.person != person {
            return Some(turn);
        }
    }
    None
}

/// Whose turn it is by the rotation alone.
fn rostered(schedule: &Schedule, now: Timestamp) -> Option<Turn<'_>> {
    let zone = TimeZone::get(&schedule.time_zone).ok()?;
    turn_at(&schedule.rotation, &zone, now)
}

/// The turns of `schedule` that touch the time from `from` up to `until`, in order, at most [`LISTED`] of them.
pub fn turns(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Vec<Turn<'_>> {
    let Ok(zone) = TimeZone::get(&schedule.time_zone) else { return Vec::new() };
    let rotation = &schedule.rotation;
    let Some(start) = hand_off(rotation, &zone, 0) else { return Vec::new() };
    let mut at = from.max(start);
    let mut listed = Vec::new();
    while at < until && listed.len() < LISTED {
        let Some(turn) = turn_at(rotation, &zone, at) else { break };
        at = turn.until;
        listed.push(turn);
    }
    listed
}

fn turn_at<'a>(rotation: &'a Rotation, zone: &TimeZone, now: Timestamp) -> Option<Turn<'a>> {
    if rotation.members.is_empty() || now < hand_off(rotation, zone, 0)? {
        return None;
    }
    let (number, from, until) = match rotation.shift {
        Shift::Every(length) => {
            let number = exact_turn(hand_off(rotation, zone, 0)?, length, now)?;
            (number, hand_off(rotation, zone, number)?, hand_off(rotation, zone, number + 1)?)
        }
        Shift::Daily | Shift::Weekly => wall_clock_turn(rotation, zone, now)?,
    };
    let members = i64::try_from(rotation.members.len()).ok()?;
    let person = usize::try_from(number.rem_euclid(members)).ok()?;
    Some(Turn { person: &rotation.members[person], from, until })
}

/// The number of the turn of an exact `length` that `now` is in.
fn exact_turn(start: Timestamp, length: SignedDuration, now: Timestamp) -> Option<i64> {
    let length = Some(length.as_nanos()).filter(|length| *length > 0)?;
    i64::try_from(now.duration_since(start).as_nanos().div_euclid(length)).ok()
}

/// The number, beginning and end of the turn that `now` is in, when turns change by the wall clock.
fn wall_clock_turn(rotation: &Rotation, zone: &TimeZone, now: Timestamp) -> Option<(i64, Timestamp, Timestamp)> {
    let today = zone.to_datetime(now).date();
    let days = rotation.start.date().until(today).ok()?.get_days();
    let mut number = i64::from(days).div_euclid(days_of(rotation.shift));
    let mut from = hand_off(rotation, zone, number)?;
    // The date alone is at most one turn off: today's hand-off may still be to come.
    if from > now {
        number -= 1;
        from = hand_off(rotation, zone, number)?;
    }
    let mut until = hand_off(rotation, zone, number + 1)?;
    // Where a zone skipped a whole day, the turn of that day has no length, and the next one has begun with it.
    while until <= now {
        number += 1;
        from = until;
        until = hand_off(rotation, zone, number + 1)?;
    }
    Some((number, from, until))
}

const fn days_of(shift: Shift) -> i64 {
    if matches!(shift, Shift::Weekly) { 7 } else { 1 }
}

/// When the turn of this number, from 0, begins.
fn hand_off(rotation: &Rotation, zone: &TimeZone, number: i64) -> Option<Timestamp> {
    let local = |time| instant(zone, time);
    match rotation.shift {
        Shift::Every(length) => {
            let elapsed = length.as_nanos().checked_mul(number.into())?;
            let elapsed = SignedDuration::try_from_nanos_i128(elapsed)?;
            local(rotation.start)?.checked_add(elapsed).ok()
        }
        shift => {
            let days = Span::new().try_days(number.checked_mul(days_of(shift))?).ok()?;
            local(rotation.start.checked_add(days).ok()?)
        }
    }
}

/// The instant at which a wall clock in `zone` first shows `time`, or skips it.
fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let shown = ambiguous.compatible().ok()?;
    if !gap {
        return Some(shown);
    }
    // Past the gap by as much as `time` is into it; the clock jumped at the last change before that.
    let after = shown.checked_add(SignedDuration::from_nanos(1)).ok()?;
    zone.preceding(after).next().map(|change| change.timestamp())
}

#[cfg(test)]
mod tests;
