//! Promises about routing: who is told, what the reason says, and that it always ends in somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::Context;
use cel::parser::PrattParser;
use proptest::prelude::*;

use super::condition::Condition;
use super::*;
use crate::enrich::{Change, Enrichment, enrich};
use crate::expression::LONGEST;
use crate::fingerprint::Fingerprint;
use crate::incident::IncidentId;
use crate::policy::{Route, parse};
use crate::signal::{Alert, Severity};

const POLICY: &str = r#"
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
teams:
  platform: { members: [ana], escalation: platform }
  data: { members: [ana] }
escalations:
  platform: { steps: [{ notify: [person:ana], wait: 5m }], acknowledgement_expires: 4h }
  loud: { steps: [{ notify: [person:ana], wait: 1m }] }
  all: { steps: [{ notify: [person:ana], wait: 5m }] }
catch_all: { escalation: all }
services:
  checkout: { team: platform, tier: 1 }
  warehouse: { team: data }
routes:
  - { name: everything, continue: true, level: SEV3 }
  - { name: noise, when: 'alert.labels.noise == "yes"', action: suppress }
  - { name: broken, when: 'int(alert.labels.count) > 3', escalation: loud }
  - name: production
    when: alert.labels.env == "prod"
    routes:
      - { name: mentioned, when: 'alert.title.contains("checkout")', service: checkout, continue: true }
      - { name: hurts, when: 'alert.severity == "critical"', level: SEV1, escalation: loud }
      - { name: rest, level: SEV2 }
  - { name: trend, when: 'alert.severity == "info"', action: record }
  - { name: slow, when: 'has(alert.labels.slow)', action: ticket, notify: [person:ana] }
"#;

fn policy() -> Policy {
    parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0
}

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().expect("an instant")
}

/// An incident whose alert says `service` and has these labels.
fn incident(severity: Severity, title: &str, service: Option<&str>, labels: &[(&str, &str)]) -> Incident {
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
    incident.integration = "pd".to_owned();
    incident.key = "k".to_owned();
    incident.alert = Alert {
        title: title.to_owned(),
        severity,
        source: "db-1".to_owned(),
        service: service.map(str::to_owned),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Alert::default()
    };
    incident
}

fn decide_for(incident: &Incident) -> Decision {
    let policy = policy();
    decide(incident, &policy, &policy.hash(), now())
}

#[test]
fn whoever_is_told_is_who_the_routes_say_and_the_reason_says_why() {
    use Severity::{Critical, Error, Info};
    // What the alert says, then the handling, the escalation, the level and the reason.
    #[expect(clippy::type_complexity, reason = "a table")]
    let table: &[(Severity, &str, Option<&str>, &[(&str, &str)], &str)] = &[
        (
            Error,
            "t",
            Some("checkout"),
            &[],
            "Page platform SEV3: route `everything` matched (it matches everything), so team platform's escalation `platform` is told",
        ),
        (
            Error,
            "t",
            Some("checkout"),
            &[("env", "prod")],
            "Page platform SEV2: routes `everything`, `production` and `production / rest` matched (the last: it matches everything), so team platform's escalation `platform` is told",
        ),
        (
            Critical,
            "checkout is down",
            None,
            &[("env", "prod")],
            "Page loud SEV1: routes `everything`, `production`, `production / mentioned` and `production / hurts` matched (the last: alert.severity == \"critical\"), so escalation `loud` is told",
        ),
        (
            Error,
            "checkout is slow",
            None,
            &[("env", "prod")],
            "Page platform SEV2: routes `everything`, `production`, `production / mentioned` and `production / rest` matched (the last: it matches everything), so team platform's escalation `platform` is told",
        ),
        (
            Error,
            "t",
            None,
            &[],
            "Page all SEV3 by the catch-all: route `everything` matched (it matches everything), so the catch-all escalation `all` is told: nothing says which service it concerns",
        ),
        (
            Error,
            "t",
            Some("unheard"),
            &[],
            "Page all SEV3 by the catch-all: route `everything` matched (it matches everything), so the catch-all escalation `all` is told: service `unheard` is not in the policy",
        ),
        (
            Error,
            "t",
            Some("warehouse"),
            &[],
            "Page all SEV3 by the catch-all: route `everything` matched (it matches everything), so the catch-all escalation `all` is told: team data, which owns `warehouse`, has no escalation",
        ),
        (
            Info,
            "t",
            Some("checkout"),
            &[],
            "Record platform SEV3: routes `everything` and `trend` matched (the last: alert.severity == \"info\"), so it is recorded and nobody is told",
        ),
        (
            Error,
            "t",
            Some("checkout"),
            &[("noise", "yes"), ("env", "prod")],
            "Suppress platform SEV3: routes `everything` and `noise` matched (the last: alert.labels.noise == \"yes\"), so it counts as known noise and nobody is told",
        ),
        (
            Error,
            "t",
            Some("checkout"),
            &[("slow", "")],
            "Ticket platform SEV3: routes `everything` and `slow` matched (the last: has(alert.labels.slow)), so `person:ana` is told once, as a ticket",
        ),
    ];
    for (severity, title, service, labels, said) in table {
        let made = decide_for(&incident(*severity, title, *service, labels));
        let level = made.level.map(|level| format!("{level:?}").to_uppercase()).unwrap_or_default();
        let catch_all = if made.catch_all { " by the catch-all" } else { "" };
        assert_eq!(format!("{:?} {} {level}{catch_all}: {}", made.handling, made.escalation, made.why), *said);
    }
}

