//! Random and mutated bodies and queries through what reads Opsgenie's calls: nothing panics, and whatever is taken can
//! be written down.

use domain::policy::Policy;
use domain::text;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ask::{self, What};
use super::call::Action;
use super::search::Search;
use super::search::tests::alert;
use crate::dice::{Dice, runs};
use crate::sender::{Request, opsgenie as sender};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().expect("a time")
}

fn policy() -> Policy {
    let policy = json!({
        "version": 1,
        "people": { "ana": { "name": "Ana Duarte", "contacts": [{ "email": "ana@example.com" }] } },
        "teams": { "platform": { "members": ["ana"] } },
        "escalations": { "all": { "steps": [] } },
        "catch_all": { "escalation": "all" },
    });
    serde_json::from_value(policy).expect("a policy")
}

/// A body with every field that any call has.
fn whole() -> Value {
    json!({
        "message": "Disk full", "alias": "disk:db-1", "description": "Nothing can be written", "priority": "P1",
        "responders": [{ "name": "Platform", "type": "team" }, { "username": "ana@example.com", "type": "user" }],
        "tags": ["db", "env:prod"], "details": { "host": "db-1", "free": 0 }, "entity": "db-1", "source": "cron",
        "user": "ana@example.com", "note": "Wake up", "endTime": "2026-11-21T11:00:00Z",
        "escalation": { "name": "all" }, "owner": { "username": "ana@example.com" }, "team": { "name": "platform" },
        "responder": { "type": "schedule", "name": "platform" },
    })
}

/// A body that was twisted as JSON, and sometimes broken as a text.
fn body(dice: &mut Dice) -> Vec<u8> {
    let mut body = whole();
    for _ in 0..=dice.roll(4) {
        dice.twist(&mut body);
    }
    let text = body.to_string().into_bytes();
    if dice.roll(4) == 0 { dice.mutate(text, whole().to_string().as_bytes()) } else { text }
}

fn sent<'a>(method: &'a Method, headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    let (path, id, source, certificate, received_at) = ("/v2/alerts", "r-1", None, None, now());
    Request { method, path, headers, body, source, certificate, id, received_at }
}

#[test]
fn no_body_makes_a_new_alert_fail() {
    let (policy, headers) = (policy(), HeaderMap::new());
    let mut dice = Dice(0xbb67_ae85_84ca_a73b);
    for run in 0..runs() {
        let body = body(&mut dice);
        let Ok((alias, alert)) = sender::create(&sent(&Method::POST, &headers, &body), &policy, "unnamed") else {
            continue;
        };
        let shown = || format!("run {run}: {}", String::from_utf8_lossy(&body));
        assert!(!alias.is_empty() && sender::alias_fault(&alias).is_none(), "{}", shown());
        assert!(alert.title.chars().count() <= text::TITLE && alert.labels.len() <= text::LABELS, "{}", shown());
    }
}

#[test]
fn no_body_and_no_query_makes_a_call_fail() {
    let (policy, headers) = (policy(), HeaderMap::new());
    let (_, alert) = sender::create(&sent(&Method::POST, &headers, whole().to_string().as_bytes()), &policy, "unnamed")
        .expect("the whole body is good");
    let mut dice = Dice(0x3c6e_f372_fe94_f82b);
    for run in 0..runs() {
        let body = body(&mut dice);
        let query = dice.mutate(b"tags=db%2Cenv%3Aprod&keys=host&user=ana&note=x".to_vec(), b"&source=%ff+%00");
        let query = String::from_utf8_lossy(&query).into_owned();
        let place = u8::try_from(dice.roll(17)).expect("a place");
        let action = Action::at(place).expect("an action");
        let method = if dice.roll(2) == 0 { Method::POST } else { Method::DELETE };
        if let Ok(asked) = ask::read(action, &sent(&method, &headers, &body), &query, &policy, "og")
            && let What::Change(change) = asked.what
        {
            let changed = change.amendment(&alert).title.unwrap_or_default();
            assert!(changed.chars().count() <= text::TITLE, "run {run}: {action:?} {changed}");
        }
    }
}

#[test]
fn no_query_makes_the_search_fail() {
    let queries = [
        "status: open AND priority: (P1 OR P2) AND NOT tag: \"env:prod\" createdAt >= 21-11-2026T10:00",
        "alias: disk* message=\"disk full\" count > 5 lastOccurredAt < 1795255199000 owner: ana snoozed: false",
    ];
    let alert = alert();
    let mut dice = Dice(0xa54f_f53a_5f1d_36f1);
    for run in 0..runs() {
        let (one, other) = (queries[dice.roll(2)], queries[dice.roll(2)]);
        let query = dice.mutate(one.as_bytes().to_vec(), other.as_bytes());
        let query = String::from_utf8_lossy(&query);
        if let Ok(search) = Search::parse(&query)
            && search.matches(&alert)
        {
            assert!(search.created().contains(&alert.created) && search.wants("open"), "run {run}: {query}");
        }
    }
}
