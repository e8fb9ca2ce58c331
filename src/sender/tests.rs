//! The fixtures of `events/ingest`: what each becomes, and how each malformed one is refused.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;

use domain::policy::{Integration, Kind, Mapping, Policy, SecretRef};
use domain::signal::Signal;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::verify::table::{self, Scheme};
use super::*;

mod fuzz;
mod history;
mod promises;
mod proofs;

const HOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SHARED: &str = "a secret that both sides know";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:watchkeeper-alarms";
/// Made for these tests: what its key signed is in the fixtures of SNS.
pub(super) const CERTIFICATE: &str = include_str!("sns/certificate.pem");
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(super) const MAILBOX: &str = "9f2c4e6a8b0d1f3e5a7c9b2d";
pub(super) const MAILBOX_BEFORE: &str = "0d1c2b3a49586776859403f2";

pub(super) fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().expect("a time")
}

fn integration(kind: Kind, secret: Option<&str>) -> Integration {
    let secret = secret.map(|name| SecretRef(format!("ssm:/{name}")));
    Integration {
        kind,
        open: secret.is_none(),
        from: if secret.is_none() { vec!["127.0.0.0/8".parse().expect("a network")] } else { Vec::new() },
        secret,
        proof: None,
        header: None,
        timestamp_header: None,
        auto_close: None,
        service: None,
        topics: Vec::new(),
        mapping: None,
    }
}

fn mapping() -> Mapping {
    serde_json::from_value(json!({
        "key": "body.check.id",
        "action": r#"body.status == "up" ? "resolve" : "trigger""#,
        "title": r#"body.check.name + " is " + body.status"#,
        "severity": r#"body.tries > 3 ? "critical" : "warning""#,
        "source": "body.check.url",
        "at": "body.at",
        "link": "body.check.url",
        "labels": { "region": "body.region" },
    }))
    .expect("a mapping")
}

pub(super) fn policy() -> Policy {
    let integrations = [
        ("events", integration(Kind::Pagerduty, Some("routing"))),
        ("alertmanager", integration(Kind::Alertmanager, Some("token"))),
        ("prometheus", integration(Kind::Prometheus, Some("token"))),
        ("alarms", integration(Kind::Cloudwatch, None)),
        ("guardduty", integration(Kind::Guardduty, None)),
        ("securityhub", integration(Kind::SecurityHub, None)),
        ("health", integration(Kind::AwsHealth, None)),
        ("deploys", integration(Kind::AwsChanges, None)),
        ("cost", integration(Kind::AwsCost, None)),
        ("backups", integration(Kind::AwsBackup, None)),
        ("mailbox", integration(Kind::Email, Some("mailbox"))),
        ("generic", integration(Kind::StandardWebhooks, Some("hook"))),
        ("broken", integration(Kind::StandardWebhooks, Some("nothing"))),
        ("mapped", Integration { mapping: Some(mapping()), ..integration(Kind::Json, Some("token")) }),
        ("open", integration(Kind::StandardWebhooks, None)),
        ("inside", integration(Kind::Alertmanager, None)),
        ("datadog", integration(Kind::Datadog, Some("shared"))),
        ("github", integration(Kind::Github, Some("shared"))),
        ("gitlab", integration(Kind::Gitlab, Some("shared"))),
        ("grafana", integration(Kind::Grafana, Some("shared"))),
        ("intercom", integration(Kind::Intercom, Some("shared"))),
        ("oncall", integration(Kind::Oncall, Some("token"))),
        ("pagerdutywebhook", integration(Kind::PagerdutyWebhook, Some("shared"))),
        ("sentry", integration(Kind::Sentry, Some("shared"))),
        ("zendesk", integration(Kind::Zendesk, Some("shared"))),
        (
            "sns",
            Integration {
                open: false,
                from: Vec::new(),
                topics: vec![TOPIC.to_owned()],
                ..integration(Kind::Sns, None)
            },
        ),
    ];
    let least = r#"{"version": 1, "catch_all": {"escalation": "none"}}"#;
    let integrations = integrations.map(|(name, integration)| (name.to_owned(), integration)).into();
    Policy { integrations, ..serde_json::from_str(least).expect("a policy") }
}

