//! PagerDuty, by its REST API v2 (github.com/PagerDuty/api-schema): users, teams, schedules, escalation policies and
//! services with their integrations.

use std::collections::BTreeMap;

use domain::policy::{Acknowledge, Kind, Ladder, Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Source;
use super::draft::{Draft, Section};
use super::dump::Dump;
use super::owner::Pages;

mod schedule;
mod user;

pub(super) const SOURCE: Source = Source {
    name: "PagerDuty",
    kinds: &[
        "users",
        "teams",
        "schedules",
        "overrides",
        "escalation_policies",
        "services",
        "maintenance_windows",
        "event_orchestrations",
        "rulesets",
        "business_services",
        "response_plays",
        "extensions",
        "webhook_subscriptions",
    ],
    read,
};

/// What has no place in a policy, and why.
const LEFT: [(&str, &str); 6] = [
    ("event_orchestrations", "its rules are in PagerDuty's own language; write them as `routes`"),
    ("rulesets", "its rules are in PagerDuty's own language; write them as `routes`"),
    ("business_services", "a policy knows the services that alerts name, and none above them"),
    ("response_plays", "a policy has no plays; `reassign` and `note` answer an incident"),
    ("extensions", "what tells other systems is not imported, as it holds their secrets"),
    ("webhook_subscriptions", "what tells other systems is not imported, as it holds their secrets"),
];

/// Somebody or something by its id.
#[derive(Debug, Clone, Deserialize)]
struct Reference {
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct EscalationPolicy {
    id: String,
    name: String,
    #[serde(default)]
    num_loops: u32,
    #[serde(default)]
    escalation_rules: Vec<Rule>,
    #[serde(default)]
    teams: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    escalation_delay_in_minutes: i64,
    #[serde(default)]
    targets: Vec<Reference>,
    #[serde(default)]
    escalation_rule_assignment_strategy: Option<Strategy>,
}

#[derive(Debug, Deserialize)]
struct Strategy {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Service {
    id: String,
    name: String,
    #[serde(default)]
    status: String,
    escalation_policy: Reference,
    #[serde(default)]
    teams: Vec<Reference>,
    #[serde(default)]
    acknowledgement_timeout: Option<i64>,
    #[serde(default)]
    auto_resolve_timeout: Option<i64>,
    #[serde(default)]
    incident_urgency_rule: Option<Urgency>,
    #[serde(default)]
    alert_grouping_parameters: Option<Grouping>,
    #[serde(default)]
    integrations: Vec<Integration>,
}

#[derive(Debug, Deserialize)]
struct Urgency {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    urgency: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Grouping {
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Integration {
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Maintenance {
    id: String,
    start_time: String,
    end_time: String,
    #[serde(default)]
    services: Vec<Reference>,
}

fn read(dump: &mut Dump, draft: &mut Draft) {
    let teams: Vec<Named> = dump.take("teams", draft);
    let of_teams = user::read(dump, draft);
    for Named { id, name } in teams {
        let named = draft.name(Section::Teams, &id, &name);
        let members = of_teams.get(&id).cloned().unwrap_or_default();
        if draft.team(&named, members) {
            draft.maps("team", &name, format!("teams.{named}"));
        } else {
            draft.left_out("team", &name, "no user of the export is in it, and a team needs somebody");
        }
    }
    schedule::read(dump, draft);
    let owners: BTreeMap<String, Vec<Reference>> = escalations(dump, draft);
    services(dump, draft, &owners);
    for Maintenance { id, start_time, end_time, services } in dump.take::<Maintenance>("maintenance_windows", draft) {
        let names: Vec<String> = services.iter().filter_map(|one| draft.known(Section::Services, &one.id)).collect();
        let why = format!(
            "maintenance begins with a command: at {start_time}, `watchkeeper maintenance start` for {}, until {end_time}",
            names.join(", ")
        );
        draft.left_out("maintenance window", &id, why);
    }
    for (kind, why) in LEFT {
        dump.left(kind, draft, why);
    }
}

/// Adds the escalation policies, and says which teams own each.
fn escalations(dump: &mut Dump, draft: &mut Draft) -> BTreeMap<String, Vec<Reference>> {
    let mut owners = BTreeMap::new();
    for policy in dump.take::<EscalationPolicy>("escalation_policies", draft) {
        let mut differs = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        for (number, rule) in policy.escalation_rules.iter().enumerate() {
            let mut notify = Vec::new();
            for target in &rule.targets {
                let found = targets(draft, target);
                if found.is_empty() {
                    differs.push(format!("rule {} does not tell {}, which was not imported", number + 1, target.id));
                }
                notify.extend(found);
            }
            if notify.is_empty() {
                differs.push(format!("rule {} is left out, as it tells nobody", number + 1));
                continue;
            }
            let strategy = rule.escalation_rule_assignment_strategy.as_ref().map(|strategy| strategy.kind.as_str());
            let wait = SignedDuration::from_mins(rule.escalation_delay_in_minutes.max(1));
            let round_robin = strategy == Some("round_robin");
            steps.push(Step { notify, wait, round_robin, acknowledge: Acknowledge::default() });
        }
        if steps.is_empty() {
            draft.left_out("escalation policy", &policy.name, "none of its rules tells somebody of the export");
            continue;
        }
        let name = draft.name(Section::Escalations, &policy.id, &policy.name);
        draft.escalation(&name, steps, policy.num_loops.min(9));
        if policy.num_loops > 9 {
            differs.push("it repeats 9 times at most; then the catch-all is told".to_owned());
        }
        draft.partly("escalation policy", &policy.name, format!("escalations.{name}"), &differs);
        owners.insert(policy.id, policy.teams);
    }
    owners
}

fn targets(draft: &Draft, target: &Reference) -> Vec<Target> {
    if target.kind.starts_with("schedule") {
        return draft.lanes(&target.id).iter().cloned().map(Target::Schedule).collect();
    }
    draft.known(Section::People, &target.id).map(Target::Person).into_iter().collect()
}

fn services(dump: &mut Dump, draft: &mut Draft, owners: &BTreeMap<String, Vec<Reference>>) {
    let services: Vec<Service> = dump.take("services", draft);
    for service in &services {
        let escalation = draft.known(Section::Escalations, &service.escalation_policy.id);
        let teams = service.teams.iter().chain(owners.get(&service.escalation_policy.id).into_iter().flatten());
        let known = teams.filter_map(|team| draft.known(Section::Teams, &team.id));
        let team = known.into_iter().find(|team| draft.policy.teams.contains_key(team));
        let team = team.or_else(|| {
            let escalation = escalation.as_ref()?;
            draft.team_of_escalation(escalation, escalation)
        });
        let Some(team) = team else {
            draft.left_out("service", &service.name, "neither its teams nor its escalation policy have anybody");
            continue;
        };
        let name = draft.name(Section::Services, &service.id, &service.name);
        let differs = differences(service, escalation.is_some());
        let low = service.incident_urgency_rule.as_ref().is_some_and(Urgency::is_low);
        let pages = Pages { team: &team, escalation: escalation.as_deref(), level: low.then_some(Ladder::Sev4) };
        draft.service(&name, pages);
        draft.partly("service", &service.name, format!("services.{name}"), &differs);
        for integration in &service.integrations {
            sender(draft, &name, integration);
        }
    }
    expiries(draft, &services);
}

impl Urgency {
    fn is_low(&self) -> bool {
        self.kind == "constant" && self.urgency.as_deref() == Some("low")
    }
}

/// What is not the same about a service.
fn differences(service: &Service, escalates: bool) -> Vec<String> {
    let mut differs = Vec::new();
    if !escalates {
        differs.push("its escalation policy was not imported, so its team's is used".to_owned());
    }
    if service.status == "disabled" {
        differs.push("it was disabled, and is not here".to_owned());
    }
    match &service.incident_urgency_rule {
        Some(rule) if rule.is_low() => {
            differs.push("low urgency is SEV4 here, which escalates like any other".to_owned());
        }
        Some(Urgency { kind, .. }) if kind == "use_support_hours" => {
            differs
                .push("its urgency does not depend on support hours; people have quiet hours of their own".to_owned());
        }
        Some(Urgency { urgency: Some(urgency), .. }) if urgency == "severity_based" => {
            differs.push("its urgency does not follow the severity; write a route with a `level`".to_owned());
        }
        _ => {}
    }
    if service.auto_resolve_timeout.is_some_and(|seconds| seconds > 0) {
        differs.push("incidents are not resolved by themselves after a while".to_owned());
    }
    let grouping = service.alert_grouping_parameters.as_ref().and_then(|grouping| grouping.kind.as_deref());
    if let Some(kind) = grouping {
        differs.push(format!("alerts are not grouped ({kind}); write a route with `group`"));
    }
    differs
}

fn sender(draft: &mut Draft, service: &str, integration: &Integration) {
    let called = integration.name.clone().unwrap_or_else(|| integration.id.clone());
    let full = format!("{service} {called}");
    let kind = match integration.kind.as_str() {
        "events_api_v2_inbound_integration" => Kind::Pagerduty,
        "aws_cloudwatch_inbound_integration" => Kind::Cloudwatch,
        "events_api_v2_inbound_integration_reference" => {
            draft.left_out("integration", &full, "the export has no more than its id: ask for include[]=integrations");
            return;
        }
        other => {
            draft.left_out("integration", &full, format!("nothing here speaks `{other}`"));
            return;
        }
    };
    let name = draft.integration(&integration.id, &full, kind, Some(service.to_owned()));
    if kind == Kind::Pagerduty {
        let path = format!("integrations.{name}");
        draft.origin(path, "store its integration key there: then senders change the host alone");
    }
    draft.maps("integration", &full, format!("integrations.{name}"));
}

/// An acknowledgement expires where every service of an escalation says so, and alike.
fn expiries(draft: &mut Draft, services: &[Service]) {
    let mut expiries: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
    for service in services {
        if let Some(name) = draft.known(Section::Escalations, &service.escalation_policy.id) {
            let seconds = service.acknowledgement_timeout.filter(|seconds| *seconds > 0);
            expiries.entry(name).or_default().push(seconds);
        }
    }
    for (name, seconds) in expiries {
        let path = format!("escalations.{name}");
        match seconds.as_slice() {
            [first, others @ ..] if others.iter().all(|other| other == first) => {
                if let Some(escalation) = draft.policy.escalations.get_mut(&name) {
                    escalation.acknowledgement_expires = first.map(SignedDuration::from_secs);
                }
            }
            _ => draft.left_out(
                "acknowledgement timeout",
                &name,
                format!("its services have different ones; write `acknowledgement_expires` at {path}"),
            ),
        }
    }
}
