//! Amendments: what somebody changed in what the sender said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signal::{Alert, Severity};

/// Changes to an alert; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A new word for how bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// New values of labels; a label without one is removed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Option<String>>,
    /// New details, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl Amendment {
    /// Whether `alert` says so already.
    pub fn is_in(&self, alert: &Alert) -> bool {
        let mut amended = alert.clone();
        self.amend(&mut amended);
        amended == *alert
    }

    /// Changes `alert`.
    pub(super) fn amend(&self, alert: &mut Alert) {
        if let Some(title) = &self.title {
            alert.title.clone_from(title);
        }
        if let Some(severity) = self.severity {
            alert.severity = severity;
        }
        if let Some(details) = &self.details {
            alert.details.clone_from(details);
        }
        for (name, value) in &self.labels {
            match value {
                Some(value) => alert.labels.insert(name.clone(), value.clone()),
                None => alert.labels.remove(name),
            };
        }
    }

    /// What it changes, in words; empty when nothing.
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.title.as_ref().map(|title| format!("the title to \"{title}\"")));
        words.extend(self.severity.map(|severity| format!("the severity to {}", severity.as_str())));
        words.extend(self.labels.iter().map(|(name, value)| match value {
            Some(value) => format!("the label {name} to \"{value}\""),
            None => format!("the label {name} to nothing"),
        }));
        words.extend(self.details.as_ref().map(|_| "the details".to_owned()));
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::fingerprint::Fingerprint;
    use crate::incident::{Actor, Command, Event, Incident, IncidentId};

    fn opened() -> Incident {
        let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("og", "k"), generation: 1 });
        let labels = BTreeMap::from([("tags".to_owned(), "a".to_owned()), ("env".to_owned(), "prod".to_owned())]);
        let alert = Alert { title: "Disk full".to_owned(), labels, ..Alert::default() };
        let opened = Event::Opened { integration: "og".to_owned(), key: "k".to_owned(), alert, follows: None };
        incident.apply(&opened, Timestamp::UNIX_EPOCH);
        incident
    }

    #[test]
    fn an_amendment_changes_what_it_names_and_asked_again_nothing() {
        let mut incident = opened();
        let amendment = Amendment {
            severity: Some(Severity::Critical),
            labels: BTreeMap::from([("tags".to_owned(), Some("a,b".to_owned())), ("env".to_owned(), None)]),
            ..Amendment::default()
        };
        let command = Command::Amend { by: Actor::person("ana"), amendment };
        let events = incident.decide(command.clone(), Timestamp::UNIX_EPOCH).expect("it is open");
        assert_eq!(events.len(), 1);
        incident.apply(&events[0], Timestamp::UNIX_EPOCH);
        assert_eq!(incident.severity(), Severity::Critical);
        assert_eq!(incident.alert.title, "Disk full");
        assert_eq!(incident.alert.labels, BTreeMap::from([("tags".to_owned(), "a,b".to_owned())]));
        assert_eq!(incident.decide(command, Timestamp::UNIX_EPOCH), Ok(Vec::new()));
    }

    #[test]
    fn what_is_over_can_still_be_described_better() {
        let mut incident = opened();
        incident
            .apply(&Event::Resolved { by: Actor::person("ana"), covers: Timestamp::UNIX_EPOCH }, Timestamp::UNIX_EPOCH);
        let amendment = Amendment { title: Some("Disk of db-1 full".to_owned()), ..Amendment::default() };
        assert_eq!(amendment.in_words(), "the title to \"Disk of db-1 full\"");
        let command = Command::Amend { by: Actor::person("ana"), amendment };
        assert_eq!(incident.decide(command, Timestamp::UNIX_EPOCH).map(|events| events.len()), Ok(1));
    }
}
