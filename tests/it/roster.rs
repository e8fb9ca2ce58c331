//! Schedules, overrides, swaps, absences and calendars with the real binaries.

use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{TOKEN, function, gateway, opened, policy, standin_with};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::Standin;

/// A policy whose only step pages whoever is on call for `platform`: ana, always.
fn scheduled(phone: &str) -> Policy {
    let mut policy = serde_json::to_value(policy(phone)).unwrap();
    let layer = json!({ "members": ["ana"], "shift": "weekly", "start": "2026-01-05T09:00" });
    policy["schedules"]["platform"] = json!({ "time_zone": "Europe/Berlin", "rotation": layer });
    policy["escalations"]["platform"]["steps"] = json!([{ "notify": ["schedule:platform"], "wait": "PT5M" }]);
    serde_json::from_value(policy).unwrap()
}

fn roster(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_schedule"), standin, &[])
}

/// Asks, and gives back the status and the body.
fn ask(roster: &Function, method: &str, path: &str, key: &str, body: &Value) -> (u64, Value) {
    let mut headers = vec![("authorization", format!("Bearer {TOKEN}"))];
    headers.extend((!key.is_empty()).then(|| ("idempotency-key", key.to_owned())));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = roster.invoke(&gateway(method, path, &headers, &body)).unwrap().unwrap();
    let text = answer["body"].as_str().unwrap();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap_or_else(|_| json!(text)))
}

