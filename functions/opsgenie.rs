//! Opsgenie: answers as Opsgenie's Alert API does, over signals and incidents.

use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::opsgenie::AlertApi;
use watchkeeper::store::{AccessLog, Groups, Heartbeats, Incidents, Inhibitions, Machine, Policies, Queue, Secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let state = required("STATE_TABLE")?;
    let incidents = Incidents::new(aws, required("RECORDS_TABLE")?, state.clone());
    let machine = Machine::new(aws, required("INCIDENT_MACHINE")?);
    let api = &AlertApi {
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        secrets: Secrets::new(aws),
        log: AccessLog::new(aws, required("RECORDS_TABLE")?),
        queue: Queue::new(aws, required("SIGNALS_QUEUE")?),
        groups: Groups::new(aws, state.clone()),
        heartbeats: Heartbeats::new(aws, state.clone()),
        inhibitor: Inhibitor {
            incidents: incidents.clone(),
            inhibitions: Inhibitions::new(aws, state),
            machine: machine.clone(),
        },
        incidents,
        machine,
        base_url: required("PUBLIC_URL")?,
    };
    lambda::serve_http(async |request, now| Ok(api.answer(&request, now).await)).await
}
