//! Page: does what is due for an incident now, and says when to look again.

use domain::escalation::Next;
use domain::incident::IncidentId;
use domain::policy::SecretRef;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use watchkeeper::aws::Aws;
use watchkeeper::channel::Channels;
use watchkeeper::config::required;
use watchkeeper::grouping::Grouper;
use watchkeeper::inhibition::Inhibitor;
use watchkeeper::lambda;
use watchkeeper::pager::{Pager, word};
use watchkeeper::store::{
    CoverLog, Groups, Incidents, Inhibitions, Machine, Policies, Secrets, SilenceLog, Throttle, Turns,
};

/// What a machine sends: an incident, and the step that asks.
#[derive(serde::Deserialize)]
struct Request {
    incident: IncidentId,
    cause: String,
}

/// What the machine branches on: why it is over, or when to look again.
#[derive(Default, serde::Serialize)]
struct Answer {
    over: Option<&'static str>,
    look_at: Option<Timestamp>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let (records, state) = (required("RECORDS_TABLE")?, required("STATE_TABLE")?);
    let incidents = Incidents::new(aws, records.clone(), state.clone());
    let grouper = Grouper {
        incidents: incidents.clone(),
        groups: Groups::new(aws, state.clone()),
        machine: Machine::new(aws, required("INCIDENT_MACHINE")?),
    };
    let pager = &Pager {
        incidents,
        inhibitor: Inhibitor {
            incidents: grouper.incidents.clone(),
            inhibitions: Inhibitions::new(aws, state.clone()),
            machine: grouper.machine.clone(),
        },
        grouper,
        covers: CoverLog::new(aws, records.clone(), state.clone()),
        turns: Turns::new(aws, state.clone()),
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        silences: SilenceLog::new(aws, records, state.clone()),
        throttle: Throttle::new(aws, state),
        channels: Channels::from_env(aws),
        secrets: Secrets::new(aws),
        links: SecretRef(format!("ssm:{}/links", required("SECRETS_PATH")?)),
        base_url: required("PUBLIC_URL")?,
    };
    lambda::serve(async |Request { incident, cause }, now| {
        // The future of a look holds every channel: too large to be moved about.
        Ok(match Box::pin(pager.look(&incident, &cause, now)).await? {
            Next::At(at) => Answer { look_at: Some(whole_second(at)), ..Answer::default() },
            Next::Over(over) => Answer { over: Some(word(over)), ..Answer::default() },
        })
    })
    .await
}

/// The first whole second not before `at`: what a `Wait` state surely takes, and never too early to find nothing due.
fn whole_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    at.round(up).unwrap_or(at)
}
