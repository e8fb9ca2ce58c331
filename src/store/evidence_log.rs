//! The evidence's own log: how far it has come, what was found wrong with it.

use domain::cause::Cause;
use domain::evidence::event::{Course, Event};
use jiff::Timestamp;

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// How far the evidence has come, and the log of it.
#[derive(Debug, Clone)]
pub struct EvidenceLog(Ledger<Course, Event>);

impl EvidenceLog {
    /// The log in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self(Ledger::new(aws, records, state, "evidence", Course::apply))
    }

    /// How far it has come.
    pub async fn read(&self) -> Result<Course, Error> {
        Ok(self.0.read().await?.value)
    }

    /// Writes what `decide` asks for, once for each `cause`.
    pub async fn change(
        &self,
        cause: &str,
        now: Timestamp,
        mut decide: impl FnMut(&Course) -> Vec<Event>,
    ) -> Result<(), Error> {
        self.0.append(&Cause::own(cause), now, |course| Ok(decide(course))).await.map(|_| ())
    }
}
