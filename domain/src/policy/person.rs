//! People and teams: who can be told, and where.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use super::{Quiet, Rules, SecretRef};

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

mapping!(Person, ["name", "slack", "contacts", "rules", "quiet"], fields => Person {
    name: fields.optional("name"),
    slack: fields.optional("slack"),
    contacts: fields.or_default("contacts"),
    rules: fields.or_default("rules"),
    quiet: fields.optional("quiet"),
});

mapping!(Contact, ["webhook", "slack", "email", "sms", "after"], fields => Contact {
    address: address(fields),
    after: fields.optional("after"),
});

mapping!(Address, ["webhook", "slack", "email", "sms"], fields => address(fields));

/// The one address that a mapping names by its channel.
fn address(fields: &mut Fields<'_>) -> Address {
    let channels = ["webhook", "slack", "email", "sms"];
    let named = channels.iter().filter(|channel| fields.has(channel)).count();
    if named != 1 && fields.is_mapping() {
        let what = if named == 0 { "this names no address" } else { "this names more than one address" };
        let fix = "name one of webhook, slack, email and sms; write each contact as its own entry";
        let (path, place) = (fields.path.clone(), fields.place);
        fields.reader.fail(&path, place, what, fix);
        return Address::Email(String::new());
    }
    if fields.has("webhook") {
        let Webhook { url, secret } = fields.required("webhook", "write `webhook:` with `url` and `secret`");
        Address::Webhook { url, secret }
    } else if fields.has("slack") {
        Address::Slack(fields.required("slack", "write the channel's or user's id, such as C0123456789"))
    } else if fields.has("sms") {
        Address::Sms(fields.required("sms", "write the phone number, such as +15550100"))
    } else {
        Address::Email(fields.required("email", "write the e-mail address"))
    }
}

struct Webhook {
    url: String,
    secret: SecretRef,
}

mapping!(Webhook, ["url", "secret"], fields => Webhook {
    url: fields.required("url", "write the URL that gets the POST"),
    secret: fields.required("secret", "write `secret: ssm:/path/of/the/parameter` that the POST is signed with"),
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

    pub(super) fn address(&mut self, address: &Address, path: &str) {
        match address {
            Address::Webhook { url, secret } => {
                self.web_address(url, &format!("{path}.webhook.url"));
                self.secret(secret, &format!("{path}.webhook.secret"));
            }
            Address::Slack(id) => {
                let path = format!("{path}.slack");
                if self.policy.providers.slack.is_none() {
                    let fix = "add `providers: slack:` with `bot_token` and `signing_secret`";
                    self.error(&path, "Slack is used, and no Slack app is named", fix);
                }
                let valid = id.len() >= 2 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                if !valid {
                    self.error(path, "this is not a Slack id", "write the channel's or user's id, such as C0123456789");
                }
            }
            Address::Email(address) => {
                let path = format!("{path}.email");
                if self.policy.providers.email.is_none() {
                    let fix = "add `providers: email:` with the verified `from` address";
                    self.error(&path, "e-mail is used, and no sender is named", fix);
                }
                self.email(address, path);
            }
            Address::Sms(number) => {
                let digits = number.strip_prefix('+').unwrap_or_default();
                let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
                if !valid || digits.starts_with('0') {
                    let fix = "write it in international form, such as +15550100";
                    self.error(format!("{path}.sms"), "this is not a phone number", fix);
                }
            }
        }
    }

    pub(super) fn email(&mut self, address: &str, path: String) {
        let parts = address.split_once('@');
        let valid = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
        if !valid || address.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',')) {
            self.error(path, "this is not an e-mail address", "write the address alone, such as ana@example.com");
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