#[test]
fn b20_a_condition_that_fails_matches_nothing_and_stops_nothing() {
    let made = decide_for(&incident(Severity::Error, "t", Some("checkout"), &[("count", "many")]));
    assert_eq!(made.handling, Handling::Page);
    let looked: Vec<(&str, bool)> = made.trace.iter().map(|looked| (looked.route.as_str(), looked.matched)).collect();
    let expected = [
        ("everything", true),
        ("noise", false),
        ("broken", false),
        ("production", false),
        ("trend", false),
        ("slow", false),
    ];
    assert_eq!(looked, expected);
    assert_eq!(made.trace[1].result, "did not match: there is no `alert.labels.noise`");
    assert!(
        made.trace[2].result.starts_with("did not match, as its condition could not be evaluated"),
        "{:?}",
        made.trace
    );
}

#[test]
fn a_policy_that_was_never_checked_still_pages_the_catch_all() {
    let mut broken = policy();
    broken.routes[1].when = Some("alert.".to_owned());
    broken.routes[0].escalation = Some("gone".to_owned());
    let made = decide(&incident(Severity::Error, "t", None, &[]), &broken, &broken.hash(), now());
    assert!(made.catch_all);
    assert_eq!(made.escalation, "all");
    assert!(made.why.ends_with("the escalation it names does not exist"), "{}", made.why);
}

#[test]
fn the_finest_route_that_says_a_mode_decides_it_and_else_the_service_does() {
    use Mode::{Execute, Simulate};
    // What the service says, then `production`, then `production / rest`; then what that comes to.
    let table = [
        ([None, None, None], Execute),
        ([Some(Simulate), None, None], Simulate),
        ([None, Some(Simulate), None], Simulate),
        ([None, Some(Simulate), Some(Execute)], Execute),
        ([Some(Simulate), Some(Execute), None], Execute),
        ([Some(Execute), None, Some(Simulate)], Simulate),
    ];
    for ([of_service, of_parent, of_child], mode) in table {
        let mut policy = policy();
        policy.services.get_mut("checkout").expect("it is there").mode = of_service;
        policy.routes[3].mode = of_parent;
        policy.routes[3].routes[2].mode = of_child;
        let incident = incident(Severity::Error, "t", Some("checkout"), &[("env", "prod")]);
        let made = decide(&incident, &policy, &policy.hash(), now());
        assert_eq!((made.mode, made.handling), (mode, Handling::Page), "{of_service:?} {of_parent:?} {of_child:?}");
        assert_eq!(made.why.contains("only simulated"), mode == Simulate, "{}", made.why);
        let text = serde_json::to_string(&made).expect("plain JSON");
        assert_eq!(text.contains("\"mode\""), mode == Simulate, "a decision of before reads and writes as it did");
    }
}

