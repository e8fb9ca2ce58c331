//! Subjects: the keys of what people write about somebody, and the log of those that were destroyed.
//!
//! A subject's row says which key is theirs; the key has a row of its own, so that a text is read without knowing whom it
//! is about. Both go together, with the record that says so.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::cause::Cause;
use domain::incident::Actor;
use domain::log::Record;
use domain::sealed::{Key, RANDOM, STREAM, Subject, SubjectEvent};
use jiff::Timestamp;

use super::incidents::{STEP, lost_race, pause};
use super::record::{Item, end, put};
use crate::aws::Aws;
use crate::error::Error;

/// How often something is tried again when others do the same.
const TRIES: u32 = 16;

/// The subjects.
#[derive(Debug, Clone)]
pub struct Subjects {
    client: Client,
    records: String,
    state: String,
}

impl Subjects {
    /// Subjects in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self { client: aws.dynamodb(), records, state }
    }

    /// The key named `id`; `None` once it is destroyed.
    pub async fn key(&self, id: &str) -> Result<Option<Key>, Error> {
        let Some(row) = self.row(key_row(id)).await? else { return Ok(None) };
        let secret = row.get("secret").and_then(|secret| secret.as_b().ok()?.as_ref().try_into().ok());
        let secret = secret.ok_or_else(|| Error::Misconfigured("a key of a subject cannot be read".to_owned()))?;
        Ok(Some(Key::new(id.to_owned(), secret)))
    }

    /// The key of `subject`, made when they have none.
    pub async fn key_of(&self, subject: &Subject) -> Result<Key, Error> {
        for attempt in 0..TRIES {
            if let Some(id) = self.id_of(subject).await?
                && let Some(key) = self.key(&id).await?
            {
                return Ok(key);
            }
            let (id, secret) = (domain::hex(&random::<16>()?), random::<{ RANDOM.0 }>()?);
            let (mut whose, mut key) = (subject_row(subject), key_row(&id));
            whose.insert("key".to_owned(), AttributeValue::S(id.clone()));
            key.insert("secret".to_owned(), AttributeValue::B(Blob::new(secret)));
            if self.write(vec![self.new_row(whose)?, self.new_row(key)?]).await? {
                return Ok(Key::new(id, secret));
            }
            pause(attempt, STEP).await;
        }
        Err(Error::Conflict)
    }

    /// Destroys the key of `subject` and writes down that `by` did, and why; `NotFound` when they have none.
    pub async fn erase(
        &self,
        subject: &Subject,
        by: &Actor,
        reason: &str,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<String, Error> {
        let mut tried = None;
        for attempt in 0..TRIES {
            let Some(id) = self.id_of(subject).await? else {
                // Gone since we tried: by that, its answer lost, or by somebody else who did the same.
                return tried.ok_or_else(|| Error::NotFound("what is written about the subject".to_owned()));
            };
            let (seq, head) = end(&self.client, &self.records, STREAM).await?;
            let erased = SubjectEvent::Erased { key: id.clone(), by: by.clone(), reason: reason.to_owned() };
            let record = Record::new(STREAM.to_owned(), seq, head, cause, vec![erased], now);
            let items = vec![
                put(&self.records, &record, &record.seal())?,
                self.no_row(subject_row(subject))?,
                self.no_row(key_row(&id))?,
            ];
            if self.write(items).await? {
                return Ok(id);
            }
            tried = Some(id);
            pause(attempt, STEP).await;
        }
        Err(Error::Conflict)
    }

    /// The name of the key of `subject`.
    async fn id_of(&self, subject: &Subject) -> Result<Option<String>, Error> {
        let row = self.row(subject_row(subject)).await?;
        Ok(row.and_then(|row| row.get("key")?.as_s().ok().cloned()))
    }

    async fn row(&self, key: Item) -> Result<Option<Item>, Error> {
        let found = self.client.get_item().table_name(&self.state).consistent_read(true).set_key(Some(key));
        let found = found.send().await.map_err(|error| Error::aws("reading a subject", error))?;
        Ok(found.item)
    }

    fn new_row(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder().table_name(&self.state).condition_expression("attribute_not_exists(pk)");
        let put = put.set_item(Some(item)).build().map_err(|error| Error::Misconfigured(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn no_row(&self, key: Item) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.state).condition_expression("attribute_exists(pk)");
        let delete = delete.set_key(Some(key)).build().map_err(|error| Error::Misconfigured(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Whether `items` were written; not when somebody else was first.
    async fn write(&self, items: Vec<TransactWriteItem>) -> Result<bool, Error> {
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if lost_race(&error) => Ok(false),
            Err(error) => Err(Error::aws("changing a subject", error)),
        }
    }
}

fn subject_row(subject: &Subject) -> Item {
    row(format!("subject#{}", subject.hash()))
}

fn key_row(id: &str) -> Item {
    row(format!("key#{id}"))
}

fn row(pk: String) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S("key".to_owned()))])
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Error::Misconfigured("there is no randomness".to_owned()))?;
    Ok(bytes)
}
