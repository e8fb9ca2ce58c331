//! The report says what the records say, and no more.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fingerprint::Fingerprint;
use crate::incident::{Actor, Event, Incident, IncidentId, TEST_PAGES};
use crate::log::{Entry, Hash, Record};
use crate::policy::{Ladder, Mode, parse};
use crate::route;
use crate::signal::{Alert, Severity};

const POLICY: &str = r"
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
teams: { payments: { members: [ana] } }
escalations: { last: { steps: [{ notify: [person:ana], wait: 10m }] } }
services: { checkout: { team: payments } }
catch_all: { escalation: last }
";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn week() -> Period {
    at("2026-11-16T00:00:00Z")..at("2026-11-23T00:00:00Z")
}

/// An incident of the service `service` and its log so far.
struct Told {
    incident: Incident,
    entries: Vec<Entry>,
}

impl Told {
    fn opened(key: &str, service: Option<&str>, integration: &str, when: &str) -> Self {
        let id = IncidentId { fingerprint: Fingerprint::of("pd", key), generation: 1 };
        let mut told = Self { incident: Incident::expected(id), entries: Vec::new() };
        let alert = Alert {
            title: format!("=the title, of \"{key}\""),
            severity: Severity::Critical,
            source: "db-1".to_owned(),
            service: service.map(str::to_owned),
            labels: [("env".to_owned(), "production".to_owned())].into(),
            ..Alert::default()
        };
        let opened = Event::Opened { integration: integration.to_owned(), key: key.to_owned(), alert, follows: None };
        told.write(when, &[opened]);
        told
    }

    fn write(&mut self, when: &str, events: &[Event]) -> &mut Self {
        let entry = sealed(&self.incident.id.stream(), self.incident.seq, &self.incident.head, when, &json!(events));
        let record = Record::open(&entry).expect("a record");
        self.incident.fold(&record, entry.hash.clone());
        self.entries.push(entry);
        self
    }

    fn routed(&mut self, when: &str, level: Option<Ladder>) -> &mut Self {
        let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        let found = crate::enrich::enrich(&self.incident, &policy, Vec::new(), Vec::new());
        let mut decision = route::fallback(&self.incident, &policy, &policy.hash(), at(when), "a test");
        decision.catch_all = false;
        decision.level = level;
        self.write(when, &[Event::Enriched { found }, Event::Routed { decision }])
    }

    fn paged(&mut self, when: &str) -> &mut Self {
        let outcome = crate::escalation::Outcome::Accepted { reference: None };
        self.write(when, &[Event::Sent { outcomes: vec![("1/person:ana/0".to_owned(), outcome)] }])
    }

    fn acknowledged(&mut self, when: &str) -> &mut Self {
        self.write(when, &[Event::Acknowledged { by: Actor::person("ana"), expires_at: None }])
    }

    fn resolved(&mut self, when: &str) -> &mut Self {
        self.write(when, &[Event::Resolved { by: Actor::integration("pd"), covers: at(when) }])
    }

    fn gathered(&self) -> Gathered {
        gather(&self.incident.id.stream(), self.entries.iter().map(|entry| entry.body.as_str()))
    }
}

/// A record as it is stored.
fn sealed(stream: &str, seq: u64, prev: &Hash, when: &str, events: &Value) -> Entry {
    let record = json!({ "at": when, "cause": format!("cause-{seq}"), "events": events, "prev": prev, "seq": seq, "stream": stream });
    let body = record.to_string();
    Entry { hash: Hash::of(body.as_bytes()), body }
}

fn gather<'a>(stream: &str, bodies: impl Iterator<Item = &'a str>) -> Gathered {
    let (period, mut gathered) = (week(), Gathered::default());
    let mut reader = Reader::new(stream, &period);
    for (seq, body) in (0..).zip(bodies) {
        reader.push(seq, body, &mut gathered);
    }
    reader.finish(&mut gathered);
    gathered
}

