//! Silences with the real binaries: what is silenced wakes nobody, and is not forgotten.

use std::sync::Mutex;

use domain::incident::{IncidentId, Status};
use domain::signal::Action;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, opened, policy, signal, standin, standin_with, the_incident};
use crate::paging::look;
use crate::phone::Phone;
use crate::runtime::Function;
use crate::server::{Answer, Request, serve};
use crate::standin::{Fault, Standin};

/// The function that answers about silences.
struct Silencer(Function);

impl Silencer {
    fn start(standin: &Standin) -> Self {
        Self(function(env!("CARGO_BIN_EXE_silence"), standin, &[]))
    }

    /// What it answers the holder of the token, and with which status.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", format!("Bearer {TOKEN}")), ("content-type", "application/json".to_owned())];
        let answer = self.0.invoke(&gateway(method, path, &headers, &body)).unwrap().unwrap();
        let text = answer["body"].as_str().unwrap();
        (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap_or_default())
    }

    /// A silence of an hour, and its name.
    fn add(&self, matchers: &[&str]) -> String {
        let body = json!({ "matchers": matchers, "for": "1h", "by": "ana", "reason": "a new disk is on its way" });
        let (status, made) = self.ask("POST", "/v1/silences", &body);
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    fn expire(&self, id: &str) {
        let (status, ended) = self.ask("DELETE", &format!("/v1/silences/{id}"), &Value::Null);
        assert_eq!((status, &ended["state"]), (200, &json!("expired")), "{ended}");
    }
}

fn route(standin: &Standin, incident: &IncidentId) -> Value {
    function(env!("CARGO_BIN_EXE_route"), standin, &[]).invoke(&look(incident, "e/route")).unwrap().unwrap()
}

fn pager(standin: &Standin, phone: &Phone) -> Function {
    function(env!("CARGO_BIN_EXE_page"), standin, &[("WEBHOOK_ALLOW", phone.address.to_string())])
}

fn sweeper(standin: &Standin, more: &[(&'static str, String)]) -> Function {
    function(env!("CARGO_BIN_EXE_sweep"), standin, more)
}

/// How many silences a sweep looked at after their end, and how many incidents it let go on.
fn sweep(standin: &Standin) -> (Value, Value) {
    let swept = sweeper(standin, &[]).invoke(&json!({})).unwrap().unwrap();
    (swept["ended"].clone(), swept["released"].clone())
}

#[test]
fn i13_what_is_silenced_wakes_nobody_is_counted_and_goes_on_when_the_silence_ends() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let silencer = Silencer::start(&standin);
    let silence = silencer.add(&["service=checkout", "severity=~error|warning"]);
    let other = silencer.add(&["service=cart"]);
    let incident = opened(&standin);
    for _ in 0..2 {
        assert_eq!(route(&standin, &incident)["handling"], "suppress");
    }
    let page = pager(&standin, &phone);
    let answer = page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!((&answer["over"], phone.pages().len()), (&json!("quiet"), 0));

    let (_, shown) = silencer.ask("GET", &format!("/v1/silences/{silence}"), &Value::Null);
    assert_eq!((&shown["suppressed"], &shown["incidents"]), (&json!(1), &json!([incident])), "{shown}");
    let (_, all) = silencer.ask("GET", "/v1/silences", &Value::Null);
    let counts: Vec<_> = all["silences"].as_array().unwrap().iter().map(|one| one["suppressed"].clone()).collect();
    assert_eq!(counts.len(), 2);
    assert!(all["silences"].as_array().unwrap().iter().any(|one| one["id"] == json!(other) && one["suppressed"] == 0));

    assert_eq!(sweep(&standin), (json!(0), json!(0)), "nothing is over");
    silencer.expire(&silence);
    for _ in 0..2 {
        assert_eq!(sweep(&standin), (json!(1), json!(1)));
    }
    assert_eq!(standin.world.lock().unwrap().executions.len(), 2, "its own, and one more look");
    assert!(the_incident(&standin).silenced_by.is_empty());
    page.invoke(&look(&incident, "e/page/2")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1, "paging goes on");
}

#[test]
fn i13_a_silence_that_begins_later_stops_further_steps_and_only_while_it_lasts() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let silencer = Silencer::start(&standin);
    let incident = opened(&standin);
    assert_eq!(route(&standin, &incident)["handling"], "page");
    let body = json!({ "for": "1h", "reason": "a new disk" });
    let (status, made) = silencer.ask("POST", "/v1/services/checkout/maintenance", &body);
    assert_eq!((status, &made["kind"]), (201, &json!("maintenance")), "{made}");

    let page = pager(&standin, &phone);
    let answer = page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert!(phone.pages().is_empty(), "nobody is told");
    assert_eq!(answer["look_at"].as_str().unwrap()[..16], made["until"].as_str().unwrap()[..16], "it looks again then");
    assert_eq!(the_incident(&standin).status, Status::Triggered);

    let (status, _) = silencer.ask("DELETE", "/v1/services/checkout/maintenance", &Value::Null);
    assert_eq!(status, 204);
    assert_eq!(sweep(&standin), (json!(1), json!(1)), "nobody waits for the end that was planned");
    page.invoke(&look(&incident, "e/page/2")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1);
}

