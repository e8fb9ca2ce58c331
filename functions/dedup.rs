//! Dedup: folds the signals of the queue into incidents, and starts one execution for each that opens.

use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::intake::Intake;
use watchkeeper::lambda;
use watchkeeper::store::{Changes, Groups, Incidents, Machine, Queue};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let state = required("STATE_TABLE")?;
    let intake = &Intake {
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, state.clone()),
        groups: Groups::new(aws, state.clone()),
        changes: Changes::new(aws, state),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
        dead_letters: Queue::new(aws, required("SIGNALS_DEAD_LETTERS")?),
    };
    lambda::serve_queue(async |batch, now| intake.take(batch, now).await).await
}