/// The secrets of that policy.
pub(super) fn lookup(reference: &SecretRef) -> &'static [Secret] {
    static SECRETS: LazyLock<BTreeMap<&str, Vec<Secret>>> = LazyLock::new(|| {
        BTreeMap::from([
            ("ssm:/routing", vec![Secret::new(ROUTING_KEY)]),
            ("ssm:/token", vec![Secret::new("a-token-of-prometheus"), Secret::new("the-token-before")]),
            ("ssm:/hook", vec![Secret::new(HOOK_SECRET)]),
            ("ssm:/shared", vec![Secret::new("the secret before"), Secret::new(SHARED)]),
            ("ssm:/mailbox", vec![Secret::new(MAILBOX), Secret::new(MAILBOX_BEFORE)]),
        ])
    });
    SECRETS.get(reference.0.as_str()).map_or(&[][..], Vec::as_slice)
}

/// A request that can be taken apart and changed.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) at: Timestamp,
    pub(super) id: String,
    pub(super) source: Option<IpAddr>,
    pub(super) certificate: Option<&'static str>,
}

impl Sent {
    fn new(path: &str, body: &[u8]) -> Self {
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self {
            method: Method::POST,
            path: path.to_owned(),
            headers,
            body: body.to_vec(),
            at: now(),
            id: "request-1".to_owned(),
            source: Some(IpAddr::from([127, 0, 0, 1])),
            certificate: Some(CERTIFICATE),
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
        self
    }

    fn bearer(self) -> Self {
        self.with("authorization", "Bearer a-token-of-prometheus")
    }

    fn signed(self) -> Self {
        self.signed_as("msg_1", now() - SignedDuration::from_secs(10))
    }

    /// As a message of Standard Webhooks that is called `id`.
    fn signed_as(self, id: &str, at: Timestamp) -> Self {
        let signature = verify::sign(&[Secret::new(HOOK_SECRET)], id, at, &self.body).expect("a good secret");
        let signed = self.with("webhook-id", id).with("webhook-timestamp", &at.as_second().to_string());
        signed.with("webhook-signature", &signature)
    }

    /// With the signature of its sender.
    fn signed_by(mut self, scheme: &Scheme<'_>) -> Self {
        let headers =
            verify::headers(scheme, &Secret::new(SHARED), "msg_1", self.at, &self.body).expect("a good secret");
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            self.headers.insert(name, HeaderValue::from_str(&value).expect("a value"));
        }
        self
    }

    /// As its sender would send a body of this name.
    pub(super) fn fixture(name: &str, body: &[u8]) -> Self {
        Self::fixture_at(name, body, now())
    }

    /// The same at another time, which some sign.
    fn fixture_at(name: &str, body: &[u8], at: Timestamp) -> Self {
        let to = |integration: &str| Self { at, ..Self::new(&format!("/v1/signals/{integration}"), body) };
        match name.split('-').next() {
            Some("datadog") => to("datadog").with("x-api-key", SHARED),
            Some("gitlab") => to("gitlab").with("x-gitlab-token", SHARED),
            Some("github") => {
                let form =
                    ["application/json", "application/x-www-form-urlencoded"][usize::from(name.contains("form"))];
                to("github").with("content-type", form).signed_by(&table::GITHUB)
            }
            Some("grafana") => to("grafana").signed_by(&Scheme::grafana(&[table::GRAFANA_SIGNATURE], None)),
            Some("intercom") => to("intercom").signed_by(&table::INTERCOM),
            Some("oncall") => Self::new("/integrations/v1/formatted_webhook/a-token-of-prometheus/", body),
            Some("pagerdutywebhook") => to("pagerdutywebhook").signed_by(&table::PAGERDUTY),
            Some("pagerdutyv1") => Self::new("/generic/2010-04-15/create_event.json", body),
            Some("sentry") => to("sentry").signed_by(&table::SENTRY),
            Some("sns") => to("sns").with("content-type", "text/plain; charset=UTF-8"),
            Some("zendesk") => to("zendesk").signed_by(&table::ZENDESK),
            Some("pagerduty") if name == "pagerduty-change" => Self::new("/v2/change/enqueue", body),
            Some("pagerduty") => Self::new("/v2/enqueue", body),
            Some("alertmanager") => Self::new("/v1/signals/alertmanager", body).bearer(),
            Some("prometheus") => Self::new("/api/v2/alerts", body).bearer(),
            Some("mapped") => Self::new("/v1/signals/mapped", body).bearer(),
            Some("generic" | "change") => Self::new("/v1/signals/generic", body).signed(),
            _ => panic!("no sender is known for {name}"),
        }
    }

