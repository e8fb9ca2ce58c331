//! The real template on the local cloud: `make up` first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::log::{Entry, verify};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeeper::secret::Secret;
use watchkeeper::sender::verify::sign;

use crate::client::Client;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// What `make up` wrote down.
pub struct Cloud {
    pub env: HashMap<String, String>,
}

impl Cloud {
    pub fn new() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/local/env");
        let text = std::fs::read_to_string(path).expect("the local cloud is up: make up");
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self { env: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// The names and values that scripts need.
    pub const fn env(&self) -> &HashMap<String, String> {
        &self.env
    }

    pub fn client(&self) -> Client {
        Client::new(&self.env["WATCHKEEPER_URL"])
    }

    pub fn get(&self, path: &str) -> Value {
        let token = format!("Bearer {}", self.env["WATCHKEEPER_TOKEN"]);
        let (status, body) = self.client().ask("GET", path, &[("authorization", &token)], "");
        assert_eq!(status, 200, "GET {path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Makes a policy rule.
    pub fn apply(&self, policy: &Value) {
        let token = format!("Bearer {}", self.env["WATCHKEEPER_TOKEN"]);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let (status, body) = self.client().ask("PUT", "/v1/policy", &headers, &policy.to_string());
        assert_eq!(status, 200, "PUT /v1/policy: {body}");
    }

    /// Asks as the holder of the token.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = format!("Bearer {}", self.env["WATCHKEEPER_TOKEN"]);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let (status, body) = self.client().ask(method, path, &headers, &body.to_string());
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    fn answer(&self, id: &str, action: &str, by: &str) -> (u16, Value) {
        self.ask("POST", &format!("/v1/incidents/{id}/{action}"), &json!({ "by": by }))
    }

    pub fn pagerduty(&self, action: &str, key: &str) -> (u16, String) {
        let body = self.event(action, key);
        self.client().ask("POST", "/v2/enqueue", &[("content-type", "application/json")], &body)
    }

    fn event(&self, action: &str, key: &str) -> String {
        let payload = json!({ "summary": format!("{key} is broken"), "source": key, "severity": "critical" });
        let routing_key = &self.env["WATCHKEEPER_PAGERDUTY_KEY"];
        json!({ "routing_key": routing_key, "event_action": action, "dedup_key": key, "payload": payload }).to_string()
    }

    /// The incidents of a key, the latest first.
    fn incidents(&self, key: &str) -> Vec<Value> {
        let list = self.get("/v1/incidents?limit=200");
        let all = list["incidents"].as_array().unwrap().clone();
        all.into_iter().filter(|incident| incident["key"] == key).collect()
    }

    /// The incident of a key, once it is as wanted.
    pub fn until(&self, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait(&format!("the incident of {key}"), || self.incidents(key).into_iter().find(|found| wanted(found)))
    }

    /// The pages of an incident that the phone received and verified.
    pub fn pages(&self, id: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.env["WATCHKEEPER_PHONE_LOG"]).unwrap_or_default();
        let pages = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        pages.filter(|page| page["incident"] == id).collect()
    }

    fn verify(&self, id: &str) {
        let records = self.get(&format!("/v1/incidents/{id}/records"));
        let entries: Vec<Entry> = serde_json::from_value(records["entries"].clone()).unwrap();
        verify(records["stream"].as_str().unwrap(), &entries).expect("the chain is whole");
    }
}

pub fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A key that no run before used.
pub fn key(name: &str) -> String {
    format!("{name}-{}", Timestamp::now().as_microsecond())
}

#[test]
#[ignore = "needs the local stack: make up"]
fn an_alert_pages_a_person_who_acknowledges_and_a_resolve_ends_it() {
    let cloud = Cloud::new();
    let key = key("journey");
    let (status, body) = cloud.pagerduty("trigger", &key);
    assert_eq!(status, 202);
    let expected = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    let id = cloud.until(&key, |_| true)["id"].as_str().unwrap().to_owned();
    wait("the page", || cloud.pages(&id).first().cloned());

    let (status, incident) = cloud.answer(&id, "acknowledge", "ana");
    assert_eq!((status, &incident["acknowledged_by"]), (200, &json!("ana")));
    let (status, problem) = cloud.answer(&id, "acknowledge", "ben");
    assert_eq!(status, 409, "{problem}");

    cloud.pagerduty("resolve", &key);
    cloud.until(&key, |incident| incident["status"] == "resolved");
    assert_eq!(cloud.pages(&id).len(), 1, "one page");
    cloud.verify(&id);

    cloud.pagerduty("trigger", &key);
    let next = cloud.until(&key, |incident| incident["status"] == "triggered");
    assert_ne!(next["id"], json!(id), "a trigger after the end opens the next incident");
    cloud.answer(next["id"].as_str().unwrap(), "resolve", "ana");
}

#[test]
#[ignore = "needs the local stack: make up"]
fn c01_ten_thousand_duplicates_are_one_incident_one_execution_and_one_page() {
    const DUPLICATES: usize = 10_000;
    let cloud = Cloud::new();
    let key = key("storm");
    let event = cloud.event("trigger", &key);
    let sent = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = cloud.client();
                while sent.fetch_add(1, Ordering::SeqCst) < DUPLICATES {
                    let headers = [("content-type", "application/json")];
                    // A sender that hears 503 comes again, as PagerDuty's clients do.
                    while client.ask("POST", "/v2/enqueue", &headers, &event).0 != 202 {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            });
        }
    });
    let accepted = began.elapsed();
    let incident = cloud.until(&key, |incident| incident["occurrences"] == DUPLICATES);
    eprintln!("{DUPLICATES} duplicates: accepted in {accepted:?}, all recorded after {:?}", began.elapsed());

    assert_eq!(cloud.incidents(&key).len(), 1, "one incident");
    let id = incident["id"].as_str().unwrap();
    let pages = wait("the page", || Some(cloud.pages(id)).filter(|pages| !pages.is_empty()));
    let first = &pages[0]["delivery"];
    let of_the_first = pages.iter().filter(|page| page["delivery"] == *first).count();
    assert_eq!(of_the_first, 1, "one logical page: {pages:?}");
    assert_eq!(executions(&cloud, id), 1, "one execution");
    cloud.verify(id);
    cloud.answer(id, "resolve", "ana");
}

