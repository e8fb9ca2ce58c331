//! Reminding: the owner of a silence hears before its end that it ends, once.

use std::sync::Arc;

use domain::escalation::{Outcome, addresses_of};
use domain::policy::{Policy, SecretRef};
use domain::silence::{Event, Silence, Silences};
use domain::text::{cut, visible};
use jiff::Timestamp;

use crate::channel::{Channels, Notice};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::{CoverLog, Policies, Secrets, SilenceLog};

/// The longest list of matchers in a reminder, in characters.
const MATCHERS: usize = 120;

/// What reminds.
pub struct Reminder {
    /// The policies, which say how somebody is reached.
    pub policies: Policies,
    /// The overrides, swaps and absences.
    pub covers: CoverLog,
    /// The ways to reach them.
    pub channels: Channels,
    /// What channels need to be secret.
    pub secrets: Secrets,
}

impl Reminder {
    /// Tells the owner of `silence` that it ends; whether anybody was reached.
    ///
    /// It is written down before it is sent, as nobody wants to hear of it every minute: one that is lost is lost.
    pub async fn remind(&self, silence: &Silence, log: &SilenceLog, now: Timestamp) -> Result<bool, Error> {
        let active = self.policies.active(now).await?;
        let suppressed = log.counted(&silence.id).await?;
        let mut ours = false;
        let decide = |silences: &Silences| {
            ours = silences.reminders(now).any(|due| due.id == silence.id);
            Ok(ours.then(|| Event::Reminded { id: silence.id.clone() }).into_iter().collect())
        };
        let cause = format!("remind/{}/{}", silence.id, silence.until);
        // Nothing in this is ever refused. Whoever came first sends it.
        let _ = log.change(&cause, now, decide).await?;
        if !ours {
            return Ok(false);
        }
        let reached = self.tell(silence, &active.policy, suppressed, now).await;
        if !reached {
            metrics::counter!("reminders_lost").increment(1);
            tracing::warn!(silence.id = silence.id, "nobody could be reminded of the end of a silence");
        }
        Ok(reached)
    }

    /// Tells everybody who is to hear of it, each by their first contact that takes it.
    async fn tell(&self, silence: &Silence, policy: &Policy, suppressed: u64, now: Timestamp) -> bool {
        let secrets = async |reference: &SecretRef| {
            let loaded = self.secrets.get(&[reference], now).await?;
            Ok::<Arc<[Secret]>, Error>(loaded.get(reference).into())
        };
        let (id, text) = (format!("reminder-{}-{}", silence.id, silence.until.as_second()), text(silence, suppressed));
        let mut reached = false;
        let (told, covers) = (silence.reminds(policy), self.covers.known().await);
        for (to, addresses) in told.iter().flat_map(|target| addresses_of(policy, &covers, target, now)) {
            let person = policy.display_name(&to);
            for address in addresses {
                let notice = Notice { id: &id, address, person, subject: "A silence ends", text: &text, now };
                if matches!(self.channels.notify(policy, &secrets, &notice).await, Outcome::Accepted { .. }) {
                    reached = true;
                    break;
                }
            }
        }
        reached
    }
}

/// What ends when, whether it was of use, and how to keep it.
fn text(silence: &Silence, suppressed: u64) -> String {
    let means = cut(&visible(&silence.matchers.to_string()), MATCHERS);
    let at = silence.until.strftime("%Y-%m-%d %H:%M UTC");
    let incidents = if suppressed == 1 { "incident" } else { "incidents" };
    let id = &silence.id[..silence.id.len().min(8)];
    format!(
        "The silence {means} ends at {at}; it has suppressed {suppressed} {incidents}. \
         To keep it: watchkeeper silence extend {id} --for 2h"
    )
}