    pub(super) fn receive(&self) -> Result<Received, Refused> {
        self.receive_by(&policy())
    }

    pub(super) fn receive_by(&self, policy: &Policy) -> Result<Received, Refused> {
        let door = door(&self.method, &self.path)?;
        self.with_request(|request| receive(&door, request, policy, &lookup))
    }

    pub(super) fn with_request<T>(&self, then: impl FnOnce(&Request<'_>) -> T) -> T {
        let Self { method, path, headers, body, at, id, source, certificate } = self;
        let certificate = certificate.map(str::as_bytes);
        then(&Request { method, path, headers, body, source: *source, certificate, id, received_at: *at })
    }

    pub(super) fn refused(&self) -> Refused {
        self.receive().expect_err("this must be refused")
    }
}

pub(super) fn fixtures() -> impl Iterator<Item = (String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/ingest");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the fixtures").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| {
        let name = file.file_stem().expect("a name").to_str().expect("ASCII").to_owned();
        (name, fs::read(file).expect("a fixture"))
    })
}

/// Whether a fixture is an event of AWS or a mail, which come by no door.
fn is_of_aws(name: &str) -> bool {
    let services = ["cloudwatch", "guardduty", "securityhub", "health", "deploy", "cost", "backup", "email"];
    name.split('-').next().is_some_and(|first| services.contains(&first))
}

/// What comes of an event of AWS or of a mail, or why nothing does.
pub(super) fn by_aws(event: &Value, policy: &Policy, at: Timestamp) -> Result<Vec<Signal>, String> {
    let Some(mails) = email::mails(event) else {
        return aws::signals(event, policy, at).map_err(|none| none.to_string());
    };
    let mails = mails.map_err(|none| none.to_string())?;
    let signals = mails.iter().map(|mail| mail.signals(policy, &lookup, at));
    let signals: Result<Vec<_>, _> = signals.collect();
    signals.map(|signals| signals.concat()).map_err(|unheard| unheard.to_string())
}

#[test]
fn every_fixture_becomes_the_signals_of_its_snapshot() {
    for (name, body) in fixtures().filter(|(name, _)| !name.starts_with("malformed-")) {
        if is_of_aws(&name) {
            let heard = by_aws(&serde_json::from_slice(&body).expect("JSON"), &policy(), now());
            assert_eq!(heard.is_err(), name.ends_with("-refused"), "{name}: {heard:?}");
            match heard {
                Ok(signals) => insta::assert_json_snapshot!(name, signals),
                Err(why) => insta::assert_json_snapshot!(name, why),
            }
            continue;
        }
        let received = Sent::fixture(&name, &body).receive().unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!(received.signals.is_empty(), name.ends_with("-ignored"), "{name}");
        insta::assert_json_snapshot!(name, (received.reply, received.signals));
    }
}

#[test]
fn b01_b04_b17_every_malformed_fixture_is_refused_in_the_dialect_of_its_sender() {
    for (name, body) in fixtures() {
        let Some(sender) = name.strip_prefix("malformed-") else { continue };
        let reply = match Sent::fixture(sender, &body).receive() {
            Err(refused) => refused.reply,
            Ok(received) => {
                assert_eq!(received.signals, [], "{name}");
                received.reply
            }
        };
        assert_eq!(reply.status, 400, "{name}");
        assert!(!reply.body.contains("hunter2"), "{name} quotes what was sent");
        insta::assert_json_snapshot!(name, reply);
    }
}

#[test]
fn when_we_cannot_do_our_part_every_sender_is_asked_to_come_back() {
    let signals = Door::Signals("generic".to_owned());
    let doors = [Door::PagerdutyEvents, Door::PrometheusAlerts, signals, Door::PagerdutyV1, Door::Oncall(Kind::Oncall)];
    let replies = doors.map(|door| unavailable(&door, 5));
    for reply in &replies {
        assert_eq!((reply.status, reply.headers.as_slice()), (503, &[("Retry-After", "5".to_owned())][..]));
    }
    insta::assert_json_snapshot!("unavailable", replies);
}
