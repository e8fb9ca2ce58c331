//! Reads a stream, record by record, into rows, events and facts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::incident::Story;
use super::table::{Cells, ExceptionRow, FindingRow, line};
use super::{Facts, Finding, FindingKind, Period, Table, change};
use crate::incident::IncidentId;

/// What the records of some streams come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The rows of each table as lines of CSV.
    pub rows: BTreeMap<Table, String>,
    /// The same for a security lake: a line of OCSF each.
    pub events: String,
    /// What all of it comes to.
    pub facts: Facts,
}

/// A record as far as every stream has it.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    /// The stream.
    pub(super) stream: String,
    /// Its place in it.
    pub(super) seq: u64,
    /// When it was written.
    pub(super) at: Timestamp,
    /// The request that caused it.
    #[serde(default)]
    pub(super) cause: String,
    /// What happened.
    #[serde(default)]
    pub(super) events: Vec<Value>,
    /// Who caused it and how they proved who they are, where the record says so.
    #[serde(default)]
    pub(super) by: Value,
}

/// Reads one stream.
pub struct Reader<'a> {
    stream: &'a str,
    period: &'a Period,
    story: Option<Box<Story>>,
    seen: bool,
}

impl<'a> Reader<'a> {
    /// Reads `stream` for what happened in `period`.
    pub fn new(stream: &'a str, period: &'a Period) -> Self {
        let incident = stream.strip_prefix("incident#").and_then(IncidentId::parse);
        Self { stream, period, story: incident.map(|id| Box::new(Story::new(id))), seen: false }
    }

    /// Whether it has to be read from its first record on, as what it stands at is told.
    pub fn is_folded(stream: &str) -> bool {
        stream.starts_with("incident#")
    }

    /// Reads the next record, by its stored body.
    pub fn push(&mut self, seq: u64, body: &str, gathered: &mut Gathered) {
        let Ok(line) = serde_json::from_str::<Line>(body) else {
            return self.unreadable(seq, gathered);
        };
        if line.at >= self.period.end {
            return;
        }
        let within = line.at >= self.period.start;
        if within {
            gathered.facts.records += 1;
            gathered.facts.streams += u64::from(!self.seen);
            self.seen = true;
        }
        let read = match &mut self.story {
            Some(story) => story.push(body, within, gathered),
            None if within => {
                change::push(&line, gathered);
                Ok(())
            }
            None => Ok(()),
        };
        if read.is_err() {
            self.unreadable(seq, gathered);
        }
    }

    /// The service that the stream is about, if it is about one.
    pub fn service(&self) -> Option<&str> {
        let named = || self.stream.strip_prefix("changes#");
        self.story.as_ref().map_or_else(named, |story| story.service())
    }

    /// Ends the stream: what can be told of the whole is told now.
    pub fn finish(self, gathered: &mut Gathered) {
        if let Some(story) = self.story
            && self.seen
        {
            story.finish(self.period, gathered);
        }
    }

    fn unreadable(&self, seq: u64, gathered: &mut Gathered) {
        gathered.find(Finding {
            kind: FindingKind::UnreadableRecord,
            at: self.period.start,
            stream: self.stream.to_owned(),
            seq: Some(seq),
            subject: self.stream.to_owned(),
            what: format!("record {seq} of {} cannot be read by this version", self.stream),
        });
    }
}

impl Gathered {
    /// Adds what was gathered of streams that come after.
    pub fn merge(&mut self, other: Self) {
        for (table, rows) in other.rows {
            self.rows.entry(table).or_default().push_str(&rows);
        }
        self.events.push_str(&other.events);
        self.facts.merge(other.facts);
    }

    /// Adds a row.
    pub fn row<R: Cells>(&mut self, row: &R) {
        self.rows.entry(R::TABLE).or_default().push_str(&line(&row.cells()));
    }

    /// Adds an event for a security lake.
    pub(super) fn event(&mut self, event: &Value) {
        self.events.push_str(&event.to_string());
        self.events.push('\n');
    }

    /// Adds a finding, and its row.
    pub fn find(&mut self, finding: Finding) {
        self.row(&FindingRow {
            at: finding.at.to_string(),
            kind: finding.kind.as_str().to_owned(),
            weight: word(&finding.kind.weight()),
            subject: finding.subject.clone(),
            what: finding.what.clone(),
            advice: finding.kind.advice().to_owned(),
            stream: finding.stream.clone(),
            seq: finding.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        });
        self.facts.findings.add(finding);
    }

    /// Adds what did not go as it should, under what it concerns.
    pub(super) fn except(&mut self, row: &ExceptionRow, at: Timestamp) {
        self.facts.exception(&row.kind, &row.subject, at);
        self.row(row);
    }
}

/// The word by which serde knows a plain variant.
pub(super) fn word(of: &impl serde::Serialize) -> String {
    let Ok(Value::String(word)) = serde_json::to_value(of) else { return String::new() };
    word
}
