//! The policy: who owns what, who is on call, who is told, and who may send (design.md, section 5).
//!
//! A team keeps it as YAML. [`parse`] turns that into a [`Policy`], or into every mistake with its place and its fix.
//! The compiled form is JSON under its own hash, so a decision can name exactly what it was made by.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::log::Hash;

mod contacts;
mod mistake;
mod node;
mod parse;
mod read;
mod routes;
mod validate;

pub(crate) use mistake::nearest;
pub use mistake::{Level, Mistake};
pub use parse::parse;
pub use validate::check;

/// A compiled policy: every reference in it leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version of this format: 1.
    pub version: u32,
    /// Everybody who can be told, by a short name.
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    /// Teams, by name.
    #[serde(default)]
    pub teams: BTreeMap<String, Team>,
    /// Shared places to tell, such as a Slack channel, by name.
    #[serde(default)]
    pub channels: BTreeMap<String, Address>,
    /// Who is on call when, by name.
    #[serde(default)]
    pub schedules: BTreeMap<String, Schedule>,
    /// Who is told in which order, by name.
    #[serde(default)]
    pub escalations: BTreeMap<String, Escalation>,
    /// What is run, and who owns it, by name.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// What happens to an alert: the first route that matches, in this order.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Who is told when nothing else says who, and when nobody else answered.
    pub catch_all: CatchAll,
    /// Who may send signals, by name; the name stands in the sender's URL.
    #[serde(default)]
    pub integrations: BTreeMap<String, Integration>,
    /// What the channels need: tokens by reference, sender addresses.
    #[serde(default)]
    pub providers: Providers,
}

impl Policy {
    /// The compiled bytes: canonical JSON, which [`Policy::hash`] is taken over and `policy apply` stores.
    pub fn compile(&self) -> String {
        serde_json_canonicalizer::to_string(self).expect("a policy is plain JSON")
    }

    /// The name of exactly this policy.
    pub fn hash(&self) -> Hash {
        Hash::of(self.compile().as_bytes())
    }

    /// How to address the recipient of a delivery: a person's full name where the policy gives one.
    pub fn display_name<'a>(&'a self, to: &'a str) -> &'a str {
        let name = to.split_once(':').map_or(to, |(_, name)| name);
        let person = to.strip_prefix("person:").and_then(|name| self.people.get(name));
        person.and_then(|person| person.name.as_deref()).unwrap_or(name)
    }

    /// The person whose Slack user id this is.
    pub fn person_of_slack(&self, user: &str) -> Option<&str> {
        let found = self.people.iter().find(|(_, person)| person.slack.as_deref() == Some(user));
        found.map(|(name, _)| name.as_str())
    }
}

/// Somebody who can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// How a message addresses them; their short name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their Slack user id, so that a button they press is known to be theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<String>,
    /// Where to tell them: the first at once, each other at its `after`, or at once when those before it failed for good.
    #[serde(default)]
    pub contacts: Vec<Contact>,
}

/// One way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Where.
    #[serde(flatten)]
    pub address: Address,
    /// How long after the step began this contact is told too; without it, only when those before it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SignedDuration>,
}

/// Where a message goes. The key of the YAML entry names the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// A URL that gets a signed POST (Standard Webhooks).
    Webhook {
        /// An https URL; the operator may allow others by host and port.
        url: String,
        /// The signing secret.
        secret: SecretRef,
    },
    /// A Slack channel or user id.
    Slack(String),
    /// An e-mail address.
    Email(String),
    /// A phone number in E.164, such as `+15550100`.
    Sms(String),
}

impl Address {
    /// The channel's name in logs, records and the API.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
            Self::Sms(_) => "sms",
        }
    }
}

/// A secret by reference, never by value: `ssm:/path/of/the/parameter`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretRef(pub String);

impl SecretRef {
    /// The parameter's name in SSM; `None` when the reference has another form.
    pub fn parameter(&self) -> Option<&str> {
        self.0.strip_prefix("ssm:").filter(|name| name.starts_with('/'))
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Names of its people.
    pub members: Vec<String>,
    /// The escalation that its services use unless a route says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<String>,
}

/// Who is on call when: one rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// An IANA time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// The rotation.
    pub rotation: Rotation,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Names of people, in the order of their turns.
    pub members: Vec<String>,
    /// How long a turn is.
    pub shift: Shift,
    /// When the first turn begins, as a wall clock in the schedule's time zone shows it.
    pub start: DateTime,
}

