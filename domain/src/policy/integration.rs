//! Integrations: who may send signals.

use std::net::IpAddr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;
use super::{Mapping, Network, SecretRef};

/// Somebody who may send signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Which dialect it speaks, and how it proves who it is.
    pub kind: Kind,
    /// The secret, key or token that proves it; two lines in the parameter are two that are valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// Accepts signals without any proof, from the networks of `from` alone.
    #[serde(default)]
    pub open: bool,
    /// From where its senders are heard; from everywhere where it names no network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Network>,
    /// How the secret proves it, where its senders can do either; see [`Kind::proofs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The header of the token or of Grafana's signature, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The header of the time that Grafana signs, if it signs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// After how long without a word of its sender a problem is over, where the sender tells no ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_close: Option<SignedDuration>,
    /// The service its signals concern, unless they say so themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The ARNs of the topics that are heard, for the kind `sns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// What the JSON of its senders means, for the kind `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
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
    /// Anything that signs by Standard Webhooks; the secret is `whsec_…`, or the public key `whpk_…`.
    StandardWebhooks,
    /// Opsgenie's Alert API, version 2; the secret is the API key.
    Opsgenie,
    /// Datadog's webhooks, with the payload of the guide; the secret is a token.
    Datadog,
    /// GitHub's webhooks; the secret is theirs.
    Github,
    /// GitLab's webhooks; the secret is their secret token, or their signing token.
    Gitlab,
    /// Grafana's webhook contact point; the secret is what it signs with, or a token.
    Grafana,
    /// Intercom's webhooks; the secret is the app's client secret.
    Intercom,
    /// Grafana OnCall's formatted webhook; the secret is the end of its URL.
    Oncall,
    /// PagerDuty's webhooks, version 3: its incidents are alerts here; the secret is the subscription's.
    PagerdutyWebhook,
    /// Sentry's integration platform; the secret is the client secret.
    Sentry,
    /// Zendesk's webhooks; the secret is the signing secret.
    Zendesk,
    /// GuardDuty findings by EventBridge; AWS proves who sends, here and in the kinds of AWS that follow.
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
    /// SNS by HTTPS: events of AWS from other accounts and regions. SNS signs them, and `topics` says whose they may be.
    Sns,
    /// E-mail by SES; the secret is what stands before the `@` of the address.
    Email,
    /// Any JSON, which the integration's `mapping` reads; the secret is a token, or `whsec_…` with `proof: signature`.
    Json,
}

/// How a sender proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It signs what it sends.
    Signature,
    /// It presents a token: in `Authorization`, in `X-Api-Key`, or in a header that the integration names.
    Token,
}

impl Kind {
    /// How senders of this kind can prove who they are; the first is meant where an integration names none.
    pub const fn proofs(self) -> &'static [Proof] {
        match self {
            // AWS itself proves it.
            Self::Cloudwatch
            | Self::Guardduty
            | Self::SecurityHub
            | Self::AwsHealth
            | Self::AwsChanges
            | Self::AwsCost
            | Self::AwsBackup => &[],
            Self::Pagerduty
            | Self::Alertmanager
            | Self::Prometheus
            | Self::Datadog
            | Self::Email
            | Self::Oncall
            | Self::Opsgenie => &[Proof::Token],
            Self::Gitlab | Self::Json => &[Proof::Token, Proof::Signature],
            Self::Grafana => &[Proof::Signature, Proof::Token],
            Self::StandardWebhooks
            | Self::Github
            | Self::Intercom
            | Self::PagerdutyWebhook
            | Self::Sentry
            | Self::Sns
            | Self::Zendesk => &[Proof::Signature],
        }
    }

    /// Whether the token comes in a header that an integration may name: PagerDuty's is in the body.
    const fn names_a_header(self) -> bool {
        matches!(self, Self::Alertmanager | Self::Datadog | Self::Gitlab | Self::Grafana | Self::Json | Self::Oncall)
    }

    /// Whether AWS itself sends it, and proves who sends.
    pub const fn is_of_aws(self) -> bool {
        self.proofs().is_empty()
    }
}

