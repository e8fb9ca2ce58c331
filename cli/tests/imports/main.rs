//! Imports are true: what each system's export comes to is a policy that is accepted, and at 200 instants of a year it
//! pages exactly whom that system's own rules say. Those rules are written down here once more, step by step and slowly,
//! and know nothing of the policy.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::fingerprint::Fingerprint;
use domain::incident::{Incident, IncidentId};
use domain::policy::{Handling, Policy, Target};
use domain::route::{Decision, Router};
use domain::schedule::{Covers, on_call};
use domain::signal::Alert;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

mod alertmanager;
mod goalert;
mod oncall;
mod opsgenie;
mod pagerduty;

/// Every system, and the export of it.
const EXPORTS: [(&str, &str); 5] = [
    ("pagerduty", "pagerduty"),
    ("opsgenie", "opsgenie"),
    ("oncall", "oncall.json"),
    ("goalert", "goalert.json"),
    ("alertmanager", "alertmanager.yml"),
];

/// What no import may show: it is secret in the exports.
const SECRETS: [&str; 6] =
    ["s3cr3t", "0123456789abcdef0123456789abcdef", "fedcba98", "00112233", "99aabbcc", "private-"];

fn export(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/imports").join(name)
}

fn watchkeeper(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(args).env_clear().env("NO_COLOR", "1").env("TZ", "UTC").output().unwrap()
}

/// What an import says, as JSON, and the policy that it writes.
fn import(system: &str, path: &Path) -> (Value, Policy) {
    let ran = watchkeeper(&["import", system, "--json", path.to_str().unwrap()]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let text = found["policy"].as_str().unwrap();
    let (policy, _) = domain::policy::parse(text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"));
    (found, policy)
}

/// The export of a system that is one JSON file.
fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// 200 instants of a year after the exports were made, at every hour of the day and on every day of the week.
fn instants() -> impl Iterator<Item = Timestamp> {
    let first: Timestamp = "2026-11-24T00:07:00Z".parse().unwrap();
    (0..200).map(move |number| first + SignedDuration::from_mins(number * (43 * 60 + 17)))
}

fn zone(name: &Value) -> TimeZone {
    TimeZone::get(name.as_str().unwrap()).unwrap()
}

fn instant(time: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(time).unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whose turn it is at `at`, of people who take turns of `length` seconds since `start`.
///
/// Turns of whole days change at the same time of the wall clock, others after so much time.
fn turn(start: Timestamp, length: i64, zone: &TimeZone, at: Timestamp) -> usize {
    let mut number = 0;
    let (mut ends, mut clock) = (start, zone.to_datetime(start));
    loop {
        if length % 86_400 == 0 {
            clock = clock.checked_add(SignedDuration::from_secs(length)).unwrap();
            ends = instant(clock, zone);
        } else {
            ends += SignedDuration::from_secs(length);
        }
        if ends > at {
            return number;
        }
        number += 1;
    }
}

/// What an alert of `integration` that names `service` and has these labels leads to.
fn decide(policy: &Policy, integration: &str, service: Option<&str>, labels: &[(&str, &str)]) -> Decision {
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("test", "k"), generation: 1 });
    let label = |asked: &str| labels.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
    integration.clone_into(&mut incident.integration);
    incident.alert = Alert {
        title: "A title".to_owned(),
        service: service.map(str::to_owned),
        source: label("source").unwrap_or_else(|| "web-1".to_owned()),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Alert::default()
    };
    Router::new(policy.clone(), policy.hash()).decide(&incident, instants().next().unwrap())
}

/// The full names of the people whom each step of `escalation` pages at `at`.
fn paged(policy: &Policy, escalation: &str, at: Timestamp) -> Vec<BTreeSet<String>> {
    let person = |name: &str| policy.people[name].name.clone().unwrap();
    let of = |target: &Target| -> Vec<String> {
        match target {
            Target::Person(name) => vec![person(name)],
            Target::Team(name) => policy.teams[name].members.iter().map(|name| person(name)).collect(),
            Target::Schedule(name) => {
                on_call(name, policy, Covers::NONE, at).map(|turn| person(turn.person)).into_iter().collect()
            }
            Target::Next(_) | Target::Channel(_) => Vec::new(),
        }
    };
    policy.escalations[escalation].steps.iter().map(|step| step.notify.iter().flat_map(of).collect()).collect()
}

/// That `decision` pages at every instant whom `expected` says.
fn compare(policy: &Policy, decision: &Decision, expected: impl Fn(Timestamp) -> Vec<BTreeSet<String>>) {
    assert_eq!(decision.handling, Handling::Page, "{}", decision.why);
    let mut seen = BTreeSet::new();
    for at in instants() {
        let found = paged(policy, &decision.escalation, at);
        assert_eq!(found, expected(at), "at {at}, by {}", decision.why);
        seen.insert(found);
    }
    assert!(seen.len() > 2, "the instants tell different people apart");
}

#[test]
fn every_export_gives_a_policy_that_validate_accepts() {
    for (system, path) in EXPORTS {
        let folder = std::env::temp_dir().join(format!("watchkeeper-import-{system}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("policy.yaml");
        let (file, path) = (file.to_str().unwrap(), export(path));
        let ran = watchkeeper(&["import", system, path.to_str().unwrap(), "--output", file]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let validated = watchkeeper(&["policy", "validate", file]);
        let said = String::from_utf8([validated.stdout, validated.stderr].concat()).unwrap();
        assert!(validated.status.success(), "{system}: {said}");
        assert!(said.contains("placeholder"), "{system}: what is still to be put in is named: {said}");
        let again = watchkeeper(&["import", system, path.to_str().unwrap(), "--output", file]);
        assert_eq!(again.status.code(), Some(1), "a file that is there is not overwritten");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn an_import_is_the_same_each_time_and_shows_no_secret() {
    for (system, path) in EXPORTS {
        let run = || watchkeeper(&["import", system, export(path).to_str().unwrap()]);
        let (first, second) = (run(), run());
        assert_eq!(first.stdout, second.stdout, "{system}");
        assert_eq!(first.stderr, second.stderr, "{system}");
        for said in [first.stdout, first.stderr] {
            let said = String::from_utf8(said).unwrap();
            let secret = SECRETS.iter().find(|secret| said.contains(*secret));
            assert_eq!(secret, None, "{system}: {said}");
        }
    }
}
