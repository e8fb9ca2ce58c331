//! What a call asks of an alert: the action in its address, and the body or the query that belongs to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::incident::{Actor, Amendment};
use domain::policy::Policy;
use domain::signal::Alert;
use domain::text;
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::Action;
use crate::query::pairs;
use crate::respond::{LONGEST_SNOOZE, NAME, NOTE};
use crate::sender::Request;
use crate::sender::opsgenie::{self as sender, Invalid, Kept, NO_PRIORITY, Responder, person};

/// What is asked of an alert, by whom.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) by: Actor,
    pub(super) what: What,
    /// What is to be written down with it.
    pub(super) note: Option<String>,
}

/// What is asked of an alert.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Close,
    Acknowledge,
    Unacknowledge,
    Snooze(Timestamp),
    Note,
    /// The next step of an escalation.
    Escalate(Responder),
    /// To somebody, and nobody else.
    Assign(Responder),
    /// To somebody if the policy knows them.
    Respond(Responder),
    Change(Change),
}

/// A change to what an alert says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    AddTags(Vec<String>),
    RemoveTags(Vec<String>),
    AddDetails(BTreeMap<String, String>),
    RemoveDetails(Vec<String>),
    Message(String),
    Description(String),
    Priority(String),
    AddResponder(Responder),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    note: Option<Cow<'a, str>>,
    #[serde(borrow)]
    end_time: Option<Cow<'a, str>>,
    escalation: Option<Responder>,
    owner: Option<Responder>,
    team: Option<Responder>,
    responder: Option<Responder>,
    tags: Option<Vec<String>>,
    #[serde(borrow)]
    details: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    priority: Option<Cow<'a, str>>,
}

/// What `request` asks of an alert by `action`, for the sender `integration`.
pub(super) fn read(
    action: Action,
    request: &Request<'_>,
    query: &str,
    policy: &Policy,
    integration: &str,
) -> Result<Asked, Invalid> {
    // What is removed, and who removes it, stands in the query: some clients send no body with DELETE, some an odd one.
    let removes = *request.method == Method::DELETE;
    let sent = if removes { Cow::default() } else { sender::body(request)? };
    let body: Body<'_> = sender::read(&sent)?;
    let mut asked_for: BTreeMap<String, String> = if removes { pairs(query).collect() } else { BTreeMap::new() };
    let user = body.user.map(Cow::into_owned).or_else(|| asked_for.remove("user"));
    let note = body.note.map(Cow::into_owned).or_else(|| asked_for.remove("note"));
    let note = note.map(|note| text::cut(note.trim(), NOTE)).filter(|note| !note.is_empty());
    let what = match action {
        // It has a body of its own, and is read where it is taken.
        Action::Create => return Err(Invalid::field("message", "Message can not be empty.")),
        Action::Close => What::Close,
        Action::Acknowledge => What::Acknowledge,
        Action::Unacknowledge => What::Unacknowledge,
        Action::Snooze => What::Snooze(end(body.end_time.as_deref(), request.received_at)?),
        Action::AddNote if note.is_none() => return Err(Invalid::field("note", "Note can not be empty.")),
        Action::AddNote => What::Note,
        Action::Escalate => What::Escalate(somebody("escalation", "escalation", body.escalation)?),
        Action::Assign => What::Assign(somebody("owner", "user", body.owner)?),
        Action::AddTeam => What::Respond(somebody("team", "team", body.team)?),
        Action::AddResponder => {
            let kind = body.responder.as_ref().map(|responder| responder.kind.clone()).unwrap_or_default();
            if !matches!(kind.as_str(), "user" | "team" | "escalation" | "schedule") {
                return Err(Invalid::field("responder", "A responder is a team, user, escalation or schedule."));
            }
            What::Respond(somebody("responder", &kind, body.responder)?)
        }
        Action::AddTags => What::Change(Change::AddTags(named("tags", &body.tags.unwrap_or_default())?)),
        Action::RemoveTags => What::Change(Change::RemoveTags(listed("tags", &asked_for)?)),
        Action::AddDetails => {
            let details = sender::texts(&body.details.unwrap_or_default());
            if details.is_empty() {
                return Err(Invalid::field("details", "Details can not be empty."));
            }
            What::Change(Change::AddDetails(details))
        }
        Action::RemoveDetails => What::Change(Change::RemoveDetails(listed("keys", &asked_for)?)),
        Action::UpdateMessage => {
            let message = body.message.as_deref().map(str::trim).filter(|message| !message.is_empty());
            let message = message.ok_or_else(|| Invalid::field("message", "Message can not be empty."))?;
            What::Change(Change::Message(sender::message(message)))
        }
        Action::UpdateDescription => {
            let description = body.description.filter(|description| !description.trim().is_empty());
            let none = || Invalid::field("description", "Description can not be empty.");
            What::Change(Change::Description(sender::description(&description.ok_or_else(none)?)))
        }
        Action::UpdatePriority => {
            let priority = body.priority.filter(|word| sender::severity(word).is_some());
            let none = || Invalid::field("priority", NO_PRIORITY);
            What::Change(Change::Priority(priority.ok_or_else(none)?.into_owned()))
        }
    };
    Ok(Asked { by: actor(user.as_deref(), policy, integration), what, note })
}

