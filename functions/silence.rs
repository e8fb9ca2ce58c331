//! Silence: makes, changes, ends and lists silences, by our API and by Alertmanager's.

use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::silence::Silencer;
use watchkeeper::store::{AccessLog, Incidents, Policies, Requests, Secrets, SilenceLog};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let silencer = &Silencer {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        )
        .with_keys(Requests::new(aws, required("STATE_TABLE")?)),
        silences: SilenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
    };
    lambda::serve_http(async |request, now| silencer.answer(&request, now).await).await
}
