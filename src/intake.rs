//! Intake: signals from the queue into incidents, each once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::dedup::{self, Merge};
use domain::escalation;
use domain::fingerprint::Fingerprint;
use domain::group::Member;
use domain::incident::{Event, Incident, IncidentId, SIGNALS, Status};
use domain::signal::{Action, Signal};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use crate::error::Error;
use crate::inhibition::Inhibitor;
use crate::store::{Changes, Groups, Incidents, Machine, Queue, look_again};

/// How often signals are merged again when others write to the same log.
const TRIES: u32 = 16;
/// How long to wait at most after the first lost race.
const LOST: Duration = Duration::from_millis(20);
/// The service of a change that names none.
const UNKNOWN: &str = "unknown";

/// What takes signals in.
#[derive(Debug)]
pub struct Intake {
    /// The incidents.
    pub incidents: Incidents,
    /// The alerts of groups.
    pub groups: Groups,
    /// What lets go of the alerts that an incident kept quiet, at its end.
    pub inhibitor: Inhibitor,
    /// Deploys and the like.
    pub changes: Changes,
    /// The state machine that every opened incident gets one execution of.
    pub machine: Machine,
    /// Where a message goes that can never be read.
    pub dead_letters: Queue,
}

/// A message of the queue and the signal in it.
struct Arrival {
    message: String,
    signal: Signal,
    redelivered: bool,
}

impl Intake {
    /// Takes a batch in and answers with the ids of the messages to deliver again.
    ///
    /// Each fingerprint is one read and one transaction, however many of the messages speak of it; one that fails,
    /// fails alone.
    pub async fn take(&self, batch: SqsEvent, now: Timestamp) -> Result<Vec<String>, Error> {
        let mut failed = Vec::new();
        let mut problems: BTreeMap<Fingerprint, Vec<Arrival>> = BTreeMap::new();
        for message in batch.records {
            let id = message.message_id.clone().unwrap_or_default();
            match read(&message) {
                Ok(arrival) if arrival.signal.action == Action::Change => {
                    let service = arrival.signal.alert.service.as_deref().unwrap_or(UNKNOWN);
                    let kept = self.changes.put(service, &arrival.signal, now).await;
                    failed.extend(report(kept).map(|()| id));
                }
                Ok(arrival) => problems.entry(arrival.signal.fingerprint.clone()).or_default().push(arrival),
                Err(place) => {
                    metrics::counter!("signals_unreadable").increment(1);
                    let trace = message.attributes.get("AWSTraceHeader").map(String::as_str);
                    let body = message.body.as_deref().unwrap_or_default();
                    let buried = self.dead_letters.bury(body, &place, trace).await;
                    failed.extend(report(buried).map(|()| id));
                }
            }
        }
        // Side by side: problems have nothing to do with each other, and a storm is often many of them.
        let merges = problems.iter().map(async |(fingerprint, arrivals)| {
            report(self.merge(fingerprint, arrivals, now).await).map(|()| arrivals)
        });
        let unmerged = join_all(merges).await;
        failed.extend(unmerged.into_iter().flatten().flatten().map(|arrival| arrival.message.clone()));
        Ok(failed)
    }

