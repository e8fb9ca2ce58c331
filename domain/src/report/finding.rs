//! Findings: what somebody who answers for compliance has to look at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most findings of a kind that are kept with their details; all of them are counted.
const KEPT: usize = 200;

/// What is wrong, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Records in the table are not those that a checkpoint vouches for; the archive has the true ones.
    RewrittenRecord,
    /// A record cannot be read.
    UnreadableRecord,
    /// A page went through every step and nobody answered.
    NobodyAnswered,
    /// A step of an escalation found nobody to tell.
    NobodyOnCall,
    /// An alert that belongs to no team.
    UnownedAlert,
    /// There was no checkpoint for longer than there should be.
    LateCheckpoint,
    /// Something is missing in the evidence, and a record says so.
    EvidenceGap,
    /// A change was made amid an incident, and no approval of it is recorded.
    MissingApproval,
    /// Somebody silenced alerts and did not say why.
    SilenceWithoutReason,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The evidence itself, or a page that reached nobody: look today.
    Grave,
    /// A control did not do what it should have: look this week.
    Serious,
    /// Worth putting in order.
    Minor,
}

impl FindingKind {
    /// Every kind, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::RewrittenRecord,
        Self::UnreadableRecord,
        Self::NobodyAnswered,
        Self::NobodyOnCall,
        Self::UnownedAlert,
        Self::LateCheckpoint,
        Self::EvidenceGap,
        Self::MissingApproval,
        Self::SilenceWithoutReason,
    ];

    /// The word that files and the API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RewrittenRecord => "rewritten_record",
            Self::UnreadableRecord => "unreadable_record",
            Self::NobodyAnswered => "nobody_answered",
            Self::NobodyOnCall => "nobody_on_call",
            Self::UnownedAlert => "unowned_alert",
            Self::LateCheckpoint => "late_checkpoint",
            Self::EvidenceGap => "evidence_gap",
            Self::MissingApproval => "missing_approval",
            Self::SilenceWithoutReason => "silence_without_reason",
        }
    }

    /// The same for a person.
    pub const fn title(self) -> &'static str {
        match self {
            Self::RewrittenRecord => "Records were rewritten",
            Self::UnreadableRecord => "A record cannot be read",
            Self::NobodyAnswered => "Nobody answered a page",
            Self::NobodyOnCall => "Nobody was on call",
            Self::UnownedAlert => "An alert belongs to nobody",
            Self::LateCheckpoint => "A checkpoint was late",
            Self::EvidenceGap => "The evidence has a gap",
            Self::MissingApproval => "A change amid an incident has no approval",
            Self::SilenceWithoutReason => "A silence has no reason",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::RewrittenRecord => "Find out who may write to the table, and restore it from the archive.",
            Self::UnreadableRecord => "Compare it with the archive; a newer version may have written it.",
            Self::NobodyAnswered => "Ask those who were paged why, and add a step or a person.",
            Self::NobodyOnCall => "Fill the schedule, or name somebody to fall back on.",
            Self::UnownedAlert => "Name its service and team in the policy.",
            Self::LateCheckpoint => "See the alarm on the age of checkpoints; records went on, and are covered since.",
            Self::EvidenceGap => "See the record for what is missing and since when.",
            Self::MissingApproval => "Have its owner explain it, and keep the answer with this report.",
            Self::SilenceWithoutReason => "Ask its owner, and ask for reasons from now on.",
        }
    }

    /// How much it weighs.
    pub const fn weight(self) -> Weight {
        match self {
            Self::RewrittenRecord | Self::UnreadableRecord | Self::NobodyAnswered => Weight::Grave,
            Self::NobodyOnCall | Self::LateCheckpoint | Self::EvidenceGap | Self::MissingApproval => Weight::Serious,
            Self::UnownedAlert | Self::SilenceWithoutReason => Weight::Minor,
        }
    }
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// When it came about.
    pub at: Timestamp,
    /// The stream of the record that shows it; empty when it is about the whole.
    pub stream: String,
    /// The record that shows it.
    pub seq: Option<u64>,
    /// What it concerns: a service, an escalation, a checkpoint.
    pub subject: String,
    /// What happened, in a sentence.
    pub what: String,
}

/// All findings: each kind counted, and the first of each with their details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// How many there are of each kind.
    pub counts: BTreeMap<FindingKind, u64>,
    /// The first of each kind, by time.
    pub first: BTreeMap<FindingKind, Vec<Finding>>,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        *self.counts.entry(finding.kind).or_default() += 1;
        insert(self.first.entry(finding.kind).or_default(), finding);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        for finding in other.first.into_values().flatten() {
            insert(self.first.entry(finding.kind).or_default(), finding);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many weigh this much.
    pub fn weighing(&self, weight: Weight) -> u64 {
        self.counts.iter().filter(|(kind, _)| kind.weight() == weight).map(|(_, count)| count).sum()
    }

    /// How many there are of `kind`.
    pub fn of(&self, kind: FindingKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or_default()
    }
}

/// Keeps the first by time, so that whatever order they come in, the same ones stay.
fn insert(kept: &mut Vec<Finding>, finding: Finding) {
    let place = kept.partition_point(|other| *other < finding);
    kept.insert(place, finding);
    kept.truncate(KEPT);
}
