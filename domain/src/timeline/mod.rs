//! The timeline: the log of an incident, told to a person.
//!
//! Every decision is told with its reason, every message with what came of it, and a flood of repeats in one line.
//! The texts hold no clock times: each entry carries its instant, and whoever shows it knows the reader's time zone.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cause::Principal;
use crate::group::INTEGRATION;
use crate::incident::{Actor, Event, Incident, IncidentId, Seen, Status};
use crate::log::Record;
use crate::policy::Policy;
use crate::pulse;
use crate::signal::Action;

mod answers;
mod group;
mod paging;
mod words;

pub use crate::text::lasted;
use words::{Words, counted};

/// A signal that took longer than this to reach us is told as late.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// Repeats that are further apart than this are told apart.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// How often a problem may come and go before its story says so.
const FEW: usize = 2;

/// One line of the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record that says so, from 0; the first of them when several are told in one.
    pub seq: u64,
    /// When, by our clock.
    pub at: Timestamp,
    /// What sort of thing happened.
    pub kind: Kind,
    /// Who did it, when it was not Watchkeeper itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// Who was authenticated then, and how: not always who did it, as the holder of a token may say on whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// What happened, in one sentence.
    pub text: String,
    /// What else is worth knowing, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
}

/// What sort of thing an entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The incident was opened.
    Opened,
    /// The sender said something again, or something late.
    Signalled,
    /// What a responder would look up first was found.
    Enriched,
    /// It was decided who is told, how and why.
    Routed,
    /// A silence keeps everybody from being told.
    Silenced,
    /// No silence holds any more.
    SilenceEnded,
    /// Somebody is being told.
    Telling,
    /// Somebody was told.
    Told,
    /// Somebody could not be told.
    Failed,
    /// A message was changed in place.
    Updated,
    /// Somebody took it on.
    Acknowledged,
    /// An acknowledgement counts no more.
    Expired,
    /// Somebody took it on for a while.
    Snoozed,
    /// Somebody took an acknowledgement back.
    Unacknowledged,
    /// Somebody gave it to somebody.
    Reassigned,
    /// Nobody took a ticket on in time.
    FollowedUp,
    /// Somebody asked for the next step.
    Escalated,
    /// Everybody was told, and nobody answered.
    Unanswered,
    /// Somebody wrote something down.
    Noted,
    /// Somebody changed what the sender said.
    Amended,
    /// Somebody asked who may not.
    Denied,
    /// It is over.
    Resolved,
}

/// Tells `records`, the whole log of one incident in order; with the policy it was decided by, people get their full
/// names, and a page the reason why it went to them.
pub fn timeline(records: &[Record<Event>], policy: Option<&Policy>) -> Vec<Entry> {
    let stream = records.first().and_then(|first| first.stream.strip_prefix("incident#"));
    let Some(id) = stream.and_then(IncidentId::parse) else { return Vec::new() };
    let incident = Incident::expected(id);
    let mut teller = Teller { incident, words: Words { policy }, entries: Vec::new(), repeats: None };
    for record in records {
        let mut events = record.events.as_slice();
        while let [event, rest @ ..] = events {
            events = rest;
            // A step and the messages it sends at once are one thing to a person.
            let with = match (event, rest) {
                (Event::StepBegan { .. }, [Event::Sending { attempts }, rest @ ..]) => {
                    events = rest;
                    attempts.as_slice()
                }
                _ => &[],
            };
            teller.tell(record, event, with);
            teller.incident.apply(event, record.at);
            if !with.is_empty() {
                teller.incident.apply(&Event::Sending { attempts: with.to_vec() }, record.at);
            }
        }
    }
    teller.entries
}

/// What is told so far, and how the incident stands at this point of the story.
struct Teller<'a> {
    incident: Incident,
    words: Words<'a>,
    entries: Vec<Entry>,
    repeats: Option<Repeats>,
}

/// Repeats that are told in one entry.
struct Repeats {
    entry: usize,
    count: usize,
    late: usize,
    first: Timestamp,
    last: Timestamp,
}

