//! What each adapter costs for one payload of its sender: verified, parsed and made into signals.

use std::hint::black_box;
use std::time::Instant;

use domain::policy::Policy;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeeper::secret::Secret;
use watchkeeper::sender::verify::table::{GITHUB, GRAFANA_SIGNATURE, INTERCOM, PAGERDUTY, SENTRY, Scheme, ZENDESK};
use watchkeeper::sender::{self, Request, aws, email, verify};

use crate::cases::{ROUTING_KEY, WEBHOOK_SECRET, policy};
use crate::table::{Row, Table};

/// When all of them reach us: a signed time must not be far from it.
const NOW: &str = "2026-11-21T10:00:00Z";
const RUNS: u32 = 5_000;

static GRAFANA: Scheme<'static> = Scheme::grafana(&[GRAFANA_SIGNATURE], None);
const CERTIFICATE: &[u8] = include_bytes!("../src/sender/sns/certificate.pem");

/// How a payload is proved.
enum Proven {
    Signed(&'static Scheme<'static>),
    Header(&'static str, &'static str),
    /// By what is in the payload or in the address.
    Itself,
}

macro_rules! payload {
    ($name:literal) => {
        include_str!(concat!("../events/ingest/", $name, ".json"))
    };
}

/// A sender, its address, how it proves who it is, and a real payload of its own.
const DOORS: [(&str, &str, Proven, &str); 16] = [
    ("alertmanager", "/v1/signals/alertmanager", BEARER, payload!("alertmanager-resolved")),
    ("datadog", "/v1/signals/datadog", Proven::Header("x-api-key", WEBHOOK_SECRET), payload!("datadog-triggered")),
    ("github", "/v1/signals/github", Proven::Signed(&GITHUB), payload!("github-deployment-failure")),
    (
        "gitlab",
        "/v1/signals/gitlab",
        Proven::Header("x-gitlab-token", WEBHOOK_SECRET),
        payload!("gitlab-pipeline-failed"),
    ),
    ("grafana", "/v1/signals/grafana", Proven::Signed(&GRAFANA), payload!("grafana-firing")),
    ("intercom", "/v1/signals/intercom", Proven::Signed(&INTERCOM), payload!("intercom-conversation-created")),
    ("json, by a mapping", "/v1/signals/json", BEARER, payload!("mapped-down")),
    ("oncall", "/v1/signals/oncall", BEARER, payload!("oncall-alerting")),
    ("pagerduty, version 1", "/generic/2010-04-15/create_event.json", Proven::Itself, payload!("pagerdutyv1-trigger")),
    ("pagerduty, version 2", "/v2/enqueue", Proven::Itself, payload!("pagerduty-trigger")),
    (
        "pagerduty's webhooks",
        "/v1/signals/pagerduty_webhook",
        Proven::Signed(&PAGERDUTY),
        payload!("pagerdutywebhook-triggered"),
    ),
    ("prometheus", "/api/v2/alerts", BEARER, payload!("prometheus-resolved")),
    ("sentry, an issue", "/v1/signals/sentry", Proven::Signed(&SENTRY), payload!("sentry-issue-alert")),
    ("sentry, a metric", "/v1/signals/sentry", Proven::Signed(&SENTRY), payload!("sentry-metric-critical")),
    ("sns, which signs by RSA", "/v1/signals/sns", Proven::Itself, payload!("sns-ok")),
    ("zendesk", "/v1/signals/zendesk", Proven::Signed(&ZENDESK), payload!("zendesk-ticket-created")),
];
const BEARER: Proven = Proven::Header("authorization", "Bearer whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr");

/// What AWS delivers, and a real event of each.
const EVENTS: [(&str, &str); 7] = [
    ("aws: an alarm", payload!("cloudwatch-alarm")),
    ("aws: a backup", payload!("backup-failed")),
    ("aws: a change", payload!("deploy-codepipeline")),
    ("aws: a cost anomaly", payload!("cost-anomaly")),
    ("aws: guardduty", payload!("guardduty-finding")),
    ("aws: health", payload!("health-issue")),
    ("aws: security hub", payload!("securityhub-failed")),
];

