//! What CodePipeline, CodeDeploy and CloudFormation change, by EventBridge: shown beside the incidents of its service.
//!
//! A pipeline counts when it ends, as it builds before it changes anything; a deployment and an update of a stack count
//! when they begin, too. The service is the one of the policy that the pipeline, application or stack is called after;
//! without such a one it is the integration's own.

use domain::policy::Policy;
use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::{Event, NoSignal, Said, console, escaped, parse, time};

/// The event itself: no change is another.
const RULE: &str = "aws_changes/1 ";

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Pipeline {
        pipeline: String,
        #[serde(rename = "execution-id")]
        execution: String,
        state: String,
    },
    #[serde(rename_all = "camelCase")]
    Deployment { application: String, deployment_id: String, deployment_group: String, state: String },
    Stack {
        #[serde(rename = "stack-id")]
        stack: String,
        #[serde(rename = "status-details")]
        details: StackStatus,
    },
}

#[derive(Deserialize)]
struct StackStatus {
    status: String,
}

/// What was changed, whatever by.
struct Changed {
    /// What it is called: a pipeline, an application, a stack.
    name: String,
    /// What it did, for a person.
    told: &'static str,
    title: String,
    page: String,
}

/// The signal of a change.
pub(super) fn change(
    event: &Value,
    policy: &Policy,
    integration: &str,
    received_at: Timestamp,
) -> Result<Signal, NoSignal> {
    let Event::<Detail> { id, account, region, time: sent, resources, detail } = parse(event)?;
    let changed = changed(&detail, &region).ok_or(NoSignal::Silent("a step of a change"))?;
    let (mut labels, mut links) = (Labels::default(), Vec::new());
    for (name, value) in [
        ("changed_by", event["source"].as_str().unwrap_or_default()),
        ("name", &changed.name),
        ("outcome", changed.told),
        ("account", &account),
        ("region", &region),
    ] {
        labels.add(name, value);
    }
    let arn = resources.first().map_or("", String::as_str);
    bounds::link(&mut links, Some(&console(arn, &region, &changed.page)), "Console");
    let own = policy.integrations.get(integration).and_then(|integration| integration.service.clone());
    let alert = Alert {
        title: bounds::title(&changed.title),
        severity: Severity::Info,
        source: bounds::field(&changed.name),
        service: service(policy, &changed.name).map(str::to_owned).or(own),
        labels: labels.done(),
        details: bounds::details(&event["detail"].to_string()),
        links,
    };
    let (key, at) = (id.clone(), sent.as_deref().and_then(time));
    Ok(Said { id, action: Action::Change, rule: RULE, key: &key, at, alert }.signal(integration, received_at))
}

/// What changed; nothing when it is only a step on the way.
fn changed(detail: &Detail, region: &str) -> Option<Changed> {
    let region = escaped(region);
    match detail {
        Detail::Pipeline { pipeline, execution, state } => {
            let told = match state.as_str() {
                "SUCCEEDED" => "succeeded",
                "FAILED" => "failed",
                "STOPPED" | "CANCELED" => "was stopped",
                _ => return None,
            };
            let (name, run) = (escaped(pipeline), escaped(execution));
            let page = format!("codesuite/codepipeline/pipelines/{name}/executions/{run}/timeline?region={region}");
            Some(Changed { name: pipeline.clone(), told, title: format!("Pipeline {pipeline} {told}"), page })
        }
        Detail::Deployment { application, deployment_id, deployment_group, state } => {
            let told = match state.as_str() {
                "START" => "began",
                "SUCCESS" => "succeeded",
                "FAILURE" => "failed",
                "STOP" => "was stopped",
                _ => return None,
            };
            let title = format!("Deployment of {application} to {deployment_group} {told}");
            let page = format!("codesuite/codedeploy/deployments/{}?region={region}", escaped(deployment_id));
            Some(Changed { name: application.clone(), told, title, page })
        }
        Detail::Stack { stack, details: StackStatus { status } } => {
            let told = match status.as_str() {
                "UPDATE_IN_PROGRESS" => "began to change",
                "CREATE_COMPLETE" | "IMPORT_COMPLETE" => "was created",
                "UPDATE_COMPLETE" => "was changed",
                "DELETE_COMPLETE" => "was deleted",
                status if status.ends_with("ROLLBACK_COMPLETE") => "was rolled back",
                status if status.ends_with("_FAILED") => "failed to change",
                _ => return None,
            };
            let name = stack.split('/').nth(1).unwrap_or(stack).to_owned();
            let page = format!("cloudformation/home?region={region}#/stacks/events?stackId={}", escaped(stack));
            Some(Changed { title: format!("Stack {name} {told}"), name, told, page })
        }
    }
}

/// The service of the policy that something is called after: by its whole name, or by the beginning before a `-`.
fn service<'p>(policy: &'p Policy, name: &str) -> Option<&'p str> {
    let after =
        |service: &&str| name.strip_prefix(*service).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    policy.services.keys().map(String::as_str).filter(after).max_by_key(|service| service.len())
}