#[test]
fn l08_when_routing_itself_fails_the_catch_all_is_paged() {
    let policy = policy();
    let made =
        fallback(&incident(Severity::Info, "t", None, &[]), &policy, &policy.hash(), now(), "the policy is gone");
    assert_eq!((made.handling, made.catch_all, made.escalation.as_str()), (Handling::Page, true, "all"));
    assert_eq!(made.why, "routing failed (the policy is gone), so the catch-all escalation `all` is paged");
}

#[test]
fn only_a_page_lets_an_acknowledgement_expire() {
    let page = decide_for(&incident(Severity::Error, "t", Some("checkout"), &[]));
    assert_eq!(page.acknowledgement_expires, Some(SignedDuration::from_hours(4)));
    let ticket = decide_for(&incident(Severity::Error, "t", Some("checkout"), &[("slow", "")]));
    assert_eq!(ticket.acknowledgement_expires, None);
}

#[test]
fn the_owner_that_was_looked_up_counts_before_the_senders_word() {
    let mut known = incident(Severity::Error, "t", Some("unheard"), &[]);
    let found = Enrichment {
        service: Some("checkout".to_owned()),
        team: Some("platform".to_owned()),
        tier: Some(1),
        ..Enrichment::default()
    };
    known.enrichment = Some(found);
    let made = decide_for(&known);
    assert_eq!((made.service.as_deref(), made.team.as_deref()), (Some("checkout"), Some("platform")));
    assert!(!made.catch_all);
}

#[test]
fn the_same_incident_policy_and_clock_give_the_same_bytes() {
    let labels: Vec<(String, String)> = (0..64).map(|n| (format!("label{n}"), format!("value{n}"))).collect();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let incident = incident(Severity::Error, "t", Some("checkout"), &labels);
    let mut policy = policy();
    policy.routes[2].when = Some("alert.labels.exists(name, int(alert.labels[name]) > 3)".to_owned());
    let bytes = || serde_json::to_string(&decide(&incident, &policy, &policy.hash(), now())).expect("plain JSON");
    let first = bytes();
    for _ in 0..20 {
        assert_eq!(bytes(), first);
    }
    let made: Decision = serde_json::from_str(&first).expect("its own form");
    assert_eq!(serde_json::to_string(&made).expect("plain JSON"), first);
}

#[test]
fn a_trace_is_bounded_and_counts_what_it_leaves_out() {
    let mut policy = policy();
    let route = policy.routes[1].clone();
    policy.routes = (0..1000).map(|n| Route { name: format!("r{n}"), ..route.clone() }).collect();
    let made = decide(&incident(Severity::Error, "t", None, &[]), &policy, &policy.hash(), now());
    assert_eq!(made.trace.len(), TRACED + 1);
    assert_eq!(made.trace[TRACED].result, "936 more did not match");
}

#[test]
fn b20_a_condition_that_cannot_work_is_refused_with_a_fix() {
    let long = format!("alert.title == \"{}\"", "x".repeat(LONGEST));
    let chain = format!("{}1 == 2", "1 + ".repeat(60));
    let table: &[(&str, &str)] = &[
        ("alert.", "does not compile: expected identifier after '.' at line 1, column 7"),
        ("alert.title ==\n  == 1", "at line 2, column 3"),
        ("", "does not compile"),
        ("alrt.title == \"x\"", "unknown variable: `alrt`"),
        ("alert.labls.env == \"x\"", "unknown field of `alert`: `labls`"),
        ("incident.tear == 1", "unknown field of `incident`: `tear`"),
        ("alert.title.matches(\"x.*\")", "unknown function: `matches`"),
        ("alert.title.startswith(\"x\")", "unknown function: `startswith`"),
        ("alert.title", "gives string, not true or false"),
        ("alert.severity > 3", "can never be evaluated"),
        ("incident.tier == 1 && alert.title < 4", "can never be evaluated"),
        ("alert.labels.all(a, alert.labels.all(b, a == b))", "a loop within a loop"),
        ("alert.labels.map(name, name)[0] == \"env\"", "makes a list"),
        ("size(alert.labels.filter(name, true)) > 3", "makes a list"),
        (&chain, "nested more than"),
        ("{\"a\": 1}.size() == 1", "makes a map"),
        (&long, "1024 are the most"),
    ];
    let sample = Sample::default();
    for (text, said) in table {
        let invalid = Condition::compile(text).and_then(|condition| condition.try_out(&sample)).expect_err(text);
        assert!(invalid.what.contains(said), "{text}: {invalid}");
        assert!(!invalid.fix.is_empty());
    }
}

