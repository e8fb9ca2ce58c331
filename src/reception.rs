//! Reception: what arrives is verified, turned into signals and queued; only then is it answered.
//!
//! What the signals mean is nobody's business here. The rules of each sender are in [`crate::sender`].

use aws_lambda_events::sns::SnsEvent;
use domain::policy::Policy;
use domain::signal::Signal;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::Error;
use crate::lambda::{Http, HttpReply, http, read};
use crate::reply::Reply;
use crate::sender::cloudwatch::{self, NoSignal};
use crate::sender::{self, Door, Received, Refused, Request};
use crate::store::{Policies, Queue, Secrets};

/// How long a sender is asked to wait when we cannot do our part.
const WAIT: u32 = 2;

/// What receives.
pub struct Reception {
    /// The policies: who may send.
    pub policies: Policies,
    /// How they prove it.
    pub secrets: Secrets,
    /// Where signals go.
    pub queue: Queue,
}

impl Reception {
    /// Answers one event: a request of the HTTP API, an SNS notification or an EventBridge event.
    ///
    /// HTTP is always answered; for the others an error makes Lambda try again, and in the end keep the event.
    pub async fn answer(&self, event: Value, now: Timestamp) -> Result<Value, Error> {
        if event.get("requestContext").is_some() {
            let reply = match http(event) {
                Ok(request) => self.request(&request, now).await,
                Err(error) => crate::lambda::refuse(&error),
            };
            return Ok(serde_json::to_value(HttpReply::from(reply)).expect("a reply is plain JSON"));
        }
        let active = self.policies.active(now).await?;
        let signals = alarms(event, &active.policy, now)?;
        self.queue.send(&signals).await?;
        metrics::counter!("signals_accepted", "integration" => "cloudwatch").increment(signals.len() as u64);
        Ok(Value::Null)
    }

    async fn request(&self, http: &Http, now: Timestamp) -> Reply {
        let door = match sender::door(&http.method, &http.path) {
            Ok(door) => door,
            Err(refused) => return counted(refused),
        };
        let received = match self.receive(&door, http, now).await {
            Ok(Ok(received)) => received,
            Ok(Err(refused)) => return counted(refused),
            Err(error) => return unavailable(&door, &error),
        };
        if let Err(error) = self.queue.send(&received.signals).await {
            return unavailable(&door, &error);
        }
        let accepted = received.signals.len() as u64;
        metrics::counter!("signals_accepted", "integration" => received.integration).increment(accepted);
        received.reply
    }

    /// Verifies and reads. A proof that no secret fits may be made with one that is newer than our memory: the secrets
    /// are asked for once more before anybody is refused.
    async fn receive(&self, door: &Door, http: &Http, now: Timestamp) -> Result<Result<Received, Refused>, Error> {
        let request = Request {
            method: &http.method,
            path: &http.path,
            headers: &http.headers,
            body: &http.body,
            id: &http.id,
            received_at: now,
        };
        let active = self.policies.active(now).await?;
        let needed = sender::secrets_needed(door, &active.policy);
        let secrets = self.secrets.get(&needed, now).await?;
        let received = sender::receive(door, &request, &active.policy, &|reference| secrets.get(reference));
        match received {
            Err(refused) if refused.secret_unknown => {
                let secrets = self.secrets.refetch(&needed, now).await?;
                Ok(sender::receive(door, &request, &active.policy, &|reference| secrets.get(reference)))
            }
            received => Ok(received),
        }
    }
}

/// The signals of an SNS notification or of an EventBridge event. An alarm that does not know says nothing.
fn alarms(event: Value, policy: &Policy, now: Timestamp) -> Result<Vec<Signal>, Error> {
    let read_one = |signal: Result<Signal, NoSignal>| match signal {
        Ok(signal) => Ok(Some(signal)),
        Err(NoSignal::InsufficientData) => {
            metrics::counter!("alarms_without_data").increment(1);
            Ok(None)
        }
        Err(malformed @ NoSignal::Malformed(_)) => Err(Error::InvalidEvent(malformed.to_string())),
    };
    if event.get("Records").is_none() {
        return Ok(read_one(cloudwatch::from_eventbridge(&event, policy, now))?.into_iter().collect());
    }
    let notification: SnsEvent = read(event)?;
    let messages = notification.records.iter().map(|record| &record.sns);
    let signals = messages.map(|sns| read_one(cloudwatch::from_sns(&sns.message_id, &sns.message, policy, now)));
    Ok(signals.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The answer to a request that is not taken, counted by its reason.
fn counted(refused: Refused) -> Reply {
    metrics::counter!("requests_refused", "reason" => refused.reason).increment(1);
    refused.reply
}

/// The answer when it is we who cannot do our part.
fn unavailable(door: &Door, error: &Error) -> Reply {
    metrics::counter!("requests_unavailable", "error" => error.name()).increment(1);
    tracing::error!(error = %error.chain(), "a sender was asked to come back");
    sender::unavailable(door, WAIT)
}
