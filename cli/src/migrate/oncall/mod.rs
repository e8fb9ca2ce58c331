//! Grafana OnCall, by its public HTTP API v1: users and their notification rules, teams, schedules of shifts, escalation
//! chains, integrations and their routes.

use std::collections::BTreeMap;

use domain::policy::{Acknowledge, Address, Contact, Handling, Kind, Proof, Route, Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Source;
use super::contact::{Way, contacts, email, slack};
use super::draft::{Draft, Section};
use super::dump::Dump;

mod chain;
mod schedule;
mod shift;

pub(super) const SOURCE: Source = Source {
    name: "OnCall",
    kinds: &[
        "users",
        "personal_notification_rules",
        "teams",
        "schedules",
        "on_call_shifts",
        "escalation_chains",
        "escalation_policies",
        "integrations",
        "routes",
        "user_groups",
        "outgoing_webhooks",
        "webhooks",
        "shift_swaps",
    ],
    read,
};

/// What has no place in a policy, and why.
const LEFT: [(&str, &str); 4] = [
    ("user_groups", "groups of Slack are kept there; write a team with its members"),
    ("outgoing_webhooks", "what tells other systems is not imported, as it holds their secrets"),
    ("webhooks", "what tells other systems is not imported, as it holds their secrets"),
    ("shift_swaps", "a swap is a command: `watchkeeper swap`"),
];

#[derive(Debug, Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    email: Option<String>,
    username: String,
    /// One account or several, by the version.
    #[serde(default)]
    slack: Option<serde_json::Value>,
    #[serde(default)]
    teams: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct NotificationRule {
    user_id: String,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    important: bool,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    duration: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Team {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Integration {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    default_route: Option<DefaultRoute>,
}

#[derive(Debug, Deserialize)]
struct DefaultRoute {
    #[serde(default)]
    escalation_chain_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RouteOf {
    integration_id: String,
    #[serde(default)]
    escalation_chain_id: Option<String>,
    #[serde(default)]
    routing_regex: Option<String>,
    #[serde(default)]
    routing_type: Option<String>,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    is_the_last_route: bool,
}

fn read(dump: &mut Dump, draft: &mut Draft) {
    let of_teams = users(dump, draft);
    for team in dump.take::<Team>("teams", draft) {
        let name = draft.name(Section::Teams, &team.id, &team.name);
        if draft.team(&name, of_teams.get(&team.id).cloned().unwrap_or_default()) {
            draft.maps("team", &team.name, format!("teams.{name}"));
        } else {
            draft.left_out("team", &team.name, "no user of the export is in it, and a team needs somebody");
        }
    }
    schedule::read(dump, draft);
    chain::read(dump, draft);
    integrations(dump, draft);
    for (kind, why) in LEFT {
        dump.left(kind, draft, why);
    }
}

/// Adds everybody, and says who is in which team.
fn users(dump: &mut Dump, draft: &mut Draft) -> BTreeMap<String, Vec<String>> {
    let mut rules: BTreeMap<String, Vec<NotificationRule>> = BTreeMap::new();
    for rule in dump.take::<NotificationRule>("personal_notification_rules", draft) {
        rules.entry(rule.user_id.clone()).or_default().push(rule);
    }
    let mut of_teams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for user in dump.take::<User>("users", draft) {
        let mut differs = Vec::new();
        let account = account(&user);
        let own = rules.remove(&user.id).unwrap_or_default();
        let (told, more) = contacts(ways(&user, account.as_deref(), own, &mut differs));
        differs.extend(more);
        if told.is_empty() {
            draft.left_out("user", &user.username, "nothing is known by which they can be told");
            continue;
        }
        let name = draft.name(Section::People, &user.id, &user.username);
        let used = told.iter().any(|Contact { address, .. }| matches!(address, Address::Slack(_)));
        draft.person(&name, &user.username, account.filter(|_| used), told);
        for team in user.teams {
            of_teams.entry(team).or_default().push(name.clone());
        }
        differs.sort();
        differs.dedup();
        draft.partly("user", &user.username, format!("people.{name}"), &differs);
    }
    of_teams
}

/// Their account of Slack.
fn account(user: &User) -> Option<String> {
    let accounts = user.slack.as_ref()?;
    let id = accounts.get("user_id").or_else(|| accounts.get(0)?.get("user_id"))?.as_str()?;
    slack(id)
}

/// How somebody's default rules tell them; the important ones are for steps that say so.
fn ways(user: &User, account: Option<&str>, mut rules: Vec<NotificationRule>, differs: &mut Vec<String>) -> Vec<Way> {
    let mail = user.email.as_deref().and_then(email);
    let mut ways = Vec::new();
    if rules.iter().any(|rule| rule.important) {
        differs.push("their rules for important steps are left out; write `rules` by level".to_owned());
    }
    rules.retain(|rule| !rule.important);
    rules.sort_by_key(|rule| rule.position);
    let mut delay = SignedDuration::ZERO;
    for rule in rules {
        let address = match rule.kind.as_deref().unwrap_or_default() {
            "wait" => {
                delay += SignedDuration::from_secs(rule.duration.unwrap_or(0));
                continue;
            }
            "notify_by_email" => mail.clone(),
            "notify_by_slack" => account.map(|id| Address::Slack(id.to_owned())),
            kind @ ("notify_by_sms" | "notify_by_phone_call") => {
                differs.push(format!("the API does not show phone numbers: add one for `{kind}`"));
                continue;
            }
            other => {
                differs.push(format!("nothing here tells by `{other}`; `ntfy` pushes to a phone"));
                continue;
            }
        };
        ways.extend(address.map(|address| Way { address, delay }));
    }
    if ways.is_empty()
        && let Some(address) = mail
    {
        differs.push("no rule of theirs could be imported, so they are told by e-mail".to_owned());
        ways.push(Way { address, delay: SignedDuration::ZERO });
    }
    ways
}

/// Adds the integrations, each with a route for the chain that it leads to.
fn integrations(dump: &mut Dump, draft: &mut Draft) {
    let mut routes: Vec<RouteOf> = dump.take("routes", draft);
    routes.sort_by_key(|route| route.position);
    for integration in dump.take::<Integration>("integrations", draft) {
        let kind = match integration.kind.as_str() {
            "alertmanager" | "legacy_alertmanager" => Kind::Alertmanager,
            "grafana_alerting" | "legacy_grafana_alerting" => Kind::Grafana,
            "formatted_webhook" => Kind::Oncall,
            "amazon_sns" => Kind::Cloudwatch,
            other => {
                let why =
                    format!("nothing in this version of a policy stands for `{other}`; see the senders in the guide");
                draft.left_out("integration", &integration.name, why);
                continue;
            }
        };
        let name = draft.integration(&integration.id, &integration.name, kind, None);
        let place = format!("integrations.{name}");
        if ["alertmanager", "grafana_alerting", "formatted_webhook"].contains(&integration.kind.as_str()) {
            // At OnCall's own addresses a token says who is there, and nobody signs.
            draft.proof(&name, Proof::Token);
            draft.origin(place.clone(), "store the last part of its URL there: then senders change the host alone");
            draft.maps("integration", &integration.name, place);
        } else {
            let differs = ["its sender is told a new address and a new secret".to_owned()];
            draft.partly("integration", &integration.name, place, &differs);
        }
        let own = routes.iter().filter(|route| route.integration_id == integration.id);
        let mut chain = integration.default_route.and_then(|route| route.escalation_chain_id);
        for route in own {
            if route.is_the_last_route {
                chain = chain.or_else(|| route.escalation_chain_id.clone());
                continue;
            }
            let why = match route.routing_type.as_deref() {
                Some("jinja2") => "its condition is a Jinja2 template, which no route can ask",
                _ => "its regular expression looks through the whole payload, which no route can",
            };
            let item = format!("{}: {}", integration.name, route.routing_regex.as_deref().unwrap_or_default());
            draft.left_out("route", &item, why);
        }
        let item = format!("{}: default", integration.name);
        let route = Draft::route(format!("integration {name}"), format!("alert.integration == \"{name}\""));
        match chain.map(|id| draft.known(Section::Escalations, &id)) {
            Some(Some(escalation)) => {
                draft.policy.routes.push(Route { escalation: Some(escalation), ..route });
                draft.maps("route", &item, format!("routes: integration {name}"));
            }
            // Without a chain nobody is told there, and it is shown alone.
            None => {
                draft.policy.routes.push(Route { action: Some(Handling::Record), ..route });
                draft.maps("route", &item, format!("routes: integration {name}"));
            }
            Some(None) => {
                draft.left_out("route", &item, "its escalation chain was not imported: the catch-all is told");
            }
        }
    }
}

/// One step that tells `notify`.
fn step(notify: Vec<Target>, wait: SignedDuration, round_robin: bool) -> Step {
    Step { notify, wait, round_robin, acknowledge: Acknowledge::default() }
}