impl Teller<'_> {
    fn tell(&mut self, record: &Record<Event>, event: &Event, with: &[crate::escalation::Attempt]) {
        match event {
            Event::Opened { integration, key, alert, follows } => {
                let said = if integration == INTEGRATION {
                    format!("Alerts are told together from here on: {}", alert.title)
                } else {
                    format!("{} reported a new {} problem: {}", integration, alert.severity.as_str(), alert.title)
                };
                let mut detail = vec![format!(
                    "{} {key}",
                    if integration == INTEGRATION { "the group is" } else { "the sender calls it" }
                )];
                if !alert.source.is_empty() {
                    detail.push(format!("it affects {}", alert.source));
                }
                if follows.is_some() {
                    detail.push("the same problem was over before: this is a new incident".to_owned());
                }
                self.add(record, Kind::Opened, Some(Actor::integration(integration)), said, detail);
            }
            Event::Recalled { pulse } => {
                let often = pulse.changes_within(pulse::LONGEST, record.at);
                if often > FEW {
                    let text = format!("It fired or cleared {often} times in the {} before", lasted(pulse::LONGEST));
                    self.add(record, Kind::Opened, None, text, Vec::new());
                }
            }
            Event::ThresholdReached => {
                let text = "So many triggers came that somebody is told now".to_owned();
                self.repeats = None;
                self.add(record, Kind::Routed, None, text, Vec::new());
            }
            Event::Signalled { signals } => self.signalled(record, signals),
            Event::Enriched { found } => {
                let (text, detail) = self.words.enriched(found, record.at);
                self.add(record, Kind::Enriched, None, text, detail);
            }
            Event::Routed { decision } => {
                let (text, detail) = self.words.routed(&self.incident.id, decision);
                self.add(record, Kind::Routed, None, text, detail);
            }
            Event::Silenced { by } => {
                let (text, detail) = self.words.silenced(by);
                self.add(record, Kind::Silenced, None, text, detail);
            }
            Event::SilenceEnded => {
                let text = "No silence holds any more: what was decided is done now".to_owned();
                self.add(record, Kind::SilenceEnded, None, text, Vec::new());
            }
            Event::GroupBegan { .. } => {}
            Event::Grouped { into } => {
                let text = format!("It is told with others, as an alert of the group {into}");
                self.add(record, Kind::Routed, None, text, Vec::new());
            }
            Event::Inhibited { rule, by } => {
                let text = format!("Nobody is told while {by} is open: the inhibition `{rule}` says so");
                self.add(record, Kind::Routed, None, text, Vec::new());
            }
            Event::InhibitionEnded => {
                let text = "Nothing keeps it quiet any more: what was decided is done now".to_owned();
                self.add(record, Kind::Routed, None, text, Vec::new());
            }
            Event::Flushed(flushed) => self.flushed(record, flushed),
            Event::StepBegan { .. } => self.step(record, event, with),
            Event::Sending { attempts } => self.sending(record, attempts),
            Event::Sent { outcomes } => self.sent(record, outcomes),
            _ => self.answered(record, event),
        }
    }

    fn add(&mut self, record: &Record<Event>, kind: Kind, actor: Option<Actor>, text: String, mut detail: Vec<String>) {
        let principal = record.by.clone().filter(|_| actor.is_some());
        detail.extend(actor.iter().zip(&principal).filter_map(|(actor, by)| words::asked(actor, by)));
        self.entries.push(Entry { seq: record.seq, at: record.at, kind, actor, principal, text, detail });
    }

    /// Tells signals: repeats in one line, late ones as late; those whose consequence is told anyway are not told twice.
    fn signalled(&mut self, record: &Record<Event>, signals: &[Seen]) {
        let opening = record.events.iter().any(|event| matches!(event, Event::Opened { .. }));
        let followed = |wanted: fn(&Event) -> bool| record.events.iter().any(wanted);
        let mut triggers: Vec<&Seen> = signals.iter().filter(|seen| seen.action == Action::Trigger).collect();
        if opening && !triggers.is_empty() {
            triggers.remove(0);
        }
        if self.incident.status == Status::Resolved {
            self.after_the_end(record, signals);
            return;
        }
        self.repeated(record, &triggers);
        for (action, consequence, text) in [
            (
                Action::Acknowledge,
                followed(|event| matches!(event, Event::Acknowledged { .. })),
                "acknowledged it there",
            ),
            (Action::Resolve, followed(|event| matches!(event, Event::Resolved { .. })), "said it was over"),
        ] {
            let said: Vec<&Seen> = signals.iter().filter(|seen| seen.action == action).collect();
            if consequence || said.is_empty() {
                continue;
            }
            let why = match (action, self.incident.status) {
                (_, Status::Expected) => "the alert itself has not arrived yet: this waits for it",
                (Action::Resolve, _) => "a later alert says otherwise: it stays open",
                _ => "it changes nothing here",
            };
            let text = format!("The sender {text}{}", late(&said));
            self.add(record, Kind::Signalled, None, text, vec![why.to_owned()]);
        }
    }

    fn after_the_end(&mut self, record: &Record<Event>, signals: &[Seen]) {
        let text = format!("{} arrived after the end", counted(signals.len(), "signal"));
        let all: Vec<&Seen> = signals.iter().collect();
        let detail = match late(&all) {
            late if late.is_empty() => "nothing new began: it changes nothing".to_owned(),
            late => format!("it belongs to the time before{late}: it changes nothing"),
        };
        self.add(record, Kind::Signalled, None, text, vec![detail]);
    }

    fn repeated(&mut self, record: &Record<Event>, triggers: &[&Seen]) {
        let Some(last) = triggers.iter().map(|seen| seen.received_at).max() else { return };
        let first = triggers.iter().map(|seen| seen.received_at).min().unwrap_or(last);
        let behind = triggers.iter().filter(|seen| is_late(seen)).count();
        let joined = self.repeats.take().filter(|earlier| first.duration_since(earlier.last) <= PAUSE);
        let repeats = if let Some(earlier) = joined {
            Repeats {
                count: earlier.count + triggers.len(),
                late: earlier.late + behind,
                first: earlier.first.min(first),
                last: earlier.last.max(last),
                ..earlier
            }
        } else {
            self.add(record, Kind::Signalled, None, String::new(), Vec::new());
            Repeats { entry: self.entries.len() - 1, count: triggers.len(), late: behind, first, last }
        };
        let within = repeats.last.duration_since(repeats.first);
        let span = if within.as_secs() > 0 { format!(" within {}", lasted(within)) } else { String::new() };
        let entry = &mut self.entries[repeats.entry];
        entry.text = format!("{} more of the same{span}: counted, nobody is told again", repeats.count);
        entry.detail =
            (repeats.late > 0).then(|| format!("{} of them arrived late", repeats.late)).into_iter().collect();
        self.repeats = Some(repeats);
    }
}

fn is_late(seen: &Seen) -> bool {
    seen.received_at.duration_since(seen.at) > LATE
}

/// By how much the latest of `signals` was late, as the end of a sentence; nothing when none was.
fn late(signals: &[&Seen]) -> String {
    let delays = signals.iter().filter(|seen| is_late(seen)).map(|seen| seen.received_at.duration_since(seen.at));
    delays.max().map(|delay| format!(", {} late", lasted(delay))).unwrap_or_default()
}

#[cfg(test)]
mod tests;
