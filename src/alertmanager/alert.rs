//! Open incidents as Alertmanager's API shows alerts.

use std::collections::BTreeMap;

use domain::escalation;
use domain::fingerprint::of_labels;
use domain::incident::Incident;
use domain::matcher::Matcher;
use domain::policy::Handling;
use domain::silence::{Silence, Subject};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::instant;
use super::status::Receiver;

/// The most alerts in one answer.
pub(super) const MOST: usize = 5000;
/// How long an alert of which nobody says when it ends counts as going on; Alertmanager's `resolve_timeout`.
const RESOLVE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// What counts as yes in a query; the words of go-openapi.
const YES: [&str; 10] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];

/// One alert.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    annotations: BTreeMap<String, String>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Receiver>,
    starts_at: String,
    status: AlertStatus,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertStatus {
    inhibited_by: Vec<String>,
    silenced_by: Vec<String>,
    muted_by: Vec<String>,
    state: &'static str,
}

/// Alerts of one receiver and service.
#[derive(Serialize)]
pub(super) struct Group {
    alerts: Vec<Alert>,
    labels: BTreeMap<String, String>,
    receiver: Receiver,
}

/// Which alerts a list shows, by their state: all but those that were switched off.
#[derive(Default)]
pub(super) struct Shown {
    off: Vec<String>,
}

impl Shown {
    /// Sets the switch `name`; one that is not known is nobody's.
    pub(super) fn switch(&mut self, name: &str, value: &str) {
        self.off.retain(|off| off != name);
        if !YES.iter().any(|yes| value.eq_ignore_ascii_case(yes)) {
            self.off.push(name.to_owned());
        }
    }

    /// Whether it shows `alert`.
    pub(super) fn shows(&self, alert: &Alert) -> bool {
        let status = &alert.status;
        !self.off.iter().any(|off| match off.as_str() {
            "active" | "unprocessed" => status.state == off,
            "silenced" => !status.silenced_by.is_empty(),
            "inhibited" => !status.inhibited_by.is_empty(),
            _ => false,
        })
    }
}

impl Alert {
    /// The view of `incident` at `now`, while `silences` hold for it.
    pub(super) fn of(incident: &Incident, silences: &[&Silence], now: Timestamp) -> Self {
        let alert = &incident.alert;
        let mut silenced_by: Vec<String> = silences.iter().map(|silence| silence.id.clone()).collect();
        silenced_by.sort_unstable();
        let state = match &incident.decision {
            _ if !silenced_by.is_empty() || escalation::handling(incident) == Handling::Suppress => "suppressed",
            None => "unprocessed",
            Some(_) => "active",
        };
        let began = incident.first_trigger_at.or(incident.opened_at).unwrap_or(now);
        let own = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let receiver = incident.decision.as_ref().map(|decision| Receiver::new(&decision.escalation));
        Self {
            annotations: annotations(incident),
            ends_at: instant(now + RESOLVE_TIMEOUT),
            // That of the labels the sender sent: one that is its own, as Prometheus' is, is found again.
            fingerprint: if alert.labels.is_empty() { incident.id.fingerprint.to_string() } else { of_labels(own) },
            receivers: receiver.into_iter().collect(),
            starts_at: instant(began),
            status: AlertStatus { inhibited_by: Vec::new(), silenced_by, muted_by: Vec::new(), state },
            updated_at: instant(incident.last_trigger_at.unwrap_or(began)),
            generator_url: alert.links.iter().find(|link| link.text == "Graph").map(|link| link.href.clone()),
            labels: Subject::of(incident).labels(),
        }
    }

    /// Everything that a silence can match.
    pub(super) const fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// The name of its label set.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether one of its receivers is meant.
    pub(super) fn is_received_by(&self, meant: &Matcher) -> bool {
        self.receivers.iter().any(|receiver| meant.matches(receiver.name()))
    }
}

impl Group {
    /// `alerts` by receiver and service.
    pub(super) fn of(alerts: Vec<Alert>) -> Vec<Self> {
        let mut groups: BTreeMap<(String, Option<String>), Self> = BTreeMap::new();
        for alert in alerts {
            // Nobody receives an alert that is not processed yet.
            let Some(receiver) = alert.receivers.first().cloned() else { continue };
            let service = alert.labels.get("service").cloned();
            let labels = service.iter().map(|service| ("service".to_owned(), service.clone())).collect();
            let key = (receiver.name().to_owned(), service);
            groups.entry(key).or_insert(Self { alerts: Vec::new(), labels, receiver }).alerts.push(alert);
        }
        groups.into_values().collect()
    }
}

/// The annotations that the sender sent, if it sent any, and a summary in any case.
fn annotations(incident: &Incident) -> BTreeMap<String, String> {
    let details: Value = serde_json::from_str(&incident.alert.details).unwrap_or_default();
    let sent = details["annotations"].as_object().into_iter().flatten();
    let texts = sent.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let summary = [("summary".to_owned(), incident.alert.title.clone())];
    summary.into_iter().chain(texts).collect()
}
