//! Setting the turns of a calendar as overrides, each once.

use std::collections::BTreeSet;

use domain::log::Hash;
use jiff::Timestamp;
use watchkeeper::api::{NewOverride, Override};

use super::{Found, State, Turn};
use crate::args::Import;
use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, text};

/// Marks what is set already, and what is over at `now`.
pub(super) fn mark(found: &mut Found, known: &[Override], now: Timestamp) {
    let known = known.iter().filter(|set| set.schedule == found.schedule && set.instead_of.is_none());
    let known: BTreeSet<(&str, Timestamp, Timestamp)> =
        known.map(|set| (set.person.as_str(), set.from, set.until)).collect();
    for turn in &mut found.turns {
        if known.contains(&(turn.person.as_str(), turn.from, turn.until)) {
            turn.state = State::Known;
        } else if turn.until <= now {
            turn.state = State::Over;
        }
    }
}

/// Sets what is new, the earliest first, and says how far it is.
pub(super) fn set(found: &mut Found, asked: &Import, client: &Client) -> Result<(), Failure> {
    let file = asked.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let reason = if asked.why.reason.is_empty() { format!("imported from {file}") } else { asked.why.reason.clone() };
    let new = found.turns.iter_mut().filter(|turn| turn.state == State::New);
    let new: Vec<&mut Turn> = new.collect();
    let all = new.len();
    for (place, turn) in new.into_iter().enumerate() {
        let said = NewOverride {
            schedule: found.schedule.clone(),
            person: turn.person.clone(),
            instead_of: None,
            from: turn.from,
            until: turn.until,
            reason: reason.clone(),
            by: asked.why.by.clone(),
        };
        let about = [&found.schedule, &turn.uid, &turn.person, &turn.from.to_string(), &turn.until.to_string()];
        let key = Hash::of(about.map(String::as_str).join("\n").as_bytes());
        let sent = client.post_once::<Override>("/v1/overrides", key.as_str(), &said);
        if let Err(failure) = sent {
            show::aside(&format!("{place} of {all} are set; the same again goes on from there.\n"));
            return Err(failure);
        }
        turn.state = State::Set;
        let (from, person) = (show::time(turn.from), text(&turn.person));
        show::aside(&format!("{} of {all}: {person} from {from}\n", place + 1));
    }
    Ok(())
}
