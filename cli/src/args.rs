//! What can be asked for on the command line, and the help that says so.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

mod audit;
mod export;
mod import;
mod operate;
mod roster;

pub use audit::{AuditCommand, Keys};
pub use export::ExportArgs;
pub use import::{Export, ImportCommand};
pub use operate::{DlqCommand, Queue};
pub use roster::{AbsenceCommand, CalendarCommand, Import, Of, OverrideCommand, ScheduleCommand, Swap, Why};

/// The end of the help: what scripts rely on.
const AFTER: &str = "\
Where it connects to:
  WATCHKEEPER_URL and WATCHKEEPER_TOKEN say so. Without them, target/local/env does, which `make up` writes: it is
  looked for here and in the folders above. A token is never an argument, as others can read those.

Exit codes:
  0  done
  1  refused, or failed; of `policy plan`: pages would change; of `doctor`: something is to be looked at
  2  the command line is wrong
  3  there is no such incident, file or policy
  4  Watchkeeper cannot be reached, or does not know the token
  5  a policy has mistakes, a log or other evidence does not verify, a decision does not replay, or fsck found
     something wrong

Colours are left out when the output is not a terminal, and when NO_COLOR is set.";

/// On-call and incidents, from a shell.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, after_help = AFTER, max_term_width = 100)]
pub struct Args {
    /// Print the API's JSON objects
    #[arg(long, global = true)]
    pub json: bool,
    /// Where Watchkeeper answers, whatever the environment says
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring up the local cloud, with Watchkeeper on it
    Up,
    /// Stop the local cloud
    Down,
    /// Send an alert: a file, or a sample in a sender's dialect
    Send(Send),
    /// List incidents, the newest first
    Incidents {
        /// Only those that stand so
        #[arg(long)]
        status: Option<Status>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Tell an incident's story
    Incident {
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// Check that nobody changed its log
        #[arg(long)]
        verify: bool,
    },
    /// Take incidents on
    #[command(alias = "acknowledge")]
    Ack {
        /// Their ids, or as much of each as is unique
        #[arg(required = true)]
        ids: Vec<String>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Give incidents back that somebody took on
    #[command(alias = "unacknowledge")]
    Unack {
        /// Their ids, or as much of each as is unique
        #[arg(required = true)]
        ids: Vec<String>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Take an incident on for a while; then it pages again
    Snooze {
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// For how long, such as 2h or `1h 30m`
        #[arg(long = "for", value_name = "LENGTH", required_unless_present = "until", conflicts_with = "until")]
        length: Option<SignedDuration>,
        /// Until when, such as 2026-11-21T09:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Give an incident to somebody: paging begins anew, with them
    Reassign {
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// person:NAME, team:NAME, schedule:NAME, next:SCHEDULE or escalation:NAME
        #[arg(value_name = "TARGET")]
        to: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// End incidents
    Resolve {
        /// Their ids, or as much of each as is unique
        #[arg(required = true)]
        ids: Vec<String>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Tell the next step now
    Escalate {
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Write something down in an incident's log
    Note {
        /// Whom it is about, such as customer:acme: it is sealed, and `erase` makes it unreadable
        #[arg(long, value_name = "SUBJECT")]
        about: Option<String>,
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// What to write
        #[arg(required = true)]
        text: Vec<String>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Make all that notes say about a person or a customer unreadable, for good
    Erase {
        /// Whom they are about, such as customer:acme
        subject: String,
        /// Why; it is recorded for good, so without their name
        #[arg(long)]
        reason: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Say who is on call
    Oncall {
        /// At this time; now when absent
        #[arg(long, value_name = "TIME", value_parser = roster::when)]
        at: Option<Timestamp>,
    },
    /// List, draw and import schedules
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Put somebody on call for a while
    #[command(subcommand)]
    Override(OverrideCommand),
    /// Swap turns of two people
    Swap(Swap),
    /// Say who is away
    #[command(subcommand)]
    Absence(AbsenceCommand),
    /// Make calendars that can be subscribed to
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// Send a test page to somebody, and say what came of it and how long it took
    TestPage {
        /// Whom, by their short name in the policy
        #[arg(long, value_name = "PERSON")]
        user: String,
        /// Only their contact of this number in the policy, from 1
        #[arg(long, value_name = "NUMBER", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
        contact: Option<usize>,
        /// Wait this many seconds for them to answer it
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "120")]
        wait: Option<u64>,
    },
    /// Keep what is known from waking anybody
    #[command(subcommand)]
    Silence(SilenceCommand),
    /// Say which services are being worked on
    #[command(subcommand)]
    Maintenance(MaintenanceCommand),
    /// List heartbeats, and send one
    #[command(subcommand)]
    Heartbeat(HeartbeatCommand),
    /// Check, apply and show the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Write the policy that another system's exported configuration comes to; nothing is applied
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look over what runs: who may send without proof, and which heartbeats are missing
    Doctor,
    /// Say what nobody owns, what is silenced without a reason, and what the policy may not mean
    Hygiene {
        /// Which days
        #[command(flatten)]
        span: Span,
    },
    /// Say what would happen to an alert, or what was decided of an incident, and why; nothing is sent
    Explain(Explain),
    /// Verify, show and prove what the log holds, and export it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// List, show and redrive dead letters: what could not be done
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Check what must always hold: that nothing is lost, late, twice there or changed
    Fsck {
        /// First have the sweep come by, which repairs what it would repair within a minute
        #[arg(long)]
        repair: bool,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What to do with silences.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Make one
    Add {
        /// What it means, such as service=checkout, severity!=critical or instance=~db-.+; all of them hold
        #[arg(required = true, value_name = "MATCHER")]
        matchers: Vec<String>,
        /// How long, such as 2h or 1h30m
        #[arg(long = "for", value_name = "LENGTH")]
        lasts: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// List them, and how many incidents each has suppressed
    List {
        /// Those too that are over, for five days
        #[arg(long)]
        expired: bool,
        /// Only those that suppressed something and have no reason
        #[arg(long)]
        hygiene: bool,
    },
    /// Show one, and what it suppressed
    Show {
        /// Its id, or as much of its beginning as is unique
        id: String,
    },
    /// End some
    Expire {
        /// Their ids, or as much of each as is unique
        #[arg(required = true)]
        ids: Vec<String>,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Let one end later
    Extend {
        /// Its id, or as much of its beginning as is unique
        id: String,
        /// How long from now, such as 2h or 1h30m
        #[arg(long = "for", value_name = "LENGTH")]
        lasts: String,
    },
}

/// What to do with maintenance.
#[derive(Debug, Subcommand)]
pub enum MaintenanceCommand {
    /// Say that a service is being worked on: its incidents wake nobody
    Start {
        /// The service, by its name in the policy
        service: String,
        /// How long, such as 2h or 1h30m
        #[arg(long = "for", value_name = "LENGTH")]
        lasts: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// Say that nobody works on it any more
    End {
        /// The service, by its name in the policy
        service: String,
        /// On whose behalf, by their short name in the policy
        #[arg(long = "as", value_name = "PERSON")]
        by: Option<String>,
    },
    /// List the services that are being worked on, or will be
    List,
}

/// What to do with heartbeats.
#[derive(Debug, Subcommand)]
pub enum HeartbeatCommand {
    /// List those that the policy waits for, and say which are missing
    List,
    /// Send one
    Ping {
        /// Its name in the policy
        name: String,
    },
}

/// What to do with a policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Name every mistake in a policy file, with its place and what to do about it
    Validate {
        /// The policy, as YAML
        file: PathBuf,
        /// Fail for warnings too
        #[arg(long)]
        strict: bool,
    },
    /// Say what a policy would change: in words, and on the incidents of the last days
    Plan(Plan),
    /// Print what was decided lately, for `plan --from`
    History {
        /// Which days
        #[command(flatten)]
        span: Span,
    },
    /// Make a policy the one that decides
    Apply {
        /// The policy, as YAML
        file: PathBuf,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Apply it even if pages of the past would be lost, or somebody may go untold
        #[arg(long)]
        accept_lost_pages: bool,
        /// On which days it is rehearsed first
        #[command(flatten)]
        span: Span,
    },
    /// Show the policy that decides now
    Show,
    /// Print a CODEOWNERS file as the section `owners` of a policy
    Owners(Owners),
}

/// Which owners of code.
#[derive(Debug, clap::Args)]
pub struct Owners {
    /// The CODEOWNERS file
    pub file: PathBuf,
    /// The policy whose teams they are, so that others are left out
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Which team an owner is, such as @example/shop-devs=checkout; a team's own name when absent
    #[arg(long, value_name = "OWNER=TEAM", value_parser = pair)]
    pub team: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (owner, team) = text.split_once('=').ok_or("write OWNER=TEAM")?;
    Ok((owner.to_owned(), team.to_owned()))
}

/// What to rehearse.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The policy, as YAML
    pub file: PathBuf,
    /// Rehearse on a file that `policy history` wrote, and ask nothing of Watchkeeper
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// List every page that would change, and not only what they have in common
    #[arg(long)]
    pub all: bool,
    /// On which days
    #[command(flatten)]
    pub span: Span,
}

/// Which days of the past.
#[derive(Debug, clap::Args)]
pub struct Span {
    /// How many days of recorded incidents; 0 for none
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=366))]
    pub days: u32,
    /// The end of those days, such as 2026-11-21T03:00:00Z; now when absent
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
}

/// What to send.
#[derive(Debug, clap::Args)]
pub struct Send {
    /// A file with a payload, or the name of a sender for a sample of its own
    #[arg(value_name = "FILE|SENDER")]
    pub what: String,
    /// The dialect of a file, when its content does not say
    #[arg(long, value_name = "SENDER")]
    pub sender: Option<Sender>,
    /// The integration of the policy, when it is not called like its sender
    #[arg(long, value_name = "NAME")]
    pub integration: Option<String>,
    /// How often
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// How many at the same time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub parallel: u32,
    /// Say that the sample's problem is over
    #[arg(long)]
    pub resolve: bool,
}

/// What to explain.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A file with a sender's payload; or an incident's id, or as much of its beginning as is unique
    #[arg(value_name = "FILE|INCIDENT")]
    pub what: PathBuf,
    /// Decide by this policy file and not by the active policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// As if it arrived at this time, such as 2026-11-21T03:00:00Z; when absent now, or when the incident was decided
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// The integration that receives it, when more than one could
    #[arg(long, value_name = "NAME")]
    pub integration: Option<String>,
    /// The dialect, when the content does not say
    #[arg(long, value_name = "SENDER")]
    pub sender: Option<Sender>,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Open, and nobody has taken it on
    Triggered,
    /// Open, and somebody has taken it on
    Acknowledged,
    /// Over
    Resolved,
}

/// The dialects of senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sender {
    /// PagerDuty Events API v2
    Pagerduty,
    /// Anything signed by Standard Webhooks
    Generic,
    /// Alertmanager's webhook
    Alertmanager,
    /// Prometheus, as to its Alertmanager
    Prometheus,
    /// CloudWatch alarms
    Cloudwatch,
    /// Datadog's webhooks
    Datadog,
    /// GitHub's webhooks
    Github,
    /// GitLab's webhooks
    Gitlab,
    /// Grafana's webhook contact point
    Grafana,
    /// Intercom's webhooks
    Intercom,
    /// Grafana OnCall's formatted webhook
    Oncall,
    /// PagerDuty's webhooks, version 3
    PagerdutyWebhook,
    /// Sentry's integration platform
    Sentry,
    /// Zendesk's webhooks
    Zendesk,
    /// Events of other services of AWS, such as GuardDuty
    Aws,
    /// E-mail by SES
    Email,
    /// Any JSON, by the mapping of its integration
    Json,
}
