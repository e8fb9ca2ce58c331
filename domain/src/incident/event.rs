//! What can be written in an incident's log, and what each entry does to the incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Acknowledgement, Actor, Amendment, Incident, IncidentId, Resolution, Status};
use crate::enrich::Enrichment;
use crate::escalation::{Assignee, Attempt, Found, Outcome, Picked, Position};
use crate::group::{Flushed, Group, Grouping};
use crate::pulse::Pulse;
use crate::route::{Decision, Noise};
use crate::sealed::Sealed;
use crate::signal::{Action, Alert, Severity};

/// One thing that happened to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "few are held at once, and most of those are written")]
pub enum Event {
    /// A problem became known.
    Opened {
        /// The integration whose signal it was.
        integration: String,
        /// The sender's own name for the problem.
        key: String,
        /// What the sender said.
        alert: Alert,
        /// When the incident before it of the same fingerprint ended, by event time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follows: Option<Timestamp>,
    },
    /// Signals were counted, the opening one included.
    Signalled {
        /// Each of them, once.
        signals: Vec<Seen>,
    },
    /// How the problem came and went before this incident.
    Recalled {
        /// Its pulse.
        pulse: Pulse,
    },
    /// So many triggers came that somebody is told now.
    ThresholdReached,
    /// What a responder would look up first was found.
    Enriched {
        /// What was found.
        found: Enrichment,
    },
    /// It was decided who is told, how and why.
    Routed {
        /// The decision, complete enough to be made again.
        decision: Decision,
    },
    /// Nobody is told for a while, whatever was decided.
    Silenced {
        /// The silences that say so.
        by: Vec<Hold>,
    },
    /// No silence holds any more: what was decided is done now.
    SilenceEnded,
    /// It is the incident of a group, which gathers alerts until its first flush.
    GroupBegan {
        /// When that is, unless one of them had waited before.
        first_flush_at: Timestamp,
    },
    /// It became an alert of a group: people are told of the group instead.
    Grouped {
        /// The group's incident.
        into: IncidentId,
    },
    /// Another alert is firing that keeps it quiet.
    Inhibited {
        /// The inhibition of the policy.
        rule: String,
        /// The alert that is firing.
        by: IncidentId,
    },
    /// Nothing keeps it quiet any more: what was decided is done now.
    InhibitionEnded,
    /// The alerts of the group were looked at together.
    Flushed(Flushed),
    /// A step of the escalation began.
    StepBegan {
        /// Which.
        position: Position,
        /// Whom it found, and how.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        found: Vec<Found>,
        /// Whom it found nobody for, and why; such a target is passed over at once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nobody: Vec<String>,
        /// How one of those it found was picked, where it tells one in turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picked: Option<Picked>,
        /// Each person it found must acknowledge.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everybody: bool,
        /// The version of the time zone database by which schedules and quiet hours were read (faults.md, H07).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zones: Option<String>,
    },
    /// Messages are about to be sent. Written before the first of them leaves.
    Sending {
        /// Each of them.
        attempts: Vec<Attempt>,
    },
    /// What came of messages. Written once it is known.
    Sent {
        /// Each delivery, and what came of its latest attempt.
        outcomes: Vec<(String, Outcome)>,
    },
    /// Somebody took it on.
    Acknowledged {
        /// Who.
        by: Actor,
        /// When it counts no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// Somebody acknowledged it, and others of the step must too before it counts.
    AcknowledgedInPart {
        /// Who.
        by: Actor,
    },
    /// Somebody took it on for a while.
    Snoozed {
        /// Who.
        by: Actor,
        /// Until when; then it pages again from the first step.
        until: Timestamp,
    },
    /// An acknowledgement counts no more: it pages again from the first step.
    AcknowledgementExpired,
    /// Somebody took the acknowledgement back: it pages again from the first step.
    Unacknowledged {
        /// Who.
        by: Actor,
    },
    /// Somebody gave it to somebody: paging begins anew, with them.
    Reassigned {
        /// Who.
        by: Actor,
        /// Who had it until then: whoever took it on, or else those whom the step told.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        from: Vec<String>,
        /// To whom.
        to: Assignee,
    },
    /// Somebody asked for the next step now.
    Escalated {
        /// Who. Whoever had taken it on has it no more.
        by: Actor,
    },
    /// Nobody took a ticket on in time: it is a page now, from the first step.
    FollowedUp,
    /// Every step, every repeat and the catch-all are through, and nobody answered.
    NobodyAnswered,
    /// Somebody wrote something down.
    Noted {
        /// Who.
        by: Actor,
        /// What.
        text: String,
    },
    /// Somebody wrote something down about a person or a customer.
    NotedAbout {
        /// Who.
        by: Actor,
        /// What, for whoever has the key.
        sealed: Sealed,
    },
    /// Somebody changed what the sender said.
    Amended {
        /// Who.
        by: Actor,
        /// What.
        amendment: Amendment,
    },
    /// Somebody who may not asked something of it, and nothing was done.
    Denied {
        /// Who.
        by: Actor,
        /// What, by the word that the API has for it.
        asked: String,
    },
    /// It is over.
    Resolved {
        /// Who ended it.
        by: Actor,
        /// Event times up to this belong to this incident.
        covers: Timestamp,
    },
}

/// A silence, as the log of an incident names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The silence's name.
    pub silence: String,
    /// Who owns it.
    pub owner: Actor,
    /// When it was to end.
    pub until: Timestamp,
    /// Why it was made.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One signal, as the log counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The signal's id.
    pub id: String,
    /// What it said.
    pub action: Action,
    /// When it happened.
    pub at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// How bad the sender said it is.
    pub severity: Severity,
}

