//! Schedules: who is on call at an instant.

use jiff::Timestamp;

use crate::policy::Schedule;

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

/// Who is on call for `schedule` at `now`; `None` when nobody is.
pub fn on_call(_schedule: &Schedule, _now: Timestamp) -> Option<Turn<'_>> {
    None
}
