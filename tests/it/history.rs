//! What was decided can be read again, and what is only simulated tells nobody, with the real binaries.

use domain::policy::Mode;
use domain::rehearse::Recorded;
use domain::route::Router;
use serde_json::{Value, json};

use crate::cases::{TOKEN, function, gateway, opened, policy, standin, standin_with, the_incident};
use crate::paging::{ask, look};
use crate::phone::Phone;
use crate::standin::Standin;

/// What the API answers to the holder of the token.
fn get(standin: &Standin, path: &str) -> (u64, Value) {
    let api = function(env!("CARGO_BIN_EXE_api"), standin, &[]);
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let answer = api.invoke(&gateway("GET", path, &headers, "")).unwrap().unwrap();
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer["statusCode"].as_u64().unwrap(), body)
}

#[test]
fn the_history_has_each_decision_whole_and_it_replays_by_the_policy_that_the_api_has() {
    let standin = standin("127.0.0.1:9");
    let incident = opened(&standin);
    for (binary, cause) in [(env!("CARGO_BIN_EXE_enrich"), "e/enrich"), (env!("CARGO_BIN_EXE_route"), "e/route")] {
        function(binary, &standin, &[]).invoke(&look(&incident, cause)).unwrap().unwrap();
    }
    let (status, page) = get(&standin, "/v1/history");
    assert_eq!((status, &page["next"]), (200, &Value::Null));
    let [recorded] = serde_json::from_value::<Vec<Recorded>>(page["incidents"].clone()).unwrap().try_into().unwrap();
    assert_eq!((&recorded.id, &recorded.decision), (&incident, &the_incident(&standin).decision));

    let hash = recorded.decision.as_ref().unwrap().policy.clone();
    let (status, kept) = get(&standin, &format!("/v1/policies/{hash}"));
    assert_eq!((status, &kept["hash"]), (200, &json!(hash)));
    let router = Router::new(serde_json::from_value(kept["policy"].clone()).unwrap(), hash);
    assert_eq!(recorded.again(&router), recorded.decision);

    let at = recorded.opened_at;
    let early = at - jiff::SignedDuration::from_nanos(1);
    for (query, found) in [
        (format!("from={at}"), 1),
        (format!("from={early}&until={at}"), 0),
        (format!("from={early}&limit=1"), 1),
        (format!("until={at}"), 0),
    ] {
        let (status, page) = get(&standin, &format!("/v1/history?{query}"));
        assert_eq!((status, page["incidents"].as_array().map(Vec::len)), (200, Some(found)), "{query}");
    }
    // Pages lead through every status to an end, and nothing comes twice.
    let (mut ids, mut next) = (Vec::new(), Some(String::new()));
    while let Some(cursor) = next {
        let (_, page) = get(&standin, &format!("/v1/history?limit=1{cursor}"));
        ids.extend(page["incidents"].as_array().unwrap().iter().map(|incident| incident["id"].clone()));
        next = page["next"].as_str().map(|next| format!("&cursor={next}"));
    }
    assert_eq!(ids, [json!(incident)]);
    for wrong in ["from=yesterday", "from=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z", "limit=x", "cursor=x"] {
        assert_eq!(get(&standin, &format!("/v1/history?{wrong}")).0, 400, "{wrong}");
    }
    for missing in ["0".repeat(64), "..%2factive".to_owned(), "active".to_owned()] {
        assert_eq!(get(&standin, &format!("/v1/policies/{missing}")).0, 404, "{missing}");
    }
}

#[test]
fn what_is_only_simulated_is_decided_and_tells_nobody_until_a_person_asks() {
    let phone = Phone::start();
    let mut policy = policy(&phone.address.to_string());
    policy.services.get_mut("checkout").unwrap().mode = Some(Mode::Simulate);
    let standin = standin_with(&policy);
    let incident = opened(&standin);
    let route = function(env!("CARGO_BIN_EXE_route"), &standin, &[]);
    let answer = route.invoke(&look(&incident, "e/route")).unwrap().unwrap();
    assert_eq!(answer, json!({ "handling": "page", "mode": "simulate" }));

    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert!(phone.pages().is_empty(), "nobody is told");
    let (_, story) = get(&standin, &format!("/v1/incidents/{incident}/timeline"));
    assert!(story.to_string().contains("would have paged ana first"), "{story}");

    let respond = function(env!("CARGO_BIN_EXE_respond"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    respond.invoke(&ask(&incident, "escalate", "ben")).unwrap().unwrap();
    page.invoke(&look(&incident, "e/page/2")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1, "a person who asks is heard");
}
