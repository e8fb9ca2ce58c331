//! Promises about policies: what is read, and that every mistake is named with its place and its fix.

use proptest::prelude::*;

use super::*;
use crate::policy::{Address, check};

const SAMPLE: &str = include_str!("../../../../policy/sample.yaml");

/// The least policy that holds.
const LEAST: &str = "\
version: 1
people:
  ana:
    contacts: [{ sms: +15550100 }]
escalations:
  all:
    steps: [{ notify: [person:ana], wait: 5m }]
catch_all: { escalation: all }
";

#[test]
fn a_mode_is_read_where_it_may_stand_and_a_wrong_word_is_named() {
    let routes = "teams: { t: { members: [ana] } }\nservices: { s: { team: t, mode: simulate } }\nroutes: [{ name: r, mode: execute }]\n";
    let (policy, warnings) = parse(&format!("{LEAST}{routes}")).expect("it is valid");
    assert_eq!(warnings, []);
    assert_eq!(policy.services["s"].mode, Some(crate::policy::Mode::Simulate));
    assert_eq!(policy.routes[0].mode, Some(crate::policy::Mode::Execute));
    assert!(!parse(LEAST).expect("it is valid").0.compile().contains("mode"), "policies of before keep their hash");
    let wrong = mistakes(&format!("{LEAST}{}", routes.replace("execute", "simulated")));
    assert!(wrong.len() == 1 && wrong[0].contains("did you mean `simulate`?"), "{wrong:?}");
}

/// The mistakes of a text, one a line.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = match parse(text) {
        Ok((_, warnings)) => warnings,
        Err(mistakes) => mistakes,
    };
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_sample_holds_and_warns_only_of_what_is_open() {
    let (policy, warnings) = parse(SAMPLE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["integrations.alertmanager.open", "integrations.prometheus.open"]);
    assert_eq!(policy.people["ana"].contacts[0].address.channel(), "webhook");
    assert_eq!(policy.escalations["demo"].steps[0].wait, jiff::SignedDuration::from_secs(5));
}

#[test]
fn a_policy_that_was_read_compiles_to_bytes_that_read_back_the_same() {
    for text in [SAMPLE, LEAST] {
        let (policy, _) = parse(text).expect("a policy");
        let again: Policy = serde_json::from_str(&policy.compile()).expect("its own form");
        assert_eq!(again, policy);
        assert_eq!(again.hash(), policy.hash());
        assert!(check(&again).iter().all(|mistake| mistake.level == Level::Warning));
    }
}

#[test]
fn every_channel_and_every_provider_can_be_written() {
    let text = LEAST.replace(
        "[{ sms: +15550100 }]",
        "[{ sms: +15550100 }, { twilio_sms: +15550100, after: 1m }, { voice: +15550100 }, { ntfy: ana-4f1c }, \
         { slack: C0123456789 }, { email: ana@example.com }, { webhook: { url: https://example.com, secret: ssm:/w } }]",
    ) + "\
channels:
  room: { teams: ssm:/teams/room }
  old-pager: { pagerduty: ssm:/pagerduty/key }
  old-alerts: { opsgenie: Platform Team }
providers:
  slack: { bot_token: ssm:/slack/bot, signing_secret: ssm:/slack/signing }
  email: { from: watchkeeper@example.com }
  twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: ssm:/twilio, from: +15550199 }
  ntfy: { token: ssm:/ntfy }
  opsgenie: { api_key: ssm:/opsgenie, region: eu }
";
    let (policy, warnings) = parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let contacts = policy.people["ana"].contacts.iter().map(|contact| &contact.address);
    let mut channels: Vec<&str> = contacts.chain(policy.channels.values()).map(Address::channel).collect();
    channels.sort_unstable();
    let all = ["email", "ntfy", "opsgenie", "pagerduty", "slack", "sms", "teams", "twilio_sms", "voice", "webhook"];
    assert_eq!(channels, all);
    let ntfy = policy.providers.ntfy.as_ref().expect("a server");
    assert_eq!(ntfy.url, "https://ntfy.sh");
    let again: Policy = serde_json::from_str(&policy.compile()).expect("its own form");
    assert_eq!(again, policy);
}

