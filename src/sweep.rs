//! Sweeping: once a minute, what a silence held back is looked at again after its end, and before it the owner hears
//! of it. Heartbeats that were missed are told of, and what is over because nobody speaks of it any more is ended. Once an
//! hour it looks for gaps ahead.
//!
//! A silence that ends by itself ends without anybody there, so somebody has to come by. Whatever is done here may be
//! done again: a sweep that stopped halfway is finished by the next one.

use domain::cause::Cause;
use domain::incident::{Command, Incident, IncidentId};
use domain::silence::{Event, Silence, Silences, State};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::auto_close::AutoClose;
use crate::error::Error;
use crate::heartbeat::Watcher;
use crate::reminder::Reminder;
use crate::store::{Incidents, Machine, SilenceLog, look_again};

/// How many silences one sweep takes on; the next ones take the others.
const SILENCES: usize = 100;
/// How many incidents of a silence are read at once.
const PAGE: i32 = 100;
/// How many incidents go on side by side.
const SIDE_BY_SIDE: usize = 10;
/// How long after its end a silence is swept: whoever decided by it just before that has written so by then, and
/// tried again where the first try was lost.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);

/// What sweeps.
pub struct Sweeper {
    /// The silences.
    pub silences: SilenceLog,
    /// The incidents they held back.
    pub incidents: Incidents,
    /// The state machine of incidents, for one more look at each.
    pub machine: Machine,
    /// What ends incidents whose senders tell no ends.
    pub auto_close: AutoClose,
    /// What reminds owners of the end of their silences, and of gaps ahead in their schedules.
    pub reminder: Reminder,
    /// What watches over heartbeats.
    pub watcher: Watcher,
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
}

impl Sweeper {
    /// Looks at every silence that is over and not settled yet, and at those that end soon.
    ///
    /// What fails for one keeps no other from its turn. The sweep fails then all the same, so that somebody hears of it.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        let (mut swept, mut failed) = (Swept::default(), None);
        match self.watch(now).await {
            Ok(told) => swept.heartbeats = told,
            Err(error) => failed = Some(error),
        }
        let silences = self.silences.read().await?;
        for silence in turn(silences.ended(now).collect(), now) {
            swept.ended += 1;
            match self.release(silence, &silences, now).await {
                Ok(released) => swept.released += released,
                Err(error) => failed = Some(error),
            }
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
        failed.map_or(Ok(swept), Err)
    }

    /// Tells of heartbeats that were missed, or came again; before a policy was applied there are none.
    async fn watch(&self, now: Timestamp) -> Result<usize, Error> {
        match self.reminder.policies.active(now).await {
            Ok(active) => self.watcher.watch(&active.policy, now).await,
            Err(Error::Misconfigured(_)) => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn auto_close(&self, now: Timestamp) -> Result<usize, Error> {
        let active = self.reminder.policies.active(now).await?;
        self.auto_close.close(&active.policy, now).await
    }

    /// Lets every incident go on that `silence` held back and no other silence does now, and settles it in time.
    async fn release(&self, silence: &Silence, silences: &Silences, now: Timestamp) -> Result<usize, Error> {
        let (mut released, mut from, mut failed) = (0, None, None);
        loop {
            let page = self.silences.held(&silence.id, from.as_ref(), PAGE).await?;
            for some in page.chunks(SIDE_BY_SIDE) {
                let looks = some.iter().map(|id| self.go_on(id, silence, silences, now));
                for (id, went_on) in some.iter().zip(join_all(looks).await) {
                    match went_on {
                        Ok(went_on) => released += usize::from(went_on),
                        Err(error) => {
                            let chain = error.chain();
                            tracing::error!(error = chain, incident.id = %id, "a silenced incident cannot go on yet");
                            failed = Some(error);
                        }
                    }
                }
            }
            from = page.into_iter().last();
            if from.is_none() {
                break;
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if now.duration_since(silence.until) >= SETTLED {
            self.settle(silence, now).await?;
        }
        Ok(released)
    }

    /// Lets one incident go on, once for each end of a silence; whether it does.
    async fn go_on(
        &self,
        id: &IncidentId,
        silence: &Silence,
        silences: &Silences,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let incident = match self.incidents.get(id).await {
            Ok(incident) => incident,
            // Without its log there is nothing to go on with, now or ever.
            Err(Error::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !incident.is_open() {
            return Ok(false);
        }
        let others = silences.stopping(&incident, now);
        if !others.is_empty() {
            // It is theirs from now on, and goes on when the last of them ends.
            self.silences.count(id, &others).await?;
            return Ok(false);
        }
        let cause = Cause::own(format!("silence/{}/{}", silence.id, silence.until));
        let decide = |incident: &Incident| incident.decide(Command::EndSilence, now);
        let incident = self.incidents.append(id, &cause, now, decide).await?;
        let (name, input) = look_again(&incident, &cause.request);
        self.machine.start(&name, &input).await?;
        Ok(true)
    }

    /// Writes down that nobody needs to come by for this end of `silence` again.
    async fn settle(&self, silence: &Silence, now: Timestamp) -> Result<(), Error> {
        let cause = Cause::own(format!("sweep/{}/{}", silence.id, silence.until));
        let decide = |silences: &Silences| {
            let over = silences.get(&silence.id).is_some_and(|known| known.state(now) == State::Expired);
            Ok(over.then(|| Event::Released { id: silence.id.clone() }).into_iter().collect())
        };
        // Nothing in this is ever refused.
        self.silences.change(&cause, now, decide).await.map(|_| ())
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
