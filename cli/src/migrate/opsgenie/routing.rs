//! Routing rules: whom a team's alerts page, as routes below the team.

use std::collections::{BTreeMap, HashMap};

use domain::policy::{Acknowledge, Handling, Route, Step};
use serde::Deserialize;

use super::{LAST, Recipient, targets};
use crate::migrate::condition::{Field, text};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoutingRule {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    order: i64,
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    criteria: Option<Criteria>,
    #[serde(default)]
    time_restriction: Option<serde_json::Value>,
    notify: Recipient,
}

#[derive(Debug, Deserialize)]
struct Criteria {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    conditions: Vec<Asked>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    field: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    not: bool,
    operation: String,
    #[serde(default)]
    expected_value: String,
}

/// Adds the routing rules, and says which escalation each team pages by default.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) -> HashMap<String, String> {
    let mut rules: BTreeMap<String, Vec<RoutingRule>> = BTreeMap::new();
    for (of, rule) in dump.take_of::<RoutingRule>("routing_rules", draft) {
        let team = draft.known(Section::Teams, &of);
        match team.filter(|team| draft.policy.teams.contains_key(team)) {
            Some(team) => rules.entry(team).or_default().push(rule),
            None => draft.left_out("routing rule", &rule.name, format!("team `{of}` was not imported")),
        }
    }
    let mut paged = HashMap::new();
    for (team, mut rules) in rules {
        rules.sort_by_key(|rule| (rule.is_default, rule.order));
        let mut routes: Vec<Route> = Vec::new();
        for rule in &rules {
            let always = |route: &Route| route.when.as_deref() == Some("true");
            let called = if rule.name.is_empty() { &rule.id } else { &rule.name };
            let item = format!("{team}: {called}");
            if !rule.is_default && routes.last().is_some_and(always) {
                draft.left_out("routing rule", &item, "a rule before it matches every alert");
                continue;
            }
            match add(draft, &team, rule, called) {
                Ok(Added::Default(escalation)) => {
                    draft.maps("routing rule", &item, format!("teams.{team}.escalation"));
                    if let Some(team) = draft.policy.teams.get_mut(&team) {
                        team.escalation = Some(escalation.clone());
                    }
                    paged.insert(team.clone(), escalation);
                }
                Ok(Added::Route(mut route)) => {
                    route.name =
                        crate::migrate::slug::unique(&route.name, |name| routes.iter().any(|one| one.name == name));
                    routes.push(*route);
                    draft.maps("routing rule", &item, format!("routes: team {team}"));
                }
                Err(why) => draft.left_out("routing rule", &item, why),
            }
        }
        if !routes.is_empty() {
            let route = Draft::route(format!("team {team}"), format!("incident.team == \"{team}\""));
            draft.policy.routes.push(Route { routes, ..route });
        }
    }
    paged
}

/// What a rule becomes.
enum Added {
    /// What the team does unless another rule says otherwise.
    Default(String),
    /// A route below the team's.
    Route(Box<Route>),
}

fn add(draft: &mut Draft, team: &str, rule: &RoutingRule, called: &str) -> Result<Added, String> {
    if rule.time_restriction.as_ref().is_some_and(|restriction| !restriction.is_null()) {
        return Err("routes do not depend on the time; restrict a schedule, or use quiet hours".to_owned());
    }
    let when = condition(rule.criteria.as_ref())?;
    if rule.notify.kind == "none" {
        let when = when.unwrap_or_else(|| "true".to_owned());
        return Ok(Added::Route(Box::new(Route { action: Some(Handling::Record), ..Draft::route(called, when) })));
    }
    let escalation = escalation(draft, &rule.notify)?;
    Ok(match when {
        Some(when) if !rule.is_default => {
            Added::Route(Box::new(Route { escalation: Some(escalation), ..Draft::route(called, when) }))
        }
        None if !rule.is_default => {
            Added::Route(Box::new(Route { escalation: Some(escalation), ..Draft::route(called, "true") }))
        }
        _ => {
            draft.origin(format!("teams.{team}"), format!("its default routing rule: {}", rule.notify.called()));
            Added::Default(escalation)
        }
    })
}

/// The escalation that a rule notifies; one of a single step where it notifies a schedule.
fn escalation(draft: &mut Draft, notify: &Recipient) -> Result<String, String> {
    let missing = || format!("{} `{}` was not imported", notify.kind, notify.called());
    let id = notify.id.clone().ok_or_else(missing)?;
    if let Some(known) = draft.known(Section::Escalations, &id) {
        return Ok(known);
    }
    if notify.kind != "schedule" {
        return Err(missing());
    }
    let found = targets(draft, notify, "default")?;
    let name = draft.name(Section::Escalations, &id, notify.called());
    draft.origin(
        format!("escalations.{name}"),
        "a routing rule notifies the schedule; after the wait the catch-all is told",
    );
    let step = Step { notify: found, wait: LAST, round_robin: false, acknowledge: Acknowledge::default() };
    draft.escalation(&name, vec![step], 0);
    Ok(name)
}

/// The condition of a rule; `None` where it means every alert.
fn condition(criteria: Option<&Criteria>) -> Result<Option<String>, String> {
    let Some(Criteria { kind, conditions }) = criteria else { return Ok(None) };
    let joined = match kind.as_str() {
        "match-all" => return Ok(None),
        "match-all-conditions" => " && ",
        "match-any-condition" => " || ",
        other => return Err(format!("`{other}` is not known")),
    };
    let each = conditions.iter().map(asked).collect::<Result<Vec<_>, _>>()?;
    Ok((!each.is_empty()).then(|| each.join(joined)))
}

fn asked(asked: &Asked) -> Result<String, String> {
    let field = match (asked.field.as_str(), &asked.key) {
        ("message", _) => Field::Of("alert.title"),
        ("alias", _) => Field::Of("alert.key"),
        ("source", _) => Field::Of("alert.source"),
        ("extra-properties" | "details", Some(key)) => Field::Label(key),
        (other, _) => return Err(format!("a condition asks for `{other}`, which no route can")),
    };
    let value = text(&asked.expected_value);
    let holds = match asked.operation.as_str() {
        "equals" => field.test(|field| format!("{field} == {value}")),
        "contains" => field.test(|field| format!("{field}.contains({value})")),
        "starts-with" => field.test(|field| format!("{field}.startsWith({value})")),
        "ends-with" => field.test(|field| format!("{field}.endsWith({value})")),
        "is-empty" => field.is_empty(),
        other => return Err(format!("a condition asks whether it `{other}`, which no route can")),
    };
    Ok(if asked.not { format!("!({holds})") } else { holds })
}
