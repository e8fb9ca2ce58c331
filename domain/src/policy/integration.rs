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
    /// GuardDuty findings by EventBridge; AWS proves who sends, here and in all kinds that follow.
    Guardduty,
    /// Security Hub findings by EventBridge.
    SecurityHub,
    /// AWS Health events by EventBridge.
    AwsHealth,
    /// What CodePipeline, CodeDeploy and CloudFormation change, by EventBridge.
    AwsChanges,
    /// Cost anomalies by EventBridge or SNS.
    AwsCost,
    /// Jobs of AWS Backup by EventBridge.
    AwsBackup,
}

impl Kind {
    /// Whether AWS itself sends it, and proves who sends.
    const fn is_of_aws(self) -> bool {
        matches!(
            self,
            Self::Cloudwatch
                | Self::Guardduty
                | Self::SecurityHub
                | Self::AwsHealth
                | Self::AwsChanges
                | Self::AwsCost
                | Self::AwsBackup
        )
    }
}

mapping!(Integration, ["kind", "secret", "open", "service"], fields => Integration {
    kind: fields.required("kind", "write pagerduty, alertmanager, prometheus, cloudwatch or standard_webhooks"),
    secret: fields.optional("secret"),
    open: fields.or_default("open"),
    service: fields.optional("service"),
});

words!(Kind, Cloudwatch, "pagerduty" => Pagerduty, "alertmanager" => Alertmanager, "prometheus" => Prometheus,
    "cloudwatch" => Cloudwatch, "standard_webhooks" => StandardWebhooks, "guardduty" => Guardduty,
    "security_hub" => SecurityHub, "aws_health" => AwsHealth, "aws_changes" => AwsChanges, "aws_cost" => AwsCost,
    "aws_backup" => AwsBackup);

impl Check<'_> {
    pub(super) fn integrations(&mut self) {
        let policy = self.policy;
        for (name, integration) in &policy.integrations {
            let path = format!("integrations.{name}");
            self.proof(integration, &path);
            let alike = |(other, known): &(&String, &Integration)| known.kind == integration.kind && *other < name;
            if let Some((first, _)) = policy.integrations.iter().find(alike).filter(|_| integration.kind.is_of_aws()) {
                let what = format!("`{first}` hears the same events, and this one never hears any");
                self.error(format!("{path}.kind"), what, "remove one of them");
            }
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
            (None, false, kind) if kind.is_of_aws() => {}
            (_, _, kind) if kind.is_of_aws() => {
                let key = if integration.open { "open" } else { "secret" };
                let what = "AWS itself proves who sends";
                self.error(format!("{path}.{key}"), what, format!("remove `{key}`"));
            }
            (_, true, Kind::Pagerduty) => {
                let what = "PagerDuty's events are told apart by their routing key, so this cannot be open";
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
