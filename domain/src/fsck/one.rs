//! One incident: its log, its snapshot, its executions, and what is due for it.

use std::collections::BTreeMap;

use super::{Around, Execution, Fault, Finding, Trail, stream};
use crate::escalation::{ATTEMPTS, Beside, LOST_AFTER, Outcome, mode, neglect};
use crate::incident::{Event, Incident, IncidentId, Status};
use crate::log::Record;
use crate::policy::Mode;

/// One incident, and everything that is kept of it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its name.
    pub id: &'a IncidentId,
    /// Its snapshot, if there is one.
    pub snapshot: Option<&'a Incident>,
    /// Its log.
    pub trail: Trail<'a>,
    /// Executions, others' too.
    pub executions: &'a [Execution],
}

/// Checks one incident: INV1, and INV3 to INV6 and INV9 as far as they are about it alone.
pub fn incident(subject: &Subject<'_>, around: Around<'_>) -> Vec<Finding> {
    let mut findings = stream(&subject.trail, around.now);
    if findings.iter().any(|finding| finding.fault == Fault::Broken) {
        // Nothing that follows from the log is worth saying.
        return findings;
    }
    let Some(folded) = walk(subject, &mut findings) else { return findings };
    findings.extend(differs(subject, &folded));
    findings.extend(crowded(subject.id, subject.executions));
    findings.extend(neglected(&folded, around));
    findings
}

/// Folds the log and notices on the way what must never have been written.
fn walk(subject: &Subject<'_>, findings: &mut Vec<Finding>) -> Option<Incident> {
    let id = subject.id;
    let mut incident = Incident::expected(id.clone());
    let mut tries: BTreeMap<String, Tries> = BTreeMap::new();
    for (seq, entry) in subject.trail.log.iter().enumerate() {
        let Ok(record) = Record::<Event>::open(entry) else {
            findings.push(Finding::new(Fault::Broken, Some(id), format!("record {seq} cannot be read")));
            return None;
        };
        for event in &record.events {
            let mut found = |fault, place: String| {
                findings.push(Finding::new(fault, Some(id), format!("record {seq}, {place}")));
            };
            match event {
                Event::StepBegan { position, .. } if incident.paging.position == Some(*position) => {
                    found(Fault::BegunTwice, format!("step {} of round {}", position.step + 1, position.round + 1));
                }
                Event::Sending { attempts } if incident.status != Status::Triggered => {
                    let to = attempts.iter().map(|attempt| attempt.delivery.as_str()).collect::<Vec<_>>().join(", ");
                    found(
                        Fault::ToldAfterwards,
                        format!("delivery {to} of an incident that is {}", incident.status.as_str()),
                    );
                }
                Event::Sending { attempts } => {
                    for attempt in attempts {
                        let tries = tries.entry(attempt.delivery.clone()).or_default();
                        let hasty = tries.pending.is_some_and(|since| record.at.duration_since(since) < LOST_AFTER);
                        tries.pending = Some(record.at);
                        if hasty || tries.failed >= ATTEMPTS {
                            found(
                                Fault::TriedTooOften,
                                format!("delivery {}, attempt {}", attempt.delivery, attempt.attempt),
                            );
                        }
                    }
                }
                Event::Sent { outcomes } => {
                    for (delivery, outcome) in outcomes {
                        let tries = tries.entry(delivery.clone()).or_default();
                        tries.pending = None;
                        tries.failed += u32::from(matches!(outcome, Outcome::Failed { .. }));
                    }
                }
                _ => {}
            }
            incident.apply(event, record.at);
        }
        // The events were applied one by one: only the place in the log is left.
        let events = Vec::new();
        incident.fold(&Record { events, ..record }, entry.hash.clone());
    }
    Some(incident)
}

/// How one delivery was tried.
#[derive(Debug, Default)]
struct Tries {
    /// When an attempt began that nothing is known of yet.
    pending: Option<jiff::Timestamp>,
    /// How many failed.
    failed: u32,
}

/// Whether the snapshot is what the log says. Fields that later versions added are not compared.
fn differs(subject: &Subject<'_>, folded: &Incident) -> Option<Finding> {
    let facts = |incident: &Incident| {
        let Incident { seq, head, status, occurrences, acknowledgement, resolution, member_of, .. } = incident.clone();
        (seq, head, status, occurrences, acknowledgement, resolution, member_of)
    };
    let place = match subject.snapshot {
        None => "there is a log and no snapshot".to_owned(),
        Some(snapshot) if subject.trail.log.is_empty() => format!("a snapshot of {} records, and no log", snapshot.seq),
        Some(snapshot) if facts(snapshot) == facts(folded) => return None,
        Some(snapshot) if snapshot.seq != folded.seq => {
            format!("the snapshot has {} records, and the log {}", snapshot.seq, folded.seq)
        }
        Some(snapshot) => {
            format!("the snapshot is {}, and the log {}", snapshot.status.as_str(), folded.status.as_str())
        }
    };
    Some(Finding::new(Fault::SnapshotDiffers, Some(subject.id), place))
}

/// Whether more than one execution is in charge: its own and those that continue it. Others only look at it once more, as
/// somebody asked or something ended, and the log keeps them out of each other's way.
pub fn crowded(id: &IncidentId, executions: &[Execution]) -> Option<Finding> {
    let own = id.to_string();
    let in_charge = |name: &str| {
        name.strip_prefix(&own).is_some_and(|rest| {
            let continued = rest.strip_prefix("-c").and_then(|number| number.parse::<u64>().ok());
            // Those that continue a look are numbered from a thousand.
            rest.is_empty() || continued.is_some_and(|number| number < 1000)
        })
    };
    let running = executions.iter().filter(|execution| execution.running && in_charge(&execution.name));
    let names: Vec<&str> = running.map(|execution| execution.name.as_str()).collect();
    (names.len() > 1).then(|| Finding::new(Fault::TwoExecutions, Some(id), names.join(" and ")))
}

/// What is due for it and not done, and whether everybody was tried in vain (INV4).
fn neglected(incident: &Incident, around: Around<'_>) -> Option<Finding> {
    let Around { policy, covers, silences, over_since, grace, now } = around;
    let nothing = crate::log::Hash::zero();
    let hash = incident.decision.as_ref().map_or(&nothing, |decision| &decision.policy);
    let beside = Beside { policy: policy(hash), covers, silences, over_since };
    if let Some(neglect) = neglect(incident, beside, now - grace, now) {
        let since = incident.paging.began_at.or(incident.opened_at);
        let place = since.map_or_else(String::new, |since| format!("nothing happened since {since}"));
        return Some(Finding::new(neglect.into(), Some(&incident.id), place));
    }
    let heard = incident.paging.accepted_since_catch_all || mode(incident) == Mode::Simulate;
    let in_vain = incident.status == Status::Triggered && incident.paging.exhausted && !heard;
    in_vain.then(|| Finding::new(Fault::Untold, Some(&incident.id), "every step and the catch-all are through"))
}
