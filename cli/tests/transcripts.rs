//! Golden transcripts: what the command prints, asks for and exits with, against a server with canned answers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

mod audit;
mod past;
mod server;

use server::{Server, World};

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
        "acknowledgement_expires_at": null, "acknowledgements": [], "awaiting": [], "waiting": [],
        "assigned_to": null, "resolved_by": null, "resolved_at": null,
        "team": "platform", "level": "SEV1", "bridge": null, "handling": "page", "why": "route `production` matched",
        "integration": "generic", "key": "disk-web-1", "source": "web-1", "labels": {},
        "links": [{"href": "https://example.com/runbook", "text": "Runbook"}],
        "deliveries": [
            {
                "id": "1-ana-0", "step": 1, "to": "person:ana", "contact": 0, "channel": "sms", "attempts": 3,
                "state": "failed", "at": "2026-11-21T10:00:31Z", "until": null, "reason": "answered 503\u{1b}",
            },
            {
                "id": "1-ana-1", "step": 1, "to": "person:ana", "contact": 1, "channel": "voice", "attempts": 0,
                "state": "held", "at": null, "until": "2026-11-21T10:15:00Z", "reason": "3 messages in 15 min",
            },
            {
                "id": "1-channel~ops-0", "step": 1, "to": "channel:ops", "contact": 0, "channel": "slack", "attempts": 1,
                "state": "accepted", "at": "2026-11-21T10:00:02Z", "until": null, "reason": null,
            },
        ],
        "held": 1,
        "records": 2, "head": records()[1]["hash"], "url": null,
    })
}

/// The same with other fields.
fn with(mut incident: Value, fields: &Value) -> Value {
    incident.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    incident
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
            domain::log::Record::<String>::new(stream, seq, prev.clone(), &domain::cause::Cause::own("c"), vec![], at);
        let entry = record.seal();
        prev = entry.hash.clone();
        serde_json::to_value(entry).unwrap()
    };
    (0..2).map(seal).collect()
}

/// One that some of its people acknowledged, while another sleeps.
fn half_answered() -> Value {
    with(
        incident("0222222222222222222a-1", "triggered", "Ledger differs"),
        &json!({
            "acknowledgements": [{"by": "ana", "at": "2026-11-21T10:00:42Z"}], "awaiting": ["bo", "eve"],
            "waiting": [{"person": "eve", "until": "2026-11-22T06:00:00Z"}], "assigned_to": "team:ledger",
            "bridge": "https://meet.example.com/bridge",
        }),
    )
}

fn heartbeat(name: &str, state: &str) -> Value {
    json!({
        "name": name, "state": state, "every": "PT24H", "grace": "PT30M", "last": "2026-11-20T03:00:00Z",
        "due": "2026-11-21T03:30:00Z", "service": "checkout",
    })
}

fn story() -> Value {
    let entry = |seq: u64, at: &str, kind: &str, text: &str, detail: &[&str]| json!({"seq": seq, "at": at, "kind": kind, "actor": null, "text": text, "detail": detail});
    json!({"incident": ONE, "entries": [
        entry(0, "2026-11-21T10:00:00Z", "opened", "generic reported a new critical problem: Disk full", &["it affects web-1"]),
        entry(1, "2026-11-21T10:00:01Z", "telling", "Step 1 tells Ana by webhook", &["unless somebody answers within 5 min, it goes on"]),
        entry(2, "2026-11-21T23:00:42Z", "acknowledged", "Ana took it on", &[]),
    ]})
}

fn turn(person: &str, from: &str, until: &str) -> Value {
    json!({"person": person, "from": from, "until": until, "layer": "rotation", "stands_in_for": "bo", "override_id": null})
}

fn layers() -> Value {
    json!([{"name": "rotation", "members": ["ana", "bo"], "shift": "daily"}])
}

/// Two days around the end of summer time in Berlin, with a gap of twenty minutes.
fn schedule() -> Value {
    let span = |person: &str, from: &str, until: &str| {
        let turn = if person.is_empty() { Value::Null } else { turn(person, from, until) };
        json!({"from": from, "until": until, "turn": turn, "over": []})
    };
    json!({
        "name": "platform", "time_zone": "Europe/Berlin", "layers": layers(),
        "from": "2026-10-24T10:00:00Z", "until": "2026-10-26T11:00:00Z", "warnings": ["override 77 is ignored: the policy has nobody called `zoe`"],
        "spans": [
            span("ana", "2026-10-24T10:00:00Z", "2026-10-25T08:00:00Z"),
            span("", "2026-10-25T08:00:00Z", "2026-10-25T08:20:00Z"),
            span("bo", "2026-10-25T08:20:00Z", "2026-10-26T08:00:00Z"),
            span("ana", "2026-10-26T08:00:00Z", "2026-10-26T11:00:00Z"),
        ],
    })
}

fn set(person: &str, instead_of: Option<&str>) -> Value {
    json!({"id": "0a1b2c3d4e5f6071", "schedule": "platform", "person": person, "instead_of": instead_of,
        "from": "2026-11-24T08:00:00Z", "until": "2026-11-25T08:00:00Z", "by": "ops", "reason": HOSTILE})
}

