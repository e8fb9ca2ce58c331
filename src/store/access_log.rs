//! The access log: who read what, and who was refused.
//!
//! Each sandbox of a function writes a stream of its own each day, whose head it remembers: so a record is one put that
//! nobody else can be in the way of. Whatever is unclear about a stream ends it, and the next record begins another.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::access::{AccessEvent, stream};
use domain::cause::Cause;
use domain::log::{Entry, Hash, Record};
use jiff::Timestamp;

use super::record::{ABSENT, item};
use crate::aws::Aws;
use crate::error::Error;

/// In how many streams a record is tried.
const TRIES: u32 = 3;

/// The access log, as this sandbox writes it.
#[derive(Debug)]
pub struct AccessLog {
    client: Client,
    records: String,
    /// The end of the stream that is written; `None` before the first, and while a record is on its way.
    end: Mutex<Option<End>>,
}

/// Where a stream goes on.
#[derive(Debug)]
struct End {
    day: String,
    stream: String,
    seq: u64,
    head: Hash,
}

impl AccessLog {
    /// The access log in the table `records`.
    pub fn new(aws: &Aws, records: String) -> Self {
        Self { client: aws.dynamodb(), records, end: Mutex::default() }
    }

    /// Writes `event` down.
    pub async fn append(&self, cause: &Cause, event: AccessEvent, now: Timestamp) -> Result<(), Error> {
        let today = now.strftime("%Y-%m-%d").to_string();
        let end = self.end().take().filter(|end| end.day >= today);
        let mut end = end.map_or_else(|| End::new(&today), Ok)?;
        for _ in 0..TRIES {
            let (stream, events) = (end.stream.clone(), vec![event.clone()]);
            let record = Record::new(stream, end.seq, end.head.clone(), cause, events, now);
            let entry = record.seal();
            if self.put(&record, &entry).await? {
                *self.end() = Some(End { seq: end.seq + 1, head: entry.hash, ..end });
                return Ok(());
            }
            end = End::new(&today)?;
        }
        Err(Error::Conflict)
    }

    /// Puts a record where none is; whether this very record is there now.
    async fn put(&self, record: &Record<AccessEvent>, entry: &Entry) -> Result<bool, Error> {
        let put = self.client.put_item().table_name(&self.records).condition_expression(ABSENT);
        // A put that is tried again because its answer was lost finds itself.
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let sent = put.set_item(Some(item(record, entry))).send().await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(taken)) => {
                    let there = taken.item().and_then(|item| item.get("hash")?.as_s().ok());
                    Ok(there.is_some_and(|hash| hash == entry.hash.as_str()))
                }
                _ => Err(Error::aws("writing an access down", error)),
            },
        }
    }

    fn end(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// The beginning of a stream that nobody else writes.
    fn new(day: &str) -> Result<Self, Error> {
        let mut writer = [0; 8];
        getrandom::fill(&mut writer).map_err(|_| Error::Misconfigured("there is no randomness".to_owned()))?;
        let stream = stream(day, &domain::hex(&writer));
        Ok(Self { day: day.to_owned(), stream, seq: 0, head: Hash::zero() })
    }
}
