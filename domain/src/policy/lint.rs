//! What a policy may say and probably does not mean: routes that never match, names that nobody uses, long silences.
//!
//! None of this keeps a policy from being applied by itself. What may leave somebody untold is marked, and
//! `policy apply` asks for a word more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Escalation, Level, Mistake, Policy, Route, Target};
use crate::route::condition::Condition;
use crate::schedule::{Covers, Span, final_schedule};

/// The longest that the steps of an escalation may take before the catch-all is told, without a word about it.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// How far ahead a schedule is searched for times without anybody.
const AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What `policy` probably does not mean, without places in a file; `now` is where the coming weeks begin.
pub fn lint(policy: &Policy, now: Timestamp) -> Vec<Mistake> {
    let mut lint = Lint { policy, now, mistakes: Vec::new() };
    lint.reached(&policy.routes, "routes", &BTreeMap::new());
    lint.unused();
    lint.escalations();
    lint.gaps();
    lint.services();
    lint.mistakes
}

/// The rules, and what they found so far.
struct Lint<'a> {
    policy: &'a Policy,
    now: Timestamp,
    mistakes: Vec<Mistake>,
}

/// What must hold for a route to match: fields, and the text of each.
type Needs = BTreeMap<Vec<String>, String>;

impl Lint<'_> {
    fn warning(&mut self, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake { level: Level::Warning, ..Mistake::error(path, what, fix) });
    }

    /// Routes that no alert can reach, as far as their plain `field == "text"` tell.
    fn reached(&mut self, routes: &[Route], path: &str, above: &Needs) {
        let mut earlier: Vec<(&str, Needs)> = Vec::new();
        for (number, route) in routes.iter().enumerate() {
            let path = format!("{path}[{number}]");
            let condition = route.when.as_deref().map(Condition::compile).and_then(Result::ok);
            let mut needs = above.clone();
            let mut impossible = None;
            for (field, text) in condition.iter().flat_map(Condition::needs) {
                let known = needs.entry(field.to_vec()).or_insert_with(|| text.to_owned());
                if known != text {
                    impossible.get_or_insert(format!("`{}` cannot be both `{known}` and `{text}`", field.join(".")));
                }
            }
            let possible = impossible.is_none();
            let covers =
                |(_, theirs): &&(&str, Needs)| theirs.iter().all(|(field, text)| needs.get(field) == Some(text));
            if let Some(why) = impossible {
                let fix = "change the condition, here or in the routes around it, or remove the route";
                self.warning(&path, format!("this route never matches: {why}"), fix);
            } else if let Some((name, _)) = earlier.iter().find(covers) {
                let what = format!("this route is never reached: all that it matches stops at `{name}` before it");
                self.warning(&path, what, format!("move it before `{name}`, or write `continue: true` there"));
            } else {
                self.reached(&route.routes, &format!("{path}.routes"), &needs);
            }
            if !route.goes_on && possible && condition.is_some_and(|condition| condition.is_plain()) {
                earlier.push((&route.name, needs));
            }
        }
    }

    /// Names that nothing leads to.
    fn unused(&mut self) {
        let policy = self.policy;
        let used = Used::of(policy);
        let sections: [(&str, &str, Vec<&String>, &BTreeSet<&str>); 5] = [
            ("escalations", "escalation", policy.escalations.keys().collect(), &used.escalations),
            ("schedules", "schedule", policy.schedules.keys().collect(), &used.schedules),
            ("teams", "team", policy.teams.keys().collect(), &used.teams),
            ("people", "person", policy.people.keys().collect(), &used.people),
            ("channels", "channel", policy.channels.keys().collect(), &used.channels),
        ];
        for (section, noun, names, used) in sections {
            for name in names.into_iter().filter(|name| !used.contains(name.as_str())) {
                let what = format!("nothing uses {noun} `{name}`");
                self.warning(format!("{section}.{name}"), what, "remove it, or name it where it was meant to be");
            }
        }
    }

    fn escalations(&mut self) {
        let policy = self.policy;
        let catch_all = &policy.catch_all.escalation;
        let first = policy.escalations.get(catch_all).and_then(|named| named.steps.first());
        for (name, escalation) in &policy.escalations {
            let path = format!("escalations.{name}");
            let waits = escalation.steps.iter().map(|step| step.wait);
            let once = waits.fold(SignedDuration::ZERO, SignedDuration::saturating_add);
            let all = once.saturating_mul(i32::try_from(escalation.repeat).unwrap_or(i32::MAX).saturating_add(1));
            if all > PATIENCE {
                let what = format!("{all:#} pass before the catch-all is told");
                self.warning(&path, what, "shorten the waits, or repeat the steps less often");
            }
            let Some((number, last)) = escalation.steps.iter().enumerate().next_back() else { continue };
            if name != catch_all && first.is_some_and(|first| first.notify == last.notify) {
                let what = format!("the last step tells the same as the catch-all `{catch_all}`, which comes after it");
                let fix = "let the catch-all tell somebody else, or leave this step out";
                self.warning(format!("{path}.steps[{number}]"), what, fix);
            }
        }
    }

    /// Times of the coming weeks at which a schedule has nobody (faults.md, H16).
    fn gaps(&mut self) {
        let policy = self.policy;
        let until = self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        for (name, schedule) in &policy.schedules {
            let spans = final_schedule(name, policy, Covers::NONE, self.now, until);
            let gaps: Vec<&Span<'_>> = spans.iter().filter(|span| span.is_gap()).collect();
            let Some(first) = gaps.first() else { continue };
            let zone = TimeZone::get(&schedule.time_zone).unwrap_or(TimeZone::UTC);
            let local = |at| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
            let mut what = format!("nobody is on call from {} until {}", local(first.from), local(first.until));
            if gaps.len() > 1 {
                what += &format!(", and {} times more within {} days", gaps.len() - 1, AHEAD.as_hours() / 24);
            }
            let alone = policy.escalations.iter().find(|(_, escalation)| tells_only(escalation, name));
            let fix = if let Some((alone, _)) = alone {
                what += &format!("; escalation `{alone}` tells nobody else then");
                "let a layer cover it, or give the escalation a step that tells somebody else"
            } else {
                "let a layer cover it; until then the steps go on to the next at once"
            };
            let mistake = Mistake::error(format!("schedules.{name}"), what, fix);
            self.mistakes.push(Mistake { level: Level::Warning, untold: alone.is_some(), ..mistake });
        }
    }

    fn services(&mut self) {
        for (name, service) in &self.policy.services {
            if service.tier == Some(1) && service.runbook.is_none() {
                let what = format!("service {name} matters most and has no runbook");
                self.warning(format!("services.{name}"), what, "write `runbook:` with the URL to open first at night");
            }
        }
    }
}

