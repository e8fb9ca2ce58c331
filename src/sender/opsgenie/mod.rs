//! Opsgenie's Alert API v2, the part that speaks of alerts: what creates one there opens an incident here, and its
//! `alias` is the key. What people do to an alert is in [`crate::opsgenie`].
//!
//! Texts that are longer than Opsgenie takes are cut, not refused: a page is worth more than its last words. An alias is
//! refused: cut, two problems would be one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::cause::Proof;
use domain::fingerprint::Fingerprint;
use domain::policy::Policy;
use domain::signal::{Action, Alert, Severity, Signal};
use domain::text;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounds::{self, Labels, Scalar};
use super::{Request, json};

mod kept;
mod responder;

pub(crate) use kept::Kept;
pub(crate) use responder::{Responder, person};

/// The longest alias, in characters.
const ALIAS: usize = 512;
/// The longest description, in characters.
const DESCRIPTION: usize = 15_000;
/// The most tags, and the longest one in characters.
const TAGS: (usize, usize) = (20, 50);
/// The most responders, and the most actions, that are kept.
const LISTED: usize = 20;
/// The priority of an alert that names none.
const DEFAULT: &str = "P3";

/// Priorities and how bad they are. Opsgenie has one more than we do: the label `priority` keeps them apart.
const PRIORITIES: [(&str, Severity); 5] = [
    ("P1", Severity::Critical),
    ("P2", Severity::Error),
    ("P3", Severity::Warning),
    ("P4", Severity::Info),
    ("P5", Severity::Info),
];

/// Why a body is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// The same field by field, when the fields are what is wrong.
    pub errors: BTreeMap<&'static str, String>,
}

impl Invalid {
    /// One field that is wrong.
    pub(crate) fn field(name: &'static str, error: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name, error.into())]))
    }

    fn fields(errors: BTreeMap<&'static str, String>) -> Self {
        let message = "Request body is not processable. Please check the errors.".to_owned();
        Self { status: 422, message, errors }
    }
}

fn invalid((status, message): (u16, String)) -> Invalid {
    Invalid { status, message, errors: BTreeMap::new() }
}

/// The body of a request as its sender wrote it, if it may be read.
pub(crate) fn body<'a>(request: &Request<'a>) -> Result<Cow<'a, [u8]>, Invalid> {
    let body = json::admit(request, json::LARGEST_EVENT, None);
    let body = body.and_then(|()| json::unpacked(request, json::LARGEST_EVENT));
    body.map_err(|fault| invalid(fault.told()))
}

/// Reads a body of an object; an absent one is an empty object.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Invalid> {
    if body.is_empty() {
        return json::read("{}").map_err(|fault| invalid(fault.told()));
    }
    let text = json::object(body).map_err(|unfit| invalid((400, unfit.to_string())))?;
    json::read(text).map_err(|fault| {
        let (status, message) = fault.told();
        // What is JSON, and says the wrong thing, is another matter to Opsgenie than what is none.
        let status = if status == 400 && !message.contains("JSON") { 422 } else { status };
        invalid((status, message))
    })
}

/// How bad a priority says it is; `None` for a word that is none.
pub(crate) fn severity(priority: &str) -> Option<Severity> {
    PRIORITIES.iter().find(|(word, _)| *word == priority).map(|(_, severity)| *severity)
}

/// The priority of an alert: the one it was given, unless its severity says otherwise by now.
pub(crate) fn priority(alert: &Alert) -> &str {
    let given = alert.labels.get("priority").map(String::as_str);
    let of_severity = || PRIORITIES.iter().find(|(_, severity)| *severity == alert.severity).map(|(word, _)| *word);
    given.filter(|word| severity(word) == Some(alert.severity)).or_else(of_severity).unwrap_or(DEFAULT)
}

/// What is wrong with a priority.
pub(crate) const NO_PRIORITY: &str = "Priority should be one of [ P1, P2, P3, P4, P5 ]";

/// The tags that a label holds.
pub(crate) fn tags(alert: &Alert) -> impl Iterator<Item = &str> {
    alert.labels.get("tags").into_iter().flat_map(|tags| tags.split(',')).filter(|tag| !tag.is_empty())
}

/// The label that holds `tags`, each once; `None` when there are none.
pub(crate) fn tags_label<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    // A comma is what parts them, here and in Opsgenie's own queries.
    for tag in tags.into_iter().flat_map(|tag| tag.split(',')) {
        let tag = text::cut(&bounds::field(tag.trim()), TAGS.1);
        if !tag.is_empty() && !kept.contains(&tag) && kept.len() < TAGS.0 {
            kept.push(tag);
        }
    }
    (!kept.is_empty()).then(|| kept.join(","))
}

/// One line for a person.
pub(crate) fn message(text: &str) -> String {
    bounds::title(text)
}

