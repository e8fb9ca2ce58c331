//! How long a turn is.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Read, Reader};

/// How to write it.
const FIX: &str =
    "write hourly, daily, weekly, monthly, such as `3 days`, `2 weeks` or `2 months`, or a length such as 12h";
/// The most days of one turn.
const MOST: u16 = 366;

/// How long a turn is: by the calendar, or an exact length.
///
/// Turns of days and months change at the same time of the wall clock; a length such as `12h`, and `hourly`, is elapsed
/// time whatever the clock does (faults.md, H05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Shift {
    /// Days of the wall clock, at least 1.
    Days(u16),
    /// Months of the calendar, at least 1. From a day that a month does not have, the turn changes on its last.
    Months(u16),
    /// Elapsed time.
    Every(SignedDuration),
}

impl Shift {
    /// One day.
    pub const DAILY: Self = Self::Days(1);
    /// Seven days.
    pub const WEEKLY: Self = Self::Days(7);
    /// One month.
    pub const MONTHLY: Self = Self::Months(1);
    /// One hour that passes, so that a day of 25 hours has 25 turns.
    pub const HOURLY: Self = Self::Every(SignedDuration::from_hours(1));
}

impl FromStr for Shift {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "hourly" => return Ok(Self::HOURLY),
            "daily" => return Ok(Self::DAILY),
            "weekly" => return Ok(Self::WEEKLY),
            "monthly" => return Ok(Self::MONTHLY),
            _ => {}
        }
        let counted = text.split_once(' ').and_then(|(count, unit)| {
            let count = count.parse().ok().filter(|count| (1..=MOST).contains(count))?;
            match unit {
                "day" | "days" => Some(Self::Days(count)),
                "week" | "weeks" if count <= MOST / 7 => Some(Self::Days(count * 7)),
                "month" | "months" if count <= 12 => Some(Self::Months(count)),
                _ => None,
            }
        });
        counted.or_else(|| text.parse().ok().map(Self::Every)).ok_or(FIX)
    }
}

impl TryFrom<String> for Shift {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Shift> for String {
    fn from(shift: Shift) -> Self {
        shift.to_string()
    }
}

/// As a policy writes it, one way for each length.
impl fmt::Display for Shift {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::DAILY => out.write_str("daily"),
            Self::WEEKLY => out.write_str("weekly"),
            Self::MONTHLY => out.write_str("monthly"),
            Self::Days(days) if days % 7 == 0 => write!(out, "{} weeks", days / 7),
            Self::Days(days) => write!(out, "{days} days"),
            Self::Months(months) => write!(out, "{months} months"),
            Self::Every(length) => write!(out, "{length}"),
        }
    }
}

impl Read for Shift {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "the length of a turn", |text| text.parse().map_err(str::to_owned))
    }

    fn blank() -> Self {
        Self::DAILY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h05_a_shift_is_written_one_way_and_read_in_several() {
        let table = [
            ("hourly", Shift::HOURLY, "PT1H"),
            ("daily", Shift::DAILY, "daily"),
            ("1 day", Shift::DAILY, "daily"),
            ("3 days", Shift::Days(3), "3 days"),
            ("weekly", Shift::WEEKLY, "weekly"),
            ("7 days", Shift::WEEKLY, "weekly"),
            ("2 weeks", Shift::Days(14), "2 weeks"),
            ("monthly", Shift::MONTHLY, "monthly"),
            ("2 months", Shift::Months(2), "2 months"),
            ("12h", Shift::Every(SignedDuration::from_hours(12)), "PT12H"),
            ("PT12H", Shift::Every(SignedDuration::from_hours(12)), "PT12H"),
            ("7h 30m", Shift::Every(SignedDuration::from_mins(450)), "PT7H30M"),
        ];
        for (text, shift, written) in table {
            assert_eq!(text.parse(), Ok(shift), "{text}");
            assert_eq!(serde_json::to_value(shift).expect("a text"), written, "{text}");
            assert_eq!(written.parse(), Ok(shift), "{text}");
        }
        for text in ["", "yearly", "0 days", "-1 days", "367 days", "53 weeks", "13 months", "2 fortnights", "days"] {
            assert_eq!(text.parse::<Shift>(), Err(FIX), "{text}");
        }
    }
}
