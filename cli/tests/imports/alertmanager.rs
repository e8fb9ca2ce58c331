//! Alertmanager's rules: an alert reaches the deepest node that matches, and those after one with `continue`
//! (`Route.Match` of prometheus/alertmanager). The tree is written down here as the file has it.

use std::collections::BTreeSet;

use domain::policy::{Address, Handling, Policy, Target};

use super::{decide, export, import};

type Labels<'a> = [(&'a str, &'a str)];

/// The value of a label; a label that is missing has the empty one.
type Label<'a> = dyn Fn(&str) -> String + 'a;

/// What a node asks for.
type Matches = fn(&Label<'_>) -> bool;

/// A node: its receiver, what it asks for, whether it goes on, and what is below it.
struct Node {
    receiver: &'static str,
    matches: Matches,
    goes_on: bool,
    below: Vec<Node>,
}

fn tree() -> Node {
    let node = |receiver, matches: Matches, goes_on, below| Node { receiver, matches, goes_on, below };
    let critical: Matches = |label| label("severity") == "critical";
    let database = vec![
        node(
            "database-pager",
            |label| label("severity") == "critical" && !label("region").starts_with("eu-"),
            true,
            vec![],
        ),
        node("database-lead", |label| ["critical", "warning"].contains(&label("severity").as_str()), false, vec![]),
    ];
    let nodes = vec![
        node("audit", |label| label("audit") == "yes", true, vec![]),
        node("database", |label| ["mysql", "postgres"].contains(&label("service").as_str()), false, database),
        node("frontend", |label| label("team") == "frontend", true, vec![node("pager", critical, false, vec![])]),
        node("blackhole", |label| ["Watchdog", "InfoInhibitor"].contains(&label("alertname").as_str()), false, vec![]),
        node(
            "pager",
            |label| label("severity") == "critical" && ["", "prod"].contains(&label("environment").as_str()),
            false,
            vec![],
        ),
    ];
    node("everything", |_| true, false, nodes)
}

fn reached(node: &Node, label: &Label<'_>) -> Vec<&'static str> {
    if !(node.matches)(label) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for below in &node.below {
        let found = reached(below, label);
        let matched = !found.is_empty();
        all.extend(found);
        if matched && !below.goes_on {
            break;
        }
    }
    if all.is_empty() { vec![node.receiver] } else { all }
}

/// The places that a receiver tells, as far as they can be told here.
fn places(receiver: &str) -> &'static [&'static str] {
    match receiver {
        "everything" => &["ops@example.com", "night@example.com"],
        "audit" => &["audit@example.com"],
        "database" => &["C0DATABASE1"],
        "database-pager" => &["ssm:/CHANGE/channels/database-pager-pagerduty"],
        "database-lead" => &["lead@example.com"],
        "frontend" => &["Frontend"],
        "pager" => &["ssm:/CHANGE/channels/pager-pagerduty"],
        _ => &[],
    }
}

fn told(policy: &Policy, labels: &Labels<'_>) -> BTreeSet<String> {
    let decision = decide(policy, "alertmanager", None, labels);
    if decision.handling == Handling::Record {
        return BTreeSet::new();
    }
    let steps = &policy.escalations[&decision.escalation].steps;
    let place = |target: &Target| {
        let Target::Channel(name) = target else { panic!("{target} is no place") };
        match &policy.channels[name] {
            Address::Email(text) | Address::Slack(text) | Address::Opsgenie(text) => text.clone(),
            Address::Pagerduty(secret) | Address::Teams(secret) => secret.0.clone(),
            other => panic!("{other:?}"),
        }
    };
    steps.iter().flat_map(|step| &step.notify).map(place).collect()
}

#[test]
fn an_alert_reaches_the_same_places_as_with_alertmanager() {
    let (_, policy) = import("alertmanager", &export("alertmanager.yml"));
    let values: [(&str, &[&str]); 7] = [
        ("alertname", &["HighLatency", "Watchdog", "InfoInhibitor"]),
        ("severity", &["critical", "warning", "info"]),
        ("service", &["mysql", "postgres", "web"]),
        ("team", &["frontend", "backend"]),
        ("region", &["eu-west-1", "us-east-1"]),
        ("environment", &["prod", "test", ""]),
        ("audit", &["yes", "no"]),
    ];
    let tree = tree();
    let mut seen = BTreeSet::new();
    // 200 of the ways to give each label one of its values, or to leave it out.
    for number in (0..200usize).map(|number| number * 43) {
        let mut rest = number;
        let mut labels = Vec::new();
        for (name, values) in values {
            let which = rest % (values.len() + 1);
            rest /= values.len() + 1;
            labels.extend(values.get(which).map(|value| (name, *value)));
        }
        let label = |asked: &str| {
            labels.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned()).unwrap_or_default()
        };
        let expected: BTreeSet<String> =
            reached(&tree, &label).into_iter().flat_map(places).map(|place| (*place).to_owned()).collect();
        assert_eq!(told(&policy, &labels), expected, "{labels:?}");
        seen.insert(expected);
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn groups_and_inhibitions_are_those_of_the_file() {
    let (_, policy) = import("alertmanager", &export("alertmanager.yml"));
    let group = |labels: &Labels<'_>| decide(&policy, "alertmanager", None, labels).group.unwrap();
    let other = group(&[("alertname", "A"), ("cluster", "eu"), ("database", "orders")]);
    assert_eq!(other.labels.keys().collect::<Vec<_>>(), ["alertname", "cluster"]);
    let database = group(&[("service", "mysql"), ("alertname", "A"), ("cluster", "eu"), ("database", "orders")]);
    assert_eq!(database.labels.keys().collect::<Vec<_>>(), ["alertname", "database"]);
    assert_eq!(database.repeat, jiff::SignedDuration::from_hours(12));
    assert_eq!(policy.inhibitions.len(), 2);
}
