//! What the API refuses, with the real binaries: a clear answer, no effect, and never our fault.

use serde_json::{Value, json};

use crate::cases::{TOKEN, function, gateway, opened, policy, standin, the_incident};

fn own(method: &str, path: &str, body: &str) -> Value {
    gateway(method, path, &[("authorization", format!("Bearer {TOKEN}"))], body)
}

fn problem(answer: &Value) -> (u64, Value) {
    let status = answer["statusCode"].as_u64().unwrap();
    assert_eq!(answer["headers"]["content-type"], "application/problem+json", "{answer}");
    (status, serde_json::from_str(answer["body"].as_str().unwrap()).unwrap())
}

#[test]
fn an_answer_that_cannot_be_read_changes_nothing() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let before = the_incident(&standin);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let path = |action: &str| format!("/v1/incidents/{incident}/{action}");
    let table = [
        ("POST", path("acknowledge"), "{", 400),
        ("POST", path("acknowledge"), "null", 400),
        ("POST", path("acknowledge"), "[]", 400),
        ("POST", path("acknowledge"), "{} {}", 400),
        ("POST", path("acknowledge"), "{\"by\":7}", 400),
        ("POST", path("acknowledge"), "{\"by\":\" \"}", 400),
        ("POST", path("acknowledge"), "{\"on_behalf_of\":\"ana\"}", 400),
        ("POST", path("acknowledge"), &deep, 400),
        ("POST", path("notes"), "{}", 400),
        ("POST", path("notes"), "{\"text\":\"  \"}", 400),
        ("GET", path("acknowledge"), "", 405),
        ("POST", path("explode"), "{}", 404),
        ("POST", "/v1/incidents/00000000000000000000-1/resolve".to_owned(), "{}", 404),
        ("POST", "/v1/incidents/nonsense/resolve".to_owned(), "{}", 404),
        ("POST", "/v1/slack/interactions".to_owned(), "payload=x", 404),
    ];
    for (method, path, body, status) in table {
        let answer = respond.invoke(&own(method, &path, body)).unwrap().unwrap();
        let shown: String = body.chars().take(30).collect();
        assert_eq!(problem(&answer).0, status, "{method} {path} {shown}");
        assert_eq!(the_incident(&standin), before, "{method} {path} {shown}");
    }
}

#[test]
fn a_policy_is_applied_once_and_one_with_mistakes_never() {
    let standin = standin("127.0.0.1:9");
    let applier = function(env!("CARGO_BIN_EXE_policy"), &standin, &[]);
    let good = policy("127.0.0.1:9");
    let mut broken = good.clone();
    broken.catch_all.escalation = "nobody".to_owned();
    let table = [("", 400), ("{", 400), ("[]", 400), ("{\"version\":1}", 400), (&broken.compile(), 422)];
    for (body, status) in table {
        let answer = applier.invoke(&own("PUT", "/v1/policy", body)).unwrap().unwrap();
        let (answered, problem) = problem(&answer);
        assert_eq!(answered, status, "{problem}");
        assert!(status != 422 || problem["mistakes"][0].as_str().unwrap().contains("catch_all"), "{problem}");
    }
    let shown = applier.invoke(&own("GET", "/v1/policy", "")).unwrap().unwrap();
    assert_eq!(problem(&shown).0, 404, "no policy was applied");

    for changed in [true, false] {
        let answer = applier.invoke(&own("PUT", "/v1/policy", &good.compile())).unwrap().unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&body["hash"], &body["changed"]), (&json!(good.hash()), &json!(changed)));
    }
    let world = standin.world.lock().unwrap();
    let entries = world.stream("policy");
    assert_eq!(entries.len(), 1, "one record");
    domain::log::verify("policy", &entries).unwrap();
}
