//! Gaps ahead: which of them somebody was told of.

use domain::cause::Cause;
use domain::schedule::{GapEvent, ToldGaps};
use jiff::Timestamp;

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// The gaps that somebody was told of, and the log of when.
#[derive(Debug, Clone)]
pub struct GapLog(Ledger<ToldGaps, GapEvent>);

impl GapLog {
    /// The gaps in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self(Ledger::new(aws, records, state, "gaps", ToldGaps::apply))
    }

    /// Those that somebody was told of and that have not begun.
    pub async fn read(&self) -> Result<ToldGaps, Error> {
        Ok(self.0.read().await?.value)
    }

    /// Writes what `decide` asks for, once for each `cause`.
    pub async fn change(
        &self,
        cause: &Cause,
        now: Timestamp,
        decide: impl FnMut(&ToldGaps) -> Result<Vec<GapEvent>, Error>,
    ) -> Result<(), Error> {
        self.0.append(cause, now, decide).await.map(|_| ())
    }
}
