//! What a policy may say and probably does not mean: routes that never match, names that nobody uses, long silences.
//!
//! None of this keeps a policy from being applied by itself. What may leave somebody untold is marked, and
//! `policy apply` asks for a word more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Escalation, Level, Mistake, Policy, Route, Target};
use crate::route::condition::Condition;
use crate::schedule::{Covers, Span, final_schedule};

mod placeholder;

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
    lint.placeholders();
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
                let _ = write!(what, ", and {} times more within {} days", gaps.len() - 1, AHEAD.as_hours() / 24);
            }
            let alone = policy.escalations.iter().find(|(_, escalation)| tells_only(escalation, name));
            let fix = if let Some((alone, _)) = alone {
                let _ = write!(what, "; escalation `{alone}` tells nobody else then");
                "let a layer cover it, or give the escalation a step that tells somebody else"
            } else {
                "let a layer cover it; until then the steps go on to the next at once"
            };
            let mistake = Mistake::error(format!("schedules.{name}"), what, fix);
            self.mistakes.push(Mistake { level: Level::Warning, untold: alone.is_some(), ..mistake });
        }
    }

    /// What somebody is still to put in.
    fn placeholders(&mut self) {
        for (path, what) in placeholder::placeholders(self.policy) {
            let fix = match what {
                "a secret" => "store it with `aws ssm put-parameter --type SecureString`, and write its name here",
                _ => "write your own",
            };
            self.warning(path, format!("this is a placeholder for {what}"), fix);
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
    targets.all(|target| matches!(target, Target::Schedule(told) | Target::Next(told) if told == name))
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
        let rungs = policy.ladder.iter().flat_map(|rungs| [&rungs.sev1, &rungs.sev2, &rungs.sev3, &rungs.sev4]);
        rungs.flatten().filter_map(|rung| rung.channel.as_ref()).for_each(|target| used.target(target));
        policy.compliance.iter().flat_map(|compliance| &compliance.owners).for_each(|owner| used.target(owner));
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
            Target::Schedule(name) | Target::Next(name) => (&mut self.schedules, name),
            Target::Channel(name) => (&mut self.channels, name),
        };
        names.insert(name);
    }
}

#[cfg(test)]
mod tests;
