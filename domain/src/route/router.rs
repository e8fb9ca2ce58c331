//! The router: a policy's routes, compiled once, and the walk through them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use cel::Env;
use jiff::{SignedDuration, Timestamp};

use super::condition::{Condition, Verdict, environment};
use super::facts::Facts;
use super::{Decision, Looked, Noise, TRACED};
use crate::enrich::{Change, enrich};
use crate::group::Grouping;
use crate::incident::Incident;
use crate::log::Hash;
use crate::policy::{CHANGE, EVERY, Flapping, Group, Handling, Ladder, Mode, Policy, Route, Target, Threshold};
use crate::pulse::Pulse;
use crate::silence::Subject;
use crate::text::cut;

/// The longest condition that is quoted in a reason, in characters.
const QUOTED: usize = 160;

/// Alertmanager's defaults of a group's times.
const WAIT: SignedDuration = SignedDuration::from_secs(30);
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);
const REPEAT: SignedDuration = SignedDuration::from_hours(4);

/// A policy whose conditions are compiled.
pub struct Router {
    policy: Policy,
    hash: Hash,
    environment: Arc<Env>,
    compiled: Vec<Compiled>,
}

/// A route's condition, and those of its children.
struct Compiled {
    condition: Option<Result<Condition, String>>,
    routes: Vec<Compiled>,
}

impl Router {
    /// Compiles the conditions of `policy`, whose hash is `hash`.
    ///
    /// One that does not compile never matches: the policy was checked before it was applied, and paging must go on.
    pub fn new(policy: Policy, hash: Hash) -> Self {
        Self { compiled: compile(&policy.routes), policy, hash, environment: environment() }
    }

    /// The policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its hash.
    pub const fn hash(&self) -> &Hash {
        &self.hash
    }

    /// Who is told about `incident`. The same incident, policy and clock give the same decision, bit for bit.
    pub fn decide(&self, incident: &Incident, now: Timestamp) -> Decision {
        // A step that failed must not cost the incident its owner: the policy is asked again here.
        let looked_up;
        let enrichment = if let Some(found) = &incident.enrichment {
            found
        } else {
            looked_up = enrich(incident, &self.policy, Vec::new(), Vec::new());
            &looked_up
        };
        let alert = &incident.alert;
        let own_service = enrichment.service.as_deref().or(alert.service.as_deref());
        let facts = Facts {
            environment: &self.environment,
            title: &alert.title,
            severity: alert.severity.as_str(),
            source: &alert.source,
            service: alert.service.as_deref(),
            labels: &alert.labels,
            integration: &incident.integration,
            key: &incident.key,
            owned_service: own_service,
            team: enrichment.team.as_deref(),
            tier: enrichment.tier,
            context: OnceCell::new(),
        };
        let mut walk = Walk { facts, found: Settings::default(), trace: Trace::default() };
        walk.level(&self.policy.routes, &self.compiled, "");
        let Walk { found, trace, .. } = walk;
        let decision = self.conclude(&found, trace, &incident.pulse, own_service, enrichment.team.as_deref(), now);
        let told = matches!(decision.handling, Handling::Page | Handling::Ticket);
        let subject = Subject::of(incident).concerning(decision.service.as_deref());
        let change = enrichment.changes.iter().find(|change| change.may_have_caused(incident.opened_at.unwrap_or(now)));
        let group = found.grouping(&subject, change.map(Change::name)).filter(|_| told);
        Decision { group, ..decision }
    }

    fn conclude(
        &self,
        found: &Settings<'_>,
        trace: Trace,
        pulse: &Pulse,
        own_service: Option<&str>,
        own_team: Option<&str>,
        now: Timestamp,
    ) -> Decision {
        let policy = &self.policy;
        let rung = found.level.zip(policy.ladder.as_ref()).map(|(level, ladder)| ladder.at(level));
        let handling = found.action.or(rung.as_ref().and_then(|rung| rung.action)).unwrap_or_default();
        let service = found.service.or(own_service);
        let known = service.and_then(|name| policy.services.get(name));
        let team = known.map(|service| service.team.as_str());
        let team = team.or(own_team.filter(|team| policy.teams.contains_key(*team)));
        let mode = found.mode.or(known.and_then(|service| service.mode)).unwrap_or_default();
        let of_team = team.and_then(|name| policy.teams.get(name)).and_then(|team| team.escalation.as_deref());
        let exists = |name: &&str| policy.escalations.contains_key(*name);
        let named = found.escalation.filter(exists).or(of_team.filter(exists));
        let escalation = named.unwrap_or(&policy.catch_all.escalation);
        let owner = Owner { service, team, of_route: found.escalation.is_some(), of_team: of_team.is_some() };
        let because = match found.level.filter(|_| found.action.is_none() && rung.is_some()) {
            Some(level) => format!("{} and makes it {}", found.because(), level.as_str()),
            None => found.because(),
        };
        let simulated = if mode == Mode::Simulate { "; that is only simulated, and nobody is told" } else { "" };
        let pages = handling == Handling::Page;
        let noise = found.noise(pulse, now).filter(|_| pages || handling == Handling::Ticket);
        let consequence = owner.consequence(handling, found.notify, named, escalation);
        let why = format!("{because}, so {consequence}{}{simulated}", found.waits(noise));
        let expires = policy.escalations.get(escalation).and_then(|escalation| escalation.acknowledgement_expires);
        Decision {
            handling,
            mode,
            policy: self.hash.clone(),
            at: now,
            service: service.map(str::to_owned),
            team: team.map(str::to_owned),
            level: found.level,
            rung,
            escalation: escalation.to_owned(),
            catch_all: named.is_none(),
            notify: found.notify.to_vec(),
            acknowledgement_expires: expires.filter(|_| pages),
            noise,
            pulse: found.asks_for_the_pulse().then(|| pulse.clone()),
            group: None,
            trace: trace.finish(),
            why,
        }
    }
}

