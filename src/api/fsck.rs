//! The API of checking what must always hold.

use domain::fsck::{self, Report};
use serde::{Deserialize, Serialize};

/// What a part of a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fsck {
    /// How many incidents were looked at.
    pub incidents: u64,
    /// How many records were.
    pub records: u64,
    /// What does not hold, the worst first.
    pub findings: Vec<FsckFinding>,
    /// Where the rest begins; null when this was all.
    pub next: Option<String>,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FsckFinding {
    /// How bad it is among all that can be wrong: 1 is the worst.
    pub rank: u8,
    /// What is wrong, such as `overdue`.
    pub fault: String,
    /// What must always hold and does not, such as `INV4`.
    pub invariant: String,
    /// The incident; null when it is about none.
    pub incident: Option<String>,
    /// Where exactly.
    pub place: String,
    /// What that means.
    pub means: String,
    /// Who repairs it.
    pub repaired_by: FsckRepair,
    /// How it is repaired.
    pub repair: String,
}

/// Who repairs what does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FsckRepair {
    /// Watchkeeper itself, before long.
    Watchkeeper,
    /// A person.
    Person,
    /// Nobody needs to, or can.
    Nobody,
}

/// What a sweep that was asked for did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Repaired {
    /// How many incidents it looked at.
    pub looked: u64,
    /// For how many of them something was due that nobody did, so that one more look was started.
    pub neglected: u64,
    /// How many of those such a look was started for before, in vain.
    pub in_vain: u64,
    /// How many went on that a silence had held back until its end.
    pub released: u64,
    /// Whether it came through; otherwise the next sweep goes on where it stopped.
    pub through: bool,
}

impl Fsck {
    /// The view of a report after which the rest begins at `next`.
    pub fn of(report: &Report, next: Option<String>) -> Self {
        let findings = report.findings.iter().map(FsckFinding::of).collect();
        Self { incidents: report.incidents, records: report.records, findings, next }
    }

    /// Whether everything holds. A gap ahead in a schedule is nothing broken.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.invariant == "INV8")
    }
}

impl FsckFinding {
    fn of(finding: &fsck::Finding) -> Self {
        let fault = finding.fault;
        let rank = fsck::Fault::ALL.iter().position(|known| *known == fault).unwrap_or_default() + 1;
        let word = serde_json::to_value(fault).ok().and_then(|word| word.as_str().map(str::to_owned));
        let repaired_by = match fault.repair() {
            fsck::Repair::Sweep(_) => FsckRepair::Watchkeeper,
            fsck::Repair::Person(_) => FsckRepair::Person,
            fsck::Repair::Nothing(_) => FsckRepair::Nobody,
        };
        Self {
            rank: u8::try_from(rank).unwrap_or(u8::MAX),
            fault: word.unwrap_or_default(),
            invariant: fault.invariant().to_string(),
            incident: finding.incident.as_ref().map(ToString::to_string),
            place: finding.place.clone(),
            means: fault.means().to_owned(),
            repaired_by,
            repair: fault.repair().how().to_owned(),
        }
    }
}
