//! Paging: what is due for an incident is written down, sent, and its outcome written down.
//!
//! The rules are `domain::escalation`; here is the order of the effects. Intents are in the log before anything
//! leaves, and the transaction that puts them there fails if anybody acknowledged or resolved in the meantime.

use std::sync::Arc;
use std::time::Instant;

use domain::cause::Cause;
use domain::escalation::{self, Around, Delivery, Next, Outcome, Over};
use domain::group::{self, Flush};
use domain::incident::{Event, Incident, IncidentId, Status};
use domain::policy::{Policy, SecretRef};
use domain::route;
use domain::silence::Silences;
use domain::throttle::{self, Verdict};
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::channel::{Channels, Message};
use crate::error::Error;
use crate::grouping::Grouper;
use crate::inhibition::Inhibitor;
use crate::link::Links;
use crate::secret::Secret;
use crate::store::{Active, CoverLog, Incidents, Policies, STEP, Secrets, SilenceLog, Throttle, Turns, pause};

/// How often a look is decided again when others write to the same log.
const TRIES: u32 = 20;
/// How often an outcome is written again: a message that left and is not in the log would leave once more.
const OUTCOME_TRIES: u32 = 60;

/// What pages people.
pub struct Pager {
    /// The incidents.
    pub incidents: Incidents,
    /// The overrides, swaps and absences.
    pub covers: CoverLog,
    /// Whose turn it is where a step tells one of several.
    pub turns: Turns,
    /// What looks at the alerts of groups.
    pub grouper: Grouper,
    /// What keeps alerts of groups quiet.
    pub inhibitor: Inhibitor,
    /// The policies.
    pub policies: Policies,
    /// What must wake nobody for a while.
    pub silences: SilenceLog,
    /// What each contact got lately.
    pub throttle: Throttle,
    /// The ways to tell somebody.
    pub channels: Channels,
    /// What links and channels need to be secret.
    pub secrets: Secrets,
    /// The parameter with the links' secret.
    pub links: SecretRef,
    /// Where links lead.
    pub base_url: String,
}

impl Pager {
    /// Does what is due for an incident now, and says when to look again.
    ///
    /// `cause` names the request; when it comes again, what it had begun to send is sent again and nothing else is.
    pub async fn look(&self, id: &IncidentId, cause: &str, now: Timestamp) -> Result<Next, Error> {
        let began = Instant::now();
        let silences = self.silences.known().await;
        for attempt in 0..TRIES {
            let (before, covers) = tokio::join!(self.incidents.get(id), self.covers.known());
            let before = before?;
            let policy = self.policy_of(&before, now).await?;
            let stopping = silences.stopping(&before, now);
            let silenced_until = stopping.iter().map(|hold| hold.until).max();
            let around = Around { policy: &policy.policy, covers: &covers, silenced_until, turn: 0 };
            let flush = Box::pin(self.flush(&before, &policy.policy, &silences, cause, now)).await?;
            let Some(incident) = self.intend(&before, &policy, around, flush.as_ref(), cause, now).await? else {
                pause(attempt, STEP).await;
                continue;
            };
            let outcomes = self.send(&incident, &policy.policy, cause, now).await;
            let later = now + began.elapsed();
            let incident = self.conclude(incident, cause, outcomes, later).await?;
            if incident.status == Status::Triggered {
                // Whoever ends a silence early finds here what to look at again.
                self.silences.count(id, &stopping).await?;
            }
            if let Some(flush) = flush {
                self.grouper.leave(id, &flush.leaving).await?;
            }
            if incident.group.is_some()
                && !incident.is_open()
                && Box::pin(self.grouper.settle(&incident, &self.inhibitor, later)).await?
            {
                return Ok(Next::At(later));
            }
            if !incident.is_open() {
                self.inhibitor.release(id).await?;
            }
            return Ok(group::sooner(&incident, escalation::next(&incident, around, later), later));
        }
        Err(Error::Conflict)
    }

    /// The flush that is due for a group. An alert of a group that gets here lost its way there, and joins it now.
    async fn flush(
        &self,
        incident: &Incident,
        policy: &Policy,
        silences: &Silences,
        cause: &str,
        now: Timestamp,
    ) -> Result<Option<Flush>, Error> {
        let flushed = if incident.is_open() && incident.group.is_some() {
            self.grouper.flush(incident, &self.inhibitor, policy, silences, now).await
        } else if escalation::belongs_to_a_group(incident) {
            Box::pin(self.grouper.join(&incident.id, cause, now)).await.map(|()| None)
        } else {
            Ok(None)
        };
        match flushed {
            // What will never work must not keep anybody from being told: the incident pages as it stands.
            Err(error) if !error.is_retryable() => {
                tracing::error!(error = error.chain(), incident.id = %incident.id, "grouping failed: it pages alone");
                Ok(None)
            }
            flushed => flushed,
        }
    }

