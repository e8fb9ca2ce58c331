//! Archiving: what the table of records tells of itself is put into the locked bucket, so that the log outlives it.
//!
//! A batch is one object, and the same batch again is the same object. That somebody changed or removed a record is
//! written down and never archived over: what was written first stays.

use domain::evidence::event::{Event, How};
use domain::evidence::gather::Link;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::store::{Coverage, Evidence, EvidenceLog};

/// What archives.
pub struct Archiver {
    /// The locked bucket.
    pub evidence: Evidence,
    /// What waits for a checkpoint.
    pub coverage: Coverage,
    /// Where it is written that somebody rewrote a record.
    pub log: EvidenceLog,
}

/// Changes of the table, in order, as its stream hands them over.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "eventName")]
    kind: Kind,
    dynamodb: Images,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Insert,
    Modify,
    Remove,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    /// In seconds since 1970.
    approximate_creation_date_time: f64,
    sequence_number: String,
    keys: Keys,
    #[serde(default)]
    new_image: Row,
}

#[derive(Debug, Deserialize)]
struct Keys {
    stream: Text,
    seq: Number,
}

/// A row, as far as anybody needs it. What is no record may have anything for a body.
#[derive(Debug, Default, Deserialize)]
struct Row {
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Number {
    #[serde(rename = "N")]
    text: String,
}

/// What came of a batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// How many records are in the archive now.
    pub records: usize,
    /// How many changes were none that this log ever makes.
    pub rewritten: usize,
}

impl Archiver {
    /// Archives a batch. The same again changes nothing.
    pub async fn archive(&self, batch: &Batch, now: Timestamp) -> Result<Archived, Error> {
        let (bodies, rewritten): (Vec<_>, Vec<_>) = batch.changes.iter().map(Change::told).unzip();
        let bodies: Vec<&str> = bodies.into_iter().flatten().collect();
        let rewritten: Vec<Event> = rewritten.into_iter().flatten().collect();
        if let ([first, ..], [.., last]) = (&batch.changes[..], &batch.changes[..])
            && !bodies.is_empty()
        {
            let name = name(&first.dynamodb, &last.dynamodb);
            self.evidence.archive(&name, &bodies).await?;
            self.coverage.add(&name).await?;
        }
        if let Some(first) = batch.changes.first().filter(|_| !rewritten.is_empty()) {
            metrics::counter!("records_rewritten").increment(rewritten.len() as u64);
            tracing::error!(changes = rewritten.len(), "somebody rewrites the log");
            let cause = format!("archive/{}", first.dynamodb.sequence_number);
            self.log.change(&cause, now, |_| rewritten.clone()).await?;
        }
        metrics::counter!("records_archived").increment(bodies.len() as u64);
        Ok(Archived { records: bodies.len(), rewritten: rewritten.len() })
    }
}

impl Change {
    /// The record that was written, or what else was done.
    fn told(&self) -> (Option<&str>, Option<Event>) {
        let Images { keys: Keys { stream, seq }, new_image, .. } = &self.dynamodb;
        let body = new_image.body["S"].as_str();
        let seq = seq.text.parse().unwrap_or_default();
        let own = |body: &&str| {
            let link = Link::read(body).filter(|link| link.stream == stream.text && link.seq == seq);
            // A record has none, and a line of the archive is one record.
            link.is_some() && !body.contains('\n')
        };
        let how = match (self.kind, body.filter(own)) {
            (Kind::Insert, Some(body)) => return (Some(body), None),
            (Kind::Insert, None) => How::Foreign,
            (Kind::Modify, _) => How::Changed,
            (Kind::Remove, _) => How::Removed,
        };
        (None, Some(Event::Rewritten { stream: stream.text.clone(), seq, how }))
    }
}

/// The name of a batch's object: names sort as the records were written, by the hour and then by their numbers in the
/// stream of the table.
fn name(first: &Images, last: &Images) -> String {
    let written = SignedDuration::try_from_secs_f64(first.approximate_creation_date_time).unwrap_or_default();
    let hour = hour(Timestamp::from_duration(written).unwrap_or_default());
    format!("{hour}/{:0>40}-{:0>40}.jsonl.zst", first.sequence_number, last.sequence_number)
}

/// The folder of the archive for what was written at `at`.
pub(crate) fn hour(at: Timestamp) -> String {
    at.strftime("archive/%Y/%m/%d/%H").to_string()
}