#[test]
fn a_condition_says_of_an_alert_what_cel_says() {
    // Holds, does not hold, or (`None`) speaks of what is not there.
    let table = [
        ("alert.labels.env == \"prod\"", true),
        ("\"prod\" == alert.labels[\"env\"]", true),
        ("alert.labels.env == \"prod\" && alert.severity == \"critical\"", true),
        ("alert.labels.env == \"prod\" && alert.severity == \"info\"", false),
        ("alert.labels.none == \"x\"", false),
        ("alert.labels.none != \"x\"", false),
        ("has(alert.labels.none)", false),
        ("has(alert.labels.env)", true),
        ("!has(alert.labels.none) || alert.labels.none == \"x\"", true),
        ("\"env\" in alert.labels", true),
        ("alert.severity in [\"critical\", \"error\"]", true),
        ("alert.title.startsWith(\"CPU\") && alert.title.endsWith(\"high\")", true),
        ("size(alert.labels) == 2", true),
        ("alert.labels.exists(name, alert.labels[name] == \"blue\")", true),
        ("alert.labels.all(name, name.contains(\"e\"))", false),
        ("alert.service == \"x\"", false),
        ("has(alert.service)", false),
        ("incident.tier <= 2", true),
        (
            "incident.team == \"platform\" && alert.integration == \"pd\" && alert.key == \"k\" && alert.source == \"db-1\"",
            true,
        ),
        ("int(alert.labels.env) > 3", false),
        ("true", true),
    ];
    let mut incident = incident(Severity::Critical, "CPU is high", None, &[("env", "prod"), ("color", "blue")]);
    let found = Enrichment { team: Some("platform".to_owned()), tier: Some(2), ..Enrichment::default() };
    incident.enrichment = Some(found);
    let mut policy = policy();
    for (text, holds) in table {
        Condition::compile(text).and_then(|condition| condition.try_out(&Sample::default())).expect(text);
        policy.routes.truncate(1);
        policy.routes[0].when = Some(text.to_owned());
        let made = decide(&incident, &policy, &policy.hash(), now());
        assert_eq!(made.trace[0].matched, holds, "{text}: {:?}", made.trace);
    }
}

/// A comparison as people write it, about labels that may or may not be there.
fn comparison() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "alert.labels.env",
        "alert.labels[\"env\"]",
        "alert.labels.none",
        "alert.severity",
        "alert.service",
        "incident.team",
    ]);
    let value = prop::sample::select(vec!["prod", "critical", "platform", "other"]);
    (field, value, 0..3u8).prop_map(|(field, value, form)| match form {
        0 => format!("{field} == \"{value}\""),
        1 => format!("\"{value}\" == {field}"),
        _ => format!("{field} != \"{value}\""),
    })
}

fn condition_text() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            1 => inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

#[test]
fn l09_the_deepest_condition_that_fits_does_not_exhaust_the_stack() {
    let around =
        |open: &str, close: &str| format!("{}true{}", open.repeat(500 / open.len()), close.repeat(500 / open.len()));
    for text in [
        around("(", ")"),
        around("[", "]"),
        around("!", ""),
        around("!(", ")"),
        around("true && ", ""),
        around("1 + ", ""),
    ] {
        if let Ok(condition) = Condition::compile(&text) {
            let _ = condition.try_out(&Sample::default());
        }
    }
}

