//! Owners: a CODEOWNERS file as the section `owners` of a policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use domain::owner::Owner;
use serde::Serialize;

use crate::args::Owners;
use crate::failure::Failure;
use crate::policy::{self, Warnings};
use crate::show::{Show, text};

/// What a CODEOWNERS file comes to.
#[derive(Debug, Serialize)]
struct Found {
    owners: Vec<Owner>,
    left_out: Vec<LeftOut>,
}

/// A line, or an owner of it, that is not in the section.
#[derive(Debug, Serialize)]
struct LeftOut {
    line: usize,
    what: String,
    why: String,
}

/// Prints the section `owners` that says the same as a CODEOWNERS file, and what could not be said.
pub fn convert(wanted: &Owners, show: Show) -> Result<(), Failure> {
    let source = policy::text_of(&wanted.file)?;
    let names: BTreeMap<&str, &str> = wanted.team.iter().map(|(owner, team)| (owner.as_str(), team.as_str())).collect();
    let teams = wanted.policy.as_deref().map(teams_of).transpose()?;
    let found = read(&source, &names, teams.as_ref());
    show.print(&found, |found| section(found, &wanted.file));
    Ok(())
}

fn teams_of(file: &Path) -> Result<BTreeSet<String>, Failure> {
    Ok(policy::read(file, Warnings::LeftOut)?.0.teams.into_keys().collect())
}

fn read(source: &str, names: &BTreeMap<&str, &str>, teams: Option<&BTreeSet<String>>) -> Found {
    let mut found = Found { owners: Vec::new(), left_out: Vec::new() };
    for (number, line) in source.lines().enumerate() {
        let mut leave_out = |what: &str, why: &str| {
            found.left_out.push(LeftOut { line: number + 1, what: what.to_owned(), why: why.to_owned() });
        };
        let line = line.trim();
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let Some(path) = words.next() else { continue };
        if path.starts_with(['[', '^', '!']) || path.contains('\\') {
            leave_out(path, "sections, `!`, `[ ]` and escapes are not patterns of a policy");
            continue;
        }
        let mut team = None;
        for owner in words {
            match name_of(owner, names, teams) {
                Ok(_) if team.is_some() => leave_out(owner, "a path has one team: the first stands"),
                Ok(name) => team = Some(name),
                Err(why) => leave_out(owner, why),
            }
        }
        found.owners.push(Owner { path: path.to_owned(), team });
    }
    found
}

/// The team of the policy that an owner is.
fn name_of(
    owner: &str,
    names: &BTreeMap<&str, &str>,
    teams: Option<&BTreeSet<String>>,
) -> Result<String, &'static str> {
    let named = names.get(owner).copied();
    let team = named.or_else(|| Some(owner.strip_prefix('@')?.split_once('/')?.1));
    let team = team.ok_or("this is a person; say which team with --team OWNER=TEAM")?;
    if teams.is_some_and(|teams| !teams.contains(team)) {
        return Err("the policy has no such team; say which one with --team OWNER=TEAM");
    }
    Ok(team.to_owned())
}

fn section(found: &Found, file: &Path) -> String {
    let mut out =
        format!("# From {}. Of several that match, the last counts.\nowners:\n", text(&file.display().to_string()));
    for Owner { path, team } in &found.owners {
        let path = path.replace('\\', "\\\\").replace('"', "\\\"");
        let team = team.as_ref().map(|team| format!(", team: {}", text(team))).unwrap_or_default();
        let _ = writeln!(out, "  - {{ path: \"{}\"{team} }}", text(&path));
    }
    if found.owners.is_empty() {
        out = format!("# {} names no owners.\nowners: []\n", text(&file.display().to_string()));
    }
    for LeftOut { line, what, why } in &found.left_out {
        let _ = writeln!(out, "# line {line}: {} is left out: {why}", text(what));
    }
    out
}
