//! Groups with the real binaries: alerts join, are told together, leave, and none is lost on the way.

use domain::group::{LISTED, Member};
use domain::incident::{Incident, IncidentId, Status};
use domain::policy::Policy;
use domain::signal::{Action, Signal};
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, policy, signal, standin_with};
use crate::paging::{ask, look};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

/// Every alert in one group, which is looked at without a wait and at every look again.
pub fn grouped(phone: &str, wait: &str) -> Policy {
    let mut text = serde_json::to_value(policy(phone)).unwrap();
    text["routes"] = json!([{ "name": "all", "group": { "by": [], "wait": wait, "interval": "PT0.001S" } }]);
    serde_json::from_value(text).unwrap()
}

/// Alerts, their group, and the functions that they meet.
pub struct World {
    pub standin: Standin,
    pub phone: Phone,
    pub dedup: Function,
    pub route: Function,
    pub page: Function,
}

impl World {
    pub fn new(wait: &str) -> Self {
        let phone = Phone::start();
        let policy = grouped(&phone.address.to_string(), wait);
        Self::with_phone(phone, &policy)
    }

    /// The same with a policy of the test's own, which pages nobody here.
    pub fn with(policy: &Policy) -> Self {
        Self::with_phone(Phone::start(), policy)
    }

    fn with_phone(phone: Phone, policy: &Policy) -> Self {
        let standin = standin_with(policy);
        let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
        let route = function(env!("CARGO_BIN_EXE_route"), &standin, &[]);
        let allow = [("WEBHOOK_ALLOW", phone.address.to_string())];
        let page = function(env!("CARGO_BIN_EXE_page"), &standin, &allow);
        Self { standin, phone, dedup, route, page }
    }

