//! Heartbeat: takes heartbeats, and says which are missing.

use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::heartbeat::Monitor;
use watchkeeper::lambda;
use watchkeeper::store::{AccessLog, Heartbeats, Policies, Secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let monitor = &Monitor {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        ),
        secrets: Secrets::new(aws),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        heartbeats: Heartbeats::new(aws, required("STATE_TABLE")?),
    };
    lambda::serve_http(async |request, now| monitor.answer(&request, now).await).await
}
