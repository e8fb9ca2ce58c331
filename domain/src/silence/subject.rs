//! Subject: what matchers of a silence look at.

use std::collections::BTreeMap;

use crate::group::Member;
use crate::incident::Incident;
use crate::signal::{Alert, Severity};

/// The names that every alert has, whatever its sender: where no label has the name, the fact stands for it.
const FACTS: [&str; 5] = ["alertname", "integration", "service", "severity", "title"];

/// An incident as a silence sees it: its labels, and under a name that no label has, what Watchkeeper knows of it.
///
/// `alertname` and `title` are the title, `severity` one of the four words, `integration` the sender's name in the
/// policy, and `service` the service that routing, enrichment or the sender says.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    labels: &'a BTreeMap<String, String>,
    title: &'a str,
    severity: Severity,
    integration: &'a str,
    service: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// `incident` as it stands.
    pub fn of(incident: &'a Incident) -> Self {
        let Alert { labels, title, severity, .. } = &incident.alert;
        Self { labels, title, severity: *severity, integration: &incident.integration, service: incident.service() }
    }

    /// An alert of a group.
    pub fn of_member(member: &'a Member) -> Self {
        let Member { labels, title, severity, integration, service, .. } = member;
        Self { labels, title, severity: *severity, integration, service: service.as_deref() }
    }

    /// The same, where routing has just said which service it concerns.
    #[must_use]
    pub fn concerning(self, service: Option<&'a str>) -> Self {
        Self { service: service.or(self.service), ..self }
    }

    /// The service it concerns.
    pub const fn service(&self) -> Option<&'a str> {
        self.service
    }

    /// The value of the label `name`.
    pub fn label(&self, name: &str) -> Option<&'a str> {
        let label = self.labels.get(name).map(String::as_str);
        label.or_else(|| match name {
            "alertname" | "title" => Some(self.title),
            "integration" => Some(self.integration),
            "service" => self.service,
            "severity" => Some(self.severity.as_str()),
            _ => None,
        })
    }

    /// The labels that its sender gave it.
    pub const fn own_labels(&self) -> &'a BTreeMap<String, String> {
        self.labels
    }

    /// Everything that can be matched.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let facts = FACTS.iter().filter_map(|name| Some((*name, self.label(name)?)));
        let labels = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = facts.chain(labels).filter(|(_, value)| !value.is_empty());
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
