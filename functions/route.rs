//! Route: decides who is told about an incident, how and why, and adds that decision to its log.

use domain::cause::Cause;
use domain::escalation;
use domain::incident::{Command, Event, Incident, IncidentId};
use domain::policy::{Handling, Mode};
use jiff::Timestamp;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::error::Error;
use watchkeeper::grouping::Grouper;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::store::{Groups, Incidents, Inhibitions, Machine, Policies, SilenceLog};

/// What the incident machine sends: an incident, and the step that asks.
#[derive(serde::Deserialize)]
struct Request {
    incident: IncidentId,
    cause: String,
}

/// What the incident machine branches on.
#[derive(serde::Serialize)]
struct Answer {
    handling: Course,
    mode: Mode,
}

/// Where an incident goes from here.
#[derive(serde::Serialize)]
enum Course {
    /// Into a group, whose own incident goes on.
    #[serde(rename = "group")]
    Group,
    /// Wherever it is handled so.
    #[serde(untagged)]
    Handled(Handling),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let (records, state) = (required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let grouper = &Grouper {
        incidents: Incidents::new(aws, records.clone(), state.clone()),
        groups: Groups::new(aws, state.clone()),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
    };
    let inhibitor = &Inhibitor {
        incidents: grouper.incidents.clone(),
        inhibitions: Inhibitions::new(aws, state.clone()),
        machine: grouper.machine.clone(),
    };
    let policies = &Policies::new(aws, &required("POLICY_BUCKET")?);
    let silences = &SilenceLog::new(aws, records, state);
    lambda::serve(async |request, now| Box::pin(handle(request, now, grouper, inhibitor, policies, silences)).await)
        .await
}

/// Decides once: a request that comes again gets the decision that is in the log.
async fn handle(
    Request { incident: id, cause }: Request,
    now: Timestamp,
    grouper: &Grouper,
    inhibitor: &Inhibitor,
    policies: &Policies,
    silences: &SilenceLog,
) -> Result<Answer, Error> {
    let (policy, held) = tokio::join!(policies.active(now), silences.known());
    let policy = policy?;
    let before = grouper.incidents.get(&id).await?;
    let into = match &before.decision {
        None => grouper.destination(&policy.router().decide(&before, now)).await?,
        Some(_) => None,
    };
    if before.group.is_none() {
        inhibitor.announce(&before, &policy.policy).await?;
    }
    // The alerts of a group are kept quiet when the group is told of, and the group itself never is.
    let alone = into.is_none() && before.member_of.is_none() && before.group.is_none();
    let inhibited = if alone { inhibitor.hold(&before, &policy.policy).await? } else { None };
    let decide = |incident: &Incident| {
        let decision = Box::new(policy.router().decide(incident, now));
        let holds = if alone { held.holds(incident, decision.service.as_deref(), now) } else { Vec::new() };
        let routed = incident.decide(Command::Route(decision, holds), now)?;
        let grouped = into.clone().filter(|_| !routed.is_empty()).map(|into| Event::Grouped { into });
        let inhibited = inhibited.clone().filter(|_| !routed.is_empty());
        Ok(routed.into_iter().chain(grouped).chain(inhibited).collect())
    };
    let mut incident = grouper.incidents.append(&id, &Cause::own(&cause), now, decide).await?;
    let mode = escalation::mode(&incident);
    if incident.member_of.is_some() {
        Box::pin(grouper.join(&id, &cause, now)).await?;
        return Ok(Answer { handling: Course::Group, mode });
    }
    if inhibited.is_none() && incident.inhibited_by.is_some() {
        // What kept it quiet is over, and nothing else does.
        let ended = |alert: &Incident| Ok(alert.inhibited_by.iter().map(|_| Event::InhibitionEnded).collect());
        let cause = Cause::own(format!("{cause}/released"));
        incident = grouper.incidents.append(&id, &cause, now, ended).await?;
    }
    silences.count(&incident.id, &incident.silenced_by).await?;
    // Whoever waits for more triggers needs no execution: the one that is enough starts its own.
    let waits = escalation::waits_for_more(&incident);
    let handling = if waits { Handling::Record } else { escalation::handling(&incident) };
    Ok(Answer { handling: Course::Handled(handling), mode })
}