/// From an hour ago until in an hour, with more fields.
fn around(more: &Value) -> Value {
    let hour = SignedDuration::from_hours(1);
    let mut body = json!({ "from": Timestamp::now() - hour, "until": Timestamp::now() + hour });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn on_call(roster: &Function) -> Value {
    let (status, body) = ask(roster, "GET", "/v1/oncall", "", &Value::Null);
    assert_eq!(status, 200, "{body}");
    body["schedules"][0]["person"].clone()
}

#[test]
fn h14_whoever_the_api_says_is_on_call_is_who_is_paged() {
    let phone = Phone::start();
    let standin = standin_with(&scheduled(&phone.address.to_string()));
    let roster = roster(&standin);
    assert_eq!(on_call(&roster), "ana");
    let set = around(&json!({ "schedule": "platform", "person": "ben", "reason": "a wedding" }));
    let (status, first) = ask(&roster, "POST", "/v1/overrides", "k1", &set);
    assert_eq!((status, &first["person"], &first["by"]), (201, &json!("ben"), &json!("tests")), "{first}");
    assert_eq!(ask(&roster, "POST", "/v1/overrides", "k1", &set), (201, first.clone()), "the same again");
    assert_eq!(standin.world.lock().unwrap().stream("covers").len(), 1, "one record");
    assert_eq!(on_call(&roster), "ben");

    let incident = opened(&standin);
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    page.invoke(&json!({ "incident": incident, "cause": "e/page/1" })).unwrap().unwrap();
    let told: Vec<String> = phone.pages().iter().map(|page| page.person.clone()).collect();
    assert_eq!(told, ["ben"], "and nobody else");

    let path = format!("/v1/overrides/{}", first["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(ask(&roster, "DELETE", &path, "k2", &Value::Null), (200, json!({ "id": first["id"] })));
    }
    assert_eq!(ask(&roster, "DELETE", &path, "k3", &Value::Null).0, 404);
    assert_eq!(on_call(&roster), "ana");
}

#[test]
fn when_overrides_cannot_be_read_the_rotation_pages() {
    let phone = Phone::start();
    let standin = standin_with(&scheduled(&phone.address.to_string()));
    let roster = roster(&standin);
    let set = around(&json!({ "schedule": "platform", "person": "ben" }));
    assert_eq!(ask(&roster, "POST", "/v1/overrides", "k1", &set).0, 201);
    let incident = opened(&standin);
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    {
        let mut world = standin.world.lock().unwrap();
        let row = ("covers".to_owned(), "ledger".to_owned());
        world.table(&json!("state")).get_mut(&row).unwrap().insert("body".to_owned(), json!({ "S": "garbage" }));
    }
    page.invoke(&json!({ "incident": incident, "cause": "e/page/1" })).unwrap().unwrap();
    assert_eq!(phone.pages().iter().map(|page| page.person.as_str()).collect::<Vec<_>>(), ["ana"]);
    assert!(page.logs().contains("the rotations alone page"));
}

#[test]
fn a_policy_apply_and_a_new_deploy_never_touch_an_override_a_swap_or_an_absence() {
    let policy = scheduled("127.0.0.1:9");
    let standin = standin_with(&policy);
    let before = roster(&standin);
    let set = around(&json!({ "schedule": "platform", "person": "ben" }));
    assert_eq!(ask(&before, "POST", "/v1/overrides", "k1", &set).0, 201);
    let (one, other) = (around(&json!({ "person": "ana" })), around(&json!({ "person": "ben" })));
    let swap = json!({ "schedule": "platform", "one": one, "other": other });
    let (status, halves) = ask(&before, "POST", "/v1/swaps", "k2", &swap);
    assert_eq!((status, halves["overrides"].as_array().unwrap().len()), (201, 2));
    assert_eq!(ask(&before, "POST", "/v1/absences", "k3", &around(&json!({ "person": "ana" }))).0, 201);
    let overrides = ask(&before, "GET", "/v1/overrides", "", &Value::Null);
    let absences = ask(&before, "GET", "/v1/absences", "", &Value::Null);
    drop(before);

    let mut newer = policy;
    newer.people.get_mut("ana").unwrap().name = Some("Ana Duarte".to_owned());
    let applier = function(env!("CARGO_BIN_EXE_policy"), &standin, &[]);
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let applied = applier.invoke(&gateway("PUT", "/v1/policy", &headers, &newer.compile())).unwrap().unwrap();
    assert_eq!(applied["statusCode"], 200, "{applied}");

    // A deploy is a new process over the same tables.
    let after = roster(&standin);
    assert_eq!(ask(&after, "GET", "/v1/overrides", "", &Value::Null), overrides);
    assert_eq!(ask(&after, "GET", "/v1/absences", "", &Value::Null), absences);
    assert_eq!(overrides.1["overrides"].as_array().unwrap().len(), 3);
    let schedule = ask(&after, "GET", "/v1/oncall", "", &Value::Null).1["schedules"][0].clone();
    // Ana is away, so the half of the swap in which she takes ben's turns does not count, and the override does.
    assert_eq!(schedule["turn"]["override_id"], overrides.1["overrides"][0]["id"], "{schedule}");
}

#[test]
fn a_schedule_is_shown_with_its_gaps_and_what_is_ignored() {
    let standin = standin_with(&scheduled("127.0.0.1:9"));
    let roster = roster(&standin);
    let path = "/v1/schedules/platform?from=2026-01-05T07:00:00Z&until=2026-01-05T10:00:00%2B01:00";
    let (status, shown) = ask(&roster, "GET", path, "", &Value::Null);
    assert_eq!(status, 200, "{shown}");
    let told: Vec<(&str, &Value)> = shown["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| (span["from"].as_str().unwrap(), &span["turn"]["person"]))
        .collect();
    assert_eq!(told, [("2026-01-05T07:00:00Z", &Value::Null), ("2026-01-05T08:00:00Z", &json!("ana"))]);
    assert_eq!(shown["layers"][0]["shift"], "weekly");
    assert_eq!(ask(&roster, "GET", "/v1/schedules", "", &Value::Null).1["schedules"][0]["name"], "platform");
    let (_, past) = ask(&roster, "GET", "/v1/oncall?at=2026-01-05T07:59:59Z", "", &Value::Null);
    assert_eq!(
        (&past["schedules"][0]["person"], &past["schedules"][0]["next"]["person"]),
        (&Value::Null, &json!("ana"))
    );
}

#[test]
fn a_calendar_is_for_whoever_knows_its_latest_address() {
    let standin = standin_with(&scheduled("127.0.0.1:9"));
    let roster = roster(&standin);
    let make = || {
        let (status, made) = ask(&roster, "POST", "/v1/calendars", "same key", &json!({ "person": "ana" }));
        assert_eq!(status, 201, "{made}");
        made["url"].as_str().unwrap().strip_prefix("https://watchkeeper.test").unwrap().to_owned()
    };
    let read = |path: &str| {
        let answer = roster.invoke(&gateway("GET", path, &[], "")).unwrap().unwrap();
        (answer["statusCode"].as_u64().unwrap(), answer["headers"]["content-type"].clone(), answer["body"].to_string())
    };
    let first = make();
    let (status, kind, body) = read(&first);
    assert_eq!((status, kind), (200, json!("text/calendar; charset=utf-8")));
    assert!(body.contains("BEGIN:VEVENT") && body.contains("ana on call for platform"), "{body}");
    let second = make();
    assert_eq!((read(&first).0, read(&second).0, read("/v1/calendars/guessed").0), (404, 200, 404));
    let (_, listed) = ask(&roster, "GET", "/v1/calendars", "", &Value::Null);
    assert_eq!(listed["calendars"][0]["of"], json!({ "person": "ana" }));
    assert_eq!(ask(&roster, "DELETE", "/v1/calendars/person/ana", "", &Value::Null).0, 200);
    assert_eq!(read(&second).0, 404);

    let secret = second.rsplit('/').next().unwrap().trim_end_matches(".ics").to_owned();
    let kept = format!("{:?}", standin.world.lock().unwrap().tables);
    assert!(!kept.contains(&secret) && !roster.logs().contains(&secret), "the secret is kept nowhere");
}

#[test]
fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let standin = standin_with(&scheduled("127.0.0.1:9"));
    let roster = roster(&standin);
    let set = |more: Value| {
        around(&json!({ "schedule": "platform", "person": "ben" }))
            .as_object()
            .map(|fields| {
                let mut fields = fields.clone();
                fields.extend(more.as_object().unwrap().clone());
                Value::Object(fields)
            })
            .unwrap()
    };
    let table = [
        ("POST", "/v1/overrides", Value::Null, 400),
        ("POST", "/v1/overrides", json!([]), 400),
        ("POST", "/v1/overrides", json!({ "schedule": "platform" }), 400),
        ("POST", "/v1/overrides", set(json!({ "schedule": "nowhere" })), 400),
        ("POST", "/v1/overrides", set(json!({ "person": "zoe" })), 400),
        ("POST", "/v1/overrides", set(json!({ "instead_of": "ben" })), 400),
        ("POST", "/v1/overrides", set(json!({ "until": "2026-01-01T00:00:00Z" })), 400),
        ("POST", "/v1/overrides", set(json!({ "by": " " })), 400),
        ("POST", "/v1/overrides", set(json!({ "for": "ever" })), 400),
        ("PUT", "/v1/overrides", set(json!({})), 405),
        ("DELETE", "/v1/overrides/nothing", Value::Null, 404),
        ("GET", "/v1/overrides/nothing", Value::Null, 405),
        ("GET", "/v1/swaps", Value::Null, 405),
        ("POST", "/v1/absences", around(&json!({ "person": "zoe" })), 400),
        ("DELETE", "/v1/absences/nothing", Value::Null, 404),
        ("POST", "/v1/calendars", json!({}), 400),
        ("POST", "/v1/calendars", json!({ "person": "ana", "schedule": "platform" }), 400),
        ("POST", "/v1/calendars", json!({ "person": "zoe" }), 400),
        ("POST", "/v1/calendars/x", json!({}), 405),
        ("DELETE", "/v1/calendars/person/ana", Value::Null, 404),
        ("DELETE", "/v1/calendars/team/platform", Value::Null, 404),
        ("GET", "/v1/schedules/nowhere", Value::Null, 404),
        ("GET", "/v1/schedules/platform?from=yesterday", Value::Null, 400),
        ("GET", "/v1/schedules/platform?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", Value::Null, 400),
        ("GET", "/v1/schedules/platform?from=2026-01-01T00:00:00Z&until=2029-01-01T00:00:00Z", Value::Null, 400),
        ("GET", "/v1/oncall?at=now", Value::Null, 400),
        ("POST", "/v1/oncall", Value::Null, 405),
    ];
    for (method, path, body, status) in table {
        let (answered, problem) = ask(&roster, method, path, "", &body);
        assert_eq!(answered, status, "{method} {path} {body}: {problem}");
    }
    for path in
        ["/v1/oncall", "/v1/overrides", "/v1/absences", "/v1/calendars", "/v1/schedules", "/v1/schedules/platform"]
    {
        let answer = roster.invoke(&gateway("GET", path, &[], "")).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 401, "{path}");
    }
    let world = standin.world.lock().unwrap();
    assert!(world.stream("covers").is_empty() && world.stream("calendars").is_empty());
}
