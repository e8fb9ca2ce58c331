//! Groups: the alerts of a group incident, a row each, so that any number of them join side by side.
//!
//! The row is what is known of an alert last, whoever wrote it in whatever order: an older word never replaces a newer
//! one. Each alert's own log says the same, so a row that is lost can be written again.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use domain::group::{Member, Told};
use domain::incident::IncidentId;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Aws;
use crate::error::Error;

/// How long a row that nobody needs any more is kept.
const KEEP: SignedDuration = SignedDuration::from_hours(60 * 24);

type Item = HashMap<String, AttributeValue>;

/// The alerts of groups.
#[derive(Debug, Clone)]
pub struct Groups {
    client: Client,
    state: String,
}

/// A row that is written together with a record, or not at all.
#[derive(Debug)]
pub struct Row(pub(super) TransactWriteItem);

impl Groups {
    /// Groups in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Writes down what is known of an alert of `group`, unless more is known of it already.
    pub async fn put(&self, group: &IncidentId, member: &Member) -> Result<(), Error> {
        let body = serde_json::to_string(member).expect("a member is plain JSON");
        let mut item = key(group, member);
        item.insert("version".to_owned(), n(member.version()));
        item.insert("body".to_owned(), s(body));
        if let Some(cleared_at) = member.cleared_at {
            item.insert("expires_at".to_owned(), expiry(cleared_at));
        }
        let put = self.client.put_item().table_name(&self.state).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk) OR version < :version");
        let put = put.expression_attribute_values(":version", n(member.version())).send().await;
        match put {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(Error::aws("joining a group", error)),
        }
    }

    /// Every alert of `group`, in the order of their fingerprints.
    pub async fn members(&self, group: &IncidentId) -> Result<Vec<Member>, Error> {
        let mut members = Vec::new();
        let mut start = None;
        loop {
            let page = self.client.query().table_name(&self.state).consistent_read(true);
            let page = page.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(pk(group)));
            let page = page.set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| Error::aws("reading a group", error))?;
            for item in page.items() {
                members.push(read(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(members);
            }
        }
    }

    /// Up to `limit` alerts of `group`, from where a page before left off, and where the next page begins.
    pub async fn page(
        &self,
        group: &IncidentId,
        limit: u32,
        from: Option<&str>,
    ) -> Result<(Vec<Member>, Option<String>), Error> {
        let start = from.map(|from| HashMap::from([("pk".to_owned(), s(pk(group))), ("sk".to_owned(), s(from))]));
        let page = self.client.query().table_name(&self.state).limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let page = page.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(pk(group)));
        let page = page.set_exclusive_start_key(start).send().await;
        let page = page.map_err(|error| Error::aws("listing a group", error))?;
        let members = page.items().iter().map(read).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key().and_then(|key| key.get("sk")?.as_s().ok().cloned());
        Ok((members, next))
    }

    /// Which of `alerts`, each with its group, have a row there.
    pub async fn rows(&self, alerts: &[(&IncidentId, &IncidentId)]) -> Result<HashSet<IncidentId>, Error> {
        let mut found = HashSet::new();
        for some in alerts.chunks(100) {
            let keys = some.iter().map(|(group, alert)| row_key(group, alert.fingerprint.as_str())).collect();
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
            let keys = keys.map_err(|error| Error::Misconfigured(error.to_string()))?;
            let mut wanted = Some(HashMap::from([(self.state.clone(), keys)]));
            while let Some(request) = wanted.filter(|wanted| !wanted.is_empty()) {
                let reply = self.client.batch_get_item().set_request_items(Some(request)).send().await;
                let reply = reply.map_err(|error| Error::aws("reading alerts of groups", error))?;
                for item in reply.responses.iter().flat_map(HashMap::values).flatten() {
                    found.insert(read(item)?.incident);
                }
                wanted = reply.unprocessed_keys;
            }
        }
        Ok(found)
    }

    /// Takes an alert out of `group`, unless more is known of it by now.
    pub async fn remove(&self, group: &IncidentId, member: &Member) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.state).set_key(Some(key(group, member)));
        let delete = delete.condition_expression("version = :version");
        let delete = delete.expression_attribute_values(":version", n(member.version())).send().await;
        match delete {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::aws("leaving a group", error)),
        }
    }

    /// What the last notification of `group` told; nothing when that is lost, so that it is told again.
    pub async fn told(&self, group: &IncidentId) -> Result<Told, Error> {
        let found = self.client.get_item().table_name(&self.state).consistent_read(true);
        let found = found.set_key(Some(told_key(group))).send().await;
        let found = found.map_err(|error| Error::aws("reading what a group told", error))?;
        let body = found.item().and_then(|item| item.get("body")?.as_s().ok());
        Ok(body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default())
    }

    /// The row that keeps what `group` told at `now`.
    pub fn tell(&self, group: &IncidentId, told: &Told, now: Timestamp) -> Result<Row, Error> {
        let mut item = told_key(group);
        item.insert("body".to_owned(), s(serde_json::to_string(told).expect("a set is plain JSON")));
        item.insert("expires_at".to_owned(), expiry(now));
        let put = Put::builder().table_name(&self.state).set_item(Some(item)).build();
        let put = put.map_err(|error| Error::Misconfigured(error.to_string()))?;
        Ok(Row(TransactWriteItem::builder().put(put).build()))
    }
}

fn pk(group: &IncidentId) -> String {
    format!("group#{group}")
}

fn key(group: &IncidentId, member: &Member) -> Item {
    // By the problem and not by the incident: one that comes back takes the place of the one before.
    row_key(group, member.incident.fingerprint.as_str())
}

fn row_key(group: &IncidentId, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk(group))), ("sk".to_owned(), s(sk))])
}

fn told_key(group: &IncidentId) -> Item {
    HashMap::from([("pk".to_owned(), s(format!("told#{group}"))), ("sk".to_owned(), s("told"))])
}

fn read(item: &Item) -> Result<Member, Error> {
    let body = item.get("body").and_then(|body| body.as_s().ok());
    let member = body.and_then(|body| serde_json::from_str(body).ok());
    member.ok_or_else(|| Error::Misconfigured("a member of a group cannot be read".to_owned()))
}

fn expiry(at: Timestamp) -> AttributeValue {
    AttributeValue::N((at + KEEP).as_second().to_string())
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
