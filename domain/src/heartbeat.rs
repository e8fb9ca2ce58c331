//! Heartbeats, a dead man's switch: what is not heard of in time is a problem, and being heard of again is its end.
//!
//! One that was never heard of is waited for since it was first looked for, which is within a minute after the policy
//! that names it was applied. What is missed is written down before it is told, so whoever stops halfway is gone on from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cause::Proof;
use crate::fingerprint::Fingerprint;
use crate::policy::Heartbeat;
use crate::signal::{Action, Alert, Signal, event_time};
use crate::text::lasted;

/// By which integration signals of heartbeats come; no integration of a policy has this name.
pub const INTEGRATION: &str = "heartbeats";

/// What is known of one heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Since when it is waited for.
    pub since: Timestamp,
    /// When it was heard of last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// That it was missed, until that it came again was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
}

/// That a heartbeat was missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// What was known last: when it was heard of, or since when it was waited for.
    pub since: Timestamp,
    /// Until when it should have come.
    pub due: Timestamp,
    /// Whether that was told.
    pub told: bool,
}

/// What is to be done about a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Fine,
    /// To tell that it was missed, after that is written down.
    Tell(Missed),
    /// To tell that it came again, at this time.
    Back(Missed, Timestamp),
}

/// How a heartbeat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was never heard of, and there is still time.
    Waiting,
    /// It came in time.
    Alive,
    /// It did not.
    Missing,
}

impl Watch {
    /// One that is waited for from now on.
    pub const fn new(since: Timestamp) -> Self {
        Self { since, last: None, missed: None }
    }

    /// It was heard of; an older time than the one that is known changes nothing.
    pub fn ping(&mut self, at: Timestamp) {
        self.last = self.last.max(Some(at));
    }

    /// What was known last.
    fn known(&self) -> Timestamp {
        self.last.unwrap_or(self.since)
    }

    /// Until when it has to come.
    pub fn due(&self, heartbeat: &Heartbeat) -> Timestamp {
        let due = self.known().checked_add(heartbeat.every).and_then(|at| at.checked_add(heartbeat.grace));
        due.unwrap_or(Timestamp::MAX)
    }

    /// What is to be done about it; without a `heartbeat`, which is one that the policy does not name any more, a
    /// problem that was told is over.
    pub fn look(&self, heartbeat: Option<&Heartbeat>, now: Timestamp) -> Look {
        match (&self.missed, heartbeat) {
            (Some(missed), Some(_)) if self.known() > missed.since => Look::Back(missed.clone(), self.known()),
            (Some(missed), None) => Look::Back(missed.clone(), now),
            (Some(missed), Some(_)) if missed.told => Look::Fine,
            (Some(missed), Some(_)) => Look::Tell(missed.clone()),
            (None, Some(heartbeat)) if now > self.due(heartbeat) => {
                Look::Tell(Missed { since: self.known(), due: self.due(heartbeat), told: false })
            }
            (None, _) => Look::Fine,
        }
    }

    /// How it stands.
    pub fn state(&self, heartbeat: &Heartbeat, now: Timestamp) -> State {
        match self.last {
            _ if now > self.due(heartbeat) => State::Missing,
            None => State::Waiting,
            Some(_) => State::Alive,
        }
    }
}

/// The signal that the heartbeat `name` was missed.
pub fn missed(name: &str, heartbeat: &Heartbeat, watch: &Watch, missed: &Missed, now: Timestamp) -> Signal {
    let heard = if watch.last.is_some() { "was last heard of" } else { "was never heard of, and is waited for since" };
    let since = missed.since.strftime("%Y-%m-%d %H:%M:%S UTC");
    let again = if watch.last.is_some() { "; it should come every " } else { "; it comes every " };
    let title = format!("{name} {heard} {since}{again}{}", lasted(heartbeat.every));
    let labels = [("heartbeat".to_owned(), name.to_owned())].into();
    let alert = Alert {
        title,
        severity: heartbeat.severity,
        source: name.to_owned(),
        service: heartbeat.service.clone(),
        labels,
        ..Alert::default()
    };
    signal(name, missed, Action::Trigger, missed.due, now, alert)
}

/// The signal that the heartbeat `name` came again at `at`.
pub fn back(name: &str, missed: &Missed, at: Timestamp, now: Timestamp) -> Signal {
    signal(name, missed, Action::Resolve, at.max(missed.due), now, Alert::default())
}