/// A description, as long as Opsgenie takes it.
pub(crate) fn description(description: &str) -> String {
    text::cut(description, DESCRIPTION)
}

/// A short field.
pub(crate) fn field(text: &str) -> String {
    bounds::field(text)
}

/// The fingerprint of the alert that `integration` calls `alias`.
pub(crate) fn fingerprint(integration: &str, alias: &str) -> Fingerprint {
    bounds::fingerprint(integration, alias)
}

/// What is wrong with an alias, if anything.
pub(crate) fn alias_fault(alias: &str) -> Option<String> {
    (alias.chars().count() > ALIAS).then(|| format!("Alias can not be longer than {ALIAS} characters."))
}

/// Values of a JSON object by name, each as text.
pub(crate) fn texts(values: &BTreeMap<Cow<'_, str>, &RawValue>) -> BTreeMap<String, String> {
    let scalar = |value: &&RawValue| Scalar::of(value).map(|scalar| scalar.0);
    let texts = values.iter().map(|(name, value)| (name, scalar(value).unwrap_or_else(|| value.get().to_owned())));
    texts.map(|(name, value)| (bounds::field(name), bounds::field(&value))).collect()
}

/// `POST /v2/alerts`. Its texts may be absent or null.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Create<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alias: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    responders: Option<Vec<Responder>>,
    visible_to: Option<Vec<Responder>>,
    actions: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    #[serde(borrow)]
    details: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow)]
    entity: Option<Cow<'a, str>>,
    #[serde(borrow)]
    priority: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    note: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
}

/// Reads the body of a create: the alias, which is `unnamed` when it gives none, and the alert.
pub(crate) fn create(request: &Request<'_>, policy: &Policy, unnamed: &str) -> Result<(String, Alert), Invalid> {
    let body = body(request)?;
    let create: Create<'_> = read(&body)?;
    let mut errors = BTreeMap::new();
    let title = create.message.as_deref().map(str::trim).unwrap_or_default();
    if title.is_empty() {
        errors.insert("message", "Message can not be empty.".to_owned());
    }
    let alias = create.alias.as_deref().map(str::trim).filter(|alias| !alias.is_empty()).unwrap_or(unnamed);
    errors.extend(alias_fault(alias).map(|fault| ("alias", fault)));
    let priority = create.priority.as_deref().filter(|word| !word.is_empty()).unwrap_or(DEFAULT);
    let severity = severity(priority);
    if severity.is_none() {
        errors.insert("priority", NO_PRIORITY.to_owned());
    }
    let responders = create.responders.unwrap_or_default();
    errors.extend(responder::fault(&responders).map(|fault| ("responders", fault)));
    if !errors.is_empty() {
        return Err(Invalid::fields(errors));
    }
    let details = texts(&create.details.unwrap_or_default());
    let entity = create.entity.as_deref().map(str::trim).unwrap_or_default();
    let source = create.source.as_deref().map(str::trim).unwrap_or_default();
    let mut labels = Labels::default();
    labels.add("priority", priority);
    labels.add("entity", entity);
    labels.add("source", source);
    labels.add_some("tags", tags_label(create.tags.iter().flatten().map(String::as_str)).as_deref());
    labels.add_some("responders", responder::label(&responders).as_deref());
    for (name, value) in &details {
        labels.add(name, value);
    }
    // Routing finds the owner by it.
    labels.add_some("team", responders.iter().find_map(|responder| responder.team(policy)));
    let kept = Kept {
        details,
        actions: create.actions.unwrap_or_default().iter().take(LISTED).map(|name| bounds::field(name)).collect(),
        responders: responders.into_iter().take(LISTED).map(Responder::bounded).collect(),
        visible_to: create.visible_to.unwrap_or_default().into_iter().take(LISTED).map(Responder::bounded).collect(),
        user: create.user.as_deref().map(bounds::field).unwrap_or_default(),
        note: create.note.as_deref().map(bounds::field).unwrap_or_default(),
        description: description(create.description.as_deref().unwrap_or_default()),
    };
    let alert = Alert {
        title: bounds::title(title),
        severity: severity.unwrap_or_default(),
        source: bounds::field(if entity.is_empty() { source } else { entity }),
        service: None,
        labels: labels.done(),
        details: kept.text(),
        links: Vec::new(),
    };
    Ok((alias.to_owned(), alert))
}

/// A signal about the alert `key`, named `id`.
pub(crate) fn signal(
    request: &Request<'_>,
    integration: &str,
    id: String,
    action: Action,
    key: &str,
    alert: Alert,
) -> Signal {
    let proof = Proof::SenderToken;
    Signal { proof, ..request.signal(integration, id, action, key, alert) }
}

#[cfg(test)]
mod tests;
