//! What must hold of a policy beyond its form.
//!
//! The same rules check a file, where each mistake has its place, and a compiled policy that somebody uploads.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::{
    Escalation, Integration, Kind, Level, Mistake, Policy, Rotation, Schedule, SecretRef, Shift, Target, nearest,
    routes,
};

/// The longest wait, turn or expiry: beyond it nobody can mean it, and clocks end.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The most repeats of an escalation.
const REPEATS: u32 = 9;
/// The longest name, in bytes.
const NAME: usize = 64;

/// Every mistake in `policy`, without places in a file.
pub fn check(policy: &Policy) -> Vec<Mistake> {
    check_without(policy, &[])
}

/// The same, when the names of the sections `unread` are not known.
pub(super) fn check_without(policy: &Policy, unread: &[&str]) -> Vec<Mistake> {
    let mut check = Check { policy, unread, mistakes: Vec::new() };
    check.version();
    check.names();
    check.people();
    check.teams();
    policy.channels.iter().for_each(|(name, address)| check.address(address, &format!("channels.{name}")));
    policy.schedules.iter().for_each(|(name, schedule)| check.schedule(schedule, &format!("schedules.{name}")));
    policy.escalations.iter().for_each(|(name, named)| check.escalation(named, &format!("escalations.{name}")));
    check.services();
    routes::check(&mut check);
    check.catch_all();
    check.integrations();
    check.providers();
    check.mistakes
}

