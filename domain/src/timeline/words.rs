//! The words of the timeline: names of people, lengths of time, and decisions as sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cause::{Principal, Proof};
use crate::enrich::Enrichment;
use crate::escalation::Assignee;
use crate::incident::{Actor, Hold, IncidentId};
use crate::policy::{Handling, Mode, Policy, Target};
use crate::rehearse::told_first;
use crate::route::Decision;
use crate::schedule::{self, Covers};
use crate::text::lasted;

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
            Some(("next", name)) => format!("whoever is next on call for {name}"),
            Some((kind, name)) => format!("the {kind} {name}"),
            None => to.to_owned(),
        }
    }

    /// To whom it was given.
    pub(super) fn assignee(&self, to: &Assignee) -> String {
        match to {
            Assignee::Target(target) => self.recipient(&target.to_string()),
            Assignee::Escalation(name) => format!("escalation {name}"),
        }
    }

    /// Why a step with these targets tells `to` at this instant, where its record does not say: the schedule or team
    /// that leads to them.
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
            Target::Person(_) | Target::Channel(_) | Target::Next(_) => None,
        })
    }

    /// That quiet hours keep a message to `to` back until an instant, as the clock shows it where they sleep.
    pub(super) fn waits(&self, to: &str, until: Timestamp) -> String {
        let person = self.policy.zip(to.strip_prefix("person:")).and_then(|(policy, name)| policy.people.get(name));
        let zone = person.and_then(|person| person.quiet.as_ref()).map_or("UTC", |quiet| &quiet.time_zone);
        let clock = until.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC)).strftime("%H:%M").to_string();
        format!("waits until {clock} ({zone}): quiet hours of {}", self.recipient(to))
    }

    /// What was looked up.
    #[expect(clippy::unused_self, reason = "the words of one kind stand together")]
    pub(super) fn enriched(&self, found: &Enrichment, at: Timestamp) -> (String, Vec<String>) {
        let text = match (&found.service, &found.team) {
            (Some(service), Some(team)) => {
                let tier = found.tier.map(|tier| format!(", tier {tier}")).unwrap_or_default();
                format!("It concerns {service} of team {team}{tier}: {}", found.owner_from)
            }
            (None, Some(team)) => format!("It belongs to team {team}: {}", found.owner_from),
            (service, None) => {
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
    pub(super) fn routed(&self, id: &IncidentId, decision: &Decision) -> (String, Vec<String>) {
        let done = match decision.handling {
            Handling::Page | Handling::Ticket if decision.mode == Mode::Simulate => "It is only simulated",
            Handling::Page => "Somebody is paged",
            Handling::Ticket => "It is told once, and nobody is woken",
            Handling::Record => "It is recorded, and nobody is told",
            Handling::Suppress => "It is known noise, and nobody is told",
        };
        let level = decision.level.map(|level| format!(" as {}", level.as_str()));
        let text = format!("{done}{}: {}", level.unwrap_or_default(), decision.why);
        let looked = decision.trace.iter().map(|looked| format!("route {}: {}", looked.route, looked.result));
        let mut detail: Vec<String> = looked.collect();
        if let Some(policy) = self.policy.filter(|_| decision.mode == Mode::Simulate) {
            let first = told_first(id.clone(), decision.clone(), policy, Covers::NONE);
            let first: Vec<String> = first.iter().map(|to| self.recipient(to)).collect();
            if !first.is_empty() {
                let verb = if decision.handling == Handling::Page { "paged" } else { "told" };
                detail.push(format!("would have {verb} {} first", first.join(" and ")));
            }
        }
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

    /// Which silences keep everybody from being told, whose they are, and until when.
    pub(super) fn silenced(&self, by: &[Hold]) -> (String, Vec<String>) {
        let last = by.iter().map(|hold| hold.until).max();
        let until = last.map(|until| format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
        let hold = |hold: &Hold| {
            let reason = if hold.reason.is_empty() { "no reason given" } else { &hold.reason };
            format!("silence {} of {}: {reason}", hold.silence, self.who(&hold.owner))
        };
        (format!("It is silenced, and nobody is told{until}"), by.iter().map(hold).collect())
    }
}

/// How whoever did something was known, where who it was does not say it.
pub(super) fn asked(actor: &Actor, by: &Principal) -> Option<String> {
    match by.proof {
        Proof::ApiToken if *actor != by.actor => {
            Some(format!("so says the holder of the API token {}", by.actor.name()))
        }
        Proof::SlackSignature => Some("by a button in Slack".to_owned()),
        Proof::TwilioSignature => Some("by telephone".to_owned()),
        _ => None,
    }
}

/// `1 signal`, `2 signals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
