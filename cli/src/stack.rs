//! The local cloud: started and stopped by the project's own script.

use std::process::Command;

use crate::failure::Failure;
use crate::settings::upward;

const SCRIPT: &str = "local/up.py";

/// Brings the local cloud up.
pub fn up() -> Result<(), Failure> {
    run(&[])
}

/// Stops it.
pub fn down() -> Result<(), Failure> {
    run(&["down"])
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    let root = upward(SCRIPT).ok_or_else(|| Failure::NotFound {
        what: format!("there is no {SCRIPT} here or in the folders above"),
        fix: Some("change to Watchkeeper's own folder, and ask again".to_owned()),
    })?;
    let ended = Command::new("python3").arg(SCRIPT).args(arguments).current_dir(root).status();
    let ended = ended.map_err(|error| Failure::Failed {
        what: format!("python3 cannot be started: {error}"),
        fix: Some("install Python 3".to_owned()),
    })?;
    // The script has said what is wrong and what to do.
    if ended.success() { Ok(()) } else { Err(Failure::failed("the local cloud is not as you asked; see above")) }
}
