//! Providers: what the channels need, by reference where it is secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
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

impl Read for SecretRef {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        Self(String::read(reader, node, path))
    }

    fn blank() -> Self {
        Self(String::new())
    }
}

mapping!(Providers, ["slack", "email"], fields => Providers {
    slack: fields.optional("slack"),
    email: fields.optional("email"),
});

mapping!(Slack, ["bot_token", "signing_secret"], fields => Slack {
    bot_token: fields.required("bot_token", "write `bot_token: ssm:/path/of/the/parameter`"),
    signing_secret: fields.required("signing_secret", "write `signing_secret: ssm:/path/of/the/parameter`"),
});

mapping!(Email, ["from"], fields => Email {
    from: fields.required("from", "write the verified sender address"),
});

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
    }

    pub(super) fn secret(&mut self, secret: &SecretRef, path: &str) {
        if secret.parameter().is_none_or(|name| name.len() < 2) {
            // The text is not shown: it may be the secret itself.
            let fix = "store it with `aws ssm put-parameter --type SecureString` and write `ssm:/its/name`";
            self.error(path, "this is not a reference to a secret", fix);
        }
    }
}
