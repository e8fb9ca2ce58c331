//! Checkpoint: signs how far all streams have come, hourly and whenever it is asked to.

use watchkeeper::aws::Aws;
use watchkeeper::checkpoint::Checkpointer;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::store::{Coverage, Evidence, EvidenceLog, Records, Signer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let checkpointer = &Checkpointer {
        evidence: Evidence::new(aws, &required("EVIDENCE_BUCKET")?),
        coverage: Coverage::new(aws, required("STATE_TABLE")?),
        records: Records::new(aws, required("RECORDS_TABLE")?),
        signer: Signer::new(aws, required("EVIDENCE_KEY")?),
        log: EvidenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        origin: required("EVIDENCE_ORIGIN")?,
    };
    lambda::serve(async |_: serde_json::Value, now| checkpointer.catch_up(now).await).await
}
