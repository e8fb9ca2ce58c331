//! Addresses: where a message goes, and by which channel.

use serde::{Deserialize, Serialize};

use super::SecretRef;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;

/// The keys that name an address, each the name of its channel.
const CHANNELS: [&str; 10] =
    ["webhook", "slack", "teams", "email", "sms", "twilio_sms", "voice", "ntfy", "pagerduty", "opsgenie"];

/// The channels whose messages can be changed after they were sent.
const CHANGING: [&str; 4] = ["webhook", "slack", "pagerduty", "opsgenie"];

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
    /// A Workflows webhook of Microsoft Teams: whoever knows its URL can post, so it is a secret.
    Teams(SecretRef),
    /// An e-mail address.
    Email(String),
    /// A phone number in E.164, such as `+15550100`, which gets a text by AWS.
    Sms(String),
    /// A phone number in E.164, which gets a text by Twilio that can be answered.
    TwilioSms(String),
    /// A phone number in E.164, which is called by Twilio.
    Voice(String),
    /// A topic of ntfy.
    Ntfy(String),
    /// A service of PagerDuty, by the integration key of its Events API v2.
    Pagerduty(SecretRef),
    /// A team of Opsgenie, by its name.
    Opsgenie(String),
}

impl Address {
    /// Whether a message that went by `channel` can be changed to what holds now. A text or a mail stays as it was sent.
    pub fn can_change(channel: &str) -> bool {
        CHANGING.contains(&channel)
    }

    /// The channel's name in logs, records and the API.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Email(_) => "email",
            Self::Sms(_) => "sms",
            Self::TwilioSms(_) => "twilio_sms",
            Self::Voice(_) => "voice",
            Self::Ntfy(_) => "ntfy",
            Self::Pagerduty(_) => "pagerduty",
            Self::Opsgenie(_) => "opsgenie",
        }
    }
}

mapping!(Address, CHANNELS, fields => address(fields));

/// The one address that a mapping names by its channel.
pub(super) fn address(fields: &mut Fields<'_>) -> Address {
    let mut named = CHANNELS.into_iter().filter(|channel| fields.has(channel));
    let (first, second) = (named.next(), named.next());
    if (first.is_none() || second.is_some()) && fields.is_mapping() {
        let what = if first.is_none() { "this names no address" } else { "this names more than one address" };
        let [others @ .., last] = CHANNELS;
        let fix = format!("name one of {} and {last}; write each contact as its own entry", others.join(", "));
        let (path, place) = (fields.path.clone(), fields.place);
        fields.reader.fail(&path, place, what, fix);
        return Address::Email(String::new());
    }
    let number = "write the phone number, such as +15550100";
    match first {
        Some("webhook") => {
            let Webhook { url, secret } = fields.required("webhook", "write `webhook:` with `url` and `secret`");
            Address::Webhook { url, secret }
        }
        Some("slack") => {
            Address::Slack(fields.required("slack", "write the channel's or user's id, such as C0123456789"))
        }
        Some("teams") => {
            Address::Teams(fields.required("teams", "write `teams: ssm:/path/of/the/parameter` that holds the URL"))
        }
        Some("sms") => Address::Sms(fields.required("sms", number)),
        Some("twilio_sms") => Address::TwilioSms(fields.required("twilio_sms", number)),
        Some("voice") => Address::Voice(fields.required("voice", number)),
        Some("ntfy") => Address::Ntfy(fields.required("ntfy", "write the name of the topic")),
        Some("pagerduty") => Address::Pagerduty(
            fields
                .required("pagerduty", "write `pagerduty: ssm:/path/of/the/parameter` that holds the integration key"),
        ),
        Some("opsgenie") => Address::Opsgenie(fields.required("opsgenie", "write the name of the team")),
        _ => Address::Email(fields.required("email", "write the e-mail address")),
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

impl Check<'_> {
    pub(super) fn address(&mut self, address: &Address, path: &str) {
        let path = format!("{path}.{}", address.channel());
        let providers = &self.policy.providers;
        match address {
            Address::Webhook { url, secret } => {
                self.web_address(url, &format!("{path}.url"));
                self.secret(secret, &format!("{path}.secret"));
            }
            Address::Teams(reference) | Address::Pagerduty(reference) => self.secret(reference, &path),
            Address::Slack(id) => {
                if providers.slack.is_none() {
                    let fix = "add `providers: slack:` with `bot_token` and `signing_secret`";
                    self.error(&path, "Slack is used, and no Slack app is named", fix);
                }
                let valid = id.len() >= 2 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                if !valid {
                    self.error(path, "this is not a Slack id", "write the channel's or user's id, such as C0123456789");
                }
            }
            Address::Email(address) => {
                if providers.email.is_none() {
                    let fix = "add `providers: email:` with the verified `from` address";
                    self.error(&path, "e-mail is used, and no sender is named", fix);
                }
                self.email(address, path);
            }
            Address::Sms(number) => self.number(number, path),
            Address::TwilioSms(number) | Address::Voice(number) => {
                if providers.twilio.is_none() {
                    let fix = "add `providers: twilio:` with `account_sid`, `auth_token` and `from`";
                    self.error(&path, "Twilio is used, and no account is named", fix);
                }
                self.number(number, path);
            }
            Address::Ntfy(topic) => {
                // https://docs.ntfy.sh/publish: what stands in the URL of a topic.
                let plain = topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
                if topic.is_empty() || topic.len() > 64 || !plain {
                    self.error(path, "this is not a topic", "write 1 to 64 letters, digits, `-` or `_`");
                }
            }
            Address::Opsgenie(team) => {
                if providers.opsgenie.is_none() {
                    let fix = "add `providers: opsgenie:` with the `api_key` of an API integration";
                    self.error(&path, "Opsgenie is used, and no key is named", fix);
                }
                if team.trim().is_empty() {
                    self.error(path, "this names no team", "write the name of the team, as Opsgenie has it");
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

    pub(super) fn number(&mut self, number: &str, path: String) {
        let digits = number.strip_prefix('+').unwrap_or_default();
        let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if !valid || digits.starts_with('0') {
            let fix = "write it in international form, such as +15550100";
            self.error(path, "this is not a phone number", fix);
        }
    }
}