#[test]
fn an_incident_of_two_silences_waits_for_the_last_of_them() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let silencer = Silencer::start(&standin);
    let (first, incident) = (silencer.add(&["service=checkout"]), opened(&standin));
    route(&standin, &incident);
    let second = silencer.add(&["integration=pagerduty"]);
    silencer.expire(&first);
    assert_eq!(sweep(&standin), (json!(1), json!(0)));
    assert!(!the_incident(&standin).silenced_by.is_empty());
    silencer.expire(&second);
    sweep(&standin);
    assert!(the_incident(&standin).silenced_by.is_empty());
}

#[test]
fn an_incident_that_cannot_be_read_keeps_no_other_from_going_on_and_is_not_passed_over() {
    let standin = standin("127.0.0.1:1");
    let silencer = Silencer::start(&standin);
    let silence = silencer.add(&["service=checkout"]);
    let incident = opened(&standin);
    route(&standin, &incident);
    {
        let mut world = standin.world.lock().unwrap();
        let rows = world.table(&json!("state"));
        let broken = IncidentId { generation: 7, ..incident };
        let (pk, name) = (format!("silence#{silence}"), format!("incident#{broken}"));
        let row = json!({ "pk": { "S": pk }, "sk": { "S": name } });
        rows.insert((pk, name), row.as_object().unwrap().clone());
        let (pk, sk) = (format!("incident#{}", broken.fingerprint), "0000000007".to_owned());
        let row = json!({ "pk": { "S": pk }, "sk": { "S": sk }, "body": { "S": "{" } });
        rows.insert((pk, sk), row.as_object().unwrap().clone());
    }
    silencer.expire(&silence);
    let failed = sweeper(&standin, &[]).invoke(&json!({})).unwrap().expect_err("somebody hears of it");
    assert_eq!(failed.name, "Misconfigured");
    assert_eq!(standin.world.lock().unwrap().executions.len(), 2, "the other goes on");
}

/// Moves the beginning of the first silence, so that its end is near for how long it lasts.
fn began_long_ago(standin: &Standin) {
    let mut world = standin.world.lock().unwrap();
    let rows = world.table(&json!("state"));
    let row = rows.get_mut(&("silences".to_owned(), "ledger".to_owned())).unwrap();
    let mut ledger: Value = serde_json::from_str(row["body"]["S"].as_str().unwrap()).unwrap();
    ledger["value"][0]["from"] = json!("2026-01-01T00:00:00Z");
    row["body"] = json!({ "S": ledger.to_string() });
}

#[test]
fn an_owner_hears_once_that_a_silence_ends_and_the_catch_all_where_nobody_knows_the_owner() {
    for (owner, told) in [("ben", "ben"), ("root", "ana")] {
        let phone = Phone::start();
        let standin = standin(&phone.address.to_string());
        let silencer = Silencer::start(&standin);
        let body = json!({ "matchers": ["service=checkout"], "for": "1h", "by": owner, "remind": "1h" });
        assert_eq!(silencer.ask("POST", "/v1/silences", &body).0, 201);
        let sweeper = sweeper(&standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
        let reminded = || sweeper.invoke(&json!({})).unwrap().unwrap()["reminded"].clone();
        assert_eq!(reminded(), 0, "it is no longer than its reminder");
        began_long_ago(&standin);
        assert_eq!((reminded(), reminded()), (json!(1), json!(0)));
        let notices = phone.notices();
        assert_eq!((notices.len(), notices[0].person.as_str()), (1, told));
        assert!(notices[0].text.starts_with("The silence {service=\"checkout\"} ends at "), "{}", notices[0].text);
        assert!(notices[0].text.contains("it has suppressed 0 incidents"), "{}", notices[0].text);
    }
}

#[test]
fn whoever_an_override_puts_on_call_hears_that_a_silence_ends() {
    let phone = Phone::start();
    let mut scheduled = serde_json::to_value(policy(&phone.address.to_string())).unwrap();
    let layer = json!({ "members": ["ana"], "shift": "weekly", "start": "2026-01-05T09:00" });
    scheduled["schedules"]["platform"] = json!({ "time_zone": "Europe/Berlin", "rotation": layer });
    scheduled["escalations"]["platform"]["steps"] = json!([{ "notify": ["schedule:platform"], "wait": "PT5M" }]);
    let standin = standin_with(&serde_json::from_value(scheduled).unwrap());
    let roster = function(env!("CARGO_BIN_EXE_schedule"), &standin, &[]);
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let set = json!({ "schedule": "platform", "person": "ben", "from": now - hour, "until": now + hour }).to_string();
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let answer = roster.invoke(&gateway("POST", "/v1/overrides", &headers, &set)).unwrap().unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");

    let silencer = Silencer::start(&standin);
    let body = json!({ "matchers": ["service=checkout"], "for": "1h", "by": "root", "remind": "1h" });
    assert_eq!(silencer.ask("POST", "/v1/silences", &body).0, 201);
    began_long_ago(&standin);
    let sweeper = sweeper(&standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    sweeper.invoke(&json!({})).unwrap().unwrap();
    let told: Vec<String> = phone.notices().iter().map(|notice| notice.person.clone()).collect();
    assert_eq!(told, ["ben"]);
}

#[test]
fn whoever_asks_for_a_page_by_hand_gets_it_whatever_is_silenced() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    Silencer::start(&standin).add(&["service=checkout"]);
    let incident = opened(&standin);
    route(&standin, &incident);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    respond.invoke(&crate::paging::ask(&incident, "escalate", "ana")).unwrap().unwrap();
    pager(&standin, &phone).invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1);
}