    /// The policy that the incident was routed by; the active one when it was not routed, or when that one is lost.
    async fn policy_of(&self, incident: &Incident, now: Timestamp) -> Result<Arc<Active>, Error> {
        if let Some(decision) = &incident.decision {
            match self.policies.by_hash(&decision.policy).await {
                Ok(policy) => return Ok(policy),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    let lost = error.chain();
                    tracing::error!(error = lost, incident.id = %incident.id, "the frozen policy is lost: the active one pages");
                }
            }
        }
        self.policies.active(now).await
    }

    /// Writes down what is due. `None` when somebody else wrote first.
    async fn intend(
        &self,
        before: &Incident,
        policy: &Active,
        around: Around<'_>,
        flush: Option<&Flush>,
        cause: &str,
        now: Timestamp,
    ) -> Result<Option<Incident>, Error> {
        let mut routed = before.clone();
        let mut events = Vec::new();
        if before.is_open() && before.decision.is_none() {
            let decision = route::fallback(before, &policy.policy, &policy.hash, now, route::FAILED);
            let event = Event::Routed { decision };
            routed.apply(&event, now);
            events.push(event);
        }
        if let Some(flush) = flush {
            flush.events.iter().for_each(|event| routed.apply(event, now));
            events.extend(flush.events.iter().cloned());
        }
        let mut due = escalation::due(&routed, around, cause, now);
        if let Some(counter) = escalation::picks(&due) {
            let turn = self.turns.claim(counter).await?;
            due = escalation::due(&routed, Around { turn, ..around }, cause, now);
        }
        events.extend(due);
        if events.is_empty() {
            return Ok(Some(routed));
        }
        let row = flush.map(|flush| self.grouper.groups.tell(&before.id, &flush.told, now)).transpose()?;
        self.incidents.write_with(before, &Cause::own(cause), events, now, row).await
    }

    /// Sends what this request is to send, and brings messages up to date that show an older status.
    async fn send(&self, incident: &Incident, policy: &Policy, cause: &str, now: Timestamp) -> Vec<(String, Outcome)> {
        let secrets = async |reference: &SecretRef| self.secret(reference, now).await;
        let links = self.secret(&self.links, now).await.ok();
        let links = links.and_then(|secrets| Links::new(secrets.to_vec(), &self.base_url));
        // Without a secret there is no link; the page goes out all the same.
        let link = |delivery: &Delivery| {
            links.as_ref().map_or_else(|| self.base_url.clone(), |links| links.url(&incident.id, &delivery.id))
        };
        let sends = incident.paging.to_send(cause).map(async |delivery| {
            let link = link(delivery);
            let outcome = match message(incident, policy, delivery, &link, now) {
                _ if incident.status != Status::Triggered => {
                    Outcome::Cancelled { reason: format!("the incident is {}", incident.status.as_str()) }
                }
                Some(message) => match self.throttled(incident, delivery, now).await {
                    Verdict::Send { more } => self.channels.send(policy, &secrets, &Message { more, ..message }).await,
                    Verdict::Hold { until } => held(until, &delivery.channel),
                },
                None => Outcome::Rejected { reason: "the policy does not know this contact".to_owned() },
            };
            Some((delivery.id.clone(), outcome))
        });
        let updates = incident.paging.outdated(incident.status).map(async |(delivery, reference)| {
            let link = link(delivery);
            let message = message(incident, policy, delivery, &link, now)?;
            let outcome = self.channels.update(policy, &secrets, &message, reference).await?;
            Some((delivery.id.clone(), outcome))
        });
        // Side by side: one slow provider delays nobody else's page.
        let (sent, updated) = tokio::join!(join_all(sends), join_all(updates));
        sent.into_iter().chain(updated).flatten().collect()
    }

    /// Whether a message goes out now. An attempt after the first was let through before.
    async fn throttled(&self, incident: &Incident, delivery: &Delivery, now: Timestamp) -> Verdict {
        let Some(limit) = throttle::limit(&delivery.channel).filter(|_| delivery.attempts == 1) else {
            return Verdict::Send { more: 0 };
        };
        let request = throttle::Request {
            incident: incident.id.to_string(),
            delivery: delivery.id.clone(),
            service: incident.service().map(str::to_owned),
            urgent: throttle::is_urgent(incident, delivery),
        };
        self.throttle.ask(&delivery.to, delivery.contact, &request, limit, now).await
    }

    async fn secret(&self, reference: &SecretRef, now: Timestamp) -> Result<Arc<[Secret]>, Error> {
        let loaded = self.secrets.get(&[reference], now).await?;
        Ok(loaded.get(reference).into())
    }

    /// Writes down what came of it, whatever others wrote meanwhile.
    async fn conclude(
        &self,
        incident: Incident,
        cause: &str,
        outcomes: Vec<(String, Outcome)>,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        if outcomes.is_empty() {
            return Ok(incident);
        }
        let mut current = incident;
        for attempt in 0..OUTCOME_TRIES {
            let events = vec![Event::Sent { outcomes: outcomes.clone() }];
            if let Some(after) = self.incidents.write(&current, &Cause::own(cause), events, now).await? {
                return Ok(after);
            }
            pause(attempt, STEP).await;
            current = self.incidents.get(&current.id).await?;
        }
        Err(Error::Conflict)
    }
}

fn held(until: Timestamp, channel: &str) -> Outcome {
    let (limit, minutes) = (throttle::limit(channel).unwrap_or_default(), throttle::WINDOW.as_mins());
    Outcome::Held { until, reason: format!("more than {limit} messages by {channel} in {minutes} min") }
}

fn message<'a>(
    incident: &'a Incident,
    policy: &'a Policy,
    delivery: &'a Delivery,
    link: &'a str,
    now: Timestamp,
) -> Option<Message<'a>> {
    let address = escalation::contact_of(policy, delivery)?;
    Some(Message { incident, delivery, address, person: policy.display_name(&delivery.to), link, now, more: 0 })
}

/// The word for the end of paging that the state machine branches on.
pub const fn word(over: Over) -> &'static str {
    match over {
        Over::Resolved => "resolved",
        Over::Ticketed => "ticketed",
        Over::Quiet => "quiet",
        Over::PageUndelivered => "page_undelivered",
    }
}
