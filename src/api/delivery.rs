//! A message to one contact, as the API shows it: whom, by what, and what came of it. Never the address.

use domain::escalation::{self, Fate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One person or place told by one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Delivery {
    /// Its name, unique in the incident.
    pub id: String,
    /// Which begun step it belongs to, from 1.
    pub step: u32,
    /// Whom: `person:ana` or `channel:ops`.
    pub to: String,
    /// Which of their contacts in the policy, from 0.
    pub contact: usize,
    /// The channel: `email`, `slack`, `sms` and so on.
    pub channel: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when; null when it waits or was cancelled.
    pub at: Option<Timestamp>,
    /// When it is tried next, while it waits or is held back.
    pub until: Option<Timestamp>,
    /// Why it waits, failed or was cancelled.
    pub reason: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is on its way to the provider.
    Sending,
    /// The provider took it, which is not proof that anybody has it.
    Accepted,
    /// The provider says that the device has it.
    Delivered,
    /// It failed and is tried again.
    Waiting,
    /// It is held back, as its recipient got too many messages.
    Held,
    /// It is given up.
    Failed,
    /// Nobody needed it any more.
    Cancelled,
}

impl DeliveryState {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Delivery {
    /// The view of `delivery`.
    pub fn of(delivery: &escalation::Delivery) -> Self {
        let escalation::Delivery { id, step, to, contact, channel, attempts, fate } = delivery;
        let (state, at, until, reason) = match fate {
            Fate::Sending { since, .. } => (DeliveryState::Sending, Some(*since), None, None),
            Fate::Accepted { delivered_at: Some(at), .. } => (DeliveryState::Delivered, Some(*at), None, None),
            Fate::Accepted { at, .. } => (DeliveryState::Accepted, Some(*at), None, None),
            Fate::Waiting { until, reason, held } => {
                let state = if *held { DeliveryState::Held } else { DeliveryState::Waiting };
                (state, None, Some(*until), Some(reason.clone()))
            }
            Fate::Failed { at, reason, .. } => (DeliveryState::Failed, Some(*at), None, Some(reason.clone())),
            Fate::Cancelled { reason } => (DeliveryState::Cancelled, None, None, Some(reason.clone())),
        };
        Self {
            id: id.clone(),
            step: *step,
            to: to.clone(),
            contact: *contact,
            channel: channel.clone(),
            attempts: *attempts,
            state,
            at,
            until,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::incident::Status;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn each_fate_has_its_state_and_accepted_is_not_delivered() {
        let accepted = |delivered_at| Fate::Accepted {
            at: at(1),
            reference: Some("SM1".to_owned()),
            shown: Status::Triggered,
            delivered_at,
        };
        let waiting = |held| Fate::Waiting { until: at(9), reason: "busy".to_owned(), held };
        let failed = |undelivered| Fate::Failed { at: at(3), reason: "busy".to_owned(), undelivered };
        let table = [
            (Fate::Sending { since: at(1), cause: "c".to_owned() }, "sending", Some(1), None, None),
            (accepted(None), "accepted", Some(1), None, None),
            (accepted(Some(at(2))), "delivered", Some(2), None, None),
            (waiting(false), "waiting", None, Some(9), Some("busy")),
            (waiting(true), "held", None, Some(9), Some("busy")),
            (failed(false), "failed", Some(3), None, Some("busy")),
            (failed(true), "failed", Some(3), None, Some("busy")),
            (Fate::Cancelled { reason: "acknowledged".to_owned() }, "cancelled", None, None, Some("acknowledged")),
        ];
        for (fate, state, since, until, reason) in table {
            let (to, channel) = ("person:ana".to_owned(), "sms".to_owned());
            let delivery =
                escalation::Delivery { id: "1-ana-0".to_owned(), step: 1, to, contact: 0, channel, attempts: 2, fate };
            let view = Delivery::of(&delivery);
            assert_eq!(view.state.as_str(), state);
            assert_eq!(serde_json::to_value(view.state).expect("a word"), state);
            let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
            assert_eq!((seconds(view.at), seconds(view.until)), (since, until), "{state}");
            assert_eq!(view.reason.as_deref(), reason, "{state}");
        }
    }
}
