//! A stream: its records are whole, and those that a checkpoint vouches for (INV6).

use jiff::Timestamp;
use serde::Deserialize;

use super::{COVERED_WITHIN, Fault, Finding};
use crate::evidence::gather::Covered;
use crate::incident::IncidentId;
use crate::log::{Entry, verify};

/// The log of one stream, and how far a checkpoint covers it.
#[derive(Debug, Clone, Copy)]
pub struct Trail<'a> {
    /// The stream.
    pub name: &'a str,
    /// All its records, in order.
    pub log: &'a [Entry],
    /// How far it is covered; `None` where no checkpoints are made.
    pub covered: Option<&'a Covered>,
}

/// When a record was written.
#[derive(Deserialize)]
struct Frame {
    at: Timestamp,
}

/// Checks the records of one stream.
pub fn stream(trail: &Trail<'_>, now: Timestamp) -> Vec<Finding> {
    let Trail { name, log, covered } = *trail;
    let incident = name.strip_prefix("incident#").and_then(IncidentId::parse);
    let found = |fault, place: String| Finding::new(fault, incident.as_ref(), format!("stream {name}, {place}"));
    if let Err(broken) = verify(name, log) {
        return vec![found(Fault::Broken, broken.to_string())];
    }
    let Some(covered) = covered else { return Vec::new() };
    let size = usize::try_from(covered.size).unwrap_or(usize::MAX);
    let signed = size.checked_sub(1).map(|last| log.get(last));
    match signed {
        Some(None) => {
            let place = format!("there are {} records, and a checkpoint covers {size}", log.len());
            return vec![found(Fault::Rewritten, place)];
        }
        Some(Some(last)) if last.hash != covered.head => {
            return vec![found(Fault::Rewritten, format!("a checkpoint covers another record {}", size - 1))];
        }
        Some(Some(_)) | None => {}
    }
    let next = log.get(size).and_then(|entry| serde_json::from_str::<Frame>(&entry.body).ok());
    let late = next.filter(|frame| now.duration_since(frame.at) >= COVERED_WITHIN);
    late.map(|frame| found(Fault::Uncovered, format!("record {size} of {}", frame.at))).into_iter().collect()
}
