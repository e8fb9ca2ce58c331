//! What is thrown at the functions, and how their costs are read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::policy::Policy;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use watchkeeper::secret::Secret;
use watchkeeper::sender::{self, Request, verify};

use crate::cases::WEBHOOK_SECRET;
use crate::runtime::Function;

/// The word that turns this program into the bare loop.
pub const BARE: &str = "bare-runtime-loop";
/// Does what ingest does, with the standard library.
pub const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.py");
/// The same with boto3.
pub const PEER_BOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer_boto3.py");

/// A Runtime API loop with nothing in it.
pub fn bare() {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: l\r\n\r\n").unwrap();
    let mut rest = [0; 1024];
    let _ = stream.read(&mut rest);
}

pub fn start_bare() -> Function {
    let own = std::env::current_exe().unwrap();
    Function::start_with(own.to_str().unwrap(), &[BARE], &[])
}

/// Microseconds for a SHA-256 of 2 KB.
pub fn hash_us() -> f64 {
    let text = vec![7_u8; 2048];
    let began = Instant::now();
    for _ in 0..20_000 {
        std::hint::black_box(Sha256::digest(&text));
    }
    began.elapsed().as_secs_f64() * 1e6 / 20_000.0
}

fn alert() -> Vec<u8> {
    let labels: serde_json::Map<String, Value> =
        (0..20).map(|n| (format!("label_{n}"), json!(format!("value {n} of the label")))).collect();
    let details = "x".repeat(900);
    let body = json!({
        "type": "alert.triggered", "key": "checkout-latency", "title": "p99 latency of checkout is over 2 s",
        "severity": "critical", "source": "checkout-7", "service": "checkout", "labels": labels,
        "details": { "text": details }, "links": [{ "href": "https://graphs.example/d/checkout", "text": "Latency" }],
    });
    body.to_string().into_bytes()
}

fn sign(body: &[u8], id: &str) -> Vec<(&'static str, String)> {
    let now = Timestamp::now();
    let signature = verify::sign(&[Secret::new(WEBHOOK_SECRET)], id, now, body).unwrap();
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", signature),
    ]
}

fn gateway(path: &str, headers: &[(&'static str, String)], body: &[u8]) -> Value {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "version": "2.0", "routeKey": "ANY /v1/signals/{integration}", "rawPath": path, "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "a", "domainName": "a.execute-api.us-east-1.amazonaws.com",
            "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench" },
            "requestId": "r", "routeKey": "r", "stage": "$default", "time": "t", "timeEpoch": 0,
        },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
    })
}

/// One signed alert of 2 KB, as the HTTP API hands it over.
pub fn signed() -> Value {
    let body = alert();
    gateway("/v1/signals/generic", &sign(&body, "msg_1"), &body)
}

/// One notification of Alertmanager with so many alerts.
pub fn alertmanager(alerts: usize) -> Value {
    let alerts: Vec<Value> = (0..alerts)
        .map(|n| {
            json!({
                "status": "firing", "startsAt": "2026-11-21T06:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
                "labels": { "alertname": "HighLatency", "severity": "critical", "service": "checkout", "instance": format!("i-{n}") },
                "annotations": { "summary": "p99 latency of checkout is over 2 s" },
                "generatorURL": "http://prometheus.example/graph", "fingerprint": format!("{n:016x}"),
            })
        })
        .collect();
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "watchkeeper",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager.example",
        "alerts": alerts,
    });
    let headers = [("content-type", "application/json".to_owned())];
    gateway("/v1/signals/alertmanager", &headers, body.to_string().as_bytes())
}

/// Processor microseconds of everything between the bytes and the signals.
pub fn pure_us(policy: &Policy) -> f64 {
    let body = alert();
    let mut headers = HeaderMap::new();
    for (name, value) in sign(&body, "msg_1") {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    let secrets = [Secret::new(WEBHOOK_SECRET)];
    let now = Timestamp::now();
    let runs = 20_000;
    let began = Instant::now();
    for _ in 0..runs {
        let door = sender::door(&Method::POST, "/v1/signals/generic").unwrap();
        let request = Request {
            method: &Method::POST,
            path: "/v1/signals/generic",
            headers: &headers,
            body: &body,
            id: "r",
            source: None,
            certificate: None,
            received_at: now,
        };
        let received = sender::receive(&door, &request, policy, &|_| &secrets);
        assert_eq!(std::hint::black_box(received).unwrap().signals.len(), 1);
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
}

/// Processor seconds that a function has used so far.
pub fn cpu_seconds(function: &Function) -> f64 {
    cpu_seconds_of(function.pid())
}

/// The same of any process.
pub fn cpu_seconds_of(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    // The kernel counts in hundredths of a second, whatever the hardware does.
    ticks.sum::<f64>() / 100.0
}

/// Resident memory in MB.
pub fn resident_mb(function: &Function) -> f64 {
    memory_mb(function, "VmRSS:")
}

/// The most memory a function ever had resident.
pub fn peak_mb(function: &Function) -> f64 {
    memory_mb(function, "VmHWM:")
}

fn memory_mb(function: &Function, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid())).unwrap();
    let line = status.lines().find(|known| known.starts_with(line)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
}

/// Processor microseconds for one signed alert in Python; `None` when that Python is not here.
pub fn python_us(python: &str, script: &str) -> Option<f64> {
    let path = std::env::var("PATH").unwrap_or_default();
    let missing = |program: &str| {
        let checked = std::process::Command::new(program).arg("--version").output();
        !checked.is_ok_and(|checked| checked.status.success())
    };
    if missing(python) {
        return None;
    }
    let standin = crate::cases::standin("127.0.0.1:9");
    let mut env = standin.env();
    env.push(("PATH", path));
    env.push(("SECRET", WEBHOOK_SECRET.to_owned()));
    let function = Function::start_with(python, &[script], &env);
    let runs = 500;
    let event = signed().to_string();
    function.invoke_text(event.clone())?.ok()?;
    let before = cpu_seconds(&function);
    for _ in 0..runs {
        function.invoke_text(event.clone())?.ok()?;
    }
    Some((cpu_seconds(&function) - before) * 1e6 / f64::from(runs))
}
