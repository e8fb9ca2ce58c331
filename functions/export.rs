//! Export: the steps of the machine `export`, each of which may run again and comes to the same.

use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeeper::aws::Aws;
use watchkeeper::channel::Channels;
use watchkeeper::config::required;
use watchkeeper::error::Error;
use watchkeeper::export::{Asked, Exporter};
use watchkeeper::lambda;
use watchkeeper::reminder::{GapWatch, Reminder};
use watchkeeper::store::{CoverLog, Evidence, GapLog, Policies, Records, Secrets, Signer};

/// What the machine asks for.
#[derive(serde::Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Request {
    /// Plan what was asked; `anyway`, if no checkpoint covers the end of the range.
    Plan { asked: Asked, anyway: bool },
    /// Write a part.
    Part { export: String, part: u64 },
    /// Write tables, report and manifest.
    Finish { export: String },
    /// Tell the owners of compliance what was found.
    Tell { export: String },
    /// Write down that it failed.
    Fail { asked: Asked, error: String },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let (records, state) = (required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let exporter = &Exporter {
        evidence: Evidence::new(aws, &required("EVIDENCE_BUCKET")?),
        records: Records::new(aws, records.clone()),
        signer: Signer::new(aws, required("EVIDENCE_KEY")?),
        reminder: Reminder {
            policies: Policies::new(aws, &required("POLICY_BUCKET")?),
            covers: CoverLog::new(aws, records.clone(), state.clone()),
            gaps: GapWatch::new(GapLog::new(aws, records, state)),
            channels: Channels::from_env(aws),
            secrets: Secrets::new(aws),
        },
        origin: required("EVIDENCE_ORIGIN")?,
    };
    lambda::serve(async |request, now| handle(request, now, exporter).await).await
}

async fn handle(request: Request, now: Timestamp, exporter: &Exporter) -> Result<Value, Error> {
    match request {
        Request::Plan { asked, anyway } => Ok(json!(exporter.plan(&asked, anyway, now).await?)),
        Request::Part { export, part } => exporter.part(&export, part).await.map(|()| json!({ "part": part })),
        Request::Finish { export } => Ok(json!(exporter.finish(&export).await?)),
        Request::Tell { export } => Ok(json!({ "told": exporter.tell(&export, now).await? })),
        Request::Fail { asked, error } => exporter.fail(&asked, &error, now).await.map(|()| Value::Null),
    }
}
