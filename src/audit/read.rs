//! What there is, as it is kept: checkpoints, records, and the proof of a single record.

use std::ops::Range;

use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::note::PublicKey;
use domain::evidence::proof::Proof;
use domain::log::{Entry, Record};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Auditor;
use crate::api;
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::read::invalid;
use crate::reply::Reply;

/// How many checkpoints a page has. Each is read whole, though its note alone is shown.
const CHECKPOINTS: u64 = 20;
/// How many records a page has unless it is said otherwise, and at most.
const RECORDS: u64 = 500;
/// The most bytes of an answer: a function's own bound is 6 MB.
const LARGEST: usize = 5_000_000;
/// How many checkpoints after the time of a record may be the one that covers it: more than a day of late ones.
const LATE: u64 = 48;

impl Auditor {
    /// The checkpoints after the one that is named, as their signed notes.
    pub(super) async fn checkpoints(&self, request: &Http) -> Result<Reply, Error> {
        let after = number(request, "after")?.unwrap_or_default();
        let mut checkpoints = Vec::new();
        for number in after.saturating_add(1)..=after.saturating_add(CHECKPOINTS) {
            let Some(kept) = self.evidence.checkpoint(number).await? else {
                return Ok(Reply::json(200, &api::CheckpointList { checkpoints, next: None }));
            };
            checkpoints.push(api::Checkpoint { number, note: kept.note.as_str().to_owned() });
        }
        let next = checkpoints.last().map(|last| last.number);
        Ok(Reply::json(200, &api::CheckpointList { checkpoints, next }))
    }

    /// All that is kept of a checkpoint; one that is larger than an answer can be is fetched as it is kept.
    pub(super) async fn kept(&self, number: &str) -> Result<Reply, Error> {
        let missing = || Error::NotFound("the checkpoint".to_owned());
        let number: u64 = number.parse().map_err(|_| missing())?;
        let reply = Reply::json(200, &self.evidence.checkpoint(number).await?.ok_or_else(missing)?);
        if reply.body.len() <= LARGEST {
            return Ok(reply);
        }
        let link = self.evidence.link(&crate::store::checkpoint_name(number))?;
        Ok(Reply::empty(307).with("location", &link).with("cache-control", "no-store"))
    }

    /// Has a checkpoint made now, and waits for it.
    pub(super) async fn make(&self) -> Result<Reply, Error> {
        let made = self.checkpoint.call("making a checkpoint", &json!({})).await?;
        let made: api::MadeCheckpoint =
            serde_json::from_value(made).map_err(|_| Error::Misconfigured("no checkpoint was answered".to_owned()))?;
        Ok(Reply::json(201, &made).with("location", &format!("/v1/audit/checkpoints/{}", made.number)))
    }

    /// The public keys.
    pub(super) async fn keys(&self) -> Result<Reply, Error> {
        let keys = self.evidence.keys().await?.iter().map(PublicKey::pem).collect();
        Ok(Reply::json(200, &api::EvidenceKeys { origin: self.origin.clone(), keys }))
    }

    /// Records of any stream as the table has them.
    pub(super) async fn stream(&self, stream: &str, request: &Http) -> Result<Reply, Error> {
        let from = number(request, "from")?.unwrap_or_default();
        let most = number(request, "limit")?.unwrap_or(RECORDS).clamp(1, RECORDS);
        let mut entries = self.records.read(stream, from, i32::try_from(most).unwrap_or(i32::MAX)).await?;
        if entries.is_empty() && from == 0 {
            return Err(Error::NotFound("the stream".to_owned()));
        }
        let mut room = LARGEST;
        let fits = entries.iter().take_while(|entry| {
            // Quotes and backslashes are written twice.
            let size = entry.body.len() * 2 + 200;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        // One record always fits: an item of DynamoDB has 400 KB.
        let fits = fits.count();
        let cut = fits < entries.len();
        entries.truncate(fits);
        let more = cut || entries.len() as u64 == most;
        let next = more.then(|| from + entries.len() as u64);
        Ok(Reply::json(200, &api::Records { stream: stream.to_owned(), entries, next }))
    }

    /// The proof that a record is in the log.
    pub(super) async fn proof(&self, request: &Http) -> Result<Reply, Error> {
        let named = pairs(&request.query).find(|(name, _)| name == "stream").map(|(_, value)| value);
        let stream = named.ok_or_else(|| invalid("stream is missing"))?;
        let seq = number(request, "seq")?.ok_or_else(|| invalid("seq is missing"))?;
        let missing = || Error::NotFound("the record".to_owned());
        let record = self.records.read(&stream, seq, 1).await?.pop().ok_or_else(missing)?;
        let read: Record<Value> = Record::open(&record).map_err(|_| missing())?;
        let uncovered = || invalid("no checkpoint covers this record yet; make one by POST /v1/audit/checkpoints");
        let kept = self.covering(&stream, seq, read.at).await?.ok_or_else(uncovered)?;
        let head = kept.heads.iter().find(|head| head.stream == stream).ok_or_else(uncovered)?;
        let entries = self.all(&stream, head.from..head.size).await?;
        let bodies: Vec<&str> = entries.iter().map(|entry| entry.body.as_str()).collect();
        let proof = Proof::of(&kept, &stream, seq, &bodies);
        let rewritten = || Error::Misconfigured(format!("the records of {stream} are not those that were signed for"));
        Ok(Reply::json(200, &proof.ok_or_else(rewritten)?))
    }

    /// The checkpoint that covers record `seq` of `stream`, which was written at `at`.
    async fn covering(&self, stream: &str, seq: u64, at: Timestamp) -> Result<Option<Kept>, Error> {
        let newest = self.evidence.newest(0).await?;
        // Clocks differ a little, so the search begins one earlier.
        let first = self.first_since(newest, at).await?.saturating_sub(1).max(1);
        for number in first..=newest.min(first + LATE) {
            let Some(kept) = self.evidence.checkpoint(number).await? else { return Ok(None) };
            let covers =
                |head: &domain::evidence::head::Head| head.stream == stream && (head.from..head.size).contains(&seq);
            if kept.heads.iter().any(covers) {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// The first checkpoint made at `at` or later, or the number after the newest.
    async fn first_since(&self, newest: u64, at: Timestamp) -> Result<u64, Error> {
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low.midpoint(high);
            let kept = self.evidence.checkpoint(middle).await?;
            let made = kept.and_then(|kept| Checkpoint::parse(kept.note.text()?)).map(|said| said.at);
            if made.is_some_and(|made| made >= at) { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    async fn all(&self, stream: &str, numbers: Range<u64>) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        let mut next = numbers.start;
        while next < numbers.end {
            let most = i32::try_from((numbers.end - next).min(RECORDS)).unwrap_or(i32::MAX);
            let page = self.records.read(stream, next, most).await?;
            if page.is_empty() {
                break;
            }
            next += page.len() as u64;
            entries.extend(page);
        }
        Ok(entries)
    }
}

/// The number that the query has under `name`.
fn number(request: &Http, name: &str) -> Result<Option<u64>, Error> {
    let found = pairs(&request.query).find(|(known, _)| known == name);
    found.map(|(_, value)| value.parse().map_err(|_| invalid(&format!("{name} is a number")))).transpose()
}
