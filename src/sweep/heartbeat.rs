//! The heartbeat: a dead man's switch outside hears once a minute that all is well, and tells somebody when it does not
//! (faults.md, G06).

use bytes::Bytes;
use domain::policy::SecretRef;
use http::HeaderMap;
use jiff::Timestamp;

use crate::outgoing::Outgoing;
use crate::store::Secrets;

/// Who hears that all is well.
pub struct Heartbeat {
    outgoing: Outgoing,
    secrets: Secrets,
    url: SecretRef,
}

impl Heartbeat {
    /// One that posts to the URL in the parameter `heartbeat` under `path`; without one nobody hears of it.
    pub fn new(outgoing: Outgoing, secrets: Secrets, path: &str) -> Self {
        Self { outgoing, secrets, url: SecretRef(format!("ssm:{path}/heartbeat")) }
    }

    /// Says that all is well. What keeps it from being heard is what the switch is for.
    pub async fn beat(&self, now: Timestamp) {
        let loaded = match self.secrets.get(&[&self.url], now).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(error = error.chain(), "where the heartbeat goes cannot be read");
                return;
            }
        };
        let Some(url) = loaded.get(&self.url).first() else { return };
        match self.outgoing.post(url.expose(), HeaderMap::new(), Bytes::new()).await {
            Ok(reply) if reply.status.is_success() => metrics::counter!("heartbeats").increment(1),
            Ok(reply) => tracing::warn!(status = reply.status.as_u16(), "the heartbeat was refused"),
            Err(failure) => tracing::warn!(error = %failure, "the heartbeat was not heard"),
        }
    }
}
