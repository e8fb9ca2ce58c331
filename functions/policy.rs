//! Policy: shows the policy that rules, and makes another one rule.

use watchkeeper::access::Access;
use watchkeeper::apply::Applier;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::store::{AccessLog, Policies, PolicyLog, Secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let applier = &Applier {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        ),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        log: PolicyLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
    };
    lambda::serve_http(async |request, now| applier.answer(&request, now).await).await
}
