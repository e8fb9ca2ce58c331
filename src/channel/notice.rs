//! Notices: a line for somebody that is about no incident and asks for no answer.

use std::fmt::Display;
use std::sync::Arc;

use domain::escalation::Outcome;
use domain::policy::{Address, Policy, SecretRef};
use jiff::Timestamp;

use super::{Channel, Channels, open};
use crate::secret::Secret;

/// What is told to somebody.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// Names it: a copy that arrives again carries the same id.
    pub id: &'a str,
    /// Where it goes.
    pub address: &'a Address,
    /// How it addresses its reader.
    pub person: &'a str,
    /// What it is about, in a few words.
    pub subject: &'a str,
    /// All of it, in a line or two without anything that could fool a reader.
    pub text: &'a str,
    /// The time.
    pub now: Timestamp,
}

impl Channels {
    /// Sends `notice` once. `secrets` resolves a reference of the policy.
    pub async fn notify<E: Display>(
        &self,
        policy: &Policy,
        secrets: &impl AsyncFn(&SecretRef) -> Result<Arc<[Secret]>, E>,
        notice: &Notice<'_>,
    ) -> Outcome {
        let found = match open::secrets_of(policy, secrets, notice.address).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        match self.open(policy, notice.address, &found) {
            Ok(channel) => channel.notify(notice).await,
            Err(outcome) => outcome,
        }
    }
}
