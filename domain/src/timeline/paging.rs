//! The part of the timeline that tells of steps and messages: to whom, by what, why now, and what came of it.

use jiff::Timestamp;

use super::words::{counted, list};
use super::{Kind, Teller};
use crate::escalation::{ATTEMPTS, Attempt, Found, Outcome, Position, RETRY_AFTER, handling, step};
use crate::incident::Event;
use crate::log::Record;
use crate::policy::{Handling, Target};
use crate::text::lasted;

impl Teller<'_> {
    /// A step, the messages it sends at once, and why it begins now.
    pub(super) fn step(&mut self, record: &Record<Event>, begun: &Event, first: &[Attempt]) {
        let Event::StepBegan { position, found, nobody, picked, everybody, .. } = begun else { return };
        let why = self.why_now(record);
        let step = self.words.policy.and_then(|policy| step(&self.incident, policy, *position));
        let targets = step.as_ref().map_or(&[][..], |step| &step.notify);
        let told = self.told(first, found, targets, record.at);
        let waiting = found.iter().filter_map(|found| Some((found.to.as_str(), found.quiet_until?)));
        let waiting: Vec<(&str, Timestamp)> = waiting.collect();
        let name = name(*position);
        let (kind, text) = match (told.as_slice(), waiting.as_slice()) {
            ([], []) => (Kind::Failed, format!("{why}{name} finds nobody to tell: it is passed over at once")),
            ([], _) => (Kind::Telling, format!("{why}{name} finds nobody awake, and waits")),
            _ => (Kind::Telling, format!("{why}{name} tells {}", list(&told))),
        };
        let mut detail: Vec<String> = picked
            .iter()
            .map(|picked| format!("one of {}, in turn", picked.among))
            .chain(waiting.iter().map(|(to, until)| self.words.waits(to, *until)))
            .chain(nobody.iter().cloned())
            .collect();
        if *everybody && found.len() > 1 {
            detail.push("each of them must acknowledge before it counts".to_owned());
        }
        let ticket = handling(&self.incident) == Handling::Ticket;
        let reached = !told.is_empty() || !waiting.is_empty();
        if let Some(step) = step.filter(|_| reached && !ticket) {
            detail.push(format!("unless somebody answers within {}, it goes on", lasted(step.wait)));
        }
        self.add(record, kind, None, capital(&text), detail);
    }

    /// Whom messages go to, why to them, and by what; those for one reason and by one channel are told together.
    fn told(&self, attempts: &[Attempt], found: &[Found], targets: &[Target], at: Timestamp) -> Vec<String> {
        let mut groups: Vec<(Vec<String>, String)> = Vec::new();
        for attempt in attempts {
            let reason = match found.iter().find(|found| found.to == attempt.to) {
                Some(found) => Some(found.via.clone()).filter(|via| !via.is_empty()),
                None => self.words.reason(&attempt.to, targets, at),
            };
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            let how = format!("{reason} by {}", attempt.channel);
            let whom = self.words.recipient(&attempt.to);
            match groups.iter_mut().find(|(_, known)| *known == how) {
                Some((names, _)) => names.push(whom),
                None => groups.push((vec![whom], how)),
            }
        }
        groups.into_iter().map(|(names, how)| format!("{}{how}", list(&names))).collect()
    }

    /// Messages beside the first ones of a step: further contacts, and repeats.
    pub(super) fn sending(&mut self, record: &Record<Event>, attempts: &[Attempt]) {
        let told: Vec<String> = attempts
            .iter()
            .map(|attempt| {
                let whom = self.words.recipient(&attempt.to);
                match attempt.attempt {
                    1 => format!("{whom} is told by {} too", attempt.channel),
                    tried => format!("{whom} is told by {} again, attempt {tried} of {ATTEMPTS}", attempt.channel),
                }
            })
            .collect();
        self.add(record, Kind::Telling, None, capital(&list(&told)), Vec::new());
    }

    /// What came of messages.
    pub(super) fn sent(&mut self, record: &Record<Event>, outcomes: &[(String, Outcome)]) {
        let mut accepted: Vec<(String, Vec<String>)> = Vec::new();
        let mut shown: Vec<(&'static str, usize)> = Vec::new();
        for (id, outcome) in outcomes {
            let delivery = self.incident.paging.deliveries.iter().find(|known| known.id == *id);
            let (channel, whom) = delivery.map_or_else(
                || ("message".to_owned(), id.clone()),
                |known| (known.channel.clone(), self.words.recipient(&known.to)),
            );
            let last = delivery.is_some_and(|known| known.attempts >= ATTEMPTS);
            let what = format!("{channel} message to {whom}");
            match outcome {
                Outcome::Accepted { .. } => match accepted.iter_mut().find(|(known, _)| *known == channel) {
                    Some((_, names)) => names.push(whom),
                    None => accepted.push((channel, vec![whom])),
                },
                Outcome::Delivered => {
                    self.add(record, Kind::Told, None, format!("The {what} arrived"), Vec::new());
                }
                Outcome::Undelivered { reason } => {
                    let then = "the provider had taken it; the next contact is told".to_owned();
                    self.add(record, Kind::Failed, None, format!("The {what} did not arrive: {reason}"), vec![then]);
                }
                Outcome::Held { until, reason } => {
                    let wait = lasted(until.duration_since(record.at));
                    let then = vec![format!("it may be sent in {wait}")];
                    self.add(record, Kind::Updated, None, format!("The {what} is held back: {reason}"), then);
                }
                Outcome::Failed { reason, retry_after } => {
                    let wait = retry_after.map_or(lasted(RETRY_AFTER), |seconds| {
                        lasted(jiff::SignedDuration::from_secs(seconds.into()).max(RETRY_AFTER))
                    });
                    let then = if last { "it is given up".to_owned() } else { format!("tried again in {wait}") };
                    self.add(record, Kind::Failed, None, format!("The {what} failed: {reason}"), vec![then]);
                }
                Outcome::Rejected { reason } => {
                    let then = "it will never go through this way; the next contact is told".to_owned();
                    self.add(record, Kind::Failed, None, format!("The {what} was refused: {reason}"), vec![then]);
                }
                Outcome::Cancelled { reason } => {
                    self.add(record, Kind::Updated, None, format!("The {what} was not sent: {reason}"), Vec::new());
                }
                Outcome::Shown { status } => match shown.iter_mut().find(|(word, _)| *word == status.as_str()) {
                    Some((_, count)) => *count += 1,
                    None => shown.push((status.as_str(), 1)),
                },
            }
        }
        if !accepted.is_empty() {
            let after = self.incident.opened_at.map(|opened| lasted(record.at.duration_since(opened)));
            let after = after.map(|after| format!(", {after} after it opened")).unwrap_or_default();
            let told: Vec<String> =
                accepted.iter().map(|(channel, names)| format!("by {channel} to {}", list(names))).collect();
            self.add(record, Kind::Told, None, format!("Sent {}{after}", list(&told)), Vec::new());
        }
        for (status, count) in shown {
            let text = format!("{} now: {status}", counted_messages(count));
            self.add(record, Kind::Updated, None, text, Vec::new());
        }
    }

    /// The beginning of a step's sentence: why it comes now. Nothing for the first step.
    fn why_now(&self, record: &Record<Event>) -> String {
        let paging = &self.incident.paging;
        let Some(began) = paging.position.and(paging.began_at) else { return String::new() };
        let waited = record.at.duration_since(began);
        if paging.hurry {
            "as asked, ".to_owned()
        } else if waited.as_secs() == 0 {
            "nobody was reached, so ".to_owned()
        } else {
            format!("nobody answered for {}, so ", lasted(waited))
        }
    }
}

/// `step 2`, `the catch-all's step 1`, with the round when it is not the first.
fn name(position: Position) -> String {
    let step = position.step + 1;
    let of = if position.catch_all { format!("the catch-all's step {step}") } else { format!("step {step}") };
    if position.round == 0 { of } else { format!("{of} (time {})", position.round + 1) }
}

fn counted_messages(count: usize) -> String {
    let verb = if count == 1 { "shows" } else { "show" };
    format!("{} {verb}", counted(count, "sent message"))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
