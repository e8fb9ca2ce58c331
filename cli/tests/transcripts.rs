//! Golden transcripts: what the command prints, asks for and exits with, against a server with canned answers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

mod server;

use server::Server;

const ONE: &str = "0123456789abcdef0123-1";
const TWO: &str = "01ffffffffffffffffff-3";

const GROUP: &str = "0a0a0a0a0a0a0a0a0a0a-1";

/// A title that clears a terminal and turns round what follows.
const HOSTILE: &str = "Disk full\u{1b}[2J\u{202e}";

fn incident(id: &str, status: &str, title: &str) -> Value {
    json!({
        "id": id, "status": status, "severity": "critical", "title": title, "service": "checkout",
        "occurrences": 200, "opened_at": "2026-11-21T10:00:00Z",
        "acknowledged_by": if status == "triggered" { Value::Null } else { json!("ana") },
        "acknowledged_at": if status == "triggered" { Value::Null } else { json!("2026-11-21T10:00:42Z") },
        "acknowledgement_expires_at": null, "resolved_by": null, "resolved_at": null,
        "team": "platform", "level": "SEV1", "handling": "page", "why": "route `production` matched",
        "integration": "generic", "key": "disk-web-1", "source": "web-1", "labels": {},
        "links": [{"href": "https://example.com/runbook", "text": "Runbook"}],
        "records": 2, "head": records()[1]["hash"], "url": null,
    })
}

/// A group of two alerts, one of which is over.
fn group() -> Value {
    let mut group = incident(GROUP, "triggered", "[FIRING:1] HighLatency cluster=eu");
    group["group"] = json!({"alertname": "HighLatency", "cluster": "eu"});
    group["alerts"] = json!({"firing": 1, "resolved": 1, "muted": 3});
    (group["integration"], group["source"]) = (json!("group"), json!(""));
    group
}

fn alerts() -> Value {
    let alert = |id: &str, status: &str, title: &str| {
        json!({"incident": id, "status": status, "title": title,
        "severity": "critical", "labels": {"pod": "web-1"}, "since": "2026-11-21T09:59:00Z"})
    };
    json!({"alerts": [alert(ONE, "firing", HOSTILE), alert(TWO, "resolved", "Größe")], "next": "0123456789abcdef0123"})
}

/// Two records of the first incident, chained.
fn records() -> Vec<Value> {
    let mut prev = domain::log::Hash::zero();
    let seal = |seq| {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let stream = format!("incident#{ONE}");
        let record =
            domain::log::Record::<String> { stream, seq, at, cause: "c".into(), events: vec![], prev: prev.clone() };
        let entry = record.seal();
        prev = entry.hash.clone();
        serde_json::to_value(entry).unwrap()
    };
    (0..2).map(seal).collect()
}

fn story() -> Value {
    let entry = |seq: u64, at: &str, kind: &str, text: &str, detail: &[&str]| json!({"seq": seq, "at": at, "kind": kind, "actor": null, "text": text, "detail": detail});
    json!({"incident": ONE, "entries": [
        entry(0, "2026-11-21T10:00:00Z", "opened", "generic reported a new critical problem: Disk full", &["it affects web-1"]),
        entry(1, "2026-11-21T10:00:01Z", "telling", "Step 1 tells Ana by webhook", &["unless somebody answers within 5 min, it goes on"]),
        entry(2, "2026-11-21T23:00:42Z", "acknowledged", "Ana took it on", &[]),
    ]})
}

fn problem(status: u16, detail: &str) -> Value {
    json!({"type": "about:blank", "title": "Refused", "status": status, "detail": detail})
}

fn policy() -> Value {
    let text = std::fs::read_to_string(file("policy.yaml")).unwrap();
    let (policy, _) = domain::policy::parse(&text).unwrap();
    json!({"hash": policy.hash(), "policy": policy})
}

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name).display().to_string()
}

