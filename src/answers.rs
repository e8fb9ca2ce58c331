//! What every answer of a person comes down to, by whatever way it came: one command on one incident.

use domain::cause::Cause;
use domain::escalation::Assignee;
use domain::incident::{Command, Incident, IncidentId};
use jiff::Timestamp;

use crate::error::Error;
use crate::inhibition::Inhibitor;
use crate::store::{Incidents, Machine, Policies, look_again};

/// What answers are written down with.
pub(crate) struct Answers<'a> {
    pub incidents: &'a Incidents,
    pub policies: &'a Policies,
    pub machine: &'a Machine,
    pub inhibitor: &'a Inhibitor,
}

impl Answers<'_> {
    /// Writes an answer down, and sees to it that somebody looks where nobody would. A `cause` that comes again is known.
    pub(crate) async fn write(
        &self,
        id: &IncidentId,
        command: &Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        if let Command::Reassign { to, .. } = command {
            self.knows(id, to, now).await?;
        }
        let decide = |incident: &Incident| incident.decide(command.clone(), now);
        let note = matches!(command, Command::Note { .. } | Command::NoteAbout { .. });
        // People are told of the group, so what they say of one of its alerts they say of the group.
        let group = if note { None } else { self.incidents.get(id).await?.member_of };
        let incident = self.incidents.append(group.as_ref().unwrap_or(id), cause, now, decide).await?;
        let resolved = matches!(command, Command::Resolve { .. });
        if resolved {
            self.inhibitor.release(&incident.id).await?;
        }
        // Nobody looks at a group that a person ended before its next flush: its alerts are to end with it.
        if command.needs_a_look(&incident) || (resolved && incident.group.is_some()) {
            let (name, input) = look_again(&incident, &cause.request);
            self.machine.start(&name, &input).await?;
        }
        Ok(incident)
    }

    /// Whether the policy that the incident `id` was routed by knows whom it is given to.
    async fn knows(&self, id: &IncidentId, to: &Assignee, now: Timestamp) -> Result<(), Error> {
        let decision = self.incidents.get(id).await?.decision;
        let frozen = match &decision {
            Some(decision) => self.policies.by_hash(&decision.policy).await.map(Some),
            None => Ok(None),
        };
        // As paging does: when that one is lost, the active one counts.
        let frozen = match frozen {
            Ok(Some(frozen)) => frozen,
            Err(error) if error.is_retryable() => return Err(error),
            Ok(None) | Err(_) => self.policies.active(now).await?,
        };
        if to.is_in(&frozen.policy) {
            return Ok(());
        }
        Err(Error::InvalidEvent(format!("the policy that it was routed by has no {to}")))
    }
}
