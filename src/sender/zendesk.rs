//! Zendesk's webhooks: a ticket is a case that pages until an agent takes it on, and ends when it is solved.
//!
//! A webhook that subscribes to ticket events has a body of Zendesk's own. One that a trigger or an automation calls has
//! a body of the user's, for which this is ours:
//!
//! ```json
//! {"ticket":{"id":"{{ticket.id}}","subject":"{{ticket.title}}","status":"{{ticket.status}}","priority":"{{ticket.priority}}",
//!  "type":"{{ticket.ticket_type}}","tags":"{{ticket.tags}}","url":"https://{{ticket.url}}","updated_at":"{{ticket.updated_at_with_timestamp}}"}}
//! ```
//!
//! What a customer wrote, and who it was, is not kept: the ticket's page shows it to those who may see it.

use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::{Fault, Reason};

/// The number of the ticket.
pub(super) const RULE: &str = "zendesk/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "type")]
    kind: Text,
    time: Text,
    detail: Option<Ticket>,
    ticket: Option<Ticket>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ticket {
    id: Text,
    subject: Text,
    status: Text,
    priority: Text,
    #[serde(rename = "type")]
    kind: Text,
    tags: Tags,
    url: Text,
    group_id: Text,
    updated_at: Text,
}

/// A list in Zendesk's own bodies, a text with spaces in templates.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Default for Tags {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// One ticket.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let body: Body = json::read(body)?;
    let kind = body.kind.or_empty().trim_start_matches("zen:event-type:");
    let of_ticket = kind.is_empty() || kind.starts_with("ticket.");
    let Some(ticket) = body.detail.or(body.ticket).filter(|_| of_ticket) else { return Ok(Vec::new()) };
    let Some(id) = ticket.id.get() else {
        return Err(
            Fault::new(Reason::Malformed, "the ticket has no id: use the payload of the guide").at("/ticket/id")
        );
    };
    let gone = ["ticket.soft_deleted", "ticket.permanently_deleted", "ticket.marked_as_spam", "ticket.merged"];
    let status = ticket.status.or_empty().to_ascii_lowercase();
    let action = match status.as_str() {
        _ if gone.contains(&kind) => Action::Resolve,
        "solved" | "closed" | "deleted" => Action::Resolve,
        // It waits for somebody else, so an agent has it.
        "pending" | "hold" => Action::Acknowledge,
        _ => Action::Trigger,
    };
    let at = body.time.time().or(ticket.updated_at.time());
    Ok(vec![Told { action, key: id.to_owned(), at, alert: alert(id, &ticket, kind) }])
}

fn alert(id: &str, ticket: &Ticket, kind: &str) -> Alert {
    let mut labels = Labels::default();
    labels.add("ticket", id);
    for (name, value) in [
        ("status", &ticket.status),
        ("priority", &ticket.priority),
        ("type", &ticket.kind),
        ("group", &ticket.group_id),
    ] {
        labels.add_some(name, value.get());
    }
    labels.add("event", kind);
    match &ticket.tags {
        Tags::List(tags) => tags.iter().for_each(|tag| labels.add(&format!("tag_{tag}"), "true")),
        Tags::Text(tags) => tags.split_whitespace().for_each(|tag| labels.add(&format!("tag_{tag}"), "true")),
        Tags::Other(_) => {}
    }
    let severity = match ticket.priority.or_empty().to_ascii_lowercase().as_str() {
        "urgent" => Severity::Critical,
        "high" => Severity::Error,
        "low" => Severity::Info,
        // `normal`, or nobody has said yet.
        _ => Severity::Warning,
    };
    let mut links = Vec::new();
    bounds::link(&mut links, ticket.url.get(), "Ticket");
    Alert {
        title: ticket.subject.get().map_or_else(|| format!("Ticket {id}"), bounds::title),
        severity,
        source: format!("ticket {}", bounds::field(id)),
        labels: labels.done(),
        links,
        ..Alert::default()
    }
}
