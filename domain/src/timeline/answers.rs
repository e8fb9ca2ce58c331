//! The part of the timeline that tells what people and senders answered, and what became of it.

use super::words::list;
use super::{Kind, Teller};
use crate::incident::Event;
use crate::log::Record;
use crate::text::lasted;

impl Teller<'_> {
    /// An answer, or that one counts no more.
    pub(super) fn answered(&mut self, record: &Record<Event>, event: &Event) {
        let open_for = || self.incident.opened_at.map(|opened| lasted(record.at.duration_since(opened)));
        // Repeats after an answer are told apart from those before it.
        if !matches!(
            event,
            Event::NobodyAnswered
                | Event::Noted { .. }
                | Event::NotedAbout { .. }
                | Event::Amended { .. }
                | Event::Denied { .. }
        ) {
            self.repeats = None;
        }
        match event {
            Event::Acknowledged { by, expires_at } => {
                let after = open_for().map(|after| format!(", {after} after it opened")).unwrap_or_default();
                let text = format!("{} took it on{after}", self.words.who(by));
                let ends = expires_at.map(|end| lasted(end.duration_since(record.at)));
                let detail = ends.map(|ends| format!("unless it is resolved within {ends}, it pages again"));
                self.add(record, Kind::Acknowledged, Some(by.clone()), text, detail.into_iter().collect());
            }
            Event::AcknowledgedInPart { by } => {
                let awaited = self.incident.awaited().into_iter().filter(|to| !by.answers_for(to));
                let names: Vec<String> = awaited.map(|to| self.words.recipient(to)).collect();
                let detail = vec![format!("it pages on: {} must acknowledge too", list(&names))];
                let text = format!("{} acknowledged it", self.words.who(by));
                self.add(record, Kind::Acknowledged, Some(by.clone()), text, detail);
            }
            Event::Snoozed { by, until } => {
                let length = lasted(until.duration_since(record.at));
                let text = format!("{} took it on for {length}", self.words.who(by));
                let detail = vec!["then it pages again, unless it is resolved".to_owned()];
                self.add(record, Kind::Snoozed, Some(by.clone()), text, detail);
            }
            Event::Unacknowledged { by } => {
                let text = format!("{} took the acknowledgement back: it pages again", self.words.who(by));
                self.add(record, Kind::Unacknowledged, Some(by.clone()), text, self.released());
            }
            Event::Reassigned { by, to, .. } => {
                let to = self.words.assignee(to);
                let text = format!("{} gave it to {to}: paging begins anew", self.words.who(by));
                self.add(record, Kind::Reassigned, Some(by.clone()), text, self.released());
            }
            Event::AcknowledgementExpired => {
                let taken = self.incident.acknowledgement.as_ref();
                let text = taken.map_or_else(
                    || "The acknowledgement expired: it pages again".to_owned(),
                    |taken| {
                        let held = lasted(record.at.duration_since(taken.at));
                        format!(
                            "{} took it on {held} ago and it is not resolved: it pages again",
                            self.words.who(&taken.by)
                        )
                    },
                );
                self.add(record, Kind::Expired, None, text, Vec::new());
            }
            Event::Escalated { by } => {
                let text = format!("{} asked for the next step now", self.words.who(by));
                self.add(record, Kind::Escalated, Some(by.clone()), text, self.released());
            }
            Event::FollowedUp => {
                let after = open_for().map(|after| format!(" within {after}")).unwrap_or_default();
                let text = format!("Nobody took the ticket on{after}: it is a page now");
                self.add(record, Kind::FollowedUp, None, text, Vec::new());
            }
            Event::NobodyAnswered => {
                let text = "Every step and the catch-all are through, and nobody answered".to_owned();
                let detail = vec!["it stays open; nobody is told again unless somebody escalates it".to_owned()];
                self.add(record, Kind::Unanswered, None, text, detail);
            }
            Event::Noted { .. } | Event::NotedAbout { .. } | Event::Amended { .. } | Event::Denied { .. } => {
                self.aside(record, event);
            }
            Event::Resolved { by, .. } => {
                let after = open_for().map(|open| format!("; it was open for {open}")).unwrap_or_default();
                let by_sender = by.as_str().starts_with("integration:");
                let verb = if by_sender { "says it is over" } else { "resolved it" };
                let detail =
                    (self.incident.occurrences > 1).then(|| format!("{} occurrences", self.incident.occurrences));
                let text = format!("{} {verb}{after}", self.words.who(by));
                self.add(record, Kind::Resolved, Some(by.clone()), text, detail.into_iter().collect());
            }
            Event::Opened { .. }
            | Event::Signalled { .. }
            | Event::Recalled { .. }
            | Event::ThresholdReached
            | Event::GroupBegan { .. }
            | Event::Grouped { .. }
            | Event::Inhibited { .. }
            | Event::InhibitionEnded
            | Event::Flushed(_)
            | Event::Silenced { .. }
            | Event::SilenceEnded
            | Event::Enriched { .. }
            | Event::Routed { .. }
            | Event::StepBegan { .. }
            | Event::Sending { .. }
            | Event::Sent { .. } => {}
        }
    }

    /// What somebody wrote down or was denied: it changes nothing.
    fn aside(&mut self, record: &Record<Event>, event: &Event) {
        match event {
            Event::Noted { by, text } => {
                let said = format!("{} noted: {text}", self.words.who(by));
                self.add(record, Kind::Noted, Some(by.clone()), said, Vec::new());
            }
            Event::NotedAbout { by, .. } => {
                let text = format!("{} noted something about somebody: it was erased", self.words.who(by));
                self.add(record, Kind::Noted, Some(by.clone()), text, Vec::new());
            }
            Event::Amended { by, amendment } => {
                let text = format!("{} changed {}", self.words.who(by), amendment.in_words());
                self.add(record, Kind::Amended, Some(by.clone()), text, Vec::new());
            }
            Event::Denied { by, asked } => {
                let text = format!("{} asked to {asked} it, and may not: nothing was changed", self.words.who(by));
                let detail = vec!["the policy does not name them".to_owned()];
                self.add(record, Kind::Denied, Some(by.clone()), text, detail);
            }
            _ => {}
        }
    }

    /// Who has it no more, a line each.
    fn released(&self) -> Vec<String> {
        let released = self.incident.acknowledgement.as_ref();
        released.map(|taken| format!("{} has it no more", self.words.who(&taken.by))).into_iter().collect()
    }
}
