//! Paging and answering with the real binaries.

use domain::incident::{IncidentId, Status};
use domain::policy::Policy;
use domain::signal::Action;
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, opened, policy, signal, standin, standin_with, the_incident};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::Standin;

fn pager(standin: &Standin, phone: &Phone) -> Function {
    function(env!("CARGO_BIN_EXE_page"), standin, &[("WEBHOOK_ALLOW", phone.address.to_string())])
}

pub fn look(incident: &IncidentId, cause: &str) -> Value {
    json!({ "incident": incident, "cause": cause })
}

/// A request of the API by the holder of the token.
pub fn ask(incident: &IncidentId, action: &str, by: &str) -> Value {
    let headers = [("authorization", format!("Bearer {TOKEN}")), ("content-type", "application/json".to_owned())];
    gateway("POST", &format!("/v1/incidents/{incident}/{action}"), &headers, &json!({ "by": by }).to_string())
}

#[test]
fn f18_an_incident_is_enriched_routed_and_paged_and_every_step_runs_twice_with_one_effect() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let enrich = function(env!("CARGO_BIN_EXE_enrich"), &standin, &[]);
    let route = function(env!("CARGO_BIN_EXE_route"), &standin, &[]);
    let page = pager(&standin, &phone);
    for (step, cause) in [(&enrich, "e/enrich"), (&route, "e/route"), (&page, "e/page/1")] {
        let first = step.invoke(&look(&incident, cause)).unwrap().unwrap();
        let after = the_incident(&standin);
        let second = step.invoke(&look(&incident, cause)).unwrap().unwrap();
        assert_eq!(first, second, "{cause}: the same answer");
        assert_eq!(the_incident(&standin), after, "{cause}: no second effect");
    }
    let pages = phone.pages();
    assert_eq!(pages.len(), 1, "one page");
    assert_eq!(pages[0].person, "ana");
    let told = the_incident(&standin);
    assert_eq!(told.decision.unwrap().escalation, "platform");
    assert_eq!(told.enrichment.unwrap().service.as_deref(), Some("checkout"));
}

#[test]
fn what_a_ticket_shows_is_brought_up_to_date_when_its_signal_clears_though_no_execution_is_left() {
    let phone = Phone::start();
    let route = serde_json::from_value(json!({ "name": "tickets", "action": "ticket" })).unwrap();
    let standin = standin_with(&Policy { routes: vec![route], ..policy(&phone.address.to_string()) });
    let incident = opened(&standin);
    function(env!("CARGO_BIN_EXE_route"), &standin, &[]).invoke(&look(&incident, "e/route")).unwrap().unwrap();
    let page = pager(&standin, &phone);
    let told = page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!((&told["over"], phone.pages().len()), (&json!("ticketed"), 1), "nobody looks any more");

    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let executions = || standin.world.lock().unwrap().executions.len();
    dedup.invoke(&batch(&[signal("s2", "k", Action::Trigger, 1)], 1)).unwrap().unwrap();
    assert_eq!(executions(), 1, "a duplicate starts nothing");
    for received in [1, 2] {
        dedup.invoke(&batch(&[signal("s3", "k", Action::Resolve, 0)], received)).unwrap().unwrap();
        assert_eq!(executions(), 2, "one more look");
    }
    page.invoke(&look(&incident, "f/page/1")).unwrap().unwrap();
    assert_eq!(the_incident(&standin).paging.outdated(Status::Resolved).count(), 0);
    assert_eq!(phone.pages().len(), 1, "nobody is paged for it");
}

#[test]
fn l08_an_incident_that_was_never_routed_pages_the_catch_all() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    pager(&standin, &phone).invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1);
    assert!(the_incident(&standin).decision.unwrap().catch_all);
}

#[test]
fn a_phone_in_trouble_is_tried_again_and_a_phone_that_refuses_is_not() {
    for (status, again) in [(503, true), (404, false)] {
        let phone = Phone::start();
        let standin = standin(&phone.address.to_string());
        let incident = opened(&standin);
        phone.answers(status);
        let answer = pager(&standin, &phone).invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
        let wait: jiff::Timestamp = answer["look_at"].as_str().unwrap().parse().unwrap();
        let seconds = wait.duration_since(jiff::Timestamp::now()).as_secs();
        assert_eq!(
            seconds > 2,
            again,
            "{status}: a failed page is repeated after a while, a refused one goes to the next person"
        );
        assert!(phone.pages().is_empty());
    }
}