fn away() -> Value {
    json!({"id": "0a1b2c3d4e5f6071", "person": "ana", "from": "2026-12-23T23:00:00Z", "until": "2027-01-03T23:00:00Z",
        "by": "ana", "reason": "holidays"})
}

fn silence(state: &str, reason: &str, suppressed: u64) -> Value {
    json!({
        "id": "0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1", "kind": "silence", "state": state,
        "matchers": ["service=\"checkout\"", "severity!=\"critical\""],
        "from": "2026-11-21T10:00:00Z", "until": "2026-11-21T12:00:00Z", "by": "ana", "reason": reason,
        "remind_at": "2026-11-21T11:00:00Z", "suppressed": suppressed, "incidents": [ONE, TWO],
    })
}

/// Work on the service `checkout`.
fn maintenance(state: &str, reason: &str) -> Value {
    with(
        silence(state, reason, 0),
        &json!({
            "id": "1c5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1", "kind": "maintenance", "matchers": ["service=\"checkout\""],
        }),
    )
}

fn problem(status: u16, detail: &str) -> Value {
    json!({"type": "about:blank", "title": "Refused", "status": status, "detail": detail})
}

fn compiled() -> domain::policy::Policy {
    let text = std::fs::read_to_string(file("policy.yaml")).unwrap();
    domain::policy::parse(&text).unwrap().0
}

fn policy() -> Value {
    let policy = compiled();
    json!({"hash": policy.hash(), "policy": policy})
}

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name).display().to_string()
}

/// What the server answers to whom; a longer address comes before its beginning.
#[expect(clippy::too_many_lines, reason = "a table")]
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
        (
            "GET /v1/incidents/0222222222222222222a-1/timeline",
            200,
            json!({"incident": "0222222222222222222a-1", "entries": []}),
        ),
        ("GET /v1/incidents/0222222222222222222a-1", 200, half_answered()),
        ("POST /v1/incidents/0222222222222222222a-1/acknowledge", 200, half_answered()),
        (
            "POST /v1/incidents/0123456789abcdef0123-1/snooze",
            200,
            with(
                incident(ONE, "acknowledged", "Disk full"),
                &json!({"acknowledgement_expires_at": "2026-11-21T12:00:42Z"}),
            ),
        ),
        ("POST /v1/incidents/0123456789abcdef0123-1/unacknowledge", 200, incident(ONE, "triggered", "Disk full")),
        (
            "POST /v1/incidents/0123456789abcdef0123-1/reassign",
            200,
            with(incident(ONE, "triggered", "Disk full"), &json!({"assigned_to": "team:platform"})),
        ),
        (
            "POST /v1/incidents/01ffffffffffffffffff-3/reassign",
            400,
            problem(400, "the policy that it was routed by has no person:nobody"),
        ),
        ("POST /v1/incidents/0123456789abcdef0123-1/escalate", 200, incident(ONE, "triggered", "Disk full")),
        ("POST /v1/incidents/0123456789abcdef0123-1/", 200, incident(ONE, "acknowledged", "Disk full")),
        (
            "GET /v1/oncall",
            200,
            json!({"at": "2026-11-21T10:00:00Z", "schedules": [
                {"name": "platform", "time_zone": "Europe/Berlin", "person": "ana", "full_name": "Ana Lima",
                 "until": "2026-11-22T08:00:00Z",
                 "turn": turn("ana", "2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"),
                 "next": {"person": "bo", "from": "2026-11-22T08:00:00Z", "until": "2026-11-23T08:00:00Z"}},
                {"name": "nights", "time_zone": "UTC", "person": null, "full_name": null, "until": null, "next": null},
            ]}),
        ),
        (
            "POST /v1/people/ana/test-page",
            200,
            json!({"incident": ONE, "contacts": [
                {"delivery": {
                    "id": "1-ana-0", "step": 1, "to": "person:ana", "contact": 0, "channel": "ntfy", "attempts": 1,
                    "state": "accepted", "at": "2026-11-21T10:00:02Z", "until": null, "reason": null,
                }, "millis": 182},
                {"delivery": {
                    "id": "1-ana-1", "step": 1, "to": "person:ana", "contact": 1, "channel": "sms", "attempts": 1,
                    "state": "failed", "at": "2026-11-21T10:00:02Z", "until": null, "reason": "AWS answered OptedOut",
                }, "millis": 95},
            ]}),
        ),
        (
            "POST /v1/people/bo/test-page",
            200,
            json!({"incident": ONE, "contacts": [
                {"delivery": {
                    "id": "1-bo-0", "step": 1, "to": "person:bo", "contact": 0, "channel": "voice", "attempts": 1,
                    "state": "accepted", "at": "2026-11-21T10:00:02Z", "until": null, "reason": null,
                }, "millis": 211},
            ]}),
        ),
        (
            "GET /v1/heartbeats",
            200,
            json!({"heartbeats": [heartbeat("nightly-backup", "missing"), heartbeat("reindex", "alive"), {
                "name": "weekly-report", "state": "waiting", "every": "PT168H", "grace": "PT0S", "last": null,
                "due": null, "service": null,
            }]}),
        ),
        ("POST /v1/heartbeats/weekly", 404, problem(404, "the policy names no such heartbeat")),
        ("POST /v1/heartbeats/", 200, heartbeat("nightly-backup", "alive")),
        ("POST /v1/people/", 404, problem(404, "the policy has no such person")),
        ("GET /v1/schedules/nowhere", 404, problem(404, "the schedule does not exist")),
        ("GET /v1/schedules/", 200, schedule()),
        (
            "GET /v1/schedules",
            200,
            json!({"schedules": [{"name": "platform", "time_zone": "Europe/Berlin", "layers": layers()}]}),
        ),
        ("POST /v1/overrides", 201, set("ben", None)),
        ("GET /v1/overrides", 200, json!({"overrides": [set("ben", None), set("ana", Some("ben"))]})),
        ("DELETE /v1/overrides/none", 404, problem(404, "what was set does not exist")),
        ("POST /v1/swaps", 201, json!({"overrides": [set("ben", Some("ana")), set("ana", Some("ben"))]})),
        ("POST /v1/absences", 201, away()),
        ("GET /v1/absences", 200, json!({"absences": [away()]})),
        ("POST /v1/calendars", 201, json!({"url": "https://watchkeeper.example.com/v1/calendars/c2VjcmV0.ics"})),
        (
            "GET /v1/calendars",
            200,
            json!({"calendars": [{"of": {"person": "ana"}, "by": "ops", "at": "2026-11-21T10:00:00Z"}]}),
        ),
        ("GET /v1/silences/0b5e8bd3", 200, silence("active", "a new disk is on its way", 2)),
        ("GET /v1/silences", 200, {
            let mut over = silence("expired", "", 4);
            over["id"] = json!("0b5effff-6a4c-4c4f-8f86-0f2a29a25be1");
            let pending = maintenance("pending", HOSTILE);
            json!({"silences": [silence("active", "a new disk is on its way", 2), pending, over]})
        }),
        ("POST /v1/silences", 201, silence("active", "a new disk is on its way", 0)),
        ("PUT /v1/silences/0b5e8bd3", 200, silence("active", "a new disk is on its way", 2)),
        ("DELETE /v1/silences/0b5e8bd3", 200, silence("expired", "a new disk is on its way", 2)),
        ("DELETE /v1/silences/1c5e8bd3", 404, problem(404, "silence not found")),
        ("POST /v1/services/", 201, maintenance("active", "moving")),
        ("DELETE /v1/services/checkout/maintenance", 204, Value::Null),
        (
            "DELETE /v1/subjects/customer%3Anobody",
            404,
            problem(404, "what is written about the subject does not exist"),
        ),
        ("DELETE /v1/subjects/", 200, json!({"key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0"})),
        ("DELETE /v1/", 200, json!({"id": "0a1b2c3d4e5f6071"})),
        ("GET /v1/history?", 200, json!({"incidents": past::history(&compiled()), "next": null})),
        ("GET /v1/policies/", 200, policy()),
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

