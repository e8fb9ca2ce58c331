//! Auto-close: the ends that no sender tells, sent as signals where the policy says when they are due.
//!
//! They take the way of all signals, so groups, inhibitions and messages that are open hear of them too.

use domain::auto_close::due;
use domain::incident::{Incident, Status};
use domain::policy::Policy;
use domain::signal::Signal;
use jiff::Timestamp;

use crate::error::Error;
use crate::store::{Groups, Incidents, Queue};

/// How many open incidents are read at once.
const PAGE: u32 = 100;

/// What ends incidents of senders that never do.
pub struct AutoClose {
    /// The incidents.
    pub incidents: Incidents,
    /// The alerts of groups, which are in no list of their own.
    pub groups: Groups,
    /// Where the ends go.
    pub queue: Queue,
}

impl AutoClose {
    /// Sends every end that is due by `policy`; how many. One that is sent again is the same signal.
    pub async fn close(&self, policy: &Policy, now: Timestamp) -> Result<usize, Error> {
        if policy.integrations.values().all(|integration| integration.auto_close.is_none()) {
            return Ok(0);
        }
        let mut closed = 0;
        for status in [Status::Triggered, Status::Acknowledged] {
            let mut from = None;
            loop {
                let page = self.incidents.list(status, PAGE, from.as_deref()).await?;
                let mut ends: Vec<Signal> = Vec::new();
                for incident in &page.incidents {
                    ends.extend(due(incident, policy, now));
                    ends.extend(self.members(incident, policy, now).await?);
                }
                self.queue.send(&ends).await?;
                closed += ends.len();
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(closed)
    }

    /// The ends that are due of the alerts of a group.
    async fn members(&self, group: &Incident, policy: &Policy, now: Timestamp) -> Result<Vec<Signal>, Error> {
        let mut ends = Vec::new();
        if group.group.is_none() {
            return Ok(ends);
        }
        let closes = |name: &str| policy.integrations.get(name).is_some_and(|known| known.auto_close.is_some());
        let members = self.groups.members(&group.id).await?;
        for member in members.iter().filter(|member| member.cleared_at.is_none() && closes(&member.integration)) {
            match self.incidents.get(&member.incident).await {
                Ok(incident) => ends.extend(due(&incident, policy, now)),
                // Without its log there is nothing to end.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ends)
    }
}
