//! Reception: what arrives is verified, turned into signals and queued; only then is it answered.
//!
//! What the signals mean is nobody's business here. The rules of each sender are in [`crate::sender`].

use domain::signal::Signal;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::Error;
use crate::lambda::{Http, HttpReply, http};
use crate::reply::Reply;
use crate::sender::aws::{self, NoSignal};
use crate::sender::email::{self, Mail, Unheard};
use crate::sender::{self, Door, Received, Refused, Request};
use crate::store::{Policies, Queue, Secrets};
use crate::topics::Topics;

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
    /// What SNS is asked for.
    pub topics: Topics,
}

impl Reception {
    /// Answers one event: a request of the HTTP API, or what AWS itself sends.
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
        let taken = match email::mails(&event) {
            Some(Ok(mails)) => {
                for mail in &mails {
                    self.mail(mail, now).await?;
                }
                return Ok(Value::Null);
            }
            Some(Err(none)) => Err(none),
            None => aws::signals(&event, &self.policies.active(now).await?.policy, now),
        };
        match taken {
            Ok(signals) => self.keep(&signals).await?,
            Err(NoSignal::Silent(why)) => metrics::counter!("events_without_signal", "reason" => why).increment(1),
            Err(malformed @ NoSignal::Malformed(_)) => return Err(Error::InvalidEvent(malformed.to_string())),
        }
        Ok(Value::Null)
    }

    /// Takes one mail. Whoever wrote it does not hear that it is refused: that is counted, and its name at SES is written
    /// down. One to an address of ours is kept as well, as somebody may wait for what it says, and so is every one while
    /// our own secrets are missing: Lambda tries again, and in the end has it among the dead letters.
    async fn mail(&self, mail: &Mail, now: Timestamp) -> Result<(), Error> {
        let active = self.policies.active(now).await?;
        let needed = email::secrets_needed(&active.policy);
        let secrets = self.secrets.get(&needed, now).await?;
        let mut heard = mail.signals(&active.policy, &|reference| secrets.get(reference), now);
        if matches!(heard, Err(Unheard::Token | Unheard::Misconfigured)) {
            let secrets = self.secrets.refetch(&needed, now).await?;
            heard = mail.signals(&active.policy, &|reference| secrets.get(reference), now);
        }
        match heard {
            Ok(signals) => self.keep(&signals).await,
            Err(unheard @ Unheard::Misconfigured) => Err(Error::Misconfigured(unheard.to_string())),
            Err(unheard) => {
                metrics::counter!("mails_refused", "reason" => unheard.reason()).increment(1);
                tracing::warn!(reason = unheard.reason(), mail = mail.id(), "a mail was refused");
                if unheard == Unheard::Token { Ok(()) } else { Err(Error::InvalidEvent(unheard.to_string())) }
            }
        }
    }

    /// Queues what nobody waits for.
    async fn keep(&self, signals: &[Signal]) -> Result<(), Error> {
        self.queue.send(signals).await?;
        for signal in signals {
            metrics::counter!("signals_accepted", "integration" => signal.integration.clone()).increment(1);
        }
        Ok(())
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
            source: http.source,
            certificate: None,
            id: &http.id,
            received_at: now,
        };
        let active = self.policies.active(now).await?;
        let needed = sender::secrets_needed(door, &active.policy);
        let secrets = self.secrets.get(&needed, now).await?;
        let certificate = match sender::certificate_needed(door, &request, &active.policy) {
            Some(url) => self.topics.certificate(&url, now).await?,
            None => None,
        };
        let request = Request { certificate: certificate.as_deref(), ..request };
        let received = sender::receive(door, &request, &active.policy, &|reference| secrets.get(reference));
        match received {
            Err(refused) if refused.secret_unknown => {
                let secrets = self.secrets.refetch(&needed, now).await?;
                Ok(sender::receive(door, &request, &active.policy, &|reference| secrets.get(reference)))
            }
            Err(refused) => Ok(Err(refused)),
            Ok(received) => {
                if let Some(url) = sender::confirmation(door, &request, &active.policy) {
                    self.topics.confirm(&url).await?;
                }
                Ok(Ok(received))
            }
        }
    }
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
