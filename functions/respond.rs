//! Respond: takes every answer of a person, from the API, a link or Slack.

use domain::policy::SecretRef;
use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::channel::Channels;
use watchkeeper::config::required;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::respond::Responder;
use watchkeeper::store::{AccessLog, Incidents, Inhibitions, Machine, Policies, Requests, Secrets, Subjects};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let path = required("SECRETS_PATH")?;
    let state = required("STATE_TABLE")?;
    let incidents = Incidents::new(aws, required("RECORDS_TABLE")?, state.clone());
    let machine = Machine::new(aws, required("INCIDENT_MACHINE")?);
    let responder = &Responder {
        access: Access::new(Secrets::new(aws), &path, AccessLog::new(aws, required("RECORDS_TABLE")?))
            .with_keys(Requests::new(aws, state.clone())),
        inhibitor: Inhibitor {
            incidents: incidents.clone(),
            inhibitions: Inhibitions::new(aws, state.clone()),
            machine: machine.clone(),
        },
        incidents,
        subjects: Subjects::new(aws, required("RECORDS_TABLE")?, state),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        machine,
        channels: Channels::from_env(aws),
        secrets: Secrets::new(aws),
        links: SecretRef(format!("ssm:{path}/links")),
        base_url: required("PUBLIC_URL")?,
    };
    lambda::serve_http(async |request, now| responder.answer(&request, now).await).await
}
