//! Responders: whom an alert of Opsgenie names, and who they are in our policy.

use domain::escalation::Assignee;
use domain::policy::{Address, Policy, Target};
use serde::{Deserialize, Serialize};

use crate::sender::bounds;

/// Somebody whom an alert names, by id, name or e-mail address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Responder {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

impl Responder {
    /// The same as a `kind`, whatever it says of itself.
    pub(crate) fn of_kind(self, kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..self }
    }

    /// What it is called, by the first of its names.
    pub(crate) fn called(&self) -> Option<&str> {
        let names = [&self.username, &self.name, &self.id];
        names.into_iter().flatten().map(|name| name.trim()).find(|name| !name.is_empty())
    }

    /// Whom of `policy` it means.
    pub(crate) fn assignee(&self, policy: &Policy) -> Option<Assignee> {
        let called = self.called()?;
        match self.kind.as_str() {
            "user" => person(policy, called).map(|name| Assignee::Target(Target::Person(name.to_owned()))),
            "team" => named(policy.teams.keys(), called).map(|name| Assignee::Target(Target::Team(name.to_owned()))),
            "schedule" => {
                named(policy.schedules.keys(), called).map(|name| Assignee::Target(Target::Schedule(name.to_owned())))
            }
            "escalation" => named(policy.escalations.keys(), called).map(|name| Assignee::Escalation(name.to_owned())),
            _ => None,
        }
    }

    /// The team of `policy` that it means.
    pub(super) fn team<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        let called = self.called().filter(|_| self.kind == "team")?;
        named(policy.teams.keys(), called)
    }

    pub(super) fn bounded(self) -> Self {
        let bounded = |text: Option<String>| text.map(|text| domain::text::cut(&bounds::field(&text), 128));
        Self { id: bounded(self.id), name: bounded(self.name), username: bounded(self.username), ..self }
    }
}

/// The short name of the person whom the policy calls so: by short name, name or e-mail address, in any case.
pub(crate) fn person<'p>(policy: &'p Policy, called: &str) -> Option<&'p str> {
    let same = |text: &str| text.eq_ignore_ascii_case(called.trim());
    let mail = |address: &Address| matches!(address, Address::Email(mail) if same(mail));
    let found = policy.people.iter().find(|(name, person)| {
        same(name)
            || person.name.as_deref().is_some_and(same)
            || person.contacts.iter().any(|contact| mail(&contact.address))
    });
    found.map(|(name, _)| name.as_str())
}

fn named<'p>(mut names: impl Iterator<Item = &'p String>, called: &str) -> Option<&'p str> {
    names.find(|name| name.eq_ignore_ascii_case(called)).map(String::as_str)
}

/// What is wrong with responders, if anything.
pub(super) fn fault(responders: &[Responder]) -> Option<String> {
    let kinds = ["team", "user", "escalation", "schedule", "all", "none", "group"];
    if responders.iter().any(|responder| !kinds.contains(&responder.kind.as_str())) {
        return Some("Each responder needs a type: team, user, escalation or schedule.".to_owned());
    }
    let nameless =
        |responder: &Responder| responder.called().is_none() && !matches!(responder.kind.as_str(), "all" | "none");
    responders.iter().any(nameless).then(|| "Each responder needs an id, a name or a username.".to_owned())
}

/// The label that names them, as `team:Platform,user:ana@example.com`.
pub(super) fn label(responders: &[Responder]) -> Option<String> {
    let named = responders.iter().filter_map(|responder| Some(format!("{}:{}", responder.kind, responder.called()?)));
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| named.join(","))
}
