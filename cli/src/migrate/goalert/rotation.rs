//! Rotations: whose turn it is now, and when the next begins.
//!
//! GoAlert remembers who is active and moves on at each hand-off, so its `start` says when hand-offs are and not whose
//! turn it is. The next hand-off says both.

use domain::policy::{Layer, Shift};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::Deserialize;

use crate::migrate::draft::Draft;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotation {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) time_zone: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "one")]
    shift_length: u16,
    #[serde(default)]
    active_user_index: usize,
    #[serde(default, rename = "userIDs")]
    user_ids: Vec<String>,
    #[serde(default)]
    next_handoff_times: Vec<Timestamp>,
}

const fn one() -> u16 {
    1
}

impl Rotation {
    /// Its turns as a layer of the wall clock in `zone`.
    pub(super) fn layer(&self, draft: &Draft, zone: &TimeZone) -> Result<Layer, String> {
        let mut members = draft.members(self.user_ids.iter().map(String::as_str))?;
        let shift = self.shift()?;
        let next = *self.next_handoff_times.first().ok_or_else(|| match members.len() {
            1 => "the export does not say when it hands off: ask for nextHandoffTimes(num: 1)".to_owned(),
            _ => "the export does not say whose turn it is until when: ask for nextHandoffTimes(num: 1)".to_owned(),
        })?;
        let count = members.len();
        members.rotate_left(self.active_user_index % count);
        let start = before(next, shift, zone).ok_or("it hands off at an impossible time")?;
        Ok(Layer { name: self.name.clone(), time_zone: None, members, shift, start, end: None, restrict: Vec::new() })
    }

    fn shift(&self) -> Result<Shift, String> {
        let length = self.shift_length;
        let shift = match self.kind.as_str() {
            // Whole days are days of the wall clock.
            "hourly" if length.is_multiple_of(24) && length > 0 => Shift::Days(length / 24),
            "hourly" => Shift::Every(SignedDuration::from_hours(length.into())),
            "daily" => Shift::Days(length),
            "weekly" => Shift::Days(length.saturating_mul(7)),
            "monthly" => Shift::Months(length),
            other => return Err(format!("a turn `{other}` is not known")),
        };
        if length == 0 || matches!(shift, Shift::Days(367..) | Shift::Months(13..)) {
            return Err(format!("a turn of {length} {} is not possible", self.kind));
        }
        Ok(shift)
    }

    /// What is not the same about its turns.
    pub(super) fn differs(&self) -> Option<String> {
        let moves = matches!(self.shift(), Ok(Shift::Every(_)));
        moves
            .then(|| format!("turns of rotation `{}` are elapsed time: they move when the clock is changed", self.name))
    }

    /// Adds a schedule of it alone, for a step that tells it.
    pub(super) fn alone(&self, draft: &mut Draft) {
        let Ok(zone) = TimeZone::get(&self.time_zone) else {
            draft.left_out("rotation", &self.name, format!("`{}` is no IANA time zone", self.time_zone));
            return;
        };
        match self.layer(draft, &zone) {
            Ok(layer) => {
                let names = draft.schedule(&self.id, &self.name, &self.time_zone, vec![vec![layer]]);
                let differs: Vec<String> = self.differs().into_iter().collect();
                draft.partly("rotation", &self.name, format!("schedules.{}", names.join(", schedules.")), &differs);
            }
            Err(why) => draft.left_out("rotation", &self.name, why),
        }
    }
}

/// When the turn began that ends at `next`.
fn before(next: Timestamp, shift: Shift, zone: &TimeZone) -> Option<DateTime> {
    let local = zone.to_datetime(next);
    match shift {
        Shift::Days(days) => local.checked_sub(Span::new().days(i64::from(days))).ok(),
        Shift::Months(months) => local.checked_sub(Span::new().months(i64::from(months))).ok(),
        Shift::Every(length) => next.checked_sub(length).ok().map(|at| zone.to_datetime(at)),
    }
}
