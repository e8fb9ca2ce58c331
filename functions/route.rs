//! Route: decides who is told about an incident, how and why, and adds that decision to its log.

use domain::escalation;
use domain::incident::{Command, Event, Incident, IncidentId};
use domain::policy::Handling;
use jiff::Timestamp;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::error::Error;
use watchkeeper::grouping::Grouper;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::store::{Groups, Incidents, Inhibitions, Machine, Policies};

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
    let state = required("STATE_TABLE")?;
    let grouper = &Grouper {
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, state.clone()),
        groups: Groups::new(aws, state.clone()),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
    };
    let inhibitor = &Inhibitor {
        incidents: grouper.incidents.clone(),
        inhibitions: Inhibitions::new(aws, state),
        machine: grouper.machine.clone(),
    };
    let policies = &Policies::new(aws, &required("POLICY_BUCKET")?);
    lambda::serve(async |request, now| handle(request, now, grouper, inhibitor, policies).await).await
}

/// Decides once: a request that comes again gets the decision that is in the log.
async fn handle(
    Request { incident: id, cause }: Request,
    now: Timestamp,
    grouper: &Grouper,
    inhibitor: &Inhibitor,
    policies: &Policies,
) -> Result<Answer, Error> {
    let policy = policies.active(now).await?;
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
    let held = if alone { inhibitor.hold(&before, &policy.policy).await? } else { None };
    let decide = |incident: &Incident| {
        let decision = policy.router().decide(incident, now);
        let routed = incident.decide(Command::Route(decision), now)?;
        let grouped = into.clone().filter(|_| !routed.is_empty()).map(|into| Event::Grouped { into });
        let held = held.clone().filter(|_| !routed.is_empty());
        Ok(routed.into_iter().chain(grouped).chain(held).collect())
    };
    let incident = grouper.incidents.append(&id, &cause, now, decide).await?;
    if incident.member_of.is_some() {
        grouper.join(&id, &cause, now).await?;
        return Ok(Answer { handling: Course::Group });
    }
    let incident = match &held {
        // What kept it quiet is over, and nothing else does.
        None if incident.inhibited_by.is_some() => {
            let ended = |alert: &Incident| Ok(alert.inhibited_by.iter().map(|_| Event::InhibitionEnded).collect());
            grouper.incidents.append(&id, &format!("{cause}/released"), now, ended).await?
        }
        _ => incident,
    };
    Ok(Answer { handling: Course::Handled(escalation::handling(&incident)) })
}
