//! Checking: whether what must always hold does (faults.md, INV1 to INV11), as far as data says.
//!
//! [`check`] looks at everything at once, for tests. Whoever has more than fits goes on piece by piece: [`incident`] for
//! each incident with its log, [`stream`] for every other log, [`problem`] for the incidents of one fingerprint.
//!
//! What no data says is kept elsewhere: that a bundle is whole (INV7) by [`crate::evidence::bundle`], that a schedule has one
//! winner at every instant (INV8) by the laws of [`crate::schedule`], and that no secret is in a log line (INV10) by [`leaks`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::evidence::gather::Covered;
use crate::fingerprint::Fingerprint;
use crate::incident::{Event, Incident, IncidentId};
use crate::log::{Entry, Hash, Record};
use crate::policy::Policy;
use crate::schedule::{Covers, Gap, gaps_ahead};
use crate::silence::Silences;

mod chain;
mod finding;
mod one;

pub use chain::{Trail, stream};
pub use finding::{Fault, Finding, Invariant, Repair};
pub use one::{Subject, crowded, incident};

/// How long whoever comes by may take before what is due counts as neglected.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// How long after an alert was taken it may be in no log yet (INV1).
pub const TAKEN_IN: SignedDuration = SignedDuration::from_secs(60);
/// How long a record may be without a checkpoint: two of them, made every hour.
pub const COVERED_WITHIN: SignedDuration = SignedDuration::from_hours(2);

/// Everything that is checked together.
pub struct State<'a> {
    /// Every incident, as its snapshot says.
    pub incidents: &'a [Incident],
    /// Every log, by its stream: those of incidents, `incident#<id>`, and the others.
    pub logs: &'a BTreeMap<String, Vec<Entry>>,
    /// The executions of incidents.
    pub executions: &'a [Execution],
    /// The alerts that senders were told we have.
    pub accepted: &'a [Accepted],
    /// How far streams are covered; `None` where no checkpoints are made.
    pub covered: Option<&'a BTreeMap<String, Covered>>,
    /// What else is needed to judge an incident.
    pub around: Around<'a>,
}

/// What is needed to judge an incident, beside itself.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The policy of a hash; one that is lost is replaced by the active one.
    pub policy: &'a dyn Fn(&Hash) -> &'a Policy,
    /// The overrides and absences.
    pub covers: &'a Covers,
    /// The silences.
    pub silences: &'a Silences,
    /// Since when another incident is over or was never there; `None` while it is open.
    pub over_since: &'a dyn Fn(&IncidentId) -> Option<Timestamp>,
    /// How long whoever comes by may take, such as [`GRACE`].
    pub grace: SignedDuration,
    /// When it is checked.
    pub now: Timestamp,
}

/// An execution of the state machine of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its name.
    pub name: String,
    /// Whether it still runs.
    pub running: bool,
}

/// An alert that a sender was told we have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The signal's id.
    pub id: String,
    /// The problem it speaks of.
    pub fingerprint: Fingerprint,
    /// When the sender was told.
    pub at: Timestamp,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many incidents were looked at.
    pub incidents: u64,
    /// How many records were.
    pub records: u64,
    /// What does not hold, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything holds. A gap ahead is nothing broken.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.fault == Fault::Gap)
    }

    /// Adds what was found elsewhere.
    pub fn join(&mut self, other: Self) {
        self.incidents += other.incidents;
        self.records += other.records;
        self.findings.extend(other.findings);
        self.findings.sort();
        self.findings.dedup();
    }
}

/// Checks all of `state`.
pub fn check(state: &State<'_>) -> Report {
    let known: BTreeMap<&IncidentId, &Incident> = state.incidents.iter().map(|known| (&known.id, known)).collect();
    let mut report =
        Report { incidents: 0, records: state.logs.values().map(|log| log.len() as u64).sum(), ..Report::default() };
    let covered = |name: &str| state.covered.map(|covered| covered.get(name).cloned().unwrap_or_default());
    let logged = state.logs.keys().filter_map(|name| IncidentId::parse(name.strip_prefix("incident#")?));
    let ids: BTreeSet<IncidentId> = logged.chain(known.keys().map(|id| (*id).clone())).collect();
    for id in &ids {
        let name = id.stream();
        let covered = covered(&name);
        let trail =
            Trail { name: &name, log: state.logs.get(&name).map_or(&[], Vec::as_slice), covered: covered.as_ref() };
        let subject = Subject { id, snapshot: known.get(id).copied(), trail, executions: state.executions };
        report.findings.extend(incident(&subject, state.around));
        report.incidents += 1;
    }
    for (name, log) in state.logs.iter().filter(|(name, _)| !name.starts_with("incident#")) {
        let covered = covered(name);
        report.findings.extend(stream(&Trail { name, log, covered: covered.as_ref() }, state.around.now));
    }
    let mut problems: BTreeMap<&Fingerprint, Vec<&Incident>> = BTreeMap::new();
    for incident in state.incidents {
        problems.entry(&incident.id.fingerprint).or_default().push(incident);
    }
    report.findings.extend(problems.values().flat_map(|incidents| problem(incidents)));
    report.findings.extend(lost(state));
    report.findings.sort();
    report
}

