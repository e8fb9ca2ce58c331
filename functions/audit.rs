//! Audit: shows the evidence and what proves it, and takes requests for exports and checkpoints.

use watchkeeper::access::Access;
use watchkeeper::audit::Auditor;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::store::{AccessLog, Called, Evidence, Machine, Records, Secrets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let auditor = &Auditor {
        access: Access::new(
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
            AccessLog::new(aws, required("RECORDS_TABLE")?),
        ),
        evidence: Evidence::new(aws, &required("EVIDENCE_BUCKET")?),
        records: Records::new(aws, required("RECORDS_TABLE")?),
        machine: Machine::new(aws, required("EXPORT_MACHINE")?),
        checkpoint: Called::new(aws, required("CHECKPOINT_FUNCTION")?),
        origin: required("EVIDENCE_ORIGIN")?,
    };
    lambda::serve_http(async |request, now| auditor.answer(&request, now).await).await
}