impl Integration {
    /// Whether its senders are heard at `address`, as far as that is known. What is open to nobody in particular is
    /// open to nobody.
    pub fn hears(&self, address: Option<IpAddr>) -> bool {
        let listed = || address.is_some_and(|address| self.from.iter().any(|network| network.contains(address)));
        (self.from.is_empty() && !self.open) || listed()
    }

    /// How its senders prove who they are.
    pub fn proof(&self) -> Proof {
        self.proof.or(self.kind.proofs().first().copied()).unwrap_or(Proof::Token)
    }
}

/// The shortest time after which silence may be taken for an end: anybody may need that long to answer a page.
const SHORTEST_AUTO_CLOSE: SignedDuration = SignedDuration::from_mins(5);

/// What to write where a kind is missing.
const KINDS: &str = "write one of pagerduty, alertmanager, prometheus, cloudwatch, standard_webhooks, opsgenie, datadog, github, \
    gitlab, grafana, intercom, oncall, pagerduty_webhook, sentry, zendesk, guardduty, security_hub, aws_health, \
    aws_changes, aws_cost, aws_backup, sns, email, json";

/// The keys of an integration.
const KEYS: [&str; 11] = [
    "kind",
    "secret",
    "open",
    "from",
    "proof",
    "header",
    "timestamp_header",
    "auto_close",
    "service",
    "topics",
    "mapping",
];

mapping!(Integration, KEYS, fields => Integration {
    kind: fields.required("kind", KINDS),
    secret: fields.optional("secret"),
    open: fields.or_default("open"),
    from: fields.or_default("from"),
    proof: fields.optional("proof"),
    header: fields.optional("header"),
    timestamp_header: fields.optional("timestamp_header"),
    auto_close: fields.optional("auto_close"),
    service: fields.optional("service"),
    topics: fields.or_default("topics"),
    mapping: fields.optional("mapping"),
});

words!(Kind, Cloudwatch, "pagerduty" => Pagerduty, "alertmanager" => Alertmanager, "prometheus" => Prometheus,
    "cloudwatch" => Cloudwatch, "standard_webhooks" => StandardWebhooks, "opsgenie" => Opsgenie, "datadog" => Datadog, "github" => Github,
    "gitlab" => Gitlab, "grafana" => Grafana, "intercom" => Intercom, "oncall" => Oncall,
    "pagerduty_webhook" => PagerdutyWebhook, "sentry" => Sentry, "zendesk" => Zendesk, "guardduty" => Guardduty,
    "security_hub" => SecurityHub, "aws_health" => AwsHealth, "aws_changes" => AwsChanges, "aws_cost" => AwsCost,
    "aws_backup" => AwsBackup, "sns" => Sns, "email" => Email, "json" => Json);

words!(Proof, Token, "signature" => Signature, "token" => Token);

