//! Those whom an escalation tells hear in the week before that nobody will be on call (faults.md, H16).

use std::sync::atomic::{AtomicI64, Ordering};

use domain::cause::Cause;
use domain::log::Hash;
use domain::policy::Policy;
use domain::schedule::{Covers, Gap, GapEvent, ToldGaps};
use domain::text::{cut, visible};
use jiff::Timestamp;

use super::{Reminder, Reminding};
use crate::error::Error;
use crate::store::GapLog;

/// The longest list of schedules in a reminder, in characters.
const NAMES: usize = 80;
/// How long one look for gaps is enough, in seconds.
const HOUR: i64 = 3600;

/// What looks for gaps, once an hour.
pub struct GapWatch {
    log: GapLog,
    /// The hour of the last look, counted from the epoch.
    looked: AtomicI64,
}

impl GapWatch {
    /// One that writes down in `log` what it tells, and has not looked yet.
    pub fn new(log: GapLog) -> Self {
        Self { log, looked: AtomicI64::new(i64::MIN) }
    }
}

impl Reminder {
    /// Tells of every gap ahead that is due, where that was not looked at in this hour; how many it told of.
    pub async fn warn(&self, now: Timestamp) -> Result<usize, Error> {
        let hour = now.as_second().div_euclid(HOUR);
        if self.gaps.looked.swap(hour, Ordering::Relaxed) == hour {
            return Ok(0);
        }
        let Some(active) = self.policies.applied(now).await? else { return Ok(0) };
        let policy = &active.policy;
        if policy.schedules.is_empty() {
            return Ok(0);
        }
        // Without the overrides there would be gaps that somebody covered: then rather none is told.
        let (covers, told) = (self.covers.read().await?, self.gaps.log.read().await?);
        let mut warned = 0;
        for gaps in told.due(policy, &covers, now) {
            if self.warn_of(&gaps, policy, &covers, now).await? {
                warned += gaps.len();
            }
        }
        Ok(warned)
    }

    /// Tells of `gaps`, which are of the same schedules; whether anybody was reached.
    async fn warn_of(&self, gaps: &[Gap], policy: &Policy, covers: &Covers, now: Timestamp) -> Result<bool, Error> {
        let Some(first) = gaps.first() else { return Ok(false) };
        let id = id_of(first, now);
        let mut ours = false;
        let decide = |told: &ToldGaps| {
            ours = told.due(policy, covers, now).iter().any(|due| due == gaps);
            Ok(ours.then(|| GapEvent::Told { gaps: gaps.to_vec() }).into_iter().collect())
        };
        self.gaps.log.change(&Cause::own(&id), now, decide).await?;
        if !ours {
            return Ok(false);
        }
        let text = text(first, gaps.len() - 1, policy);
        let what = Reminding { id: &id, subject: "Nobody is on call", text: &text };
        for target in first.owners(policy) {
            if self.tell(&what, target, policy, covers, now).await {
                return Ok(true);
            }
        }
        metrics::counter!("reminders_lost").increment(1);
        tracing::warn!(schedules = names(first), "nobody could be told of a gap ahead");
        Ok(false)
    }
}

/// Names the reminder of this hour that begins with `gap`.
fn id_of(gap: &Gap, now: Timestamp) -> String {
    let about = format!("{}\n{}\n{}", names(gap), gap.from, now.as_second().div_euclid(HOUR));
    format!("gap-{}", &Hash::of(about.as_bytes()).as_str()[..16])
}

fn names(gap: &Gap) -> String {
    gap.schedules.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
}

/// When nobody is on call where, how often that comes again, and how to change it.
fn text(gap: &Gap, more: usize, policy: &Policy) -> String {
    let zone = gap.zone(policy);
    let local = |at: Timestamp| zone.to_datetime(at).strftime("%a %Y-%m-%d %H:%M").to_string();
    let until = gap.until.map_or_else(|| " on".to_owned(), |until| format!(" until {}", local(until)));
    let zone = zone.iana_name().unwrap_or("UTC");
    let again = match more {
        0 => String::new(),
        1 => ", and once more within a week".to_owned(),
        more => format!(", and {more} times more within a week"),
    };
    let first = gap.schedules.first().map(|name| visible(name)).unwrap_or_default();
    format!(
        "Nobody is on call for {} from {}{until} ({zone}){again}. \
         To change that: watchkeeper override add {first} PERSON --from {} --until TIME",
        cut(&visible(&names(gap)), NAMES),
        local(gap.from),
        gap.from,
    )
}