    pub fn take(&self, signals: &[Signal]) {
        let answer = self.dedup.invoke(&batch(signals, 1)).unwrap().unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    /// An alert that fires and is routed, as its own execution does it; its incident.
    pub fn fires(&self, key: &str) -> IncidentId {
        self.fired(key, 0)
    }

    /// The same for one that has fired for so many seconds.
    pub fn fired(&self, key: &str, ago: i64) -> IncidentId {
        let before = self.incidents().iter().filter(|incident| incident.key == key).count();
        self.take(&[signal(&format!("{key}-fires-{before}"), key, Action::Trigger, ago)]);
        let id = self.incident(key).id;
        assert_eq!(self.routes(&id), json!({ "handling": "group", "mode": "execute" }));
        id
    }

    pub fn routes(&self, id: &IncidentId) -> Value {
        self.route.invoke(&look(id, &format!("{id}/route"))).unwrap().unwrap()
    }

    pub fn clears(&self, key: &str) {
        self.take(&[signal(&format!("{key}-clears"), key, Action::Resolve, 0)]);
    }

    pub fn looks(&self, group: &IncidentId, cause: &str) -> Value {
        self.page.invoke(&look(group, cause)).unwrap().unwrap()
    }

    pub fn incidents(&self) -> Vec<Incident> {
        self.standin.world.lock().unwrap().incidents()
    }

    /// The latest incident of an alert.
    pub fn incident(&self, key: &str) -> Incident {
        self.incidents().into_iter().filter(|incident| incident.key == key).max_by_key(|own| own.id.generation).unwrap()
    }

    /// Every incident of the group, the first one first.
    pub fn groups(&self) -> Vec<Incident> {
        self.incidents().into_iter().filter(|incident| incident.group.is_some()).collect()
    }

    pub fn rows(&self, group: &IncidentId) -> Vec<Member> {
        let world = self.standin.world.lock().unwrap();
        let rows = world.tables["state"].iter().filter(|((pk, _), _)| *pk == format!("group#{group}"));
        rows.map(|(_, item)| serde_json::from_str(item["body"]["S"].as_str().unwrap()).unwrap()).collect()
    }

    pub fn executions(&self) -> Vec<String> {
        self.standin.world.lock().unwrap().executions.keys().cloned().collect()
    }

    pub fn get(&self, path: &str) -> Value {
        let api = function(env!("CARGO_BIN_EXE_api"), &self.standin, &[]);
        let headers = [("authorization", format!("Bearer {TOKEN}"))];
        let answer = api.invoke(&gateway("GET", path, &headers, "")).unwrap().unwrap();
        assert_eq!(answer["statusCode"], 200, "{path}: {answer}");
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }
}

#[test]
fn alerts_of_a_group_are_one_page_and_a_second_run_changes_nothing() {
    let world = World::new("PT30S");
    // The last one had waited already, so all of them are told now.
    let ids = [("a", 0), ("b", 0), ("c", 60)].map(|(key, ago)| world.fired(key, ago));
    let group = world.groups().remove(0);
    assert!(world.executions().contains(&group.id.to_string()), "the group has an execution of its own");
    for id in &ids {
        let before = (world.incidents(), world.rows(&group.id), world.executions());
        assert_eq!(world.routes(id), json!({ "handling": "group", "mode": "execute" }));
        assert_eq!((world.incidents(), world.rows(&group.id), world.executions()), before, "again is the same as once");
    }
    assert_eq!(world.rows(&group.id).len(), 3);

    world.looks(&group.id, "g/page/0");
    let pages = world.phone.pages();
    assert_eq!(pages.len(), 1, "three alerts, one page");
    assert_eq!(world.groups()[0].alert.title, "[FIRING:3] all");
    for key in ["a", "b", "c"] {
        let alert = world.incident(key);
        assert_eq!(alert.member_of, Some(group.id.clone()));
        world.looks(&alert.id, "m/page/0");
    }
    assert_eq!(world.phone.pages().len(), 1, "an alert of a group tells nobody by itself");

    // People see the group, and its alerts in it.
    let list = world.get("/v1/incidents");
    let listed: Vec<&Value> = list["incidents"].as_array().unwrap().iter().map(|incident| &incident["id"]).collect();
    assert_eq!(listed, [&json!(group.id)]);
    let shown = world.get(&format!("/v1/incidents/{}", group.id));
    assert_eq!(shown["alerts"], json!({ "firing": 3, "resolved": 0, "muted": 0 }));
    let first = world.get(&format!("/v1/incidents/{}/alerts?limit=2", group.id));
    let rest =
        world.get(&format!("/v1/incidents/{}/alerts?limit=2&cursor={}", group.id, first["next"].as_str().unwrap()));
    assert_eq!((first["alerts"].as_array().unwrap().len(), rest["alerts"].as_array().unwrap().len()), (2, 1));
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(world.get(&format!("/v1/incidents/{}", ids[0]))["member_of"], json!(group.id));
    let story = world.get(&format!("/v1/incidents/{}/timeline", ids[0]));
    assert!(story.to_string().contains(&format!("as an alert of the group {}", group.id)), "{story}");
    let story = world.get(&format!("/v1/incidents/{}/timeline", group.id));
    assert!(story.to_string().contains("The group has 3 alerts firing: this is told"), "{story}");
}

#[test]
fn what_is_over_leaves_and_the_last_one_ends_the_group() {
    let world = World::new("PT0S");
    world.fires("a");
    world.fires("b");
    let group = world.groups().remove(0).id;
    world.looks(&group, "g/page/0");
    world.clears("a");
    world.looks(&group, "g/page/1");
    assert_eq!(world.rows(&group).len(), 1, "it left");
    assert_eq!(world.phone.pages().len(), 2, "it is told that one is over");
    assert_eq!(world.groups()[0].alert.title, "[FIRING:1] all");
    world.clears("b");
    assert_eq!(world.looks(&group, "g/page/2")["over"], "resolved");
    assert!(world.rows(&group).is_empty());
    let last = world.get(&format!("/v1/incidents/{group}/alerts"));
    assert_eq!(
        (&last["alerts"][0]["title"], &last["alerts"][0]["status"]),
        (&json!("Checkout fails"), &json!("resolved"))
    );
    let ended = world.groups().remove(0);
    assert_eq!((ended.status, ended.alert.title.as_str()), (Status::Resolved, "[RESOLVED] all"));

    // C13: what fires after that is the next incident of the group.
    world.fired("a", -1);
    let groups = world.groups();
    assert_eq!((groups.len(), groups[1].id.generation, groups[1].follows.is_some()), (2, 2, true));
}

#[test]
fn c14_what_was_over_before_it_was_routed_pages_nobody() {
    let world = World::new("PT0S");
    world.take(&[signal("a1", "a", Action::Trigger, 5)]);
    let id = world.incident("a").id;
    world.clears("a");
    assert_eq!(world.routes(&id), json!({ "handling": "group", "mode": "execute" }));
    assert!(world.groups().is_empty());
}

#[test]
fn j12_a_thousand_alerts_are_one_page_that_lists_the_newest() {
    let world = World::new("PT0S");
    world.fires("a");
    let group = world.groups().remove(0).id;
    let first = world.rows(&group).remove(0);
    {
        let mut state = world.standin.world.lock().unwrap();
        let key = (format!("group#{group}"), first.incident.fingerprint.to_string());
        let table = state.table(&json!("state"));
        let item = table[&key].clone();
        for n in 0..999 {
            let fingerprint = domain::fingerprint::Fingerprint::of("pagerduty", &format!("storm{n}"));
            let incident = IncidentId { fingerprint: fingerprint.clone(), generation: 1 };
            let mut item = item.clone();
            let member = Member { incident, ..first.clone() };
            item["body"] = json!({ "S": serde_json::to_string(&member).unwrap() });
            table.insert((key.0.clone(), fingerprint.to_string()), item);
        }
    }
    world.looks(&group, "g/page/0");
    assert_eq!(world.phone.pages().len(), 1);
    let told = world.groups().remove(0);
    let state = told.group.as_ref().unwrap();
    assert_eq!((state.firing, state.alerts.len(), state.unlisted()), (1000, LISTED, 1000 - LISTED as u64));
    assert!(serde_json::to_string(&told).unwrap().len() < 20_000, "the incident stays small");
    world.looks(&group, "g/page/1");
    assert_eq!(world.phone.pages().len(), 1, "nothing changed, so nobody is told");
}

#[test]
fn whoever_answers_for_an_alert_answers_for_its_group_and_its_end_ends_every_alert() {
    let world = World::new("PT0S");
    let alert = world.fires("a");
    world.fires("b");
    let group = world.groups().remove(0).id;
    world.looks(&group, "g/page/0");
    let respond = function(env!("CARGO_BIN_EXE_respond"), &world.standin, &[]);
    let answer = respond.invoke(&ask(&alert, "acknowledge", "ana")).unwrap().unwrap();
    assert!(answer["body"].as_str().unwrap().contains(&group.to_string()), "{answer}");
    assert_eq!(world.groups()[0].status, Status::Acknowledged);
    assert_eq!(world.incident("a").status, Status::Triggered);

    respond.invoke(&ask(&alert, "resolve", "ana")).unwrap().unwrap();
    let looks: Vec<String> = world.executions().into_iter().filter(|name| name.contains("look")).collect();
    assert_eq!(looks.len(), 1, "its alerts are ended at once");
    assert_eq!(world.looks(&group, &looks[0])["over"], "resolved");
    for key in ["a", "b"] {
        let ended = world.incident(key);
        assert_eq!((ended.status, ended.resolution.unwrap().by.name()), (Status::Resolved, "ana"));
    }
    assert!(world.rows(&group).is_empty());
    assert_eq!(world.phone.pages().len(), 1);
}

#[test]
fn an_alert_that_reaches_a_group_as_it_ends_is_taken_to_the_next_one() {
    let world = World::new("PT0S");
    world.fires("a");
    let group = world.groups().remove(0).id;
    world.looks(&group, "g/page/0");
    world.clears("a");
    // The group ends, and whoever ended it is killed before it looked for others.
    let phone = [("WEBHOOK_ALLOW", world.phone.address.to_string())];
    let killed = function(env!("CARGO_BIN_EXE_page"), &world.standin, &phone);
    world.standin.kills(killed.killer());
    world.standin.breaks(|_, name| if name.ends_with("DeleteItem") { Fault::KilledBefore } else { Fault::None });
    killed.invoke(&look(&group, "g/page/1"));
    world.standin.breaks(|_, _| Fault::None);
    assert_eq!(world.groups()[0].status, Status::Resolved);

    // Another alert was on its way there, and only its row arrived.
    let late = world.fires("b");
    let second = world.groups().remove(1).id;
    {
        let mut state = world.standin.world.lock().unwrap();
        let table = state.table(&json!("state"));
        let key = |group: &IncidentId| (format!("group#{group}"), late.fingerprint.to_string());
        let row = table.remove(&key(&second)).unwrap();
        table.insert(key(&group), row);
    }
    assert_eq!(world.looks(&group, "g/page/1")["over"], "resolved");
    assert!(world.rows(&group).is_empty());
    assert_eq!(world.rows(&second).iter().map(|row| row.incident.clone()).collect::<Vec<_>>(), [late]);
    world.looks(&second, "g2/page/0");
    assert_eq!(world.phone.pages().len(), 2);
}

#[test]
fn an_alert_that_had_waited_already_hurries_the_group() {
    let world = World::new("PT30S");
    world.fires("a");
    let group = world.groups().remove(0).id;
    let enrich = function(env!("CARGO_BIN_EXE_enrich"), &world.standin, &[]);
    enrich.invoke(&look(&group, "g/enrich")).unwrap().unwrap();
    world.looks(&group, "g/page/0");
    assert!(world.phone.pages().is_empty(), "it waits for others");
    world.fired("old", 60);
    let looks: Vec<String> = world.executions().into_iter().filter(|name| name.contains("look")).collect();
    assert_eq!(looks.len(), 1);
    world.looks(&group, &looks[0]);
    assert_eq!(world.phone.pages().len(), 1);
    assert_eq!(world.groups()[0].alert.title, "[FIRING:2] all");
}

/// Hands `event` to a new function whose `broken`-th call is broken by `fault`; whether it got that far.
pub fn break_at(world: &World, binary: &str, fault: Fault, broken: usize, event: &Value) -> bool {
    let phone = [("WEBHOOK_ALLOW", world.phone.address.to_string())];
    let function = function(binary, &world.standin, &phone);
    let reached = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hit = std::sync::Arc::clone(&reached);
    world.standin.kills(function.killer());
    world.standin.breaks(move |call, _| {
        hit.fetch_or(call == broken, std::sync::atomic::Ordering::SeqCst);
        if call == broken { fault } else { Fault::None }
    });
    function.invoke(event);
    world.standin.breaks(|_, _| Fault::None);
    reached.load(std::sync::atomic::Ordering::SeqCst)
}

#[test]
fn route_broken_at_any_call_still_brings_the_alert_into_one_group_with_one_execution() {
    let mut cases = 0;
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost] {
        for broken in 0..40 {
            let world = World::new("PT0S");
            world.take(&[signal("a1", "a", Action::Trigger, 0)]);
            let id = world.incident("a").id;
            let event = look(&id, "e/route");
            if !break_at(&world, env!("CARGO_BIN_EXE_route"), fault, broken, &event) {
                break;
            }
            cases += 1;
            assert_eq!(world.route.invoke(&event).unwrap().unwrap(), json!({ "handling": "group", "mode": "execute" }));
            let groups = world.groups();
            assert_eq!(groups.len(), 1, "{fault:?} at call {broken}");
            assert_eq!(world.incident("a").member_of, Some(groups[0].id.clone()), "{fault:?} at call {broken}");
            assert_eq!(world.rows(&groups[0].id).len(), 1, "{fault:?} at call {broken}");
            assert!(world.executions().contains(&groups[0].id.to_string()), "{fault:?} at call {broken}");
        }
    }
    assert!(cases >= 20, "{cases}");
}

