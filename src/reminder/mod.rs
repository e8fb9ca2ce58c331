//! Reminding: whoever owns something hears in time of what will come of it, once.
//!
//! It is written down before it is sent, as nobody wants to hear of it every minute: a reminder that is lost is lost.

use std::sync::Arc;

use domain::escalation::{Outcome, addresses_of};
use domain::policy::{Policy, SecretRef, Target};
use domain::schedule::Covers;
use jiff::Timestamp;

use crate::channel::{Channels, Notice};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::{CoverLog, Policies, Secrets};

mod finding;
mod gap;
mod silence;

pub use gap::GapWatch;

/// What reminds.
pub struct Reminder {
    /// The policies, which say how somebody is reached.
    pub policies: Policies,
    /// The overrides, swaps and absences.
    pub covers: CoverLog,
    /// What looks for gaps ahead.
    pub gaps: GapWatch,
    /// The ways to reach people.
    pub channels: Channels,
    /// What channels need to be secret.
    pub secrets: Secrets,
}

/// What people are reminded of.
struct Reminding<'a> {
    /// Names it: a copy that arrives again carries the same id.
    id: &'a str,
    /// What it is about, in a few words.
    subject: &'a str,
    /// All of it.
    text: &'a str,
}

impl Reminder {
    /// Tells everybody whom `target` means, each by their first contact that takes it; whether anybody was reached.
    async fn tell(
        &self,
        what: &Reminding<'_>,
        target: &Target,
        policy: &Policy,
        covers: &Covers,
        now: Timestamp,
    ) -> bool {
        let secrets = async |reference: &SecretRef| {
            let loaded = self.secrets.get(&[reference], now).await?;
            Ok::<Arc<[Secret]>, Error>(loaded.get(reference).into())
        };
        let Reminding { id, subject, text } = *what;
        let mut reached = false;
        for (to, addresses) in addresses_of(policy, covers, target, now) {
            let person = policy.display_name(&to);
            for address in addresses {
                let notice = Notice { id, address, person, subject, text, now };
                if matches!(self.channels.notify(policy, &secrets, &notice).await, Outcome::Accepted { .. }) {
                    reached = true;
                    break;
                }
            }
        }
        reached
    }
}
