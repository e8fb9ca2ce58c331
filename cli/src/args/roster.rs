//! What can be asked about schedules, overrides, absences and calendars.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Reads an instant, or a time of the reader's own clock; a day alone is its midnight.
pub fn when(text: &str) -> Result<Timestamp, String> {
    let local = |time: DateTime| time.to_zoned(TimeZone::system()).map(|zoned| zoned.timestamp());
    let read = text.parse::<Timestamp>().or_else(|_| text.parse::<DateTime>().and_then(local));
    let read = read.or_else(|_| text.parse::<Date>().and_then(|date| local(date.at(0, 0, 0, 0))));
    read.map_err(|_| "write it such as 2026-11-21T09:00Z, 2026-11-21T09:00 or 2026-11-21".to_owned())
}

/// What to do with schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// List the schedules of the policy
    List,
    /// Draw who is on call when, a line for each day
    Show {
        /// The schedule
        name: String,
        /// From when; now when absent
        #[arg(long, value_name = "TIME", value_parser = when)]
        from: Option<Timestamp>,
        /// Until when; two weeks later when absent
        #[arg(long, value_name = "TIME", value_parser = when)]
        to: Option<Timestamp>,
    },
    /// Say which overrides a calendar comes to, and set them
    Import(Import),
}

/// What to import.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The schedule
    pub schedule: String,
    /// The calendar: an iCalendar file of at most 10 MB
    pub file: PathBuf,
    /// From when; now when absent
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub from: Option<Timestamp>,
    /// Until when; 90 days later when absent, and a year at most
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub until: Option<Timestamp>,
    /// Who an event of this title is; short and full names of people, and their e-mail addresses, are known
    #[arg(long, value_name = "TITLE=NAME", value_parser = is)]
    pub person: Vec<(String, String)>,
    /// Where the calendar's own name of a time zone is, such as "Romance Standard Time=Europe/Paris"
    #[arg(long, value_name = "NAME=ZONE", value_parser = is)]
    pub zone: Vec<(String, String)>,
    /// Take people and the schedule from this policy file and not from the active policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Set them; those that are set already stay as they are
    #[arg(long)]
    pub set: bool,
    /// Why, and on whose behalf
    #[command(flatten)]
    pub why: Why,
}

/// Reads what something is; a title may have a `=` of its own.
fn is(text: &str) -> Result<(String, String), String> {
    let (name, meaning) = text.rsplit_once('=').ok_or("write what it is after a =")?;
    Ok((name.to_owned(), meaning.to_owned()))
}

/// What to do with overrides.
#[derive(Debug, Subcommand)]
pub enum OverrideCommand {
    /// Put somebody on call for a while, whatever the rotation says
    Add {
        /// The schedule
        schedule: String,
        /// Who is on call, by their short name in the policy
        person: String,
        /// When
        #[command(flatten)]
        time: Time,
        /// Only where this person would be
        #[arg(long, value_name = "PERSON")]
        instead_of: Option<String>,
        /// Why, and on whose behalf
        #[command(flatten)]
        why: Why,
    },
    /// List the overrides and swaps
    List,
    /// Remove an override, or both halves of a swap
    Remove {
        /// Its id
        id: String,
    },
}

/// What to do with absences.
#[derive(Debug, Subcommand)]
pub enum AbsenceCommand {
    /// Say that somebody is away: their turns go to the next
    Add {
        /// Who is away, by their short name in the policy
        person: String,
        /// When
        #[command(flatten)]
        time: Time,
        /// Why, and on whose behalf
        #[command(flatten)]
        why: Why,
    },
    /// List the absences
    List,
    /// Remove an absence
    Remove {
        /// Its id
        id: String,
    },
}

/// Whose turns are swapped.
#[derive(Debug, clap::Args)]
pub struct Swap {
    /// The schedule
    pub schedule: String,
    /// Who gives turns away first, by their short name in the policy
    pub one: String,
    /// Who takes them, and gives turns away in return
    pub other: String,
    /// When the one's turns go to the other
    #[command(flatten)]
    pub time: Time,
    /// When the other's turns go to the one; at the same time when absent
    #[arg(long, value_name = "TIME", value_parser = when, requires = "return_until")]
    pub return_from: Option<Timestamp>,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = when, requires = "return_from")]
    pub return_until: Option<Timestamp>,
    /// Why, and on whose behalf
    #[command(flatten)]
    pub why: Why,
}

/// What to do with calendars.
#[derive(Debug, Subcommand)]
pub enum CalendarCommand {
    /// Make an address that a calendar program can subscribe to
    Create(Of),
    /// List the calendars, without their addresses
    List,
    /// Make a new address, and end the one before it
    Rotate(Of),
    /// End an address
    Remove(Of),
}

/// Whose shifts a calendar shows.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Of {
    /// One person's, on every schedule
    #[arg(long, value_name = "NAME")]
    pub person: Option<String>,
    /// Everybody's, on one schedule
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<String>,
}

/// From when until when.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Time {
    /// From when: an instant, or a time of your own clock
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub from: Timestamp,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub until: Timestamp,
}

/// What is written down beside a change.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    pub reason: String,
    /// On whose behalf, by their short name in the policy
    #[arg(long = "as", value_name = "PERSON")]
    pub by: Option<String>,
}
