//! Coverage: what of the archive no checkpoint covers yet, and how far each stream is covered.
//!
//! All of it can be made again from the archive and the checkpoints. It is kept so that an hour's checkpoint reads an
//! hour's records.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, WriteRequest};
use domain::evidence::gather::Covered;
use domain::evidence::head::Head;
use domain::log::Hash;
use futures_util::stream::{self, TryStreamExt};

use crate::aws::Aws;
use crate::error::Error;

/// Where the objects are named that no checkpoint covers yet.
const ARCHIVED: &str = "archived";
/// How many rows DynamoDB reads at once.
const READ: usize = 100;
/// How many rows DynamoDB deletes at once.
const DELETED: usize = 25;
/// How many rows are written side by side. Each has a condition, so they cannot be written as a batch.
const SIDE_BY_SIDE: usize = 32;

type Item = HashMap<String, AttributeValue>;

/// What checkpoints cover.
#[derive(Debug, Clone)]
pub struct Coverage {
    client: Client,
    state: String,
}

impl Coverage {
    /// Coverage in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Names an object of the archive that waits for a checkpoint.
    pub async fn add(&self, object: &str) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.state).set_item(Some(archived(object))).send().await;
        put.map(|_| ()).map_err(|error| Error::aws("naming an object of the archive", error))
    }

    /// Up to `most` objects that wait for a checkpoint, the oldest first.
    pub async fn waiting(&self, most: usize) -> Result<Vec<String>, Error> {
        let mut objects = Vec::new();
        let mut start = None;
        loop {
            let limit = i32::try_from(most - objects.len()).unwrap_or(i32::MAX);
            let page = self.client.query().table_name(&self.state).consistent_read(true).limit(limit);
            let page = page.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(ARCHIVED));
            let page = page.set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| Error::aws("listing what waits for a checkpoint", error))?;
            objects.extend(page.items().iter().filter_map(|item| item.get("sk")?.as_s().ok().cloned()));
            start = page.last_evaluated_key;
            if start.is_none() || objects.len() >= most {
                return Ok(objects);
            }
        }
    }

    /// How far each of `streams` is covered; one that no checkpoint covered yet is not among them.
    pub async fn of(&self, streams: &[String]) -> Result<HashMap<String, Covered>, Error> {
        let mut found = HashMap::new();
        for streams in streams.chunks(READ) {
            let keys = streams.iter().map(|stream| covered(stream)).collect();
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
            let keys = keys.map_err(|error| Error::Misconfigured(error.to_string()))?;
            let mut wanted = Some(HashMap::from([(self.state.clone(), keys)]));
            while let Some(request) = wanted.filter(|wanted| !wanted.is_empty()) {
                let reply = self.client.batch_get_item().set_request_items(Some(request)).send().await;
                let reply = reply.map_err(|error| Error::aws("reading how far streams are covered", error))?;
                for item in reply.responses.into_iter().flat_map(|tables| tables.into_values().flatten()) {
                    let read = read(&item)
                        .ok_or_else(|| Error::Misconfigured("the row of a covered stream cannot be read".to_owned()))?;
                    found.insert(read.0, read.1);
                }
                wanted = reply.unprocessed_keys;
            }
        }
        Ok(found)
    }

    /// Writes down that checkpoint `number` covers the streams as far as `heads` say. What a later one wrote stays.
    pub async fn cover(&self, number: u64, heads: &[Head]) -> Result<(), Error> {
        let heads = stream::iter(heads.iter().map(Ok));
        heads.try_for_each_concurrent(SIDE_BY_SIDE, |head| self.cover_one(number, head)).await
    }

    async fn cover_one(&self, number: u64, head: &Head) -> Result<(), Error> {
        let mut item = covered(&head.stream);
        item.insert("size".to_owned(), n(head.size));
        item.insert("head".to_owned(), s(head.head.as_str()));
        item.insert("version".to_owned(), n(number));
        let put = self.client.put_item().table_name(&self.state).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk) OR version < :version");
        match put.expression_attribute_values(":version", n(number)).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(Error::aws("writing how far a stream is covered", error)),
        }
    }

    /// Forgets objects that a checkpoint covers.
    pub async fn remove(&self, objects: &[String]) -> Result<(), Error> {
        for objects in objects.chunks(DELETED) {
            let delete = |object: &String| {
                let request = DeleteRequest::builder().set_key(Some(archived(object))).build();
                let request = request.map_err(|error| Error::Misconfigured(error.to_string()))?;
                Ok(WriteRequest::builder().delete_request(request).build())
            };
            let deletes = objects.iter().map(delete).collect::<Result<Vec<_>, Error>>()?;
            let mut left = Some(HashMap::from([(self.state.clone(), deletes)]));
            while let Some(request) = left.filter(|left| !left.is_empty()) {
                let reply = self.client.batch_write_item().set_request_items(Some(request)).send().await;
                left = reply.map_err(|error| Error::aws("forgetting what is covered", error))?.unprocessed_items;
            }
        }
        Ok(())
    }
}

fn archived(object: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(ARCHIVED)), ("sk".to_owned(), s(object))])
}

/// The rows of streams are spread, so that a checkpoint of many streams does not wait for one partition.
fn covered(stream: &str) -> Item {
    let shard = format!("covered#{}", &Hash::of(stream.as_bytes()).as_str()[..1]);
    HashMap::from([("pk".to_owned(), s(&shard)), ("sk".to_owned(), s(stream))])
}

fn read(item: &Item) -> Option<(String, Covered)> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let size = item.get("size")?.as_n().ok()?.parse().ok()?;
    Some((text("sk")?.clone(), Covered { size, head: Hash::parse(text("head")?)? }))
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
