//! Schedule: says who is on call when, and takes overrides, swaps and absences.

use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::roster::Roster;
use watchkeeper::store::{AccessLog, CalendarLog, CoverLog, Policies, Requests, Secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let roster = &Roster {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        )
        .with_keys(Requests::new(aws, required("STATE_TABLE")?)),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        covers: CoverLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        calendars: CalendarLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        base_url: required("PUBLIC_URL")?,
    };
    lambda::serve_http(async |request, now| roster.answer(&request, now).await).await
}
