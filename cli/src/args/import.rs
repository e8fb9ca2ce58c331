//! What can be imported from other systems.

use std::path::PathBuf;

use clap::Subcommand;

/// Which system the configuration is from.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From Opsgenie: users, teams, schedules, escalations, routing rules and services, as its REST API answers
    Opsgenie(Export),
    /// From PagerDuty: users, teams, schedules, escalation policies and services, as its REST API answers
    Pagerduty(Export),
    /// From Grafana OnCall: users, teams, schedules, escalation chains and integrations, as its HTTP API answers
    Oncall(Export),
    /// From GoAlert: users, rotations, schedules, escalation policies and services, as its GraphQL API answers
    Goalert(Export),
    /// From Alertmanager: receivers, the routing tree and inhibition rules, as its configuration file has them
    Alertmanager(Export),
}

/// What to import, and where to write it.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Files, or folders of them: JSON or YAML, named after what they hold, such as users.json
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write the policy to this new file; to standard output when absent
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
