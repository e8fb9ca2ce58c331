//! A record as an item of the table `records`: put there once, and never changed.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::log::{Entry, Hash, Record};

use crate::error::Error;

/// An item, by the names of its attributes.
pub(super) type Item = HashMap<String, AttributeValue>;
/// What holds where no record is yet.
pub(super) const ABSENT: &str = "attribute_not_exists(seq)";

/// The item of a record whose stored form is `entry`.
pub(super) fn item<E>(record: &Record<E>, entry: &Entry) -> Item {
    let (stream, seq) = (AttributeValue::S(record.stream.clone()), AttributeValue::N(record.seq.to_string()));
    let (body, hash) = (AttributeValue::S(entry.body.clone()), AttributeValue::S(entry.hash.to_string()));
    [("stream", stream), ("seq", seq), ("body", body), ("hash", hash)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// The part of a transaction that puts a record into the table `records`, where there is none.
pub(super) fn put<E>(records: &str, record: &Record<E>, entry: &Entry) -> Result<TransactWriteItem, Error> {
    let put = Put::builder().table_name(records).condition_expression(ABSENT).set_item(Some(item(record, entry)));
    let put = put.build().map_err(|error| Error::Misconfigured(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Whether the record was there already, which is the first item, and the snapshot as it was before that, which is the
/// second: one of them moved without the other.
pub(super) fn is_behind<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"));
    codes.take(2).eq(["ConditionalCheckFailed", "None"])
}

/// How many records `stream` has, and the hash of the last of them.
pub(super) async fn end(client: &Client, records: &str, stream: &str) -> Result<(u64, Hash), Error> {
    let last = client.query().table_name(records).consistent_read(true).limit(1).scan_index_forward(false);
    let last = last.key_condition_expression("#stream = :s").expression_attribute_names("#stream", "stream");
    let last = last.expression_attribute_values(":s", AttributeValue::S(stream.to_owned())).send().await;
    let last = last.map_err(|error| Error::aws("reading the end of a log", error))?;
    let Some(last) = last.items().first() else { return Ok((0, Hash::zero())) };
    let seq = last.get("seq").and_then(|seq| seq.as_n().ok()?.parse::<u64>().ok());
    let seq = seq.ok_or_else(|| Error::Misconfigured("a record has no number".to_owned()))?;
    Ok((seq + 1, entry(last)?.hash))
}

/// The stored form of a record.
pub(super) fn entry(item: &Item) -> Result<Entry, Error> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let entry = text("body").zip(text("hash")).map(|(body, hash)| Entry { body, hash: hash.into() });
    let (stream, seq) =
        (item.get("stream").and_then(|name| name.as_s().ok()), item.get("seq").and_then(|n| n.as_n().ok()));
    let place = stream.zip(seq).map(|(stream, seq)| format!(" {seq} of stream {stream}")).unwrap_or_default();
    entry.ok_or_else(|| Error::Misconfigured(format!("record{place} has no body or no hash")))
}

/// Checks that the golden records in the file `name` are read as events of `E`, and written back as the same bytes.
#[cfg(test)]
pub(super) fn kept<E: serde::Serialize + serde::de::DeserializeOwned>(name: &str) {
    for version in 0..=domain::log::VERSION {
        let path = format!("{}/domain/tests/records/{version}/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let bodies = std::fs::read_to_string(path).expect("there are records of each version");
        for body in bodies.lines() {
            let entry = Entry { body: body.to_owned(), hash: Hash::of(body.as_bytes()) };
            let record: Record<E> = Record::open(&entry).expect("a record");
            assert_eq!(record.seal(), entry);
        }
    }
}
