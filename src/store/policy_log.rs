//! The log of policies: who made which one rule, and when. The pointer moves with its record or not at all.

use domain::cause::Cause;
use domain::incident::Actor;
use domain::log::Hash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// What is written about policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PolicyEvent {
    /// Another policy rules.
    Applied {
        /// Who made it rule.
        by: Actor,
        /// The one before, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Hash>,
        /// The one that rules.
        to: Hash,
    },
}

/// The pointer to the active policy, and the log of how it moved.
#[derive(Debug, Clone)]
pub struct PolicyLog(Ledger<Option<Hash>, PolicyEvent>);

impl PolicyLog {
    /// The policy log in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        let apply = |active: &mut Option<Hash>, PolicyEvent::Applied { to, .. }: &PolicyEvent, _| {
            *active = Some(to.clone());
        };
        Self(Ledger::new(aws, records, state, "policy", apply))
    }

    /// The hash of the policy that rules.
    pub async fn active(&self) -> Result<Option<Hash>, Error> {
        Ok(self.0.read().await?.value)
    }

    /// Makes `to` rule, and writes down who did; answers with the one before. The one that rules already changes nothing.
    pub async fn apply(&self, to: &Hash, by: Actor, cause: &Cause, now: Timestamp) -> Result<Option<Hash>, Error> {
        // A request that came again finds its own record, and then `to` ruled already.
        let mut before = Some(to.clone());
        let decide = |active: &Option<Hash>| {
            before.clone_from(active);
            let applied = PolicyEvent::Applied { by: by.clone(), from: active.clone(), to: to.clone() };
            Ok(if active.as_ref() == Some(to) { Vec::new() } else { vec![applied] })
        };
        self.0.append(cause, now, decide).await?;
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_record_about_policies_is_written_back_as_the_same_bytes() {
        super::super::record::kept::<super::PolicyEvent>("policy");
    }
}