/// A stream that is no incident's, one event a record.
fn others(stream: &str, events: &[(&str, Value)]) -> Gathered {
    let bodies: Vec<String> = (0..)
        .zip(events)
        .map(|(seq, (when, event))| sealed(stream, seq, &Hash::zero(), when, &json!([event])).body)
        .collect();
    gather(stream, bodies.iter().map(String::as_str))
}

/// A table as its cells by column.
fn table(gathered: &Gathered, table: Table) -> Vec<Vec<(String, String)>> {
    let text = table.header() + gathered.rows.get(&table).map_or("", String::as_str);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let cells = |row: csv::StringRecord| columns.iter().zip(row.iter()).map(|(a, b)| (a.into(), b.into())).collect();
    reader.records().map(|row| cells(row.unwrap())).collect()
}

fn full() -> Told {
    let mut told = Told::opened("disk", Some("checkout"), "pd", "2026-11-16T08:00:00Z");
    told.routed("2026-11-16T08:00:01Z", Some(Ladder::Sev1)).paged("2026-11-16T08:00:20Z");
    told.acknowledged("2026-11-16T08:04:00Z").resolved("2026-11-16T09:30:00Z");
    told
}

#[test]
fn k20_k22_every_column_of_an_incident_is_what_its_records_say() {
    let told = full();
    let gathered = told.gathered();
    let rows = table(&gathered, Table::Incidents);
    let (id, head) = (told.incident.id.to_string(), told.incident.head.to_string());
    let policy = told.incident.decision.as_ref().unwrap().policy.to_string();
    let expected = [
        ("incident", id.as_str()),
        ("opened_at", "2026-11-16T08:00:00Z"),
        ("opened_in_period", "yes"),
        ("service", "checkout"),
        ("team", "payments"),
        ("severity", "SEV1"),
        ("reported_severity", "critical"),
        ("title", "'=the title, of \"disk\""),
        ("source", "db-1"),
        ("integration", "pd"),
        ("key", "disk"),
        ("labels", r#"{"env":"production"}"#),
        ("status", "resolved"),
        ("handling", "page"),
        ("route", ""),
        ("policy", &policy),
        ("occurrences", "0"),
        ("first_paged_at", "2026-11-16T08:00:20Z"),
        ("acknowledged_at", "2026-11-16T08:04:00Z"),
        ("acknowledged_by", "person:ana"),
        ("resolved_at", "2026-11-16T09:30:00Z"),
        ("resolved_by", "integration:pd"),
        ("seconds_to_page", "20"),
        ("seconds_to_acknowledge", "240"),
        ("seconds_to_resolve", "5400"),
        ("acknowledge_target_seconds", "300"),
        ("acknowledge_target_met", "yes"),
        ("resolve_target_seconds", "14400"),
        ("resolve_target_met", "yes"),
        ("steps", "0"),
        ("messages_accepted", "1"),
        ("messages_failed", "0"),
        ("silenced_by", ""),
        ("group", ""),
        ("records", "5"),
        ("head", &head),
    ];
    let expected: Vec<(String, String)> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    assert_eq!(rows, [expected]);
    assert_eq!(gathered.facts.findings.count(), 0, "{:?}", gathered.facts.findings);
}

#[test]
fn a_promise_counts_once_its_time_is_up_and_where_somebody_was_paged() {
    let open = |when: &str| {
        let mut told = Told::opened("k", Some("checkout"), "pd", when);
        told.routed(when, Some(Ladder::Sev1));
        told
    };
    let paged = || {
        let mut told = open("2026-11-16T08:00:00Z");
        told.paged("2026-11-16T08:00:20Z");
        told
    };
    let kept = |told: &Told| {
        let responses = &told.gathered().facts.responses["SEV1"];
        let pair = |kept: Kept| (kept.met, kept.missed);
        (pair(responses.acknowledge), pair(responses.resolve))
    };
    assert_eq!(kept(&open("2026-11-16T08:00:00Z")), ((0, 0), (0, 0)), "nobody was paged");
    assert_eq!(kept(paged().acknowledged("2026-11-16T08:05:00Z")), ((1, 0), (0, 1)), "to the second");
    assert_eq!(kept(paged().acknowledged("2026-11-16T08:05:01Z")), ((0, 1), (0, 1)));
    assert_eq!(kept(paged().resolved("2026-11-16T08:02:00Z")), ((0, 0), (1, 0)), "over before anybody had to act");
    assert_eq!(kept(paged().resolved("2026-11-16T08:06:00Z")), ((0, 1), (1, 0)), "over by itself, but too late");
    let mut late = open("2026-11-22T23:58:00Z");
    assert_eq!(kept(late.paged("2026-11-22T23:58:20Z")), ((0, 0), (0, 0)), "its time is not up");
    // What is written after the period is as if it were not there yet.
    assert_eq!(kept(late.acknowledged("2026-11-23T00:01:00Z")), ((0, 0), (0, 0)));
}

#[test]
fn an_incident_of_an_earlier_week_has_a_row_and_is_not_counted_again() {
    let mut told = Told::opened("old", Some("checkout"), "pd", "2026-11-15T23:59:59Z");
    told.routed("2026-11-15T23:59:59Z", None).resolved("2026-11-16T00:00:00Z");
    let gathered = told.gathered();
    assert_eq!(gathered.facts.touched.incidents, 0);
    let rows = table(&gathered, Table::Incidents);
    assert!(rows[0].contains(&("opened_in_period".to_owned(), "no".to_owned())));
    let untouched = Told::opened("older", None, "pd", "2026-11-10T00:00:00Z");
    assert!(table(&untouched.gathered(), Table::Incidents).is_empty(), "nothing happened to it in this period");
}

#[test]
fn what_did_not_go_as_it_should_is_a_row_a_count_and_a_finding() {
    let mut told = Told::opened("k", None, "pd", "2026-11-16T08:00:00Z");
    told.routed("2026-11-16T08:00:00Z", Some(Ladder::Sev2));
    told.write("2026-11-16T08:30:00Z", &[Event::NobodyAnswered]);
    told.write("2026-11-16T08:31:00Z", &[Event::Denied { by: Actor::slack("U1"), asked: "resolve".to_owned() }]);
    let gathered = told.gathered();
    let kinds: Vec<String> = table(&gathered, Table::Exceptions).into_iter().map(|row| row[1].1.clone()).collect();
    assert_eq!(kinds, ["nobody_answered", "denied", "unowned"]);
    let found: Vec<FindingKind> = gathered.facts.findings.counts.keys().copied().collect();
    assert_eq!(found, [FindingKind::NobodyAnswered, FindingKind::UnownedAlert]);
    assert_eq!(table(&gathered, Table::Findings).len(), 2);
}

#[test]
fn test_pages_and_rehearsals_are_no_incidents_of_anybody() {
    let tested = Told::opened("t", None, TEST_PAGES, "2026-11-16T08:00:00Z").gathered();
    assert_eq!((tested.facts.touched.test_pages, tested.facts.touched.incidents), (1, 0));
    assert!(table(&tested, Table::Incidents).is_empty());
    let mut told = Told::opened("s", Some("checkout"), "pd", "2026-11-16T08:00:00Z");
    told.routed("2026-11-16T08:00:00Z", None);
    let mut decision = told.incident.decision.clone().unwrap();
    decision.mode = Mode::Simulate;
    told.write("2026-11-16T08:00:01Z", &[Event::Routed { decision }]);
    assert_eq!(told.gathered().facts.touched.simulated, 1);
}

#[test]
fn other_streams_become_rows_events_and_findings() {
    let silence = json!({"id": "s1", "kind": "silence", "matchers": [], "from": "2026-11-16T00:00:00Z",
        "until": "2026-11-17T00:00:00Z", "by": "person:ana", "remind": "PT1H", "updated_at": "2026-11-16T00:00:00Z"});
    let cases = [
        ("policy", json!({"type": "applied", "by": "token:ci", "to": "ab"}), Table::PolicyChanges, None),
        (
            "silences",
            json!({"type": "created", "silence": silence}),
            Table::SilencesAndOverrides,
            Some(FindingKind::SilenceWithoutReason),
        ),
        ("silences", json!({"type": "expired", "id": "s1", "by": "person:ana"}), Table::SilencesAndOverrides, None),
        (
            "covers",
            json!({"type": "absence_set", "set": {"id": "a", "person": "ana", "from": "x", "until": "y", "by": "token:ci"}}),
            Table::SilencesAndOverrides,
            None,
        ),
        (
            "calendars",
            json!({"type": "removed", "of": "person:ana", "by": "token:ci"}),
            Table::SilencesAndOverrides,
            None,
        ),
        (
            "changes#checkout",
            json!({"type": "reported", "at": "2026-11-16T08:10:00Z", "alert": {"title": "v2"}, "integration": "ci"}),
            Table::Deployments,
            None,
        ),
        ("access#2026-11-16#x", json!({"type": "read", "asked": "GET /v1/incidents"}), Table::Access, None),
        (
            "access#2026-11-16#x",
            json!({"type": "refused", "asked": "POST /v1/silences", "status": 403}),
            Table::Access,
            None,
        ),
    ];
    for (stream, event, into, finding) in cases {
        let gathered = others(stream, &[("2026-11-16T08:10:00Z", event.clone())]);
        assert_eq!(table(&gathered, into).len(), 1, "{event}");
        assert_eq!(gathered.facts.findings.counts.keys().next().copied(), finding, "{event}");
        let outside = others(stream, &[("2026-11-23T00:00:00Z", event.clone())]);
        assert_eq!(outside, Gathered::default(), "it is not in the period: {event}");
    }
    let gaps = json!({"type": "told", "gaps": [{"schedules": ["a", "b"], "from": "2026-11-20T00:00:00Z"}]});
    let gathered = others("gaps", &[("2026-11-16T08:10:00Z", gaps)]);
    assert_eq!(gathered.facts.findings.of(FindingKind::NobodyOnCall), 1);
    for (kind, finding) in [
        ("late", FindingKind::LateCheckpoint),
        ("missing", FindingKind::EvidenceGap),
        ("rewritten", FindingKind::RewrittenRecord),
    ] {
        let gathered = others("evidence", &[("2026-11-16T08:10:00Z", json!({"type": kind}))]);
        assert_eq!(gathered.facts.findings.of(finding), 1, "{kind}");
    }
}

#[test]
fn a_change_amid_an_incident_of_its_service_is_an_emergency_that_somebody_has_to_approve() {
    let mut facts = full().gathered().facts;
    let change = |when: &str, service: &str| {
        let event = json!({"type": "reported", "at": when, "alert": {"title": "v2"}});
        others(&format!("changes#{service}"), &[(when, event)]).facts
    };
    for (when, service) in [
        ("2026-11-16T07:59:59Z", "checkout"),
        ("2026-11-16T08:10:00Z", "checkout"),
        ("2026-11-16T08:10:00Z", "search"),
        ("2026-11-16T09:30:00Z", "checkout"),
    ] {
        facts.merge(change(when, service));
    }
    let (rows, findings) = facts.emergencies();
    assert_eq!(rows.iter().map(|row| row.at.as_str()).collect::<Vec<_>>(), ["2026-11-16T08:10:00Z"]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].kind, FindingKind::MissingApproval);
}

