//! Checking what must always hold, page by page (faults.md, INV1 to INV11).
//!
//! The rules are `domain::fsck`; here is what they are asked about. The first page looks at what is about no incident: the
//! streams of changes, the executions, the dead letters and the schedules. Every page looks at some incidents, each with
//! its whole log. The alerts of groups that are over are in no list: `audit verify` reads their records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use domain::evidence::event::Event;
use domain::evidence::gather::Covered;
use domain::fsck::{Around, Execution, Fault, Finding, GRACE, Report, Subject, Trail};
use domain::fsck::{crowded, gaps, incident, problem, stream};
use domain::incident::{Incident, IncidentId};
use domain::letter::Path;
use domain::log::{Entry, Hash, Record};
use domain::silence::Silences;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use super::Operator;
use crate::api;
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::reply::Reply;
use crate::store::Place;
use crate::sweep::policed::Policed;

/// How many incidents are read at once, each with its log.
const PAGE: u32 = 20;
/// How long pages are added to one answer: whoever waits behind the HTTP API waits for half a minute at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an incident is read again that is written to meanwhile.
const READS: u32 = 3;
/// How many findings of before are looked at again.
const SUSPECTS: usize = 500;
/// How many records of a stream are read at once.
const RECORDS: i32 = 500;
/// The streams of what people change and of what Watchkeeper says of itself. The access log is checked with its exports.
const STREAMS: [&str; 7] = ["policy", "silences", "covers", "calendars", "gaps", "subjects", "evidence"];

