//! Sweep: comes by once a minute and lets go on what a silence held back until its end.

use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::store::{Incidents, Machine, SilenceLog};
use watchkeeper::sweep::Sweeper;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let sweeper = &Sweeper {
        silences: SilenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
    };
    lambda::serve(async |_: serde_json::Value, now| sweeper.sweep(now).await).await
}
