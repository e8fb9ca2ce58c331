//! What must hold of a policy beyond its form.
//!
//! The same rules check a file, where each mistake has its place, and a compiled policy that somebody uploads.

use jiff::SignedDuration;

use super::{Level, Mistake, Policy, nearest, route};

/// The longest wait, turn or expiry: beyond it nobody can mean it, and clocks end.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
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
    policy.schedules.iter().for_each(|(name, schedule)| check.schedule(name, schedule));
    policy.escalations.iter().for_each(|(name, named)| check.escalation(named, &format!("escalations.{name}")));
    check.services();
    check.owners();
    check.ladder();
    route::check(&mut check);
    check.inhibitions();
    check.catch_all();
    check.compliance();
    check.integrations();
    check.heartbeats();
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

    pub(super) fn warning(&mut self, path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) {
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

    pub(super) fn length(&mut self, length: SignedDuration, least: SignedDuration, path: &str, kind: &str) {
        if length < least || length > LONGEST {
            let sign = if length.is_negative() { "-" } else { "" };
            let what = format!("{kind} of {sign}{:#} is not possible", length.abs());
            self.error(path, what, format!("write a length from {least:#} to {LONGEST:#}"));
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
        let Policy { people, teams, channels, schedules, escalations, services, integrations, heartbeats, .. } =
            self.policy;
        let sections = [
            ("people", people.keys().collect::<Vec<_>>()),
            ("teams", teams.keys().collect()),
            ("channels", channels.keys().collect()),
            ("schedules", schedules.keys().collect()),
            ("escalations", escalations.keys().collect()),
            ("services", services.keys().collect()),
            ("integrations", integrations.keys().collect()),
            ("heartbeats", heartbeats.keys().collect()),
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
}
