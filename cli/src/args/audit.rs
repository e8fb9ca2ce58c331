//! What can be asked about the evidence.

use std::path::PathBuf;

use clap::Subcommand;
use domain::log::Hash;

use super::export::ExportArgs;

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Export the evidence of a period, for an auditor
    Export(ExportArgs),
    /// Check that evidence is as it was signed: a bundle or a proof, without any network; or the live log
    Verify {
        /// A bundle's folder, or a proof's file
        #[arg(value_name = "BUNDLE|PROOF", required_unless_present = "live", conflicts_with = "live")]
        what: Option<PathBuf>,
        /// Read every stream and checkpoint by the API, and compare them
        #[arg(long)]
        live: bool,
        /// Whose signatures count
        #[command(flatten)]
        keys: Keys,
    },
    /// Check that an archive has every stream as it was signed, without any network and without the table
    Restore {
        /// The folder with `archive/` and `checkpoints/`, as any S3 tool downloads them
        #[arg(value_name = "ARCHIVE")]
        dir: PathBuf,
        /// Whose signatures count
        #[command(flatten)]
        keys: Keys,
    },
    /// Say what is in a bundle, or in a stream
    Show {
        /// A bundle's folder, or a stream such as policy or incident#0123456789abcdef0123-1
        #[arg(value_name = "BUNDLE|STREAM")]
        what: String,
    },
    /// Write a file that proves one record to somebody who sees no other
    Prove {
        /// The stream, such as policy
        stream: String,
        /// The record's number in it, from 0
        seq: u64,
        /// Where to write it; to standard output when absent
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Whose signatures count.
#[derive(Debug, clap::Args)]
pub struct Keys {
    /// A public key that is trusted, as PEM; again for each further one
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// The fingerprint of a public key that comes with the evidence, 64 hex digits; again for each further one
    #[arg(long, value_name = "HEX", value_parser = fingerprint)]
    pub fingerprint: Vec<Hash>,
}

fn fingerprint(text: &str) -> Result<Hash, String> {
    let digits = text.replace(':', "").to_ascii_lowercase();
    Hash::parse(&digits).ok_or_else(|| "a fingerprint has 64 hex digits".to_owned())
}
