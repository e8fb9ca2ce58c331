//! What can be exported.

use std::path::PathBuf;

use jiff::Timestamp;

/// Which period to export, and what to do with the bundle.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// From when, such as 2026-11-16T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Timestamp,
    /// Until when; now, when absent
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Only data of this class, as services of the policy have it, or `unclassified`; again for each further one
    #[arg(long = "class", value_name = "CLASS")]
    pub classes: Vec<String>,
    /// Wait until it is finished
    #[arg(long)]
    pub wait: bool,
    /// Wait, and write the bundle into this folder; what is there already is not fetched again
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}
