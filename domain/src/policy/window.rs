//! Windows: the times of the week at which a layer's turns count.

use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};

/// A time of the wall clock on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The days on which it begins; every day when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// When it begins; at midnight when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// When it ends: on the same day if that is later, else on the next; at the end of the day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The same day as the calendar has it.
    pub const fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

mapping!(Window, ["days", "from", "until"], fields => Window {
    days: fields.or_default("days"),
    from: fields.optional("from"),
    until: fields.optional("until"),
});

words!(Day, Mon, "mon" => Mon, "tue" => Tue, "wed" => Wed, "thu" => Thu, "fri" => Fri, "sat" => Sat, "sun" => Sun);

impl Read for Time {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "a time of the day", |text| {
            text.parse().map_err(|_| "write hours and minutes, such as `09:00`".to_owned())
        })
    }

    fn blank() -> Self {
        Self::midnight()
    }
}
