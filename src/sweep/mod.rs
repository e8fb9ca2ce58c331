//! Sweeping: once a minute, what should have moved and did not is found and moved on (design.md, section 2).
//!
//! - An incident for which something is due that nobody did gets one more look, by an execution of its own (`neglected`).
//!   It does not matter why nobody did: nothing was started, it was aborted, it died between two calls.
//! - What a silence held back goes on after its end (`release`), and its owner hears of that end before.
//! - Heartbeats that were missed are told of, and what is over because nobody speaks of it any more is ended.
//! - Once an hour it looks for gaps ahead.
//! - When all of that went well, it says so outside ([`Heartbeat`]), where somebody hears of its silence.
//!
//! Whatever is done here may be done again, and by two at once: a sweep that stopped halfway is finished by the next one.

use std::time::{Duration, Instant};

use domain::silence::Silences;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::auto_close::AutoClose;
use crate::error::Error;
use crate::grouping::Grouper;
use crate::heartbeat::Watcher;
use crate::inhibition::Inhibitor;
use crate::reminder::Reminder;
use crate::store::{Incidents, Machine, Round, SilenceLog};

mod heartbeat;
mod neglected;
pub(crate) mod policed;
mod release;

pub use heartbeat::Heartbeat;

/// How many silences one sweep takes on; the next ones take the others.
const SILENCES: usize = 100;
/// How many incidents go on side by side.
const SIDE_BY_SIDE: usize = 10;
/// How long a sweep begins new pages: what is left of its time is enough for one of them, and for what is sent.
const PATIENCE: Duration = Duration::from_secs(15);

/// What sweeps.
pub struct Sweeper {
    /// The silences.
    pub silences: SilenceLog,
    /// The incidents.
    pub incidents: Incidents,
    /// How far the round through them has come.
    pub round: Round,
    /// The groups of alerts, of which a look may be missed.
    pub grouper: Grouper,
    /// What keeps alerts of groups quiet.
    pub inhibitor: Inhibitor,
    /// The state machine of incidents, for one more look at each.
    pub machine: Machine,
    /// What ends incidents whose senders tell no ends.
    pub auto_close: AutoClose,
    /// What watches over heartbeats.
    pub watcher: Watcher,
    /// What reminds owners of the end of their silences, and of gaps ahead in their schedules.
    pub reminder: Reminder,
    /// Who hears that all is well.
    pub heartbeat: Heartbeat,
    /// How long whoever comes by may take before what is due counts as neglected.
    pub grace: SignedDuration,
}

/// What a sweep did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// How many silences were over and were looked at.
    pub ended: usize,
    /// How many incidents nothing holds back any more.
    pub released: usize,
    /// How many owners heard that their silence ends.
    pub reminded: usize,
    /// Of how many gaps ahead somebody heard.
    pub warned: usize,
    /// How many incidents were over because nobody spoke of them any more.
    pub closed: usize,
    /// How many heartbeats were missed, or came again.
    pub heartbeats: usize,
    /// How many incidents were looked at.
    pub looked: usize,
    /// For how many of them something was due that nobody did, so that one more look was started.
    pub neglected: usize,
    /// How many of those an earlier sweep had such a look started for, in vain: it is over, or three minutes went by.
    pub in_vain: usize,
    /// Whether the round is through; otherwise the next sweep goes on where this one stopped.
    pub through: bool,
}

impl Sweeper {
    /// Looks at everything that may have to move, as far as there is time.
    ///
    /// What fails for one keeps no other from its turn. The sweep fails then all the same, so that somebody hears of it.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        let began = Instant::now();
        let (mut swept, mut failed) = (Swept::default(), None);
        match self.watch(now).await {
            Ok(told) => swept.heartbeats = told,
            Err(error) => failed = Some(error),
        }
        let read = self.silences.read().await;
        let known = read.is_ok();
        let silences = read.unwrap_or_else(|error| {
            tracing::error!(error = error.chain(), "silences cannot be read");
            failed = Some(error);
            Silences::default()
        });
        for silence in turn(silences.ended(now).collect(), now) {
            swept.ended += 1;
            match Box::pin(self.release(silence, &silences, began, now)).await {
                Ok(released) => swept.released += released,
                Err(error) => failed = Some(error),
            }
        }
        if let Err(error) = Box::pin(self.go_round(Some(&silences).filter(|_| known), began, now, &mut swept)).await {
            failed = Some(error);
        }
        for silence in turn(silences.reminders(now).collect(), now) {
            match self.reminder.remind(silence, &self.silences, now).await {
                Ok(reminded) => swept.reminded += usize::from(reminded),
                Err(error) => failed = Some(error),
            }
        }
        match self.auto_close(now).await {
            Ok(closed) => swept.closed = closed,
            Err(error) => failed = Some(error),
        }
        // A gap is days ahead, and is looked for again in an hour: what silences wait for does not fail for it.
        swept.warned = self.reminder.warn(now).await.unwrap_or_else(|error| {
            metrics::counter!("gaps_unseen").increment(1);
            tracing::error!(error = error.chain(), "gaps ahead cannot be looked for");
            0
        });
        metrics::counter!("incidents_neglected").increment(swept.neglected as u64);
        metrics::counter!("incidents_neglected_in_vain").increment(swept.in_vain as u64);
        if let Some(error) = failed {
            return Err(error);
        }
        if swept.in_vain == 0 {
            self.heartbeat.beat(now).await;
        }
        Ok(swept)
    }
}

impl Sweeper {
    /// Tells of heartbeats that were missed, or came again; before a policy was applied there are none.
    async fn watch(&self, now: Timestamp) -> Result<usize, Error> {
        match self.reminder.policies.applied(now).await? {
            Some(active) => self.watcher.watch(&active.policy, now).await,
            None => Ok(0),
        }
    }

    async fn auto_close(&self, now: Timestamp) -> Result<usize, Error> {
        match self.reminder.policies.applied(now).await? {
            Some(active) => self.auto_close.close(&active.policy, now).await,
            None => Ok(0),
        }
    }
}

/// Those of `all` whose turn it is in this minute: each has one before long, even where those before it stay for a while.
fn turn<T>(all: Vec<T>, now: Timestamp) -> impl Iterator<Item = T> {
    let parts = i64::try_from(all.len().div_ceil(SILENCES).max(1)).unwrap_or(i64::MAX);
    let part = now.as_second().div_euclid(60).rem_euclid(parts);
    all.into_iter().skip(usize::try_from(part).unwrap_or_default() * SILENCES).take(SILENCES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_silence_has_its_turn_however_many_end_at_once() {
        for count in [0, 1, SILENCES, SILENCES + 1, 10 * SILENCES - 1] {
            let sweeps = count.div_ceil(SILENCES);
            let mut swept: Vec<usize> = Vec::new();
            for minute in 0..i64::try_from(sweeps).unwrap() {
                let now = Timestamp::from_second(1_800_000_007 + 60 * minute).unwrap();
                let some: Vec<usize> = turn((0..count).collect(), now).collect();
                assert!(!some.is_empty() && some.len() <= SILENCES);
                swept.extend(some);
            }
            swept.sort_unstable();
            assert_eq!(swept, (0..count).collect::<Vec<_>>(), "{count} silences in {sweeps} sweeps");
        }
    }
}