/// On whose behalf the sender asks: a person of the policy, whoever else it names, or the sender itself.
fn actor(user: Option<&str>, policy: &Policy, integration: &str) -> Actor {
    match user.map(str::trim).filter(|user| !user.is_empty()) {
        Some(user) => Actor::person(person(policy, user).unwrap_or(&text::cut(user, NAME))),
        None => Actor::integration(integration),
    }
}

/// When a snooze ends.
fn end(stated: Option<&str>, now: Timestamp) -> Result<Timestamp, Invalid> {
    let end = stated.ok_or_else(|| Invalid::field("endTime", "End time can not be empty."))?;
    // The Python client writes no offset when it is given none: UTC then, as with Opsgenie.
    let end: Option<Timestamp> = end.parse().ok().or_else(|| format!("{end}Z").parse().ok());
    let end =
        end.ok_or_else(|| Invalid::field("endTime", "End time should be in ISO 8601, such as 2026-11-21T10:00:00Z."))?;
    if end > now && end.duration_since(now) <= LONGEST_SNOOZE {
        Ok(end)
    } else {
        Err(Invalid::field("endTime", "End time should be in the future, and at most 30 days ahead."))
    }
}

fn somebody(field: &'static str, kind: &str, responder: Option<Responder>) -> Result<Responder, Invalid> {
    let responder = responder.filter(|responder| responder.called().is_some());
    let none = || Invalid::field(field, "It needs an id, a name or a username.");
    Ok(responder.ok_or_else(none)?.of_kind(kind))
}

/// A list in a query, with commas between its entries.
fn listed(field: &'static str, query: &BTreeMap<String, String>) -> Result<Vec<String>, Invalid> {
    let listed: Vec<String> = query.get(field).iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    named(field, &listed)
}

fn named(field: &'static str, names: &[String]) -> Result<Vec<String>, Invalid> {
    let names: Vec<String> =
        names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { Err(Invalid::field(field, "It can not be empty.")) } else { Ok(names) }
}

impl Change {
    /// What it changes about `alert` as it stands now.
    pub(super) fn amendment(&self, alert: &Alert) -> Amendment {
        let mut amendment = Amendment::default();
        let mut label = |name: &str, value: Option<String>| amendment.labels.insert(name.to_owned(), value);
        match self {
            Self::AddTags(tags) => {
                let all = sender::tags(alert).chain(tags.iter().map(String::as_str));
                label("tags", sender::tags_label(all));
            }
            Self::RemoveTags(tags) => {
                let left = sender::tags(alert).filter(|tag| !tags.iter().any(|gone| gone == tag));
                label("tags", sender::tags_label(left));
            }
            Self::AddDetails(details) => {
                let mut kept = Kept::of(alert);
                for (name, value) in details {
                    kept.details.insert(name.clone(), value.clone());
                    // A label that is not one of the properties says something else, and stays.
                    let free = alert.labels.get(name).is_none_or(|old| Kept::of(alert).details.get(name) == Some(old));
                    if free && alert.labels.len() < text::LABELS {
                        label(name, Some(value.clone()));
                    }
                }
                amendment.details = Some(kept.text());
            }
            Self::RemoveDetails(names) => {
                let mut kept = Kept::of(alert);
                for name in names {
                    let value = kept.details.remove(name);
                    if value.is_some() && alert.labels.get(name) == value.as_ref() {
                        label(name, None);
                    }
                }
                amendment.details = Some(kept.text());
            }
            Self::Message(message) => amendment.title = Some(message.clone()),
            Self::Description(description) => {
                let kept = Kept { description: description.clone(), ..Kept::of(alert) };
                amendment.details = Some(kept.text());
            }
            Self::Priority(priority) => {
                label("priority", Some(priority.clone()));
                amendment.severity = sender::severity(priority);
            }
            Self::AddResponder(responder) => {
                let Some(called) = responder.called() else { return amendment };
                let one = format!("{}:{called}", responder.kind);
                let known = alert.labels.get("responders").map(String::as_str).unwrap_or_default();
                if !known.split(',').any(|other| other == one) {
                    let all = [known, &one].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
                    label("responders", Some(sender::field(&all)));
                }
            }
        }
        amendment
    }
}

#[cfg(test)]
mod tests;