impl Incident {
    /// What `event`, written at `at`, does. It cannot fail: what is in the log happened.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Opened { integration, key, alert, follows } => {
                self.integration.clone_from(integration);
                self.key.clone_from(key);
                self.alert = alert.clone();
                self.follows = *follows;
                self.opened_at = Some(at);
                self.status = Status::Triggered;
                self.pulse.changed(at);
            }
            Event::Signalled { signals } => signals.iter().for_each(|seen| self.count(seen)),
            Event::Recalled { pulse } => self.pulse.join(pulse),
            Event::ThresholdReached => {
                self.reached_at = Some(at);
                // They told somebody; the incident after this one waits for triggers of its own.
                self.pulse.forget_triggers();
            }
            Event::Enriched { found } => self.enrichment = Some(found.clone()),
            Event::Routed { decision } => {
                if !matches!(decision.noise, Some(Noise::Threshold { .. })) {
                    self.pulse.forget_triggers();
                }
                self.decision = Some(decision.clone());
            }
            Event::Silenced { by } => self.silenced_by.clone_from(by),
            Event::SilenceEnded => self.silenced_by.clear(),
            Event::GroupBegan { first_flush_at } => self.group = Some(Group::began(*first_flush_at)),
            Event::Grouped { into } => self.member_of = Some(into.clone()),
            Event::Inhibited { by, .. } => self.inhibited_by = Some(by.clone()),
            Event::InhibitionEnded => self.inhibited_by = None,
            Event::Flushed(flushed) => self.flushed(flushed, at),
            Event::StepBegan { position, found, everybody, .. } => {
                self.paging.began(*position, found, *everybody, at);
                self.told();
            }
            Event::Sending { attempts } => {
                self.paging.sending(attempts, at);
                self.told();
            }
            Event::Sent { outcomes } => self.paging.sent(outcomes, at),
            Event::Acknowledged { by, expires_at } => self.taken(by, at, *expires_at),
            Event::AcknowledgedInPart { by } => self.answered(by, at, None),
            Event::Snoozed { by, until } => self.taken(by, at, Some(*until)),
            Event::AcknowledgementExpired | Event::Unacknowledged { .. } => {
                self.released();
                self.paging.restart(at);
            }
            Event::Reassigned { to, .. } => {
                self.released();
                self.paging.assign(to, at);
            }
            Event::Escalated { .. } => {
                self.released();
                let decided = self.decision.as_ref().map(|decision| decision.handling);
                self.paging.hurry(decided.unwrap_or_default(), at);
            }
            Event::FollowedUp => self.paging.follow_up(at),
            Event::NobodyAnswered => self.paging.exhausted = true,
            Event::Noted { .. } | Event::NotedAbout { .. } | Event::Denied { .. } => {}
            Event::Amended { amendment, .. } => amendment.amend(&mut self.alert),
            Event::Resolved { by, covers } => {
                self.resolution = Some(Resolution { by: by.clone(), at, covers: *covers });
                self.status = Status::Resolved;
                self.paging.call_off(self.status);
                // A person who ends it does not make it come and go.
                if by.is_integration() {
                    self.pulse.changed(at);
                }
            }
        }
    }

    fn answered(&mut self, by: &Actor, at: Timestamp, expires_at: Option<Timestamp>) {
        self.acknowledgements.retain(|earlier| earlier.by != *by);
        self.acknowledgements.push(Acknowledgement { by: by.clone(), at, expires_at });
    }

    fn taken(&mut self, by: &Actor, at: Timestamp, expires_at: Option<Timestamp>) {
        self.answered(by, at, expires_at);
        self.acknowledgement = Some(Acknowledgement { by: by.clone(), at, expires_at });
        self.status = Status::Acknowledged;
        self.paging.hurry = false;
        self.paging.call_off(self.status);
    }

    fn released(&mut self) {
        self.acknowledgement = None;
        self.acknowledgements.clear();
        self.status = Status::Triggered;
    }

    fn flushed(&mut self, flushed: &Flushed, at: Timestamp) {
        let about = self.decision.as_ref().and_then(|decision| decision.group.as_ref()).map(Grouping::about);
        let Some(group) = &mut self.group else { return };
        group.flushed(flushed);
        self.alert.title = group.title(about.as_deref().unwrap_or(&self.key));
        self.alert.severity = flushed.severity;
        self.occurrences = self.occurrences.max(flushed.firing + flushed.resolved + flushed.muted);
        if flushed.told.is_some() {
            self.paging.outdate(self.status, at);
        }
    }

    /// Those who are to hear of the group's last notification are being told.
    fn told(&mut self) {
        if let Some(group) = &mut self.group {
            group.untold = false;
        }
    }

    fn count(&mut self, seen: &Seen) {
        match seen.action {
            Action::Trigger => {
                self.occurrences += 1;
                self.first_trigger_at = Some(self.first_trigger_at.map_or(seen.at, |first| first.min(seen.at)));
                self.last_trigger_at = self.last_trigger_at.max(Some(seen.at));
                let counted = |decision: &Decision| matches!(decision.noise, Some(Noise::Threshold { .. }));
                if self.reached_at.is_none() && self.decision.as_ref().is_none_or(counted) {
                    self.pulse.triggered(seen.received_at);
                }
            }
            Action::Acknowledge => {
                self.last_acknowledge_at = self.last_acknowledge_at.max(Some(seen.at));
            }
            Action::Resolve => self.last_resolve_at = self.last_resolve_at.max(Some(seen.at)),
            Action::Change => {}
        }
        self.signals.add(&seen.id, seen.received_at);
    }
}
