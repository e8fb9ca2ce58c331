//! The API of dead letters: what could not be done, why, and doing it again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The queues of dead letters, in the order in which an alert meets their paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeadLetterQueueList {
    /// Each of them, the empty ones too.
    pub queues: Vec<DeadLetterQueue>,
}

/// A queue of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeadLetterQueue {
    /// The path that it belongs to, such as `signals`.
    pub name: String,
    /// What a letter in it means.
    pub means: String,
    /// Where it is written what to do.
    pub runbook: String,
    /// About how many letters it has.
    pub letters: u64,
    /// Why they are there, the most frequent first.
    pub causes: Vec<DeadLetterCause>,
    /// Whether every letter was looked at for the causes.
    pub complete: bool,
}

/// Letters that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeadLetterCause {
    /// Why they are there.
    pub cause: String,
    /// How many of them.
    pub letters: u64,
    /// When the first of them was put there.
    pub oldest_at: Timestamp,
    /// What redriving them comes to.
    pub again: String,
    /// Whether they can be redriven.
    pub possible: bool,
}

/// The letters of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeadLetterList {
    /// The path.
    pub name: String,
    /// The letters, the oldest first.
    pub letters: Vec<DeadLetter>,
    /// Whether these are all of them.
    pub complete: bool,
}

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeadLetter {
    /// Its id.
    pub id: String,
    /// Why it is there.
    pub cause: String,
    /// The incident, or the integration and fingerprint of the alert; null where it is about neither.
    pub about: Option<String>,
    /// When it was put there.
    pub sent_at: Timestamp,
    /// How often it was tried, as far as anybody counted; whoever looked at it may be counted too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries: Option<u64>,
    /// Its trace, or the execution or request that failed, to be found in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What redriving it comes to.
    pub again: String,
    /// Its text, as it failed, without secrets: of a mail only which one it was, and what SES found out about it.
    pub body: String,
}

/// What to do again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    /// Only letters with this cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Only letters that were put there before this time, so that what fails again at once is not done again at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// How many at most, up to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// Do nothing, and say what would be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What was done again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Redriven {
    /// How many letters were redriven, or would be.
    pub redriven: u64,
    /// How many would fail as they did before, and stay.
    pub impossible: u64,
    /// How many failed once more, and stay.
    pub failed: u64,
    /// Whether there may be more of them: ask again.
    pub more: bool,
}