/// Checks that at most one of the incidents of one fingerprint is open (INV2).
pub fn problem(incidents: &[&Incident]) -> Vec<Finding> {
    let mut open: Vec<&IncidentId> = incidents.iter().filter(|known| known.is_open()).map(|known| &known.id).collect();
    open.sort();
    let older = open.split_last().map_or(&[][..], |(_, older)| older);
    older
        .iter()
        .map(|id| Finding::new(Fault::TwoOpen, Some(id), "a later incident of the same problem is open too"))
        .collect()
}

/// The alerts that were accepted and are in no log (INV1).
fn lost(state: &State<'_>) -> Vec<Finding> {
    let mut seen: BTreeSet<(Fingerprint, String)> = BTreeSet::new();
    for (name, log) in state.logs {
        let Some(id) = name.strip_prefix("incident#").and_then(IncidentId::parse) else { continue };
        let records = log.iter().filter_map(|entry| Record::<Event>::open(entry).ok());
        for event in records.flat_map(|record| record.events) {
            if let Event::Signalled { signals } = event {
                seen.extend(signals.into_iter().map(|signal| (id.fingerprint.clone(), signal.id)));
            }
        }
    }
    let late = state.accepted.iter().filter(|accepted| state.around.now.duration_since(accepted.at) >= TAKEN_IN);
    let lost = late.filter(|accepted| !seen.contains(&(accepted.fingerprint.clone(), accepted.id.clone())));
    lost.map(|lost| Finding::new(Fault::SignalLost, None, format!("signal {} of {}", lost.id, lost.fingerprint)))
        .collect()
}

/// Times ahead at which a step of `policy` will find nobody (INV8).
pub fn gaps(policy: &Policy, covers: &Covers, now: Timestamp) -> Vec<Finding> {
    let place = |gap: Gap| {
        let names = gap.schedules.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
        let until = gap.until.map_or_else(String::new, |until| format!(" until {until}"));
        Finding::new(Fault::Gap, None, format!("nobody is on call for {names} from {}{until}", gap.from))
    };
    gaps_ahead(policy, covers, now).into_iter().map(place).collect()
}

/// Where the incidents of a run with faults ended otherwise than those of the same run without (INV11).
///
/// Times, hashes and the number of messages may differ: how it stands, how often it was reported and who ended it may not.
pub fn same_ends(without: &[Incident], with: &[Incident]) -> Vec<Finding> {
    let ends = |incidents: &[Incident]| -> BTreeMap<IncidentId, String> {
        let end = |incident: &Incident| {
            let ended = incident.resolution.as_ref().map(|ended| ended.by.as_str());
            let taken = incident.acknowledgement.as_ref().map(|taken| taken.by.as_str());
            let handling = incident.decision.as_ref().map(|decision| (decision.handling, &decision.escalation));
            let facts = (incident.status.as_str(), incident.occurrences, taken, ended, handling, &incident.member_of);
            format!("{facts:?}")
        };
        incidents.iter().map(|incident| (incident.id.clone(), end(incident))).collect()
    };
    let (without, with) = (ends(without), ends(with));
    let ids: BTreeSet<&IncidentId> = without.keys().chain(with.keys()).collect();
    let differs = ids.into_iter().filter(|id| without.get(id) != with.get(id));
    let place = |end: Option<&String>| end.map_or("none", String::as_str).to_owned();
    differs
        .map(|id| {
            let place = format!("without faults {}, with them {}", place(without.get(id)), place(with.get(id)));
            Finding::new(Fault::EndsDiffer, Some(id), place)
        })
        .collect()
}

/// Which of `canaries`, secrets and names that must be in no log line, `text` has (INV10).
pub fn leaks<'a>(canaries: &[&'a str], text: &str) -> Vec<&'a str> {
    canaries.iter().copied().filter(|canary| text.contains(canary)).collect()
}

#[cfg(test)]
mod tests;
