//! Proofs of single records, as the API makes them.

use std::path::Path;

use domain::evidence::proof::Proof;

use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{GREEN, aside, out, paint, text};

/// Asks for the proof of record `seq` of `stream`, and writes it to `output` or prints it.
pub fn prove(client: &Client, stream: &str, seq: u64, output: Option<&Path>) -> Result<(), Failure> {
    let proof: Proof = client.get(&format!("/v1/audit/proof?stream={}&seq={seq}", encoded(stream)))?;
    let file = serde_json::to_string_pretty(&proof).map_err(|error| Failure::failed(error.to_string()))? + "\n";
    let Some(path) = output else {
        out(&file);
        return Ok(());
    };
    std::fs::write(path, &file).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    let (said, path) = (paint(GREEN, "written:"), path.display());
    aside(&format!("{said} {path} proves record {seq} of {}\n", text(stream)));
    aside(&format!("  watchkeeper audit verify {path} --key KEY.pem checks it without any network\n"));
    Ok(())
}
