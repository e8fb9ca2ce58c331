//! Route: decides who is told about an incident, how and why, and adds that decision to its log.

use domain::escalation;
use domain::incident::{Command, Incident, IncidentId};
use domain::policy::{Handling, Mode};
use jiff::Timestamp;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::error::Error;
use watchkeeper::lambda;
use watchkeeper::store::{Incidents, Policies, SilenceLog};

/// What the incident machine sends: an incident, and the step that asks.
#[derive(serde::Deserialize)]
struct Request {
    incident: IncidentId,
    cause: String,
}

/// What the incident machine branches on.
#[derive(serde::Serialize)]
struct Answer {
    handling: Handling,
    mode: Mode,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let incidents = &Incidents::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let policies = &Policies::new(aws, &required("POLICY_BUCKET")?);
    let silences = &SilenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    lambda::serve(async |request, now| handle(request, now, incidents, policies, silences).await).await
}

/// Decides once: a request that comes again gets the decision that is in the log.
async fn handle(
    Request { incident: id, cause }: Request,
    now: Timestamp,
    incidents: &Incidents,
    policies: &Policies,
    silences: &SilenceLog,
) -> Result<Answer, Error> {
    let (policy, held) = tokio::join!(policies.active(now), silences.known());
    let policy = policy?;
    let decide = |incident: &Incident| {
        let decision = Box::new(policy.router().decide(incident, now));
        let holds = held.holds(incident, decision.service.as_deref(), now);
        incident.decide(Command::Route(decision, holds), now)
    };
    let incident = incidents.append(&id, &cause, now, decide).await?;
    silences.count(&incident.id, &incident.silenced_by).await?;
    // Whoever waits for more triggers needs no execution: the one that is enough starts its own.
    let waits = escalation::waits_for_more(&incident);
    let handling = if waits { Handling::Record } else { escalation::handling(&incident) };
    Ok(Answer { handling, mode: escalation::mode(&incident) })
}
