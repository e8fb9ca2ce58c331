//! An incident, as the API shows it.

use std::collections::BTreeMap;

use domain::escalation;
use domain::incident;
use domain::policy::{Handling, Ladder, Mode};
use domain::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;
use super::{AlertCount, Delivery};

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Incident {
    /// Its name, for good.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// How bad the sender says it is.
    #[cfg_attr(test, schemars(schema_with = "words::severity"))]
    pub severity: Severity,
    /// One line for a person.
    pub title: String,
    /// The service it concerns.
    pub service: Option<String>,
    /// How often the sender reported it.
    pub occurrences: u64,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Who took it on.
    pub acknowledged_by: Option<String>,
    /// When they did.
    pub acknowledged_at: Option<Timestamp>,
    /// When their acknowledgement counts no more.
    pub acknowledgement_expires_at: Option<Timestamp>,
    /// Each who acknowledged it since nobody had, in order.
    pub acknowledgements: Vec<Acknowledged>,
    /// The people whose acknowledgement the current step waits for, where each of them must.
    pub awaiting: Vec<String>,
    /// Whom the current step tells later, as they sleep.
    pub waiting: Vec<Waiting>,
    /// To whom somebody gave it, such as `person:ana`.
    pub assigned_to: Option<String>,
    /// Who ended it: a person, or the integration whose sender said so.
    pub resolved_by: Option<String>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// The team that owns the service.
    pub team: Option<String>,
    /// Where it stands on the team's severity ladder.
    #[cfg_attr(test, schemars(schema_with = "words::level"))]
    pub level: Option<Ladder>,
    /// Where responders meet, as the ladder says.
    pub bridge: Option<String>,
    /// What is done with it; null until that is decided.
    #[cfg_attr(test, schemars(schema_with = "words::handling"))]
    pub handling: Option<Handling>,
    /// Whether that is done, or only written down; null until it is decided.
    #[cfg_attr(test, schemars(schema_with = "words::mode"))]
    pub mode: Option<Mode>,
    /// Why that was decided.
    pub why: Option<String>,
    /// The silences that keep everybody from being told.
    #[serde(default)]
    pub silenced_by: Vec<String>,
    /// The labels that its alerts share, when it is the incident of a group; null otherwise.
    pub group: Option<BTreeMap<String, String>>,
    /// How many alerts it gathers; null when it is no group's.
    pub alerts: Option<AlertCount>,
    /// The group incident that people are told of and answer instead of this one; null when it is told alone.
    pub member_of: Option<String>,
    /// The open incident that keeps it quiet; null when none does.
    pub inhibited_by: Option<String>,
    /// The integration that reported it.
    pub integration: String,
    /// The sender's own name for the problem.
    pub key: String,
    /// What is affected: a host, an alarm, a URL.
    pub source: String,
    /// The sender's labels.
    pub labels: BTreeMap<String, String>,
    /// Where to look: runbooks, graphs, the sender's own page.
    #[cfg_attr(test, schemars(schema_with = "words::links"))]
    pub links: Vec<domain::signal::Link>,
    /// Who was told how, and what came of it; the latest step's last.
    pub deliveries: Vec<Delivery>,
    /// How often a message was held back, as its recipient got too many.
    pub held: u32,
    /// How many records its log has.
    pub records: u64,
    /// The hash of the last of them.
    #[cfg_attr(test, schemars(schema_with = "words::hash"))]
    pub head: domain::log::Hash,
    /// Where it can be read.
    pub url: Option<String>,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Open, and nobody has taken it on.
    Triggered,
    /// Open, and somebody has taken it on.
    Acknowledged,
    /// Over for good.
    Resolved,
}

impl Status {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// That somebody acknowledged an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// That somebody is told later, as they sleep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Waiting {
    /// Who, by short name.
    pub person: String,
    /// Until when their quiet hours last.
    pub until: Timestamp,
}

/// A page of incidents, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IncidentList {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// What to ask for as `cursor` to get the next page; null after the last.
    pub next: Option<String>,
}