/// What the server answers to whom; a longer address comes before its beginning.
fn world(tampered: bool) -> Vec<(&'static str, u16, Value)> {
    let mut entries = records();
    if tampered {
        let body = entries[1]["body"].as_str().unwrap().replace("\"c\"", "\"d\"");
        entries[1]["body"] = json!(body);
    }
    let first = incident(ONE, "triggered", HOSTILE);
    let two = json!({"incidents": [first, incident(TWO, "acknowledged", "Größe 📈")], "next": null});
    vec![
        ("GET /v1/incidents?limit=20&status=resolved", 200, json!({"incidents": [], "next": null})),
        ("GET /v1/incidents?limit=20", 200, two.clone()),
        (
            "GET /v1/incidents?limit=100&status=triggered",
            200,
            json!({
                "incidents": [incident("645535a4a6bdb5e27014-1", "triggered", "Disk full")], "next": null,
            }),
        ),
        ("GET /v1/incidents?limit=100", 200, two),
        ("GET /v1/incidents?limit=1", 200, json!({"incidents": [first], "next": "more"})),
        ("GET /v1/incidents/0a0a0a0a0a0a0a0a0a0a-1/timeline", 200, story()),
        ("GET /v1/incidents/0a0a0a0a0a0a0a0a0a0a-1/alerts", 200, alerts()),
        ("GET /v1/incidents/0a0a0a0a0a0a0a0a0a0a-1", 200, group()),
        ("GET /v1/incidents/0123456789abcdef0123-1/timeline", 200, story()),
        (
            "GET /v1/incidents/0123456789abcdef0123-1/records?from=1",
            200,
            json!({
                "stream": format!("incident#{ONE}"), "entries": entries[1..], "next": null,
            }),
        ),
        (
            "GET /v1/incidents/0123456789abcdef0123-1/records",
            200,
            json!({
                "stream": format!("incident#{ONE}"), "entries": entries[..1], "next": 1,
            }),
        ),
        ("GET /v1/incidents/0123456789abcdef0123-1", 200, incident(ONE, "acknowledged", HOSTILE)),
        ("GET /v1/incidents/01ffffffffffffffffff-9", 404, problem(404, "there is no such incident")),
        ("POST /v1/incidents/01ffffffffffffffffff-3/acknowledge", 409, problem(409, "already acknowledged by ana")),
        ("POST /v1/incidents/0123456789abcdef0123-1/escalate", 200, incident(ONE, "triggered", "Disk full")),
        ("POST /v1/incidents/0123456789abcdef0123-1/", 200, incident(ONE, "acknowledged", "Disk full")),
        (
            "GET /v1/oncall",
            200,
            json!({"at": "2026-11-21T10:00:00Z", "schedules": [
                {"name": "platform", "time_zone": "Europe/Berlin", "person": "ana", "full_name": "Ana Lima",
                 "until": "2026-11-22T08:00:00Z",
                 "next": {"person": "bo", "from": "2026-11-22T08:00:00Z", "until": "2026-11-23T08:00:00Z"}},
                {"name": "nights", "time_zone": "UTC", "person": null, "full_name": null, "until": null, "next": null},
            ]}),
        ),
        ("PUT /v1/policy", 200, json!({"hash": policy()["hash"], "previous": "0".repeat(64), "changed": true})),
        ("GET /v1/policy", 200, {
            let mut active = policy();
            active["hash"] = json!("0".repeat(64));
            active
        }),
        ("POST /v2/enqueue", 202, json!({"status": "success", "message": "Event processed", "dedup_key": "k"})),
        ("POST /v1/signals/generic", 401, problem(401, "no signature matches")),
    ]
}

/// One run of the command: what it was asked, printed, asked for in turn, and ended with.
fn transcript(server: &Server, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let url = format!("http://{}", server.address);
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("TZ", "Europe/Berlin").env("WATCHKEEPER_URL", &url).env("WATCHKEEPER_TOKEN", "t0ken");
    let ran = command.envs(environment.iter().copied()).args(arguments).output().unwrap();
    let files = file("");
    let tidy = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(!text.contains("t0ken"), "a token is never printed");
        assert!(!text.contains('\u{1b}'), "neither colours nor a sender's escapes reach a pipe");
        text.replace(&server.address, "127.0.0.1:PORT").replace(&files, "")
    };
    let asked = arguments.join(" ").replace(&files, "");
    let mut told = format!("$ watchkeeper {asked}\n{}", tidy(&ran.stdout));
    if !ran.stderr.is_empty() {
        let _ = write!(told, "--- stderr\n{}", tidy(&ran.stderr));
    }
    for request in server.asked() {
        let _ = writeln!(told, "--- asked: {request}");
    }
    let _ = writeln!(told, "--- exit {}", ran.status.code().unwrap());
    told
}

