//! Records of any stream, as they are stored.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::log::Entry;

use super::record::{end, entry};
use crate::aws::Aws;
use crate::error::Error;

/// The table of records.
#[derive(Debug, Clone)]
pub struct Records {
    client: Client,
    records: String,
}

impl Records {
    /// The records in the table `records`.
    pub fn new(aws: &Aws, records: String) -> Self {
        Self { client: aws.dynamodb(), records }
    }

    /// How many records `stream` has.
    pub async fn size(&self, stream: &str) -> Result<u64, Error> {
        end(&self.client, &self.records, stream).await.map(|(size, _)| size)
    }

    /// Records of `stream` from the one numbered `from`, in order: at most `most`, and no more than a megabyte. None
    /// are left when there are none.
    pub async fn read(&self, stream: &str, from: u64, most: i32) -> Result<Vec<Entry>, Error> {
        let page = self.client.query().table_name(&self.records).consistent_read(true).limit(most);
        let page = page
            .key_condition_expression("#stream = :s AND seq >= :from")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":s", AttributeValue::S(stream.to_owned()))
            .expression_attribute_values(":from", AttributeValue::N(from.to_string()));
        let page = page.send().await.map_err(|error| Error::aws("reading records", error))?;
        page.items().iter().map(entry).collect()
    }
}