#[test]
fn a_record_that_cannot_be_read_is_a_finding_and_stops_nothing() {
    let told = full();
    let bodies = told.entries.iter().map(|entry| entry.body.as_str());
    let broken = ["garbage", r#"{"stream":"s","seq":1,"at":"2026-11-16T08:00:00Z","events":[{"type":"unheard"}]}"#];
    let gathered = gather(&told.incident.id.stream(), bodies.chain(broken));
    assert_eq!(gathered.facts.findings.of(FindingKind::UnreadableRecord), 2);
    assert_eq!(table(&gathered, Table::Incidents).len(), 1);
}

#[test]
fn each_event_for_a_security_lake_has_what_its_class_requires() {
    let mut events = full().gathered().events;
    events +=
        &others("policy", &[("2026-11-16T08:00:00Z", json!({"type": "applied", "by": "token:ci", "to": "ab"}))]).events;
    events += &others("access#d#i", &[("2026-11-16T08:00:00Z", json!({"type": "read", "asked": "GET /v1/incidents"}))])
        .events;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let required = |class: u64| -> &[&str] {
        match class {
            2005 => &["/finding_info_list/0/uid", "/finding_info_list/0/title", "/status_id"],
            3004 => &["/entity/uid", "/actor/user/uid"],
            6003 => &["/actor/user/uid", "/api/operation", "/src_endpoint/name"],
            other => panic!("no class of ours: {other}"),
        }
    };
    let base = [
        "/activity_id",
        "/category_uid",
        "/class_uid",
        "/type_uid",
        "/time",
        "/severity_id",
        "/metadata/version",
        "/metadata/product/vendor_name",
    ];
    for event in &events {
        let class = event["class_uid"].as_u64().unwrap();
        for pointer in base.iter().chain(required(class)) {
            assert!(event.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer} of {event}");
        }
        assert_eq!(event["type_uid"].as_u64(), Some(class * 100 + event["activity_id"].as_u64().unwrap()));
        assert_eq!(event["category_uid"].as_u64(), Some(class / 1000));
    }
    assert_eq!(events.len(), 3);
}

fn report(facts: Facts) -> Report {
    let about = About {
        origin: "watchkeeper/test".to_owned(),
        id: "0123456789abcdef0123".to_owned(),
        from: week().start,
        until: week().end,
        checkpoints: 168,
        covered_at: Some(at("2026-11-23T00:00:11Z")),
        records: facts.records,
        streams: facts.streams,
        withheld: 0,
    };
    Report::new(about, facts)
}

#[test]
fn the_page_says_what_happened_loads_nothing_and_runs_nothing() {
    let mut told = Told::opened("<script>alert(1)</script>", None, "pd", "2026-11-17T08:00:00Z");
    told.routed("2026-11-17T08:00:00Z", Some(Ladder::Sev2)).write("2026-11-17T08:30:00Z", &[Event::NobodyAnswered]);
    let mut facts = full().gathered().facts;
    facts.merge(told.gathered().facts);
    let page = page(&report(facts));
    for said in ["16 Nov 2026", "2 incidents were opened", "Nobody answered a page", "CC7.2", "A.5.28", "4\u{a0}min"] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    for dangerous in ["<script", "http://", "https://", "url(", "@import", "src=", " onclick"] {
        assert!(!page.contains(dangerous), "{dangerous} in {page}");
    }
}

#[test]
fn k12_an_empty_period_makes_a_calm_page() {
    let report = report(Facts::default());
    let page = page(&report);
    for said in
        ["No incident was opened in this period", "nothing that somebody has to look at", "A quiet time", "CC7.5"]
    {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    assert!(!page.contains("NaN") && serde_json::from_str::<Value>(&report.file()).is_ok());
}

#[test]
fn what_comes_three_times_comes_again() {
    let mut facts = Facts::default();
    for (kind, subject, times) in [("denied", "slack:U1", 2), ("undelivered", "person:ana by sms", 3)] {
        (0..times).for_each(|_| facts.exception(kind, subject, week().start));
    }
    let again = report(facts).recurring;
    assert_eq!(again.iter().map(|again| again.subject.as_str()).collect::<Vec<_>>(), ["person:ana by sms"]);
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let one = (0u64..5, 0i64..200_000, 0usize..FindingKind::ALL.len(), "[ab]", any::<bool>());
    prop::collection::vec(one, 0..6).prop_map(|many| {
        let mut facts = Facts::default();
        for (seq, second, kind, name, met) in many {
            let at = week().start + SignedDuration::from_secs(second);
            facts.records += seq;
            facts.day(at).changes += 1;
            facts.touched.answers += 1;
            *facts.services.entry(name.clone()).or_default() += 1;
            let responses = facts.responses.entry(name.clone()).or_default();
            responses.to_resolve.add(SignedDuration::from_secs(second));
            responses.resolve.count(met);
            facts.exception(&name, "subject", at);
            let (kind, stream, subject) = (FindingKind::ALL[kind], name.clone(), name.clone());
            facts.findings.add(Finding { kind, at, stream, seq: Some(seq), subject, what: String::new() });
            facts.open.insert(Open { service: name.clone(), from: at, until: None, incident: name });
        }
        facts
    })
}

fn merged(mut a: Facts, b: Facts) -> Facts {
    a.merge(b);
    a
}

proptest! {
    #[test]
    fn facts_come_to_the_same_however_they_are_joined(a in some_facts(), b in some_facts(), c in some_facts()) {
        let left = merged(merged(a.clone(), b.clone()), c.clone());
        prop_assert_eq!(&left, &merged(a.clone(), merged(b.clone(), c.clone())));
        prop_assert_eq!(&left, &merged(c, merged(b, a.clone())));
        prop_assert_eq!(&merged(a.clone(), Facts::default()), &a);
        let json = serde_json::to_string(&left).unwrap();
        prop_assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), left);
    }
}

