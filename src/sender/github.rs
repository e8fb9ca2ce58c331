//! GitHub's webhooks: deployments and workflow runs that fail or succeed, and deployments that wait for a decision.
//!
//! The header that names the event is not signed, so its body says what it is. What succeeds ends what failed before at
//! the same place, and a deployment that succeeds is a change too. A body is taken as JSON or as a form.

use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::Fault;

/// `deployment:` and repository and environment; `workflow:` and repository, workflow and branch.
pub(super) const RULE: &str = "github/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    action: Text,
    deployment_status: Option<DeploymentStatus>,
    deployment: Option<Deployment>,
    deployment_callback_url: Text,
    environment: Text,
    workflow_run: Option<WorkflowRun>,
    repository: Repository,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DeploymentStatus {
    state: Text,
    environment: Text,
    description: Text,
    target_url: Text,
    log_url: Text,
    environment_url: Text,
    created_at: Text,
    updated_at: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deployment {
    id: Text,
    sha: Text,
    #[serde(rename = "ref")]
    reference: Text,
    task: Text,
    environment: Text,
    production_environment: Text,
    created_at: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkflowRun {
    name: Text,
    workflow_id: Text,
    head_branch: Text,
    head_sha: Text,
    event: Text,
    status: Text,
    conclusion: Text,
    run_number: Text,
    run_attempt: Text,
    html_url: Text,
    updated_at: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repository {
    full_name: Text,
    html_url: Text,
    default_branch: Text,
}

/// One event; of those that neither begin nor end a problem, nothing.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let event: Event = json::read(body)?;
    let repository = &event.repository;
    let deployment = event.deployment.as_ref();
    if let Some(status) = &event.deployment_status {
        return Ok(deployed(status, deployment.unwrap_or(&Deployment::default()), repository));
    }
    if event.deployment_callback_url.get().is_some() {
        return Ok(vec![waits(&event, deployment.unwrap_or(&Deployment::default()))]);
    }
    let run = event.workflow_run.as_ref().filter(|_| event.action.is("completed"));
    Ok(run.and_then(|run| ran(run, repository)).into_iter().collect())
}

fn deployed(status: &DeploymentStatus, deployment: &Deployment, repository: &Repository) -> Vec<Told> {
    let environment = status.environment.get().or(deployment.environment.get()).unwrap_or("production");
    let name = repository.full_name.or_empty();
    let key = format!("deployment:{name}:{environment}");
    let at = status.updated_at.time().or(status.created_at.time());
    let alert = |title: String, severity| {
        let mut labels = Labels::default();
        labels.add("repository", name);
        labels.add("environment", environment);
        for (label, value) in [("ref", &deployment.reference), ("sha", &deployment.sha), ("task", &deployment.task)] {
            labels.add_some(label, value.get());
        }
        labels.add_some("description", status.description.get());
        let mut links = Vec::new();
        bounds::link(&mut links, status.log_url.get().or(status.target_url.get()), "Log");
        bounds::link(&mut links, status.environment_url.get(), "Environment");
        bounds::link(&mut links, repository.html_url.get(), "Repository");
        let title = bounds::title(&title);
        Alert { title, severity, source: bounds::field(name), labels: labels.done(), links, ..Alert::default() }
    };
    let state = status.state.or_empty().to_ascii_lowercase();
    match state.as_str() {
        "failure" | "error" => {
            let severity =
                if deployment.production_environment.is("false") { Severity::Warning } else { Severity::Error };
            let alert = alert(format!("Deployment of {name} to {environment} failed"), severity);
            vec![Told { action: Action::Trigger, key, at, alert }]
        }
        "success" => {
            let title = format!("Deployed {name} to {environment}");
            let change = Told {
                action: Action::Change,
                key: format!("{key}:{}", deployment.id.or_empty()),
                at,
                alert: alert(title.clone(), Severity::Info),
            };
            vec![Told { action: Action::Resolve, key, at, alert: alert(title, Severity::Info) }, change]
        }
        // Queued, on its way, replaced by a later one: neither good nor bad.
        _ => Vec::new(),
    }
}

/// A deployment that a protection rule holds back until somebody decides.
fn waits(event: &Event, deployment: &Deployment) -> Told {
    let name = event.repository.full_name.or_empty();
    let environment = event.environment.or_empty();
    let mut labels = Labels::default();
    labels.add("repository", name);
    labels.add("environment", environment);
    for (label, value) in [("ref", &deployment.reference), ("sha", &deployment.sha), ("task", &deployment.task)] {
        labels.add_some(label, value.get());
    }
    let mut links = Vec::new();
    bounds::link(&mut links, event.repository.html_url.get(), "Repository");
    let alert = Alert {
        title: bounds::title(&format!("Deployment of {name} to {environment} waits for approval")),
        severity: Severity::Info,
        source: bounds::field(name),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    let key = format!("protection:{name}:{environment}:{}", deployment.id.or_empty());
    Told { action: Action::Change, key, at: deployment.created_at.time(), alert }
}

fn ran(run: &WorkflowRun, repository: &Repository) -> Option<Told> {
    let conclusion = run.conclusion.or_empty().to_ascii_lowercase();
    let action = match conclusion.as_str() {
        "failure" | "timed_out" | "startup_failure" => Action::Trigger,
        "success" => Action::Resolve,
        // Cancelled, skipped, replaced: nobody knows more than before.
        _ => return None,
    };
    let repository_name = repository.full_name.or_empty();
    let (workflow, branch) = (run.name.get().unwrap_or("workflow"), run.head_branch.or_empty());
    let mut labels = Labels::default();
    labels.add("repository", repository_name);
    let fields = [
        ("workflow", &run.name),
        ("branch", &run.head_branch),
        ("sha", &run.head_sha),
        ("event", &run.event),
        ("conclusion", &run.conclusion),
        ("run_number", &run.run_number),
        ("run_attempt", &run.run_attempt),
        ("status", &run.status),
    ];
    for (name, value) in fields {
        labels.add_some(name, value.get());
    }
    let mut links = Vec::new();
    bounds::link(&mut links, run.html_url.get(), "Run");
    let what = if action == Action::Trigger { "failed" } else { "succeeded" };
    let main = repository.default_branch.get().is_none_or(|main| main == branch);
    let alert = Alert {
        title: bounds::title(&format!("{workflow} of {repository_name} {what} on {branch}")),
        severity: if main { Severity::Error } else { Severity::Warning },
        source: bounds::field(repository_name),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    let workflow = run.workflow_id.get().unwrap_or(workflow);
    Some(Told {
        action,
        key: format!("workflow:{repository_name}:{workflow}:{branch}"),
        at: run.updated_at.time(),
        alert,
    })
}