#[test]
fn dedup_and_page_broken_at_any_call_still_tell_of_the_end_of_an_alert() {
    let mut cases = 0;
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost] {
        for broken in 0..40 {
            let world = World::new("PT0S");
            world.fires("a");
            let group = world.groups().remove(0).id;
            world.looks(&group, "g/page/0");
            let clears = [signal("r", "a", Action::Resolve, 0)];
            let in_dedup = break_at(&world, env!("CARGO_BIN_EXE_dedup"), fault, broken, &batch(&clears, 1));
            world.dedup.invoke(&batch(&clears, 2)).unwrap().unwrap();
            assert!(world.rows(&group)[0].cleared_at.is_some(), "{fault:?} at call {broken}");
            let event = look(&group, "g/page/1");
            let in_page = break_at(&world, env!("CARGO_BIN_EXE_page"), fault, broken, &event);
            assert_eq!(world.page.invoke(&event).unwrap().unwrap()["over"], "resolved", "{fault:?} at call {broken}");
            assert!(world.rows(&group).is_empty(), "{fault:?} at call {broken}");
            assert_eq!(world.phone.pages().len(), 1, "{fault:?} at call {broken}: nobody is paged for an end");
            if !in_dedup && !in_page {
                break;
            }
            cases += 1;
        }
    }
    assert!(cases >= 15, "{cases}");
}
