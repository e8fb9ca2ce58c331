//! Dedup: folds the signals of the queue into incidents, and starts one execution for each that opens.

use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::intake::Intake;
use watchkeeper::lambda;
use watchkeeper::store::{Changes, Groups, Incidents, Inhibitions, Machine, Queue};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let state = required("STATE_TABLE")?;
    let records = required("RECORDS_TABLE")?;
    let incidents = Incidents::new(aws, records.clone(), state.clone());
    let machine = Machine::new(aws, required("INCIDENT_MACHINE")?);
    let intake = &Intake {
        groups: Groups::new(aws, state.clone()),
        inhibitor: Inhibitor {
            incidents: incidents.clone(),
            inhibitions: Inhibitions::new(aws, state.clone()),
            machine: machine.clone(),
        },
        incidents,
        changes: Changes::new(aws, records, state),
        machine,
        dead_letters: Queue::new(aws, required("SIGNALS_DEAD_LETTERS")?),
    };
    lambda::serve_queue(async |batch, now| intake.take(batch, now).await).await
}