proptest! {
    #[test]
    fn what_is_compared_directly_comes_out_as_cel_has_it(text in condition_text()) {
        let incident = incident(Severity::Critical, "t", None, &[("env", "prod")]);
        let mut policy = policy();
        policy.routes.truncate(1);
        policy.routes[0].when = Some(text.clone());
        let made = decide(&incident, &policy, &policy.hash(), now());

        let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
        let labels: std::collections::HashMap<_, _> = labels.into_iter().collect();
        let mut context = Context::with_env(Arc::new(cel::Env::stdlib()));
        let alert = std::collections::HashMap::from([("labels", cel::Value::from(labels)), ("severity", "critical".into())]);
        context.add_variable_from_value("alert", alert);
        context.add_variable_from_value("incident", std::collections::HashMap::<&str, cel::Value>::new());
        let expression = PrattParser::default().parse(&text).expect("a condition");
        let plainly = matches!(context.resolve(&expression), Ok(cel::Value::Bool(true)));
        prop_assert_eq!(made.trace[0].matched, plainly, "{}", text);
    }

    #[test]
    fn both_of_cels_parsers_read_a_condition_alike(text in condition_text(), cut in 0..200usize, junk in "[ -~]{0,3}") {
        // The smaller parser is the newer one; where they differ, conditions would mean something else to other tools.
        let damaged = format!("{}{junk}", &text[..cut.min(text.len())]);
        for text in [&text, &damaged] {
            let ours = PrattParser::default().parse(text);
            let other = cel::Program::compile(text);
            prop_assert_eq!(ours.is_ok(), other.is_ok(), "{}", text);
            if let (Ok(ours), Ok(other)) = (ours, other) {
                let [ours, other] = [&ours.expr, &other.expression().expr].map(|tree| without_ids(&format!("{tree:?}")));
                prop_assert_eq!(ours, other, "{}", text);
            }
        }
    }

    #[test]
    fn no_text_makes_compiling_panic(text in "[ -~\n]{0,80}|[(\\[!a.&|\"-]{0,200}|\\PC{0,60}") {
        if let Ok(condition) = Condition::compile(&text) {
            let _ = condition.try_out(&Sample::default());
        }
    }
}

