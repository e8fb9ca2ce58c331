//! The report: what the records of a period say to an auditor, as tables, as events for a security lake and as a page.
//!
//! Streams are read one by one and on their own ([`Reader`]), many side by side; what they come to is gathered
//! ([`Gathered`]) and merged in any order ([`Facts`]), so a million records take the memory of a few thousand. Nothing
//! is looked up anywhere else: whoever holds the records makes the same report again.

use std::ops::Range;

use jiff::Timestamp;

mod change;
mod controls;
mod facts;
mod finding;
mod incident;
pub mod ocsf;
mod page;
mod reader;
mod spread;
mod summary;
pub mod table;
mod target;

pub use controls::{Control, Evidence, controls};
pub use facts::{ChangeMade, Day, Facts, Kept, Open, Responses, Times, Touched};
pub use finding::{Finding, FindingKind, Findings, Weight};
pub use page::page;
pub use reader::{Gathered, Reader};
pub use spread::Spread;
pub use summary::{About, Attainment, Level, Recurring, Report};
pub use table::Table;
pub use target::{Target, target};

/// The time that a report is about, in UTC: from its start until its end.
pub type Period = Range<Timestamp>;

#[cfg(test)]
mod tests;
