//! Promises about rehearsals: what was decided is decided again bit for bit, and every page that changes is named.

use proptest::prelude::*;

use super::*;
use crate::enrich::enrich;
use crate::fingerprint::Fingerprint;
use crate::incident::Incident;
use crate::policy::parse;
use crate::route::{FAILED, fallback};
use crate::signal::{Alert, Severity};

const POLICY: &str = r#"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }] }
  ben: { contacts: [{ sms: +15550101 }] }
  cat: { contacts: [{ sms: +15550102 }] }
teams:
  platform: { members: [ana, ben], escalation: platform }
  payments: { members: [cat], escalation: payments }
schedules:
  platform:
    time_zone: Europe/Berlin
    rotation: { members: [ana, ben], shift: daily, start: 2026-01-05T09:00 }
escalations:
  platform: { steps: [{ notify: [schedule:platform], wait: 5m }, { notify: [team:platform], wait: 5m }] }
  payments: { steps: [{ notify: [person:cat], wait: 5m }] }
catch_all: { escalation: platform }
services:
  checkout: { team: platform, tier: 1 }
  search: { team: platform }
routes:
  - { name: noise, when: 'alert.severity == "info"', action: record }
  - { name: tickets, when: 'alert.labels.env == "test"', action: ticket, notify: [person:ben] }
  - name: production
    when: 'alert.labels.env == "prod"'
    routes: [{ name: loud, when: 'alert.title.contains("down")', level: SEV1 }]
"#;

fn router(text: &str) -> Router {
    let policy = parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
    let hash = policy.hash();
    Router::new(policy, hash)
}

fn start() -> Timestamp {
    "2026-10-22T00:00:00Z".parse().expect("an instant")
}

