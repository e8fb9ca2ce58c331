//! Silences: the ledger that people change, and beside each silence the incidents that it held back.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use domain::cause::Cause;
use domain::incident::{Hold, IncidentId};
use domain::silence::{Event, Refusal, Silences};
use jiff::{SignedDuration, Timestamp};

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// How long after the end of a silence it is known what it held back.
const KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The silences of this installation.
#[derive(Debug, Clone)]
pub struct SilenceLog {
    ledger: Ledger<Silences, Event>,
    client: Client,
    state: String,
}

impl SilenceLog {
    /// Silences in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        let ledger = Ledger::new(aws, records, state.clone(), "silences", Silences::apply);
        Self { ledger, client: aws.dynamodb(), state }
    }

    /// Every silence that is not over, or not for long.
    pub async fn read(&self) -> Result<Silences, Error> {
        Ok(self.ledger.read().await?.value)
    }

    /// The same for whoever pages: where they cannot be read there are none, as a page too many is better than none.
    pub async fn known(&self) -> Silences {
        self.read().await.unwrap_or_else(|error| {
            tracing::error!(error = error.chain(), "the silences cannot be read: nothing is silenced");
            Silences::default()
        })
    }

    /// Asks `decide` what to write, and writes it once: a `cause` that is known changes nothing. Refusals are answers.
    pub async fn change(
        &self,
        cause: &Cause,
        now: Timestamp,
        mut decide: impl FnMut(&Silences) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Result<Silences, Refusal>, Error> {
        let mut refused = None;
        let decide = |silences: &Silences| {
            refused = None;
            Ok(decide(silences).unwrap_or_else(|refusal| {
                refused = Some(refusal);
                Vec::new()
            }))
        };
        let standing = self.ledger.append(cause, now, decide).await?;
        Ok(refused.map_or(Ok(standing.value), Err))
    }

    /// Remembers that silences held `incident` back. The same twice is once.
    pub async fn count(&self, incident: &IncidentId, holds: &[Hold]) -> Result<(), Error> {
        for hold in holds {
            let forgotten = hold.until.saturating_add(KEEP).map_or(i64::MAX, Timestamp::as_second);
            let put = self.client.put_item().table_name(&self.state).set_item(Some(key(&hold.silence)));
            let put = put.item("sk", AttributeValue::S(format!("incident#{incident}")));
            let put = put.item("expires_at", AttributeValue::N(forgotten.to_string()));
            put.send().await.map_err(|error| Error::aws("counting a silenced incident", error))?;
        }
        Ok(())
    }

    /// How many incidents the silence `id` held back.
    pub async fn counted(&self, id: &str) -> Result<u64, Error> {
        let (mut count, mut start) = (0, None);
        loop {
            let page = self.client.query().table_name(&self.state).key_condition_expression("pk = :pk");
            let page = page.set_expression_attribute_values(Some(of(id))).select(Select::Count);
            let page = page.set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| Error::aws("counting silenced incidents", error))?;
            count += u64::try_from(page.count()).unwrap_or_default();
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// At most `limit` incidents that the silence `id` held back, those after the incident `from`.
    pub async fn held(&self, id: &str, from: Option<&IncidentId>, limit: i32) -> Result<Vec<IncidentId>, Error> {
        let start = from.map(|from| {
            let mut start = key(id);
            start.insert("sk".to_owned(), AttributeValue::S(format!("incident#{from}")));
            start
        });
        let page = self.client.query().table_name(&self.state).consistent_read(true);
        let page = page.key_condition_expression("pk = :pk").set_expression_attribute_values(Some(of(id)));
        let page = page.limit(limit).set_exclusive_start_key(start).send().await;
        let page = page.map_err(|error| Error::aws("listing silenced incidents", error))?;
        let names = page.items().iter().filter_map(|item| item.get("sk")?.as_s().ok()?.strip_prefix("incident#"));
        Ok(names.filter_map(IncidentId::parse).collect())
    }
}

fn key(id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), AttributeValue::S(format!("silence#{id}")))])
}

/// The key under which everything of the silence `id` is, as a query names it.
fn of(id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([(":pk".to_owned(), AttributeValue::S(format!("silence#{id}")))])
}
