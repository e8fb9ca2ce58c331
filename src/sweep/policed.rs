//! What incidents are judged by: the policies they were routed by, who is on call, and which of the others are over.

use std::collections::HashMap;
use std::sync::Arc;

use domain::escalation::{Beside, Neglect, neglect};
use domain::incident::{Incident, IncidentId};
use domain::log::Hash;
use domain::policy::Policy;
use domain::schedule::Covers;
use domain::silence::Silences;
use jiff::Timestamp;

use crate::error::Error;
use crate::store::{Active, CoverLog, Incidents, Policies};

/// What incidents are judged by, as far as it was asked for.
#[derive(Default)]
pub(crate) struct Policed {
    policies: HashMap<Hash, Arc<Active>>,
    active: Option<Arc<Active>>,
    /// The overrides and absences.
    pub(crate) covers: Covers,
    over: HashMap<IncidentId, Timestamp>,
}

impl Policed {
    /// The policy that `incident` was routed by; the active one where there is none, or none any more.
    pub(super) fn of(&self, incident: &Incident) -> Option<&Active> {
        let frozen = incident.decision.as_ref().and_then(|decision| self.policies.get(&decision.policy));
        frozen.or(self.active.as_ref()).map(Arc::as_ref)
    }

    /// The policy of this hash, where an incident that was asked for has it.
    pub(crate) fn named(&self, hash: &Hash) -> Option<&Policy> {
        self.policies.get(hash).map(|active| &active.policy)
    }

    /// Since when another incident is over or was never there.
    pub(crate) fn over_since(&self, id: &IncidentId) -> Option<Timestamp> {
        self.over.get(id).copied()
    }

    /// What was due at `before` already and is not done at `now`.
    pub(super) fn neglect(
        &self,
        incident: &Incident,
        silences: &Silences,
        before: Timestamp,
        now: Timestamp,
    ) -> Option<Neglect> {
        let over_since = |id: &IncidentId| self.over_since(id);
        let policy = &self.of(incident)?.policy;
        neglect(incident, Beside { policy, covers: &self.covers, silences, over_since: &over_since }, before, now)
    }

    /// Asks for what `incidents` are judged by and was not asked for yet.
    pub(crate) async fn fetch(
        &mut self,
        policies: &Policies,
        covers: &CoverLog,
        others: &Incidents,
        incidents: &[Incident],
        now: Timestamp,
    ) -> Result<(), Error> {
        if incidents.is_empty() {
            return Ok(());
        }
        if self.active.is_none() {
            self.active = Some(policies.active(now).await?);
            self.covers = covers.known().await;
        }
        for hash in incidents.iter().filter_map(|incident| Some(&incident.decision.as_ref()?.policy)) {
            if self.policies.contains_key(hash) {
                continue;
            }
            match policies.by_hash(hash).await {
                Ok(policy) => {
                    self.policies.insert(hash.clone(), policy);
                }
                Err(error) if error.is_retryable() => return Err(error),
                // Whoever pages by it says so.
                Err(_) => self.policies.extend(self.active.clone().map(|active| (hash.clone(), active))),
            }
        }
        let named = incidents.iter().flat_map(|incident| incident.inhibited_by.iter().chain(&incident.member_of));
        let mut named: Vec<IncidentId> = named.cloned().collect();
        named.sort();
        named.dedup();
        // Whoever is not there is over since always.
        self.over = named.iter().map(|id| (id.clone(), Timestamp::UNIX_EPOCH)).collect();
        for other in others.read(&named).await?.into_iter().flatten() {
            if other.is_open() {
                self.over.remove(&other.id);
            } else if let Some(ended) = other.resolution {
                self.over.insert(other.id, ended.at);
            }
        }
        Ok(())
    }
}
