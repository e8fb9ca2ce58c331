//! What an import found, for a person.

use std::fmt::Write as _;

use anstyle::Style;

use super::{Found, State};
use crate::show::{self, BLUE, BOLD, DIM, GREEN, YELLOW, paint, text};

/// The turns as a table, what comes of them, and what was not taken.
pub(super) fn tell(found: &Found, set: bool) -> String {
    let plain = Style::new();
    let rows: Vec<_> = found
        .turns
        .iter()
        .map(|turn| {
            let (style, state) = match turn.state {
                State::New => (YELLOW, "new"),
                State::Known => (DIM, "set before"),
                State::Set => (GREEN, "set"),
                State::Over => (DIM, "over"),
            };
            [
                (BOLD, text(&turn.person)),
                (plain, show::time(turn.from)),
                (plain, show::time(turn.until)),
                (style, state.to_owned()),
                (DIM, turn.line.to_string()),
                (plain, text(&turn.event)),
            ]
        })
        .collect();
    let mut told = String::new();
    if !rows.is_empty() {
        told.push_str(&show::table(["PERSON", "FROM", "UNTIL", "STATE", "LINE", "EVENT"], &rows));
        told.push('\n');
    }
    let count = |state| found.turns.iter().filter(|turn| turn.state == state).count();
    let (from, until) = (show::time(found.from), show::time(found.until));
    let turns = if found.turns.len() == 1 { "1 turn".to_owned() } else { format!("{} turns", found.turns.len()) };
    let _ = writeln!(told, "{turns} for {} from {from} until {until}", paint(BLUE, &text(&found.schedule)));
    let new = count(State::New);
    if new > 0 && !set {
        let _ = writeln!(told, "{new} of them would be set, and nothing was changed; --set sets them");
    }
    for out in &found.left_out {
        let line = paint(YELLOW, &format!("line {}", out.line));
        let _ = writeln!(told, "{line}: {} is not taken: {}", text(&out.event), text(&out.why));
    }
    told
}

/// A text of a calendar as one word of a command line, whatever is in it: somebody will copy it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
