//! Providers: what the channels need, by reference where it is secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;

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

/// What the channels need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Providers {
    /// Slack, when a contact or channel uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// E-mail, when a contact or channel uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Twilio, when a contact or channel is texted or called by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twilio: Option<Twilio>,
    /// The server of ntfy; <https://ntfy.sh> without a token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntfy: Option<Ntfy>,
    /// Opsgenie, when a contact or channel uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opsgenie: Option<Opsgenie>,
}

/// A Slack app in the team's workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    /// The bot's token, `xoxb-…`.
    pub bot_token: SecretRef,
    /// What Slack signs button presses with.
    pub signing_secret: SecretRef,
}

/// An SES identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The verified sender address.
    pub from: String,
}

/// A Twilio account and a number of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twilio {
    /// The account's name, `AC…`. It is not secret.
    pub account_sid: String,
    /// What proves that we are the account, and that Twilio is Twilio.
    pub auth_token: SecretRef,
    /// The number that texts and calls come from, in E.164.
    pub from: String,
}

/// A server of ntfy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ntfy {
    /// Its base, without a topic.
    #[serde(default = "ntfy_sh")]
    pub url: String,
    /// An access token, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

impl Ntfy {
    /// The server that everybody may use, when the policy names none.
    pub const PUBLIC: &str = "https://ntfy.sh";
}

fn ntfy_sh() -> String {
    Ntfy::PUBLIC.to_owned()
}

/// An account of Opsgenie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opsgenie {
    /// The key of an API integration.
    pub api_key: SecretRef,
    /// Where the account is.
    #[serde(default)]
    pub region: Region,
}

/// Where an account of Opsgenie is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// `api.opsgenie.com`.
    #[default]
    Us,
    /// `api.eu.opsgenie.com`.
    Eu,
}

impl Read for SecretRef {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        Self(String::read(reader, node, path))
    }

    fn blank() -> Self {
        Self(String::new())
    }
}

mapping!(Providers, ["slack", "email", "twilio", "ntfy", "opsgenie"], fields => Providers {
    slack: fields.optional("slack"),
    email: fields.optional("email"),
    twilio: fields.optional("twilio"),
    ntfy: fields.optional("ntfy"),
    opsgenie: fields.optional("opsgenie"),
});

mapping!(Slack, ["bot_token", "signing_secret"], fields => Slack {
    bot_token: fields.required("bot_token", "write `bot_token: ssm:/path/of/the/parameter`"),
    signing_secret: fields.required("signing_secret", "write `signing_secret: ssm:/path/of/the/parameter`"),
});

mapping!(Email, ["from"], fields => Email {
    from: fields.required("from", "write the verified sender address"),
});

mapping!(Twilio, ["account_sid", "auth_token", "from"], fields => Twilio {
    account_sid: fields.required("account_sid", "write the account's SID, which begins with AC"),
    auth_token: fields.required("auth_token", "write `auth_token: ssm:/path/of/the/parameter`"),
    from: fields.required("from", "write a number of the account, such as +15550100"),
});

mapping!(Ntfy, ["url", "token"], fields => Ntfy {
    url: fields.optional("url").unwrap_or_else(ntfy_sh),
    token: fields.optional("token"),
});

mapping!(Opsgenie, ["api_key", "region"], fields => Opsgenie {
    api_key: fields.required("api_key", "write `api_key: ssm:/path/of/the/parameter`"),
    region: fields.or_default("region"),
});

words!(Region, Us, "us" => Us, "eu" => Eu);

impl Check<'_> {
    pub(super) fn providers(&mut self) {
        let providers = &self.policy.providers;
        if let Some(slack) = &providers.slack {
            self.secret(&slack.bot_token, "providers.slack.bot_token");
            self.secret(&slack.signing_secret, "providers.slack.signing_secret");
        }
        if let Some(email) = &providers.email {
            self.email(&email.from, "providers.email.from".to_owned());
        }
        if let Some(twilio) = &providers.twilio {
            let sid = twilio.account_sid.strip_prefix("AC").unwrap_or_default();
            if sid.len() != 32 || !sid.bytes().all(|b| b.is_ascii_hexdigit()) {
                let fix = "write the account's SID: AC and 32 digits from 0 to f";
                self.error("providers.twilio.account_sid", "this is not the SID of an account", fix);
            }
            self.secret(&twilio.auth_token, "providers.twilio.auth_token");
            self.number(&twilio.from, "providers.twilio.from".to_owned());
        }
        if let Some(ntfy) = &providers.ntfy {
            self.web_address(&ntfy.url, "providers.ntfy.url");
            if let Some(token) = &ntfy.token {
                self.secret(token, "providers.ntfy.token");
            }
        }
        if let Some(opsgenie) = &providers.opsgenie {
            self.secret(&opsgenie.api_key, "providers.opsgenie.api_key");
        }
    }

    pub(super) fn secret(&mut self, secret: &SecretRef, path: &str) {
        if secret.parameter().is_none_or(|name| name.len() < 2) {
            // The text is not shown: it may be the secret itself.
            let fix = "store it with `aws ssm put-parameter --type SecureString` and write `ssm:/its/name`";
            self.error(path, "this is not a reference to a secret", fix);
        }
    }
}
