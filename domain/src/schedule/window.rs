//! Windows: whether a layer's turns count at an instant.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::instant;
use super::roster::Still;
use crate::policy::Window;

/// The days around today on which a window that matters now may begin: it lasts a day at most, a zone may have skipped
/// another, and the next of the same day of the week is a week away.
const DAYS: std::ops::RangeInclusive<i64> = -3..=8;

/// Whether one of `windows` is open now, or there is none; notes when that may change.
pub(super) fn is_open(windows: &[Window], zone: &TimeZone, still: &mut Still) -> bool {
    if windows.is_empty() {
        return true;
    }
    let now = still.now;
    let today = zone.to_datetime(now).date();
    let days = DAYS.filter_map(|days| today.checked_add(Span::new().days(days)).ok());
    let mut open = false;
    for (from, until) in days.flat_map(|day| windows.iter().filter_map(move |window| on(window, day, zone))) {
        still.changes(from);
        still.changes(until);
        open |= from <= now && now < until;
    }
    open
}

/// When the window that begins on `day` opens and closes; `None` where none does.
fn on(window: &Window, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let begins = window.days.is_empty() || window.days.iter().any(|known| known.weekday() == day.weekday());
    if !begins {
        return None;
    }
    let (from, until) = (window.from.unwrap_or(Time::midnight()), window.until.unwrap_or(Time::midnight()));
    let last = if until > from { day } else { day.tomorrow().ok()? };
    Some((instant(zone, DateTime::from_parts(day, from))?, instant(zone, DateTime::from_parts(last, until))?))
}
