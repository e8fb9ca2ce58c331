//! Heartbeats: what answers whoever sends one, and whoever asks which are missing.
//!
//! A heartbeat moves one row and nothing else: that one is missing, and that it came again, is found by the sweep.

use domain::policy::Heartbeat;
use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::api::{self, Situation};
use crate::error::Error;
use crate::lambda::Http;
use crate::query;
use crate::reply::Reply;
use crate::sender::token;
use crate::store::{Heartbeats, Policies, Secrets};

mod watch;

pub use watch::Watcher;

/// What answers about heartbeats.
pub struct Monitor {
    /// Who may ask for all of them, and send any.
    pub access: Access,
    /// The tokens of those who send one.
    pub secrets: Secrets,
    /// The policies: which are waited for.
    pub policies: Policies,
    /// What is known of them.
    pub heartbeats: Heartbeats,
}

impl Monitor {
    /// Answers a request: a heartbeat to the holder of its token, everything to the holder of a token of the API.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path = query::segments(&request.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (path.as_slice(), &request.method) {
            (["v1", "heartbeats"], &Method::GET) => {
                self.access.answer(request, now, async |_: String| self.list(now).await).await
            }
            (["v1", "heartbeats"], _) => Ok(not_allowed("GET")),
            (["v1", "heartbeats", name], &Method::GET | &Method::POST) => self.ping(name, request, now).await,
            (["v1", "heartbeats", _], _) => Ok(not_allowed("GET, POST")),
            _ => Ok(Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")),
        }
    }

    async fn list(&self, now: Timestamp) -> Result<Reply, Error> {
        let active = self.policies.active(now).await?;
        let known = self.heartbeats.all().await?;
        let view = |(name, heartbeat): (&String, &Heartbeat)| {
            api::Heartbeat::of(name, heartbeat, known.get(name).map(|kept| &kept.watch), now)
        };
        Ok(Reply::json(200, &api::HeartbeatList { heartbeats: active.policy.heartbeats.iter().map(view).collect() }))
    }

    /// Takes a heartbeat. Whoever has neither its token nor one of the API does not learn which there are.
    async fn ping(&self, name: &str, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let active = self.policies.active(now).await?;
        let heartbeat = active.policy.heartbeats.get(name);
        if self.holds_its_token(heartbeat, request, now).await? {
            return self.keep(name, heartbeat, now).await;
        }
        self.access.answer(request, now, async |_: String| self.keep(name, heartbeat, now).await).await
    }

    async fn keep(&self, name: &str, heartbeat: Option<&Heartbeat>, now: Timestamp) -> Result<Reply, Error> {
        let Some(heartbeat) = heartbeat else {
            return Ok(Reply::problem(Situation::NotFound, "the policy names no such heartbeat"));
        };
        let watch = self.heartbeats.ping(name, now).await?;
        metrics::counter!("heartbeats_received").increment(1);
        Ok(Reply::json(200, &api::Heartbeat::of(name, heartbeat, Some(&watch), now)))
    }

    /// Whether a request presents the token of `heartbeat`. One that no secret fits may be newer than our memory.
    async fn holds_its_token(
        &self,
        heartbeat: Option<&Heartbeat>,
        request: &Http,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let secret = heartbeat.and_then(|heartbeat| heartbeat.secret.as_ref());
        let (Some(secret), Some(presented)) = (secret, token::presented(&request.headers)) else { return Ok(false) };
        let known = self.secrets.get(&[secret], now).await?;
        if token::is_one_of(known.get(secret), &presented) {
            return Ok(true);
        }
        let known = self.secrets.refetch(&[secret], now).await?;
        Ok(token::is_one_of(known.get(secret), &presented))
    }
}

fn not_allowed(allow: &'static str) -> Reply {
    Reply::problem(Situation::MethodNotAllowed, &format!("use {allow}")).with("allow", allow)
}
