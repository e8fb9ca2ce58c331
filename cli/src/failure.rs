//! What can go wrong, as a person reads it and as a script sees it in the exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use domain::log::Broken;
use watchkeeper::api::Problem;

/// Why the command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Watchkeeper, or something that the command needs, said no.
    #[error("{}", said(.0))]
    Refused(Box<Problem>),
    /// Something else went wrong.
    #[error("{what}")]
    Failed {
        /// What.
        what: String,
        /// What to do about it.
        fix: Option<String>,
    },
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// There is no such thing.
    #[error("{what}")]
    NotFound {
        /// What there is not.
        what: String,
        /// What to do about it.
        fix: Option<String>,
    },
    /// Nobody said where Watchkeeper is, or who asks.
    #[error("{0} is not set, and there is no target/local/env here or in the folders above")]
    Unconfigured(&'static str),
    /// Watchkeeper does not answer.
    #[error("{url} does not answer: {why}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What the network said.
        why: String,
    },
    /// The token is not known.
    #[error("{url} does not know this token")]
    Unauthorized {
        /// Where.
        url: String,
    },
    /// A policy has mistakes, which were printed.
    #[error("{file} has {errors}", errors = mistakes(*.errors))]
    Mistakes {
        /// The policy.
        file: PathBuf,
        /// How many.
        errors: usize,
    },
    /// Pages would change, which were printed.
    #[error("{pages} would change", pages = counted(*.pages, "page"))]
    Changes {
        /// How many.
        pages: usize,
    },
    /// Decisions are not made again as they are recorded, which was printed.
    #[error(
        "{} did not come out as recorded: the record, its policy or the rules were changed since",
        counted(*.decisions, "decision")
    )]
    Replay {
        /// How many.
        decisions: usize,
    },
    /// A log is not as it was written.
    #[error("the log of {stream} does not verify: {broken}")]
    Broken {
        /// Which.
        stream: String,
        /// The first place that is wrong.
        broken: Broken,
    },
    /// A log does not end as the incident says.
    #[error("the log of {stream} does not verify: records are missing at its end")]
    Truncated {
        /// Which.
        stream: String,
    },
    /// What must always hold does not; each of it was printed.
    #[error("not everything is as it must be: {}", counted(*.findings, "finding"))]
    Unwell {
        /// How many were printed.
        findings: usize,
    },
    /// Evidence is not as it was signed; all that is wrong was printed.
    #[error("{what} is not as it was signed: {}", counted(*.places, "bad place"))]
    Unsound {
        /// What was verified.
        what: String,
        /// How many bad places were printed.
        places: usize,
    },
}

impl Failure {
    /// Something went wrong that has no name of its own.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), fix: None }
    }

    /// The exit code that the help promises.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Failed { .. } | Self::Changes { .. } => 1,
            Self::Usage(_) => 2,
            Self::NotFound { .. } => 3,
            Self::Unconfigured(_) | Self::Unreachable { .. } | Self::Unauthorized { .. } => 4,
            Self::Mistakes { .. }
            | Self::Replay { .. }
            | Self::Broken { .. }
            | Self::Truncated { .. }
            | Self::Unwell { .. }
            | Self::Unsound { .. } => 5,
        })
    }

    /// What to do about it, where that is known.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Failed { fix, .. } | Self::NotFound { fix, .. } => fix.clone(),
            Self::Unconfigured(name) => Some(format!("set {name}, or start the local cloud: make up")),
            Self::Unreachable { url, .. } if is_local(url) => Some("is the local cloud up? Run: make up".to_owned()),
            Self::Unreachable { .. } => Some("check WATCHKEEPER_URL and the network".to_owned()),
            Self::Unauthorized { .. } => Some("check WATCHKEEPER_TOKEN".to_owned()),
            Self::Broken { .. } | Self::Truncated { .. } => {
                Some("keep what you have: export the table and compare it with its backups".to_owned())
            }
            Self::Unsound { .. } => {
                Some("keep it as it is, and compare it with the archive and with other copies".to_owned())
            }
            Self::Unwell { .. } => Some("watchkeeper fsck --repair has the sweep repair what it can".to_owned()),
            Self::Changes { .. } => Some("exit code 1 says so to scripts; --all lists every one".to_owned()),
            Self::Refused(_) | Self::Usage(_) | Self::Mistakes { .. } | Self::Replay { .. } => None,
        }
    }
}

/// Whether an address is this machine's own.
pub fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|local| host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])))
}

fn said(problem: &Problem) -> String {
    let detail = problem.detail.as_deref().unwrap_or(&problem.title);
    let mistakes = problem.mistakes.iter().map(|mistake| format!("\n  {mistake}"));
    format!("{detail}{}", mistakes.collect::<String>())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn mistakes(count: usize) -> String {
    if count == 1 { "a mistake".to_owned() } else { format!("{count} mistakes") }
}
