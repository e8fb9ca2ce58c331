//! Enrichment: what a responder would look up first.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::incident::{Incident, IncidentId};
use crate::owner::{self, Ownership};
use crate::policy::Policy;
use crate::signal::Link;

/// The most changes, and the most incidents beside it, that are kept.
pub const KEPT: usize = 5;

/// How long after a change an alert is suspected to stem from it.
const SUSPECT: SignedDuration = SignedDuration::from_mins(30);

/// What was looked up for an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Enrichment {
    /// The service it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The team that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// How much the service matters, 1 the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// How the owner was found, or that none was.
    pub owner_from: String,
    /// Runbook and dashboards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What was changed in the service lately, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Open incidents of the same service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

/// Something that was changed, such as a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What, in one line.
    pub title: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl Change {
    /// What tells it from other changes: where it is described, or else its title.
    pub fn name(&self) -> &str {
        self.href.as_deref().unwrap_or(&self.title)
    }

    /// Whether it came so shortly before an alert of `at` that it may be why.
    pub fn may_have_caused(&self, at: Timestamp) -> bool {
        self.at <= at && at.duration_since(self.at) <= SUSPECT
    }
}

/// An open incident of the same service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Its name.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
}

impl From<Incident> for Beside {
    fn from(incident: Incident) -> Self {
        Self { id: incident.id, title: incident.alert.title }
    }
}

/// What is known of `incident` from the policy, the changes of its service and the incidents beside it.
pub fn enrich(incident: &Incident, policy: &Policy, mut changes: Vec<Change>, beside: Vec<Beside>) -> Enrichment {
    let Ownership { service: name, team, from: owner_from } = owner::of(incident, policy);
    let known = name.as_ref().and_then(|name| policy.services.get(name));
    let link = |text: &str, href: &String| Link { href: href.clone(), text: text.to_owned() };
    let links = known.map(|service| {
        let runbook = service.runbook.iter().map(|href| link("Runbook", href));
        runbook.chain(service.dashboards.iter().map(|href| link("Dashboard", href))).collect()
    });
    changes.sort_by_key(|change| std::cmp::Reverse(change.at));
    changes.truncate(KEPT);
    let others = beside.into_iter().filter(|other| other.id != incident.id);
    Enrichment {
        team,
        tier: known.and_then(|service| service.tier),
        service: name,
        owner_from,
        links: links.unwrap_or_default(),
        changes,
        beside: others.take(KEPT).collect(),
    }
}
