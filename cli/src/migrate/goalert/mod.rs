//! GoAlert, by its GraphQL API (graphql2/schema.graphql of target/goalert): users with contact methods and notification
//! rules, rotations, schedules, escalation policies and services with their integration keys.

use domain::policy::{Acknowledge, Address, Kind, Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Source;
use super::contact::slack;
use super::draft::{Draft, Section};
use super::dump::Dump;
use super::owner::Pages;

mod rotation;
mod schedule;
mod user;

use rotation::Rotation;

pub(super) const SOURCE: Source = Source {
    name: "GoAlert",
    kinds: &["users", "rotations", "schedules", "user_overrides", "escalation_policies", "services"],
    read,
};

/// Whom a step tells or what a rule is about: by type and id, or in later versions by type and arguments.
#[derive(Debug, Clone, Deserialize)]
struct Place {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    args: std::collections::BTreeMap<String, String>,
}

impl Place {
    /// What kind of thing it is, and its id.
    fn told(&self) -> (&str, &str) {
        let arg = |key: &str| self.args.get(key).map_or("", String::as_str);
        match self.kind.as_str() {
            "builtin-user" => ("user", arg("user_id")),
            "builtin-schedule" => ("schedule", arg("schedule_id")),
            "builtin-rotation" => ("rotation", arg("rotation_id")),
            "builtin-slack-channel" => ("slackChannel", arg("slack_channel_id")),
            kind => (kind, self.id.as_deref().unwrap_or_default()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EscalationPolicy {
    id: String,
    name: String,
    #[serde(default)]
    repeat: u32,
    #[serde(default)]
    steps: Vec<PolicyStep>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyStep {
    #[serde(default)]
    step_number: i64,
    delay_minutes: i64,
    #[serde(default)]
    targets: Vec<Place>,
    #[serde(default)]
    actions: Vec<Place>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    name: String,
    #[serde(rename = "escalationPolicyID")]
    escalation_policy_id: String,
    #[serde(default)]
    integration_keys: Vec<IntegrationKey>,
    #[serde(default)]
    heartbeat_monitors: Vec<Monitor>,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Debug, Deserialize)]
struct IntegrationKey {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Monitor {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Label {
    key: String,
}

fn read(dump: &mut Dump, draft: &mut Draft) {
    user::read(dump, draft);
    let rotations: Vec<Rotation> = dump.take("rotations", draft);
    schedule::read(dump, draft, &rotations);
    escalations(dump, draft, &rotations);
    services(dump, draft);
}

fn escalations(dump: &mut Dump, draft: &mut Draft, rotations: &[Rotation]) {
    for mut policy in dump.take::<EscalationPolicy>("escalation_policies", draft) {
        policy.steps.sort_by_key(|step| step.step_number);
        let (mut steps, mut differs) = (Vec::new(), Vec::new());
        for step in &policy.steps {
            let mut notify = Vec::new();
            for place in step.targets.iter().chain(&step.actions) {
                match target(draft, place, rotations) {
                    Ok(found) => notify.extend(found),
                    Err(why) => differs.push(format!("step {}: {why}", step.step_number + 1)),
                }
            }
            if notify.is_empty() {
                differs.push(format!("step {} is left out, as it tells nobody", step.step_number + 1));
                continue;
            }
            let wait = SignedDuration::from_mins(step.delay_minutes.max(1));
            steps.push(Step { notify, wait, round_robin: false, acknowledge: Acknowledge::default() });
        }
        if steps.is_empty() {
            differs.push("none of its steps tells somebody of the export".to_owned());
            draft.left_out("escalation policy", &policy.name, differs.join("; "));
            continue;
        }
        if policy.repeat > 9 {
            differs.push("it repeats 9 times at most; then the catch-all is told".to_owned());
        }
        let name = draft.name(Section::Escalations, &policy.id, &policy.name);
        draft.escalation(&name, steps, policy.repeat.min(9));
        draft.partly("escalation policy", &policy.name, format!("escalations.{name}"), &differs);
    }
}

fn target(draft: &mut Draft, place: &Place, rotations: &[Rotation]) -> Result<Vec<Target>, String> {
    let (kind, id) = place.told();
    let missing = || format!("{kind} `{}` was not imported", place.name.as_deref().unwrap_or(id));
    match kind {
        "user" => draft.known(Section::People, id).map(|name| vec![Target::Person(name)]).ok_or_else(missing),
        "schedule" | "rotation" => {
            if kind == "rotation"
                && draft.lanes(id).is_empty()
                && let Some(rotation) = rotations.iter().find(|rotation| rotation.id == id)
            {
                rotation.alone(draft);
            }
            let lanes: Vec<Target> = draft.lanes(id).iter().cloned().map(Target::Schedule).collect();
            if lanes.is_empty() { Err(missing()) } else { Ok(lanes) }
        }
        "slackChannel" => {
            let address = slack(id).map(Address::Slack).ok_or_else(missing)?;
            let name = draft.known(Section::Channels, id);
            let name = name.unwrap_or_else(|| draft.name(Section::Channels, id, place.name.as_deref().unwrap_or(id)));
            draft.policy.channels.insert(name.clone(), address);
            Ok(vec![Target::Channel(name)])
        }
        other => Err(format!("a `{other}` is not told, as what tells other systems may hold their secrets")),
    }
}

fn services(dump: &mut Dump, draft: &mut Draft) {
    for service in dump.take::<Service>("services", draft) {
        let escalation = draft.known(Section::Escalations, &service.escalation_policy_id);
        let team = escalation.as_ref().and_then(|name| draft.team_of_escalation(name, name));
        let (Some(escalation), Some(team)) = (escalation, team) else {
            draft.left_out("service", &service.name, "its escalation policy was not imported, or reaches no people");
            continue;
        };
        let name = draft.name(Section::Services, &service.id, &service.name);
        draft.service(&name, Pages { team: &team, escalation: Some(&escalation), level: None });
        let keys: Vec<&str> = service.labels.iter().map(|label| label.key.as_str()).collect();
        let labels = (!keys.is_empty()).then(|| format!("its labels are left out: {}", keys.join(", ")));
        draft.partly("service", &service.name, format!("services.{name}"), &labels.into_iter().collect::<Vec<_>>());
        for key in &service.integration_keys {
            let called = format!("{name} {}", key.name);
            if key.kind == "prometheusAlertmanager" {
                let named = draft.integration(&key.id, &called, Kind::Alertmanager, Some(name.clone()));
                let differs = ["its sender is told a new address and a new secret".to_owned()];
                draft.partly("integration key", &called, format!("integrations.{named}"), &differs);
            } else {
                let why = format!(
                    "nothing in this version of a policy stands for `{}`; see the senders in the guide",
                    key.kind
                );
                draft.left_out("integration key", &called, why);
            }
        }
        for monitor in &service.heartbeat_monitors {
            draft.left_out(
                "heartbeat monitor",
                &format!("{name} {}", monitor.name),
                "a heartbeat is not part of a policy",
            );
        }
    }
}
