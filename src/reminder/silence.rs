//! The owner of a silence hears before its end that it ends.

use domain::cause::Cause;
use domain::silence::{Event, Silence, Silences};
use domain::text::{cut, visible};
use jiff::Timestamp;

use super::{Reminder, Reminding};
use crate::error::Error;
use crate::store::SilenceLog;

/// The longest list of matchers in a reminder, in characters.
const MATCHERS: usize = 120;

impl Reminder {
    /// Tells the owner of `silence` that it ends; whether anybody was reached.
    pub async fn remind(&self, silence: &Silence, log: &SilenceLog, now: Timestamp) -> Result<bool, Error> {
        let active = self.policies.active(now).await?;
        let suppressed = log.counted(&silence.id).await?;
        let mut ours = false;
        let decide = |silences: &Silences| {
            ours = silences.reminders(now).any(|due| due.id == silence.id);
            Ok(ours.then(|| Event::Reminded { id: silence.id.clone() }).into_iter().collect())
        };
        let cause = Cause::own(format!("remind/{}/{}", silence.id, silence.until));
        // Nothing in this is ever refused. Whoever came first sends it.
        let _ = log.change(&cause, now, decide).await?;
        if !ours {
            return Ok(false);
        }
        let (id, text) = (format!("reminder-{}-{}", silence.id, silence.until.as_second()), text(silence, suppressed));
        let what = Reminding { id: &id, subject: "A silence ends", text: &text };
        let covers = self.covers.known().await;
        let mut reached = false;
        if let Some(target) = silence.reminds(&active.policy) {
            reached = self.tell(&what, &target, &active.policy, &covers, now).await;
        }
        if !reached {
            metrics::counter!("reminders_lost").increment(1);
            tracing::warn!(silence.id = silence.id, "nobody could be reminded of the end of a silence");
        }
        Ok(reached)
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
