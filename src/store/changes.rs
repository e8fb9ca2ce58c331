//! Changes, such as deploys: kept for a while, so that an incident of the same service can show them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::enrich::{Change, KEPT};
use domain::signal::Signal;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Aws;
use crate::error::Error;

/// How long a change is kept: as long as PagerDuty shows change events.
const KEEP: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How far back a change is suspected.
const SUSPECT: SignedDuration = SignedDuration::from_hours(24);

/// The changes of all services.
#[derive(Debug, Clone)]
pub struct Changes {
    client: Client,
    state: String,
}

impl Changes {
    /// Changes in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Keeps a change. The same signal twice is one change.
    pub async fn put(&self, service: &str, signal: &Signal) -> Result<(), Error> {
        let change = Change {
            at: signal.at,
            title: signal.alert.title.clone(),
            href: signal.alert.links.first().map(|link| link.href.clone()),
        };
        let body = serde_json::to_string(&change).expect("a change is plain JSON");
        let expires = (signal.received_at + KEEP).as_second();
        let put = self.client.put_item().table_name(&self.state);
        let put = put
            .item("pk", AttributeValue::S(format!("change#{service}")))
            .item("sk", AttributeValue::S(format!("{}~{}", signal.at, signal.id)))
            .item("body", AttributeValue::S(body))
            .item("expires_at", AttributeValue::N(expires.to_string()));
        put.send().await.map_err(|error| Error::aws("keeping a change", error))?;
        Ok(())
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
