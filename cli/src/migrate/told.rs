//! What became of an export, for a person.

use std::fmt::Write as _;

use anstyle::Style;

use super::Found;
use super::draft::State;
use crate::show::{self, BOLD, DIM, GREEN, RED, YELLOW, paint, text};

/// Every thing of the export as a table, and what is still to be run.
pub(super) fn tell(found: &Found) -> String {
    let plain = Style::new();
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|item| {
            let (style, state) = match item.state {
                State::Maps => (GREEN, "maps"),
                State::Partly => (YELLOW, "partly"),
                State::LeftOut => (RED, "left out"),
            };
            let said = match (&item.to, &item.why) {
                (Some(to), Some(why)) => format!("{to}: {why}"),
                (Some(one), None) | (None, Some(one)) => one.clone(),
                (None, None) => String::new(),
            };
            [(DIM, item.kind.clone()), (BOLD, text(&item.name)), (style, state.to_owned()), (plain, text(&said))]
        })
        .collect();
    let mut told = String::new();
    if !rows.is_empty() {
        told.push_str(&show::table(["KIND", "NAME", "STATE", "WHERE, OR WHY"], &rows));
        told.push('\n');
    }
    let count = |state| found.items.iter().filter(|item| item.state == state).count();
    let (maps, partly, left_out) = (count(State::Maps), count(State::Partly), count(State::LeftOut));
    let _ = writeln!(
        told,
        "From {}: {maps} mapped, {partly} mapped in part, {left_out} left out; nothing was applied",
        found.source
    );
    if !found.commands.is_empty() {
        told.push_str("\nOnce the policy is applied, run:\n");
        for command in &found.commands {
            let _ = writeln!(told, "  {}", text(command));
        }
    }
    told
}

/// What to do with the file.
pub(super) fn next(found: &Found, file: &str) -> String {
    let lines = found.policy.lines().count();
    let validate = paint(BOLD, &format!("watchkeeper policy validate {}", text(file)));
    format!("\n{} has {lines} lines. It may name secrets that are still to be stored: {validate}\n", text(file))
}
