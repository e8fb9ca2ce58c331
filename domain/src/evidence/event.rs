//! What is written in the stream `evidence`: what was proven, and what cannot be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long after a checkpoint the next one is late. They are made hourly, so one at least was left out.
pub const LATE: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);

/// What happened to the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A checkpoint was made.
    Checkpointed {
        /// Its number.
        number: u64,
        /// When it was made.
        made_at: Timestamp,
        /// How many leaves the tree has by it.
        size: u64,
        /// How many streams had moved.
        streams: u64,
        /// How many records it covers newly.
        records: u64,
    },
    /// For longer than [`LATE`] no checkpoint was made. What was written then could have been changed unseen until then.
    Late {
        /// The last checkpoint before.
        since: Timestamp,
        /// The first one after.
        until: Timestamp,
    },
    /// Records are neither in the archive nor in the table: what follows them in the stream stays uncovered.
    Missing {
        /// The stream.
        stream: String,
        /// The first record that is missing.
        from: u64,
        /// The first one that is there again.
        until: u64,
    },
    /// Records that a checkpoint covers are not in the table any more, as when it went back to an earlier time. The archive
    /// has them; what the table gets in their place is covered by no checkpoint.
    Gone {
        /// The stream.
        stream: String,
        /// The first record that is gone.
        from: u64,
        /// How many records of the stream are covered.
        until: u64,
    },
    /// A record is not what was written first.
    Rewritten {
        /// The stream.
        stream: String,
        /// The record.
        seq: u64,
        /// What was seen of it.
        how: How,
    },
    /// An object of the archive is gone or cannot be read.
    Lost {
        /// Its name.
        object: String,
    },
}

/// How a record shows that it was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The table told that it changed.
    Changed,
    /// The table told that it was removed.
    Removed,
    /// Something that is no record was put in its place.
    Foreign,
    /// It does not follow the record before it.
    Unlinked,
    /// It is another one than a checkpoint covers.
    Replaced,
}

/// How far the evidence has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The last checkpoint whose consequences are all done, or 0.
    pub checkpoint: u64,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}

impl Event {
    /// The stream in which something is wrong, if it is about one.
    pub fn wronged(&self) -> Option<&str> {
        match self {
            Self::Missing { stream, .. } | Self::Gone { stream, .. } | Self::Rewritten { stream, .. } => Some(stream),
            Self::Checkpointed { .. } | Self::Late { .. } | Self::Lost { .. } => None,
        }
    }
}

impl Course {
    /// What it is after an event.
    pub fn apply(&mut self, event: &Event, _: Timestamp) {
        if let Event::Checkpointed { number, made_at, .. } = event {
            (self.checkpoint, self.made_at) = (*number, Some(*made_at));
        }
    }

    /// What to write of checkpoint `number`, which was made at `made_at`: nothing of one that is written already.
    pub fn checkpointed(&self, number: u64, made_at: Timestamp, size: u64, streams: u64, records: u64) -> Vec<Event> {
        if number <= self.checkpoint {
            return Vec::new();
        }
        let late = self.made_at.filter(|since| made_at.duration_since(*since) > LATE);
        let late = late.map(|since| Event::Late { since, until: made_at });
        let made = Event::Checkpointed { number, made_at, size, streams, records };
        late.into_iter().chain([made]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(60 * minutes).unwrap()
    }

    #[test]
    fn a_checkpoint_is_told_once_and_its_lateness_with_it() {
        let mut course = Course::default();
        let table = [(1, 0, 1), (2, 60, 1), (2, 60, 0), (1, 0, 0), (3, 180, 1), (4, 301, 2), (5, 302, 1)];
        for (number, minute, count) in table {
            let events = course.checkpointed(number, at(minute), 1, 1, 1);
            assert_eq!(events.len(), count, "checkpoint {number}");
            let late = events.iter().any(|event| *event == Event::Late { since: at(180), until: at(301) });
            assert_eq!(late, count == 2);
            for event in &events {
                course.apply(event, at(minute));
            }
        }
        assert_eq!(course, Course { checkpoint: 5, made_at: Some(at(302)) });
    }
}
