//! What a silence held back goes on after its end.
//!
//! A silence that ends by itself ends without anybody there, so somebody has to come by.

use std::time::Instant;

use domain::cause::Cause;
use domain::incident::Incident;
use domain::silence::{Event, Silence, Silences, State};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::policed::Policed;
use super::{PATIENCE, SIDE_BY_SIDE, Sweeper};
use crate::error::Error;

/// How many incidents of a silence are read at once.
const PAGE: i32 = 100;
/// How long after its end a silence is swept: whoever decided by it just before that has written so by then, and
/// tried again where the first try was lost.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);

impl Sweeper {
    /// Lets every incident go on that `silence` held back and no other silence does now, and settles it in time.
    ///
    /// Those that went on already cost their share of a read, so a sweep that has no time for all is finished by the next.
    pub(super) async fn release(
        &self,
        silence: &Silence,
        silences: &Silences,
        began: Instant,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let (mut released, mut from, mut failed) = (0, None, None);
        let mut policed = Policed::default();
        while began.elapsed() < PATIENCE {
            let page = self.silences.held(&silence.id, from.as_ref(), PAGE).await?;
            let mut held = Vec::new();
            for incident in self.incidents.read(&page).await? {
                match incident {
                    Ok(incident) if incident.is_open() => held.push(incident),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(error = error.chain(), "a silenced incident cannot be read");
                        failed = Some(error);
                    }
                }
            }
            policed.fetch(&self.reminder.policies, &self.reminder.covers, &self.incidents, &held, now).await?;
            for some in held.chunks(SIDE_BY_SIDE) {
                let looks = some.iter().map(|incident| self.go_on(incident, silence, silences, &policed, now));
                for (incident, went_on) in some.iter().zip(join_all(looks).await) {
                    match went_on {
                        Ok(went_on) => released += usize::from(went_on),
                        Err(error) => {
                            let (chain, id) = (error.chain(), &incident.id);
                            tracing::error!(error = chain, incident.id = %id, "a silenced incident cannot go on yet");
                            failed = Some(error);
                        }
                    }
                }
            }
            let through = page.len() < usize::try_from(PAGE).unwrap_or_default();
            from = page.into_iter().last();
            if !through {
                continue;
            }
            return match failed {
                Some(error) => Err(error),
                None if now.duration_since(silence.until) >= SETTLED => {
                    self.settle(silence, now).await.map(|()| released)
                }
                None => Ok(released),
            };
        }
        failed.map_or(Ok(released), Err)
    }

    /// Lets one incident go on, once for each end of a silence; whether it does.
    async fn go_on(
        &self,
        incident: &Incident,
        silence: &Silence,
        silences: &Silences,
        policed: &Policed,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let others = silences.stopping(incident, now);
        if !others.is_empty() {
            // It is theirs from now on, and goes on when the last of them ends.
            self.silences.count(&incident.id, &others).await?;
            return Ok(false);
        }
        let Some(neglect) = policed.neglect(incident, silences, now, now) else { return Ok(false) };
        let cause = format!("silence/{}/{}", silence.id, silence.until);
        self.mend(incident, neglect, &cause, now).await.map(|_| true)
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
