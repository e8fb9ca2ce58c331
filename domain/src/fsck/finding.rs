//! Findings: what does not hold that always should, what that means, and what repairs it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::escalation::Neglect;
use crate::incident::IncidentId;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// The incident it is wrong with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Where exactly, in words: a stream, a record, a delivery, a time.
    pub place: String,
}

/// What can be wrong, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Records are not those that a checkpoint vouches for.
    Rewritten,
    /// A stream of records is not whole.
    Broken,
    /// A sender was told that its alert is kept, and no log has it.
    SignalLost,
    /// Nobody decided who is told.
    Unrouted,
    /// Something is due that nobody did.
    Overdue,
    /// Silences that are over still keep it quiet.
    Unsilenced,
    /// An alert that is over still keeps it quiet.
    Uninhibited,
    /// It is told with a group that does not tell of it.
    Ungrouped,
    /// Every step is through, and no provider took a message of the catch-all.
    Untold,
    /// A problem has two open incidents.
    TwoOpen,
    /// The snapshot of an incident is not what its log says.
    SnapshotDiffers,
    /// Two executions are in charge of one incident.
    TwoExecutions,
    /// A step was begun twice.
    BegunTwice,
    /// Somebody was told though somebody had answered.
    ToldAfterwards,
    /// One contact was tried more often than it may be.
    TriedTooOften,
    /// Faults changed how an incident ended.
    EndsDiffer,
    /// Records that no checkpoint covers, though one should by now.
    Uncovered,
    /// Messages that say an incident goes on which is over.
    Unshown,
    /// A time ahead at which a step will find nobody.
    Gap,
}

/// What must always hold (faults.md, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Invariant(pub u8);

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "INV{}", self.0)
    }
}

impl Fault {
    /// Every fault, the worst first.
    pub const ALL: [Self; 19] = [
        Self::Rewritten,
        Self::Broken,
        Self::SignalLost,
        Self::Unrouted,
        Self::Overdue,
        Self::Unsilenced,
        Self::Uninhibited,
        Self::Ungrouped,
        Self::Untold,
        Self::TwoOpen,
        Self::SnapshotDiffers,
        Self::TwoExecutions,
        Self::BegunTwice,
        Self::ToldAfterwards,
        Self::TriedTooOften,
        Self::EndsDiffer,
        Self::Uncovered,
        Self::Unshown,
        Self::Gap,
    ];

    /// The invariant that does not hold.
    pub const fn invariant(self) -> Invariant {
        Invariant(match self {
            Self::SignalLost | Self::SnapshotDiffers => 1,
            Self::TwoOpen => 2,
            Self::TwoExecutions | Self::BegunTwice => 3,
            Self::Unrouted
            | Self::Overdue
            | Self::Unsilenced
            | Self::Uninhibited
            | Self::Ungrouped
            | Self::Untold
            | Self::Unshown => 4,
            Self::ToldAfterwards => 5,
            Self::Rewritten | Self::Broken | Self::Uncovered => 6,
            Self::Gap => 8,
            Self::TriedTooOften => 9,
            Self::EndsDiffer => 11,
        })
    }

    /// What it means for whoever reads it.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Rewritten => "the log is not what was signed for: somebody changed it, or a table went back in time",
            Self::Broken => "records were changed, dropped, inserted or reordered, or cannot be read",
            Self::SignalLost => "a sender believes that we have an alert, and nobody will hear of it",
            Self::Unrouted => "an incident was opened and nothing went on from there",
            Self::Overdue => "a page, a retry or the end of an acknowledgement is late",
            Self::Unsilenced => "nobody hears of an incident though no silence holds it back any more",
            Self::Uninhibited => "nobody hears of an incident though the alert that kept it quiet is over",
            Self::Ungrouped => "nobody hears of an alert, as its group does not know it",
            Self::Untold => "everybody was tried and no provider took a message: probably nobody knows of it",
            Self::TwoOpen => "one problem is paged twice",
            Self::SnapshotDiffers => "what lists and pages go by is not what the log says",
            Self::TwoExecutions => "an incident costs twice; the log keeps it from paging twice",
            Self::BegunTwice => "people were told of the same step twice",
            Self::ToldAfterwards => "somebody was woken for what somebody else had",
            Self::TriedTooOften => "somebody got the same message more often than the limits allow",
            Self::EndsDiffer => "what broke on the way changed what came of it",
            Self::Uncovered => "nobody could prove yet that these records are as they were written",
            Self::Unshown => "whoever reads the message believes that it goes on",
            Self::Gap => "a page at that time goes past this step",
        }
    }

    /// Whether the sweep repairs it, and how; otherwise what a person does.
    pub const fn repair(self) -> Repair {
        match self {
            Self::Unrouted | Self::Overdue | Self::Unsilenced | Self::Uninhibited | Self::Ungrouped | Self::Unshown => {
                Repair::Sweep("one more look at it is started")
            }
            Self::TwoExecutions => Repair::Nothing("each ends by itself with the incident"),
            Self::BegunTwice | Self::ToldAfterwards | Self::TriedTooOften | Self::EndsDiffer => {
                Repair::Nothing("it happened; please report it, as this is a mistake of Watchkeeper")
            }
            Self::Rewritten => Repair::Person(
                "see docs/runbooks.md#checkpoint: the archive has what was signed for; find out who could write",
            ),
            Self::Broken => {
                Repair::Person("compare with the archive: watchkeeper audit verify; and find out who could write")
            }
            Self::SignalLost => Repair::Person("look at the dead letters: watchkeeper dlq list"),
            Self::Untold => Repair::Person("escalate it: watchkeeper escalate; and look at the provider"),
            Self::TwoOpen => Repair::Person("resolve the older one: watchkeeper resolve"),
            Self::SnapshotDiffers => Repair::Person(
                "the log counts, and one that is behind is made anew by what happens next; report any other",
            ),
            Self::Uncovered => Repair::Person(
                "see whether checkpoints are made, and whether records reach the archive: docs/runbooks.md#archive",
            ),
            Self::Gap => Repair::Person("cover it: watchkeeper override add"),
        }
    }
}

/// What repairs a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "how")]
pub enum Repair {
    /// Watchkeeper itself, within two sweeps.
    Sweep(&'static str),
    /// Somebody, in this way.
    Person(&'static str),
    /// Nothing can or need, for this reason.
    Nothing(&'static str),
}

impl Repair {
    /// How.
    pub const fn how(self) -> &'static str {
        match self {
            Self::Sweep(how) | Self::Person(how) | Self::Nothing(how) => how,
        }
    }
}

impl From<Neglect> for Fault {
    fn from(neglect: Neglect) -> Self {
        match neglect {
            Neglect::Unrouted => Self::Unrouted,
            Neglect::Overdue => Self::Overdue,
            Neglect::Unsilenced => Self::Unsilenced,
            Neglect::Uninhibited => Self::Uninhibited,
            Neglect::Ungrouped => Self::Ungrouped,
            Neglect::Unshown => Self::Unshown,
        }
    }
}

impl Finding {
    /// That `fault` is there, at `place`.
    pub fn new(fault: Fault, incident: Option<&IncidentId>, place: impl Into<String>) -> Self {
        Self { fault, incident: incident.cloned(), place: place.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ", self.fault.invariant())?;
        if let Some(incident) = &self.incident {
            write!(out, "{incident} ")?;
        }
        write!(out, "{}: {}", self.place, self.fault.means())
    }
}
