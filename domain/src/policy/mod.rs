//! The policy: who owns what, who is on call, who is told, and who may send (design.md, section 5).
//!
//! A team keeps it as YAML. [`parse`] turns that into a [`Policy`], or into every mistake with its place and its fix.
//! The compiled form is JSON under its own hash, so a decision can name exactly what it was made by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::log::Hash;
use crate::owner::Owner;

mod address;
mod compliance;
mod difference;
mod escalation;
mod group;
mod heartbeat;
mod inhibition;
mod integration;
mod ladder;
mod lint;
mod mapping;
mod mistake;
mod network;
mod node;
mod parse;
mod person;
mod provider;
mod read;
mod route;
mod rules;
mod schedule;
mod service;
mod shift;
mod validate;
mod window;

use node::Node;
use read::{Fields, Read, Reader, mapping};

pub use address::Address;
pub use compliance::Compliance;
pub use difference::{Difference, difference};
pub use escalation::{Acknowledge, CatchAll, Escalation, Step, Target};
pub use group::Group;
pub(crate) use group::{CHANGE, EVERY};
pub use heartbeat::Heartbeat;
pub use inhibition::Inhibition;
pub use integration::{Integration, Kind, Proof};
pub use ladder::{Rung, Rungs};
pub use lint::lint;
pub use mapping::Mapping;
pub(crate) use mistake::nearest;
pub use mistake::{Level, Mistake};
pub use network::{Network, NoNetwork};
pub use parse::{inspect, parse};
pub use person::{Contact, Person, Team};
pub use provider::{Email, Ntfy, Opsgenie, Providers, Region, SecretRef, Slack, Twilio};
pub use route::{Flapping, Handling, Ladder, Mode, Route, Threshold};
pub use rules::{Quiet, Rule, Rules};
pub use schedule::{Layer, Schedule};
pub use service::Service;
pub use shift::Shift;
pub use validate::check;
pub use window::{Day, Window};

/// A compiled policy: every reference in it leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Who owns which code, in the order of a CODEOWNERS file: the last that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// What each severity level means; without it, a level is a word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Rungs>,
    /// What happens to an alert: the first route that matches, in this order.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Which alerts keep which others quiet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibitions: Vec<Inhibition>,
    /// Who is told when nothing else says who, and when nobody else answered.
    pub catch_all: CatchAll,
    /// Who answers for the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance: Option<Compliance>,
    /// Who may send signals, by name; the name stands in the sender's URL.
    #[serde(default)]
    pub integrations: BTreeMap<String, Integration>,
    /// What has to be heard of every so often, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heartbeats: BTreeMap<String, Heartbeat>,
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

mapping!(Policy, [
    "version", "people", "teams", "channels", "schedules", "escalations", "services", "owners", "ladder", "routes",
    "inhibitions", "catch_all", "compliance", "integrations", "heartbeats", "providers",
], fields => Policy {
    version: fields.required("version", "write `version: 1`"),
    people: fields.or_default("people"),
    teams: fields.or_default("teams"),
    channels: fields.or_default("channels"),
    schedules: fields.or_default("schedules"),
    escalations: fields.or_default("escalations"),
    services: fields.or_default("services"),
    owners: fields.or_default("owners"),
    ladder: fields.optional("ladder"),
    routes: fields.or_default("routes"),
    inhibitions: fields.or_default("inhibitions"),
    catch_all: fields.required("catch_all", "write `catch_all:` with the `escalation` that is told when nothing else is"),
    compliance: fields.optional("compliance"),
    integrations: fields.or_default("integrations"),
    heartbeats: fields.or_default("heartbeats"),
    providers: fields.or_default("providers"),
});
