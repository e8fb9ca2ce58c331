//! Access to the API: bearer tokens, kept in one SSM parameter as lines `name token`; and the log of who used it.
//!
//! A token may also come as the password of basic authentication, whatever the user: `amtool` and Grafana can do that.
//! Whatever a holder changes is recorded where it is changed, with their name. What they are shown, and what they are
//! refused, is written into the access log: without that record there is no answer.

use domain::access::{AccessEvent, asked};
use domain::cause::Principal;
use domain::policy::SecretRef;
use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::api::Situation;
use crate::error::Error;
use crate::lambda::{Http, problem};
use crate::reply::Reply;
use crate::secret::Secret;
use crate::sender::token::presented;
use crate::store::{AccessLog, Requests, Secrets};

/// The longest key of a request, in bytes.
const KEY: usize = 256;

/// Who may use the API.
#[derive(Debug)]
pub struct Access {
    secrets: Secrets,
    parameter: String,
    log: AccessLog,
    requests: Option<Requests>,
}

impl Access {
    /// Tokens in the parameter `tokens` under `path`; what they are used for is written into `log`.
    pub fn new(secrets: Secrets, path: &str, log: AccessLog) -> Self {
        Self { secrets, parameter: format!("{path}/tokens"), log, requests: None }
    }

    /// The same where requests may have an `Idempotency-Key`, of which `requests` knows what it stands for.
    #[must_use]
    pub fn with_keys(self, requests: Requests) -> Self {
        Self { requests: Some(requests), ..self }
    }

    /// What `answer` says to the holder of the token that a request presents, and the refusal when it presents none
    /// that is known. A change that is made is in the log of what was changed; everything else is written down here.
    pub async fn answer(
        &self,
        request: &Http,
        now: Timestamp,
        answer: impl AsyncFnOnce(String) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let Some(token) = self.holder(&request.headers, now).await? else { return Ok(refusal()) };
        let cause = Principal::token(&token).cause(format!("api/{token}/{}", request.id));
        let asked = asked(request.method.as_str(), &request.path);
        if matches!(request.method, Method::GET | Method::HEAD) {
            // Side by side, so that nobody waits for the record alone.
            let written = self.log.append(&cause, AccessEvent::Read { asked }, now);
            let (written, answered) = tokio::join!(written, Box::pin(answer(token)));
            return written.and(answered);
        }
        let answered = Box::pin(self.once(request, token, now, answer)).await;
        let status = status(&answered);
        if (400..500).contains(&status) {
            self.log.append(&cause, AccessEvent::Refused { asked, status }, now).await?;
        }
        answered
    }

    /// What `answer` says, unless the request has a key that stands for another one. A request that is refused leaves its
    /// key free.
    async fn once(
        &self,
        request: &Http,
        token: String,
        now: Timestamp,
        answer: impl AsyncFnOnce(String) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let (Some(requests), true) = (&self.requests, request.headers.contains_key("idempotency-key")) else {
            return answer(token).await;
        };
        let Some(key) = request.idempotency_key().filter(|key| (1..=KEY).contains(&key.len())) else {
            return Err(Error::InvalidEvent(format!("`Idempotency-Key` has 1 to {KEY} characters of ASCII")));
        };
        let name = format!("{token}/{}/{}/{key}", request.method, request.path);
        if !requests.claim(&name, &request.body, now).await? {
            let detail = "this Idempotency-Key was sent with another body; send a new key with a new request";
            return Ok(Reply::problem(Situation::KeyReused, detail));
        }
        let answered = answer(token).await;
        if (400..500).contains(&status(&answered)) {
            requests.release(&name, &request.body).await?;
        }
        answered
    }

    /// Writes down what the holder of `token` was given by a request that is no mere look, such as an export.
    pub async fn given(&self, request: &Http, token: &str, now: Timestamp) -> Result<(), Error> {
        let cause = Principal::token(token).cause(format!("api/{token}/{}", request.id));
        let asked = asked(request.method.as_str(), &request.path);
        self.log.append(&cause, AccessEvent::Read { asked }, now).await
    }

    /// The name of the token that a request presents, if it is known.
    async fn holder(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<String>, Error> {
        let Some(presented) = presented(headers) else { return Ok(None) };
        let reference = SecretRef(format!("ssm:{}", self.parameter));
        let known = self.secrets.get(&[&reference], now).await?;
        if let Some(name) = holder(known.get(&reference), &presented) {
            return Ok(Some(name));
        }
        // It may be newer than our memory.
        let known = self.secrets.refetch(&[&reference], now).await?;
        Ok(holder(known.get(&reference), &presented))
    }
}

/// The HTTP status of an answer.
fn status(answered: &Result<Reply, Error>) -> u16 {
    answered.as_ref().map_or_else(|error| problem(error).status, |reply| reply.status)
}

/// Whose token of `lines`, each `name token`, was presented. Every one is compared, in a time that tells nothing about
/// which it was.
fn holder(lines: &[Secret], presented: &str) -> Option<String> {
    let tokens = lines.iter().filter_map(|line| line.expose().split_once(' '));
    tokens.fold(None, |found, (name, token)| {
        let fits = Secret::new(token.trim()).matches(presented);
        if fits { Some(name.to_owned()) } else { found }
    })
}

fn refusal() -> Reply {
    metrics::counter!("requests_unauthorized").increment(1);
    let detail = "send a valid token as Authorization: Bearer";
    Reply::problem(Situation::Unauthorized, detail).with("www-authenticate", "Bearer")
}
