//! What people set at run time, on the real template: `make up` first.

use serde_json::json;

use crate::cloud::{Cloud, key, wait};

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
fn an_override_rules_at_once_and_another_policy_does_not_erase_it() {
    let cloud = Cloud::new();
    let name = "platform";
    let on_call = || {
        let now = cloud.get("/v1/oncall");
        let schedules = now["schedules"].as_array().unwrap().clone();
        schedules.into_iter().find(|schedule| schedule["name"] == name).unwrap()["person"].clone()
    };
    let before = on_call();
    let other = if before == "ana" { "ben" } else { "ana" };
    let now = jiff::Timestamp::now();
    let (from, until) = (now - jiff::SignedDuration::from_mins(1), now + jiff::SignedDuration::from_hours(1));
    let wanted = json!({ "schedule": name, "person": other, "from": from, "until": until, "reason": "a test" });
    let (status, set) = cloud.ask("POST", "/v1/overrides", &wanted);
    assert_eq!(status, 201, "{set}");
    assert_eq!(on_call(), other);

    let policy = cloud.get("/v1/policy")["policy"].clone();
    let mut another = policy.clone();
    another["services"]["checkout"]["tier"] = json!(3);
    cloud.apply(&another);
    assert_eq!(on_call(), other, "an apply leaves it alone");
    cloud.apply(&policy);

    let path = format!("/v1/overrides/{}", set["id"].as_str().unwrap());
    assert_eq!(cloud.ask("DELETE", &path, &json!({})).0, 200);
    assert_eq!(on_call(), before);
}