    async fn merge(&self, fingerprint: &Fingerprint, arrivals: &[Arrival], now: Timestamp) -> Result<(), Error> {
        let redelivered: HashSet<&str> =
            arrivals.iter().filter(|arrival| arrival.redelivered).map(|arrival| arrival.signal.id.as_str()).collect();
        let mut signals: Vec<Signal> = arrivals.iter().map(|arrival| arrival.signal.clone()).collect();
        dedup::sort(&mut signals);
        let mut rest = signals.as_slice();
        let mut tries = 0;
        while !rest.is_empty() {
            let latest = self.incidents.latest(fingerprint).await?;
            let merge = self.plan(fingerprint, latest.as_ref(), rest, &redelivered, now).await?;
            let incident = if merge.events.is_empty() {
                merge.incident.clone()
            } else {
                let cause = rest[0].sender().cause(format!("{SIGNALS}{}", rest[0].id));
                match self.incidents.write(&merge.incident, &cause, merge.events.clone(), now).await? {
                    Some(after) => after,
                    None if tries < TRIES => {
                        tries += 1;
                        crate::store::pause(tries, LOST).await;
                        continue;
                    }
                    None => return Err(Error::Conflict),
                }
            };
            metrics::counter!("signals_recorded").increment((merge.taken - merge.known) as u64);
            metrics::counter!("signals_repeated").increment(merge.known as u64);
            // A message that comes again may come from a run that ended before it had started the execution.
            if merge.opens() || (merge.known > 0 && incident.is_open() && incident.decision.is_none()) {
                self.start(&incident).await?;
            }
            let ended = merge.events.iter().any(|event| matches!(event, Event::Resolved { .. }));
            // Again for a message that comes again: it may come from a run that ended between the two.
            if let Some(group) = &incident.member_of
                && (ended || !redelivered.is_empty())
                && let Some(member) = Member::of(&incident).filter(|member| member.cleared_at.is_some())
            {
                self.groups.put(group, &member).await?;
            }
            if ended || (!redelivered.is_empty() && incident.resolution.is_some()) {
                self.inhibitor.release(&incident.id).await?;
            }
            let taken_late = merge.events.iter().any(|event| matches!(event, Event::Acknowledged { .. }));
            let reached = merge.events.iter().any(|event| matches!(event, Event::ThresholdReached));
            let unlooked = incident.reached_at.is_some() && incident.paging.position.is_none() && incident.is_open();
            // What was sent still says that it goes on, and whoever would change that may be gone.
            let outdated = incident.status == Status::Resolved
                && incident.paging.outdated(incident.status).next().is_some()
                && escalation::may_be_over(&incident);
            let again = merge.known > 0;
            if (taken_late && incident.paging.exhausted)
                || reached
                || (again && unlooked)
                || ((ended || again) && outdated)
            {
                let (name, input) = look_again(&incident, &rest[0].id);
                self.machine.start(&name, &input).await?;
            }
            rest = &rest[merge.taken..];
        }
        Ok(())
    }

    /// Merges, asking the log where an incident's own memory does not reach: for messages that come again, and for
    /// signals whose id the sender chose and may send again.
    async fn plan(
        &self,
        fingerprint: &Fingerprint,
        latest: Option<&Incident>,
        signals: &[Signal],
        redelivered: &HashSet<&str>,
        now: Timestamp,
    ) -> Result<Merge, Error> {
        let unsure = RefCell::new(Vec::new());
        let ask = |signal: &Signal| {
            if redelivered.contains(signal.id.as_str()) || signal.unique_since < signal.received_at {
                unsure.borrow_mut().push((signal.id.clone(), signal.unique_since));
            }
            false
        };
        let merge = dedup::merge(fingerprint, latest, signals, ask, now);
        let unsure = unsure.into_inner();
        let (Some(since), Some(latest)) = (unsure.iter().map(|(_, since)| *since).min(), latest) else {
            return Ok(merge);
        };
        let ids: Vec<&str> = unsure.iter().map(|(id, _)| id.as_str()).collect();
        let recorded = self.incidents.recorded(&latest.id, &ids, since).await?;
        let known = |signal: &Signal| recorded.contains(&signal.id);
        Ok(dedup::merge(fingerprint, Some(latest), signals, known, now))
    }

    async fn start(&self, incident: &Incident) -> Result<(), Error> {
        let id: &IncidentId = &incident.id;
        self.machine.start(&id.to_string(), &json!({ "incident": id, "generation": 1 })).await
    }
}

/// Reads a message; a mistake names its place and not its text.
fn read(message: &SqsMessage) -> Result<Arrival, String> {
    let body = message.body.as_deref().unwrap_or_default();
    let signal = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(body));
    let signal = signal.map_err(|error| format!("not a signal: at {}", error.path()))?;
    let received = message.attributes.get("ApproximateReceiveCount").map_or("1", String::as_str);
    Ok(Arrival { message: message.message_id.clone().unwrap_or_default(), signal, redelivered: received != "1" })
}

/// Says that something failed, once, and that it did.
fn report(done: Result<(), Error>) -> Option<()> {
    let error = done.err()?;
    metrics::counter!("signals_failed", "error" => error.name()).increment(1);
    tracing::warn!(error = %error.chain(), "a message will be delivered again");
    Some(())
}
