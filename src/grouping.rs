//! Grouping: alerts into the group incident that people are told of, and out of it again.
//!
//! The rules are `domain::group`; here is the order of the effects. An alert's row is written before it is asked whether
//! the group is still open, and a group that ended looks at its rows once more afterwards: whichever of the two comes
//! second sees the other, so no alert is left in a group that is over.

use domain::cause::Cause;
use domain::group::{Flush, Grouping, Member, flush, hurries, may_flush};
use domain::incident::{Actor, Command, Event, Incident, IncidentId};
use domain::policy::{Mode, Policy};
use domain::route::{Decision, Noise};
use domain::silence::Silences;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::json;

use crate::error::Error;
use crate::inhibition::Inhibitor;
use crate::store::{Groups, Incidents, Machine, STEP, look_again, pause};

/// How often an alert looks for its group again when others open or end it.
const TRIES: u32 = 16;
/// How many alerts of a group are changed side by side.
const ABREAST: usize = 16;
/// How many alerts of a group that is over are settled in one look; the next one goes on.
const SETTLED: usize = 200;

/// What brings alerts into groups.
#[derive(Debug, Clone)]
pub struct Grouper {
    /// The incidents.
    pub incidents: Incidents,
    /// The alerts of the groups.
    pub groups: Groups,
    /// The state machine of incidents, which every group has one execution of.
    pub machine: Machine,
}

impl Grouper {
    /// The group incident that an alert joins now: the open one, or the one after the last.
    async fn group(&self, grouping: &Grouping) -> Result<Incident, Error> {
        let fingerprint = grouping.fingerprint();
        let latest = self.incidents.latest(&fingerprint).await?;
        let generation = latest.as_ref().map_or(0, |latest| latest.id.generation) + 1;
        let follows = latest.as_ref().and_then(Incident::ended_at);
        let next = Incident { follows, ..Incident::expected(IncidentId { fingerprint, generation }) };
        Ok(latest.filter(Incident::is_open).unwrap_or(next))
    }

    /// The group that an alert goes to by `decision`; none when it is told alone, and not yet when that is only
    /// rehearsed or more triggers have to come first.
    pub async fn destination(&self, decision: &Decision) -> Result<Option<IncidentId>, Error> {
        let later = decision.mode == Mode::Simulate || matches!(decision.noise, Some(Noise::Threshold { .. }));
        match &decision.group {
            Some(grouping) if !later => Ok(Some(self.group(grouping).await?.id)),
            _ => Ok(None),
        }
    }

    /// Makes the alert `id`, which was routed into a group, one of that group. Again is the same as once.
    pub async fn join(&self, id: &IncidentId, cause: &str, now: Timestamp) -> Result<(), Error> {
        for attempt in 0..TRIES {
            let alert = self.incidents.get(id).await?;
            let grouping = alert.decision.as_ref().and_then(|decision| decision.group.as_ref());
            let (Some(grouping), Some(member)) = (grouping, Member::of(&alert)) else { return Ok(()) };
            let mut group = self.group(grouping).await?;
            let opens = group.seq == 0;
            if opens && !alert.is_open() {
                return Ok(());
            }
            if opens {
                let events = grouping.open(&group, &alert);
                let Some(opened) = self.incidents.write(&group, &Cause::own(cause), events, now).await? else {
                    pause(attempt, STEP).await;
                    continue;
                };
                group = opened;
            }
            self.groups.put(&group.id, &member).await?;
            if alert.member_of.as_ref() != Some(&group.id) {
                let into = || Event::Grouped { into: group.id.clone() };
                let moved = |alert: &Incident| {
                    let there = alert.member_of.as_ref() == Some(&group.id);
                    Ok((!there).then(into).into_iter().collect())
                };
                let cause = Cause::own(format!("{cause}/{}", group.id));
                self.incidents.append(id, &cause, now, moved).await?;
            }
            if Box::pin(self.arrived(&group.id, &member, cause)).await? {
                return Ok(());
            }
        }
        Err(Error::Conflict)
    }

    /// Whether an alert whose row is written is in a group that will look at it.
    async fn arrived(&self, group: &IncidentId, member: &Member, cause: &str) -> Result<bool, Error> {
        let group = self.incidents.get(group).await?;
        if !group.is_open() {
            // It ended in between: its rows are its own affair, and this alert's is the next group.
            self.groups.remove(&group.id, member).await?;
            return Ok(false);
        }
        let alert = self.incidents.get(&member.incident).await?;
        if let Some(cleared) = Member::of(&alert).filter(|member| member.cleared_at.is_some()) {
            self.groups.put(&group.id, &cleared).await?;
        }
        if group.seq <= 1 {
            // Nothing but its opening is in its log: whoever opened it may have ended before it started the execution.
            let input = json!({ "incident": group.id, "generation": 1 });
            self.machine.start(&group.id.to_string(), &input).await?;
        } else if hurries(&group, member) {
            let (name, input) = look_again(&group, cause);
            self.machine.start(&name, &input).await?;
        }
        Ok(true)
    }

    /// What the flush does that is due for the open group `incident`, if one is.
    pub async fn flush(
        &self,
        incident: &Incident,
        inhibitor: &Inhibitor,
        policy: &Policy,
        silences: &Silences,
        now: Timestamp,
    ) -> Result<Option<Flush>, Error> {
        if !may_flush(incident, now) {
            return Ok(None);
        }
        let members = self.groups.members(&incident.id).await?;
        let told = self.groups.told(&incident.id).await?;
        let muted = inhibitor.muted(&members, policy).await?;
        let quiet = |member: &Member| muted.contains(&member.incident) || silences.mutes(member, now);
        Ok(flush(incident, &members, quiet, &told, now))
    }

    /// Takes the alerts out of `group` that were over at a flush.
    pub async fn leave(&self, group: &IncidentId, leaving: &[Member]) -> Result<(), Error> {
        let leave = stream::iter(leaving).map(|member| self.groups.remove(group, member));
        leave.buffer_unordered(ABREAST).try_collect().await
    }

    /// Leaves no alert behind in a group that is over; whether there are more than one look can settle.
    ///
    /// A person who ends a group ends its alerts; those that came later, and those of a group that ended by itself, are
    /// taken along to the next one.
    pub async fn settle(&self, group: &Incident, inhibitor: &Inhibitor, now: Timestamp) -> Result<bool, Error> {
        let Some(ended) = &group.resolution else { return Ok(false) };
        let members = self.groups.members(&group.id).await?;
        let by_person = ended.by != Actor::watchkeeper();
        let settle = stream::iter(members.iter().take(SETTLED)).map(async |member: &Member| {
            let cause = Cause::own(format!("group/{}", group.id));
            if member.cleared_at.is_none() {
                if by_person && member.joined_at <= ended.at {
                    let resolve = Command::Resolve { by: ended.by.clone() };
                    let resolved = self
                        .incidents
                        .append(&member.incident, &cause, now, |alert| alert.decide(resolve.clone(), now));
                    match resolved.await {
                        Ok(_) | Err(Error::Refused(_)) => inhibitor.release(&member.incident).await?,
                        Err(error) => return Err(error),
                    }
                } else {
                    Box::pin(self.join(&member.incident, &cause.request, now)).await?;
                }
            }
            self.groups.remove(&group.id, member).await
        });
        let settled: Result<(), Error> = settle.buffer_unordered(ABREAST).try_collect().await;
        settled.map(|()| members.len() > SETTLED)
    }
}
