//! Calendars that can be subscribed to, as the API shows and takes them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose shifts a calendar shows: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CalendarOf {
    /// Those of one person on every schedule, by short name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Those of everybody on one schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// A calendar that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NewCalendar {
    /// Where it is. Whoever has the address can read it; it is told this once, and any address before it is none.
    pub url: String,
}

/// A calendar, without its address, which nobody knows but whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Calendar {
    /// Whose shifts it shows.
    pub of: CalendarOf,
    /// Who made it.
    pub by: String,
    /// When its address was made.
    pub at: Timestamp,
}

/// The calendars that can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CalendarList {
    /// Each of them.
    pub calendars: Vec<Calendar>,
}
