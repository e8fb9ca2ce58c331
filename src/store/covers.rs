//! Overrides, swaps and absences: set by people at run time, and never touched by a deploy or a policy.

use domain::cause::Cause;
use domain::schedule::{CoverEvent, Covers};
use jiff::Timestamp;

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// The overrides, swaps and absences, and the log of who set them.
#[derive(Debug, Clone)]
pub struct CoverLog(Ledger<Covers, CoverEvent>);

impl CoverLog {
    /// The covers in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self(Ledger::new(aws, records, state, "covers", Covers::apply))
    }

    /// All of them as they stand.
    pub async fn read(&self) -> Result<Covers, Error> {
        Ok(self.0.read().await?.value)
    }

    /// The same for whoever tells somebody: where they cannot be read there are none, as the wrong person is better than
    /// none.
    pub async fn known(&self) -> Covers {
        self.read().await.unwrap_or_else(|error| {
            tracing::error!(error = error.chain(), "the overrides cannot be read: the rotations alone page");
            Covers::default()
        })
    }

    /// Makes the change that `decide` asks for, once for each `cause`; answers with how they stand then.
    pub async fn change(
        &self,
        cause: &Cause,
        now: Timestamp,
        mut decide: impl FnMut(&Covers) -> Result<CoverEvent, Error>,
    ) -> Result<Covers, Error> {
        Ok(self.0.append(cause, now, |covers| Ok(vec![decide(covers)?])).await?.value)
    }
}