/// How many executions an incident has had.
fn executions(cloud: &Cloud, id: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let env = cloud.env.clone();
    runtime.block_on(async move {
        let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
        let config = aws_sdk_sfn::Config::builder()
            .behavior_version(aws_sdk_sfn::config::BehaviorVersion::v2026_01_12())
            .region(aws_sdk_sfn::config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .http_client(watchkeeper::aws::http_client().unwrap())
            .endpoint_url(&env["AWS_ENDPOINT_URL"])
            .build();
        let client = aws_sdk_sfn::Client::from_conf(config);
        let machines = client.list_state_machines().send().await.unwrap();
        let machine = machines.state_machines().iter().find(|machine| machine.name().ends_with("-incident")).unwrap();
        let arn = machine.state_machine_arn();
        let mut pages = client.list_executions().state_machine_arn(arn).into_paginator().items().send();
        let mut found = 0;
        while let Some(execution) = pages.next().await {
            found += usize::from(execution.unwrap().name().starts_with(id));
        }
        found
    })
}

#[test]
#[ignore = "needs the local stack: make up"]
fn alertmanager_and_prometheus_open_join_and_resolve_the_right_incident() {
    let cloud = Cloud::new();
    let json_type = [("content-type", "application/json")];
    let name = key("HighLatency");
    let labels = json!({ "alertname": name, "severity": "critical", "service": "checkout" });
    let notification = |status: &str| {
        let ends = if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-21T08:00:00Z" };
        let alert = json!({ "status": status, "labels": labels, "annotations": { "summary": name },
            "startsAt": "2026-11-21T07:00:00Z", "endsAt": ends, "generatorURL": "http://prometheus.example/graph" });
        json!({ "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": status, "receiver": "w",
            "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://am.example",
            "alerts": [alert] })
    };
    let alerts = |ends: Timestamp| {
        json!([{ "labels": labels, "annotations": { "summary": name }, "endsAt": ends.to_string(),
        "startsAt": "2026-11-21T07:00:00Z", "generatorURL": "http://prometheus.example/graph" }])
    };
    let minute = jiff::SignedDuration::from_mins(4);
    let doors: [(&str, &str, Value, Value); 2] = [
        ("alertmanager", "/v1/signals/alertmanager", notification("firing"), notification("resolved")),
        ("prometheus", "/api/v2/alerts", alerts(Timestamp::now() + minute), alerts(Timestamp::now() - minute)),
    ];
    for (integration, path, firing, resolved) in doors {
        let mine = |incident: &Value| incident["title"] == name && incident["integration"] == integration;
        let find = || {
            let list = cloud.get("/v1/incidents?limit=200");
            list["incidents"].as_array().unwrap().iter().find(|incident| mine(incident)).cloned()
        };
        for count in 1..=2 {
            let (status, body) = cloud.client().ask("POST", path, &json_type, &firing.to_string());
            assert_eq!(status, 200, "{body}");
            wait("the alert to be counted", || find().filter(|incident| incident["occurrences"] == count));
        }
        let (status, _) = cloud.client().ask("POST", path, &json_type, &resolved.to_string());
        assert_eq!(status, 200);
        let ended = wait("the end", || find().filter(|incident| incident["status"] == "resolved"));
        assert_eq!(ended["service"], "checkout");
    }
}

#[test]
#[ignore = "needs the local stack: make up"]
fn a17_a_signed_alert_counts_once_however_often_it_is_replayed() {
    let cloud = Cloud::new();
    let key = key("signed");
    let body = json!({ "type": "alert.triggered", "key": key, "title": "signed", "severity": "warning" }).to_string();
    let now = Timestamp::now();
    let secret = Secret::new(&cloud.env["WATCHKEEPER_HOOK_SECRET"]);
    let id = format!("msg_{key}");
    let signature = sign(&[secret], &id, now, body.as_bytes()).unwrap();
    let stamp = now.as_second().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", stamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    for _ in 0..5 {
        assert_eq!(cloud.client().ask("POST", "/v1/signals/generic", &headers, &body).0, 202);
    }
    // A different alert behind the replays shows that the queue is through with them.
    let mark = format!("{key}-after");
    cloud.pagerduty("trigger", &mark);
    let after = cloud.until(&mark, |_| true);
    let incident = cloud.until(&key, |_| true);
    assert_eq!(incident["occurrences"], 1);
    for incident in [incident, after] {
        cloud.answer(incident["id"].as_str().unwrap(), "resolve", "ana");
    }
}