/// Adds a figure for each adapter to the table.
pub fn figures(table: &mut Table) {
    let policy = senders();
    for (name, path, proven, body) in &DOORS {
        row(table, name, door_us(path, proven, body, &policy));
    }
    for (name, event) in EVENTS {
        let heard = |event: &Value| aws::signals(event, &policy, now()).unwrap().len();
        row(table, name, event_us(event, heard));
    }
    let address = [Secret::new("9f2c4e6a8b0d1f3e5a7c9b2d")];
    let heard = |event: &Value| {
        let mails = email::mails(event).unwrap().unwrap();
        mails.iter().map(|mail| mail.signals(&policy, &|_| &address, now()).unwrap().len()).sum()
    };
    row(table, "a mail", event_us(payload!("email-firing"), heard));
}

fn row(table: &mut Table, name: &str, us: f64) {
    table.row(Row::budget(&format!("    {name}"), us, "us CPU", 20.0));
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A policy with an integration for each adapter.
fn senders() -> Policy {
    let mut policy = policy("127.0.0.1:9");
    let secret = "ssm:/watchkeeper/s";
    let mut integrations = json!({
        "json": { "kind": "json", "secret": secret, "mapping": {
            "key": "body.check.id",
            "action": r#"body.status == "up" ? "resolve" : "trigger""#,
            "title": r#"body.check.name + " is " + body.status"#,
            "severity": r#"body.tries > 3 ? "critical" : "warning""#,
            "source": "body.check.url",
            "at": "body.at",
            "link": "body.check.url",
            "labels": { "region": "body.region" },
        } },
        "sns": { "kind": "sns", "topics": ["arn:aws:sns:us-east-1:111122223333:watchkeeper-alarms"] },
    });
    for kind in [
        "alertmanager",
        "prometheus",
        "datadog",
        "github",
        "gitlab",
        "grafana",
        "intercom",
        "oncall",
        "pagerduty_webhook",
        "sentry",
        "zendesk",
        "email",
    ] {
        integrations[kind] = json!({ "kind": kind, "secret": secret });
    }
    for kind in ["guardduty", "security_hub", "aws_health", "aws_changes", "aws_cost", "aws_backup"] {
        integrations[kind] = json!({ "kind": kind });
    }
    for (name, integration) in integrations.as_object().unwrap() {
        policy.integrations.insert(name.clone(), serde_json::from_value(integration.clone()).unwrap());
    }
    policy
}

fn door_us(path: &str, proven: &Proven, body: &str, policy: &Policy) -> f64 {
    let received_at = now();
    let body = serde_json::from_str::<Value>(body).unwrap().to_string();
    let secrets = [Secret::new(WEBHOOK_SECRET), Secret::new(ROUTING_KEY)];
    let headers = match proven {
        Proven::Signed(scheme) => verify::headers(scheme, &secrets[0], "msg_1", received_at, body.as_bytes()).unwrap(),
        Proven::Header(name, value) => vec![((*name).to_owned(), (*value).to_owned())],
        Proven::Itself => Vec::new(),
    };
    let pair = |(name, value): &(String, String)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(pair).collect();
    let request = Request {
        method: &Method::POST,
        path,
        headers: &headers,
        body: body.as_bytes(),
        id: "r",
        source: None,
        certificate: Some(CERTIFICATE),
        received_at,
    };
    us(|| {
        let door = sender::door(&Method::POST, path).unwrap();
        let received = sender::receive(&door, &request, policy, &|_| &secrets);
        assert_eq!(black_box(received).unwrap().signals.len(), 1, "{path}");
    })
}

/// The event is what the runtime has parsed.
fn event_us(event: &str, heard: impl Fn(&Value) -> usize) -> f64 {
    let event: Value = serde_json::from_str(event).unwrap();
    us(|| assert_eq!(black_box(heard(&event)), 1))
}

/// Microseconds of one run. The first is not counted: what is compiled once is compiled in it.
fn us(run: impl Fn()) -> f64 {
    run();
    let began = Instant::now();
    (0..RUNS).for_each(|_| run());
    began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
}