/// Mistakes made in the least policy, one at a time: what is replaced, by what, and what is said of it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn h07_every_mistake_has_its_place_its_reason_and_its_fix() {
    let more = |text: &str| ("catch_all: { escalation: all }\n", format!("catch_all: {{ escalation: all }}\n{text}"));
    let with = |was: &'static str, is: &str| (was, is.to_owned());
    let table = [
        (with("version: 1", "version: 2"), "1:10: error: version: version 2 is not known; write `version: 1`"),
        (with("version: 1\n", ""), "1:1: error: version: `version` is missing; write `version: 1`"),
        (
            with("version: 1", "version: one"),
            "1:10: error: version: `one` is not a whole number that fits; write digits alone, such as 2",
        ),
        (
            with("    contacts", "    contcts"),
            "4:5: error: people.ana.contcts: unknown key `contcts`; did you mean `contacts`?",
        ),
        (
            with("[{ sms: +15550100 }]", "[]"),
            "4:5: error: people.ana.contacts: ana cannot be told anything: there is no contact; add one, such as `contacts: [{ sms: +15550100 }]`\n8:26: error: catch_all.escalation: the catch-all reaches nobody: no target of escalation `all` has a contact; name an escalation that tells somebody who has a contact",
        ),
        (
            with("+15550100", "5550100"),
            "4:23: error: people.ana.contacts[0].sms: this is not a phone number; write it in international form, such as +15550100",
        ),
        (
            with("sms: +15550100", "sms: +15550100, email: a@b.de"),
            "4:16: error: people.ana.contacts[0]: this names more than one address; name one of webhook, slack, teams, email, sms, twilio_sms, voice, ntfy, pagerduty and opsgenie; write each contact as its own entry",
        ),
        (
            with("sms: +15550100", "slack: C0123"),
            "4:25: error: people.ana.contacts[0].slack: Slack is used, and no Slack app is named; add `providers: slack:` with `bot_token` and `signing_secret`",
        ),
        (
            with("sms: +15550100", "email: a@b.de"),
            "4:25: error: people.ana.contacts[0].email: e-mail is used, and no sender is named; add `providers: email:` with the verified `from` address",
        ),
        (
            with("sms: +15550100", "voice: +15550100"),
            "4:25: error: people.ana.contacts[0].voice: Twilio is used, and no account is named; add `providers: twilio:` with `account_sid`, `auth_token` and `from`",
        ),
        (
            with("sms: +15550100", "opsgenie: Platform"),
            "4:28: error: people.ana.contacts[0].opsgenie: Opsgenie is used, and no key is named; add `providers: opsgenie:` with the `api_key` of an API integration",
        ),
        (
            with("sms: +15550100", "teams: https://hooks.example.com/hunter2"),
            "4:25: error: people.ana.contacts[0].teams: this is not a reference to a secret; store it with `aws ssm put-parameter --type SecureString` and write `ssm:/its/name`",
        ),
        (
            with("sms: +15550100", "ntfy: a/b"),
            "4:24: error: people.ana.contacts[0].ntfy: this is not a topic; write 1 to 64 letters, digits, `-` or `_`",
        ),
        (
            more("providers: { twilio: { account_sid: AC1, auth_token: ssm:/t, from: +15550199 } }\n"),
            "9:37: error: providers.twilio.account_sid: this is not the SID of an account; write the account's SID: AC and 32 digits from 0 to f",
        ),
        (
            more("providers: { opsgenie: { api_key: ssm:/k, region: us-east-1 } }\n"),
            "9:51: error: providers.opsgenie.region: `us-east-1` is not one of the known words; use one of: us, eu",
        ),
        (
            with("sms: +15550100", "webhook: { url: ftp://x, secret: ssm:/x }"),
            "4:34: error: people.ana.contacts[0].webhook.url: this is not a web address; write an http or https URL, such as https://example.com/page",
        ),
        (
            with("sms: +15550100", "webhook: { url: https://x, secret: hunter2 }"),
            "4:53: error: people.ana.contacts[0].webhook.secret: this is not a reference to a secret; store it with `aws ssm put-parameter --type SecureString` and write `ssm:/its/name`",
        ),
        (
            with("person:ana", "person:anna"),
            "7:24: error: escalations.all.steps[0].notify[0]: there is no person `anna`; did you mean `ana`?",
        ),
        (
            with("person:ana", "ana"),
            "7:24: error: escalations.all.steps[0].notify[0]: `ana` is not somebody to tell; write person:NAME, team:NAME, schedule:NAME, next:SCHEDULE or channel:NAME",
        ),
        (
            with("person:ana", "team:x"),
            "7:24: error: escalations.all.steps[0].notify[0]: there is no team `x`; add it: the policy has no team yet",
        ),
        (
            with("wait: 5m", "wait: 0s"),
            "7:43: error: escalations.all.steps[0].wait: a wait of 0s is not possible; write a length from 1s to 8784h",
        ),
        (
            with("wait: 5m", "wait: -5m"),
            "7:43: error: escalations.all.steps[0].wait: a wait of -5m is not possible; write a length from 1s to 8784h",
        ),
        (
            with("wait: 5m", "wait: soon"),
            "7:43: error: escalations.all.steps[0].wait: `soon` is not a length of time; write it such as `30s`, `5m`, `12h` or `1h 30m`",
        ),
        (
            with("    steps: [{", "    repeat: 10\n    steps: [{"),
            "7:13: error: escalations.all.repeat: 10 repeats are too many; write at most 9; after them the catch-all is told",
        ),
        (
            with("catch_all: { escalation: all }\n", ""),
            "1:1: error: catch_all: `catch_all` is missing; write `catch_all:` with the `escalation` that is told when nothing else is",
        ),
        (
            with("escalation: all", "escalation: al"),
            "8:26: error: catch_all.escalation: there is no escalation `al`; did you mean `all`?",
        ),
        (
            more("teams: { t: { members: [] } }"),
            "9:15: error: teams.t.members: team t has nobody in it; name its people",
        ),
        (
            more("teams: { t: { members: ana } }"),
            "9:24: error: teams.t.members: this is a text, and a list belongs here; write each entry on its own line after `- `, or as [one, two]",
        ),
        (
            more("teams: [t]"),
            "9:8: error: teams: this is a list, and a mapping of names belongs here; write `name:` and what belongs to it, indented, below",
        ),
        (
            more("services: { s: { team: t } }"),
            "9:24: error: services.s.team: there is no team `t`; add it: the policy has no team yet",
        ),
        (
            more(
                "schedules: { s: { time_zone: Europe/Berlim, rotation: { members: [ana], shift: daily, start: 2026-01-05T09:00 } } }",
            ),
            "9:30: error: schedules.s.time_zone: there is no time zone `Europe/Berlim`; did you mean `Europe/Berlin`?",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [], shift: daily, start: 2026-01-05T09:00 } } }",
            ),
            "9:47: error: schedules.s.rotation.members: nobody takes turns: the rotation is empty; name its people",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: 0h, start: 2026-01-05T09:00 } } }",
            ),
            "9:70: error: schedules.s.rotation.shift: a turn of 0s is not possible; write a length from 1m to 8784h",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: yearly, start: 2026-01-05T09:00 } } }",
            ),
            "9:70: error: schedules.s.rotation.shift: `yearly` is not the length of a turn; write hourly, daily, weekly, monthly, such as `3 days`, `2 weeks` or `2 months`, or a length such as 12h",
        ),
        (
            more("schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-13-05 } } }"),
            "9:84: error: schedules.s.rotation.start: `2026-13-05` is not a local date and time; write it such as `2026-01-05T09:00`, without an offset",
        ),
        (
            more("schedules: { s: { time_zone: UTC } }"),
            "9:17: error: schedules.s.rotation: `rotation` is missing; write `rotation:` with `members`, `shift` and `start`, or several as `layers:`",
        ),
        (
            more("schedules: { s: { time_zone: UTC, layers: [] } }"),
            "9:35: error: schedules.s.layers: nobody takes turns: there is no layer; add one with `members`, `shift` and `start`",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-01-05T09:00 }, layers: [{ members: [ana], shift: daily, start: 2026-01-05T09:00 }] } }",
            ),
            "9:35: error: schedules.s.rotation: there are layers too, so this has no place among them; write the rotation as the first of the layers",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, layers: [{ name: x, members: [ana], shift: daily, start: 2026-01-05T09:00 }, { name: x, members: [ana], shift: daily, start: 2026-01-05T09:00 }] } }",
            ),
            "9:120: error: schedules.s.layers[1].name: `x` does not tell this layer from the others; give each layer a name of its own",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { time_zone: Asia/Kolkatta, members: [ana], shift: daily, start: 2026-01-05T09:00 } } }",
            ),
            "9:58: error: schedules.s.rotation.time_zone: there is no time zone `Asia/Kolkatta`; did you mean `Asia/Kolkata`?",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-01-05T09:00, end: 2026-01-05T08:59 } } }",
            ),
            "9:107: error: schedules.s.rotation.end: it ends before it starts; write a later end, or leave it out",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-01-05T09:00, restrict: [{ days: [mo] }] } } }",
            ),
            "9:122: error: schedules.s.rotation.restrict[0].days[0]: `mo` is not one of the known words; did you mean `mon`?",
        ),
        (
            more(
                "schedules: { s: { time_zone: UTC, rotation: { members: [ana], shift: daily, start: 2026-01-05T09:00, restrict: [{ from: 25:00 }] } } }",
            ),
            "9:121: error: schedules.s.rotation.restrict[0].from: `25:00` is not a time of the day; write hours and minutes, such as `09:00`",
        ),
        (
            more("routes: [{ name: a, when: \"alert.source = 1\" }]"),
            "9:27: error: routes[0].when: the condition does not compile: mismatched input '=' expecting <EOF> at line 1, column 14 of it; write CEL, such as `alert.labels.env == \"prod\" && alert.severity == \"critical\"`",
        ),
        (
            more("routes: [{ name: a, when: \"alert.sorce == 'x'\" }]"),
            "9:27: error: routes[0].when: the condition uses an unknown field of `alert`: `sorce`; did you mean `source`?",
        ),
        (
            more("routes: [{ name: a }, { name: b }]"),
            "9:23: error: routes[1]: this route is never reached: `a` before it always matches; move it before `a`, or write `continue: true` there",
        ),
        (
            more("routes: [{ name: a, continue: true }, { name: a }]"),
            "9:47: error: routes[1].name: another route beside it is called `a` too; give each its own name: decisions name their routes",
        ),
        (
            more("routes: [{ name: a, action: pages }]"),
            "9:29: error: routes[0].action: `pages` is not one of the known words; did you mean `page`?",
        ),
        (
            more("routes: [{ name: a, escalation: none, service: none }]"),
            "9:33: error: routes[0].escalation: there is no escalation `none`; add it, or use one of: all\n9:48: error: routes[0].service: there is no service `none`; add it: the policy has no service yet",
        ),
        (
            more("integrations: { i: { kind: alertmanager } }"),
            "9:17: error: integrations.i.secret: nothing proves who sends: there is no secret; write `secret: ssm:/path/of/the/parameter`",
        ),
        (
            more("integrations: { i: { kind: alertmanager, open: true } }"),
            "9:48: error: integrations.i.open: nothing proves who sends, and nothing says from where; write `from:` with the networks of its senders, or give it a secret in the place of `open`",
        ),
        (
            more("integrations: { i: { kind: alertmanager, open: true, from: [10.0.0.0/8] } }"),
            "9:48: warning: integrations.i.open: anybody in these networks can page people: nothing proves who sends; give it a secret in the place of `open` where its senders can",
        ),
        (
            more("integrations: { i: { kind: alertmanager, open: true, from: [10.0.0.0/8, \"::/0\"] } }"),
            "9:48: warning: integrations.i.open: anybody who reaches the URL can page people: nothing proves who sends; give it a secret in the place of `open` where its senders can",
        ),
        (more("integrations: { i: { kind: github, secret: \"ssm:/a\", from: [192.30.252.0/22] } }"), ""),
        (
            more("integrations: { i: { kind: github, secret: \"ssm:/a\", from: [github.com] } }"),
            "9:61: error: integrations.i.from[0]: `github.com` is not a network; write an address such as 203.0.113.7, or a network such as 203.0.113.0/24 or 2001:db8::/32",
        ),
        (more("integrations: { i: { kind: sns, topics: [\"arn:aws:sns:us-east-1:111122223333:alarms\"] } }"), ""),
        (
            more("integrations: { i: { kind: sns } }"),
            "9:17: error: integrations.i.topics: anybody can make SNS sign a message, and nothing says whose are heard; write `topics:` with their ARNs",
        ),
        (
            more("integrations: { i: { kind: sns, topics: [alarms] } }"),
            "9:42: error: integrations.i.topics[0]: this is not the ARN of a topic; write it as arn:aws:sns:us-east-1:111122223333:alarms",
        ),
        (
            more(
                "integrations: { i: { kind: sns, secret: \"ssm:/a\", topics: [\"arn:aws:sns:us-east-1:111122223333:alarms\"] } }",
            ),
            "9:41: error: integrations.i.secret: SNS signs with keys of its own; remove `secret`",
        ),
        (
            more("integrations: { i: { kind: cloudwatch, topics: [\"arn:aws:sns:us-east-1:111122223333:alarms\"] } }"),
            "9:40: error: integrations.i.topics: only `kind: sns` has topics; remove `topics`",
        ),
        (
            more("integrations: { i: { kind: cloudwatch, from: [10.0.0.0/8] } }"),
            "9:40: error: integrations.i.from: AWS itself delivers it, from no address; remove `from`",
        ),
        (more("integrations: { i: { kind: cloudwatch } }"), ""),
        (
            more("integrations: { i: { kind: grafana, secret: \"ssm:/a\", header: X-Sig, timestamp_header: X-Time } }"),
            "",
        ),
        (more("integrations: { i: { kind: grafana, secret: \"ssm:/a\", proof: token, header: X-Key } }"), ""),
        (more("integrations: { i: { kind: gitlab, secret: \"ssm:/a\", proof: signature } }"), ""),
        (more("integrations: { i: { kind: cloudwatch, auto_close: 24h } }"), ""),
        (
            more("integrations: { i: { kind: cloudwatch, auto_close: 10s } }"),
            "9:52: error: integrations.i.auto_close: an auto-close of 10s is not possible; write a length from 5m to 8784h",
        ),
        (
            more("integrations: { i: { kind: github, secret: \"ssm:/a\", proof: token } }"),
            "9:61: error: integrations.i.proof: its senders cannot do that; remove `proof`: how they prove who they are is not a choice",
        ),
        (
            more("integrations: { i: { kind: sentry, secret: \"ssm:/a\", header: X-Key } }"),
            "9:62: error: integrations.i.header: its senders have one place for their proof; remove `header`",
        ),
        (
            more("integrations: { i: { kind: datadog, secret: \"ssm:/a\", header: \"X Key\" } }"),
            "9:63: error: integrations.i.header: this cannot be the name of a header; use letters, digits, `-` and `_`, such as X-Api-Key",
        ),
        (
            more("integrations: { i: { kind: gitlab, secret: \"ssm:/a\", timestamp_header: X-Time } }"),
            "9:72: error: integrations.i.timestamp_header: only Grafana signs a time in a header that one names; remove `timestamp_header`",
        ),
        (
            more("integrations: { i: { kind: pagerduty, open: true } }"),
            "9:45: error: integrations.i.open: PagerDuty's events are told apart by their routing key, so this cannot be open; remove `open` and write `secret: ssm:/path/of/the/key`",
        ),
        (
            more("integrations: { i: { kind: opsgenie, open: true } }"),
            "9:44: error: integrations.i.open: Opsgenie's alerts are told apart by their API key, so this cannot be open; remove `open` and write `secret: ssm:/path/of/the/key`",
        ),
        (
            more("integrations: { \"a/b\": { kind: cloudwatch } }"),
            "9:17: error: integrations.a/b: `a/b` cannot be a name; use 1 to 64 letters, digits, `-`, `_` and `.`",
        ),
        (more("people: {}"), "9:1: error: people: `people` is written twice; keep one of them"),
        (
            more("services: [}"),
            "9:12: error: this is not YAML: while parsing a node, did not find expected node content; check the indentation, the quotes and the colons of this line and the one above",
        ),
        (
            more("---\nversion: 1"),
            "9:1: error: a second document begins here; keep one policy in the file, and no `---` but the first",
        ),
    ];
    for ((was, is), said) in table {
        let text = LEAST.replacen(was, &is, 1);
        assert_ne!(text, LEAST, "{was}");
        assert_eq!(mistakes(&text).join("\n"), said, "{text}");
    }
    assert_eq!(mistakes(LEAST), Vec::<String>::new());
    assert_eq!(mistakes("").join(""), "1:1: error: the file is empty; start from the sample policy");
}

