use std::collections::BTreeMap;

use domain::fingerprint::Fingerprint;
use domain::incident::{Actor, Event, Incident, IncidentId};
use proptest::prelude::*;

use super::*;

/// An alert P2 with the alias `disk:db-1` and the tags `db` and `env:prod`, acknowledged by ana.
pub(in crate::opsgenie) fn alert() -> Alert {
    let at: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("og", "k"), generation: 1 });
    let labels = [("tags", "db,env:prod"), ("priority", "P2"), ("source", "cron")];
    let alert = domain::signal::Alert {
        title: "Disk full on db-1".to_owned(),
        labels: BTreeMap::from(labels.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        ..domain::signal::Alert::default()
    };
    let key = "disk:db-1".to_owned();
    incident.apply(&Event::Opened { integration: "og".to_owned(), key, alert, follows: None }, at);
    incident.apply(&Event::Acknowledged { by: Actor::person("ana"), expires_at: None }, at);
    Alert::of(&incident, &incident).expect("it is open")
}

#[test]
fn a_query_finds_what_it_asks_for_and_nothing_else() {
    let table = [
        ("", true),
        ("status: open", true),
        ("status:open", true),
        ("status=OPEN", true),
        ("status : closed", false),
        ("NOT status: closed", true),
        ("status: open AND acknowledged: true", true),
        ("status: open acknowledged: false", false),
        ("alias: disk:db-1", true),
        ("alias: \"disk:db-1\"", true),
        ("alias: disk*", true),
        ("alias: *db-2", false),
        ("tag: db", true),
        ("tags: env:prod", true),
        ("tag: (web OR db)", true),
        ("tag: (web OR env:prod)", true),
        ("tag: d", false),
        ("NOT tag: db", false),
        ("priority: (P1 OR P2)", true),
        ("priority: P1", false),
        ("message: \"disk FULL\"", true),
        ("message: cpu", false),
        ("source: cron AND owner: ana AND snoozed: false", true),
        ("createdAt > 1795255199000", true),
        ("createdAt: > 1795255199000", true),
        ("createdAt >= 21-11-2026 createdAt < 22-11-2026", true),
        ("createdAt < 21-11-2026T10:00", false),
        ("createdAt <= 2026-11-21T10:00:00Z", true),
        ("lastOccurredAt > 22-11-2026", false),
        ("count >= 0", true),
        ("count > 5", false),
    ];
    let alert = alert();
    for (query, expected) in table {
        let search = Search::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(search.matches(&alert), expected, "{query}");
        if expected {
            assert!(search.created().contains(&alert.created) && search.wants("open"), "{query}: it is looked for");
        }
    }
    assert!(!Search::parse("status: closed").expect("a query").wants("open"));
    assert!(!Search::parse("NOT status: open").expect("a query").wants("open"));
}

#[test]
fn what_is_not_understood_is_refused_with_what_to_write() {
    for (query, part) in [
        ("disk full", "terms such as status: open"),
        ("status: open OR priority: P1", "OR is taken between the values"),
        ("teams: platform", "can ask for id, alertId"),
        ("status: acked", "open or closed"),
        ("createdAt > yesterday", "milliseconds since 1970"),
        ("count > many", "a number"),
        ("priority > P3", "Only count, createdAt"),
        ("status:", "has no value"),
        ("alias: \"x", "never closed"),
        ("priority: (P1 OR P2", "never closed"),
        ("priority: ()", "has no value"),
        (")", "terms such as"),
        ("AND", "terms such as"),
        ("status: open AND", "terms such as"),
    ] {
        let refused = Search::parse(query).expect_err(query);
        assert!(refused.contains(part), "{query}: {refused}");
    }
}

proptest! {
    #[test]
    fn no_query_breaks_it(query in "[a-z:=<>()\" *]{0,40}|\\PC*") {
        if let Ok(search) = Search::parse(&query) {
            search.matches(&alert());
        }
    }
}
