//! Integrations: who may send signals.

use serde::{Deserialize, Serialize};

use super::SecretRef;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;

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
    /// Opsgenie Alert API v2; the secret is the API key.
    Opsgenie,
}

mapping!(Integration, ["kind", "secret", "open", "service"], fields => Integration {
    kind: fields.required("kind", "write pagerduty, alertmanager, prometheus, cloudwatch, standard_webhooks or opsgenie"),
    secret: fields.optional("secret"),
    open: fields.or_default("open"),
    service: fields.optional("service"),
});

words!(Kind, Cloudwatch, "pagerduty" => Pagerduty, "alertmanager" => Alertmanager, "prometheus" => Prometheus,
    "cloudwatch" => Cloudwatch, "standard_webhooks" => StandardWebhooks, "opsgenie" => Opsgenie);

impl Check<'_> {
    pub(super) fn integrations(&mut self) {
        let policy = self.policy;
        for (name, integration) in &policy.integrations {
            let path = format!("integrations.{name}");
            self.proof(integration, &path);
            if let Some(service) = &integration.service {
                self.known(&format!("{path}.service"), "service", service, policy.services.keys());
            }
        }
        let open = |kind| {
            let all = policy.integrations.iter();
            all.filter(move |(_, integration)| integration.open && integration.kind == kind).map(|(name, _)| name)
        };
        if let Some(first) = open(Kind::Prometheus).next() {
            for second in open(Kind::Prometheus).skip(1) {
                let what =
                    format!("`{first}` is an open prometheus integration too, and nothing tells their alerts apart");
                self.error(format!("integrations.{second}.open"), what, "give one of them a secret, or remove it");
            }
        }
    }

    /// How the senders of an integration prove who they are.
    fn proof(&mut self, integration: &Integration, path: &str) {
        match (&integration.secret, integration.open, integration.kind) {
            (None, false, Kind::Cloudwatch) => {}
            (Some(_), _, Kind::Cloudwatch) | (None, true, Kind::Cloudwatch) => {
                let key = if integration.open { "open" } else { "secret" };
                let what = "AWS itself proves that an alarm is from CloudWatch";
                self.error(format!("{path}.{key}"), what, format!("remove `{key}`"));
            }
            (_, true, Kind::Pagerduty) => {
                let what = "PagerDuty's events are told apart by their routing key, so this cannot be open";
                self.error(format!("{path}.open"), what, "remove `open` and write `secret: ssm:/path/of/the/key`");
            }
            (_, true, Kind::Opsgenie) => {
                let what = "Opsgenie's alerts are told apart by their API key, so this cannot be open";
                self.error(format!("{path}.open"), what, "remove `open` and write `secret: ssm:/path/of/the/key`");
            }
            (Some(_), true, _) => {
                let what = "it has a secret and asks for none";
                self.error(format!("{path}.open"), what, "remove `open`, so that the secret counts");
            }
            (None, true, _) => {
                let what = "anybody who reaches the URL can page people";
                self.warning(format!("{path}.open"), what, "keep it where the network is closed, or give it a secret");
            }
            (Some(secret), false, _) => self.secret(secret, &format!("{path}.secret")),
            (None, false, _) => {
                let what = "nothing proves who sends: there is no secret";
                self.error(format!("{path}.secret"), what, "write `secret: ssm:/path/of/the/parameter`");
            }
        }
    }
}
