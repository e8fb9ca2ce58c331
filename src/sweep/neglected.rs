//! Incidents for which something is due that nobody did: each gets one more look, by an execution of its own.
//!
//! Which those are says `domain::escalation::neglect`, from what is kept alone: no execution has to be found for it. Only
//! open incidents are read, and those that were resolved just now.

use std::time::Instant;

use domain::cause::Cause;
use domain::escalation::Neglect;
use domain::group::missed_flush;
use domain::incident::{Command, Incident, IncidentId};
use domain::silence::Silences;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::policed::Policed;
use super::{PATIENCE, SIDE_BY_SIDE, Sweeper, Swept};
use crate::error::Error;
use crate::store::look_again;

/// The most incidents that one sweep looks at, so that what it costs has a bound.
const MOST: usize = 20_000;
/// How often an execution is started anew for what is due since the same record; the sweep is not well long before.
const STARTS: u32 = 8;
/// How long a look that was started may go on before it counts as one in vain.
const VAIN: SignedDuration = SignedDuration::from_mins(3);
/// How long after a flush was missed its alerts are read for it; later, at the next one.
const FLUSHES: SignedDuration = SignedDuration::from_mins(2);

impl Sweeper {
    /// Goes on with the round through all that is watched, as far as there is time.
    ///
    /// Where nobody knows the silences, what they hold back stays where it is.
    pub(super) async fn go_round(
        &self,
        silences: Option<&Silences>,
        began: Instant,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        let (first, mut failed) = (self.round.place().await?, None);
        let mut policed = Policed::default();
        let mut place = Some(first.clone());
        while let Some(at) = place.clone()
            && swept.looked < MOST
            && began.elapsed() < PATIENCE
        {
            let page = self.incidents.watched(&at, now).await?;
            let (incidents, unreadable): (Vec<_>, Vec<_>) = page.incidents.into_iter().partition(Result::is_ok);
            let incidents: Vec<Incident> = incidents.into_iter().flatten().collect();
            if let Some(error) = unreadable.into_iter().find_map(Result::err) {
                tracing::error!(error = error.chain(), "a watched incident cannot be read");
                failed = Some(error);
            }
            swept.looked += incidents.len();
            if let Err(error) = self.look_at(&incidents, &mut policed, silences, now, swept).await {
                failed = Some(error);
            }
            place = page.next;
        }
        swept.through = place.is_none();
        let goes_on = place.unwrap_or_default();
        if goes_on != first {
            self.round.goes_on_at(&goes_on).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Looks at `incidents`, and mends what is neglected.
    async fn look_at(
        &self,
        incidents: &[Incident],
        policed: &mut Policed,
        silences: Option<&Silences>,
        now: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        policed.fetch(&self.reminder.policies, &self.reminder.covers, &self.incidents, incidents, now).await?;
        let (known, none) = (silences.is_some(), Silences::default());
        let (silences, before) = (silences.unwrap_or(&none), now - self.grace);
        // What cannot be read of a group keeps no other incident from its look.
        let mut failed = None;
        let lost = self.lost_alerts(incidents, before).await.unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        });
        let mut neglected = Vec::new();
        for incident in incidents {
            let found = policed.neglect(incident, silences, before, now);
            let found = found.or_else(|| lost.contains(&&incident.id).then_some(Neglect::Ungrouped));
            let found = match found {
                None => match self.missed(incident, policed, silences, before).await {
                    Ok(missed) => missed.then_some(Neglect::Overdue),
                    Err(error) => {
                        failed = Some(error);
                        None
                    }
                },
                found => found.filter(|found| known || *found != Neglect::Unsilenced),
            };
            neglected.extend(found.map(|found| (incident, found)));
        }
        if let Some(error) = &failed {
            tracing::error!(error = error.chain(), "not everything is known of the groups");
        }
        for some in neglected.chunks(SIDE_BY_SIDE) {
            let mends = some.iter().map(|(incident, neglect)| {
                let cause = format!("sweep/{}", incident.seq);
                async move { self.mend(incident, *neglect, &cause, now).await }
            });
            for ((incident, neglect), mended) in some.iter().zip(join_all(mends).await) {
                match mended {
                    Ok(starts) => {
                        swept.neglected += 1;
                        // A look that goes on for so long comes to nothing either, such as one whose function fails.
                        let for_long = policed.neglect(incident, silences, before - VAIN, now).is_some();
                        let vain = starts > 0 || (for_long && *neglect != Neglect::Unshown);
                        swept.in_vain += usize::from(vain);
                        tracing::warn!(incident.id = %incident.id, neglect = ?neglect, starts, "nobody looked at an incident");
                    }
                    Err(error) => {
                        let (chain, id) = (error.chain(), &incident.id);
                        tracing::error!(error = chain, incident.id = %id, "a neglected incident cannot go on yet");
                        failed = Some(error);
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has one more look at `incident` started, the same for the same `cause`; how many such looks were over before, and
    /// in vain.
    pub(super) async fn mend(
        &self,
        incident: &Incident,
        neglect: Neglect,
        cause: &str,
        now: Timestamp,
    ) -> Result<u32, Error> {
        match neglect {
            Neglect::Unrouted => {
                // As if it had been started when it was opened.
                let input = json!({ "incident": incident.id, "generation": 1 });
                if self.machine.runs(&incident.id.to_string(), &input).await? {
                    return Ok(0);
                }
            }
            Neglect::Unsilenced => {
                let decide = |incident: &Incident| incident.decide(Command::EndSilence, now);
                let after = self.incidents.append(&incident.id, &Cause::own(cause), now, decide).await?;
                return self.start(&after, cause).await;
            }
            Neglect::Unshown => {
                // Once is enough: where the provider does not take it, no look will change that.
                let (name, input) = look_again(incident, &format!("{cause}/0"));
                return self.machine.start(&name, &input).await.map(|()| 0);
            }
            Neglect::Overdue | Neglect::Uninhibited | Neglect::Ungrouped => {}
        }
        self.start(incident, cause).await
    }

    /// Starts a look unless one of this cause runs. A name that was used by one that is over needs another (faults.md, F17).
    async fn start(&self, incident: &Incident, cause: &str) -> Result<u32, Error> {
        for starts in 0..STARTS {
            let (name, input) = look_again(incident, &format!("{cause}/{starts}"));
            if self.machine.runs(&name, &input).await? {
                return Ok(starts);
            }
        }
        Err(Error::Misconfigured(format!("{STARTS} executions looked at incident {} in vain", incident.id)))
    }

    /// Those of `incidents` that say they are in a group which has no row of them.
    async fn lost_alerts<'a>(
        &self,
        incidents: &'a [Incident],
        before: Timestamp,
    ) -> Result<Vec<&'a IncidentId>, Error> {
        let open = incidents.iter().filter(|incident| incident.is_open());
        let settled = open.filter(|incident| incident.decision.as_ref().is_some_and(|decision| decision.at <= before));
        let alerts: Vec<(&IncidentId, &IncidentId)> =
            settled.filter_map(|incident| Some((incident.member_of.as_ref()?, &incident.id))).collect();
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.grouper.groups.rows(&alerts).await?;
        Ok(alerts.into_iter().map(|(_, alert)| alert).filter(|alert| !rows.contains(*alert)).collect())
    }

    /// Whether the alerts of a group were to be looked at together, and were not though there was something to tell.
    async fn missed(
        &self,
        incident: &Incident,
        policed: &Policed,
        silences: &Silences,
        before: Timestamp,
    ) -> Result<bool, Error> {
        let due = missed_flush(incident, before).filter(|due| before.duration_since(*due) < FLUSHES);
        let Some(active) = policed.of(incident).filter(|_| due.is_some() && incident.is_open()) else {
            return Ok(false);
        };
        let flush = self.grouper.flush(incident, &self.inhibitor, &active.policy, silences, before).await?;
        Ok(flush.is_some())
    }
}
