//! The part of the timeline that tells of a group: which alerts it has, and why somebody hears of them.

use super::words::counted;
use super::{Kind, Teller};
use crate::group::{Flushed, Reason};
use crate::incident::Event;
use crate::log::Record;

impl Teller<'_> {
    /// A look at the alerts of a group.
    pub(super) fn flushed(&mut self, record: &Record<Event>, flushed: &Flushed) {
        let Flushed { firing, resolved, muted, told, alerts, .. } = flushed;
        let number = |count: &u64| usize::try_from(*count).unwrap_or(usize::MAX);
        let over = if *resolved > 0 { format!(" and {resolved} over") } else { String::new() };
        let why = match told {
            Some(Reason::First) => "this is told",
            Some(Reason::NewAlerts) => "new ones are told",
            Some(Reason::SomeResolved) => "it is told which are over",
            Some(Reason::AllResolved) => "it is told that all are over",
            Some(Reason::Repeat) => "nothing changed for long enough to be told again",
            None => "nobody is told",
        };
        let text = format!("The group has {} firing{over}: {why}", counted(number(firing), "alert"));
        let mut detail: Vec<String> = alerts
            .iter()
            .map(|alert| {
                let state = if alert.resolved { "over" } else { "firing" };
                format!("{state}: {} ({})", alert.title, alert.incident)
            })
            .collect();
        let unlisted = (number(firing) + number(resolved)).saturating_sub(alerts.len());
        if told.is_some() && unlisted > 0 {
            detail.push(format!("and {unlisted} more"));
        }
        if *muted > 0 {
            detail.push(format!("{} kept quiet", counted(number(muted), "alert")));
        }
        let kind = if told.is_some() { Kind::Telling } else { Kind::Updated };
        self.add(record, kind, None, text, detail);
    }
}
