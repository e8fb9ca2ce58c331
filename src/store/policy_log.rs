//! The log of policies: who made which one rule, and when. The pointer moves with its record or not at all.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::incident::Actor;
use domain::log::{Hash, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::error::Error;

/// The stream of policy records.
const STREAM: &str = "policy";

/// What is written about policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PolicyEvent {
    /// Another policy rules.
    Applied {
        /// Who made it rule.
        by: Actor,
        /// The one before, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Hash>,
        /// The one that rules.
        to: Hash,
    },
}

/// The pointer to the active policy, and the log of how it moved.
#[derive(Debug, Clone)]
pub struct PolicyLog {
    client: Client,
    records: String,
    state: String,
}

/// Where the pointer stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pointer {
    seq: u64,
    head: Hash,
    active: Option<Hash>,
}

impl PolicyLog {
    /// The policy log in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self { client: aws.dynamodb(), records, state }
    }

    /// The hash of the policy that rules.
    pub async fn active(&self) -> Result<Option<Hash>, Error> {
        Ok(self.pointer().await?.active)
    }

    /// Makes `to` rule, and writes down who did. The one that rules already changes nothing.
    ///
    /// `Conflict` when somebody else applied another policy at the same moment.
    pub async fn apply(&self, to: &Hash, by: Actor, cause: &str, now: Timestamp) -> Result<Option<Hash>, Error> {
        let before = self.pointer().await?;
        if before.active.as_ref() == Some(to) {
            return Ok(before.active);
        }
        let applied = PolicyEvent::Applied { by, from: before.active.clone(), to: to.clone() };
        let record = Record {
            stream: STREAM.to_owned(),
            seq: before.seq,
            at: now,
            cause: cause.to_owned(),
            events: vec![applied],
            prev: before.head.clone(),
        };
        let entry = record.seal();
        let after = Pointer { seq: before.seq + 1, head: entry.hash.clone(), active: Some(to.clone()) };
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: u64| AttributeValue::N(number.to_string());
        let put = Put::builder().table_name(&self.records).condition_expression("attribute_not_exists(seq)");
        let put = put.item("stream", text(STREAM)).item("seq", number(record.seq));
        let put = put.item("body", text(&entry.body)).item("hash", text(entry.hash.as_str()));
        let body = serde_json::to_string(&after).expect("a pointer is plain JSON");
        let point = Put::builder().table_name(&self.state).set_item(Some(key()));
        let point = point.item("seq", number(after.seq)).item("body", text(&body));
        let point = if before.seq == 0 {
            point.condition_expression("attribute_not_exists(pk)")
        } else {
            point.condition_expression("seq = :seq").expression_attribute_values(":seq", number(before.seq))
        };
        let built = |put: aws_sdk_dynamodb::types::builders::PutBuilder| {
            let put = put.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
            Ok::<_, Error>(TransactWriteItem::builder().put(put).build())
        };
        let items = vec![built(put)?, built(point)?];
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        match sent {
            Ok(_) => Ok(before.active),
            Err(error) if super::incidents::lost_race(&error) => Err(Error::Conflict),
            Err(error) => Err(Error::aws("moving the policy pointer", error)),
        }
    }

    async fn pointer(&self) -> Result<Pointer, Error> {
        let found = self.client.get_item().table_name(&self.state).consistent_read(true).set_key(Some(key()));
        let found = found.send().await.map_err(|error| Error::aws("reading the policy pointer", error))?;
        let body = found.item().and_then(|item| item.get("body")?.as_s().ok());
        let Some(body) = body else { return Ok(Pointer::default()) };
        serde_json::from_str(body).map_err(|_| Error::Misconfigured("the policy pointer cannot be read".to_owned()))
    }
}

fn key() -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text("policy")), ("sk".to_owned(), text("active"))])
}
