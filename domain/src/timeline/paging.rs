//! The part of the timeline that tells of steps and messages: to whom, by what, why now, and what came of it.

use super::words::{counted, lasted};
use super::{Kind, Teller};
use crate::escalation::{ATTEMPTS, Attempt, Outcome, Position, RETRY_AFTER};
use crate::incident::{Event, Incident};
use crate::log::Record;
use crate::policy::{Handling, Step, Target};

impl Teller<'_> {
    /// A step, the messages it sends at once, and why it begins now.
    pub(super) fn step(&mut self, record: &Record<Event>, position: Position, nobody: &[String], first: &[Attempt]) {
        let why = self.why_now(record);
        let step = self.policy_step(position);
        let targets = self.targets(position);
        let told = self.told(first, targets, record.at);
        let name = name(position);
        let (kind, text) = if told.is_empty() {
            (Kind::Failed, format!("{why}{name} finds nobody to tell: it is passed over at once"))
        } else {
            (Kind::Telling, format!("{why}{name} tells {}", list(&told)))
        };
        let mut detail = nobody.to_vec();
        let ticket = self.incident.decision.as_ref().is_some_and(|made| made.handling == Handling::Ticket);
        if let Some(step) = step.filter(|_| !told.is_empty() && !ticket) {
            detail.push(format!("unless somebody answers within {}, it goes on", lasted(step.wait)));
        }
        self.add(record, kind, None, capital(&text), detail);
    }

    /// Whom messages go to, why to them, and by what; those for one reason and by one channel are told together.
    fn told(&self, attempts: &[Attempt], targets: &[Target], at: jiff::Timestamp) -> Vec<String> {
        let mut groups: Vec<(Vec<String>, String)> = Vec::new();
        for attempt in attempts {
            let reason = self.words.reason(&attempt.to, targets, at);
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

    fn policy_step(&self, position: Position) -> Option<&Step> {
        let policy = self.words.policy?;
        policy.escalations.get(escalation(&self.incident, policy, position)?)?.steps.get(position.step as usize)
    }

    fn targets(&self, position: Position) -> &[Target] {
        self.policy_step(position).map_or(&[], |step| &step.notify)
    }
}

fn escalation<'a>(incident: &'a Incident, policy: &'a crate::policy::Policy, position: Position) -> Option<&'a String> {
    if position.catch_all {
        Some(&policy.catch_all.escalation)
    } else {
        incident.decision.as_ref().map(|decision| &decision.escalation)
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

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