#[test]
fn i06_an_acknowledgement_stops_the_paging_and_a_second_person_is_told_who_was_first() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let page = pager(&standin, &phone);
    page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);

    for _ in 0..2 {
        let answer = respond.invoke(&ask(&incident, "acknowledge", "ana")).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    let refused = respond.invoke(&ask(&incident, "acknowledge", "ben")).unwrap().unwrap();
    assert_eq!(refused["statusCode"], 409);
    assert!(refused["body"].as_str().unwrap().contains("already acknowledged by ana"), "{refused}");
    assert_eq!(the_incident(&standin).status, Status::Acknowledged);

    let answer = page.invoke(&look(&incident, "e/page/2")).unwrap().unwrap();
    assert!(answer["over"].is_null());
    assert_eq!(phone.pages().len(), 1, "nobody else is told");
}

#[test]
fn i03_i05_a_link_changes_nothing_when_it_is_opened_and_acknowledges_when_it_is_confirmed() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    pager(&standin, &phone).invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    let link = phone.pages()[0].link.clone();
    let path = link.strip_prefix("https://watchkeeper.test").unwrap();
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let before = the_incident(&standin);
    for method in ["GET", "HEAD"] {
        let shown = respond.invoke(&gateway(method, path, &[], "")).unwrap().unwrap();
        assert_eq!(shown["statusCode"], 200);
        assert_eq!(the_incident(&standin), before, "{method} changes nothing");
    }
    let forged = respond.invoke(&gateway("POST", &format!("{path}x"), &[], "action=acknowledge")).unwrap().unwrap();
    assert_eq!(forged["statusCode"], 404);
    assert_eq!(the_incident(&standin), before);

    let done = respond.invoke(&gateway("POST", path, &[], "action=acknowledge")).unwrap().unwrap();
    assert_eq!(done["statusCode"], 200);
    let after = the_incident(&standin);
    assert_eq!(after.acknowledgement.unwrap().by.as_str(), "link:ana");
}

#[test]
fn a_manual_escalation_looks_at_once_and_tells_the_next_person() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let page = pager(&standin, &phone);
    page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    respond.invoke(&ask(&incident, "escalate", "ana")).unwrap().unwrap();
    let looks: Vec<String> =
        standin.world.lock().unwrap().executions.keys().filter(|name| name.contains("look")).cloned().collect();
    assert_eq!(looks.len(), 1, "a look is started");
    page.invoke(&look(&incident, &looks[0])).unwrap().unwrap();
    let told: Vec<String> = phone.pages().into_iter().map(|page| page.person).collect();
    assert_eq!(told, ["ana", "ben"]);
}

#[test]
fn l02_without_a_token_nobody_answers_and_nobody_reads() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[]);
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    for token in [None, Some("Bearer wrong"), Some("Basic dGVzdHM6eA=="), Some("Bearer ")] {
        let headers: Vec<_> = token.iter().map(|token| ("authorization", (*token).to_owned())).collect();
        let answer = respond
            .invoke(&gateway("POST", &format!("/v1/incidents/{incident}/resolve"), &headers, ""))
            .unwrap()
            .unwrap();
        assert_eq!(answer["statusCode"], 401);
        let answer = api.invoke(&gateway("GET", "/v1/incidents", &headers, "")).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 401);
    }
    assert_eq!(the_incident(&standin).status, Status::Triggered);
}

#[test]
fn what_the_api_shows_is_what_the_log_says() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    let api = function(env!("CARGO_BIN_EXE_api"), &standin, &[]);
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let get = |path: &str| {
        let answer = api.invoke(&gateway("GET", path, &headers, "")).unwrap().unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
        (answer["statusCode"].as_u64().unwrap(), body)
    };
    let (status, shown) = get(&format!("/v1/incidents/{incident}"));
    assert_eq!((status, &shown["status"], &shown["occurrences"]), (200, &json!("triggered"), &json!(1)));
    let (_, list) = get("/v1/incidents");
    assert_eq!(list["incidents"].as_array().unwrap().len(), 1);
    let (_, none) = get("/v1/incidents?status=resolved");
    assert_eq!(none["incidents"], json!([]));
    let (_, records) = get(&format!("/v1/incidents/{incident}/records"));
    assert_eq!(records["entries"].as_array().unwrap().len(), 1);
    let (_, story) = get(&format!("/v1/incidents/{incident}/timeline"));
    assert!(!story["entries"].as_array().unwrap().is_empty());
    assert_eq!(get("/v1/incidents?status=wrong").0, 400);
    assert_eq!(get("/v1/incidents/00000000000000000000-1").0, 404);
    assert_eq!(get("/v1/incidents/nonsense").0, 404);
    assert_eq!(get("/nowhere").0, 404);
}

#[test]
fn a_resolve_by_signal_ends_it() {
    let phone = Phone::start();
    let standin = standin(&phone.address.to_string());
    let incident = opened(&standin);
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    dedup.invoke(&batch(&[signal("r", "k", Action::Resolve, 0)], 1)).unwrap().unwrap();
    let answer = pager(&standin, &phone).invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!(answer["over"], "resolved");
    assert!(phone.pages().is_empty(), "nobody is told of what is over");
}