impl Check<'_> {
    pub(super) fn integrations(&mut self) {
        let policy = self.policy;
        for (name, integration) in &policy.integrations {
            let path = format!("integrations.{name}");
            self.proof(integration, &path);
            self.headers(integration, &path);
            self.topics(integration, &path);
            let delivered = integration.kind.is_of_aws() || integration.kind == Kind::Email;
            if delivered && !integration.from.is_empty() {
                self.error(format!("{path}.from"), "AWS itself delivers it, from no address", "remove `from`");
            }
            self.mapping(integration, &path);
            let alike = |(other, known): &(&String, &Integration)| known.kind == integration.kind && *other < name;
            if let Some((first, _)) = policy.integrations.iter().find(alike).filter(|_| integration.kind.is_of_aws()) {
                let what = format!("`{first}` hears the same events, and this one never hears any");
                self.error(format!("{path}.kind"), what, "remove one of them");
            }
            if let Some(after) = integration.auto_close {
                self.length(after, SHORTEST_AUTO_CLOSE, &format!("{path}.auto_close"), "an auto-close");
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

    /// Whose messages are heard of all that SNS signs.
    fn topics(&mut self, integration: &Integration, path: &str) {
        if integration.kind != Kind::Sns {
            if !integration.topics.is_empty() {
                self.error(format!("{path}.topics"), "only `kind: sns` has topics", "remove `topics`");
            }
            return;
        }
        if integration.topics.is_empty() {
            let what = "anybody can make SNS sign a message, and nothing says whose are heard";
            self.error(format!("{path}.topics"), what, "write `topics:` with their ARNs");
        }
        for (number, topic) in integration.topics.iter().enumerate() {
            let parts: Vec<&str> = topic.split(':').collect();
            let known = |parts: &[&str]| {
                matches!(parts, ["arn", partition, "sns", region, account, name]
                    if partition.starts_with("aws") && !region.is_empty() && account.len() == 12 && !name.is_empty())
            };
            if !known(&parts) {
                let fix = "write it as arn:aws:sns:us-east-1:111122223333:alarms";
                self.error(format!("{path}.topics[{number}]"), "this is not the ARN of a topic", fix);
            }
        }
    }

    /// What an integration says about the form of that proof.
    fn headers(&mut self, integration: &Integration, path: &str) {
        let Integration { kind, proof, header, timestamp_header, .. } = integration;
        if proof.is_some_and(|proof| !kind.proofs().contains(&proof)) {
            let what = "its senders cannot do that";
            self.error(format!("{path}.proof"), what, "remove `proof`: how they prove who they are is not a choice");
        }
        let signature = integration.proof() == Proof::Signature;
        if header.is_some() && (!kind.names_a_header() || (signature && *kind != Kind::Grafana)) {
            let what = "its senders have one place for their proof";
            self.error(format!("{path}.header"), what, "remove `header`");
        }
        if timestamp_header.is_some() && !(signature && *kind == Kind::Grafana) {
            let what = "only Grafana signs a time in a header that one names";
            self.error(format!("{path}.timestamp_header"), what, "remove `timestamp_header`");
        }
        for (key, name) in [("header", header), ("timestamp_header", timestamp_header)] {
            let plain = |name: &String| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            if name.as_ref().is_some_and(|name| !plain(name)) {
                let what = "this cannot be the name of a header";
                self.error(format!("{path}.{key}"), what, "use letters, digits, `-` and `_`, such as X-Api-Key");
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
            (None, false, Kind::Sns) => {}
            (_, _, Kind::Sns) => {
                let key = if integration.open { "open" } else { "secret" };
                let what = "SNS signs with keys of its own";
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
            (_, true, Kind::Email) => {
                let what = "mails are told apart by the secret in their address, so this cannot be open";
                self.error(format!("{path}.open"), what, "remove `open` and write `secret: ssm:/path/of/the/token`");
            }
            (Some(_), true, _) => {
                let what = "it has a secret and asks for none";
                self.error(format!("{path}.open"), what, "remove `open`, so that the secret counts");
            }
            (None, true, _) if integration.from.is_empty() => {
                let what = "nothing proves who sends, and nothing says from where";
                let fix = "write `from:` with the networks of its senders, or give it a secret in the place of `open`";
                self.error(format!("{path}.open"), what, fix);
            }
            (None, true, _) => {
                let everywhere = integration.from.iter().any(Network::is_everywhere);
                let who = if everywhere { "anybody who reaches the URL" } else { "anybody in these networks" };
                let what = format!("{who} can page people: nothing proves who sends");
                self.warning(
                    format!("{path}.open"),
                    what,
                    "give it a secret in the place of `open` where its senders can",
                );
            }
            (Some(secret), false, _) => self.secret(secret, &format!("{path}.secret")),
            (None, false, _) => {
                let what = "nothing proves who sends: there is no secret";
                self.error(format!("{path}.secret"), what, "write `secret: ssm:/path/of/the/parameter`");
            }
        }
    }
}
