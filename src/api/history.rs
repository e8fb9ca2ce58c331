//! History: what was decided, complete enough to be decided again.

use domain::rehearse::Recorded;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;

/// A page of past incidents with their decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct History {
    /// The incidents: the triggered ones first, then the acknowledged, then the resolved, the latest of each first.
    #[cfg_attr(test, schemars(schema_with = "words::recorded"))]
    pub incidents: Vec<Recorded>,
    /// What to ask for as `cursor` to get the next page; null after the last.
    pub next: Option<String>,
}
