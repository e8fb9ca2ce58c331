//! A ledger: one thing that people change at run time, and the log of every change to it.
//!
//! Its value is one row of the table `state`, so whoever decides by it reads it at once and whole; each change moves the
//! row together with a record of the ledger's stream, or not at all.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::cause::Cause;
use domain::log::{Hash, Record};
use domain::recent::{Known, Recent};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::incidents::{STEP, lost_race, pause};
use super::record::{is_behind, put};
use super::records::Records;
use crate::aws::Aws;
use crate::error::Error;

/// How often a change is decided again when others write to the same ledger.
const TRIES: u32 = 16;
/// How many records are read at once.
const PAGE: i32 = 500;
/// The largest value in bytes: an item of DynamoDB has 400 KB, and some room is left for what grows at the next change.
const LARGEST: usize = 350_000;
/// By how many bytes a change may make a value larger that has no room left: whatever ends or removes something adds no
/// more than its cause and a few times.
const SLIGHT: usize = 256;

/// One thing that people change at run time.
#[derive(Debug, Clone)]
pub struct Ledger<T, E> {
    client: Client,
    log: Records,
    records: String,
    state: String,
    stream: &'static str,
    apply: fn(&mut T, &E, Timestamp),
}

/// A ledger as it stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Standing<T> {
    /// How many records its stream has.
    pub seq: u64,
    /// The hash of the last of them.
    pub head: Hash,
    /// What all of them come to.
    pub value: T,
    /// The causes recorded last: a request that comes again finds itself here.
    #[serde(default)]
    causes: Recent,
}

impl<T, E> Ledger<T, E>
where
    T: Clone + Default + Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned,
{
    /// The ledger whose records are in `stream` of the table `records`, and whose value, which each event changes by
    /// `apply`, is in the table `state`.
    pub fn new(
        aws: &Aws,
        records: String,
        state: String,
        stream: &'static str,
        apply: fn(&mut T, &E, Timestamp),
    ) -> Self {
        Self { client: aws.dynamodb(), log: Records::new(aws, records.clone()), records, state, stream, apply }
    }

    /// How it stands now.
    pub async fn read(&self) -> Result<Standing<T>, Error> {
        let found = self.client.get_item().table_name(&self.state).consistent_read(true).set_key(Some(self.key()));
        let found = found.send().await.map_err(|error| Error::aws("reading a ledger", error))?;
        let body = found.item().and_then(|item| item.get("body")?.as_s().ok());
        let Some(body) = body else { return Ok(Standing::default()) };
        serde_json::from_str(body)
            .map_err(|_| Error::Misconfigured(format!("the row of {} cannot be read", self.stream)))
    }

    /// Asks `decide` what to write next, and writes it; asks again, a bounded number of times, when somebody else moved
    /// first. A `cause` that is in the log already changes nothing, and neither does a decision without events.
    pub async fn append(
        &self,
        cause: &Cause,
        now: Timestamp,
        mut decide: impl FnMut(&T) -> Result<Vec<E>, Error>,
    ) -> Result<Standing<T>, Error> {
        for attempt in 0..TRIES {
            let standing = self.read().await?;
            if standing.causes.knows(&cause.request, now) == Known::Yes {
                return Ok(standing);
            }
            let events = decide(&standing.value)?;
            if events.is_empty() {
                return Ok(standing);
            }
            if let Some(after) = self.write(&standing, cause, events, now).await? {
                return Ok(after);
            }
            pause(attempt, STEP).await;
        }
        Err(Error::Conflict)
    }

    /// Writes `events` as the next record. `None` when somebody else moved first.
    async fn write(
        &self,
        before: &Standing<T>,
        cause: &Cause,
        events: Vec<E>,
        now: Timestamp,
    ) -> Result<Option<Standing<T>>, Error> {
        let record = Record::new(self.stream.to_owned(), before.seq, before.head.clone(), cause, events, now);
        let entry = record.seal();
        let mut after = before.clone();
        record.events.iter().for_each(|event| (self.apply)(&mut after.value, event, now));
        after.causes.add(&cause.request, now);
        after.seq += 1;
        after.head = entry.hash.clone();
        let body = body(&after);
        if !has_room(before, &body) {
            return Err(Error::InvalidEvent(format!("{} has no room for more; remove what is over", self.stream)));
        }
        let items = vec![put(&self.records, &record, &entry)?, self.row(before, after.seq, &body)?];
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        match sent {
            Ok(_) => Ok(Some(after)),
            Err(error) if lost_race(&error) => {
                if is_behind(&error) {
                    Box::pin(self.catch_up(before)).await?;
                }
                Ok(None)
            }
            Err(error) => Err(Error::aws("changing a ledger", error)),
        }
    }

    /// Writes the row anew, from the log: the table `state` was lost, or went back to an earlier day (faults.md, D12).
    async fn catch_up(&self, behind: &Standing<T>) -> Result<(), Error> {
        let mut after = behind.clone();
        loop {
            let page = self.log.read(self.stream, after.seq, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                let record = Record::<E>::open(&entry).map_err(|_| {
                    Error::Misconfigured(format!("record {} of {} cannot be read", after.seq, self.stream))
                })?;
                record.events.iter().for_each(|event| (self.apply)(&mut after.value, event, record.at));
                after.causes.add(&record.cause, record.at);
                after.seq += 1;
                after.head = entry.hash;
            }
        }
        tracing::warn!(stream = self.stream, behind = behind.seq, seq = after.seq, "a ledger is made anew");
        let items = vec![self.row(behind, after.seq, &body(&after))?];
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Err(error) if !lost_race(&error) => Err(Error::aws("making a ledger anew", error)),
            _ => Ok(()),
        }
    }

    /// Puts the row of a ledger that had moved as far as `before`.
    fn row(&self, before: &Standing<T>, seq: u64, body: &str) -> Result<TransactWriteItem, Error> {
        let row = Put::builder().table_name(&self.state).set_item(Some(self.key()));
        let row = row.item("seq", n(seq)).item("body", s(body));
        let row = if before.seq == 0 {
            row.condition_expression("attribute_not_exists(pk)")
        } else {
            row.condition_expression("seq = :seq").expression_attribute_values(":seq", n(before.seq))
        };
        let row = row.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(row).build())
    }

    fn key(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_owned(), s(self.stream)), ("sk".to_owned(), s("ledger"))])
    }
}

fn body<T: Serialize>(standing: &Standing<T>) -> String {
    serde_json::to_string(standing).expect("a ledger is plain JSON")
}

/// Whether `body` may take the place of `before`. What makes room must go through where there is none.
fn has_room<T: Serialize>(before: &Standing<T>, body: &str) -> bool {
    body.len() <= LARGEST
        || serde_json::to_string(before).is_ok_and(|before| body.len() <= before.len().saturating_add(SLIGHT))
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d05_a_full_ledger_takes_nothing_more_but_what_makes_room() {
        let body = |value: usize| serde_json::to_string(&full(value)).expect("JSON");
        let before = full(LARGEST);
        assert!(body(LARGEST).len() > LARGEST);
        for (value, fits) in [(LARGEST - 1000, true), (LARGEST + 200, true), (LARGEST + 300, false)] {
            assert_eq!(has_room(&before, &body(value)), fits, "{value}");
        }
        assert!(has_room(&full(10), &body(LARGEST - 1000)), "there is room");
        assert!(!has_room(&full(10), &body(LARGEST)), "and then there is none");
    }

    fn full(length: usize) -> Standing<String> {
        Standing { value: "x".repeat(length), ..Standing::default() }
    }
}
