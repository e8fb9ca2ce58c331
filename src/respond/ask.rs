//! What the API asks of an incident: the action in the address, and the body that belongs to it.

use domain::escalation::Assignee;
use domain::incident::{Actor, Command};
use domain::sealed::Subject;
use jiff::{SignedDuration, Timestamp};

use crate::api;
use crate::error::Error;
use crate::lambda::read_object;

/// The actions, as a refusal lists them.
pub(super) const ACTIONS: &str =
    "the actions are acknowledge, unacknowledge, snooze, reassign, resolve, escalate and notes";
/// The longest note, in characters.
pub(crate) const NOTE: usize = 4096;
/// The longest name somebody answers under, in characters.
pub(crate) const NAME: usize = 128;
/// The longest time an incident can be put off.
pub(crate) const SNOOZE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The command that `action` with `body` is, for the holder of `token`; `None` when there is no such action.
pub(super) fn command(action: &str, body: &[u8], token: &str, now: Timestamp) -> Result<Option<Command>, Error> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    let command = match action {
        "snooze" => {
            let api::Snooze { by, until, length } = read_object(body)?;
            Command::Snooze { by: actor(by.as_deref(), token)?, until: end(until, length, now)? }
        }
        "reassign" => {
            let api::Reassign { by, to } = read_object(body)?;
            let to = Assignee::try_from(to).map_err(|fix| Error::InvalidEvent(format!("`to`: {fix}")))?;
            Command::Reassign { by: actor(by.as_deref(), token)?, to }
        }
        "acknowledge" | "unacknowledge" | "resolve" | "escalate" | "notes" => {
            let api::Answer { by, text, about } = read_object(body)?;
            if about.is_some() && action != "notes" {
                return Err(Error::InvalidEvent("only a note is about somebody".to_owned()));
            }
            let by = actor(by.as_deref(), token)?;
            match action {
                "acknowledge" => Command::Acknowledge { by },
                "unacknowledge" => Command::Unacknowledge { by },
                "resolve" => Command::Resolve { by },
                "escalate" => Command::Escalate { by },
                _ => {
                    let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
                    let text = text.ok_or_else(|| Error::InvalidEvent("a note needs a text".to_owned()))?;
                    Command::Note { by, text: domain::text::cut(text, NOTE) }
                }
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(command))
}

/// Whom a note is about, if it says so.
pub(super) fn about(action: &str, body: &[u8]) -> Result<Option<Subject>, Error> {
    if action != "notes" {
        return Ok(None);
    }
    let api::Answer { about, .. } = read_object(body)?;
    let read = |about: String| {
        let what = || Error::InvalidEvent("`about` is `<kind>:<name>`, such as `customer:acme`".to_owned());
        Subject::parse(&about).ok_or_else(what)
    };
    about.map(read).transpose()
}

/// On whose behalf the holder of `token` asks.
pub(super) fn actor(by: Option<&str>, token: &str) -> Result<Actor, Error> {
    if by.is_some_and(|by| by.trim().is_empty() || by.chars().count() > NAME) {
        return Err(Error::InvalidEvent(format!("`by` is a name of at most {NAME} characters")));
    }
    Ok(by.map_or_else(|| Actor::token(token), Actor::person))
}

/// When a snooze ends.
fn end(until: Option<Timestamp>, length: Option<SignedDuration>, now: Timestamp) -> Result<Timestamp, Error> {
    let end = match (until, length) {
        (Some(until), None) => Some(until),
        (None, Some(length)) => now.checked_add(length).ok(),
        _ => return Err(Error::InvalidEvent("write either `until` or `for`".to_owned())),
    };
    let possible = |end: &Timestamp| *end > now && end.duration_since(now) <= SNOOZE;
    end.filter(possible).ok_or_else(|| Error::InvalidEvent("it can be put off for up to 30 days".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T03:00:00Z".parse().expect("an instant")
    }

    fn asked(action: &str, body: &str) -> Result<Option<Command>, String> {
        command(action, body.as_bytes(), "ci", now()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_action_is_a_command_of_the_person_named_or_of_the_token() {
        let (ana, ci) = (Actor::person("ana"), Actor::token("ci"));
        let until = now() + SignedDuration::from_hours(2);
        let to = Assignee::try_from("team:platform".to_owned()).expect("an assignee");
        let table = [
            ("acknowledge", "", Command::Acknowledge { by: ci.clone() }),
            ("unacknowledge", r#"{"by":"ana"}"#, Command::Unacknowledge { by: ana.clone() }),
            ("resolve", "{}", Command::Resolve { by: ci.clone() }),
            ("escalate", r#"{"by":"ana"}"#, Command::Escalate { by: ana.clone() }),
            ("snooze", r#"{"by":"ana","for":"2h"}"#, Command::Snooze { by: ana.clone(), until }),
            ("snooze", r#"{"until":"2026-11-21T05:00:00Z"}"#, Command::Snooze { by: ci, until }),
            ("reassign", r#"{"by":"ana","to":"team:platform"}"#, Command::Reassign { by: ana.clone(), to }),
            ("notes", r#"{"by":"ana","text":" x "}"#, Command::Note { by: ana, text: "x".to_owned() }),
        ];
        for (action, body, expected) in table {
            assert_eq!(asked(action, body), Ok(Some(expected)), "{action} {body}");
        }
        assert_eq!(asked("delete", "{}"), Ok(None));
    }

    #[test]
    fn what_is_not_possible_is_refused_with_what_to_write() {
        for (action, body, part) in [
            ("snooze", "{}", "either `until` or `for`"),
            ("snooze", r#"{"for":"2h","until":"2026-11-21T05:00:00Z"}"#, "either `until` or `for`"),
            ("snooze", r#"{"for":"-2h"}"#, "up to 30 days"),
            ("snooze", r#"{"for":"999999h"}"#, "up to 30 days"),
            ("snooze", r#"{"until":"2026-11-21T02:00:00Z"}"#, "up to 30 days"),
            ("snooze", r#"{"for":"soon"}"#, "at for"),
            ("reassign", r#"{"to":"channel:ops"}"#, "person:NAME"),
            ("reassign", "{}", "not valid"),
            ("acknowledge", r#"{"by":" "}"#, "`by` is a name"),
            ("acknowledge", r#"{"until":"2026-11-21T05:00:00Z"}"#, "not valid"),
            ("notes", "{}", "needs a text"),
            ("resolve", r#"{"about":"customer:acme"}"#, "only a note"),
        ] {
            let refused = asked(action, body).expect_err(body);
            assert!(refused.contains(part), "{action} {body}: {refused}");
        }
    }
}
