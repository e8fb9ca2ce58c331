//! Promises about warnings: what is probably not meant is told with its line, and nothing else is.

use super::*;
use crate::policy::{inspect, parse};

const POLICY: &str = r#"
version: 1
people:
  ana: { contacts: [{ sms: +15550100 }] }
  ben: { contacts: [{ sms: +15550101 }] }
teams: { platform: { members: [ana, ben], escalation: platform } }
escalations:
  platform: { steps: [{ notify: [person:ana], wait: 5m }] }
  all: { steps: [{ notify: [team:platform], wait: 5m }] }
catch_all: { escalation: all }
services: { checkout: { team: platform, tier: 2 } }
routes:
  - name: production
    when: alert.labels.env == "prod"
    routes:
      - { name: hurt, when: 'alert.severity == "critical" && incident.tier == 1', level: SEV1 }
      - { name: loud, when: 'alert.severity == "critical"', level: SEV2 }
      - { name: rest }
"#;

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().expect("an instant")
}

#[test]
fn a_policy_that_means_what_it_says_gets_no_warning() {
    let (_, found) = inspect(POLICY, now()).expect("it is valid");
    assert_eq!(found, []);
    let (_, sample) = inspect(include_str!("../../../../policy/sample.yaml"), now()).expect("it is valid");
    let paths: Vec<&str> = sample.iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(paths, ["integrations.alertmanager.open", "integrations.prometheus.open"]);
}

#[test]
fn a_channel_that_only_the_ladder_names_is_used() {
    let text =
        format!("{POLICY}channels: {{ ops: {{ ntfy: ops-1 }} }}\nladder: {{ SEV1: {{ channel: channel:ops }} }}\n");
    let (_, found) = inspect(&text, now()).expect("it is valid");
    assert_eq!(found.iter().find(|mistake| mistake.path.starts_with("channels")), None);
}

#[test]
fn each_thing_that_is_probably_not_meant_is_told_with_its_line_and_a_fix() {
    // What is changed, then the line, the path and the beginning of each warning.
    #[expect(clippy::type_complexity, reason = "a table")]
    let table: [(&str, &str, &[(usize, &str, &str)]); 10] = [
        (
            "incident.tier == 1', l",
            "alert.labels.env == \"test\"', l",
            &[(16, "routes[0].routes[0]", "this route never matches: `alert.labels.env` cannot be both")],
        ),
        (
            " && incident.tier == 1', level",
            "', level",
            &[(17, "routes[0].routes[1]", "this route is never reached: all that it matches stops at `hurt`")],
        ),
        (" && incident.tier == 1', level", "', continue: true, level", &[]),
        ("members: [ana, ben]", "members: [ana]", &[(5, "people.ben", "nothing uses person `ben`")]),
        (", escalation: platform } }", " } }", &[(8, "escalations.platform", "nothing uses escalation `platform`")]),
        (
            "wait: 5m }] }\n  all",
            "wait: 5h }], repeat: 4 }\n  all",
            &[(8, "escalations.platform", "25h pass before the catch-all is told")],
        ),
        (
            "[person:ana], wait: 5m }]",
            "[team:platform], wait: 5m }]",
            &[(8, "escalations.platform.steps[0]", "the last step tells the same as the catch-all `all`")],
        ),
        ("tier: 2 }", "tier: 1 }", &[(11, "services.checkout", "service checkout matters most and has no runbook")]),
        ("[team:platform], wait", "[person:ben], wait", &[]),
        (
            "escalations:",
            "channels: { ops: { sms: +15550109 } }\nladder: { SEV1: { channel: channel:ops } }\nescalations:",
            &[],
        ),
    ];
    for (from, to, wanted) in table {
        assert!(POLICY.contains(from), "{from}");
        let (_, found) = inspect(&POLICY.replacen(from, to, 1), now()).expect("warnings alone");
        assert_eq!(found.len(), wanted.len(), "{to}: {found:?}");
        for (mistake, (line, path, what)) in found.iter().zip(wanted) {
            assert_eq!((mistake.line, mistake.path.as_str()), (*line, *path), "{to}");
            assert!(mistake.what.starts_with(what), "{mistake}");
            assert!(mistake.level == Level::Warning && !mistake.fix.is_empty());
        }
        assert_eq!(parse(&POLICY.replacen(from, to, 1)).expect("it can be applied").1, []);
    }
}

#[test]
fn h16_a_gap_of_the_coming_weeks_is_told_and_marked_where_nobody_else_would_hear() {
    let with = |start: &str, restrict: &str, then: &str| {
        let rotation = format!("members: [ana], shift: weekly, start: {start}{restrict}");
        let schedules = format!("schedules: {{ nights: {{ time_zone: Europe/Berlin, rotation: {{ {rotation} }} }} }}");
        let steps = format!("[{{ notify: [schedule:nights], wait: 5m }}{then}]");
        let text = POLICY.replace("[{ notify: [person:ana], wait: 5m }]", &steps);
        let found = inspect(&format!("{text}{schedules}"), now()).expect("warnings alone").1;
        found.into_iter().map(|mistake| (mistake.what, mistake.untold)).collect::<Vec<_>>()
    };
    let (past, weekdays) = ("2026-01-05T09:00", ", restrict: [{ days: [mon, tue, wed, thu, fri, sat], from: 00:00 }]");
    let all_week = ", restrict: [{ from: 09:00, until: 21:00 }, { from: 21:00, until: 09:00 }]";
    assert_eq!(with(past, "", ""), []);
    assert_eq!(with(past, all_week, ""), []);
    let sundays = "nobody is on call from 2026-11-22 00:00 until 2026-11-23 00:00, and 12 times more within 90 days";
    assert_eq!(with(past, weekdays, ", { notify: [person:ben], wait: 5m }"), [(sundays.to_owned(), false)]);
    let alone = format!("{sundays}; escalation `platform` tells nobody else then");
    assert_eq!(with(past, weekdays, ""), [(alone, true)]);
    let soon = with("2026-12-01T09:00", "", ", { notify: [person:ben], wait: 5m }");
    let until_then = "nobody is on call from 2026-11-21 04:00 until 2026-12-01 09:00";
    assert_eq!(soon, [(until_then.to_owned(), false)]);
}

#[test]
fn what_is_still_to_be_put_in_is_told_with_its_place() {
    let text = POLICY
        .replace("ben: { contacts: [{ sms: +15550101 }] }", "ben: { contacts: [{ email: me@example.invalid }] }")
        + r"
integrations: { pd: { kind: pagerduty, secret: ssm:/CHANGE/pd }, own: { kind: pagerduty, secret: ssm:/own } }
providers:
  email: { from: me@example.com }
  twilio: { account_sid: AC00000000000000000000000000000000, auth_token: ssm:/CHANGE/twilio, from: +15550199 }
";
    let (_, found) = inspect(&text, now()).expect("it is valid");
    let told: Vec<(&str, &str)> = found.iter().map(|mistake| (mistake.path.as_str(), mistake.what.as_str())).collect();
    let expected = [
        ("people.ben.contacts[0].email", "this is a placeholder for an address"),
        ("integrations.pd.secret", "this is a placeholder for a secret"),
        ("providers.twilio.account_sid", "this is a placeholder for an account and its number"),
        ("providers.twilio.auth_token", "this is a placeholder for a secret"),
    ];
    assert_eq!(told, expected);
}
