//! What people and steps may ask of an incident, and the answer.

use jiff::{SignedDuration, Timestamp};

use super::{Actor, Event, Hold, Incident, Status};
use crate::enrich::Enrichment;
use crate::policy::Handling;
use crate::recent::Known;
use crate::route::Decision;

/// What is asked of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take it on.
    Acknowledge {
        /// Who.
        by: Actor,
    },
    /// End it.
    Resolve {
        /// Who.
        by: Actor,
    },
    /// Tell the next step now.
    Escalate {
        /// Who.
        by: Actor,
    },
    /// Write something down.
    Note {
        /// Who.
        by: Actor,
        /// What.
        text: String,
    },
    /// Add what was looked up.
    Enrich(Enrichment),
    /// Add who is told, and which silences keep them from it.
    Route(Decision, Vec<Hold>),
    /// No silence holds it back any more.
    EndSilence,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such incident.
    #[error("there is no such incident")]
    Unknown,
    /// Somebody else was first.
    #[error("already acknowledged by {} at {at}", by.name())]
    AlreadyAcknowledged {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    #[error("already resolved by {} at {at}", by.name())]
    AlreadyResolved {
        /// Who ended it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
}

impl Incident {
    /// Whether the request `cause`, which cannot have come before `since`, is in the log already.
    pub fn knows_cause(&self, cause: &str, since: Timestamp) -> Known {
        self.causes.knows(cause, since)
    }

    /// What `command` does now: events to write, none when it is done already, or why not.
    ///
    /// The same person asking the same twice gets the same answer and changes nothing the second time.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.status == Status::Expected {
            return Err(Refusal::Unknown);
        }
        match command {
            Command::Enrich(found) => {
                return Ok(self.enrichment.is_none().then_some(Event::Enriched { found }).into_iter().collect());
            }
            Command::Route(decision, by) => return Ok(self.routed(decision, by)),
            Command::EndSilence => {
                let held = self.is_open() && !self.silenced_by.is_empty();
                return Ok(held.then_some(Event::SilenceEnded).into_iter().collect());
            }
            Command::Note { by, text } => return Ok(vec![Event::Noted { by, text }]),
            Command::Acknowledge { .. } | Command::Resolve { .. } | Command::Escalate { .. } => {}
        }
        if let Some(resolution) = &self.resolution {
            let repeated = matches!(&command, Command::Resolve { by } if *by == resolution.by);
            return if repeated {
                Ok(Vec::new())
            } else {
                Err(Refusal::AlreadyResolved { by: resolution.by.clone(), at: resolution.at })
            };
        }
        Ok(match command {
            Command::Acknowledge { by } => match &self.acknowledgement {
                Some(first) if first.by == by => Vec::new(),
                Some(first) => {
                    return Err(Refusal::AlreadyAcknowledged { by: first.by.clone(), at: first.at });
                }
                None => vec![self.acknowledged(by, now)],
            },
            Command::Resolve { by } => vec![Event::Resolved { by, covers: now }],
            Command::Escalate { by } => vec![Event::Escalated { by }],
            Command::Enrich(_) | Command::Route(..) | Command::EndSilence | Command::Note { .. } => Vec::new(),
        })
    }

    /// That it was decided who is told, once, and which silences keep them from it: what is only recorded needs none.
    fn routed(&self, decision: Decision, by: Vec<Hold>) -> Vec<Event> {
        if self.decision.is_some() {
            return Vec::new();
        }
        let tells = matches!(decision.handling, Handling::Page | Handling::Ticket);
        let silenced = (tells && !by.is_empty()).then_some(Event::Silenced { by });
        std::iter::once(Event::Routed { decision }).chain(silenced).collect()
    }

    /// That `by` takes it on now, for as long as the frozen decision allows.
    pub(crate) fn acknowledged(&self, by: Actor, now: Timestamp) -> Event {
        let lasts = self.decision.as_ref().and_then(|decision| decision.acknowledgement_expires);
        Event::Acknowledged { by, expires_at: lasts.map(|lasts: SignedDuration| now + lasts) }
    }
}
