//! A second Alertmanager to compare with, written from its rules alone and sharing nothing with ours.

use std::collections::{BTreeMap, BTreeSet};

use super::Grouping;
use super::tests::Change::{self, Clears, Fires, Mutes};
use super::tests::Notification;

/// Alertmanager again, as simply as it can be written down: `aggrGroup`, `needsUpdate` and the notification log.
pub(super) fn alertmanager(
    grouping: &Grouping,
    timeline: &[(i64, u8, Change)],
    end: i64,
    forgets: bool,
) -> Vec<Notification> {
    struct Aggregate {
        alerts: BTreeMap<u8, bool>,
        next: i64,
        flushed: bool,
    }
    let (wait, interval, repeat) = (grouping.wait.as_secs(), grouping.interval.as_secs(), grouping.repeat.as_secs());
    let mut group: Option<Aggregate> = None;
    let mut log: Option<(i64, BTreeSet<u8>, BTreeSet<u8>)> = None;
    let mut muted = BTreeSet::new();
    let mut sent = Vec::new();
    for second in 0..=end {
        for (_, alert, change) in timeline.iter().filter(|(when, ..)| *when == second) {
            match change {
                Mutes(true) => drop(muted.insert(*alert)),
                Mutes(false) => drop(muted.remove(alert)),
                Clears => {
                    if let Some(resolved) = group.as_mut().and_then(|group| group.alerts.get_mut(alert)) {
                        *resolved = true;
                    }
                }
                Fires(ago) => {
                    let first = Aggregate { alerts: BTreeMap::new(), next: second + wait, flushed: false };
                    let group = group.get_or_insert(first);
                    let again = group.alerts.insert(*alert, false) == Some(false);
                    if !group.flushed && !again && second - ago + wait < second {
                        group.next = second;
                    }
                }
            }
        }
        let Some(current) = group.as_mut().filter(|group| group.next == second) else { continue };
        current.next = second + interval;
        current.flushed = true;
        let with = |over: bool| {
            let chosen =
                current.alerts.iter().filter(|(alert, resolved)| **resolved == over && !muted.contains(*alert));
            chosen.map(|(alert, _)| *alert).collect::<BTreeSet<u8>>()
        };
        let (firing, resolved) = (with(false), with(true));
        let update = match &log {
            _ if firing.is_empty() && resolved.is_empty() => false,
            None => !firing.is_empty(),
            Some((_, told, _)) if !firing.is_subset(told) => true,
            Some((_, told, _)) if firing.is_empty() => !told.is_empty(),
            Some((_, _, told)) if !resolved.is_subset(told) => true,
            Some((when, ..)) => *when < second - repeat,
        };
        if update {
            let both = firing.iter().map(|alert| (*alert, false)).chain(resolved.iter().map(|alert| (*alert, true)));
            sent.push((second, both.collect()));
            log = Some((second, firing, resolved));
        }
        current.alerts.retain(|_, resolved| !*resolved);
        if current.alerts.is_empty() {
            group = None;
            log = log.filter(|_| !forgets);
        }
    }
    sent
}
