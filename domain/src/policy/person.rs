//! People and teams: who can be told, and where.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::address::{Address, address};
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use super::{Quiet, Rules};

/// Somebody who can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// By which of them, and when, for each level of the severity ladder; all of them where it does not say.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
    /// When they want to sleep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
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

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Names of its people.
    pub members: Vec<String>,
    /// The escalation that its services use unless a route says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<String>,
}

mapping!(Person, ["name", "slack", "contacts", "rules", "quiet"], fields => Person {
    name: fields.optional("name"),
    slack: fields.optional("slack"),
    contacts: fields.or_default("contacts"),
    rules: fields.or_default("rules"),
    quiet: fields.optional("quiet"),
});

mapping!(Contact, [
    "webhook", "slack", "teams", "email", "sms", "twilio_sms", "voice", "ntfy", "pagerduty", "opsgenie", "after",
], fields => Contact {
    address: address(fields),
    after: fields.optional("after"),
});

mapping!(Team, ["members", "escalation"], fields => Team {
    members: fields.required("members", "write `members: [NAME, NAME]`"),
    escalation: fields.optional("escalation"),
});

impl Check<'_> {
    pub(super) fn people(&mut self) {
        let people = &self.policy.people;
        for (name, person) in people {
            let path = format!("people.{name}");
            if person.contacts.is_empty() {
                let what = format!("{name} cannot be told anything: there is no contact");
                self.error(format!("{path}.contacts"), what, "add one, such as `contacts: [{ sms: +15550100 }]`");
            }
            for (number, contact) in person.contacts.iter().enumerate() {
                let path = format!("{path}.contacts[{number}]");
                self.address(&contact.address, &path);
                if let Some(after) = contact.after {
                    self.length(after, SignedDuration::from_secs(1), &format!("{path}.after"), "a wait");
                }
            }
            self.rules(name, person, &path);
            if let Some(quiet) = &person.quiet {
                self.quiet(name, quiet, &format!("{path}.quiet"));
            }
            let slack = person.slack.as_ref();
            let other =
                people.iter().find(|(other, them)| *other < name && slack.is_some() && them.slack.as_ref() == slack);
            if let Some((other, _)) = other {
                let what = format!("{other} has the same Slack user id");
                self.error(format!("{path}.slack"), what, "a button press must be one person's: give each their own");
            }
        }
    }

    pub(super) fn teams(&mut self) {
        let policy = self.policy;
        for (name, team) in &policy.teams {
            let path = format!("teams.{name}");
            if team.members.is_empty() {
                self.error(format!("{path}.members"), format!("team {name} has nobody in it"), "name its people");
            }
            for (number, member) in team.members.iter().enumerate() {
                self.known(&format!("{path}.members[{number}]"), "person", member, policy.people.keys());
            }
            if let Some(escalation) = &team.escalation {
                self.known(&format!("{path}.escalation"), "escalation", escalation, policy.escalations.keys());
            }
        }
    }
}
