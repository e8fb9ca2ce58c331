//! Opsgenie, by its REST API v2 (github.com/opsgenie/opsgenie-oas): users with contacts and notification rules, teams
//! with routing rules, schedules, escalations, services and integrations.

use std::collections::HashMap;

use domain::policy::{Acknowledge, Kind, Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Source;
use super::draft::{Draft, Section};
use super::dump::Dump;
use super::owner::Pages;

mod routing;
mod schedule;
mod user;

pub(super) const SOURCE: Source = Source {
    name: "Opsgenie",
    kinds: &[
        "users",
        "contacts",
        "notification_rules",
        "teams",
        "routing_rules",
        "schedules",
        "overrides",
        "escalations",
        "services",
        "integrations",
        "policies",
        "heartbeats",
        "maintenance",
        "forwarding_rules",
    ],
    read,
};

/// What has no place in a policy, and why.
const LEFT: [(&str, &str); 4] = [
    ("policies", "alert and notification policies change alerts by rules of their own; write them as `routes`"),
    ("heartbeats", "a heartbeat is not part of a policy"),
    ("maintenance", "maintenance begins with a command: `watchkeeper maintenance start`"),
    (
        "forwarding_rules",
        "who stands in for somebody for a while is a command: `watchkeeper absence add` or `override add`",
    ),
];

/// How long the last step waits where nothing says so.
const LAST: SignedDuration = SignedDuration::from_mins(10);

/// Somebody or something by its id, its name or both.
#[derive(Debug, Clone, Deserialize)]
struct Recipient {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

impl Recipient {
    /// What it is called, for a person.
    fn called(&self) -> &str {
        let words = [&self.username, &self.name, &self.id];
        words.into_iter().flatten().next().map_or(self.kind.as_str(), String::as_str)
    }
}

#[derive(Debug, Deserialize)]
struct Team {
    id: String,
    name: String,
    #[serde(default)]
    members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    user: Recipient,
}

#[derive(Debug, Deserialize)]
struct Escalation {
    id: String,
    name: String,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    repeat: Option<Repeat>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    condition: String,
    #[serde(default)]
    notify_type: String,
    delay: Delay,
    recipient: Recipient,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    #[serde(alias = "minutes")]
    time_amount: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repeat {
    #[serde(default)]
    wait_interval: i64,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    close_alert_after_all: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    team_id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Integration {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    enabled: Option<bool>,
}

fn read(dump: &mut Dump, draft: &mut Draft) {
    user::read(dump, draft);
    teams(dump, draft);
    schedule::read(dump, draft);
    escalations(dump, draft);
    let paged = routing::read(dump, draft);
    services(dump, draft, &paged);
    integrations(dump, draft);
    for (kind, why) in LEFT {
        dump.left(kind, draft, why);
    }
}

fn teams(dump: &mut Dump, draft: &mut Draft) {
    let mut teams: Vec<Team> = dump.take("teams", draft);
    // A list of them has no members; each one's own answer does.
    let whole: Vec<String> = teams.iter().filter(|team| !team.members.is_empty()).map(|team| team.id.clone()).collect();
    teams.retain(|team| !team.members.is_empty() || !whole.contains(&team.id));
    for team in teams {
        let name = draft.name(Section::Teams, &team.id, &team.name);
        draft.alias(Section::Teams, &team.name, &name);
        let (known, missing): (Vec<_>, Vec<_>) = team
            .members
            .iter()
            .map(|member| (&member.user, person(draft, &member.user)))
            .partition(|(_, name)| name.is_some());
        if draft.team(&name, known.into_iter().filter_map(|(_, name)| name)) {
            let missing: Vec<&str> = missing.iter().map(|(user, _)| user.called()).collect();
            let why = (!missing.is_empty()).then(|| format!("not imported as people: {}", missing.join(", ")));
            draft.partly("team", &team.name, format!("teams.{name}"), &why.into_iter().collect::<Vec<_>>());
        } else {
            draft.left_out("team", &team.name, "nobody of the export is in it; ask for each team by its id");
        }
    }
}

/// The name of a user: Opsgenie names them by id or by username.
fn person(draft: &Draft, user: &Recipient) -> Option<String> {
    [&user.id, &user.username].into_iter().flatten().find_map(|id| draft.known(Section::People, id))
}

/// Whom a recipient is, or why nobody is known to be.
fn targets(draft: &Draft, recipient: &Recipient, notify: &str) -> Result<Vec<Target>, String> {
    let missing = || format!("{} `{}` was not imported", recipient.kind, recipient.called());
    let id = recipient.id.as_deref().unwrap_or_default();
    match (recipient.kind.as_str(), notify) {
        ("user", _) => person(draft, recipient).map(|name| vec![Target::Person(name)]).ok_or_else(missing),
        ("team", _) => {
            let name = draft.known(Section::Teams, id).filter(|name| draft.policy.teams.contains_key(name));
            name.map(|name| vec![Target::Team(name)]).ok_or_else(missing)
        }
        ("schedule", "" | "default" | "next") => {
            let lanes = draft.lanes(id).iter().cloned();
            let named: Vec<Target> = match notify {
                "next" => lanes.map(Target::Next).collect(),
                _ => lanes.map(Target::Schedule).collect(),
            };
            if named.is_empty() { Err(missing()) } else { Ok(named) }
        }
        (kind, notify) => Err(format!("nothing here tells the `{notify}` of a {kind}")),
    }
}

fn escalations(dump: &mut Dump, draft: &mut Draft) {
    for mut escalation in dump.take::<Escalation>("escalations", draft) {
        let mut differs = Vec::new();
        // Each rule says when it is told from the beginning; those of one time are one step.
        escalation.rules.sort_by_key(|rule| rule.delay.time_amount);
        let mut steps: Vec<(i64, Vec<Target>)> = Vec::new();
        for rule in &escalation.rules {
            if rule.condition == "if-not-closed" {
                differs.push("a rule went on after somebody acknowledged; here that stops the page".to_owned());
            }
            let found = match targets(draft, &rule.recipient, &rule.notify_type) {
                Ok(found) => found,
                Err(why) => {
                    differs.push(format!("the rule after {} minutes is left out: {why}", rule.delay.time_amount));
                    continue;
                }
            };
            match steps.last_mut() {
                Some((delay, notify)) if *delay == rule.delay.time_amount => notify.extend(found),
                _ => steps.push((rule.delay.time_amount, found)),
            }
        }
        let Some((first, _)) = steps.first() else {
            differs.push("none of its rules tells somebody of the export".to_owned());
            draft.left_out("escalation", &escalation.name, differs.join("; "));
            continue;
        };
        if *first > 0 {
            differs.push(format!("the first step is told at once, and not after {first} minutes"));
        }
        let repeat = escalation.repeat.filter(|repeat| repeat.count > 0);
        if repeat.as_ref().is_some_and(|repeat| repeat.close_alert_after_all) {
            differs.push("it does not close what nobody answered: the catch-all is told".to_owned());
        }
        let last = repeat.as_ref().map(|repeat| SignedDuration::from_mins(repeat.wait_interval.max(1)));
        let begins: Vec<i64> = steps.iter().map(|(delay, _)| *delay).collect();
        let wait = |number: usize| match begins.get(number + 1) {
            Some(next) => SignedDuration::from_mins(next - begins[number]),
            None => last.unwrap_or(LAST),
        };
        let step = |(number, (_, notify))| Step {
            notify,
            wait: wait(number),
            round_robin: false,
            acknowledge: Acknowledge::default(),
        };
        let steps = steps.into_iter().enumerate().map(step).collect();
        let name = draft.name(Section::Escalations, &escalation.id, &escalation.name);
        draft.escalation(&name, steps, repeat.map_or(0, |repeat| repeat.count.min(9)));
        if last.is_none() {
            draft.origin(format!("escalations.{name}"), "the last step's wait is new: after it the catch-all is told");
        }
        differs.dedup();
        draft.partly("escalation", &escalation.name, format!("escalations.{name}"), &differs);
    }
}

/// Adds the services; whom each pages is what its team's routing rules say.
fn services(dump: &mut Dump, draft: &mut Draft, paged: &HashMap<String, String>) {
    for service in dump.take::<Service>("services", draft) {
        let team = draft.known(Section::Teams, &service.team_id).filter(|team| draft.policy.teams.contains_key(team));
        let Some(team) = team else {
            draft.left_out("service", &service.name, "its team was not imported");
            continue;
        };
        let name = draft.name(Section::Services, &service.id, &service.name);
        let escalation = paged.get(&team).map(String::as_str);
        draft.service(&name, Pages { team: &team, escalation, level: None });
        draft.maps("service", &service.name, format!("services.{name}"));
    }
}

fn integrations(dump: &mut Dump, draft: &mut Draft) {
    for integration in dump.take::<Integration>("integrations", draft) {
        let Integration { id, name: called, kind, enabled } = integration;
        if enabled == Some(false) {
            draft.left_out("integration", &called, "it was disabled");
            continue;
        }
        let kind = match kind.as_str() {
            // Alertmanager's receiver for Opsgenie speaks the Alert API, too.
            "API" | "Prometheus" => Kind::Opsgenie,
            "CloudWatch" | "AmazonCloudWatch" => Kind::Cloudwatch,
            other => {
                let why =
                    format!("nothing in this version of a policy stands for `{other}`; see the senders in the guide");
                draft.left_out("integration", &called, why);
                continue;
            }
        };
        let name = draft.integration(&id, &called, kind, None);
        draft.partly(
            "integration",
            &called,
            format!("integrations.{name}"),
            &["its sender is told a new address and a new secret".to_owned()],
        );
    }
}
