//! Operate: says whether what must hold does, and lists, shows and redrives dead letters.

use domain::letter::Path;
use watchkeeper::access::Access;
use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::operate::Operator;
use watchkeeper::store::{
    AccessLog, Called, CoverLog, Coverage, Evidence, EvidenceLog, Incidents, Letters, Machine, Policies, Queue,
    Records, Secrets, SilenceLog,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let queues = [
        (Path::Signals, required("SIGNALS_DEAD_LETTERS")?),
        (Path::Ingest, required("INGEST_DEAD_LETTERS")?),
        (Path::Incident, required("INCIDENT_DEAD_LETTERS")?),
        (Path::Sweep, required("SWEEP_DEAD_LETTERS")?),
        (Path::Archive, required("ARCHIVE_DEAD_LETTERS")?),
        (Path::Checkpoint, required("CHECKPOINT_DEAD_LETTERS")?),
        (Path::Export, required("EXPORT_DEAD_LETTERS")?),
    ];
    let (records, state) = (required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let operator = &Operator {
        access: Access::new(Secrets::new(aws), &required("SECRETS_PATH")?, AccessLog::new(aws, records.clone())),
        records: Records::new(aws, records.clone()),
        coverage: Coverage::new(aws, state.clone()),
        evidence: Evidence::new(aws, &required("EVIDENCE_BUCKET")?),
        evidence_log: EvidenceLog::new(aws, records.clone(), state.clone()),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        covers: CoverLog::new(aws, records.clone(), state.clone()),
        silences: SilenceLog::new(aws, records.clone(), state.clone()),
        sweep: Called::new(aws, required("SWEEP_FUNCTION")?),
        letters: queues.into_iter().map(|(path, url)| Letters::new(aws, path, url)).collect(),
        signals: Queue::new(aws, required("SIGNALS_QUEUE")?),
        ingest: Called::new(aws, required("INGEST_FUNCTION")?),
        incidents: Incidents::new(aws, records, state),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
        exports: Machine::new(aws, required("EXPORT_MACHINE")?),
    };
    lambda::serve_http(async |request, now| operator.answer(&request, now).await).await
}
