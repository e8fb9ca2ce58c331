//! Test pages with the real binaries.

use domain::incident::{IncidentId, Status};
use domain::policy::Handling;
use serde_json::{Value, json};

use crate::cases::{TOKEN, function, gateway, standin, the_incident};
use crate::paging::{ask, look};
use crate::phone::Phone;

fn request(person: &str, token: &str, body: &Value) -> Value {
    let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
    gateway("POST", &format!("/v1/people/{person}/test-page"), &headers, &body.to_string())
}

#[test]
fn a_test_page_reaches_one_person_tells_how_long_it_took_and_pages_nobody_else() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let env = [("WEBHOOK_ALLOW", phone.address.to_string())];
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &env);
    for (person, token, body, status) in [
        ("ana", "not a token", json!({}), 401),
        ("nobody", TOKEN, json!({}), 404),
        ("ana", TOKEN, json!({ "contact": 9 }), 400),
        ("ana", TOKEN, json!({ "contacts": 1 }), 400),
    ] {
        let refused = respond.invoke(&request(person, token, &body)).unwrap().unwrap();
        assert_eq!(refused["statusCode"], status, "{person} {body}: {refused}");
    }
    assert!(phone.pages().is_empty(), "nothing was sent");

    let reply = respond.invoke(&request("ana", TOKEN, &json!({ "contact": 0 }))).unwrap().unwrap();
    assert_eq!(reply["statusCode"], 200, "{reply}");
    let tested: Value = serde_json::from_str(reply["body"].as_str().unwrap()).unwrap();
    assert_eq!(tested["contacts"][0]["delivery"]["state"], "accepted", "{tested}");
    assert!(tested["contacts"][0]["millis"].is_u64(), "{tested}");
    let pages = phone.pages();
    assert_eq!((pages.len(), pages[0].person.as_str()), (1, "ana"));

    // Whoever looks finds nothing to do, and an answer is recorded as for a real one.
    let incident = IncidentId::parse(tested["incident"].as_str().unwrap()).unwrap();
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &env);
    let looked = page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!(looked["over"], "quiet", "{looked}");
    assert_eq!(the_incident(&standin).decision.unwrap().handling, Handling::Record);
    respond.invoke(&ask(&incident, "acknowledge", "ana")).unwrap().unwrap();
    assert_eq!(the_incident(&standin).status, Status::Acknowledged);
    assert!(standin.world.lock().unwrap().executions.is_empty(), "no machine was started");
    assert!(phone.pages().iter().all(|page| page.person == "ana"), "nobody else was told");
}

#[test]
fn j03_a_contact_that_does_not_work_is_told_and_not_tried_behind_the_testers_back() {
    for status in [410, 503] {
        let phone = Phone::start();
        let standin = standin(&phone.address.to_string());
        phone.answers(status);
        let env = [("WEBHOOK_ALLOW", phone.address.to_string())];
        let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &env);
        let reply = respond.invoke(&request("ana", TOKEN, &json!({}))).unwrap().unwrap();
        let tested: Value = serde_json::from_str(reply["body"].as_str().unwrap()).unwrap();
        let delivery = &tested["contacts"][0]["delivery"];
        assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("failed"), &json!(format!("answered {status}"))));
        assert!(!tested.to_string().contains("127.0.0.1"), "no address in the answer: {tested}");
    }
}