fn signal(name: &str, missed: &Missed, action: Action, at: Timestamp, now: Timestamp, alert: Alert) -> Signal {
    let word = if action == Action::Resolve { "back" } else { "missed" };
    Signal {
        id: format!("heartbeat/{name}/{}/{word}", missed.due),
        integration: INTEGRATION.to_owned(),
        proof: Proof::Role,
        action,
        fingerprint: Fingerprint::of(INTEGRATION, name),
        key: name.to_owned(),
        at: event_time(Some(at), now),
        received_at: now,
        unique_since: missed.due,
        alert,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::signal::Severity;

    const EVERY: i64 = 3600;

    fn nightly() -> Heartbeat {
        Heartbeat {
            every: SignedDuration::from_secs(EVERY),
            grace: SignedDuration::from_secs(300),
            service: Some("checkout".to_owned()),
            severity: Severity::Critical,
            secret: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    /// What the sweep does: it tells what is to be told, and writes down that it did.
    fn sweep(watch: &mut Watch, heartbeat: Option<&Heartbeat>, now: Timestamp) -> Option<Signal> {
        match watch.look(heartbeat, now) {
            Look::Fine => None,
            Look::Tell(what) => {
                watch.missed = Some(Missed { told: true, ..what.clone() });
                Some(missed("nightly", heartbeat?, watch, &what, now))
            }
            Look::Back(what, at) => {
                watch.missed = None;
                Some(back("nightly", &what, at, now))
            }
        }
    }

    #[test]
    fn one_that_is_missed_is_told_once_and_ends_with_the_next() {
        let (heartbeat, mut watch) = (nightly(), Watch::new(at(0)));
        assert_eq!(watch.state(&heartbeat, at(3900)), State::Waiting);
        assert_eq!(sweep(&mut watch, Some(&heartbeat), at(3900)), None, "the grace is not over");
        let first = sweep(&mut watch, Some(&heartbeat), at(3960)).expect("it was never heard of");
        assert_eq!((first.action, first.at), (Action::Trigger, at(3900)));
        assert_eq!(
            first.alert.title,
            "nightly was never heard of, and is waited for since 2027-01-15 08:00:00 UTC; it comes every 1 h"
        );
        assert_eq!((first.alert.severity, first.alert.service.as_deref()), (Severity::Critical, Some("checkout")));
        assert_eq!(sweep(&mut watch, Some(&heartbeat), at(4020)), None, "it is told once");
        watch.ping(at(5000));
        watch.ping(at(4500));
        assert_eq!(watch.state(&heartbeat, at(5000)), State::Alive);
        let over = sweep(&mut watch, Some(&heartbeat), at(5040)).expect("it came");
        assert_eq!((over.action, over.at, &over.fingerprint), (Action::Resolve, at(5000), &first.fingerprint));
        assert_eq!(sweep(&mut watch, Some(&heartbeat), at(5000 + 3900)), None);
        let second = sweep(&mut watch, Some(&heartbeat), at(5000 + 3901)).expect("it is missed again");
        assert!(second.id != first.id && second.at > over.at);
        assert!(second.alert.title.starts_with("nightly was last heard of 2027-01-15 09:23:20 UTC"), "{second:?}");
        assert_eq!(watch.state(&heartbeat, at(9000)), State::Missing);
    }

    #[test]
    fn whoever_stopped_halfway_is_gone_on_from() {
        let (heartbeat, mut watch) = (nightly(), Watch::new(at(0)));
        let Look::Tell(what) = watch.look(Some(&heartbeat), at(4000)) else { panic!("it is missed") };
        watch.missed = Some(what.clone());
        assert_eq!(watch.look(Some(&heartbeat), at(4060)), Look::Tell(what.clone()), "nobody knows that it was told");
        let ids = [4000, 4060].map(|now| missed("nightly", &heartbeat, &watch, &what, at(now)).id);
        assert_eq!(ids[0], ids[1], "told twice is one signal");
        watch.ping(at(4070));
        assert_eq!(watch.look(Some(&heartbeat), at(4120)), Look::Back(what, at(4070)), "it may have been told");
    }

    #[test]
    fn one_that_the_policy_does_not_name_any_more_is_over() {
        let (heartbeat, mut watch) = (nightly(), Watch::new(at(0)));
        assert_eq!(watch.look(None, at(9000)), Look::Fine);
        sweep(&mut watch, Some(&heartbeat), at(4000)).expect("it is missed");
        let over = sweep(&mut watch, None, at(9000)).expect("it was told");
        assert_eq!((over.action, over.at), (Action::Resolve, at(9000)));
    }

    proptest! {
        #[test]
        fn whatever_comes_when_the_last_word_is_right_and_problems_take_turns(
            mut times in prop::collection::vec((0..40_000_i64, any::<bool>()), 0..60),
        ) {
            times.sort_unstable();
            let (heartbeat, mut watch) = (nightly(), Watch::new(at(0)));
            let (mut open, mut told, mut last) = (false, std::collections::BTreeSet::new(), None);
            for (second, ping) in times {
                if ping {
                    watch.ping(at(second));
                } else if let Some(signal) = sweep(&mut watch, Some(&heartbeat), at(second)) {
                    prop_assert_eq!(signal.action == Action::Trigger, !open, "a problem begins, and then it ends");
                    open = !open;
                    prop_assert!(last <= Some(signal.at), "each is later than the one before");
                    last = Some(signal.at);
                    prop_assert!(told.insert(signal.id));
                }
            }
            // Two more looks without a word tell all that there is to tell.
            let end = at(41_000);
            for _ in 0..2 {
                open ^= sweep(&mut watch, Some(&heartbeat), end).is_some();
            }
            prop_assert_eq!(open, watch.state(&heartbeat, end) == State::Missing);
        }
    }
}
