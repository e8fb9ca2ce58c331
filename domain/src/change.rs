//! Changes, such as deploys: the log of what was changed in a service, as its senders reported it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::signal::{Alert, Signal};

/// What is written about the changes of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChangeEvent {
    /// A sender reported a change.
    Reported {
        /// The signal's id.
        signal: String,
        /// The integration that received it.
        integration: String,
        /// The sender's own name for the change.
        key: String,
        /// When it happened, by the sender's clock as far as it is believable.
        at: Timestamp,
        /// When it reached us.
        received_at: Timestamp,
        /// What the sender says about it.
        alert: Alert,
    },
}

impl From<&Signal> for ChangeEvent {
    fn from(signal: &Signal) -> Self {
        Self::Reported {
            signal: signal.id.clone(),
            integration: signal.integration.clone(),
            key: signal.key.clone(),
            at: signal.at,
            received_at: signal.received_at,
            alert: signal.alert.clone(),
        }
    }
}

/// The stream of the changes of `service`.
pub fn stream(service: &str) -> String {
    format!("changes#{service}")
}
