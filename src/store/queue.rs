//! Queues of signals.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::builders::MessageSystemAttributeValueBuilder;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use domain::signal::Signal;
use futures_util::future::try_join_all;

use crate::aws::Aws;
use crate::error::Error;

/// The most messages in one call.
const MESSAGES: usize = 10;
/// The most bytes in one call: SQS takes 1 MiB; attributes and framing count too.
const BYTES: usize = 1_000_000;
/// How many calls are made side by side: a sender does not wait for a thousand of them in turn.
const SIDE_BY_SIDE: usize = 10;

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(aws: &Aws, url: String) -> Self {
        Self { client: aws.sqs(), url }
    }

    /// Puts every signal on the queue, ten to a call; an error when not all are there.
    ///
    /// After an error some may be there: a sender that tries again is told apart by the signals' ids.
    pub async fn send(&self, signals: &[Signal]) -> Result<(), Error> {
        let bodies: Vec<String> =
            signals.iter().map(|signal| serde_json::to_string(signal).expect("a signal is plain JSON")).collect();
        if let [body] = bodies.as_slice() {
            let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
            return sent.map(drop).map_err(|error| Error::aws("queueing a signal", error));
        }
        for some in chunks(&bodies).chunks(SIDE_BY_SIDE) {
            try_join_all(some.iter().map(|chunk| self.send_chunk(chunk))).await?;
        }
        Ok(())
    }

    async fn send_chunk(&self, bodies: &[String]) -> Result<(), Error> {
        let entries = bodies.iter().enumerate().map(|(place, body)| {
            SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body).build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let entries = entries.map_err(|error| Error::Misconfigured(error.to_string()))?;
        let sent = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|error| Error::aws("queueing signals", error))?;
        match sent.failed().first() {
            None => Ok(()),
            Some(failed) => {
                let source =
                    format!("{} of {} messages were not taken: {}", sent.failed().len(), bodies.len(), failed.code());
                Err(Error::Unavailable { what: "queueing signals", source: source.into() })
            }
        }
    }

    /// Puts a message back that was on this queue before, as it is.
    pub async fn put_back(&self, body: &str) -> Result<(), Error> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| Error::aws("queueing a signal again", error))
    }

    /// Puts a message that can never succeed on this queue as it is, with the reason and the trace that it belongs to.
    pub async fn bury(&self, body: &str, reason: &str, trace: Option<&str>) -> Result<(), Error> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason);
        let reason = reason.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body);
        let header = trace.map(|trace| MessageSystemAttributeValue::builder().data_type("String").string_value(trace));
        let header = header.map(MessageSystemAttributeValueBuilder::build).transpose();
        let header = header.map_err(|error| Error::Misconfigured(error.to_string()))?;
        let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
        let header = header.map(|header| HashMap::from([(name, header)]));
        let sent = sent.message_attributes("reason", reason).set_message_system_attributes(header).send().await;
        sent.map(drop).map_err(|error| Error::aws("burying a message", error))
    }
}

/// Runs of at most ten bodies and a megabyte.
fn chunks(bodies: &[String]) -> Vec<&[String]> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (place, body) in bodies.iter().enumerate() {
        if place > start && (place - start == MESSAGES || bytes + body.len() > BYTES) {
            chunks.push(&bodies[start..place]);
            (start, bytes) = (place, 0);
        }
        bytes += body.len();
    }
    if start < bodies.len() {
        chunks.push(&bodies[start..]);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_a_call_holds_at_most_ten_messages_and_a_megabyte() {
        let sizes = |lengths: &[usize]| {
            let bodies: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            chunks(&bodies).iter().map(|chunk| chunk.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[1; 25]), [10, 10, 5]);
        assert_eq!(sizes(&[400_000, 400_000, 400_000]), [2, 1]);
        assert_eq!(sizes(&[1_100_000, 1]), [1, 1]);
    }
}