/// Whether every step of `escalation` tells the schedule `name` and nobody else.
fn tells_only(escalation: &Escalation, name: &str) -> bool {
    let mut targets = escalation.steps.iter().flat_map(|step| &step.notify);
    targets.all(|target| matches!(target, Target::Schedule(told) if told == name))
}

/// The names that something leads to.
#[derive(Default)]
struct Used<'a> {
    escalations: BTreeSet<&'a str>,
    schedules: BTreeSet<&'a str>,
    teams: BTreeSet<&'a str>,
    people: BTreeSet<&'a str>,
    channels: BTreeSet<&'a str>,
}

impl<'a> Used<'a> {
    fn of(policy: &'a Policy) -> Self {
        let mut used = Self::default();
        used.escalations.insert(&policy.catch_all.escalation);
        used.escalations.extend(policy.teams.values().filter_map(|team| team.escalation.as_deref()));
        used.teams.extend(policy.services.values().map(|service| service.team.as_str()));
        used.people.extend(policy.teams.values().flat_map(|team| &team.members).map(String::as_str));
        used.people.extend(policy.schedules.values().flat_map(super::Schedule::members).map(String::as_str));
        let steps = policy.escalations.values().flat_map(|escalation| &escalation.steps);
        steps.flat_map(|step| &step.notify).for_each(|target| used.target(target));
        used.routes(&policy.routes);
        used
    }

    fn routes(&mut self, routes: &'a [Route]) {
        for route in routes {
            self.escalations.extend(route.escalation.as_deref());
            route.notify.iter().for_each(|target| self.target(target));
            self.routes(&route.routes);
        }
    }

    fn target(&mut self, target: &'a Target) {
        let (names, name) = match target {
            Target::Person(name) => (&mut self.people, name),
            Target::Team(name) => (&mut self.teams, name),
            Target::Schedule(name) => (&mut self.schedules, name),
            Target::Channel(name) => (&mut self.channels, name),
        };
        names.insert(name);
    }
}

#[cfg(test)]
mod tests {
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
        let (_, sample) = inspect(include_str!("../../../policy/sample.yaml"), now()).expect("it is valid");
        let paths: Vec<&str> = sample.iter().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, ["integrations.alertmanager.open", "integrations.prometheus.open"]);
    }

    #[test]
    fn each_thing_that_is_probably_not_meant_is_told_with_its_line_and_a_fix() {
        // What is changed, then the line, the path and the beginning of each warning.
        let table: [(&str, &str, &[(usize, &str, &str)]); 9] = [
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
            (
                ", escalation: platform } }",
                " } }",
                &[(8, "escalations.platform", "nothing uses escalation `platform`")],
            ),
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
            (
                "tier: 2 }",
                "tier: 1 }",
                &[(11, "services.checkout", "service checkout matters most and has no runbook")],
            ),
            ("[team:platform], wait", "[person:ben], wait", &[]),
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
            let schedules =
                format!("schedules: {{ nights: {{ time_zone: Europe/Berlin, rotation: {{ {rotation} }} }} }}");
            let steps = format!("[{{ notify: [schedule:nights], wait: 5m }}{then}]");
            let text = POLICY.replace("[{ notify: [person:ana], wait: 5m }]", &steps);
            let found = inspect(&format!("{text}{schedules}"), now()).expect("warnings alone").1;
            found.into_iter().map(|mistake| (mistake.what, mistake.untold)).collect::<Vec<_>>()
        };
        let (past, weekdays) =
            ("2026-01-05T09:00", ", restrict: [{ days: [mon, tue, wed, thu, fri, sat], from: 00:00 }]");
        let all_week = ", restrict: [{ from: 09:00, until: 21:00 }, { from: 21:00, until: 09:00 }]";
        assert_eq!(with(past, "", ""), []);
        assert_eq!(with(past, all_week, ""), []);
        let sundays =
            "nobody is on call from 2026-11-22 00:00 until 2026-11-23 00:00, and 12 times more within 90 days";
        assert_eq!(with(past, weekdays, ", { notify: [person:ben], wait: 5m }"), [(sundays.to_owned(), false)]);
        let alone = format!("{sundays}; escalation `platform` tells nobody else then");
        assert_eq!(with(past, weekdays, ""), [(alone, true)]);
        let soon = with("2026-12-01T09:00", "", ", { notify: [person:ben], wait: 5m }");
        let until_then = "nobody is on call from 2026-11-21 04:00 until 2026-12-01 09:00";
        assert_eq!(soon, [(until_then.to_owned(), false)]);
    }
}
