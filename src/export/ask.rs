//! What an export is asked for: a range that somebody names, or the last whole week or month.

use domain::evidence::bundle::Selection;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What an execution of the machine `export` begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asked {
    /// What a schedule asks for: the last whole week or month before its execution began.
    Regularly {
        /// Which.
        every: Every,
        /// When its execution began.
        at: Timestamp,
    },
    /// What somebody asks for.
    Range {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// The classes of data to include, sorted; without any, all.
        #[serde(default)]
        classes: Vec<String>,
    },
}

/// How often an export is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// From Monday until Monday, in UTC.
    Week,
    /// A month of the calendar, in UTC.
    Month,
}

impl Asked {
    /// The selection of the log `origin` that is asked for. The same again is the same export.
    pub fn selection(&self, origin: &str) -> Result<Selection, Error> {
        let origin = origin.to_owned();
        let (from, until, classes) = match self {
            Self::Range { from, until, classes } => {
                let mut classes = classes.clone();
                classes.sort();
                classes.dedup();
                (*from, *until, classes)
            }
            Self::Regularly { every, at } => {
                let (from, until) =
                    last(*every, *at).ok_or_else(|| Error::InvalidEvent("at is no time of ours".to_owned()))?;
                (from, until, Vec::new())
            }
        };
        if from >= until {
            return Err(Error::InvalidEvent("from is a time before until".to_owned()));
        }
        Ok(Selection { origin, from, until, classes })
    }
}

/// The last whole week or month before `at`.
fn last(every: Every, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = at.to_zoned(TimeZone::UTC).date();
    let (from, until) = match every {
        Every::Week => {
            let until = today.checked_sub(i64::from(today.weekday().since(Weekday::Monday)).days()).ok()?;
            (until.checked_sub(7.days()).ok()?, until)
        }
        Every::Month => (today.first_of_month().checked_sub(1.month()).ok()?, today.first_of_month()),
    };
    let start = |date: jiff::civil::Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    Some((start(from)?, start(until)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_asks_for_the_last_whole_week_or_month() {
        for (every, at, from, until) in [
            (Every::Week, "2026-11-23T01:30:00Z", "2026-11-16", "2026-11-23"),
            (Every::Week, "2026-11-22T23:59:59Z", "2026-11-09", "2026-11-16"),
            (Every::Month, "2026-11-01T02:00:00Z", "2026-10-01", "2026-11-01"),
            (Every::Month, "2027-01-31T02:00:00Z", "2026-12-01", "2027-01-01"),
        ] {
            let asked: Asked =
                serde_json::from_value(serde_json::json!({ "every": every, "at": at })).expect("what a schedule sends");
            let selection = asked.selection("o").expect("a range");
            let midnight = |day: &str| format!("{day}T00:00:00Z");
            assert_eq!((selection.from.to_string(), selection.until.to_string()), (midnight(from), midnight(until)));
        }
    }

    #[test]
    fn k15_the_same_request_is_the_same_export_whatever_the_order_of_its_classes() {
        let asked = |classes: &[&str]| {
            let classes = classes.iter().map(|class| (*class).to_owned()).collect();
            let (from, until) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
            Asked::Range { from, until, classes }.selection("o").expect("a range").id()
        };
        assert_eq!(asked(&["a", "b"]), asked(&["b", "a", "b"]));
        assert_ne!(asked(&["a"]), asked(&[]));
        let backwards = Asked::Range { from: Timestamp::MAX, until: Timestamp::MIN, classes: Vec::new() };
        assert!(backwards.selection("o").is_err());
    }
}