/// The incident number `number`, minutes apart, each another mixture of service, severity and labels.
fn incident(number: u32) -> Incident {
    let key = format!("k{number}");
    let pick = |words: &[&'static str], by: u32| words[(number / by) as usize % words.len()];
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", &key), generation: 1 });
    let labels = [("env", pick(&["prod", "test", "stage"], 1)), ("host", pick(&["a", "b"], 7))];
    let alert = Alert {
        title: format!("{} is {}", pick(&["disk", "api"], 3), pick(&["down", "slow"], 5)),
        severity: [Severity::Critical, Severity::Warning, Severity::Info][(number / 4) as usize % 3],
        service: Some(pick(&["checkout", "search", "unknown"], 2).to_owned()),
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        details: "{\"secret\":1}".to_owned(),
        ..Alert::default()
    };
    let at = start() + jiff::SignedDuration::from_secs(i64::from(number) * 25);
    let opened = crate::incident::Event::Opened { integration: "pd".to_owned(), key, alert, follows: None };
    incident.apply(&opened, at);
    incident.occurrences = u64::from(number % 9) + 1;
    incident
}

/// The same, enriched and decided by `router` as the functions do it.
fn decided(number: u32, router: &Router) -> Recorded {
    let mut incident = incident(number);
    incident.enrichment = Some(enrich(&incident, router.policy(), Vec::new(), Vec::new()));
    incident.decision = Some(router.decide(&incident, incident.opened_at.expect("it was opened")));
    Recorded::of(&incident).expect("it was opened")
}

fn rehearse(history: &[Recorded], before: &str, after: &str) -> Rehearsal {
    let (before, after) = (router(before), router(after));
    let policies = BTreeMap::from([(before.hash().clone(), router(POLICY))]);
    Rehearsal::of(history, &policies, &before, &after, Covers::NONE)
}

#[test]
fn thirty_days_of_a_hundred_thousand_signals_replay_exactly_and_change_nothing_under_the_same_policy() {
    let router = router(POLICY);
    let mut history = Vec::new();
    let mut signals = 0;
    for number in 0.. {
        // As it is read from the API, or from a file.
        let text = serde_json::to_string(&decided(number, &router)).expect("plain JSON");
        assert!(!text.contains("secret"), "{text}");
        let read: Recorded = serde_json::from_str(&text).expect("what was written");
        signals += read.occurrences;
        history.push(read);
        if signals >= 100_000 {
            break;
        }
    }
    let policies = BTreeMap::from([(router.hash().clone(), self::router(POLICY))]);
    let rehearsal = Rehearsal::of(&history, &policies, &router, &router, Covers::NONE);
    assert_eq!((rehearsal.exact, rehearsal.decisions), (history.len(), history.len()));
    assert_eq!(rehearsal.faults, []);
    assert_eq!(rehearsal.changes, []);
    assert_eq!(rehearsal.signals, signals);
    assert!(rehearsal.people.values().all(|load| load.before == load.after && load.before.at_night > 0));
    for recorded in history.iter().step_by(500) {
        let again = recorded.again(&policies[router.hash()]).expect("it was decided");
        let bytes = |decision| serde_json::to_string(decision).expect("plain JSON");
        assert_eq!(bytes(&again), bytes(recorded.decision.as_ref().expect("it was decided")));
    }
}

#[test]
fn what_changes_is_named_by_who_and_why_and_nothing_else_is() {
    let router = router(POLICY);
    let history: Vec<Recorded> = (0..360).map(|number| decided(number, &router)).collect();
    // What is changed, the kinds of difference that makes, and whether pages are lost.
    let table: [(&str, &str, &[Kind]); 7] = [
        ("checkout: { team: platform, tier: 1 }", "checkout: { team: payments, tier: 1 }", &[Kind::Moved]),
        ("level: SEV1 }", "level: SEV2 }", &[]),
        ("action: record", "action: page", &[Kind::Gained]),
        ("\"test\"', action: ticket, notify: [person:ben]", "\"test\"', action: page", &[Kind::Gained]),
        ("notify: [person:ben] }", "notify: [person:ana] }", &[Kind::Ticket]),
        ("[team:platform], wait: 5m", "[team:platform], wait: 9m", &[Kind::Later]),
        ("level: SEV1 }", "mode: simulate }", &[Kind::Lost]),
    ];
    for (from, to, kinds) in table {
        let rehearsal = rehearse(&history, POLICY, &POLICY.replace(from, to));
        let mut found: Vec<Kind> = rehearsal.changes.iter().map(|change| change.kind).collect();
        found.dedup();
        assert_eq!(found, kinds, "{to}");
        assert_eq!(rehearsal.loses_pages(), kinds.contains(&Kind::Lost), "{to}");
        assert_eq!((rehearsal.exact, rehearsal.decisions), (360, 360), "{to}");
        let groups = summary(&rehearsal.changes);
        assert_eq!(groups.iter().map(|group| group.count).sum::<usize>(), rehearsal.changes.len());
    }
}

#[test]
fn a_page_that_came_once_enough_triggers_had_come_is_a_page_that_can_be_lost() {
    let patient = POLICY.replace("level: SEV1 }", "level: SEV1, threshold: { count: 3, within: 10m } }");
    let router = router(&patient);
    let mut rare = decided(0, &router);
    rare.occurrences = 3;
    let told = Recorded { reached_at: Some(start() + jiff::SignedDuration::from_hours(10)), ..rare.clone() };
    let simulated = POLICY.replace("level: SEV1 }", "mode: simulate }");
    let [change] = rehearse(&[rare.clone(), told.clone()], &patient, &simulated).changes.try_into().expect("one");
    assert_eq!((change.kind, change.at), (Kind::Lost, told.told_at()));
    assert_eq!(change.before.who, ["person:ana"], "who was on call when it was enough, not when it began");
    let stricter = patient.replace("count: 3", "count: 4");
    assert_eq!(rehearse(&[told], &patient, &stricter).changes.len(), 1);
    assert_eq!(rehearse(&[rare], &patient, &stricter).changes, []);
}

#[test]
fn a_page_that_moves_says_from_whom_to_whom_and_by_which_escalation() {
    let router = router(POLICY);
    let history = [decided(0, &router)];
    let to_payments = POLICY.replace("team: platform, tier: 1", "team: payments, tier: 1");
    let [change] = rehearse(&history, POLICY, &to_payments).changes.try_into().expect("one change");
    // Midnight in UTC is two hours into the day in Berlin, before the hand-off at nine.
    assert_eq!(change.before.who, ["person:ben"]);
    assert_eq!(change.after.who, ["person:cat"]);
    assert_eq!(change.after.route.as_deref(), Some("production / loud"));
    assert_eq!((change.before.escalation.as_str(), change.after.escalation.as_str()), ("platform", "payments"));
    assert!(change.after.why.contains("team payments's escalation"), "{}", change.after.why);
}

#[test]
fn a_decision_that_cannot_be_made_again_is_a_fault_and_says_what_came_instead() {
    let router = router(POLICY);
    let mut tampered = decided(0, &router);
    tampered.alert.severity = Severity::Info;
    let mut orphan = decided(1, &router);
    orphan.decision.as_mut().expect("it was decided").policy = Hash::zero();
    let mut undecided = decided(2, &router);
    undecided.decision = None;
    let rehearsal = rehearse(&[tampered.clone(), orphan.clone(), undecided], POLICY, POLICY);
    assert_eq!((rehearsal.incidents, rehearsal.decisions, rehearsal.exact), (3, 2, 0));
    let instead: Vec<bool> = rehearsal.faults.iter().map(|fault| fault.instead.is_some()).collect();
    assert_eq!(instead, [true, false]);
    assert_eq!(rehearsal.faults[1].incident, orphan.id);
}

#[test]
fn decisions_made_without_enrichment_or_because_routing_failed_replay_too() {
    let router = router(POLICY);
    let at = start();
    for enriched_later in [false, true] {
        for failed in [false, true] {
            let mut incident = incident(1);
            let decision = if failed {
                fallback(&incident, router.policy(), router.hash(), at, FAILED)
            } else {
                router.decide(&incident, at)
            };
            incident.decision = Some(decision);
            if enriched_later {
                incident.enrichment = Some(enrich(&incident, router.policy(), Vec::new(), Vec::new()));
            }
            let recorded = Recorded::of(&incident).expect("it was opened");
            assert_eq!(recorded.again(&router), recorded.decision, "{enriched_later} {failed}");
        }
    }
}

#[test]
fn an_incident_that_was_never_opened_is_no_history() {
    let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
    assert_eq!(Recorded::of(&Incident::expected(id)), None);
}

proptest! {
    #[test]
    fn the_pages_of_each_side_are_those_of_a_rehearsal_the_other_way_round(numbers in prop::collection::vec(0..5000u32, 1..40)) {
        let router = router(POLICY);
        let other = POLICY.replace("team: platform, tier: 1", "team: payments, tier: 1").replace("record", "page");
        let history: Vec<Recorded> = numbers.iter().map(|number| decided(*number, &router)).collect();
        let there = rehearse(&history, POLICY, &other);
        let back = rehearse(&history, &other, POLICY);
        prop_assert_eq!(there.changes.len(), back.changes.len());
        for (who, load) in &there.people {
            let turned = Load { before: load.after, after: load.before };
            prop_assert_eq!(back.people.get(who), Some(&turned));
        }
        let kinds = |rehearsal: &Rehearsal, kind| rehearsal.changes.iter().filter(|change| change.kind == kind).count();
        prop_assert_eq!(kinds(&there, Kind::Gained), kinds(&back, Kind::Lost));
    }
}
