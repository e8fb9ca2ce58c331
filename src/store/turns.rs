//! Turns: a counter for each step that tells one of several, so that they take turns whatever the incident.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use crate::aws::Aws;
use crate::error::Error;

/// The counters.
#[derive(Debug, Clone)]
pub struct Turns {
    client: Client,
    state: String,
}

impl Turns {
    /// Counters in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// The next turn of `counter`, from 0, which nobody else gets. One that is not used in the end is skipped.
    pub async fn claim(&self, counter: &str) -> Result<u64, Error> {
        let claimed = self.client.update_item().table_name(&self.state).return_values(ReturnValue::UpdatedNew);
        let claimed = claimed
            .key("pk", AttributeValue::S("turns".to_owned()))
            .key("sk", AttributeValue::S(counter.to_owned()))
            .update_expression("ADD taken :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        let claimed = claimed.send().await.map_err(|error| Error::aws("claiming a turn", error))?;
        let taken = claimed.attributes().and_then(|row| row.get("taken")?.as_n().ok()?.parse::<u64>().ok());
        let taken = taken.ok_or_else(|| Error::Misconfigured(format!("the turns of {counter} cannot be read")))?;
        Ok(taken.saturating_sub(1))
    }
}
