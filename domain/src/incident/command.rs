//! What people and steps may ask of an incident, and the answer.

use jiff::{SignedDuration, Timestamp};

use super::{Acknowledgement, Actor, Amendment, Event, Hold, Incident, Status};
use crate::enrich::Enrichment;
use crate::escalation::Assignee;
use crate::policy::Handling;
use crate::recent::Known;
use crate::route::Decision;
use crate::sealed::Sealed;

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
    /// Take it on for a while.
    Snooze {
        /// Who.
        by: Actor,
        /// Until when; then it pages again from the first step.
        until: Timestamp,
    },
    /// Take an acknowledgement back, one's own or another's.
    Unacknowledge {
        /// Who.
        by: Actor,
    },
    /// Give it to somebody: paging begins anew, with them.
    Reassign {
        /// Who.
        by: Actor,
        /// To whom.
        to: Assignee,
    },
    /// Put down that somebody asked who may not.
    Deny {
        /// Who.
        by: Actor,
        /// What, by the word that the API has for it.
        asked: String,
    },
    /// Write something down.
    Note {
        /// Who.
        by: Actor,
        /// What.
        text: String,
    },
    /// Write something down about a person or a customer.
    NoteAbout {
        /// Who.
        by: Actor,
        /// What, for whoever has the key.
        sealed: Sealed,
    },
    /// Change what the sender said, also once it is over.
    Amend {
        /// Who.
        by: Actor,
        /// What.
        amendment: Amendment,
    },
    /// Add what was looked up.
    Enrich(Enrichment),
    /// Add who is told, and which silences keep them from it.
    Route(Box<Decision>, Vec<Hold>),
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
    /// The current step asks each of its people.
    #[error("the step asks everybody, so nobody can put it off alone; acknowledge it")]
    AsksEverybody,
    /// It is over.
    #[error("already resolved by {} at {at}", by.name())]
    AlreadyResolved {
        /// Who ended it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
}

impl Command {
    /// Whether somebody must look at `incident`, as it stands after this, though its own execution may be over, or
    /// asleep for longer than this allows.
    pub fn needs_a_look(&self, incident: &Incident) -> bool {
        match self {
            Self::Escalate { .. } | Self::Reassign { .. } | Self::Snooze { .. } | Self::Unacknowledge { .. } => {
                incident.is_open()
            }
            // After the last step nobody looks any more: somebody must, when an acknowledgement made then expires.
            Self::Acknowledge { .. } => incident.is_open() && incident.paging.exhausted,
            Self::Resolve { .. }
            | Self::Note { .. }
            | Self::NoteAbout { .. }
            | Self::Amend { .. }
            | Self::Deny { .. }
            | Self::Enrich(_)
            | Self::Route(..)
            | Self::EndSilence => false,
        }
    }
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
            Command::Route(decision, by) => return Ok(self.routed(*decision, by)),
            Command::EndSilence => {
                let held = self.is_open() && !self.silenced_by.is_empty();
                return Ok(held.then_some(Event::SilenceEnded).into_iter().collect());
            }
            Command::Note { by, text } => return Ok(vec![Event::Noted { by, text }]),
            Command::NoteAbout { by, sealed } => return Ok(vec![Event::NotedAbout { by, sealed }]),
            Command::Deny { by, asked } => return Ok(vec![Event::Denied { by, asked }]),
            Command::Amend { by, amendment } => {
                let amended = (!amendment.is_in(&self.alert)).then_some(Event::Amended { by, amendment });
                return Ok(amended.into_iter().collect());
            }
            _ => {}
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
                Some(_) if self.acknowledgements.iter().any(|answer| answer.by == by) => Vec::new(),
                Some(first) if first.by == by => Vec::new(),
                Some(first) => return Err(taken(first)),
                None => self.acknowledged(by, now).into_iter().collect(),
            },
            Command::Snooze { by, .. } if self.awaited().iter().any(|to| !by.answers_for(to)) => {
                return Err(Refusal::AsksEverybody);
            }
            Command::Snooze { by, until } => match &self.acknowledgement {
                Some(first) if first.by != by => return Err(taken(first)),
                Some(first) if first.expires_at == Some(until) => Vec::new(),
                _ => vec![Event::Snoozed { by, until }],
            },
            Command::Unacknowledge { by } => {
                let untaken = self.acknowledgement.is_none() && self.acknowledgements.is_empty();
                (!untaken).then_some(Event::Unacknowledged { by }).into_iter().collect()
            }
            Command::Reassign { by, to } => {
                let from = self.held_by().into_iter().map(str::to_owned).collect();
                vec![Event::Reassigned { by, from, to }]
            }
            Command::Resolve { by } => vec![Event::Resolved { by, covers: now }],
            Command::Escalate { by } => vec![Event::Escalated { by }],
            Command::Enrich(_)
            | Command::Route(..)
            | Command::EndSilence
            | Command::Note { .. }
            | Command::NoteAbout { .. }
            | Command::Amend { .. }
            | Command::Deny { .. } => Vec::new(),
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

    /// That `by` takes it on now, for as long as the frozen decision allows; only in part while others of the step must
    /// acknowledge too, and nothing when they did so before.
    pub(crate) fn acknowledged(&self, by: Actor, now: Timestamp) -> Option<Event> {
        if self.awaited().iter().any(|to| !by.answers_for(to)) {
            let repeated = self.acknowledgements.iter().any(|answer| answer.by == by);
            return (!repeated).then_some(Event::AcknowledgedInPart { by });
        }
        let lasts = self.decision.as_ref().and_then(|decision| decision.acknowledgement_expires);
        Some(Event::Acknowledged { by, expires_at: lasts.map(|lasts: SignedDuration| now + lasts) })
    }
}

fn taken(first: &Acknowledgement) -> Refusal {
    Refusal::AlreadyAcknowledged { by: first.by.clone(), at: first.at }
}
