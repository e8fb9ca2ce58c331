//! Answers to incidents: acknowledge, snooze, give back, reassign, resolve, escalate, note.

use domain::timeline::lasted;
use serde::Serialize;
use watchkeeper::api::{Answer, Incident, Status};

use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, GREEN, Show, paint, text};

/// An answer on behalf of `by`.
pub const fn from(by: Option<String>, text: Option<String>) -> Answer {
    Answer { by, text, about: None }
}

/// Gives `answer` to each of `ids` as `action`; one that is refused does not keep the others from theirs.
pub fn each(client: &Client, ids: &[String], action: &str, answer: &Answer, show: Show) -> Result<(), Failure> {
    let mut refused: Option<Failure> = None;
    for id in ids {
        let given = client.full_id(id).and_then(|id| client.post(&format!("/v1/incidents/{id}/{action}"), answer));
        match given {
            Ok(incident) => show.print(&incident, |incident| tell(incident, action)),
            Err(failure @ (Failure::Unreachable { .. } | Failure::Unauthorized { .. })) => return Err(failure),
            Err(failure) => {
                // The last is told by the caller; those before it are told here.
                if let Some(earlier) = refused.replace(failure) {
                    show::fail(&earlier);
                }
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Gives `answer` to `id` as `action`.
pub fn one(client: &Client, id: &str, action: &str, answer: &impl Serialize, show: Show) -> Result<(), Failure> {
    let id = client.full_id(id)?;
    let incident = client.post(&format!("/v1/incidents/{id}/{action}"), answer)?;
    show.print(&incident, |incident| tell(incident, action));
    Ok(())
}

fn tell(incident: &Incident, action: &str) -> String {
    let by = |name: &Option<String>| text(name.as_deref().unwrap_or("you"));
    let after = |at: Option<jiff::Timestamp>| {
        at.map(|at| format!(", {} after it opened", lasted(at.duration_since(incident.opened_at)))).unwrap_or_default()
    };
    let said = match (action, incident.status) {
        ("acknowledge", Status::Triggered) => {
            format!("recorded; it counts once {} acknowledged too", text(&incident.awaiting.join(" and ")))
        }
        ("snooze", Status::Acknowledged) => {
            let until = incident.acknowledgement_expires_at.map(|at| format!(" until {}", show::time(at)));
            format!("taken on by {}{}", by(&incident.acknowledged_by), until.unwrap_or_default())
        }
        ("unacknowledge", Status::Triggered) => "given back: it pages again".to_owned(),
        ("reassign", Status::Triggered) => {
            let to = incident.assigned_to.as_deref().unwrap_or("somebody");
            format!("given to {}: they are told now", text(to))
        }
        ("acknowledge", _) => {
            format!("acknowledged by {}{}", by(&incident.acknowledged_by), after(incident.acknowledged_at))
        }
        ("resolve", _) => format!("resolved by {}{}", by(&incident.resolved_by), after(incident.resolved_at)),
        ("escalate", Status::Triggered) => "escalated: the next step is told now".to_owned(),
        ("notes", _) => "noted".to_owned(),
        (_, status) => status.as_str().to_owned(),
    };
    format!("{} {} {}\n", paint(GREEN, &said), incident.id, text(&incident.title))
}