/// What is in the queues of dead letters, and what comes of doing it again.
fn letters() -> World {
    let cause = |cause: &str, letters: u64, again: &str, possible: bool| json!({"cause": cause, "letters": letters, "oldest_at": "2026-11-21T10:00:00Z", "again": again, "possible": possible});
    let queue = |name: &str, means: &str, letters: u64, causes: Value| {
        json!({"name": name, "means": means, "runbook": format!("docs/runbooks.md#{name}"), "letters": letters,
        "causes": causes, "complete": true})
    };
    let causes = json!([
        cause("dedup failed again and again", 4, "back to the queue of signals", true),
        cause(HOSTILE, 1, "it is no signal: nothing but a person can read it", false),
    ]);
    let redriven = |redriven: u64, failed: u64, more: bool| json!({"redriven": redriven, "impossible": 1, "failed": failed, "more": more});
    let letter = json!({
        "id": "5b2c0b5a-2a52-4a7e-9d53-1f0b5a2c7e11", "cause": "States.Timeout", "about": ONE,
        "sent_at": "2026-11-21T10:00:00Z", "tries": 3, "trace": "0123456789abcdef0123-1", "again": "one more look at the incident", "body": format!("{{\"incident\": \"{ONE}\"}}"),
    });
    vec![
        ("GET /v1/dead-letters/incident", 200, json!({"name": "incident", "letters": [letter], "complete": true})),
        ("GET /v1/dead-letters/ingest", 200, json!({"name": "ingest", "letters": [], "complete": false})),
        ("GET /v1/dead-letters/sweep", 200, json!({"name": "sweep", "letters": [], "complete": true})),
        (
            "GET /v1/dead-letters",
            200,
            json!({"queues": [
                queue("signals", "an alert was taken and is in no incident: nobody will hear of it", 5, causes),
                queue("ingest", "an event of AWS or a mail was not taken: nobody will hear of it", 0, json!([])),
            ]}),
        ),
        ("POST /v1/dead-letters/export/redrive", 200, redriven(0, 0, true)),
        ("POST /v1/dead-letters/signals/redrive", 200, redriven(4, 0, false)),
        ("POST /v1/dead-letters/ingest/redrive", 200, redriven(1, 2, false)),
    ]
}