#[test]
fn silences_that_cannot_be_read_silence_nobody() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    Silencer::start(&standin).add(&["service=checkout"]);
    let incident = opened(&standin);
    {
        let mut world = standin.world.lock().unwrap();
        let rows = world.table(&json!("state"));
        rows.get_mut(&("silences".to_owned(), "ledger".to_owned())).unwrap()["body"] = json!({ "S": "{" });
    }
    assert_eq!(route(&standin, &incident)["handling"], "page");
}

#[test]
fn a_policy_that_is_applied_erases_no_silence() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let silence = Silencer::start(&standin).add(&["service=checkout"]);
    let applier = function(env!("CARGO_BIN_EXE_policy"), &standin, &[]);
    let mut other = policy(&phone.address.to_string());
    other.services.clear();
    other.integrations.clear();
    let headers = [("authorization", format!("Bearer {TOKEN}")), ("content-type", "application/json".to_owned())];
    let applied = applier.invoke(&gateway("PUT", "/v1/policy", &headers, &other.compile())).unwrap().unwrap();
    assert_eq!(applied["statusCode"], 200, "{applied}");
    let (status, shown) = Silencer::start(&standin).ask("GET", &format!("/v1/silences/{silence}"), &Value::Null);
    assert_eq!((status, &shown["state"]), (200, &json!("active")));
}

