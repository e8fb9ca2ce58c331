//! The words of the timeline: names of people, lengths of time, and decisions as sentences.

use jiff::{SignedDuration, Timestamp};

use crate::enrich::Enrichment;
use crate::incident::Actor;
use crate::policy::{Handling, Policy, Target};
use crate::route::Decision;
use crate::schedule::{self, Covers};

/// Turns the log's names into a reader's.
pub(super) struct Words<'a> {
    pub(super) policy: Option<&'a Policy>,
}

impl Words<'_> {
    /// A person's full name, or their short one.
    fn person<'b>(&'b self, short: &'b str) -> &'b str {
        let known = self.policy.and_then(|policy| policy.people.get(short));
        known.and_then(|person| person.name.as_deref()).unwrap_or(short)
    }

    /// Who did something.
    pub(super) fn who(&self, actor: &Actor) -> String {
        let name = actor.name();
        match actor.as_str().split_once(':') {
            Some(("person", _)) => self.person(name).to_owned(),
            Some(("integration", _)) => format!("The sender {name}"),
            Some(("token", _)) => format!("{name} (by API token)"),
            Some(("link", _)) => format!("Whoever holds the link sent to {}", self.person(name)),
            Some(("slack", _)) => format!("The Slack user {name}"),
            _ => "Watchkeeper".to_owned(),
        }
    }

    /// Whom a message goes to: `person:ana` as her name, `channel:ops` as the channel.
    pub(super) fn recipient(&self, to: &str) -> String {
        match to.split_once(':') {
            Some(("person", short)) => self.person(short).to_owned(),
            Some((kind, name)) => format!("the {kind} {name}"),
            None => to.to_owned(),
        }
    }

    /// Why a step with these targets tells `to` at this instant: the schedule or team that leads to them.
    pub(super) fn reason(&self, to: &str, targets: &[Target], at: Timestamp) -> Option<String> {
        let policy = self.policy?;
        let person = to.strip_prefix("person:")?;
        targets.iter().find_map(|target| match target {
            Target::Schedule(name) => {
                let turn = schedule::on_call(name, policy, Covers::NONE, at)?;
                let left = lasted(turn.until.duration_since(at));
                (turn.person == person).then(|| format!("on call for {name}, for another {left}"))
            }
            Target::Team(name) => {
                let member = policy.teams.get(name)?.members.iter().any(|member| member == person);
                member.then(|| format!("in team {name}"))
            }
            Target::Person(_) | Target::Channel(_) => None,
        })
    }

    /// What was looked up.
    #[expect(clippy::unused_self, reason = "the words of one kind stand together")]
    pub(super) fn enriched(&self, found: &Enrichment, at: Timestamp) -> (String, Vec<String>) {
        let text = match (&found.service, &found.team) {
            (Some(service), Some(team)) => {
                let tier = found.tier.map(|tier| format!(", tier {tier}")).unwrap_or_default();
                format!("It concerns {service} of team {team}{tier}: {}", found.owner_from)
            }
            (service, _) => {
                let about = service.as_deref().unwrap_or("it");
                let why = found.owner_from.strip_prefix("nothing: ").unwrap_or(&found.owner_from);
                format!("Nobody is known to own {about}: {why}")
            }
        };
        let changes = found.changes.iter().map(|change| {
            let before = lasted(at.duration_since(change.at));
            let href = change.href.as_ref().map(|href| format!(" ({href})")).unwrap_or_default();
            format!("changed {before} before: {}{href}", change.title)
        });
        let beside = found.beside.iter().map(|other| format!("also open: {} ({})", other.title, other.id));
        let links = found.links.iter().map(|link| format!("{}: {}", link.text, link.href));
        (text, changes.chain(beside).chain(links).collect())
    }

    /// Who is told, how and why.
    pub(super) fn routed(&self, decision: &Decision) -> (String, Vec<String>) {
        let done = match decision.handling {
            Handling::Page => "Somebody is paged",
            Handling::Ticket => "It is told once, and nobody is woken",
            Handling::Record => "It is recorded, and nobody is told",
            Handling::Suppress => "It is known noise, and nobody is told",
        };
        let level = decision.level.map(|level| format!(" as {}", format!("{level:?}").to_uppercase()));
        let text = format!("{done}{}: {}", level.unwrap_or_default(), decision.why);
        let looked = decision.trace.iter().map(|looked| format!("route {}: {}", looked.route, looked.result));
        let mut detail: Vec<String> = looked.collect();
        match decision.handling {
            Handling::Page if decision.catch_all => detail.push("only the catch-all knew whom to tell".to_owned()),
            Handling::Page => detail.push(format!("escalation {}", decision.escalation)),
            Handling::Ticket => {
                detail.extend(
                    decision.notify.iter().map(|target| format!("tells {}", self.recipient(&target.to_string()))),
                );
            }
            Handling::Record | Handling::Suppress => {}
        }
        if let Some(group) = &decision.group {
            let times = [group.wait, group.interval, group.repeat].map(lasted);
            let [wait, interval, repeat] = times;
            detail.push(format!("told with the group {}", group.key()));
            detail.push(format!("which waits {wait}, then {interval}, and repeats after {repeat}"));
        }
        detail.push(format!("by policy {}", &decision.policy.as_str()[..decision.policy.as_str().len().min(12)]));
        (text, detail)
    }
}

/// `1 signal`, `2 signals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A length of time for a person: its two largest units, such as `42 s`, `3 min 5 s` or `2 d 4 h`.
pub fn lasted(length: SignedDuration) -> String {
    let total = length.as_secs().max(0);
    let units = [(total / 86_400, "d"), (total / 3600 % 24, "h"), (total / 60 % 60, "min"), (total % 60, "s")];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let told = units[first..].iter().take(2).filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, unit)| format!("{count} {unit}")).collect();
    if told.is_empty() { "0 s".to_owned() } else { told.join(" ") }
}
