//! Promises about differences: each is said once and in words, and none is forgotten.

use proptest::prelude::*;

use super::*;
use crate::policy::parse;

const POLICY: &str = r#"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }] }
  ben: { contacts: [{ sms: +15550101 }] }
teams: { platform: { members: [ana, ben], escalation: platform } }
schedules:
  nights: { time_zone: Europe/Berlin, rotation: { members: [ana, ben], shift: daily, start: 2026-01-05T09:00 } }
escalations:
  platform: { steps: [{ notify: [schedule:nights], wait: 5m }, { notify: [team:platform], wait: 5m }] }
catch_all: { escalation: platform }
services: { checkout: { team: platform, tier: 1 } }
routes:
  - { name: noise, when: 'alert.severity == "info"', action: record }
  - name: production
    when: alert.labels.env == "prod"
    routes: [{ name: hurt, when: incident.tier == 1, level: SEV1 }, { name: rest, level: SEV3 }]
  - { name: last }
"#;

fn policy(text: &str) -> Policy {
    parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0
}

#[test]
fn each_difference_is_said_once_and_in_words() {
    let table: [(&str, &str, &[&str]); 10] = [
        ("wait: 5m }] }", "wait: 10m }] }", &["escalation platform: step 2: wait is 10m, was 5m"]),
        ("tier: 1 } }", "tier: 2 } }", &["service checkout: tier is 2, was 1"]),
        (
            ", tier: 1",
            ", data_class: card",
            &["service checkout: tier is not set any more, was 1", "service checkout: data_class is card, was not set"],
        ),
        ("{ members: [ana, ben], e", "{ members: [ben], e", &["team platform: members: ana removed"]),
        (
            "members: [ana, ben], s",
            "members: [ben, ana], s",
            &["schedule nights: rotation: members: another order: ben, ana, was ana, ben"],
        ),
        ("shift: daily", "shift: 12h", &["schedule nights: rotation: shift is 12h, was daily"]),
        ("checkout: {", "search: { team: platform }, checkout: {", &["service search: is added"]),
        ("level: SEV1", "level: SEV2", &["route production / hurt: level is SEV2, was SEV1"]),
        ("  - { name: noise, when: 'alert.severity == \"info\"', action: record }\n", "", &["route noise: is removed"]),
        (
            "  - name: production",
            "  - { name: new, when: incident.tier == 2 }\n  - name: production",
            &["route new: is added before `production`"],
        ),
    ];
    for (from, to, said) in table {
        assert!(POLICY.contains(from), "{from}");
        let found = difference(&policy(POLICY), &policy(&POLICY.replacen(from, to, 1)));
        let found: Vec<String> = found.iter().map(|d| format!("{} {}: {}", d.noun, d.name, d.what)).collect();
        assert_eq!(found, said, "{to}");
    }
}

#[test]
fn a_route_that_is_moved_is_told_as_moved_alone() {
    let mut after = policy(POLICY);
    after.routes.rotate_right(1);
    let found = difference(&policy(POLICY), &after);
    let said: Vec<(&str, &str)> = found.iter().map(|d| (d.name.as_str(), d.what.as_str())).collect();
    assert_eq!(said, [("last", "is moved before `noise`")]);
}

proptest! {
    #[test]
    fn policies_differ_in_nothing_exactly_when_they_have_the_same_hash(
        changes in prop::collection::vec((0..5u8, 1..4u8), 0..6),
    ) {
        let mut other = policy(POLICY);
        for (what, value) in changes {
            match what {
                0 => other.services.get_mut("checkout").expect("it is there").tier = Some(value),
                1 => other.routes.rotate_left(usize::from(value) % 3),
                2 => other.escalations.get_mut("platform").expect("it is there").repeat = value.into(),
                3 => { other.people.remove(if value == 1 { "ana" } else { "ben" }); }
                _ => other.catch_all.escalation = format!("e{value}"),
            }
        }
        let before = policy(POLICY);
        prop_assert_eq!(difference(&before, &other).is_empty(), before.hash() == other.hash());
    }
}
