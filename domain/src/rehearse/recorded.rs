//! What happened, as far as routing can see it: the incident that was decided, and the decision.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::enrich::Enrichment;
use crate::incident::{Incident, IncidentId, Status, TEST_PAGES};
use crate::route::{self, Decision, Router};
use crate::signal::Alert;

/// One past incident, complete enough to be decided again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its name.
    pub id: IncidentId,
    /// When it was opened, by our clock.
    pub opened_at: Timestamp,
    /// The integration whose signals it gathers.
    pub integration: String,
    /// The sender's own name for the problem.
    pub key: String,
    /// What the signal that opened it said, without its details and links: no condition can ask for them.
    pub alert: Alert,
    /// What was known of it when it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrichment: Option<Enrichment>,
    /// The decision; none when it was never made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// How many triggers were recorded.
    pub occurrences: u64,
    /// When so many triggers had come that somebody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<Timestamp>,
}

impl Recorded {
    /// What `incident` was decided by; `None` for one that was never opened, and where no route decided: a test page, and a
    /// group, which goes by the decision of its first alert.
    pub fn of(incident: &Incident) -> Option<Self> {
        if incident.integration == TEST_PAGES || incident.group.is_some() {
            return None;
        }
        Some(Self {
            id: incident.id.clone(),
            opened_at: incident.opened_at?,
            integration: incident.integration.clone(),
            key: incident.key.clone(),
            alert: Alert { details: String::new(), links: Vec::new(), ..incident.alert.clone() },
            enrichment: incident.enrichment.clone(),
            decision: incident.decision.clone(),
            occurrences: incident.occurrences,
            reached_at: incident.reached_at,
        })
    }

    /// The clock it was decided by, or else the one it was opened by.
    pub fn decided_at(&self) -> Timestamp {
        self.decision.as_ref().map_or(self.opened_at, |decision| decision.at)
    }

    /// When somebody was told, or would be: at the decision, or once so many triggers had come as its route waits for.
    pub(super) fn told_at(&self) -> Timestamp {
        self.reached_at.unwrap_or_else(|| self.decided_at())
    }

    /// Whether as many triggers as `count` came close enough together, as far as that is known.
    pub(super) fn reached(&self, count: u32) -> bool {
        self.reached_at.is_some() && self.occurrences >= u64::from(count)
    }

    /// The incident as it stood before it was decided.
    pub fn undecided(&self) -> Incident {
        Incident {
            status: Status::Triggered,
            integration: self.integration.clone(),
            key: self.key.clone(),
            alert: self.alert.clone(),
            occurrences: self.occurrences,
            opened_at: Some(self.opened_at),
            enrichment: self.enrichment.clone(),
            pulse: self.decision.as_ref().and_then(|made| made.pulse.clone()).unwrap_or_default(),
            ..Incident::expected(self.id.clone())
        }
    }

    /// What `router` decides of it at `at`, as if it were new.
    ///
    /// Who owns it is asked of the router's own policy: another policy may have moved its service.
    pub fn anew(&self, router: &Router, at: Timestamp) -> Decision {
        router.decide(&Incident { enrichment: None, ..self.undecided() }, at)
    }

    /// The recorded decision, made again by `router`, which holds the policy that it names; `None` when it was never made.
    ///
    /// It is the same one, bit for bit, unless the record, the policy or the rules were changed. A decision that was made
    /// before its owner was looked up, or because routing failed, is made again that way.
    pub fn again(&self, router: &Router) -> Option<Decision> {
        let made = self.decision.as_ref()?;
        let mut incident = self.undecided();
        let decided = router.decide(&incident, made.at);
        if decided == *made {
            return Some(decided);
        }
        let failed = route::fallback(&incident, router.policy(), router.hash(), made.at, route::FAILED);
        incident.enrichment = None;
        let unknowing = route::fallback(&incident, router.policy(), router.hash(), made.at, route::FAILED);
        let early = router.decide(&incident, made.at);
        Some([failed, unknowing, early].into_iter().find(|other| other == made).unwrap_or(decided))
    }
}