/// A check in two parts, the second of which found something.
fn checked() -> World {
    let finding = |rank: u8, fault: &str, invariant: &str, incident: Value, place: &str, by: &str| {
        json!({"rank": rank, "fault": fault, "invariant": invariant, "incident": incident, "place": place,
        "means": "what that means", "repaired_by": by, "repair": "what repairs it"})
    };
    let overdue =
        finding(5, "overdue", "INV4", json!(ONE), "nothing happened since 2026-11-21T10:00:00Z", "watchkeeper");
    let lost = finding(3, "signal_lost", "INV1", Value::Null, "3 dead letters of signals", "person");
    vec![
        (
            "GET /v1/fsck?cursor=triggered%20x",
            200,
            json!({"incidents": 20, "records": 80, "findings": [overdue], "next": null}),
        ),
        ("GET /v1/fsck", 200, json!({"incidents": 20, "records": 90, "findings": [lost], "next": "triggered x"})),
        (
            "POST /v1/fsck/repair",
            200,
            json!({"looked": 40, "neglected": 1, "in_vain": 1, "released": 0, "through": false}),
        ),
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
    for mut request in server.asked() {
        if let Some(period) = request.find("history?from=").filter(|_| !arguments.contains(&"--until")) {
            request.replace_range(period.., "history?from=FROM&until=NOW");
        }
        let _ = writeln!(told, "--- asked: {request}");
    }
    let _ = writeln!(told, "--- exit {}", ran.status.code().unwrap());
    told
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_the_command_prints_is_what_was_promised() {
    let (good, bad, alert) = (file("policy.yaml"), file("malformed-policy.yaml"), file("alert.json"));
    let time = ["--from", "2026-11-24T09:00", "--until", "2026-11-25T09:00"];
    let changed = file("changed-policy.yaml");
    let until = "2026-11-21T00:00:00Z";
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
        ("ack-in-part", &["ack", "0222222222222222222a-1"], &[]),
        ("incident-in-part", &["incident", "0222222222222222222a-1"], &[]),
        ("unack", &["unack", ONE, "--as", "bo"], &[]),
        ("snooze", &["snooze", "0123", "--for", "2h", "--as", "ana"], &[]),
        ("snooze-until", &["snooze", ONE, "--until", "2026-11-21T12:00:42Z"], &[]),
        ("snooze-how-long", &["snooze", ONE], &[]),
        ("reassign", &["reassign", ONE, "team:platform", "--as", "ana"], &[]),
        ("reassign-unknown", &["reassign", TWO, "person:nobody"], &[]),
        ("escalate", &["escalate", ONE], &[]),
        ("note", &["note", ONE, "looking", "at", "it"], &[]),
        ("note-about", &["note", ONE, "they", "called", "--about", "customer:acme"], &[]),
        ("erase", &["erase", "customer:acme", "--reason", "request-4711", "--as", "ana"], &[]),
        ("erase-unknown", &["erase", "customer:nobody", "--reason", "request-4711"], &[]),
        ("oncall", &["oncall"], &[]),
        ("test-page", &["test-page", "--user", "ana"], &[]),
        ("test-page-wait", &["test-page", "--user", "bo", "--contact", "1", "--wait", "--json"], &[]),
        ("test-page-nobody", &["test-page", "--user", "zoë"], &[]),
        ("heartbeat-list", &["heartbeat", "list"], &[]),
        ("heartbeat-ping", &["heartbeat", "ping", "nightly-backup"], &[]),
        ("heartbeat-ping-json", &["heartbeat", "ping", "nightly-backup", "--json"], &[]),
        ("heartbeat-ping-unknown", &["heartbeat", "ping", "weekly"], &[]),
        ("oncall-at", &["oncall", "--at", "2026-11-21T09:00"], &[]),
        ("schedule-list", &["schedule", "list"], &[]),
        (
            "schedule-show",
            &["schedule", "show", "platform", "--from", "2026-10-24T12:00", "--to", "2026-10-26T12:00"],
            &[],
        ),
        ("schedule-show-json", &["schedule", "show", "platform", "--json"], &[]),
        ("schedule-show-unknown", &["schedule", "show", "nowhere"], &[]),
        ("override-add", &[&["override", "add", "platform", "ben", "--reason", "a wedding"][..], &time].concat(), &[]),
        ("override-add-when", &["override", "add", "platform", "ben", "--from", "soon", "--until", "later"], &[]),
        ("override-list", &["override", "list"], &[]),
        ("override-remove", &["override", "remove", "0a1b2c3d4e5f6071"], &[]),
        ("override-remove-unknown", &["override", "remove", "none"], &[]),
        ("swap", &[&["swap", "platform", "ana", "ben", "--as", "ana"][..], &time].concat(), &[]),
        ("absence-add", &["absence", "add", "ana", "--from", "2026-12-24", "--until", "2027-01-04"], &[]),
        ("absence-list", &["absence", "list"], &[]),
        ("absence-remove", &["absence", "remove", "0a1b2c3d4e5f6071"], &[]),
        ("calendar-create", &["calendar", "create", "--person", "ana"], &[]),
        ("calendar-whose", &["calendar", "create"], &[]),
        ("calendar-list", &["calendar", "list"], &[]),
        ("calendar-rotate", &["calendar", "rotate", "--person", "ana"], &[]),
        ("calendar-remove", &["calendar", "remove", "--schedule", "platform"], &[]),
        (
            "silence-add",
            &[
                "silence",
                "add",
                "service=checkout",
                "severity!=critical",
                "--for",
                "2h",
                "--reason",
                "disk",
                "--as",
                "ana",
            ],
            &[],
        ),
        ("silence-add-without-a-reason", &["silence", "add", "service=checkout", "--for", "2h"], &[]),
        ("silence-list", &["silence", "list"], &[]),
        ("silence-list-expired", &["silence", "list", "--expired"], &[]),
        ("silence-list-hygiene", &["silence", "list", "--hygiene"], &[]),
        ("silence-show", &["silence", "show", "0b5e8"], &[]),
        ("silence-show-json", &["silence", "show", "0b5e8", "--json"], &[]),
        ("silence-ambiguous", &["silence", "show", "0b"], &[]),
        ("silence-expire-one-refused", &["silence", "expire", "1c", "0b5e8", "77", "--as", "ana"], &[]),
        ("silence-expire", &["silence", "expire", "0b5e8", "--as", "ana"], &[]),
        ("silence-extend", &["silence", "extend", "0b5e8", "--for", "4h"], &[]),
        ("maintenance-start", &["maintenance", "start", "checkout", "--for", "1h", "--reason", "moving"], &[]),
        ("maintenance-start-encoded", &["maintenance", "start", "check/out", "--for", "1h", "--reason", "moving"], &[]),
        ("maintenance-end", &["maintenance", "end", "checkout"], &[]),
        ("maintenance-list", &["maintenance", "list"], &[]),
        ("policy-validate", &["policy", "validate", &good], &[]),
        ("policy-validate-mistakes", &["policy", "validate", &bad], &[]),
        ("policy-validate-json", &["policy", "validate", &bad, "--json"], &[]),
        ("policy-validate-missing", &["policy", "validate", "/nowhere.yaml"], &[]),
        ("policy-validate-warnings", &["policy", "validate", &changed], &[]),
        ("policy-validate-strict", &["policy", "validate", &changed, "--strict", "--json"], &[]),
        ("policy-plan", &["policy", "plan", &changed, "--until", until], &[]),
        ("policy-plan-all", &["policy", "plan", &changed, "--until", until, "--all"], &[]),
        ("policy-plan-same", &["policy", "plan", &good, "--days", "7", "--until", until], &[]),
        ("policy-plan-from-nothing", &["policy", "plan", &good, "--from", "/nowhere.jsonl"], &[]),
        ("policy-plan-from-rubbish", &["policy", "plan", &good, "--from", &alert], &[]),
        ("policy-apply-loses-pages", &["policy", "apply", &changed, "--yes"], &[]),
        ("policy-apply-accepted", &["policy", "apply", &changed, "--yes", "--accept-lost-pages", "--days", "0"], &[]),
        ("policy-apply", &["policy", "apply", &good, "--yes"], &[]),
        ("policy-apply-nobody-to-ask", &["policy", "apply", &good], &[]),
        ("policy-apply-mistakes", &["policy", "apply", &bad, "--yes"], &[]),
        ("policy-show", &["policy", "show"], &[]),
        ("doctor", &["doctor"], &[]),
        ("doctor-json", &["doctor", "--json"], &[]),
        ("hygiene", &["hygiene", "--until", until], &[]),
        ("hygiene-json", &["hygiene", "--until", until, "--json"], &[]),
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
fn what_failed_and_whether_all_is_well_is_told_the_worst_first() {
    let gap = json!({"rank": 19, "fault": "gap", "invariant": "INV8", "incident": null,
        "place": "nobody is on call for platform from 2026-11-24T08:00:00Z", "means": "a page at that time goes past this step",
        "repaired_by": "person", "repair": "cover it: watchkeeper override add"});
    let well = |findings: Value| {
        vec![("GET /v1/fsck", 200, json!({"incidents": 40, "records": 170, "findings": findings, "next": null}))]
    };
    let empty = vec![("GET /v1/dead-letters", 200, json!({"queues": []}))];
    let unseen = json!({"name": "sweep", "means": "a sweep failed", "runbook": "docs/runbooks.md#sweep", "letters": 2,
        "causes": [], "complete": false});
    let unseen = vec![("GET /v1/dead-letters", 200, json!({"queues": [unseen]}))];
    let table: Vec<(&str, &[&str], World)> = vec![
        ("dlq-list", &["dlq", "list"], letters()),
        ("dlq-list-empty", &["dlq", "list"], empty),
        ("dlq-list-unseen", &["dlq", "list"], unseen),
        ("dlq-list-json", &["dlq", "list", "--json"], letters()),
        ("dlq-show", &["dlq", "show", "incident"], letters()),
        ("dlq-show-empty", &["dlq", "show", "sweep"], letters()),
        ("dlq-show-unseen", &["dlq", "show", "ingest"], letters()),
        ("dlq-redrive-more", &["dlq", "redrive", "export"], letters()),
        ("dlq-redrive", &["dlq", "redrive", "signals"], letters()),
        ("dlq-redrive-dry-run", &["dlq", "redrive", "signals", "--dry-run"], letters()),
        ("dlq-redrive-cause", &["dlq", "redrive", "signals", "--cause", "dedup failed again and again"], letters()),
        ("dlq-redrive-failed", &["dlq", "redrive", "ingest", "--rate", "5"], letters()),
        ("dlq-redrive-elsewhere", &["dlq", "redrive", "elsewhere"], letters()),
        ("fsck", &["fsck"], well(json!([]))),
        ("fsck-gap", &["fsck"], well(json!([gap]))),
        ("fsck-wrong", &["fsck", "--repair"], checked()),
        ("fsck-json", &["fsck", "--json"], checked()),
    ];
    for (name, arguments, world) in table {
        let told = transcript(&Server::start(world), arguments, &[]);
        // When it was asked is another time each time.
        let mut parts = told.split("\"before\":\"");
        let first = parts.next().unwrap().to_owned();
        let told = parts.fold(first, |told, part| told + "\"before\":\"NOW\"" + part.split_once('"').unwrap().1);
        insta::assert_snapshot!(name, told);
    }
}

#[test]
fn a_codeowners_file_becomes_a_section_that_a_policy_takes() {
    let server = Server::start(world(false));
    let arguments = ["policy", "owners", &file("CODEOWNERS"), "--policy", &file("policy.yaml")];
    let told = transcript(&server, &[&arguments[..], &["--team", "@example/data-devs=platform"]].concat(), &[]);
    insta::assert_snapshot!("policy-owners", told);
    let section = told.lines().filter(|line| line.starts_with("owners:") || line.starts_with("  - "));
    let policy = std::fs::read_to_string(file("policy.yaml")).unwrap() + &section.collect::<Vec<_>>().join("\n");
    let (policy, _) = domain::policy::parse(&policy).unwrap();
    assert_eq!(policy.owners.len(), 5);
}

#[test]
fn a_history_that_was_written_to_a_file_is_rehearsed_without_asking() {
    let server = Server::start(world(false));
    let written = transcript(&server, &["policy", "history", "--until", "2026-11-21T00:00:00Z"], &[]);
    let lines: Vec<&str> = written.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(lines.len(), 2 + past::history(&compiled()).len(), "two policies, and the incidents: {written}");
    let name = format!("watchkeeper-history-{}.jsonl", std::process::id());
    let path = std::env::temp_dir().join(&name);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let changed = file("changed-policy.yaml");
    let planned = transcript(&server, &["policy", "plan", &changed, "--from", &path.display().to_string()], &[]);
    assert!(!planned.contains("--- asked"), "{planned}");
    // One word of a record is changed: the rehearsal says so, and no number of changed pages hides it.
    let other = lines[2].replacen("\"checkout\"", "\"search\"", 1);
    let lines: Vec<&str> = lines.iter().map(|line| if *line == lines[2] { other.as_str() } else { line }).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let tampered = transcript(&server, &["policy", "plan", &changed, "--from", &path.display().to_string()], &[]);
    std::fs::remove_file(&path).unwrap();
    assert!(tampered.contains("5 of 6 decisions replay exactly") && tampered.ends_with("--- exit 5\n"), "{tampered}");
    insta::assert_snapshot!("policy-plan-from-file", planned.replace(&path.display().to_string(), "history.jsonl"));
}

#[test]
fn an_incident_of_the_past_is_explained_by_what_was_decided_and_what_would_be() {
    let (id, records) = past::log(&compiled());
    let path: &'static str = format!("GET /v1/incidents/{id}/records").leak();
    let mut answers = world(false);
    answers.insert(0, (path, 200, records));
    let server = Server::start(answers);
    let changed = file("changed-policy.yaml");
    insta::assert_snapshot!("explain-incident", transcript(&server, &["explain", &id], &[]));
    let arguments = ["explain", &id, "--policy", &changed, "--at", "2026-11-11T12:00:00Z"];
    insta::assert_snapshot!("explain-incident-by-another-policy", transcript(&server, &arguments, &[]));
    insta::assert_snapshot!("explain-incident-json", transcript(&server, &["explain", &id, "--json"], &[]));
}

#[test]
fn what_a_mapping_made_of_a_payload_is_explained() {
    let server = Server::start(world(false));
    let explain = |payload: &str| {
        let policy = file("mapping-policy.yaml");
        let from = ["explain", &file(payload), "--policy", &policy, "--at", "2026-11-21T03:00:00Z", "--sender", "json"];
        transcript(&server, &from, &[])
    };
    insta::assert_snapshot!("explain-json", explain("check.json"));
    insta::assert_snapshot!("explain-json-unread", explain("alert.json"));
}

#[test]
fn what_keeps_a_page_back_is_explained() {
    let server = Server::start(world(false));
    let explain = |alert: &str| {
        let arguments =
            ["explain", &file(alert), "--policy", &file("quiet-policy.yaml"), "--at", "2026-11-21T03:00:00Z"];
        transcript(&server, &arguments, &[])
    };
    insta::assert_snapshot!("explain-threshold", explain("alert.json"));
    insta::assert_snapshot!("explain-ticket", explain("warning.json"));
    insta::assert_snapshot!("explain-simulated", explain("simulated.json"));
}

#[test]
fn a_payload_is_explained_with_the_overrides_and_absences_that_are_set() {
    let night = |mut set: Value| {
        set["person"] = json!("bo");
        set["from"] = json!("2026-11-21T02:00:00Z");
        set["until"] = json!("2026-11-21T03:08:00Z");
        set
    };
    let mut answers = world(false);
    answers.insert(0, ("GET /v1/overrides", 200, json!({"overrides": [night(set("bo", None))]})));
    let mut ana = night(away());
    ana["person"] = json!("ana");
    ana["until"] = json!("2026-11-22T03:00:00Z");
    answers.insert(0, ("GET /v1/absences", 200, json!({"absences": [ana]})));
    let server = Server::start(answers);
    let told = transcript(&server, &["explain", &file("alert.json"), "--at", "2026-11-21T03:00:00Z"], &[]);
    assert!(told.contains("Bo Berg (on call for platform, for another 8 min, by an override of ops)"), "{told}");
    assert!(told.contains("Bo Berg (on call for platform, for another 4 h 50 min, stands in for ana)"), "{told}");
    assert!(!told.contains("Ana Lima (on call"), "{told}");
}

#[test]
fn h19_a_calendar_is_shown_as_the_overrides_it_comes_to_and_whatever_is_not_taken_is_listed() {
    let server = Server::start(world(false));
    let period = ["--from", "2098-10-15", "--until", "2098-12-15"];
    let import = |name: &str, calendar: &str, more: &[&str]| {
        let calendar = file(calendar);
        let arguments = [&["schedule", "import", "platform", &calendar][..], &period, more].concat();
        insta::assert_snapshot!(format!("import-{name}"), transcript(&server, &arguments, &[]));
    };
    let policy = file("policy.yaml");
    import("google", "google.ics", &[]);
    import("google-offline", "google.ics", &["--policy", &policy, "--json"]);
    import("outlook-without-a-zone", "outlook.ics", &[]);
    let zone = ["--zone", "W. Europe Standard Time=Europe/Berlin"];
    import("outlook", "outlook.ics", &[&zone[..], &["--person", "Rufbereitschaft zu zweit=bo"]].concat());
    import("pagerduty-without-people", "pagerduty.ics", &[]);
    import("malformed", "malformed-calendar.ics", &["--policy", &policy]);
    import("no-calendar", "alert.json", &[]);
    import("of-nobody", "google.ics", &["--person", "Ana Lima=zoe"]);
    import("into-no-zone", "outlook.ics", &["--zone", "W. Europe Standard Time=Middle-earth/Shire"]);
    import("where-there-is-none", "nowhere.ics", &[]);
    let (oncall, more) = (file("oncall.ics"), ["--person", "bo.berg=bo"]);
    let arguments = ["schedule", "import", "platform", &oncall, "--from", "2026-11-24", "--policy", &policy];
    insta::assert_snapshot!("import", transcript(&server, &[&arguments[..], &more].concat(), &[]));
    let calendar = file("google.ics");
    let elsewhere = ["schedule", "import", "elsewhere", &calendar, "--policy", &policy];
    insta::assert_snapshot!("import-elsewhere", transcript(&server, &elsewhere, &[]));
    let long = ["schedule", "import", "platform", &calendar, "--from", "2098-01-01", "--until", "2099-02-01"];
    insta::assert_snapshot!(
        "import-too-far-ahead",
        transcript(&server, &[&long[..], &["--policy", &policy]].concat(), &[])
    );
}

#[test]
fn h19_a_calendar_is_set_once_however_often_it_is_imported() {
    let calendar = file("pagerduty.ics");
    let arguments = [
        "schedule",
        "import",
        "platform",
        &calendar,
        "--from",
        "2098-10-01",
        "--person",
        "On Call - Ana Lima - Platform Primary=ana",
        "--person",
        "On Call - Bo Berg - Platform Primary=bo",
        "--set",
        "--as",
        "ana",
    ];
    let server = Server::start(world(false));
    let first = transcript(&server, &arguments, &[]);
    assert_eq!(first, transcript(&server, &arguments, &[]), "a request that comes again has the same key");
    insta::assert_snapshot!("import-set", first);

    let asked = first.lines().filter_map(|line| line.strip_prefix("--- asked: POST /v1/overrides (once: "));
    let set = asked.map(|asked| {
        let mut set: Value = serde_json::from_str(asked.split_once(") ").unwrap().1).unwrap();
        set.as_object_mut().unwrap().extend([("id".to_owned(), json!("0a")), ("instead_of".to_owned(), Value::Null)]);
        set
    });
    let mut answers = world(false);
    answers.insert(0, ("GET /v1/overrides", 200, json!({"overrides": set.collect::<Vec<_>>()})));
    let after = transcript(&Server::start(answers), &arguments, &[]);
    assert!(!after.contains("POST"), "{after}");
    insta::assert_snapshot!("import-set-again", after);

    let mut answers = world(false);
    answers.insert(0, ("POST /v1/overrides", 503, problem(503, "busy")));
    insta::assert_snapshot!("import-set-halfway", transcript(&Server::start(answers), &arguments, &[]));
}

#[test]
fn h19_a_calendar_without_end_is_refused_before_it_costs_anything() {
    let server = Server::start(world(false));
    let folder = std::env::temp_dir().join(format!("watchkeeper-calendars-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let import = |name: &str, calendar: &str| {
        let path = folder.join(name).display().to_string();
        std::fs::write(&path, calendar).unwrap();
        let arguments = ["schedule", "import", "platform", &path, "--from", "2098-10-01", "--set"];
        transcript(&server, &arguments, &[])
    };
    let event = |place: usize, rule: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:{place}\r\nSUMMARY:ana\r\nDTSTART:20981001T000000Z\r\nDURATION:PT1H\r\n{rule}END:VEVENT\r\n"
        )
    };
    let calendar = |events: String| format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n");
    let hourly = "RRULE:FREQ=HOURLY\r\n";
    for (name, text, why) in [
        ("large.ics", "x".repeat(10_000_001), "is too large: it has more than 10000000 bytes"),
        ("hourly.ics", calendar(event(1, hourly)), "more than 2000 turns"),
        ("series.ics", calendar((0..501).map(|place| event(place, hourly)).collect()), "more than 500 events"),
    ] {
        let told = import(name, &text);
        assert!(told.contains(why) && !told.contains("POST") && told.ends_with("--- exit 1\n"), "{name}: {told}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
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

#[test]
fn what_another_system_was_told_becomes_a_policy_and_whatever_does_not_is_listed_with_its_reason() {
    let server = Server::start(world(false));
    let exports = [
        ("alertmanager", "imports/alertmanager.yml"),
        ("goalert", "imports/goalert.json"),
        ("oncall", "imports/oncall.json"),
        ("opsgenie", "imports/opsgenie"),
        ("pagerduty", "imports/pagerduty"),
    ];
    for (system, export) in exports {
        let export = file(export);
        insta::assert_snapshot!(
            format!("import-from-{system}"),
            transcript(&server, &["import", system, &export], &[])
        );
    }
    let files = [file("imports/opsgenie/escalations.json"), file("alert.json")];
    let arguments = ["import", "opsgenie", &files[0], &files[1], "--json"];
    insta::assert_snapshot!("import-from-little-json", transcript(&server, &arguments, &[]));
    let nowhere = file("nowhere.json");
    insta::assert_snapshot!("import-from-nowhere", transcript(&server, &["import", "goalert", &nowhere], &[]));
    let calendar = file("google.ics");
    insta::assert_snapshot!("import-from-no-export", transcript(&server, &["import", "goalert", &calendar], &[]));
}

/// An export as the API shows it.
fn export(state: &str) -> Value {
    let finished = state == "finished";
    let file = |path: &str, body: &str| {
        let hash = domain::log::Hash::of(body.as_bytes());
        json!({"path": path, "sha256": hash, "bytes": body.len()})
    };
    let files = if finished { json!([file("report.html", "<html>"), file("report.json", "{}")]) } else { json!([]) };
    let number = |number: u64| if finished { json!(number) } else { Value::Null };
    json!({"id": "0123456789abcdef0123", "state": state, "done": 0, "total": null, "records": number(4120),
        "findings": number(2), "grave": number(1), "files": files})
}

#[test]
fn an_export_is_asked_for_and_its_findings_are_told() {
    let requested = Server::start(vec![("POST /v1/audit/exports", 202, export("requested"))]);
    let range = ["audit", "export", "--from", "2026-11-16T00:00:00Z", "--to", "2026-11-23T00:00:00Z"];
    insta::assert_snapshot!("export", transcript(&requested, &range, &[]));
    let finished = Server::start(vec![("POST /v1/audit/exports", 200, export("finished"))]);
    insta::assert_snapshot!("export_wait", transcript(&finished, &[&range[..], &["--wait"]].concat(), &[]));
    let failed = Server::start(vec![("POST /v1/audit/exports", 202, export("failed"))]);
    insta::assert_snapshot!("export_failed", transcript(&failed, &[&range[..], &["--wait"]].concat(), &[]));
}

#[test]
fn what_is_fetched_has_the_hash_it_was_written_with_or_is_not_kept() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.html"), "<html>").unwrap();
    let server = Server::start(vec![
        ("POST /v1/audit/exports", 200, export("finished")),
        ("GET /v1/audit/exports/0123456789abcdef0123/parts/report.json", 404, problem(404, "it is gone")),
    ]);
    let output = folder.to_str().unwrap();
    let range = ["audit", "export", "--from", "2026-11-16T00:00:00Z", "--to", "2026-11-23T00:00:00Z", "-o", output];
    let told = transcript(&server, &range, &[]);
    assert!(told.contains("it is gone"), "{told}");
    assert!(!told.contains("parts/report.html"), "what is there already is not fetched again: {told}");
    assert!(!folder.join("report.json").exists());
}
