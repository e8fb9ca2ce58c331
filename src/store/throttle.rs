//! What each contact got lately: one row of the table `state` for each, changed only from what it was read as.
//!
//! A row that cannot be read or written holds nobody's page back.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::throttle::{Request, Verdict, Window};
use jiff::Timestamp;

use super::incidents::{STEP, lost_race, pause};
use crate::aws::Aws;
use crate::error::Error;

/// How often a message asks again when others ask for the same contact at the same time.
const TRIES: u32 = 8;

/// The windows of all contacts.
#[derive(Debug, Clone)]
pub struct Throttle {
    client: Client,
    state: String,
}

impl Throttle {
    /// Windows in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Whether a message to the contact numbered `contact` of `to` goes out now, when it may get `limit` in a window.
    pub async fn ask(&self, to: &str, contact: usize, request: &Request, limit: usize, now: Timestamp) -> Verdict {
        let pk = format!("throttle#{to}#{contact}");
        for attempt in 0..TRIES {
            match self.try_once(&pk, request, limit, now).await {
                Ok(Some(verdict)) => return verdict,
                Ok(None) => pause(attempt, STEP).await,
                Err(error) => {
                    tracing::warn!(error = error.chain(), "a throttle cannot be kept: the message goes out");
                    break;
                }
            }
        }
        Verdict::Send { more: 0 }
    }

    /// `None` when somebody else moved first.
    async fn try_once(
        &self,
        pk: &str,
        request: &Request,
        limit: usize,
        now: Timestamp,
    ) -> Result<Option<Verdict>, Error> {
        let key = HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s("window"))]);
        let found = self.client.get_item().table_name(&self.state).consistent_read(true).set_key(Some(key.clone()));
        let found = found.send().await.map_err(|error| Error::aws("reading a throttle", error))?;
        let text = |name: &str| found.item().and_then(|item| item.get(name));
        let seq: u64 = text("seq").and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0);
        // A row that nobody can read is written anew.
        let body = text("body").and_then(|value| value.as_s().ok());
        let mut window: Window = body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let verdict = window.ask(request, limit, now);
        let body = serde_json::to_string(&window).expect("a window is plain JSON");
        let put = Put::builder().table_name(&self.state).set_item(Some(key));
        let put = put.item("seq", AttributeValue::N((seq + 1).to_string())).item("body", s(&body));
        let put = if seq == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            let seq = AttributeValue::N(seq.to_string());
            put.condition_expression("seq = :seq").expression_attribute_values(":seq", seq)
        };
        let put = put.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
        let items = vec![TransactWriteItem::builder().put(put).build()];
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(Some(verdict)),
            Err(error) if lost_race(&error) => Ok(None),
            Err(error) => Err(Error::aws("keeping a throttle", error)),
        }
    }
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
