//! Changes, such as deploys: each is a record of its service's log, and a row that is kept for a while, so that an
//! incident of the same service can show it.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::change::{ChangeEvent, stream};
use domain::enrich::{Change, KEPT};
use domain::incident::SIGNALS;
use domain::log::Record;
use domain::signal::Signal;
use jiff::{SignedDuration, Timestamp};

use super::incidents::{STEP, lost_race, pause};
use super::record::{end, put};
use crate::aws::Aws;
use crate::error::Error;

/// How long a change is kept: as long as PagerDuty shows change events.
const KEEP: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How far back a change is suspected.
const SUSPECT: SignedDuration = SignedDuration::from_hours(24);
/// How often a change is written again when others write to the same log.
const TRIES: u32 = 16;

/// The changes of all services.
#[derive(Debug, Clone)]
pub struct Changes {
    client: Client,
    records: String,
    state: String,
}

impl Changes {
    /// Changes in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self { client: aws.dynamodb(), records, state }
    }

    /// Keeps a change and writes it down, together or not at all. The same signal twice is one change.
    pub async fn put(&self, service: &str, signal: &Signal, now: Timestamp) -> Result<(), Error> {
        let cause = signal.sender().cause(format!("{SIGNALS}{}", signal.id));
        for attempt in 0..TRIES {
            let (seq, head) = end(&self.client, &self.records, &stream(service)).await?;
            let record = Record::new(stream(service), seq, head, &cause, vec![ChangeEvent::from(signal)], now);
            let items = vec![row(&self.state, service, signal)?, put(&self.records, &record, &record.seal())?];
            let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
            match sent {
                Ok(_) => return Ok(()),
                Err(error) if is_kept(&error) => return Ok(()),
                Err(error) if lost_race(&error) => pause(attempt, STEP).await,
                Err(error) => return Err(Error::aws("keeping a change", error)),
            }
        }
        Err(Error::Conflict)
    }

    /// The latest changes of a service within a day before `now`, the latest first.
    pub async fn of(&self, service: &str, now: Timestamp) -> Result<Vec<Change>, Error> {
        let found = self.client.query().table_name(&self.state).key_condition_expression("pk = :pk AND sk >= :since");
        let found = found
            .expression_attribute_values(":pk", AttributeValue::S(format!("change#{service}")))
            .expression_attribute_values(":since", AttributeValue::S((now - SUSPECT).to_string()));
        let found = found.scan_index_forward(false).limit(i32::try_from(KEPT).unwrap_or(i32::MAX)).send().await;
        let found = found.map_err(|error| Error::aws("reading changes", error))?;
        let bodies = found.items().iter().filter_map(|item| item.get("body")?.as_s().ok());
        Ok(bodies.filter_map(|body| serde_json::from_str(body).ok()).collect())
    }
}

/// Puts the row of a change, where there is none.
fn row(state: &str, service: &str, signal: &Signal) -> Result<TransactWriteItem, Error> {
    let change = Change {
        at: signal.at,
        title: signal.alert.title.clone(),
        href: signal.alert.links.first().map(|link| link.href.clone()),
    };
    let body = serde_json::to_string(&change).expect("a change is plain JSON");
    let expires = (signal.received_at + KEEP).as_second();
    let item = HashMap::from([
        ("pk".to_owned(), AttributeValue::S(format!("change#{service}"))),
        ("sk".to_owned(), AttributeValue::S(format!("{}~{}", signal.at, signal.id))),
        ("body".to_owned(), AttributeValue::S(body)),
        ("expires_at".to_owned(), AttributeValue::N(expires.to_string())),
    ]);
    let put = Put::builder().table_name(state).condition_expression("attribute_not_exists(pk)").set_item(Some(item));
    let put = put.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Whether a transaction failed because the row of the change, which is its first item, was there already.
fn is_kept<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    cancelled.cancellation_reasons().first().is_some_and(|reason| reason.code() == Some("ConditionalCheckFailed"))
}
