//! What became of a request: its id says what was known when it was answered, and the log says the rest.

use domain::incident::{Event, Incident, IncidentId, Status};
use domain::log::Record;
use domain::signal::Action as Said;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::alert::written;
use super::call::Action;
use super::reply::{Fault, Told};
use super::request_id::{Outcome, RequestId};
use super::{AlertApi, Caller};
use crate::error::Error;

/// How many incidents of one alias are looked through.
const GENERATIONS: u32 = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Became {
    success: bool,
    is_success: bool,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed_at: Option<String>,
    integration_id: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
}

/// Where a request is in the log.
struct Place {
    incident: Incident,
    record: Record<Event>,
    at: Timestamp,
}

impl AlertApi {
    /// The status of the request `id`, to the caller whose alert it was about.
    pub(super) async fn status(&self, caller: &Caller, id: &str) -> Result<Told, Error> {
        let Some(id) = RequestId::parse(id) else { return Ok(Told::Fault(Fault::no_request())) };
        let latest = self.incidents.latest(&id.fingerprint).await?;
        if latest
            .as_ref()
            .is_some_and(|latest| !latest.integration.is_empty() && latest.integration != caller.integration)
        {
            return Ok(Told::Fault(Fault::no_request()));
        }
        let place = match (&latest, id.outcome) {
            (Some(latest), Outcome::Queued | Outcome::Done) => self.place(latest, &id).await?,
            _ => None,
        };
        let (success, status) = match (id.outcome, &place) {
            (Outcome::Queued | Outcome::Done, None) => return Ok(Told::Fault(Fault::no_request())),
            (Outcome::Queued, Some(place)) => place.became(id.action),
            (Outcome::Done, Some(_)) => (true, done(id.action)),
            (Outcome::AlreadySo, _) => (true, "Nothing had to be changed"),
            (Outcome::NoAlert, _) => (false, "Alert does not exist"),
            (Outcome::Closed, _) => (false, "Alert is already closed"),
            (Outcome::Taken, _) => (false, "Alert is already acknowledged by somebody else"),
            (Outcome::AsksEverybody, _) => {
                (false, "Everybody who was told must acknowledge: nobody can put it off alone")
            }
            (Outcome::UnknownResponder, _) => (false, "The policy has nobody of this name"),
        };
        let incident = place.as_ref().map(|place| &place.incident).or(latest.as_ref());
        let incident = incident.filter(|incident| incident.status != Status::Expected);
        let became = Became {
            success,
            is_success: success,
            action: id.action.name(),
            processed_at: place.as_ref().map(|place| written(place.at)),
            integration_id: caller.integration.clone(),
            status: status.to_owned(),
            alert_id: incident.map(|incident| incident.id.to_string()),
            alias: incident.map(|incident| incident.key.clone()),
        };
        Ok(Told::Data(json!(became), None))
    }

    /// Where the log of `latest`, of those before it, or of the group it is told with, has the request.
    async fn place(&self, latest: &Incident, id: &RequestId) -> Result<Option<Place>, Error> {
        let oldest = latest.id.generation.saturating_sub(GENERATIONS - 1).max(1);
        for generation in (oldest..=latest.id.generation).rev() {
            let own = IncidentId { generation, ..latest.id.clone() };
            let incident =
                if generation == latest.id.generation { latest.clone() } else { self.incidents.get(&own).await? };
            let group = incident.member_of.clone();
            for stream in std::iter::once(own).chain(group) {
                for entry in self.incidents.entries(&stream).await? {
                    let record: Record<Event> =
                        Record::open(&entry).map_err(|_| Error::Misconfigured("a record cannot be read".to_owned()))?;
                    if record.cause == id.cause() || seen(&record, &id.cause()).is_some() {
                        let at = record.at;
                        return Ok(Some(Place { incident, record, at }));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl Place {
    /// What became of what was queued.
    fn became(&self, action: Action) -> (bool, &'static str) {
        let happened = |wanted: fn(&Event) -> bool| self.record.events.iter().any(wanted);
        match action {
            Action::Close if happened(|event| matches!(event, Event::Resolved { .. })) => (true, done(action)),
            Action::Close | Action::Acknowledge if self.incident.status == Status::Expected => {
                (false, "Alert does not exist")
            }
            Action::Close if self.incident.is_open() => (false, "Alert was created again later: it stays open"),
            Action::Close => (false, "Alert is already closed"),
            Action::Acknowledge => {
                let taken =
                    happened(|event| matches!(event, Event::Acknowledged { .. } | Event::AcknowledgedInPart { .. }));
                if taken { (true, done(action)) } else { (false, "Alert is closed, or already acknowledged") }
            }
            _ if happened(|event| matches!(event, Event::Opened { .. })) => (true, done(action)),
            _ => (true, "Alert is open already: counted"),
        }
    }
}

/// The signal named `cause`, if `record` counts it.
fn seen(record: &Record<Event>, cause: &str) -> Option<Said> {
    let signals = record.events.iter().filter_map(|event| match event {
        Event::Signalled { signals } => Some(signals),
        _ => None,
    });
    signals.flatten().find(|seen| seen.id == cause).map(|seen| seen.action)
}

/// What is said of an action that was done.
const fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "Created alert",
        Action::Close => "Closed alert",
        Action::Acknowledge => "Acknowledged alert",
        Action::Unacknowledge => "UnAcknowledged alert",
        Action::Snooze => "Snoozed alert",
        Action::Escalate => "Escalated alert",
        Action::Assign => "Assigned alert",
        Action::AddTeam => "Added team",
        Action::AddResponder => "Added responder",
        Action::AddNote => "Added note",
        Action::AddTags => "Added tags",
        Action::RemoveTags => "Removed tags",
        Action::AddDetails => "Added details",
        Action::RemoveDetails => "Removed details",
        Action::UpdateMessage => "Updated message",
        Action::UpdateDescription => "Updated description",
        Action::UpdatePriority => "Updated priority",
    }
}
