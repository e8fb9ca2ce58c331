//! An incident as Opsgenie shows an alert.

use std::collections::BTreeMap;

use domain::incident::{Incident, IncidentId, Status};
use domain::log::Hash;
use jiff::Timestamp;
use serde::Serialize;

use crate::sender::opsgenie::{Kept, priority, tags};

/// How many numbers there are for people to call an alert by.
const TINY: u64 = 100_000_000;

/// An alert as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "so Opsgenie shows it")]
pub(super) struct Alert {
    pub(super) id: String,
    pub(super) tiny_id: String,
    pub(super) alias: String,
    pub(super) message: String,
    pub(super) status: &'static str,
    pub(super) acknowledged: bool,
    is_seen: bool,
    /// The same under the name that the service itself uses.
    seen: bool,
    pub(super) tags: Vec<String>,
    pub(super) snoozed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<String>,
    pub(super) count: u64,
    last_occurred_at: String,
    created_at: String,
    updated_at: String,
    pub(super) source: String,
    pub(super) owner: String,
    pub(super) priority: String,
    responders: Vec<Responder>,
    integration: Integration,
    report: Report,
    #[serde(skip)]
    pub(super) created: Timestamp,
    #[serde(skip)]
    pub(super) last_occurred: Timestamp,
}

/// An alert as it is shown by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    alert: Alert,
    actions: Vec<String>,
    entity: String,
    description: String,
    details: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Responder {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Integration {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// How long it took people, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<String>,
}

impl Alert {
    /// The view of `incident`; `None` while nothing but its end is known. What people did they did to `standing`: the
    /// incident itself, or the group that it is told with.
    pub(super) fn of(incident: &Incident, standing: &Incident) -> Option<Self> {
        let created = incident.opened_at?;
        let open = incident.is_open();
        let standing = if open { standing } else { incident };
        let taken = standing.acknowledgement.as_ref();
        let ended = incident.resolution.as_ref();
        let last_occurred = incident.last_trigger_at.unwrap_or(created);
        let times = [Some(last_occurred), taken.map(|taken| taken.at), ended.map(|ended| ended.at)];
        let updated = times.into_iter().flatten().fold(created, Timestamp::max);
        let snoozed_until = snoozed_until(standing).filter(|_| open);
        let since = |at: Timestamp| at.as_millisecond() - created.as_millisecond();
        let assigned = standing.paging.assigned.as_ref().map(ToString::to_string);
        let assigned = assigned.map(|to| to.split_once(':').map_or(to.clone(), |(_, name)| name.to_owned()));
        Some(Self {
            id: incident.id.to_string(),
            tiny_id: tiny(&incident.id),
            alias: incident.key.clone(),
            message: incident.alert.title.clone(),
            status: if open { "open" } else { "closed" },
            acknowledged: open && standing.status == Status::Acknowledged,
            is_seen: taken.is_some(),
            seen: taken.is_some(),
            tags: tags(&incident.alert).map(str::to_owned).collect(),
            snoozed: snoozed_until.is_some(),
            snoozed_until: snoozed_until.map(written),
            count: incident.occurrences,
            last_occurred_at: written(last_occurred),
            created_at: written(created),
            updated_at: written(updated),
            source: incident.alert.labels.get("source").unwrap_or(&incident.alert.source).clone(),
            owner: assigned.or_else(|| taken.map(|taken| taken.by.name().to_owned())).unwrap_or_default(),
            priority: priority(&incident.alert).to_owned(),
            responders: responders(incident),
            integration: Integration {
                id: incident.integration.clone(),
                name: incident.integration.clone(),
                kind: "API",
            },
            report: Report {
                ack_time: taken.map(|taken| since(taken.at)),
                close_time: ended.map(|ended| since(ended.at)),
                acknowledged_by: taken.map(|taken| taken.by.name().to_owned()),
                closed_by: ended.map(|ended| ended.by.name().to_owned()),
            },
            created,
            last_occurred,
        })
    }

    /// With all that is known of it.
    pub(super) fn whole(self, incident: &Incident) -> Whole {
        let kept = Kept::of(&incident.alert);
        let entity = incident.alert.labels.get("entity").cloned().unwrap_or_default();
        Whole { alert: self, actions: kept.actions, entity, description: kept.description, details: kept.details }
    }
}

/// The number that people may call an alert by. Two alerts may share one: whoever looks one up must look for a second.
pub(super) fn tiny(id: &IncidentId) -> String {
    let hash = Hash::of(id.to_string().as_bytes()).bytes();
    let number = u64::from_be_bytes(hash[..8].try_into().expect("eight of 32 bytes"));
    (number % TINY).to_string()
}

/// A time as Opsgenie writes it.
pub(super) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Until when somebody put it off. An acknowledgement that ends when the policy says so is none.
fn snoozed_until(incident: &Incident) -> Option<Timestamp> {
    let taken = incident.acknowledgement.as_ref()?;
    let lasts = incident.decision.as_ref().and_then(|decision| decision.acknowledgement_expires);
    taken.expires_at.filter(|end| lasts.is_none_or(|lasts| taken.at + lasts != *end))
}

/// Whom it was routed to, and whom its sender named.
fn responders(incident: &Incident) -> Vec<Responder> {
    let team = incident.decision.as_ref().and_then(|decision| decision.team.clone());
    let team = team.map(|team| Responder { kind: "team".to_owned(), id: team.clone(), name: team });
    let named = Kept::of(&incident.alert).responders.into_iter().filter_map(|responder| {
        let name = responder.called()?.to_owned();
        let id = responder.id.filter(|id| !id.is_empty()).unwrap_or_else(|| name.clone());
        Some(Responder { kind: responder.kind, id, name })
    });
    // Those that were added later are in the label alone.
    let label = incident.alert.labels.get("responders").map(String::as_str).unwrap_or_default();
    let added = label.split(',').filter_map(|one| one.split_once(':'));
    let added =
        added.map(|(kind, name)| Responder { kind: kind.to_owned(), id: name.to_owned(), name: name.to_owned() });
    let mut found: Vec<Responder> = Vec::new();
    for responder in team.into_iter().chain(named).chain(added) {
        let known =
            |other: &Responder| other.kind == responder.kind && other.name.eq_ignore_ascii_case(&responder.name);
        if !found.iter().any(known) {
            found.push(responder);
        }
    }
    found
}
