//! How things are shown: JSON for scripts; for people, colours, tables and times in their own zone.
//!
//! Nothing that came from a sender is printed without [`text`], which writes out what could move a cursor or fool an eye.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

use anstyle::{AnsiColor, Style};
use domain::signal::Severity;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use watchkeeper::api::Status;

use crate::failure::Failure;

/// Emphasis.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// Good news.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// Bad news.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// News to think about.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Places and names.
pub const BLUE: Style = AnsiColor::Cyan.on_default();

/// How the reader wants it.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// As the API's JSON objects.
    pub json: bool,
}

impl Show {
    /// Prints `object` as JSON, or what `tell` makes of it.
    pub fn print<T: Serialize>(self, object: &T, tell: impl FnOnce(&T) -> String) {
        if self.json {
            out(&(serde_json::to_string_pretty(object).expect("the API's objects are plain JSON") + "\n"));
        } else {
            out(&tell(object));
        }
    }
}

/// Prints to standard output, in colour when that is a terminal.
pub fn out(text: &str) {
    finish(anstream::stdout().lock().write_all(text.as_bytes()));
}

/// Prints what is said beside the result.
pub fn aside(text: &str) {
    finish(anstream::stderr().lock().write_all(text.as_bytes()));
}

/// A reader that went away, such as `head`, has what it wanted.
fn finish(written: std::io::Result<()>) {
    if let Err(error) = written {
        std::process::exit(i32::from(error.kind() != ErrorKind::BrokenPipe));
    }
}

/// Prints why nothing came of it, and what to do.
pub fn fail(failure: &Failure) {
    let mut lines = format!("{} {}\n", paint(RED, "error:"), text_lines(&failure.to_string()));
    if let Some(fix) = failure.fix() {
        let _ = writeln!(lines, "{} {}", paint(BLUE, " help:"), text_lines(&fix));
    }
    aside(&lines);
}

/// `content` in `style`.
pub fn paint(style: Style, content: &str) -> String {
    format!("{style}{content}{style:#}")
}

/// A sender's text, made harmless.
pub fn text(content: &str) -> String {
    domain::text::visible(content)
}

/// A text of several lines, each made harmless.
fn text_lines(content: &str) -> String {
    content.lines().map(text).collect::<Vec<_>>().join("\n")
}

/// A day and a time on the reader's clock, with its zone.
pub fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A time of day on the reader's clock.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// The day on the reader's clock.
pub fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%A, %-d %B %Y (%Z)").to_string()
}

/// The style of a status.
pub const fn of_status(status: Status) -> Style {
    match status {
        Status::Triggered => RED,
        Status::Acknowledged => YELLOW,
        Status::Resolved => GREEN,
    }
}

/// The style of a severity.
pub const fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => RED,
        Severity::Error | Severity::Warning => YELLOW,
        Severity::Info => DIM,
    }
}

/// Rows under their heading, in columns as wide as they need; the last is as long as it likes.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[(Style, String); N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].1.chars().count());
        cells.chain([heading[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let head = heading.map(|name| (DIM, name.to_owned()));
    let mut lines = String::new();
    for row in std::iter::once(&head).chain(rows) {
        for (column, (style, cell)) in row.iter().enumerate() {
            let last = column + 1 == N;
            let padding = if last { 0 } else { widths[column] - cell.chars().count() + 2 };
            let _ = write!(lines, "{}{}", paint(*style, cell), " ".repeat(padding));
        }
        lines.push('\n');
    }
    lines
}
