//! Enrich: adds to an incident's log what a responder would look up first.

use domain::cause::Cause;
use domain::enrich;
use domain::incident::{Command, Incident, IncidentId, Status};
use domain::owner;
use jiff::Timestamp;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::error::Error;
use watchkeeper::lambda;
use watchkeeper::store::{Changes, Incidents, Policies};

/// How many open incidents are looked through for those of the same service.
const BESIDE: u32 = 20;

/// What the incident machine sends: an incident, and the step that asks.
#[derive(serde::Deserialize)]
struct Request {
    incident: IncidentId,
    cause: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let state = required("STATE_TABLE")?;
    let records = required("RECORDS_TABLE")?;
    let incidents = &Incidents::new(aws, records.clone(), state.clone());
    let changes = &Changes::new(aws, records, state);
    let policies = &Policies::new(aws, &required("POLICY_BUCKET")?);
    lambda::serve(async |request, now| handle(request, now, incidents, changes, policies).await).await
}

/// Looks up once: a request that comes again finds what was found.
async fn handle(
    Request { incident: id, cause }: Request,
    now: Timestamp,
    incidents: &Incidents,
    changes: &Changes,
    policies: &Policies,
) -> Result<(), Error> {
    let incident = incidents.get(&id).await?;
    let policy = policies.active(now).await?;
    let (mut changed, mut beside) = (Vec::new(), Vec::new());
    if let Some(service) = owner::of(&incident, &policy.policy).service {
        changed = changes.of(&service, now).await?;
        let open = incidents.list(Status::Triggered, BESIDE, None).await?.incidents;
        beside = open.into_iter().filter(|other| other.service() == Some(&service)).map(enrich::Beside::from).collect();
    }
    let found = enrich::enrich(&incident, &policy.policy, changed, beside);
    let decide = |incident: &Incident| incident.decide(Command::Enrich(found.clone()), now);
    incidents.append(&id, &Cause::own(cause), now, decide).await?;
    Ok(())
}