impl Incident {
    /// The view of `incident`, which can be read under `base`; `None` for one that only early signals speak of.
    pub fn of(incident: &incident::Incident, base: Option<&str>) -> Option<Self> {
        let status = match incident.status {
            incident::Status::Expected => return None,
            incident::Status::Triggered => Status::Triggered,
            incident::Status::Acknowledged => Status::Acknowledged,
            incident::Status::Resolved => Status::Resolved,
        };
        let taken = incident.acknowledgement.as_ref();
        let ended = incident.resolution.as_ref();
        let decided = incident.decision.as_ref();
        let found = incident.enrichment.as_ref();
        let links = found.map(|found| found.links.clone()).unwrap_or_default();
        let acknowledgements = incident.acknowledgements.iter();
        let acknowledgements =
            acknowledgements.map(|answer| Acknowledged { by: answer.by.name().to_owned(), at: answer.at });
        Some(Self {
            id: incident.id.to_string(),
            status,
            severity: incident.severity(),
            title: incident.alert.title.clone(),
            service: incident.service().map(str::to_owned),
            occurrences: incident.occurrences,
            opened_at: incident.opened_at?,
            acknowledged_by: taken.map(|taken| taken.by.name().to_owned()),
            acknowledged_at: taken.map(|taken| taken.at),
            acknowledgement_expires_at: taken.and_then(|taken| taken.expires_at),
            acknowledgements: acknowledgements.collect(),
            awaiting: incident.awaited().into_iter().map(short).collect(),
            waiting: waiting(incident),
            assigned_to: incident.paging.assigned.as_ref().map(ToString::to_string),
            resolved_by: ended.map(|ended| ended.by.name().to_owned()),
            resolved_at: ended.map(|ended| ended.at),
            team: decided.and_then(|made| made.team.clone()).or_else(|| found.and_then(|found| found.team.clone())),
            level: decided.and_then(|made| made.level),
            bridge: incident.bridge().map(str::to_owned),
            handling: decided.map(|_| escalation::handling(incident)),
            mode: decided.map(|made| made.mode),
            why: decided.map(|made| made.why.clone()),
            silenced_by: incident.silenced_by.iter().map(|hold| hold.silence.clone()).collect(),
            group: incident.group.as_ref().map(|_| incident.alert.labels.clone()),
            alerts: incident.group.as_ref().map(AlertCount::from),
            member_of: incident.member_of.as_ref().map(ToString::to_string),
            inhibited_by: incident.inhibited_by.as_ref().map(ToString::to_string),
            integration: incident.integration.clone(),
            key: incident.key.clone(),
            source: incident.alert.source.clone(),
            labels: incident.alert.labels.clone(),
            links: links.into_iter().chain(incident.alert.links.iter().cloned()).collect(),
            deliveries: incident.paging.deliveries.iter().map(Delivery::of).collect(),
            held: incident.paging.held,
            records: incident.seq,
            head: incident.head.clone(),
            url: base.map(|base| format!("{}/v1/incidents/{}", base.trim_end_matches('/'), incident.id)),
        })
    }
}

/// The name in `person:ana`.
fn short(to: &str) -> String {
    to.split_once(':').map_or(to, |(_, name)| name).to_owned()
}

/// Whom the current step has not told yet because of their quiet hours.
fn waiting(incident: &incident::Incident) -> Vec<Waiting> {
    if incident.status != incident::Status::Triggered {
        return Vec::new();
    }
    let told = |to: &str| incident.paging.current().any(|delivery| delivery.to == to);
    let waits = incident.paging.recipients.iter().filter(|found| !told(&found.to));
    waits.filter_map(|found| Some(Waiting { person: short(&found.to), until: found.quiet_until? })).collect()
}

#[cfg(test)]
mod tests {
    use domain::fingerprint::Fingerprint;
    use domain::incident::{Actor, Event, IncidentId};
    use domain::signal::Alert;

    use super::*;

    #[test]
    fn an_incident_has_every_field_from_its_first_record_on() {
        let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
        let mut incident = incident::Incident::expected(id);
        assert_eq!(Incident::of(&incident, None), None);

        let alert = Alert { title: "Disk full".to_owned(), ..Alert::default() };
        let opened = Event::Opened { integration: "pd".to_owned(), key: "k".to_owned(), alert, follows: None };
        incident.apply(&opened, Timestamp::UNIX_EPOCH);
        let view = Incident::of(&incident, Some("https://w/")).expect("it is open");
        assert_eq!(view.url, Some(format!("https://w/v1/incidents/{}", incident.id)));
        let json = serde_json::to_value(&view).expect("plain JSON");
        for field in ["service", "acknowledged_by", "resolved_at"] {
            assert_eq!(json[field], serde_json::Value::Null, "{field}");
            assert!(json.get(field).is_some(), "{field} is null, not absent");
        }
        assert_eq!(json["status"], "triggered");

        incident.apply(&Event::Acknowledged { by: Actor::person("ana"), expires_at: None }, Timestamp::UNIX_EPOCH);
        let view = Incident::of(&incident, None).expect("it is open");
        assert_eq!((view.status, view.acknowledged_by.as_deref()), (Status::Acknowledged, Some("ana")));
    }
}
