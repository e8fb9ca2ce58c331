//! Jobs of AWS Backup, by EventBridge: backups, and copies to another vault.
//!
//! The problem is what is backed up and where to, so the next job that completes ends what a failed one began.

use domain::signal::{Action, Alert, Severity, Signal};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::bounds::{self, Labels};
use super::{Event, NoSignal, Said, console, escaped, parse, time};

/// The vault and the resource.
const RULE: &str = "aws_backup/1 ";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    #[serde(alias = "copyJobId")]
    backup_job_id: String,
    #[serde(alias = "destinationBackupVaultArn")]
    backup_vault_arn: String,
    resource_arn: String,
    #[serde(default)]
    resource_type: String,
    state: String,
    #[serde(default)]
    status_message: String,
}

/// The signal of a job.
pub(super) fn job(event: &Value, integration: &str, received_at: Timestamp) -> Result<Signal, NoSignal> {
    let Event::<Job> { id, account, region, time: sent, detail: job, .. } = parse(event)?;
    let (action, severity, told) = match job.state.as_str() {
        "COMPLETED" => (Action::Resolve, Severity::Info, "completed"),
        "FAILED" => (Action::Trigger, Severity::Error, "failed"),
        "EXPIRED" => (Action::Trigger, Severity::Error, "could not begin in time"),
        "PARTIAL" => (Action::Trigger, Severity::Warning, "is incomplete"),
        "ABORTED" => (Action::Trigger, Severity::Warning, "was stopped"),
        _ => return Err(NoSignal::Silent("a job on its way")),
    };
    let copied = event["detail-type"] == "Copy Job State Change";
    let (what, pages) = if copied { ("Copy of the backup", "copy") } else { ("Backup", "backup") };
    let vault = job.backup_vault_arn.rsplit(':').next().unwrap_or_default();
    let (mut labels, mut links) = (Labels::default(), Vec::new());
    for (name, value) in [
        ("job", pages),
        ("state", &job.state),
        ("vault", vault),
        ("resource", &job.resource_arn),
        ("resource_type", &job.resource_type),
        ("account", &account),
        ("region", &region),
    ] {
        labels.add(name, value);
    }
    let page = format!("backup/home?region={}#/jobs/{pages}/details/{}", escaped(&region), escaped(&job.backup_job_id));
    bounds::link(&mut links, Some(&console(&job.backup_vault_arn, &region, &page)), "Job");
    let message = job.status_message.trim();
    let reason = if message.is_empty() { String::new() } else { format!(": {}", message.trim_matches('"')) };
    let alert = Alert {
        title: bounds::title(&format!("{what} of {} to {vault} {told}{reason}", named(&job.resource_arn))),
        severity,
        source: bounds::field(&job.resource_arn),
        service: None,
        labels: labels.done(),
        details: bounds::details(&event["detail"].to_string()),
        links,
    };
    let key = format!("{} {}", job.backup_vault_arn, job.resource_arn);
    Ok(Said { id, action, rule: RULE, key: &key, at: sent.as_deref().and_then(time), alert }
        .signal(integration, received_at))
}

/// What an ARN names, without its account and region.
fn named(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}