/// The rules, and what they found so far.
pub(super) struct Check<'a> {
    pub(super) policy: &'a Policy,
    unread: &'a [&'a str],
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Check<'a> {
    pub(super) fn error(&mut self, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake::error(path, what, fix));
    }

    fn warning(&mut self, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake { level: Level::Warning, ..Mistake::error(path, what, fix) });
    }

    /// That `name` is among `names`, all of which are a `kind`.
    pub(super) fn known(&mut self, path: &str, kind: &str, name: &str, names: impl IntoIterator<Item = &'a String>) {
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        let section = if kind == "person" { "people".to_owned() } else { format!("{kind}s") };
        if names.contains(&name) || self.unread.contains(&section.as_str()) {
            return;
        }
        let fix = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("add it: the policy has no {kind} yet"),
            None => format!("add it, or use one of: {}", names.join(", ")),
        };
        self.error(path, format!("there is no {kind} `{name}`"), fix);
    }

    pub(super) fn target(&mut self, target: &Target, path: &str) {
        let policy = self.policy;
        match target {
            Target::Person(name) => self.known(path, "person", name, policy.people.keys()),
            Target::Team(name) => self.known(path, "team", name, policy.teams.keys()),
            Target::Schedule(name) => self.known(path, "schedule", name, policy.schedules.keys()),
            Target::Channel(name) => self.known(path, "channel", name, policy.channels.keys()),
        }
    }

    pub(super) fn length(&mut self, length: SignedDuration, least: SignedDuration, path: &str, kind: &str) {
        if length < least || length > LONGEST {
            let sign = if length.is_negative() { "-" } else { "" };
            let what = format!("{kind} of {sign}{:#} is not possible", length.abs());
            self.error(path, what, format!("write a length from {least:#} to {LONGEST:#}"));
        }
    }

    pub(super) fn secret(&mut self, secret: &SecretRef, path: &str) {
        if secret.parameter().is_none_or(|name| name.len() < 2) {
            // The text is not shown: it may be the secret itself.
            let fix = "store it with `aws ssm put-parameter --type SecureString` and write `ssm:/its/name`";
            self.error(path, "this is not a reference to a secret", fix);
        }
    }

    pub(super) fn web_address(&mut self, url: &str, path: &str) {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']));
        if !host || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.error(
                path,
                "this is not a web address",
                "write an http or https URL, such as https://example.com/page",
            );
        }
    }

    fn version(&mut self) {
        if self.policy.version != 1 {
            self.error("version", format!("version {} is not known", self.policy.version), "write `version: 1`");
        }
    }

    /// Names stand in URLs, headers and log fields.
    fn names(&mut self) {
        let Policy { people, teams, channels, schedules, escalations, services, integrations, .. } = self.policy;
        let sections = [
            ("people", people.keys().collect::<Vec<_>>()),
            ("teams", teams.keys().collect()),
            ("channels", channels.keys().collect()),
            ("schedules", schedules.keys().collect()),
            ("escalations", escalations.keys().collect()),
            ("services", services.keys().collect()),
            ("integrations", integrations.keys().collect()),
        ];
        for (section, names) in sections {
            for name in names {
                let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if name.is_empty() || name.len() > NAME || !name.bytes().all(plain) {
                    let fix = format!("use 1 to {NAME} letters, digits, `-`, `_` and `.`");
                    self.error(format!("{section}.{name}"), format!("`{name}` cannot be a name"), fix);
                }
            }
        }
    }

    fn teams(&mut self) {
        let policy = self.policy;
        for (name, team) in &policy.teams {
            let path = format!("teams.{name}");
            if team.members.is_empty() {
                self.error(format!("{path}.members"), format!("team {name} has nobody in it"), "name its people");
            }
            for (number, member) in team.members.iter().enumerate() {
                self.known(&format!("{path}.members[{number}]"), "person", member, policy.people.keys());
            }
            if let Some(escalation) = &team.escalation {
                self.known(&format!("{path}.escalation"), "escalation", escalation, policy.escalations.keys());
            }
        }
    }

    fn schedule(&mut self, schedule: &Schedule, path: &str) {
        let Rotation { members, shift, start } = &schedule.rotation;
        if let Ok(zone) = TimeZone::get(&schedule.time_zone) {
            if zone.to_ambiguous_timestamp(*start).compatible().is_err() || !(1970..9000).contains(&start.year()) {
                let fix = "write when the first turn begins, such as 2026-01-05T09:00";
                self.error(format!("{path}.rotation.start"), "no clock shows this time", fix);
            }
        } else {
            let near = nearest_zone(&schedule.time_zone).map(|near| format!("did you mean `{near}`?"));
            let fix = near.unwrap_or_else(|| "write an IANA time zone, such as Europe/Berlin".to_owned());
            self.error(format!("{path}.time_zone"), format!("there is no time zone `{}`", schedule.time_zone), fix);
        }
        let path = format!("{path}.rotation");
        if members.is_empty() {
            self.error(format!("{path}.members"), "nobody takes turns: the rotation is empty", "name its people");
        }
        for (number, member) in members.iter().enumerate() {
            self.known(&format!("{path}.members[{number}]"), "person", member, self.policy.people.keys());
        }
        if let Shift::Every(length) = shift {
            self.length(*length, SignedDuration::from_mins(1), &format!("{path}.shift"), "a turn");
        }
    }

    fn escalation(&mut self, escalation: &Escalation, path: &str) {
        if escalation.steps.is_empty() {
            self.error(format!("{path}.steps"), "the escalation has no step", "add one with `notify` and `wait`");
        }
        for (number, step) in escalation.steps.iter().enumerate() {
            let path = format!("{path}.steps[{number}]");
            if step.notify.is_empty() {
                self.error(format!("{path}.notify"), "the step tells nobody", "write `notify: [person:NAME]`");
            }
            for (number, target) in step.notify.iter().enumerate() {
                self.target(target, &format!("{path}.notify[{number}]"));
            }
            self.length(step.wait, SignedDuration::from_secs(1), &format!("{path}.wait"), "a wait");
        }
        if escalation.repeat > REPEATS {
            let what = format!("{} repeats are too many", escalation.repeat);
            self.error(
                format!("{path}.repeat"),
                what,
                format!("write at most {REPEATS}; after them the catch-all is told"),
            );
        }
        if let Some(expires) = escalation.acknowledgement_expires {
            let path = format!("{path}.acknowledgement_expires");
            self.length(expires, SignedDuration::from_secs(1), &path, "an expiry");
        }
    }

    fn services(&mut self) {
        let policy = self.policy;
        for (name, service) in &policy.services {
            let path = format!("services.{name}");
            self.known(&format!("{path}.team"), "team", &service.team, policy.teams.keys());
            if service.tier == Some(0) {
                self.error(format!("{path}.tier"), "there is no tier 0", "write 1 for what matters most");
            }
            if let Some(runbook) = &service.runbook {
                self.web_address(runbook, &format!("{path}.runbook"));
            }
            for (number, dashboard) in service.dashboards.iter().enumerate() {
                self.web_address(dashboard, &format!("{path}.dashboards[{number}]"));
            }
        }
    }

    fn catch_all(&mut self) {
        let policy = self.policy;
        let name = &policy.catch_all.escalation;
        self.known("catch_all.escalation", "escalation", name, policy.escalations.keys());
        let Some(escalation) = policy.escalations.get(name) else { return };
        let mut targets = escalation.steps.iter().flat_map(|step| &step.notify);
        if !targets.any(|target| self.may_reach(target)) {
            let what = format!("the catch-all reaches nobody: no target of escalation `{name}` has a contact");
            self.error("catch_all.escalation", what, "name an escalation that tells somebody who has a contact");
        }
    }

    /// Whether `target` reaches somebody, or would once mistakes that are noted elsewhere are mended.
    fn may_reach(&self, target: &Target) -> bool {
        let policy = self.policy;
        let person = |name: &String| policy.people.get(name).is_none_or(|person| !person.contacts.is_empty());
        match target {
            Target::Person(name) => person(name),
            Target::Team(name) => policy.teams.get(name).is_none_or(|team| team.members.iter().any(person)),
            Target::Schedule(name) => {
                policy.schedules.get(name).is_none_or(|named| named.rotation.members.iter().any(person))
            }
            Target::Channel(_) => true,
        }
    }

    fn integrations(&mut self) {
        let policy = self.policy;
        for (name, integration) in &policy.integrations {
            let path = format!("integrations.{name}");
            self.proof(integration, &path);
            if let Some(service) = &integration.service {
                self.known(&format!("{path}.service"), "service", service, policy.services.keys());
            }
        }
        let open = |kind| {
            let all = policy.integrations.iter();
            all.filter(move |(_, integration)| integration.open && integration.kind == kind).map(|(name, _)| name)
        };
        if let Some(first) = open(Kind::Prometheus).next() {
            for second in open(Kind::Prometheus).skip(1) {
                let what =
                    format!("`{first}` is an open prometheus integration too, and nothing tells their alerts apart");
                self.error(format!("integrations.{second}.open"), what, "give one of them a secret, or remove it");
            }
        }
    }

    /// How the senders of an integration prove who they are.
    fn proof(&mut self, integration: &Integration, path: &str) {
        match (&integration.secret, integration.open, integration.kind) {
            (None, false, Kind::Cloudwatch) => {}
            (Some(_), _, Kind::Cloudwatch) | (None, true, Kind::Cloudwatch) => {
                let key = if integration.open { "open" } else { "secret" };
                let what = "AWS itself proves that an alarm is from CloudWatch";
                self.error(format!("{path}.{key}"), what, format!("remove `{key}`"));
            }
            (_, true, Kind::Pagerduty) => {
                let what = "PagerDuty's events are told apart by their routing key, so this cannot be open";
                self.error(format!("{path}.open"), what, "remove `open` and write `secret: ssm:/path/of/the/key`");
            }
            (Some(_), true, _) => {
                let what = "it has a secret and asks for none";
                self.error(format!("{path}.open"), what, "remove `open`, so that the secret counts");
            }
            (None, true, _) => {
                let what = "anybody who reaches the URL can page people";
                self.warning(format!("{path}.open"), what, "keep it where the network is closed, or give it a secret");
            }
            (Some(secret), false, _) => self.secret(secret, &format!("{path}.secret")),
            (None, false, _) => {
                let what = "nothing proves who sends: there is no secret";
                self.error(format!("{path}.secret"), what, "write `secret: ssm:/path/of/the/parameter`");
            }
        }
    }
}

fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    nearest(name, zones.iter().map(String::as_str)).map(str::to_owned)
}
