//! What people set at run time, on the real template: `make up` first.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cloud::{Cloud, key, wait};

/// A schedule of the sample policy.
const SCHEDULE: &str = "platform";

/// So many hours from now.
fn hence(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

/// Who is on call for the schedule, and somebody who is not.
fn on_call(cloud: &Cloud) -> (Value, &'static str) {
    let now = cloud.get("/v1/oncall");
    let schedules = now["schedules"].as_array().unwrap();
    let person = schedules.iter().find(|schedule| schedule["name"] == SCHEDULE).unwrap()["person"].clone();
    let other = if person == "ana" { "ben" } else { "ana" };
    (person, other)
}

/// An override for `person` that holds now.
fn cover(person: &str) -> Value {
    let from = Timestamp::now() - SignedDuration::from_mins(1);
    json!({ "schedule": SCHEDULE, "person": person, "from": from, "until": hence(1), "reason": "a test" })
}

/// Sets something and gives its id.
fn set(cloud: &Cloud, path: &str, wanted: &Value) -> String {
    let (status, set) = cloud.ask("POST", path, wanted);
    assert_eq!(status, 201, "POST {path}: {set}");
    let named = if path == "/v1/swaps" { &set["overrides"][0] } else { &set };
    named["id"].as_str().unwrap().to_owned()
}

/// Deploys the template once more, with another parameter.
pub fn deploy(parameter: &str) {
    let deployed = Command::new("python3")
        .args(["local/up.py", "deploy", parameter])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
}

#[test]
#[ignore = "needs the local stack: make up"]
fn whoever_has_a_token_reads_everything() {
    let cloud = Cloud::new();
    let paths = [
        "/v1/incidents",
        "/v1/history",
        "/v1/policy",
        "/v1/oncall",
        "/v1/schedules",
        "/v1/schedules/platform",
        "/v1/overrides",
        "/v1/absences",
        "/v1/calendars",
        "/v1/silences",
        "/api/v2/alerts",
        "/api/v2/alerts/groups",
        "/api/v2/silences",
        "/api/v2/receivers",
        "/api/v2/status",
    ];
    for path in paths {
        cloud.get(path);
    }
}

#[test]
#[ignore = "needs the local stack: make up"]
fn a_silence_holds_an_alert_back_and_its_end_lets_it_page() {
    let cloud = Cloud::new();
    let (key, wanted) = (
        key("silenced"),
        |key: &str| json!({ "matchers": [format!("title=~{key}.*")], "for": "1h", "reason": "a test" }),
    );
    let (status, silence) = cloud.ask("POST", "/v1/silences", &wanted(&key));
    assert_eq!(status, 201, "{silence}");
    let path = format!("/v1/silences/{}", silence["id"].as_str().unwrap());
    assert_eq!(cloud.pagerduty("trigger", &key).0, 202);
    let held = cloud.until(&key, |incident| incident["handling"] == "suppress");
    let id = held["id"].as_str().unwrap();
    assert_eq!(held["silenced_by"], json!([silence["id"]]));
    wait("the count", || (cloud.get(&path)["suppressed"] == 1).then_some(()));
    assert!(cloud.pages(id).is_empty());

    assert_eq!(cloud.ask("DELETE", &path, &json!({})).0, 200);
    wait("the page after the silence", || cloud.pages(id).first().cloned());
    assert_eq!(cloud.pagerduty("resolve", &key).0, 202);
    cloud.until(&key, |incident| incident["status"] == "resolved");
    assert_eq!(cloud.pages(id).len(), 1, "one page");
}

#[test]
#[ignore = "needs the local stack: make up"]
fn an_override_rules_at_once() {
    let cloud = Cloud::new();
    let (before, other) = on_call(&cloud);
    let id = set(&cloud, "/v1/overrides", &cover(other));
    assert_eq!(on_call(&cloud).0, other);
    assert_eq!(cloud.ask("DELETE", &format!("/v1/overrides/{id}"), &json!({})).0, 200);
    assert_eq!(on_call(&cloud).0, before);
}

#[test]
#[ignore = "needs the local stack: make up"]
fn a_deploy_and_a_policy_apply_erase_no_override_no_swap_no_absence_and_no_silence() {
    let cloud = Cloud::new();
    let (_, other) = on_call(&cloud);
    let silence = json!({ "matchers": ["title=nothing of this name"], "for": "1h", "reason": "a test" });
    let absence = json!({ "person": other, "from": hence(48), "until": hence(72), "reason": "a test" });
    let turn = |person: &str, from| json!({ "person": person, "from": hence(from), "until": hence(from + 1) });
    let swap = json!({ "schedule": SCHEDULE, "one": turn("ana", 96), "other": turn("ben", 264) });
    let made = [
        ("/v1/overrides", set(&cloud, "/v1/overrides", &cover(other))),
        ("/v1/overrides", set(&cloud, "/v1/swaps", &swap)),
        ("/v1/absences", set(&cloud, "/v1/absences", &absence)),
        ("/v1/silences", set(&cloud, "/v1/silences", &silence)),
    ];
    let kept = |what: &str| {
        assert_eq!(on_call(&cloud).0, other, "{what}");
        for (path, id) in &made {
            assert!(cloud.get(path).to_string().contains(id.as_str()), "{what} erased {id} of {path}");
        }
    };
    kept("setting them");

    let policy = cloud.get("/v1/policy")["policy"].clone();
    let mut another = policy.clone();
    another["services"]["checkout"]["tier"] = json!(3);
    cloud.apply(&another);
    kept("the apply");
    cloud.apply(&policy);

    deploy("LogRetentionDays=60");
    kept("the deploy");

    for (path, id) in &made {
        assert_eq!(cloud.ask("DELETE", &format!("{path}/{id}"), &json!({})).0, 200, "{path}");
    }
}
