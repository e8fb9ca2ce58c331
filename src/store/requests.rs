//! What keys stand for: a request with an `Idempotency-Key` is remembered for a day by its key and the hash of its body,
//! so that one key never stands for two requests (draft-ietf-httpapi-idempotency-key-header-07, 2.6; faults.md, C06).

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::log::Hash;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Aws;
use crate::error::Error;

/// How long a key is remembered. Whoever tries again does so within minutes; the logs know their requests for longer.
const KEEP: SignedDuration = SignedDuration::from_hours(24);

/// The requests that were made with a key.
#[derive(Debug, Clone)]
pub struct Requests {
    client: Client,
    state: String,
}

impl Requests {
    /// Requests in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Lets the key of `name`, which holds whose key it is and for what address, stand for `body`; whether it stands for
    /// no other one.
    pub async fn claim(&self, name: &str, body: &[u8], now: Timestamp) -> Result<bool, Error> {
        let put = self.put(name, body, now + KEEP);
        let put = put.condition_expression("attribute_not_exists(pk) OR expires_at < :now OR request = :request");
        let put = put.expression_attribute_values(":now", n(now));
        match put.expression_attribute_values(":request", s(Hash::of(body).as_str())).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(Error::aws("remembering a request", error)),
            },
        }
    }

    /// Lets the key stand for nothing again: what was refused had no effect, and may be mended under its key.
    pub async fn release(&self, name: &str, body: &[u8]) -> Result<(), Error> {
        let put = self.put(name, body, Timestamp::UNIX_EPOCH);
        put.send().await.map(drop).map_err(|error| Error::aws("forgetting a request", error))
    }

    fn put(&self, name: &str, body: &[u8], until: Timestamp) -> PutItemFluentBuilder {
        let pk = format!("request#{}", Hash::of(name.as_bytes()));
        let put = self.client.put_item().table_name(&self.state).item("pk", s(&pk)).item("sk", s("request"));
        put.item("request", s(Hash::of(body).as_str())).item("expires_at", n(until))
    }
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}