fn compile(routes: &[Route]) -> Vec<Compiled> {
    let compile = |route: &Route| {
        let condition = route.when.as_deref().map(Condition::compile);
        let condition = condition.map(|compiled| compiled.map_err(|invalid| invalid.to_string()));
        Compiled { condition, routes: compile(&route.routes) }
    };
    routes.iter().map(compile).collect()
}

/// What the routes that matched say together.
#[derive(Default)]
struct Settings<'a> {
    action: Option<Handling>,
    service: Option<&'a str>,
    escalation: Option<&'a str>,
    level: Option<Ladder>,
    mode: Option<Mode>,
    notify: &'a [Target],
    threshold: Option<Threshold>,
    flapping: Option<Flapping>,
    group: Option<Group>,
    matched: Vec<(String, Option<&'a str>)>,
}

impl<'a> Settings<'a> {
    fn refine(&mut self, route: &'a Route, name: String) {
        self.action = route.action.or(self.action);
        self.service = route.service.as_deref().or(self.service);
        self.escalation = route.escalation.as_deref().or(self.escalation);
        self.level = route.level.or(self.level);
        self.threshold = route.threshold.or(self.threshold);
        self.flapping = route.flapping.or(self.flapping);
        self.mode = route.mode.or(self.mode);
        if !route.notify.is_empty() {
            self.notify = &route.notify;
        }
        if let Some(finer) = &route.group {
            let group = self.group.get_or_insert_default();
            group.by = finer.by.clone().or_else(|| group.by.take());
            group.wait = finer.wait.or(group.wait);
            group.interval = finer.interval.or(group.interval);
            group.repeat = finer.repeat.or(group.repeat);
        }
        self.matched.push((name, route.when.as_deref()));
    }

    /// Whether the decision depends on how the problem came and went.
    const fn asks_for_the_pulse(&self) -> bool {
        self.threshold.is_some() || self.flapping.is_some()
    }

    /// What has to happen before anybody is told, for a problem that came and went so.
    fn noise(&self, pulse: &Pulse, now: Timestamp) -> Option<Noise> {
        let unheard = self.threshold.filter(|asked| !pulse.reached(asked.count as usize, asked.within));
        if let Some(Threshold { count, within }) = unheard {
            return Some(Noise::Threshold { count, within });
        }
        let Flapping { changes, within, settle } = self.flapping?;
        // The time before this one came two changes earlier: if that was too often already, it was told of then.
        let told_before = pulse.changes_within(within, now) >= changes as usize + 2;
        told_before.then(|| Noise::Flapping { until: now + settle })
    }

    /// The end of the reason: why nobody is told yet.
    fn waits(&self, noise: Option<Noise>) -> String {
        match (noise, self.flapping) {
            (Some(Noise::Threshold { count, within }), _) => format!(", once {count} triggers came within {within:#}"),
            (Some(Noise::Flapping { .. }), Some(Flapping { changes, within, settle })) => {
                format!(
                    ", once it stays for {settle:#}: it fired or cleared more than {changes} times within {within:#}"
                )
            }
            _ => String::new(),
        }
    }

    /// The group that an alert is told with; none when it is told alone: also where the group is that of a `change`, and
    /// none came before it.
    fn grouping(&self, alert: &Subject<'_>, change: Option<&str>) -> Option<Grouping> {
        let Group { by, wait, interval, repeat } = self.group.as_ref()?;
        let (route, _) = self.matched.last()?;
        let by = by.as_deref().unwrap_or_default();
        let mut labels = BTreeMap::new();
        for name in by {
            match name.as_str() {
                EVERY => labels.extend(alert.own_labels().clone()),
                CHANGE if alert.label(CHANGE).is_none() => {
                    labels.insert(name.clone(), change?.to_owned());
                }
                "service" | "severity" | "integration" => {
                    labels.extend(alert.label(name).map(|value| (name.clone(), value.to_owned())));
                }
                _ => labels
                    .extend(alert.own_labels().get_key_value(name).map(|(name, value)| (name.clone(), value.clone()))),
            }
        }
        labels.retain(|_, value| !value.is_empty());
        Some(Grouping {
            route: route.clone(),
            labels,
            wait: wait.unwrap_or(WAIT),
            interval: interval.unwrap_or(INTERVAL),
            repeat: repeat.unwrap_or(REPEAT),
        })
    }

