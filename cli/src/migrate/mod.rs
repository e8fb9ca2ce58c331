//! Importing what another system was told: its exported configuration becomes a policy, and nothing is applied.
//!
//! Each system has a reader of its own, which knows what its public API answers and fills a [`Draft`]. What the draft
//! holds is written as YAML that says where each part comes from. Nothing is guessed: what has no place in a policy,
//! or a slightly different one, is listed with the reason. Secrets are never copied; placeholders stand for them,
//! which `policy validate` names.

use std::path::Path;

use serde::Serialize;

use crate::args::{Export, ImportCommand};
use crate::failure::Failure;
use crate::show::{self, Show};

mod alertmanager;
mod condition;
mod contact;
mod draft;
mod dump;
mod goalert;
mod lanes;
mod oncall;
mod opsgenie;
mod owner;
mod pagerduty;
mod slug;
mod told;
mod week;
mod write;
mod yaml;

use draft::{Draft, Item};
use dump::Dump;

/// What an export comes to.
#[derive(Debug, Serialize)]
struct Found {
    /// The system it is from.
    source: &'static str,
    /// The policy, as YAML.
    policy: String,
    /// What became of each thing, in the order in which it was read.
    items: Vec<Item>,
    /// What to run once the policy is applied: overrides and maintenance are no part of a policy.
    commands: Vec<String>,
}

/// One system: its name, what its export holds, and how that is read.
struct Source {
    name: &'static str,
    kinds: &'static [&'static str],
    read: fn(&mut Dump, &mut Draft),
}

/// Writes the policy that an export comes to, and says what became of each thing in it.
pub fn import(from: &ImportCommand, show: Show) -> Result<(), Failure> {
    let (source, asked) = match from {
        ImportCommand::Opsgenie(asked) => (opsgenie::SOURCE, asked),
        ImportCommand::Pagerduty(asked) => (pagerduty::SOURCE, asked),
        ImportCommand::Oncall(asked) => (oncall::SOURCE, asked),
        ImportCommand::Goalert(asked) => (goalert::SOURCE, asked),
        ImportCommand::Alertmanager(asked) => (alertmanager::SOURCE, asked),
    };
    let mut draft = Draft::new(source.name);
    let mut dump = Dump::read(&asked.paths, source.kinds, &mut draft)?;
    (source.read)(&mut dump, &mut draft);
    draft.finish();
    let policy = write::yaml(&draft);
    let found = Found { source: source.name, policy, items: draft.items, commands: draft.commands };
    tell(&found, asked, show)
}

/// The policy goes where it was asked for, and what became of each thing beside it.
fn tell(found: &Found, asked: &Export, show: Show) -> Result<(), Failure> {
    match &asked.output {
        Some(file) => {
            save(file, &found.policy)?;
            show.print(found, |found| told::tell(found) + &told::next(found, &file.display().to_string()));
        }
        None if show.json => show.print(found, told::tell),
        None => {
            show::out(&found.policy);
            show::aside(&format!("\n{}", told::tell(found)));
        }
    }
    Ok(())
}

/// Writes a file that is not there yet: somebody may have worked on one that is.
fn save(file: &Path, policy: &str) -> Result<(), Failure> {
    let mut new = std::fs::File::create_new(file).map_err(|error| Failure::Failed {
        what: format!("{} cannot be written: {error}", file.display()),
        fix: Some("name a file that is not there yet".to_owned()),
    })?;
    std::io::Write::write_all(&mut new, policy.as_bytes())
        .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
}
