//! Intercom's webhooks: a conversation is a case that pages until a teammate takes it on, and ends when it is closed.
//!
//! What a customer wrote, and who it was, is not kept: the conversation's page shows it to those who may see it.

use domain::signal::{Action, Alert, Severity};
use jiff::Timestamp;
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::Fault;

/// `conversation:` or `ticket:`, and its id.
pub(super) const RULE: &str = "intercom/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Notification {
    topic: Text,
    app_id: Text,
    created_at: Text,
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    item: Item,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(rename = "type")]
    kind: Text,
    id: Text,
    title: Text,
    state: Text,
    priority: Text,
    team_assignee_id: Text,
    category: Text,
    open: Text,
}

/// One notification; of a topic that neither begins nor ends a case, and of the ping, nothing.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let Notification { topic, app_id, created_at, data } = json::read(body)?;
    let item = data.item;
    let Some(id) = item.id.get() else { return Ok(Vec::new()) };
    let action = match topic.or_empty() {
        "conversation.user.created" | "conversation.user.replied" | "conversation.admin.opened" | "ticket.created" => {
            Action::Trigger
        }
        "conversation.admin.replied"
        | "conversation.admin.assigned"
        | "conversation.admin.snoozed"
        | "ticket.admin.assigned"
        | "ticket.admin.replied" => Action::Acknowledge,
        "conversation.admin.closed" | "conversation.deleted" | "ticket.closed" => Action::Resolve,
        "ticket.state.updated" if item.open.is("false") => Action::Resolve,
        _ => return Ok(Vec::new()),
    };
    let kind = if topic.or_empty().starts_with("ticket.") { "ticket" } else { "conversation" };
    let mut labels = Labels::default();
    labels.add(kind, id);
    let fields = [
        ("topic", &topic),
        ("state", &item.state),
        ("priority", &item.priority),
        ("team", &item.team_assignee_id),
        ("category", &item.category),
        ("type", &item.kind),
    ];
    for (name, value) in fields {
        labels.add_some(name, value.get());
    }
    let mut links = Vec::new();
    if let Some(app) = app_id.get().filter(|app| app.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        let place = format!("https://app.intercom.com/a/apps/{app}/conversations/{id}");
        bounds::link(&mut links, Some(&place), "Intercom");
    }
    let alert = Alert {
        title: item
            .title
            .get()
            .map_or_else(|| format!("A customer waits in {kind} {}", bounds::field(id)), bounds::title),
        severity: if item.priority.is("priority") { Severity::Error } else { Severity::Warning },
        source: format!("{kind} {}", bounds::field(id)),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    let at = created_at.get().and_then(|text| text.parse().ok()).and_then(|second| Timestamp::from_second(second).ok());
    Ok(vec![Told { action, key: format!("{kind}:{id}"), at, alert }])
}
