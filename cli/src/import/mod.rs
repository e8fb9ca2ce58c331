//! Importing a calendar: the turns that it has, as overrides of a schedule.
//!
//! A file is bounded before it is read: its size, how many series it has, how far ahead they are followed, and how many
//! turns come of it. Every event that is not taken is listed with its line and the reason.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use watchkeeper::api::{ActivePolicy, OverrideList};

use crate::args::Import;
use crate::client::Client;
use crate::failure::Failure;
use crate::policy::{self, Warnings};
use crate::show::Show;

mod calendar;
mod event;
mod find;
mod line;
mod series;
mod set;
mod told;
mod who;

use calendar::Calendar;
use series::Window;

/// The largest file, in bytes.
const LARGEST: u64 = 10_000_000;
/// The most turns of an import.
const MOST_TURNS: usize = 2000;
/// How far ahead turns are looked for unless it is said otherwise.
const AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How far ahead they are looked for, and how long one lasts, at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// What a calendar comes to.
#[derive(Debug, Serialize)]
struct Found {
    schedule: String,
    from: Timestamp,
    until: Timestamp,
    turns: Vec<Turn>,
    left_out: Vec<LeftOut>,
}

/// Somebody's turn, by an event.
#[derive(Debug, Serialize)]
struct Turn {
    person: String,
    from: Timestamp,
    until: Timestamp,
    event: String,
    line: usize,
    state: State,
    #[serde(skip)]
    uid: String,
}

impl Turn {
    /// What makes two turns the same, the earliest first.
    fn key(&self) -> (Timestamp, Timestamp, &str) {
        (self.from, self.until, &self.person)
    }
}

/// Whether a turn is an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is not, as far as is known.
    New,
    /// It was before.
    Known,
    /// It is now.
    Set,
    /// It will never be, as it is over.
    Over,
}

/// An event that was not taken.
#[derive(Debug, Serialize)]
struct LeftOut {
    line: usize,
    event: String,
    why: String,
}

/// Prints the overrides that a calendar comes to, and sets them if that is asked for.
pub fn import(asked: &Import, client: impl FnOnce() -> Result<Client, Failure>, show: Show) -> Result<(), Failure> {
    let file = read(&asked.file)?;
    let no_calendar = || Failure::failed(format!("{} is no calendar: it has no VCALENDAR", asked.file.display()));
    let calendar = Calendar::read(&file).ok_or_else(no_calendar)?;
    let (policy, client) = if let Some(file) = &asked.policy {
        let policy = policy::read(file, Warnings::LeftOut)?.0;
        (policy, if asked.set { Some(client()?) } else { None })
    } else {
        let client = client()?;
        (client.get::<ActivePolicy>("/v1/policy")?.policy, Some(client))
    };
    let mut found = find::find(asked, &calendar, &policy)?;
    if let Some(client) = &client {
        let known: OverrideList = client.get("/v1/overrides")?;
        set::mark(&mut found, &known.overrides, Timestamp::now());
        if asked.set {
            set::set(&mut found, asked, client)?;
        }
    }
    show.print(&found, |found| told::tell(found, asked.set));
    match found.left_out.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("1 event was not taken")),
        several => Err(Failure::failed(format!("{several} events were not taken"))),
    }
}

/// The bytes of a file that is not too large.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::NotFound { what: format!("{}: {error}", file.display()), fix: None };
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("{} is too large: it has more than {LARGEST} bytes", file.display());
        return Err(Failure::Failed { what, fix: Some("export fewer events, or a shorter time".to_owned()) });
    }
    Ok(bytes)
}

/// The time that an import looks at.
fn window(asked: &Import) -> Result<Window, Failure> {
    let from = asked.from.unwrap_or_else(Timestamp::now);
    let end = |length| from.saturating_add(length).unwrap_or(Timestamp::MAX);
    let until = asked.until.unwrap_or_else(|| end(AHEAD));
    if until <= from || until > end(LONGEST) {
        return Err(Failure::Usage("--until is later than --from, by a year at most".to_owned()));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests;
