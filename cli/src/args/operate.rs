//! What to do about what failed.

use clap::{Subcommand, ValueEnum};

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// Say what is in the queues, and why
    List,
    /// Show the letters of a queue
    Show {
        /// Whose
        queue: Queue,
    },
    /// Do letters again: each is done before it is removed, so this may be interrupted and repeated
    Redrive {
        /// Of which queue
        queue: Queue,
        /// Only those with this cause, as `list` has it
        #[arg(long, value_name = "CAUSE")]
        cause: Option<String>,
        /// Do nothing, and say what would be done
        #[arg(long)]
        dry_run: bool,
        /// How many in a second at most
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
        rate: u32,
    },
}

/// A path that nobody waits at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Queue {
    /// From the queue of signals into incidents
    Signals,
    /// From SNS and EventBridge into signals
    Ingest,
    /// From an incident to people
    Incident,
    /// The minute's sweep
    Sweep,
    /// From the log into the archive
    Archive,
    /// The hour's checkpoint
    Checkpoint,
    /// The exports of weeks and months
    Export,
}

impl Queue {
    /// The word that the API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signals => "signals",
            Self::Ingest => "ingest",
            Self::Incident => "incident",
            Self::Sweep => "sweep",
            Self::Archive => "archive",
            Self::Checkpoint => "checkpoint",
            Self::Export => "export",
        }
    }
}
