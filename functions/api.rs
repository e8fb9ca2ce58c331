//! Api: everything that can be read. It has no right to write, but into the log of who reads.

use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::read::Reader;
use watchkeeper::store::{AccessLog, Groups, Incidents, Policies, Secrets, Subjects};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let state = required("STATE_TABLE")?;
    let reader = &Reader {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        ),
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, state.clone()),
        groups: Groups::new(aws, state.clone()),
        subjects: Subjects::new(aws, required("RECORDS_TABLE")?, state),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        base_url: required("PUBLIC_URL")?,
    };
    lambda::serve_http(async |request, now| reader.answer(&request, now).await).await
}
