//! Inhibitions: which alerts may keep others quiet, and which alerts each of them keeps quiet.
//!
//! These rows only say where to look: whether an alert is still firing, its incident says.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::incident::{Incident, IncidentId};

use crate::aws::Aws;
use crate::error::Error;

/// How many of the alerts that could keep an alert quiet are looked at, at most.
const LOOKED_AT: i32 = 50;

type Item = HashMap<String, AttributeValue>;

/// The rows of inhibitions.
#[derive(Debug, Clone)]
pub struct Inhibitions {
    client: Client,
    state: String,
}

/// An alert that may keep others quiet.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its incident.
    pub incident: IncidentId,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Inhibitions {
    /// Inhibitions in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Makes an alert known at `place`, where those look whom it may keep quiet.
    pub async fn put_source(&self, place: &str, alert: &Incident) -> Result<(), Error> {
        let labels = serde_json::to_string(&alert.alert.labels).expect("labels are plain JSON");
        let mut item = key(format!("inhibit#{place}"), alert.id.fingerprint.as_str());
        item.insert("incident".to_owned(), s(alert.id.to_string()));
        item.insert("body".to_owned(), s(labels));
        self.put(item).await
    }

    /// The alerts at `place`, some of which may be over.
    pub async fn sources(&self, place: &str) -> Result<Vec<Source>, Error> {
        let items = self.query(format!("inhibit#{place}"), LOOKED_AT).await?;
        let read = |item: &Item| {
            let text = |name: &str| item.get(name)?.as_s().ok();
            let labels = serde_json::from_str(text("body")?).ok()?;
            Some(Source { incident: IncidentId::parse(text("incident")?)?, labels })
        };
        Ok(items.iter().filter_map(read).collect())
    }

    /// Forgets an alert at `place` that is over.
    pub async fn forget_source(&self, place: &str, source: &Source) -> Result<(), Error> {
        let key = key(format!("inhibit#{place}"), source.incident.fingerprint.as_str());
        self.delete(key, "incident", source.incident.to_string()).await
    }

    /// Makes known that `source` keeps `target` quiet, so that its end lets go of it.
    pub async fn put_target(&self, source: &IncidentId, target: &IncidentId) -> Result<(), Error> {
        self.put(key(format!("inhibited#{source}"), &target.to_string())).await
    }

    /// Some of the alerts that `source` keeps quiet; none is left when it is empty.
    pub async fn targets(&self, source: &IncidentId) -> Result<Vec<IncidentId>, Error> {
        let items = self.query(format!("inhibited#{source}"), LOOKED_AT).await?;
        let id = |item: &Item| IncidentId::parse(item.get("sk")?.as_s().ok()?);
        Ok(items.iter().filter_map(id).collect())
    }

    /// Forgets that `source` keeps `target` quiet.
    pub async fn forget_target(&self, source: &IncidentId, target: &IncidentId) -> Result<(), Error> {
        self.delete(key(format!("inhibited#{source}"), &target.to_string()), "sk", target.to_string()).await
    }

    async fn put(&self, item: Item) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.state).set_item(Some(item)).send().await;
        put.map(|_| ()).map_err(|error| Error::aws("keeping an inhibition", error))
    }

    async fn query(&self, pk: String, limit: i32) -> Result<Vec<Item>, Error> {
        let found = self.client.query().table_name(&self.state).consistent_read(true).limit(limit);
        let found = found.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(pk));
        let found = found.send().await.map_err(|error| Error::aws("reading inhibitions", error))?;
        Ok(found.items.unwrap_or_default())
    }

    /// Deletes a row, if its `attribute` is still `value`.
    async fn delete(&self, key: Item, attribute: &str, value: String) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.state).set_key(Some(key));
        let delete = delete.condition_expression("#attribute = :value");
        let delete = delete.expression_attribute_names("#attribute", attribute);
        let deleted = delete.expression_attribute_values(":value", s(value)).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::aws("forgetting an inhibition", error)),
        }
    }
}

fn key(pk: String, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
