//! Watching: once a minute, heartbeats that did not come in time are told of, and those that came again.
//!
//! Each is told by a signal, as any sender's would be. What is missed is written down first, told then, and marked as
//! told last: whoever stops in between is gone on from, and a signal that is sent twice is one.

use domain::heartbeat::{self, Look, Missed, Watch};
use domain::policy::{Heartbeat, Policy};
use jiff::Timestamp;

use crate::error::Error;
use crate::store::{Heartbeats, Kept, Queue};

/// What watches.
pub struct Watcher {
    /// What is known of the heartbeats.
    pub heartbeats: Heartbeats,
    /// Where signals go.
    pub queue: Queue,
}

impl Watcher {
    /// Looks at every heartbeat; how many it told of.
    ///
    /// What fails for one keeps no other from its turn, and fails the whole in the end.
    pub async fn watch(&self, policy: &Policy, now: Timestamp) -> Result<usize, Error> {
        let kept = self.heartbeats.all().await?;
        let (mut told, mut failed) = (0, None);
        let gone = kept.keys().filter(|name| !policy.heartbeats.contains_key(*name));
        for name in policy.heartbeats.keys().chain(gone) {
            match self.look(name, policy.heartbeats.get(name), kept.get(name), now).await {
                Ok(one) => told += usize::from(one),
                Err(error) => {
                    tracing::error!(error = error.chain(), heartbeat = name, "a heartbeat cannot be looked at");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(told), Err)
    }

    /// Looks at one; whether it told of it.
    async fn look(
        &self,
        name: &str,
        heartbeat: Option<&Heartbeat>,
        kept: Option<&Kept>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some(kept) = kept else {
            self.heartbeats.put(name, None, &Watch::new(now)).await?;
            return Ok(false);
        };
        let look = kept.watch.look(heartbeat, now);
        let told = look != Look::Fine;
        match (look, heartbeat) {
            (Look::Tell(missed), Some(heartbeat)) => self.tell(name, heartbeat, kept, missed, now).await?,
            (Look::Back(missed, at), _) => {
                self.queue.send(&[heartbeat::back(name, &missed, at, now)]).await?;
                if heartbeat.is_some() {
                    self.heartbeats.put(name, Some(kept), &Watch { missed: None, ..kept.watch.clone() }).await?;
                }
            }
            _ => {}
        }
        if heartbeat.is_none() {
            self.heartbeats.forget(name, kept).await?;
        }
        Ok(told)
    }

    /// Tells that one was missed. Where it comes at this very moment, the next look sees that.
    async fn tell(
        &self,
        name: &str,
        heartbeat: &Heartbeat,
        kept: &Kept,
        missed: Missed,
        now: Timestamp,
    ) -> Result<(), Error> {
        let noted = Watch { missed: Some(missed.clone()), ..kept.watch.clone() };
        if !self.heartbeats.put(name, Some(kept), &noted).await? {
            return Ok(());
        }
        let kept = kept.followed_by(noted.clone());
        self.queue.send(&[heartbeat::missed(name, heartbeat, &noted, &missed, now)]).await?;
        metrics::counter!("heartbeats_missed").increment(1);
        let told = Watch { missed: Some(Missed { told: true, ..missed }), ..noted };
        self.heartbeats.put(name, Some(&kept), &told).await.map(drop)
    }
}
