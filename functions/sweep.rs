//! Sweep: comes by once a minute, lets go on what a silence held back until its end, and reminds its owner before; tells
//! of heartbeats that were missed, and of gaps ahead in schedules; ends what nobody speaks of any more.

use watchkeeper::auto_close::AutoClose;
use watchkeeper::aws::Aws;
use watchkeeper::channel::Channels;
use watchkeeper::config::required;
use watchkeeper::heartbeat::Watcher;
use watchkeeper::lambda;
use watchkeeper::reminder::{GapWatch, Reminder};
use watchkeeper::store::{
    CoverLog, GapLog, Groups, Heartbeats, Incidents, Machine, Policies, Queue, Secrets, SilenceLog,
};
use watchkeeper::sweep::Sweeper;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let sweeper = &Sweeper {
        silences: SilenceLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        incidents: Incidents::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
        auto_close: AutoClose {
            incidents: Incidents::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
            groups: Groups::new(aws, required("STATE_TABLE")?),
            queue: Queue::new(aws, required("SIGNALS_QUEUE")?),
        },
        reminder: Reminder {
            policies: Policies::new(aws, &required("POLICY_BUCKET")?),
            covers: CoverLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?),
            gaps: GapWatch::new(GapLog::new(aws, required("RECORDS_TABLE")?, required("STATE_TABLE")?)),
            channels: Channels::from_env(aws),
            secrets: Secrets::new(aws),
        },
        watcher: Watcher {
            heartbeats: Heartbeats::new(aws, required("STATE_TABLE")?),
            queue: Queue::new(aws, required("SIGNALS_QUEUE")?),
        },
    };
    lambda::serve(async |_: serde_json::Value, now| sweeper.sweep(now).await).await
}