/// Many incidents over a month, some of which went wrong: written to a file, for people to look at.
#[test]
#[ignore = "writes target/report.html, to be opened in a browser"]
fn a_month_on_one_page() {
    let mut facts = Facts::default();
    let levels = [Some(Ladder::Sev1), Some(Ladder::Sev2), Some(Ladder::Sev3), None];
    for number in 0..90_i64 {
        let start = at("2026-10-01T00:00:00Z") + SignedDuration::from_mins(number * number * 5 % 44_000);
        let later = |minutes: i64| (start + SignedDuration::from_mins(minutes)).to_string();
        let service = ["checkout", "search", "payments-api", "mail"][usize::try_from(number % 4).unwrap()];
        let service = Some(service).filter(|_| number % 11 > 0);
        let mut told = Told::opened(&format!("k{number}"), service, "pd", &start.to_string());
        told.routed(&later(0), levels[usize::try_from(number % 7 % 4).unwrap()]).paged(&later(1));
        match number % 9 {
            0 => told.write(&later(30), &[Event::NobodyAnswered]),
            1 => told.resolved(&later(2)),
            _ => told.acknowledged(&later(1 + number % 13)).resolved(&later(20 + number * 3)),
        };
        let period = at("2026-10-01T00:00:00Z")..at("2026-11-01T00:00:00Z");
        let (stream, mut gathered) = (told.incident.id.stream(), Gathered::default());
        let mut reader = Reader::new(&stream, &period);
        for (seq, entry) in (0..).zip(&told.entries) {
            reader.push(seq, &entry.body, &mut gathered);
        }
        reader.finish(&mut gathered);
        facts.merge(gathered.facts);
        facts.day(start).changes += u64::from(number % 3 == 0);
    }
    let mut report = report(facts);
    (report.from, report.until) = (at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target");
    std::fs::create_dir_all(target).unwrap();
    std::fs::write(format!("{target}/report.html"), page(&report)).unwrap();
}
