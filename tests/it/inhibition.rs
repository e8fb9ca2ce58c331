//! Inhibition with the real binaries: who is kept quiet, and that nobody stays so.

use domain::signal::{Action, Signal};
use serde_json::json;

use crate::cases::{batch, function, signal, standin_with};
use crate::grouping::{World, break_at, grouped};
use crate::paging::{ask, look};
use crate::standin::Fault;

/// A world with one rule: a cluster that is down keeps its pods quiet.
fn inhibited(in_a_group: bool) -> World {
    let mut world = World::new("PT0S");
    let mut text = serde_json::to_value(grouped(&world.phone.address.to_string(), "PT0S")).unwrap();
    if !in_a_group {
        text["routes"] = json!([]);
    }
    let matcher = |value: &str| json!([{ "name": "kind", "value": value, "isRegex": false, "isEqual": true }]);
    text["inhibitions"] = json!([{ "name": "cluster down", "source": matcher("cluster"), "target": matcher("pod"), "equal": ["cluster"] }]);
    world.standin = standin_with(&serde_json::from_value(text).unwrap());
    world.dedup = function(env!("CARGO_BIN_EXE_dedup"), &world.standin, &[]);
    world.route = function(env!("CARGO_BIN_EXE_route"), &world.standin, &[]);
    let allow = [("WEBHOOK_ALLOW", world.phone.address.to_string())];
    world.page = function(env!("CARGO_BIN_EXE_page"), &world.standin, &allow);
    world
}

/// What fires in a cluster.
fn labelled(key: &str, kind: &str, cluster: &str) -> Signal {
    let mut fires = signal(&format!("{key}-fires"), key, Action::Trigger, 0);
    let labels = [("kind", kind), ("cluster", cluster)];
    fires.alert.labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    fires
}

#[test]
fn an_alert_that_another_keeps_quiet_pages_as_soon_as_that_one_is_over() {
    for by_person in [false, true] {
        let world = inhibited(false);
        world.take(&[labelled("eu", "cluster", "eu"), labelled("pod", "pod", "eu"), labelled("other", "pod", "us")]);
        let [source, pod, other] = ["eu", "pod", "other"].map(|key| world.incident(key).id);
        assert_eq!(world.routes(&source), json!({ "handling": "page", "mode": "execute" }));
        assert_eq!(world.routes(&pod), json!({ "handling": "suppress", "mode": "execute" }));
        assert_eq!(
            world.routes(&pod),
            json!({ "handling": "suppress", "mode": "execute" }),
            "again is the same as once"
        );
        assert_eq!(world.routes(&other), json!({ "handling": "page", "mode": "execute" }), "another cluster");
        assert_eq!(world.incident("pod").inhibited_by, Some(source.clone()));
        world.looks(&pod, "p/page/0");
        assert!(world.phone.pages().is_empty());

        if by_person {
            let respond = function(env!("CARGO_BIN_EXE_respond"), &world.standin, &[]);
            respond.invoke(&ask(&source, "resolve", "ana")).unwrap().unwrap();
        } else {
            world.clears("eu");
        }
        let looks: Vec<String> = world.executions().into_iter().filter(|name| name.contains("look")).collect();
        assert_eq!(looks.len(), 1, "it is looked at again, and the other is not");
        assert!(looks[0].starts_with(&pod.to_string()));
        let event = look(&pod, &looks[0]);
        assert_eq!(world.route.invoke(&event).unwrap().unwrap(), json!({ "handling": "page", "mode": "execute" }));
        world.looks(&pod, &looks[0]);
        assert_eq!(world.phone.pages().len(), 1);
        let story = world.get(&format!("/v1/incidents/{pod}/timeline")).to_string();
        assert!(story.contains("the inhibition `cluster down` says so"), "{story}");
        assert!(story.contains("Nothing keeps it quiet any more"), "{story}");
    }
}

#[test]
fn the_alerts_of_a_group_that_another_keeps_quiet_are_left_out_until_it_is_over() {
    let world = inhibited(true);
    world.take(&[labelled("eu", "cluster", "eu"), labelled("pod", "pod", "eu")]);
    for key in ["eu", "pod"] {
        assert_eq!(world.routes(&world.incident(key).id), json!({ "handling": "group", "mode": "execute" }));
    }
    let group = world.groups().remove(0).id;
    world.looks(&group, "g/page/0");
    let told = world.groups().remove(0);
    assert_eq!((told.alert.title.as_str(), told.group.unwrap().muted), ("[FIRING:1] all", 1));
    world.clears("eu");
    world.looks(&group, "g/page/1");
    let told = world.groups().remove(0);
    let listed: Vec<bool> = told.group.unwrap().alerts.iter().map(|alert| alert.resolved).collect();
    assert_eq!((told.alert.title.as_str(), listed), ("[FIRING:1] all", vec![false, true]));
    assert_eq!(world.phone.pages().len(), 2);
}

#[test]
fn route_and_dedup_broken_at_any_call_leave_nobody_quiet_for_ever() {
    let mut cases = 0;
    for fault in [Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost] {
        for broken in 0..40 {
            let world = inhibited(false);
            world.take(&[labelled("eu", "cluster", "eu"), labelled("pod", "pod", "eu")]);
            let [source, pod] = ["eu", "pod"].map(|key| world.incident(key).id);
            world.routes(&source);
            let event = look(&pod, "p/route");
            let in_route = break_at(&world, env!("CARGO_BIN_EXE_route"), fault, broken, &event);
            assert_eq!(
                world.route.invoke(&event).unwrap().unwrap(),
                json!({ "handling": "suppress", "mode": "execute" })
            );
            let clears = batch(&[signal("r", "eu", Action::Resolve, 0)], 1);
            let in_dedup = break_at(&world, env!("CARGO_BIN_EXE_dedup"), fault, broken, &clears);
            world.dedup.invoke(&batch(&[signal("r", "eu", Action::Resolve, 0)], 2)).unwrap().unwrap();
            let look_name = world.executions().into_iter().find(|name| name.starts_with(&format!("{pod}-look")));
            let event = look(&pod, &look_name.unwrap_or_else(|| panic!("{fault:?} at call {broken}: it stays quiet")));
            break_at(&world, env!("CARGO_BIN_EXE_route"), fault, broken, &event);
            let released = world.route.invoke(&event).unwrap().unwrap();
            assert_eq!(released, json!({ "handling": "page", "mode": "execute" }), "{fault:?} at call {broken}");
            if !in_route && !in_dedup {
                break;
            }
            cases += 1;
        }
    }
    assert!(cases >= 15, "{cases}");
}
