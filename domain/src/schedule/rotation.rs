//! Rotations: which turn an instant is in, by arithmetic alone.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

use crate::policy::{Layer, Shift};

/// The number from 0, the beginning and the end of the turn that `now` is in; `None` before the first.
pub(super) fn turn_at(layer: &Layer, zone: &TimeZone, now: Timestamp) -> Option<(i64, Timestamp, Timestamp)> {
    let start = hand_off(layer, zone, 0)?;
    if now < start {
        return None;
    }
    let mut number = match layer.shift {
        Shift::Every(length) => {
            let length = Some(length.as_nanos()).filter(|length| *length > 0)?;
            i64::try_from(now.duration_since(start).as_nanos().div_euclid(length)).ok()?
        }
        Shift::Days(count) => {
            let days = layer.start.date().until(zone.to_datetime(now).date()).ok()?.get_days();
            i64::from(days).checked_div_euclid(count.into())?
        }
        Shift::Months(count) => {
            let (first, today) = (layer.start.date(), zone.to_datetime(now).date());
            let years = i64::from(today.year()) - i64::from(first.year());
            let months = years * 12 + i64::from(today.month()) - i64::from(first.month());
            months.checked_div_euclid(count.into())?
        }
    };
    let mut from = hand_off(layer, zone, number)?;
    // The date alone is one turn off where the hand-off of the day or month is still to come,
    while from > now {
        number -= 1;
        from = hand_off(layer, zone, number)?;
    }
    let mut until = hand_off(layer, zone, number + 1)?;
    // and where a clock was put back past midnight, or a day was skipped: its turn has no length, and the next has begun.
    while until <= now {
        number += 1;
        from = until;
        until = hand_off(layer, zone, number + 1)?;
    }
    Some((number, from, until))
}

/// When the turn of this number, from 0, begins.
fn hand_off(layer: &Layer, zone: &TimeZone, number: i64) -> Option<Timestamp> {
    let after = |span: Span| instant(zone, layer.start.checked_add(span).ok()?);
    match layer.shift {
        Shift::Every(length) => {
            let elapsed = length.as_nanos().checked_mul(number.into())?;
            let elapsed = SignedDuration::try_from_nanos_i128(elapsed)?;
            instant(zone, layer.start)?.checked_add(elapsed).ok()
        }
        Shift::Days(count) => after(Span::new().try_days(number.checked_mul(count.into())?).ok()?),
        Shift::Months(count) => after(Span::new().try_months(number.checked_mul(count.into())?).ok()?),
    }
}

/// The instant at which a wall clock in `zone` first shows `time`, or skips it; `None` beyond the calendar.
pub(crate) fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
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
