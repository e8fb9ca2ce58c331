//! Sweep: comes by once a minute, finds what should have moved and did not, and says outside that all is well.

use jiff::SignedDuration;
use watchkeeper::aws::Aws;
use watchkeeper::channel::Channels;
use watchkeeper::config::{optional, required};
use watchkeeper::error::Error;
use watchkeeper::grouping::Grouper;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::outgoing::Outgoing;
use watchkeeper::reminder::{GapWatch, Reminder};
use watchkeeper::store::{
    CoverLog, GapLog, Groups, Incidents, Inhibitions, Machine, Policies, Round, Secrets, SilenceLog,
};
use watchkeeper::sweep::{Heartbeat, Sweeper};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let (records, state) = (required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let incidents = Incidents::new(aws, records.clone(), state.clone());
    let machine = Machine::new(aws, required("INCIDENT_MACHINE")?);
    let grace = required("GRACE_SECONDS")?.parse();
    let grace = grace.map_err(|_| Error::Misconfigured("GRACE_SECONDS is no number of seconds".to_owned()))?;
    let sweeper = &Sweeper {
        silences: SilenceLog::new(aws, records.clone(), state.clone()),
        round: Round::new(aws, state.clone()),
        grouper: Grouper {
            incidents: incidents.clone(),
            groups: Groups::new(aws, state.clone()),
            machine: machine.clone(),
        },
        inhibitor: Inhibitor {
            incidents: incidents.clone(),
            inhibitions: Inhibitions::new(aws, state.clone()),
            machine: machine.clone(),
        },
        incidents,
        machine,
        reminder: Reminder {
            policies: Policies::new(aws, &required("POLICY_BUCKET")?),
            covers: CoverLog::new(aws, records.clone(), state.clone()),
            gaps: GapWatch::new(GapLog::new(aws, records, state)),
            channels: Channels::from_env(aws),
            secrets: Secrets::new(aws),
        },
        heartbeat: Heartbeat::new(
            Outgoing::new(&optional("WEBHOOK_ALLOW")),
            Secrets::new(aws),
            &required("SECRETS_PATH")?,
        ),
        grace: SignedDuration::from_secs(grace),
    };
    lambda::serve(async |_: serde_json::Value, now| sweeper.sweep(now).await).await
}