#[test]
fn personal_rules_steps_and_the_ladder_are_read_and_their_mistakes_told() {
    let with = |person: &str, step: &str, more: &str| {
        let text =
            LEAST.replace("contacts: [{ sms: +15550100 }]", &format!("contacts: [{{ sms: +15550100 }}]\n    {person}"));
        format!("{}{more}", text.replace("wait: 5m", &format!("wait: 5m{step}")))
    };
    let good = with(
        "rules: { SEV1: [{ by: sms }] }\n    quiet: { from: 22:00, until: 07:00, time_zone: Europe/Berlin, days: [fri, sat] }",
        ", acknowledge: everybody",
        "ladder: { SEV2: { follow_up: 2h }, SEV1: { bridge: https://meet.example.com, channel: channel:ops } }\nchannels: { ops: { sms: +15550101 } }\n",
    );
    assert_eq!(mistakes(&good), Vec::<String>::new());
    let (policy, _) = parse(&good).expect("a policy");
    assert_eq!(policy.people["ana"].quiet.as_ref().expect("quiet").except, [crate::policy::Ladder::Sev1]);
    let quiet = |fields: &str| format!("quiet: {{ from: 22:00, {fields} }}");
    let table = [
        (with("rules: { SEV1: [] }", "", ""), "people.ana.rules.SEV1: the rules for SEV1 reach ana nowhere"),
        (
            with("rules: { SEV3: [{ by: voice }] }", "", ""),
            "SEV3[0].by: ana has no contact by `voice`; use one of: sms",
        ),
        (with("rules: { SEV2: [{ by: sms }, { by: sms }] }", "", ""), "SEV2[1].by: `sms` is named twice for SEV2"),
        (with("rules: { SEV2: [{ by: sms, after: 0s }] }", "", ""), "SEV2[0].after: a wait of 0s is not possible"),
        (with("rules: { SEV5: [{ by: sms }] }", "", ""), "people.ana.rules.SEV5: unknown key `SEV5`"),
        (with(&quiet("until: 22:00, time_zone: UTC"), "", ""), "the quiet time of ana has no end"),
        (with(&quiet("until: 07:00, time_zone: Mars/Base"), "", ""), "there is no time zone `Mars/Base`"),
        (
            with(&quiet("until: 07:00, time_zone: UTC, except: []"), "", ""),
            "warning: people.ana.quiet.except: ana is not woken",
        ),
        (with("", ", acknowledge: everyone", ""), "steps[0].acknowledge: `everyone` is not one of the known words"),
        (with("", ", acknowledge: everybody, round_robin: true", ""), "the step tells one, and asks everybody"),
        (
            LEAST.replace("    steps: [{", "    acknowledgement_expires: 1m\n    steps: [{"),
            "warning: escalations.all.acknowledgement_expires: a step waits 5m",
        ),
        (with("", "", "ladder: { SEV1: { bridge: x } }"), "ladder.SEV1.bridge: this is not a web address"),
        (with("", "", "ladder: { SEV1: { channel: person:ana } }"), "ladder.SEV1.channel: `person:ana` is no place"),
        (with("", "", "ladder: { SEV1: { channel: channel:x } }"), "ladder.SEV1.channel: there is no channel `x`"),
        (with("", "", "ladder: { SEV2: { follow_up: 0s } }"), "ladder.SEV2.follow_up: a follow-up of 0s"),
    ];
    for (text, part) in table {
        let found = mistakes(&text).join("\n");
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn h01_quiet_hours_follow_the_wall_clock_through_both_changes_of_the_year() {
    let quiet = |days: &str| -> crate::policy::Quiet {
        let json =
            format!(r#"{{"from":"22:00","until":"02:30","time_zone":"Europe/Berlin","days":[{days}],"except":[]}}"#);
        serde_json::from_str(&json).expect("quiet hours")
    };
    let table = [
        // Saturday's night loses an hour: 02:30 does not exist, and 03:30 shows it.
        ("", "2026-03-28T21:30:00Z", Some("2026-03-29T01:30:00Z")),
        // Sunday's night in October has 02:30 twice: the first counts.
        ("", "2026-10-24T20:00:00Z", Some("2026-10-25T00:30:00Z")),
        ("", "2026-10-25T00:30:00Z", None),
        ("", "2026-11-21T20:59:59Z", None),
        ("", "2026-11-21T21:00:00Z", Some("2026-11-22T01:30:00Z")),
        ("", "2026-11-22T01:30:00Z", None),
        // It belongs to the day on which it began.
        ("\"sat\"", "2026-11-22T00:30:00Z", Some("2026-11-22T01:30:00Z")),
        ("\"sun\"", "2026-11-22T00:30:00Z", None),
    ];
    for (days, at, until) in table {
        let until: Option<jiff::Timestamp> = until.map(|until| until.parse().expect("an instant"));
        assert_eq!(quiet(days).until(at.parse().expect("an instant")), until, "{days} {at}");
    }
}

#[test]
fn two_open_prometheus_integrations_are_refused() {
    let both = "integrations: { a: { kind: prometheus, open: true, from: [10.0.0.1] }, b: { kind: prometheus, open: true, from: [10.0.0.2] } }";
    let found = mistakes(&format!("{LEAST}{both}"));
    assert!(
        found.iter().any(|mistake| mistake.contains("error: integrations.b.open: `a` is an open prometheus")),
        "{found:#?}"
    );
}

#[test]
fn a_catch_all_that_reaches_nobody_is_refused() {
    let text = LEAST.replace("[person:ana]", "[schedule:s]");
    let schedule =
        "schedules: { s: { time_zone: UTC, rotation: { members: [], shift: daily, start: 2026-01-05T09:00 } } }";
    let found = mistakes(&format!("{text}{schedule}"));
    assert!(
        found
            .iter()
            .any(|mistake| mistake.starts_with("8:26: error: catch_all.escalation: the catch-all reaches nobody")),
        "{found:#?}"
    );
}

#[test]
fn every_mistake_is_told_at_once_and_none_of_them_twice() {
    let text = "\
version: 1
peple:
  ana: { contacts: [{ sms: 1 }] }
people:
  ben: { contacts: [{ webhook: { url: \"\", secrt: x } }, { sms: [] }], phone: 1 }
teams:
  a: { members: [ben, eve], escalation: x }
escalations:
  all: { steps: [{ notify: [person:ben, ben], wait: later }] }
catch_all: { escalation: [] }
routes:
  - { when: \"alert.\", notify: [channel:ops] }
";
    let found = mistakes(text);
    let paths: Vec<&str> = found.iter().map(|mistake| mistake.split(": ").nth(2).expect("a path")).collect();
    assert_eq!(
        paths,
        [
            "peple",
            "people.ben.contacts[0].webhook.url",
            "people.ben.contacts[0].webhook.secrt",
            "people.ben.contacts[1].sms",
            "people.ben.phone",
            "teams.a.members[1]",
            "teams.a.escalation",
            "escalations.all.steps[0].notify[1]",
            "escalations.all.steps[0].wait",
            "catch_all.escalation",
            "routes[0].name",
            "routes[0].when",
            "routes[0].notify[0]",
        ],
        "{found:#?}"
    );
}

#[test]
fn owners_of_compliance_are_people_and_places_of_the_policy() {
    let with = |owners: &str| format!("{LEAST}compliance: {{ owners: {owners} }}\n");
    let (policy, _) = parse(&with("[person:ana]")).expect("a policy");
    assert_eq!(policy.compliance.expect("it has owners").owners.len(), 1);
    for (owners, said) in [("[]", "nobody hears of findings"), ("[person:zoe]", "there is no person `zoe`")] {
        let found = mistakes(&with(owners)).join("\n");
        assert!(found.contains(said) && found.contains("compliance.owners"), "{owners}: {found}");
    }
}

#[test]
fn l05_a_secret_that_was_written_out_is_never_repeated() {
    let text = format!("{LEAST}integrations: {{ i: {{ kind: pagerduty, secret: hunter2hunter2 }} }}");
    assert!(!mistakes(&text).join("").contains("hunter2"));
}

#[test]
fn aliases_and_nesting_are_bounded() {
    let line = |n: i32| format!("a{n}: &a{n} [*a{0}, *a{0}]", n - 1);
    let bomb = (1..40).map(line).collect::<Vec<_>>().join(
        "
",
    );
    let found = mistakes(&format!("a0: &a0 [x]\n{bomb}"));
    assert!(found[0].contains("the aliases repeat too much"), "{found:?}");
    let deep = mistakes(&"- ".repeat(60));
    assert!(deep[0].contains("nested too deeply"), "{deep:?}");
    assert!(!mistakes(&"[".repeat(100_000)).is_empty());
    let (policy, _) = parse(
        &LEAST
            .replace("[person:ana]", "&who [person:ana]")
            .replace("wait: 5m }", "wait: 5m }, { notify: *who, wait: 1m }"),
    )
    .expect("a policy");
    assert_eq!(policy.escalations["all"].steps[1].notify, policy.escalations["all"].steps[0].notify);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_each_mistake_has_a_place(
        cut in 0..SAMPLE.len(), from in 0..SAMPLE.len(), length in 0..200usize, junk in "[ -~\n]{0,20}",
    ) {
        // A damaged sample: a part is missing, and something else stands in its place.
        let boundary = |at: usize| (0..=at).rev().find(|at| SAMPLE.is_char_boundary(*at)).unwrap_or(0);
        let (cut, from) = (boundary(cut), boundary(from));
        let to = boundary((from + length).min(SAMPLE.len()));
        for text in [format!("{}{junk}", &SAMPLE[..cut]), format!("{}{junk}{}", &SAMPLE[..from], &SAMPLE[to..])] {
            match parse(&text) {
                Ok((policy, warnings)) => {
                    prop_assert!(warnings.iter().all(|mistake| mistake.level == Level::Warning));
                    prop_assert!(check(&policy).iter().all(|mistake| mistake.level == Level::Warning));
                }
                Err(mistakes) => {
                    prop_assert!(mistakes.iter().any(|mistake| mistake.level == Level::Error));
                    prop_assert!(mistakes.iter().all(|mistake| mistake.line > 0 && mistake.column > 0));
                    prop_assert!(mistakes.iter().all(|mistake| !mistake.what.is_empty() && !mistake.fix.is_empty()));
                }
            }
        }
    }
}

#[test]
fn a_rotation_that_was_compiled_before_there_were_layers_is_read_and_keeps_its_name() {
    let old = r#"{"members":["ana"],"shift":"weekly","start":"2026-01-05T09:00:00"}"#;
    let layer: crate::policy::Layer = serde_json::from_str(old).expect("an older form");
    assert_eq!(serde_json_canonicalizer::to_string(&layer).expect("plain JSON"), old);
}