    /// The first half of the reason: which routes matched.
    fn because(&self) -> String {
        let Some(((last, when), before)) = self.matched.split_last() else { return "no route matched".to_owned() };
        let before: Vec<String> = before.iter().map(|(name, _)| format!("`{name}`")).collect();
        let condition = when.map_or("it matches everything".to_owned(), |when| cut(when.trim(), QUOTED));
        if before.is_empty() {
            format!("route `{last}` matched ({condition})")
        } else {
            format!("routes {} and `{last}` matched (the last: {condition})", before.join(", "))
        }
    }
}

/// Who owns the incident, and what that is known from.
struct Owner<'a> {
    service: Option<&'a str>,
    team: Option<&'a str>,
    of_route: bool,
    of_team: bool,
}

impl Owner<'_> {
    /// The second half of the reason: what is done.
    fn consequence(&self, handling: Handling, notify: &[Target], named: Option<&str>, escalation: &str) -> String {
        match handling {
            Handling::Record => return "it is recorded and nobody is told".to_owned(),
            Handling::Suppress => return "it counts as known noise and nobody is told".to_owned(),
            Handling::Ticket if !notify.is_empty() => {
                let told: Vec<String> = notify.iter().map(|target| format!("`{target}`")).collect();
                return format!("{} is told once, as a ticket", told.join(" and "));
            }
            Handling::Ticket | Handling::Page => {}
        }
        let told = if handling == Handling::Ticket { "is told once, as a ticket" } else { "is told" };
        match (named, self.team) {
            (Some(_), Some(team)) if !self.of_route => format!("team {team}'s escalation `{escalation}` {told}"),
            (Some(_), _) => format!("escalation `{escalation}` {told}"),
            (None, _) => format!("the catch-all escalation `{escalation}` {told}: {}", self.unknown()),
        }
    }

    /// Why nobody but the catch-all is known.
    fn unknown(&self) -> String {
        match (self.service, self.team) {
            _ if self.of_route || self.of_team => "the escalation it names does not exist".to_owned(),
            (None, Some(team)) => format!("team {team} has no escalation"),
            (None, None) => "nothing says which service it concerns".to_owned(),
            (Some(service), None) => format!("service `{service}` is not in the policy"),
            (Some(service), Some(team)) => format!("team {team}, which owns `{service}`, has no escalation"),
        }
    }
}

/// A walk through the tree of routes.
struct Walk<'a> {
    facts: Facts<'a>,
    found: Settings<'a>,
    trace: Trace,
}

impl<'a> Walk<'a> {
    /// Looks at `routes` in order until one matches that does not go on.
    fn level(&mut self, routes: &'a [Route], compiled: &'a [Compiled], above: &str) {
        for (route, compiled) in routes.iter().zip(compiled) {
            let verdict = match &compiled.condition {
                None => Verdict::Matched,
                Some(Ok(condition)) => condition.evaluate(&self.facts),
                Some(Err(invalid)) => Verdict::Failed(invalid.clone()),
            };
            if verdict != Verdict::Matched {
                self.trace.unmatched(verdict, above, route);
                continue;
            }
            let name = full_name(above, route);
            self.trace.matched(&name, route);
            self.found.refine(route, name.clone());
            self.level(&route.routes, &compiled.routes, &name);
            if !route.goes_on {
                return;
            }
        }
    }
}

fn full_name(above: &str, route: &Route) -> String {
    if above.is_empty() { route.name.clone() } else { format!("{above} / {}", route.name) }
}

/// What was looked at, with a bound: a decision is kept in the incident and written with every change of it.
#[derive(Default)]
struct Trace {
    looked: Vec<Looked>,
    listed: usize,
    unlisted: usize,
}

impl Trace {
    fn matched(&mut self, name: &str, route: &Route) {
        let result = if route.goes_on { "matched, and the search went on" } else { "matched" };
        self.looked.push(Looked { route: name.to_owned(), result: result.to_owned(), matched: true });
    }

    fn unmatched(&mut self, verdict: Verdict<'_>, above: &str, route: &Route) {
        if self.listed == TRACED {
            self.unlisted += 1;
            return;
        }
        self.listed += 1;
        let result = match verdict {
            Verdict::Lacking(path) => format!("did not match: there is no `{}`", path.join(".")),
            Verdict::Missing(what) => format!("did not match: there is no `{what}`"),
            Verdict::Failed(why) => format!("did not match, as its condition could not be evaluated: {why}"),
            Verdict::Matched | Verdict::Unmatched => "did not match".to_owned(),
        };
        self.looked.push(Looked { route: full_name(above, route), result, matched: false });
    }

    fn finish(mut self) -> Vec<Looked> {
        if self.unlisted > 0 {
            let result = format!("{} more did not match", self.unlisted);
            self.looked.push(Looked { route: "…".to_owned(), result, matched: false });
        }
        self.looked
    }
}