#[test]
fn c12_a_request_that_comes_again_makes_no_second_silence_and_a_lost_answer_is_found_again() {
    let standin = standin("127.0.0.1:1");
    let silencer = Silencer::start(&standin);
    let body = json!({ "matchers": ["a=b"], "for": "1h" }).to_string();
    let headers = [("authorization", format!("Bearer {TOKEN}")), ("idempotency-key", "once".to_owned())];
    let request = gateway("POST", "/v1/silences", &headers, &body);
    let mut lost = 0;
    standin.breaks(move |_, name| {
        lost += usize::from(name.ends_with("TransactWriteItems"));
        if name.ends_with("TransactWriteItems") && lost == 1 { Fault::AnswerLost } else { Fault::None }
    });
    let first = silencer.0.invoke(&request).unwrap().unwrap();
    let second = silencer.0.invoke(&request).unwrap().unwrap();
    assert_eq!(first["body"], second["body"]);
    let (_, all) = silencer.ask("GET", "/v1/silences", &Value::Null);
    assert_eq!(all["silences"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_wrong_with_a_silence_is_said_and_nothing_is_changed() {
    let standin = standin("127.0.0.1:1");
    let silencer = Silencer::start(&standin);
    let unknown = "/v1/silences/0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1";
    let table = [
        ("POST", "/v1/silences", json!({ "for": "1h" }), 400, "matchers are missing"),
        ("POST", "/v1/silences", json!({ "matchers": ["a"], "for": "1h" }), 400, "a is not compared to anything"),
        ("POST", "/v1/silences", json!({ "matchers": ["a=b"] }), 400, "until when"),
        ("POST", "/v1/silences", json!({ "matchers": ["a=~.*"], "for": "1h" }), 400, "must not match the empty string"),
        ("POST", "/v1/silences", json!({ "matchers": ["a=b"], "for": "1h", "x": 1 }), 400, "at x"),
        ("POST", "/v1/silences", json!({ "matchers": ["a=b"], "for": "1h", "by": "" }), 400, "`by` is a name"),
        ("PUT", unknown, json!({ "for": "1h" }), 404, "silence not found"),
        ("DELETE", unknown, Value::Null, 404, "silence not found"),
        ("PATCH", unknown, Value::Null, 405, "use GET or PUT or DELETE"),
        (
            "POST",
            "/v1/services/shop/maintenance",
            json!({ "for": "1h", "matchers": ["a=b"] }),
            400,
            "leave matchers out",
        ),
    ];
    for (method, path, body, status, detail) in table {
        let (answered, problem) = silencer.ask(method, path, &body);
        assert_eq!(answered, status, "{method} {path} {body}: {problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(detail), "{method} {path} {body}: {problem}");
    }
    assert!(standin.world.lock().unwrap().stream("silences").is_empty());
    let stranger = silencer.0.invoke(&gateway("GET", "/api/v2/silences", &[], "")).unwrap().unwrap();
    assert_eq!(stranger["statusCode"], 401);
}

/// An address at which the function answers as behind the HTTP API, so that any client can talk to it.
fn listen(silencer: Silencer) -> String {
    let silencer = Mutex::new(silencer);
    let address = serve(move |request: Request| {
        let headers = [("authorization", request.header("authorization").to_owned())];
        let body = String::from_utf8(request.body.clone()).unwrap();
        let event = gateway(&request.method, &request.path, &headers, &body);
        let answer = silencer.lock().unwrap().0.invoke(&event).unwrap().unwrap();
        let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
        let content_type = answer["headers"]["content-type"].as_str().unwrap();
        Some(Answer::new(status, answer["body"].as_str().unwrap()).with("content-type", content_type))
    });
    format!("http://amtool:{TOKEN}@{address}")
}

/// What the stock `amtool` prints, and whether it was content; `None` where it is not installed.
fn amtool(url: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let mut command = std::process::Command::new("amtool");
    command.args([&format!("--alertmanager.url={url}"), "--output=json"]).args(arguments);
    let output = command.output().ok()?;
    let (said, complaint) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    // It remarks on every version that is not its own.
    Some(if output.status.success() { (true, said) } else { (false, said + &complaint) })
}

#[test]
fn the_stock_amtool_adds_lists_changes_and_expires_silences_and_lists_alerts() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    dedup.invoke(&batch(&[signal("s2", "another", Action::Trigger, 1)], 1)).unwrap().unwrap();
    route(&standin, &incident);
    let url = listen(Silencer::start(&standin));
    let Some((added, id)) = amtool(&url, &["silence", "add", "service=checkout", "--comment=disk", "--duration=1h"])
    else {
        eprintln!("amtool is not installed: nothing was tried");
        return;
    };
    assert!(added, "{id}");
    let id = id.trim().trim_matches('"').to_owned();
    let list = |arguments: &[&str]| -> Value {
        let (good, said) = amtool(&url, arguments).unwrap();
        assert!(good, "{arguments:?}: {said}");
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}"))
    };
    let known = list(&["silence", "query", "service=checkout"]);
    assert_eq!((&known[0]["id"], &known[0]["comment"]), (&json!(id), &json!("disk")), "{known}");
    assert_eq!(known[0]["status"]["state"], "active");
    assert_eq!(list(&["silence", "query", "service=cart"]), json!([]));

    let alerts = list(&["alert", "query", "--silenced"]);
    assert_eq!(alerts.as_array().unwrap().len(), 2, "{alerts}");
    assert_eq!(
        (&alerts[0]["status"]["state"], &alerts[0]["status"]["silencedBy"]),
        (&json!("suppressed"), &json!([id]))
    );
    assert_eq!(list(&["alert", "query", "service=cart"]), json!([]));

    let (good, said) = amtool(&url, &["silence", "update", "--duration=3h", "--comment=two disks", &id]).unwrap();
    assert!(good, "{said}");
    assert_eq!(list(&["silence", "query"])[0]["comment"], "two disks");
    assert_eq!(list(&["silence", "query"])[0]["id"], json!(id), "the same silence");
    let (good, said) = amtool(&url, &["silence", "expire", &id]).unwrap();
    assert!(good, "{said}");
    assert_eq!(list(&["silence", "query"]), json!([]));
    assert_eq!(list(&["silence", "query", "--expired"])[0]["status"]["state"], "expired");
    assert_eq!(list(&["alert", "query"]).as_array().unwrap().len(), 1, "the other is not routed yet");
    assert_eq!(list(&["alert", "query", "--unprocessed"]).as_array().unwrap().len(), 1);

    let (good, said) = amtool(&url, &["silence", "add", "a=~.*", "--comment=all"]).unwrap();
    assert!(!good && said.contains("at least one matcher must not match the empty string"), "{said}");
    let (good, said) = amtool(&url, &["config", "routes", "show"]).unwrap();
    assert!(good && said.contains("platform"), "{said}");
    let (good, said) = amtool(&url, &["cluster", "show"]).unwrap();
    assert!(good, "{said}");
}
