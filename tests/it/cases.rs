//! What the tests of several functions start from: a policy, signals, an incident.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::fingerprint::Fingerprint;
use domain::incident::{Incident, IncidentId, Status};
use domain::log::verify;
use domain::policy::Policy;
use domain::signal::{Action, Alert, Signal};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runtime::Function;
use crate::standin::{Standin, World};

/// A policy that pages ana by a webhook at `phone`, and ben after her.
pub fn policy(phone: &str) -> Policy {
    let contact = |person: &str| json!({ "webhook": { "url": format!("http://{phone}/{person}"), "secret": "ssm:/watchkeeper/phone" } });
    serde_json::from_value(json!({
        "version": 1,
        "people": { "ana": { "contacts": [contact("ana")] }, "ben": { "contacts": [contact("ben")] } },
        "teams": { "platform": { "members": ["ana", "ben"], "escalation": "platform" } },
        "services": { "checkout": { "team": "platform", "dashboards": [] } },
        "escalations": {
            "platform": {
                "steps": [
                    { "notify": ["person:ana"], "wait": "PT5M" },
                    { "notify": ["person:ben"], "wait": "PT5M" },
                ],
                "acknowledgement_expires": "PT30M",
            },
        },
        "catch_all": { "escalation": "platform" },
        "integrations": {
            "pagerduty": { "kind": "pagerduty", "secret": "ssm:/watchkeeper/integrations/pagerduty", "service": "checkout" },
            "opsgenie": { "kind": "opsgenie", "secret": "ssm:/watchkeeper/integrations/opsgenie", "service": "checkout" },
            "generic": { "kind": "standard_webhooks", "secret": "ssm:/watchkeeper/integrations/generic" },
            "alertmanager": { "kind": "alertmanager", "open": true, "from": ["127.0.0.1"] },
            "prometheus": { "kind": "prometheus", "open": true, "from": ["127.0.0.1"] },
            "cloudwatch": { "kind": "cloudwatch" },
        },
    }))
    .unwrap()
}

/// The routing key of the policy's PagerDuty integration.
pub const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
/// The API key of the policy's Opsgenie integration.
pub const API_KEY: &str = "4f1c9b7e-0a2d-4c5e-8b6f-123456789abc";
/// The secret of everything that signs by Standard Webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";
/// A token of the API.
pub const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A stand-in in which the policy rules and the secrets are set.
pub fn standin(phone: &str) -> Standin {
    standin_with(&policy(phone))
}

/// The same with a policy of the test's own.
pub fn standin_with(policy: &Policy) -> Standin {
    let standin = Standin::start();
    furnish(&mut standin.world.lock().unwrap(), policy);
    standin
}

/// Sets the policy that rules, and the secrets.
pub fn furnish(world: &mut World, policy: &Policy) {
    world.objects.insert(format!("policies/policies/{}", policy.hash()), policy.compile().into_bytes());
    world.objects.insert("policies/policies/active".to_owned(), policy.hash().to_string().into_bytes());
    let parameters = [
        ("/watchkeeper/integrations/pagerduty", ROUTING_KEY.to_owned()),
        ("/watchkeeper/integrations/opsgenie", API_KEY.to_owned()),
        ("/watchkeeper/integrations/generic", WEBHOOK_SECRET.to_owned()),
        ("/watchkeeper/phone", WEBHOOK_SECRET.to_owned()),
        ("/watchkeeper/links", "a secret that links are made with".to_owned()),
        ("/watchkeeper/tokens", format!("tests {TOKEN}")),
    ];
    world.parameters.extend(parameters.map(|(name, value)| (name.to_owned(), value)));
}

/// A function of ours over `standin`.
pub fn function(binary: &str, standin: &Standin, more: &[(&'static str, String)]) -> Function {
    let mut env = standin.env();
    env.extend_from_slice(more);
    Function::start(binary, &env)
}

/// A signal that happened `ago` seconds ago.
pub fn signal(id: &str, key: &str, action: Action, ago: i64) -> Signal {
    let at = Timestamp::from_second(Timestamp::now().as_second() - ago).unwrap();
    Signal {
        id: id.to_owned(),
        integration: "pagerduty".to_owned(),
        proof: domain::cause::Proof::SenderToken,
        action,
        fingerprint: Fingerprint::of("pagerduty", key),
        key: key.to_owned(),
        at,
        received_at: at,
        unique_since: at,
        alert: Alert {
            title: "Checkout fails".to_owned(),
            source: "checkout-7".to_owned(),
            service: Some("checkout".to_owned()),
            ..Alert::default()
        },
    }
}

/// Numbers the requests, as the HTTP API names each.
static REQUESTS: AtomicU64 = AtomicU64::new(0);
/// What no other run names its requests by: what an earlier one left behind has its names.
static RUN: LazyLock<i128> = LazyLock::new(|| Timestamp::now().as_nanosecond());

/// A request as the HTTP API hands it over.
pub fn gateway(method: &str, path: &str, headers: &[(&'static str, String)], body: &str) -> Value {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "body": body,
        "isBase64Encoded": false,
        "requestContext": {
            "requestId": format!("request-{}-{request}", *RUN), "stage": "$default",
            "http": { "method": method, "path": path, "sourceIp": "127.0.0.1" },
        },
    })
}

/// A batch as SQS hands it over, each message received for the `received`-th time.
pub fn batch(signals: &[Signal], received: u32) -> Value {
    let records: Vec<Value> = signals
        .iter()
        .map(|signal| {
            json!({
                "messageId": format!("m-{}", signal.id),
                "body": serde_json::to_string(signal).unwrap(),
                "attributes": { "ApproximateReceiveCount": received.to_string() },
                "messageAttributes": {},
            })
        })
        .collect();
    json!({ "Records": records })
}

/// The only incident there is, after a check that its log is whole and says the same.
pub fn the_incident(standin: &Standin) -> Incident {
    let world = standin.world.lock().unwrap();
    let mut incidents = world.incidents();
    assert_eq!(incidents.len(), 1, "one incident");
    let incident = incidents.remove(0);
    assert_whole(&world, &incident);
    incident
}

/// That the log of `incident` is a chain without a gap, and that its snapshot is the fold of it.
pub fn assert_whole(world: &World, incident: &Incident) {
    let entries = world.stream(&incident.id.stream());
    assert_eq!(verify(&incident.id.stream(), &entries), Ok(incident.head.clone()), "the chain is whole");
    let mut folded = Incident::expected(incident.id.clone());
    for entry in &entries {
        folded.fold(&domain::log::Record::open(entry).unwrap(), entry.hash.clone());
    }
    assert_eq!(&folded, incident, "the snapshot is the fold of the log");
}

/// An open incident, made by the real dedup.
pub fn opened(standin: &Standin) -> IncidentId {
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), standin, &[]);
    dedup.invoke(&batch(&[signal("s1", "k", Action::Trigger, 1)], 1)).unwrap().unwrap();
    let incident = the_incident(standin);
    assert_eq!(incident.status, Status::Triggered);
    incident.id
}