#[test]
fn what_the_command_prints_is_what_was_promised() {
    let (good, bad, alert) = (file("policy.yaml"), file("malformed-policy.yaml"), file("alert.json"));
    let key = ("WATCHKEEPER_PAGERDUTY_KEY", "k");
    let secret = ("WATCHKEEPER_HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    #[expect(clippy::type_complexity, reason = "a table")]
    let table: &[(&str, &[&str], &[(&str, &str)])] = &[
        ("help", &["--help"], &[]),
        ("wrong-usage", &["ack"], &[]),
        ("not-configured", &["incidents"], &[("WATCHKEEPER_URL", "")]),
        ("token-over-plain-http", &["incidents"], &[("WATCHKEEPER_URL", "http://watchkeeper.example.com")]),
        ("unreachable", &["incidents"], &[("WATCHKEEPER_URL", "http://127.0.0.1:9")]),
        ("incidents", &["incidents"], &[]),
        ("incidents-none", &["incidents", "--status", "resolved"], &[]),
        ("incidents-more", &["incidents", "--limit", "1"], &[]),
        ("incidents-json", &["incidents", "--limit", "1", "--json"], &[]),
        ("incident", &["incident", "0123"], &[]),
        ("incident-verify", &["incident", ONE, "--verify"], &[]),
        ("incident-json", &["incident", ONE, "--verify", "--json"], &[]),
        ("incident-group", &["incident", GROUP], &[]),
        ("incident-unknown", &["incident", "77"], &[]),
        ("incident-ambiguous", &["incident", "01"], &[]),
        ("incident-gone", &["incident", "01ffffffffffffffffff-9"], &[]),
        ("ack", &["ack", "0123", "--as", "ana"], &[]),
        ("ack-one-refused", &["ack", TWO, ONE], &[]),
        ("resolve-json", &["resolve", ONE, "--json"], &[]),
        ("escalate", &["escalate", ONE], &[]),
        ("note", &["note", ONE, "looking", "at", "it"], &[]),
        ("oncall", &["oncall"], &[]),
        ("policy-validate", &["policy", "validate", &good], &[]),
        ("policy-validate-mistakes", &["policy", "validate", &bad], &[]),
        ("policy-validate-json", &["policy", "validate", &bad, "--json"], &[]),
        ("policy-validate-missing", &["policy", "validate", "/nowhere.yaml"], &[]),
        ("policy-apply", &["policy", "apply", &good, "--yes"], &[]),
        ("policy-apply-nobody-to-ask", &["policy", "apply", &good], &[]),
        ("policy-apply-mistakes", &["policy", "apply", &bad, "--yes"], &[]),
        ("policy-show", &["policy", "show"], &[]),
        ("explain", &["explain", &alert, "--policy", &good, "--at", "2026-11-21T03:00:00Z"], &[]),
        ("explain-joins", &["explain", &alert, "--at", "2026-11-21T03:00:00Z"], &[]),
        ("explain-refused", &["explain", &good, "--policy", &good, "--sender", "generic"], &[]),
        ("send-cloudwatch-without-a-cloud", &["send", "cloudwatch"], &[]),
        ("send-what", &["send", "fax"], &[]),
        ("send-without-a-key", &["send", "pagerduty"], &[]),
        ("send-refused", &["send", &alert], &[secret]),
        ("send", &["send", "pagerduty"], &[key]),
    ];
    let server = Server::start(world(false));
    for (name, arguments, environment) in table {
        insta::assert_snapshot!(*name, transcript(&server, arguments, environment));
    }
}

#[test]
fn a_changed_log_is_noticed() {
    let server = Server::start(world(true));
    insta::assert_snapshot!("incident-tampered", transcript(&server, &["incident", ONE, "--verify"], &[]));
}

#[test]
fn an_unknown_token_has_an_exit_code_of_its_own() {
    let server = Server::start(vec![("GET /", 401, problem(401, "a token is needed"))]);
    insta::assert_snapshot!("unauthorized", transcript(&server, &["oncall"], &[]));
}

#[test]
fn a_flood_is_sent_completely_and_tried_again_when_the_door_is_busy() {
    let server = Server::start(vec![("POST /v2/enqueue", 202, json!({"status": "success"}))]);
    server.busy(3);
    let url = format!("http://{}", server.address);
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.env_clear().env("WATCHKEEPER_URL", url).env("WATCHKEEPER_PAGERDUTY_KEY", "k");
    let ran = command.args(["send", "pagerduty", "--repeat", "50", "--parallel", "8", "--json"]).output().unwrap();
    let sent: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&sent["sent"], &sent["accepted"], &sent["tried_again"]), (&json!(50), &json!(50), &json!(3)));
    assert_eq!(server.asked().len(), 53);
    assert!(ran.status.success());
}