/// A tree without the numbers of its nodes, which each parser gives out in its own order.
fn without_ids(tree: &str) -> String {
    let mut parts = tree.split("id: ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit())));
    out
}

#[test]
fn a_level_means_what_the_ladder_says_unless_a_route_says_otherwise() {
    let ladder = "ladder: { SEV1: { bridge: https://meet.example.com/1 }, SEV3: { action: ticket, follow_up: 1h } }\n";
    let climb = parse(&format!("{POLICY}{ladder}")).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    let hours = |count| Some(SignedDuration::from_hours(count));
    let table = [
        (incident(Severity::Critical, "a", None, &[("env", "prod")]), Handling::Page, None, true, "so escalation"),
        (incident(Severity::Error, "b", None, &[("env", "prod")]), Handling::Ticket, hours(4), false, "makes it SEV2"),
        (incident(Severity::Error, "c", None, &[]), Handling::Ticket, hours(1), false, "makes it SEV3"),
        (incident(Severity::Info, "d", None, &[]), Handling::Record, hours(1), false, "it is recorded"),
    ];
    for (incident, handling, follow_up, bridge, why) in table {
        let decision = decide(&incident, &climb, &climb.hash(), now());
        let rung = decision.rung.expect("each has a level");
        assert_eq!((decision.handling, rung.follow_up, rung.bridge.is_some()), (handling, follow_up, bridge));
        assert!(decision.why.contains(why), "{}", decision.why);
        // Without the section a level is a word alone.
        assert_eq!(decide_for(&incident).rung, None);
    }
}

#[test]
fn alerts_that_stem_from_one_change_are_grouped_and_one_without_a_change_is_told_alone() {
    let routes = "routes: [{ name: changes, group: { by: [change, service, severity] } }]\n";
    let text = format!("{}{routes}", POLICY.split("routes:\n").next().unwrap_or_default());
    let policy = parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    let deploy = |minutes: i64, href: Option<&str>| Change {
        at: now() - SignedDuration::from_mins(minutes),
        title: "Deploy 7".to_owned(),
        href: href.map(str::to_owned),
    };
    // What was changed before, the latest first; then the group's `change`.
    let table: &[(&[Change], Option<&str>)] = &[
        (&[], None),
        (&[deploy(31, None)], None),
        (&[deploy(30, None)], Some("Deploy 7")),
        (&[deploy(-1, None), deploy(5, Some("https://ci.example.com/7"))], Some("https://ci.example.com/7")),
    ];
    for (changes, change) in table {
        let mut alert = incident(Severity::Error, "t", Some("checkout"), &[]);
        alert.enrichment = Some(enrich(&alert, &policy, changes.to_vec(), Vec::new()));
        let group = decide(&alert, &policy, &policy.hash(), now()).group;
        let labels = group.map(|group| group.labels);
        assert_eq!(labels.as_ref().map(|labels| labels["change"].as_str()), *change, "{changes:?}");
        // What no label says is known of the alert all the same.
        let known = labels.map(|labels| (labels["service"].clone(), labels["severity"].clone()));
        assert!(known.is_none_or(|known| known == ("checkout".to_owned(), "error".to_owned())));
    }
    let mut labelled = incident(Severity::Error, "t", None, &[("change", "v7")]);
    labelled.enrichment = None;
    let group = decide(&labelled, &policy, &policy.hash(), now()).group.expect("its own label");
    assert_eq!(group.labels["change"], "v7");
}

#[test]
fn an_alert_is_grouped_as_the_finest_routes_say_together() {
    const ROUTES: &str = r#"
routes:
  - name: grouped
    when: alert.labels.env == "prod"
    group: { by: [alertname, cluster], wait: 10s }
    routes:
      - { name: finer, when: 'alert.labels.finer == "yes"', group: { interval: 1m } }
      - { name: every, when: 'alert.labels.every == "yes"', group: { by: [...] } }
      - { name: one, when: 'alert.labels.one == "yes"', group: { by: [] } }
      - { name: quiet, when: 'alert.labels.quiet == "yes"', action: record }
"#;
    let text = format!("{}{ROUTES}", POLICY.split("routes:\n").next().unwrap_or_default());
    let policy = parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    let times = |wait: i64, interval: i64| (wait, interval, 4 * 3600);
    // The labels of an alert, then the group's key and its times.
    #[expect(clippy::type_complexity, reason = "a table")]
    let table: &[(&[(&str, &str)], Option<(&str, (i64, i64, i64))>)] = &[
        (&[("env", "test"), ("alertname", "A")], None),
        (&[("env", "prod"), ("alertname", "A")], Some((r#"grouped {alertname="A"}"#, times(10, 300)))),
        (&[("env", "prod"), ("alertname", "A"), ("cluster", "")], Some((r#"grouped {alertname="A"}"#, times(10, 300)))),
        (
            &[("env", "prod"), ("finer", "yes"), ("cluster", "eu")],
            Some((r#"grouped / finer {cluster="eu"}"#, times(10, 60))),
        ),
        (&[("env", "prod"), ("every", "yes")], Some((r#"grouped / every {env="prod", every="yes"}"#, times(10, 300)))),
        (&[("env", "prod"), ("one", "yes"), ("cluster", "eu")], Some(("grouped / one {}", times(10, 300)))),
        (&[("env", "prod"), ("quiet", "yes"), ("cluster", "eu")], None),
    ];
    for (labels, expected) in table {
        let incident = incident(Severity::Error, "t", Some("checkout"), labels);
        let group = decide(&incident, &policy, &policy.hash(), now()).group;
        let found =
            group.map(|group| (group.key(), (group.wait.as_secs(), group.interval.as_secs(), group.repeat.as_secs())));
        assert_eq!(found, expected.map(|(key, times)| (key.to_owned(), times)), "{labels:?}");
    }
}
