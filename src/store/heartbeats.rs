//! Heartbeats: one row of the table `state` for each that is waited for, changed only from what it was read as.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::heartbeat::Watch;
use jiff::Timestamp;

use super::incidents::{STEP, pause};
use crate::aws::Aws;
use crate::error::Error;

/// How often a change is made again when others change the same row.
const TRIES: u32 = 8;

type Item = HashMap<String, AttributeValue>;

/// The rows of heartbeats.
#[derive(Debug, Clone)]
pub struct Heartbeats {
    client: Client,
    state: String,
}

/// A row as it stands.
#[derive(Debug, Clone)]
pub struct Kept {
    seq: u64,
    /// What is known of the heartbeat.
    pub watch: Watch,
}

impl Heartbeats {
    /// Heartbeats in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// All of them, by name.
    pub async fn all(&self) -> Result<BTreeMap<String, Kept>, Error> {
        let (mut all, mut from) = (BTreeMap::new(), None);
        loop {
            let page = self.client.query().table_name(&self.state).consistent_read(true);
            let page = page.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s("heartbeats"));
            let page = page.set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| Error::aws("reading heartbeats", error))?;
            for item in page.items() {
                let name = item.get("sk").and_then(|name| name.as_s().ok());
                if let (Some(name), Some(kept)) = (name, read(item)) {
                    all.insert(name.clone(), kept);
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(all);
            }
        }
    }

    /// Writes down that `name` was heard of; answers with what is known then.
    pub async fn ping(&self, name: &str, now: Timestamp) -> Result<Watch, Error> {
        for attempt in 0..TRIES {
            let found = self.client.get_item().table_name(&self.state).consistent_read(true);
            let found = found.set_key(Some(key(name))).send().await;
            let found = found.map_err(|error| Error::aws("reading a heartbeat", error))?;
            let kept = found.item().and_then(read);
            let mut watch = kept.as_ref().map_or_else(|| Watch::new(now), |kept| kept.watch.clone());
            watch.ping(now);
            if self.put(name, kept.as_ref(), &watch).await? {
                return Ok(watch);
            }
            pause(attempt, STEP).await;
        }
        Err(Error::Conflict)
    }

    /// Writes what is known of `name` in the place of `before`; whether nobody else moved first.
    pub async fn put(&self, name: &str, before: Option<&Kept>, watch: &Watch) -> Result<bool, Error> {
        let seq = before.map_or(0, |kept| kept.seq);
        let body = serde_json::to_string(watch).expect("a heartbeat is plain JSON");
        let put = self.client.put_item().table_name(&self.state).set_item(Some(key(name)));
        let put = put.item("seq", n(seq + 1)).item("body", s(&body));
        let put = if before.is_none() {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("seq = :seq").expression_attribute_values(":seq", n(seq))
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(Error::aws("keeping a heartbeat", error)),
        }
    }

    /// Forgets `name`, unless somebody else moved first.
    pub async fn forget(&self, name: &str, before: &Kept) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.state).set_key(Some(key(name)));
        let delete = delete.condition_expression("#attribute = :value").expression_attribute_names("#attribute", "seq");
        match delete.expression_attribute_values(":value", n(before.seq)).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::aws("forgetting a heartbeat", error)),
        }
    }
}

impl Kept {
    /// The same after a change that was just written.
    #[must_use]
    pub const fn followed_by(&self, watch: Watch) -> Self {
        Self { seq: self.seq + 1, watch }
    }
}

fn read(item: &Item) -> Option<Kept> {
    let seq = item.get("seq")?.as_n().ok()?.parse().ok()?;
    Some(Kept { seq, watch: serde_json::from_str(item.get("body")?.as_s().ok()?).ok()? })
}

fn key(name: &str) -> Item {
    HashMap::from([("pk".to_owned(), s("heartbeats")), ("sk".to_owned(), s(name))])
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
