//! GitLab's webhooks: pipelines and deployments that fail or succeed.
//!
//! What succeeds ends what failed before at the same place, and a deployment that succeeds is a change too.

use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::Fault;

/// `pipeline:` and project and branch; `deployment:` and project and environment.
pub(super) const RULE: &str = "gitlab/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    object_kind: Text,
    object_attributes: Pipeline,
    project: Project,
    // Of a deployment, which has its fields at the top.
    status: Text,
    status_changed_at: Text,
    deployment_id: Text,
    deployable_url: Text,
    environment: Text,
    environment_tier: Text,
    environment_external_url: Text,
    short_sha: Text,
    #[serde(rename = "ref")]
    reference: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pipeline {
    #[serde(rename = "ref")]
    reference: Text,
    sha: Text,
    status: Text,
    source: Text,
    iid: Text,
    url: Text,
    created_at: Text,
    finished_at: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    path_with_namespace: Text,
    web_url: Text,
    default_branch: Text,
}

/// One event; of those that neither begin nor end a problem, nothing.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let event: Event = json::read(body)?;
    Ok(match event.object_kind.get() {
        Some("pipeline") => pipeline(&event.object_attributes, &event.project).into_iter().collect(),
        Some("deployment") => deployment(&event),
        _ => Vec::new(),
    })
}

fn outcome(status: &Text) -> Option<Action> {
    match status.get() {
        Some("failed") => Some(Action::Trigger),
        Some("success") => Some(Action::Resolve),
        _ => None,
    }
}

fn pipeline(pipeline: &Pipeline, project: &Project) -> Option<Told> {
    let action = outcome(&pipeline.status)?;
    let (name, branch) = (project.path_with_namespace.or_empty(), pipeline.reference.or_empty());
    let mut labels = Labels::default();
    labels.add("project", name);
    let fields = [
        ("branch", &pipeline.reference),
        ("sha", &pipeline.sha),
        ("source", &pipeline.source),
        ("pipeline", &pipeline.iid),
    ];
    for (label, value) in fields {
        labels.add_some(label, value.get());
    }
    let mut links = Vec::new();
    bounds::link(&mut links, pipeline.url.get(), "Pipeline");
    bounds::link(&mut links, project.web_url.get(), "Project");
    let what = if action == Action::Trigger { "failed" } else { "succeeded" };
    let main = project.default_branch.get().is_none_or(|main| main == branch);
    let alert = Alert {
        title: bounds::title(&format!("Pipeline of {name} {what} on {branch}")),
        severity: if main { Severity::Error } else { Severity::Warning },
        source: bounds::field(name),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    let at = pipeline.finished_at.time().or(pipeline.created_at.time());
    Some(Told { action, key: format!("pipeline:{name}:{branch}"), at, alert })
}

fn deployment(event: &Event) -> Vec<Told> {
    let Some(action) = outcome(&event.status) else { return Vec::new() };
    let name = event.project.path_with_namespace.or_empty();
    let environment = event.environment.or_empty();
    let alert = |title: String, severity| {
        let mut labels = Labels::default();
        labels.add("project", name);
        let fields = [
            ("environment", &event.environment),
            ("tier", &event.environment_tier),
            ("sha", &event.short_sha),
            ("ref", &event.reference),
        ];
        for (label, value) in fields {
            labels.add_some(label, value.get());
        }
        let mut links = Vec::new();
        bounds::link(&mut links, event.deployable_url.get(), "Job");
        bounds::link(&mut links, event.environment_external_url.get(), "Environment");
        let title = bounds::title(&title);
        Alert { title, severity, source: bounds::field(name), labels: labels.done(), links, ..Alert::default() }
    };
    let key = format!("deployment:{name}:{environment}");
    let at = event.status_changed_at.time();
    if action == Action::Trigger {
        let tier = event.environment_tier.get().is_none_or(|tier| tier == "production");
        let severity = if tier { Severity::Error } else { Severity::Warning };
        let alert = alert(format!("Deployment of {name} to {environment} failed"), severity);
        return vec![Told { action, key, at, alert }];
    }
    let title = format!("Deployed {name} to {environment}");
    let change = Told {
        action: Action::Change,
        key: format!("{key}:{}", event.deployment_id.or_empty()),
        at,
        alert: alert(title.clone(), Severity::Info),
    };
    vec![Told { action, key, at, alert: alert(title, Severity::Info) }, change]
}