impl Operator {
    /// Checks what comes after the cursor, and says where the rest begins.
    pub(super) async fn check(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let cursor = pairs(&request.query).find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor);
        let (began, mut report) = (Instant::now(), Report::default());
        if cursor.is_none() {
            report.join(self.beside(now).await?);
        }
        let mut place = Some(cursor.map_or_else(Place::default, |cursor| Place::parse(&cursor)));
        let silences = self.silences.read().await?;
        let mut policed = Policed::default();
        while let Some(at) = place.take_if(|_| began.elapsed() < PATIENCE) {
            let page = self.incidents.all(&at, PAGE).await?;
            let mut incidents = Vec::with_capacity(page.incidents.len());
            for read in page.incidents {
                match read {
                    Ok(incident) => incidents.push(incident),
                    Err(error) => report.findings.push(unreadable(Fault::SnapshotDiffers, None, error)?),
                }
            }
            report.join(self.page(&incidents, &mut policed, &silences, now).await?);
            place = page.next;
        }
        let next = place.map(|place| place.text());
        Ok(Reply::json(200, &api::Fsck::of(&report, next)))
    }

    /// Has the sweep come by now, which repairs what can be repaired.
    pub(super) async fn repair(&self) -> Result<Reply, Error> {
        let swept = self.sweep.call("sweeping", &json!({})).await?;
        let swept: api::Repaired =
            serde_json::from_value(swept).map_err(|_| Error::Misconfigured("no sweep was answered".to_owned()))?;
        Ok(Reply::json(200, &swept))
    }

    /// What is about no incident.
    async fn beside(&self, now: Timestamp) -> Result<Report, Error> {
        let mut report = self.streams(now).await?;
        let running = self.machine.running().await?;
        let executions: Vec<Execution> = running.into_iter().map(|name| Execution { name, running: true }).collect();
        let ids: BTreeSet<IncidentId> = executions.iter().filter_map(|execution| id_of(&execution.name)).collect();
        report.findings.extend(ids.iter().filter_map(|id| crowded(id, &executions)));
        for letters in self.letters.iter().filter(|letters| matches!(letters.path(), Path::Signals | Path::Ingest)) {
            let count = letters.count().await?;
            let place = format!("{count} dead letters of {}", letters.path().as_str());
            report.findings.extend((count > 0).then(|| Finding::new(Fault::SignalLost, None, place)));
        }
        if let Some(active) = self.policies.applied(now).await? {
            report.findings.extend(gaps(&active.policy, &self.covers.read().await?, now));
        }
        Ok(report)
    }

    /// The streams that are about no incident, and those of incidents in which something was wrong before, or of which
    /// the bucket knows more than the tables do: an incident that is gone from them is in no list.
    async fn streams(&self, now: Timestamp) -> Result<Report, Error> {
        let mut report = Report::default();
        let newer = self.newer().await?;
        let mut names: BTreeSet<String> = self.suspects().await?.into_iter().chain(newer.keys().cloned()).collect();
        names.extend(STREAMS.map(str::to_owned));
        let names: Vec<String> = names.into_iter().collect();
        let mut covered = self.coverage.of(&names).await?;
        for name in &names {
            let log = match self.log(name).await {
                Ok(log) => log,
                Err(error) => {
                    report.findings.push(unreadable(Fault::Broken, None, error)?);
                    continue;
                }
            };
            let known = covered.remove(name).unwrap_or_default();
            let covered = newer.get(name).filter(|newer| newer.size > known.size).unwrap_or(&known);
            report.findings.extend(stream(&Trail { name, log: &log, covered: Some(covered) }, now));
            report.records += log.len() as u64;
        }
        Ok(report)
    }

    /// How far streams are covered by checkpoints that the tables do not know of: those of a time that they lost.
    async fn newer(&self) -> Result<BTreeMap<String, Covered>, Error> {
        let known = self.evidence_log.read().await?.checkpoint;
        let newest = self.evidence.newest(known).await?;
        let mut newer = BTreeMap::new();
        for number in known + 1..=newest {
            let kept = self.evidence.checkpoint(number).await?;
            let heads = kept.into_iter().flat_map(|kept| kept.heads);
            newer.extend(heads.map(|head| (head.stream, Covered { size: head.size, head: head.head })));
        }
        Ok(newer)
    }

    /// The streams in which checkpoints or the archive found something wrong, the last of them.
    async fn suspects(&self) -> Result<BTreeSet<String>, Error> {
        // That it cannot be read is found where it is checked.
        let log = self
            .log("evidence")
            .await
            .or_else(|error| if error.is_retryable() { Err(error) } else { Ok(Vec::new()) })?;
        let records = log.iter().rev().filter_map(|entry| Record::<Event>::open(entry).ok());
        let events = records.flat_map(|record| record.events);
        Ok(events.filter_map(|event| event.wronged().map(str::to_owned)).take(SUSPECTS).collect())
    }

    /// All records of a stream that is about no incident.
    async fn log(&self, stream: &str) -> Result<Vec<Entry>, Error> {
        let mut log = Vec::new();
        loop {
            let page = self.records.read(stream, log.len() as u64, RECORDS).await?;
            if page.is_empty() {
                return Ok(log);
            }
            log.extend(page);
        }
    }

    async fn page(
        &self,
        incidents: &[Incident],
        policed: &mut Policed,
        silences: &Silences,
        now: Timestamp,
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        if incidents.is_empty() {
            return Ok(report);
        }
        policed.fetch(&self.policies, &self.covers, &self.incidents, incidents, now).await?;
        let active = self.policies.active(now).await?;
        let names: Vec<String> = incidents.iter().map(|incident| incident.id.stream()).collect();
        let covered = self.coverage.of(&names).await?;
        let mut read = Vec::with_capacity(incidents.len());
        let wholes = join_all(incidents.iter().map(|incident| self.whole(incident))).await;
        for (incident, whole) in incidents.iter().zip(wholes) {
            match whole {
                Ok(whole) => read.push(whole),
                Err(error) => report.findings.push(unreadable(Fault::Broken, Some(&incident.id), error)?),
            }
        }
        let policy = |hash: &Hash| policed.named(hash).unwrap_or(&active.policy);
        let over_since = |id: &IncidentId| policed.over_since(id);
        let (covers, grace) = (&policed.covers, GRACE);
        let around = Around { policy: &policy, covers, silences, over_since: &over_since, grace, now };
        for (snapshot, log) in &read {
            let name = snapshot.id.stream();
            let covered = covered.get(&name).cloned().unwrap_or_default();
            let trail = Trail { name: &name, log, covered: Some(&covered) };
            let subject = Subject { id: &snapshot.id, snapshot: Some(snapshot), trail, executions: &[] };
            report.findings.extend(incident(&subject, around));
            report.incidents += 1;
            report.records += log.len() as u64;
        }
        let open = incidents.iter().filter(|incident| incident.is_open());
        let latest = open.map(async |incident| (incident, self.incidents.latest(&incident.id.fingerprint).await));
        for (incident, latest) in join_all(latest).await {
            let later = latest?.filter(|latest| latest.id != incident.id);
            report.findings.extend(later.iter().flat_map(|later| problem(&[incident, later])));
        }
        Ok(report)
    }

    /// An incident and its log as they were at one time: what is written between two reads is no difference.
    async fn whole(&self, listed: &Incident) -> Result<(Incident, Vec<Entry>), Error> {
        let (mut snapshot, mut log) = (listed.clone(), self.incidents.entries(&listed.id).await?);
        for _ in 0..READS {
            if snapshot.seq == log.len() as u64 {
                break;
            }
            snapshot = self.incidents.get(&listed.id).await?;
            log = self.incidents.entries(&listed.id).await?;
        }
        // One that moved as it was read is written to all the time: what came after is no difference.
        if snapshot.seq > listed.seq {
            log.truncate(usize::try_from(snapshot.seq).unwrap_or(usize::MAX));
        }
        Ok((snapshot, log))
    }
}

/// What cannot be read is found to be wrong, and ends no check; what cannot be read now may be read later.
fn unreadable(fault: Fault, incident: Option<&IncidentId>, error: Error) -> Result<Finding, Error> {
    if error.is_retryable() { Err(error) } else { Ok(Finding::new(fault, incident, error.chain())) }
}

/// The incident that an execution of this name belongs to.
fn id_of(name: &str) -> Option<IncidentId> {
    let mut parts = name.splitn(3, '-');
    IncidentId::parse(&format!("{}-{}", parts.next()?, parts.next()?))
}
