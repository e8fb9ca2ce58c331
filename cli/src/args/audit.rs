//! What can be asked about the evidence.

use clap::Subcommand;

use super::export::ExportArgs;

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Export the evidence of a period, for an auditor
    Export(ExportArgs),
}