#[test]
#[ignore = "needs the local stack: make up"]
fn every_address_leads_to_its_function() {
    let cloud = Cloud::new();
    let table = [
        ("GET", "/v2/enqueue", 405),
        ("GET", "/v2/change/enqueue", 405),
        ("GET", "/v1/signals/generic", 405),
        ("POST", "/v2/alerts", 401),
        ("GET", "/v2/alerts/count", 401),
        ("POST", "/v2/alerts/a%2Fb/close?identifierType=alias", 401),
        ("POST", "/jsm/ops/integration/v2/alerts", 401),
        ("GET", "/jsm/ops/integration/v2/alerts/requests/nothing", 401),
        ("PUT", "/api/v2/alerts", 405),
        ("GET", "/api/v2/alerts", 401),
        ("GET", "/api/v2/alerts/groups", 401),
        ("GET", "/api/v2/silences", 401),
        ("GET", "/api/v2/silence/nothing", 401),
        ("GET", "/api/v2/receivers", 401),
        ("GET", "/api/v2/status", 401),
        ("GET", "/-/healthy", 200),
        ("GET", "/-/ready", 200),
        ("GET", "/v1/incidents", 401),
        ("GET", "/v1/incidents/0123456789abcdef0123-1", 401),
        ("GET", "/v1/incidents/0123456789abcdef0123-1/alerts", 401),
        ("GET", "/v1/incidents/0123456789abcdef0123-1/timeline", 401),
        ("GET", "/v1/incidents/0123456789abcdef0123-1/records", 401),
        ("POST", "/v1/incidents/0123456789abcdef0123-1/acknowledge", 401),
        ("POST", "/v1/incidents/acknowledge", 401),
        ("POST", "/v1/slack/interactions", 404),
        ("POST", "/v1/twilio/sms", 404),
        ("POST", "/v1/people/ana/test-page", 401),
        ("GET", "/l/forged.link.x", 404),
        ("GET", "/v1/oncall", 401),
        ("GET", "/v1/schedules", 401),
        ("GET", "/v1/schedules/platform", 401),
        ("GET", "/v1/overrides", 401),
        ("DELETE", "/v1/overrides/nothing", 401),
        ("POST", "/v1/swaps", 401),
        ("GET", "/v1/absences", 401),
        ("DELETE", "/v1/absences/nothing", 401),
        ("GET", "/v1/calendars", 401),
        ("GET", "/v1/calendars/forged", 404),
        ("DELETE", "/v1/calendars/person/nobody", 401),
        ("GET", "/v1/silences", 401),
        ("GET", "/v1/silences/nothing", 401),
        ("POST", "/v1/services/checkout/maintenance", 401),
        ("DELETE", "/v1/subjects/customer%3Anobody", 401),
        ("GET", "/v1/history", 401),
        ("GET", "/v1/policies/nothing", 401),
        ("GET", "/v1/openapi.json", 200),
        ("GET", "/v1/dead-letters", 401),
        ("GET", "/v1/dead-letters/signals", 401),
        ("POST", "/v1/dead-letters/signals/redrive", 401),
        ("GET", "/v1/fsck", 401),
        ("POST", "/v1/fsck/repair", 401),
        ("GET", "/v1/policy", 401),
        ("GET", "/nowhere", 404),
    ];
    for (method, path, status) in table {
        let (answered, body) = cloud.client().ask(method, path, &[], "");
        assert_eq!(answered, status, "{method} {path}: {body}");
        assert_ne!(body, "{\"message\":\"Not Found\"}", "{method} {path} has no route");
    }
}