/// How long a turn is: `daily`, `weekly`, or an exact length such as `12h`.
///
/// Daily and weekly turns change at the same time of the wall clock; an exact length is elapsed time (faults.md, H05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// One day of the wall clock.
    Daily,
    /// Seven days of the wall clock.
    Weekly,
    /// Elapsed time, whatever the wall clock does.
    #[serde(untagged)]
    Every(SignedDuration),
}

/// Who is told, in which order, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How often the steps are gone through again when nobody answered.
    #[serde(default)]
    pub repeat: u32,
    /// After this long an acknowledgement counts no more, and the first step is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_expires: Option<SignedDuration>,
}

/// One step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who is told.
    pub notify: Vec<Target>,
    /// How long they have to answer before the next step.
    pub wait: SignedDuration,
}

/// Who a step tells, written `person:ana`, `team:platform`, `schedule:platform` or `channel:ops`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// One person.
    Person(String),
    /// Everybody in a team.
    Team(String),
    /// Whoever is on call at that instant.
    Schedule(String),
    /// A shared place.
    Channel(String),
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("person", name)) => Ok(Self::Person(name.to_owned())),
            Some(("team", name)) => Ok(Self::Team(name.to_owned())),
            Some(("schedule", name)) => Ok(Self::Schedule(name.to_owned())),
            Some(("channel", name)) => Ok(Self::Channel(name.to_owned())),
            _ => Err(format!("`{text}` is not person:NAME, team:NAME, schedule:NAME or channel:NAME")),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(out, "person:{name}"),
            Self::Team(name) => write!(out, "team:{name}"),
            Self::Schedule(name) => write!(out, "schedule:{name}"),
            Self::Channel(name) => write!(out, "channel:{name}"),
        }
    }
}

/// Something that is run, and what a responder needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The team that owns it.
    pub team: String,
    /// How much it matters, 1 the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// What kind of data it holds, in the team's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<String>,
    /// Where the runbook is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Where its graphs are.
    #[serde(default)]
    pub dashboards: Vec<String>,
}

/// What happens to an alert that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Named in every decision it makes.
    pub name: String,
    /// A CEL condition over `alert` and `incident` ([`crate::route::condition`]); without one the route matches everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What is done; the parent's when absent, and `page` when no parent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Handling>,
    /// The service it concerns, if the alert does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Who is told, instead of the owning team's escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<String>,
    /// Where it stands on the severity ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Ladder>,
    /// Who hears of a ticket, once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Target>,
    /// What this route says holds, and the search goes on after it.
    #[serde(default, rename = "continue")]
    pub goes_on: bool,
    /// Finer routes: the first that matches refines this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// What is done with an incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Somebody is paged, and the page is escalated until somebody answers.
    #[default]
    Page,
    /// It is told once, and nobody is woken.
    Ticket,
    /// It is recorded for a trend report, and nobody is told.
    Record,
    /// It is known to be noise, and nobody is told.
    Suppress,
}

/// The severity ladder: what an incident means to the team, whatever word the sender used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Ladder {
    /// Customers are hurt now.
    Sev1,
    /// Customers will notice.
    Sev2,
    /// Worth a look in working hours.
    Sev3,
    /// Worth counting.
    Sev4,
}

/// Who is told when nothing else says who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatchAll {
    /// The escalation.
    pub escalation: String,
}

/// Somebody who may send signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Which dialect it speaks, and how it proves who it is.
    pub kind: Kind,
    /// The secret, key or token that proves it; two lines in the parameter are two that are valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// Accepts signals without any proof: only where the network itself keeps strangers out.
    #[serde(default)]
    pub open: bool,
    /// The service its signals concern, unless they say so themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// The dialects of senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// PagerDuty Events API v2; the secret is the 32-character routing key.
    Pagerduty,
    /// Alertmanager's webhook; the secret is a bearer token or a basic-auth password.
    Alertmanager,
    /// Prometheus, as to its Alertmanager; the secret as with `alertmanager`.
    Prometheus,
    /// CloudWatch alarms by EventBridge or SNS; AWS proves who sends, so there is no secret.
    Cloudwatch,
    /// Anything that signs by Standard Webhooks; the secret is `whsec_…`.
    StandardWebhooks,
}

/// What the channels need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// Slack, when a contact or channel uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// E-mail, when a contact or channel uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

/// A Slack app in the team's workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The bot's token, `xoxb-…`.
    pub bot_token: SecretRef,
    /// What Slack signs button presses with.
    pub signing_secret: SecretRef,
}

/// An SES identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The verified sender address.
    pub from: String,
}
