//! Heartbeats, as the API shows them.

use domain::heartbeat::{State, Watch};
use domain::policy;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A heartbeat that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Heartbeat {
    /// Its name in the policy.
    pub name: String,
    /// How it stands.
    pub state: HeartbeatState,
    /// How often it has to come, as ISO 8601 writes it, such as `PT24H`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub every: SignedDuration,
    /// How much later it may come.
    #[cfg_attr(test, schemars(with = "String"))]
    pub grace: SignedDuration,
    /// When it came last; null when it never came.
    pub last: Option<Timestamp>,
    /// Until when it has to come; null before it is looked for, which is within a minute.
    pub due: Option<Timestamp>,
    /// The service that is concerned when it is missed.
    pub service: Option<String>,
}

/// How a heartbeat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HeartbeatState {
    /// It never came, and there is still time.
    Waiting,
    /// It came in time.
    Alive,
    /// It did not.
    Missing,
}

/// The heartbeats of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeartbeatList {
    /// Each of them, by name.
    pub heartbeats: Vec<Heartbeat>,
}

impl Heartbeat {
    /// How the heartbeat `name` of the policy stands by what is known of it.
    pub fn of(name: &str, heartbeat: &policy::Heartbeat, known: Option<&Watch>, now: Timestamp) -> Self {
        let state = match known.map(|watch| watch.state(heartbeat, now)) {
            None | Some(State::Waiting) => HeartbeatState::Waiting,
            Some(State::Alive) => HeartbeatState::Alive,
            Some(State::Missing) => HeartbeatState::Missing,
        };
        Self {
            name: name.to_owned(),
            state,
            every: heartbeat.every,
            grace: heartbeat.grace,
            last: known.and_then(|watch| watch.last),
            due: known.map(|watch| watch.due(heartbeat)),
            service: heartbeat.service.clone(),
        }
    }
}
