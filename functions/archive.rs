//! Archive: puts what was written into the log into the locked bucket, and tells of what was rewritten.

use watchkeeper::archive::Archiver;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::store::{Coverage, Evidence, EvidenceLog};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let archiver = &Archiver {
        evidence: Evidence::new(aws, &required("EVIDENCE_BUCKET")?),
        coverage: Coverage::new(aws, required("STATE_TABLE")?),
        log: EvidenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
    };
    lambda::serve(async |batch, now| archiver.archive(&batch, now).await).await
}
