//! Access to the API: bearer tokens, kept in one SSM parameter as lines `name token`.
//!
//! A token may also come as the password of basic authentication, whatever the user: `amtool` and Grafana can do that.

use http::HeaderMap;
use jiff::Timestamp;

use crate::api::Situation;
use crate::error::Error;
use crate::reply::Reply;
use crate::sender::token::presented;
use crate::store::Secrets;

/// Who may use the API.
#[derive(Debug)]
pub struct Access {
    secrets: Secrets,
    parameter: String,
}

impl Access {
    /// Tokens in the parameter `tokens` under `path`.
    pub fn new(secrets: Secrets, path: &str) -> Self {
        Self { secrets, parameter: format!("{path}/tokens") }
    }

    /// The name of the token that a request presents, or the answer to give when it presents none that is known.
    ///
    /// Every known token is compared, in a time that tells nothing about which one it was.
    pub async fn check(&self, headers: &HeaderMap, now: Timestamp) -> Result<Result<String, Reply>, Error> {
        let Some(presented) = presented(headers) else { return Ok(Err(refusal())) };
        let mut found = None;
        for (name, token) in self.secrets.tokens(&self.parameter, now).await? {
            if token.matches(&presented) {
                found = Some(name);
            }
        }
        Ok(found.ok_or_else(refusal))
    }
}

fn refusal() -> Reply {
    metrics::counter!("requests_unauthorized").increment(1);
    let detail = "send a valid token as Authorization: Bearer";
    Reply::problem(Situation::Unauthorized, detail).with("www-authenticate", "Bearer")
}
