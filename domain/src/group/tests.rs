//! Promises about groups: what is told when, by a table of cases and against a second, naive Alertmanager.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::naive::alertmanager;
use super::*;
use crate::log::Hash;
use crate::policy::{Handling, Mode};
use crate::route::Decision;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn grouping(wait: i64, interval: i64, repeat: i64) -> Grouping {
    let labels = BTreeMap::from([("alertname".to_owned(), "HighLatency".to_owned())]);
    let (wait, interval, repeat) = (seconds(wait), seconds(interval), seconds(repeat));
    Grouping { route: "production".to_owned(), labels, wait, interval, repeat }
}

fn decision(grouping: &Grouping) -> Decision {
    Decision {
        handling: Handling::Page,
        policy: Hash::zero(),
        at: at(0),
        service: None,
        team: None,
        level: None,
        escalation: "all".to_owned(),
        catch_all: false,
        notify: Vec::new(),
        acknowledgement_expires: None,
        group: Some(grouping.clone()),
        mode: Mode::Execute,
        rung: None,
        noise: None,
        pulse: None,
        trace: Vec::new(),
        why: String::new(),
    }
}

/// What happens to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It fires, and its sender says it has for so many seconds.
    Fires(i64),
    Clears,
    /// It is silenced from now on, or no more.
    Mutes(bool),
}
use Change::{Clears, Fires, Mutes};

/// A notification: the second, and the alerts in it, each with whether it was over.
pub(super) type Notification = (i64, BTreeSet<(u8, bool)>);

/// One route's groups as ours run: one group at a time, as every alert has the same labels.
struct Ours {
    grouping: Grouping,
    generation: u32,
    incident: Option<Incident>,
    rows: BTreeMap<u8, Member>,
    fired: BTreeMap<u8, u32>,
    muted: BTreeSet<u8>,
    told: Told,
    notifications: Vec<Notification>,
}

impl Ours {
    fn new(grouping: Grouping) -> Self {
        let (rows, fired, muted) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self {
            grouping,
            generation: 0,
            incident: None,
            rows,
            fired,
            muted,
            told: Told::default(),
            notifications: Vec::new(),
        }
    }

    fn happens(&mut self, second: i64, alert: u8, change: Change) {
        match change {
            Mutes(true) => drop(self.muted.insert(alert)),
            Mutes(false) => drop(self.muted.remove(&alert)),
            Clears => {
                if let Some(row) = self.rows.get_mut(&alert).filter(|row| row.cleared_at.is_none()) {
                    row.cleared_at = Some(at(second));
                }
            }
            Fires(_) if self.rows.get(&alert).is_some_and(|row| row.cleared_at.is_none()) => {}
            Fires(ago) => {
                let generation = self.fired.entry(alert).or_default();
                *generation += 1;
                let fingerprint = Fingerprint::of("am", &alert.to_string());
                let mut own = Incident::expected(IncidentId { fingerprint, generation: *generation });
                own.opened_at = Some(at(second));
                own.first_trigger_at = Some(at(second - ago));
                own.alert.title = alert.to_string();
                own.decision = Some(decision(&self.grouping));
                self.rows.insert(alert, Member::of(&own).expect("it is open"));
                if self.incident.is_none() {
                    self.generation += 1;
                    let id = IncidentId { fingerprint: self.grouping.fingerprint(), generation: self.generation };
                    let mut group = Incident::expected(id);
                    for event in self.grouping.open(&group, &own) {
                        group.apply(&event, at(second));
                    }
                    self.incident = Some(group);
                    self.told = Told::default();
                }
            }
        }
    }

    /// Looks at the group; the second at which it is to be looked at next.
    fn look(&mut self, second: i64) -> Option<i64> {
        let incident = self.incident.as_mut()?;
        let rows: Vec<Member> = self.rows.values().cloned().collect();
        let muted = |member: &Member| member.title.parse().is_ok_and(|alert: u8| self.muted.contains(&alert));
        let Some(flush) = flush(incident, &rows, muted, &self.told, at(second)) else {
            return self.next(second);
        };
        for event in &flush.events {
            incident.apply(event, at(second));
            if let Event::Flushed(Flushed { told: Some(_), alerts, due_at, .. }) = event {
                let alerts = alerts.iter().map(|alert| (alert.title.parse().expect("a number"), alert.resolved));
                self.notifications.push((due_at.duration_since(at(0)).as_secs(), alerts.collect()));
            }
        }
        self.told = flush.told;
        for left in flush.leaving {
            self.rows.retain(|_, row| row.incident != left.incident);
        }
        if !incident.is_open() {
            self.incident = None;
        }
        self.next(second)
    }

    fn next(&self, second: i64) -> Option<i64> {
        match sooner(self.incident.as_ref()?, Next::At(Timestamp::MAX), at(second)) {
            Next::At(at_) => Some(at_.duration_since(at(0)).as_secs()),
            Next::Over(_) => None,
        }
    }
}

/// The notifications of a timeline, when each look comes `late` seconds after it was due.
fn ours(grouping: Grouping, timeline: &[(i64, u8, Change)], end: i64, late: i64) -> Vec<Notification> {
    let mut ours = Ours::new(grouping);
    for second in 0..=end {
        let mut hurried = false;
        for (_, alert, change) in timeline.iter().filter(|(when, ..)| *when == second) {
            ours.happens(second, *alert, *change);
            hurried |= matches!(change, Fires(_));
        }
        let Some(group) = ours.incident.as_ref().and_then(|incident| incident.group.as_ref()) else { continue };
        let since = group.flushed_at.unwrap_or(group.first_flush_at).duration_since(at(0)).as_secs();
        let due = second - late >= since && (second - late - since) % ours.grouping.interval.as_secs() == 0;
        // Whoever joins looks at once when the alert had waited, as long as nobody looked yet.
        hurried &= group.flushed_at.is_none();
        if due || (hurried && late == 0) {
            ours.look(second);
        }
    }
    ours.notifications
}

fn alerts(firing: &[u8], resolved: &[u8]) -> BTreeSet<(u8, bool)> {
    let over = resolved.iter().map(|alert| (*alert, true));
    firing.iter().map(|alert| (*alert, false)).chain(over).collect()
}

#[test]
fn what_is_told_when_is_what_alertmanager_documents() {
    // A timeline with wait 10, interval 30 and repeat 100 seconds, and what is told: when, firing, over.
    #[expect(clippy::type_complexity, reason = "a table")]
    let table: &[(&str, &[(i64, u8, Change)], &[(i64, &[u8], &[u8])])] = &[
        (
            "the first notification waits",
            &[(0, 1, Fires(0)), (9, 2, Fires(0))],
            &[(10, &[1, 2], &[]), (130, &[1, 2], &[])],
        ),
        ("one that had waited is told at once", &[(0, 1, Fires(11))], &[(0, &[1], &[]), (120, &[1], &[])]),
        ("one that waited exactly so long is not", &[(0, 1, Fires(10)), (5, 1, Clears)], &[]),
        (
            "a late one hurries the others",
            &[(0, 1, Fires(0)), (3, 2, Fires(60))],
            &[(3, &[1, 2], &[]), (123, &[1, 2], &[])],
        ),
        (
            "a new one waits for the interval",
            &[(0, 1, Fires(0)), (11, 2, Fires(60))],
            &[(10, &[1], &[]), (40, &[1, 2], &[])],
        ),
        ("what fires and clears within the wait is told to nobody", &[(0, 1, Fires(0)), (9, 1, Clears)], &[]),
        (
            "what fires and clears within the interval is told with the others",
            &[(0, 1, Fires(0)), (12, 2, Fires(0)), (20, 2, Clears)],
            &[(10, &[1], &[]), (40, &[1], &[2])],
        ),
        (
            "some are over",
            &[(0, 1, Fires(0)), (0, 2, Fires(0)), (20, 1, Clears)],
            &[(10, &[1, 2], &[]), (40, &[2], &[1])],
        ),
        ("all are over", &[(0, 1, Fires(0)), (20, 1, Clears)], &[(10, &[1], &[]), (40, &[], &[1])]),
        (
            "a flap between two looks is not seen",
            &[(0, 1, Fires(0)), (15, 1, Clears), (30, 1, Fires(0)), (45, 1, Clears)],
            &[(10, &[1], &[]), (70, &[], &[1])],
        ),
        (
            "after the end it waits again",
            &[(0, 1, Fires(0)), (20, 1, Clears), (41, 1, Fires(0)), (42, 1, Clears), (52, 2, Fires(0))],
            &[(10, &[1], &[]), (40, &[], &[1]), (62, &[2], &[])],
        ),
        (
            "what is silenced is told at the first look after",
            &[(0, 1, Mutes(true)), (0, 1, Fires(0)), (35, 1, Mutes(false))],
            &[(40, &[1], &[])],
        ),
        (
            "what is silenced is left out",
            &[(0, 1, Mutes(true)), (0, 1, Fires(0)), (0, 2, Fires(0))],
            &[(10, &[2], &[])],
        ),
        (
            "what is over while it is silenced is told to nobody",
            &[(0, 1, Fires(0)), (11, 1, Mutes(true)), (20, 1, Clears)],
            &[(10, &[1], &[])],
        ),
    ];
    for (promise, timeline, told) in table {
        let end = told.last().map_or(100, |(second, ..)| second + 20);
        let told: Vec<Notification> =
            told.iter().map(|(second, firing, resolved)| (*second, alerts(firing, resolved))).collect();
        assert_eq!(ours(grouping(10, 30, 100), timeline, end, 0), told, "{promise}");
        assert_eq!(alertmanager(&grouping(10, 30, 100), timeline, end, true), told, "{promise}: Alertmanager");
    }
}

#[test]
fn a_repeat_comes_at_the_first_look_after_it_is_due_and_not_at_the_instant() {
    let always = [(0, 1, Fires(0))];
    let told = |repeat| ours(grouping(10, 30, repeat), &always, 200, 0).iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(told(90), [10, 130], "100 is the instant itself");
    assert_eq!(told(89), [10, 100, 190]);
    assert_eq!(told(1), [10, 40, 70, 100, 130, 160, 190], "the interval rules");
}

#[test]
fn a_look_that_comes_late_sees_the_alerts_as_they_were_when_it_was_due() {
    let timeline = [(0, 1, Fires(0)), (12, 2, Fires(0)), (13, 1, Clears), (42, 3, Fires(0))];
    assert_eq!(
        ours(grouping(10, 30, 1000), &timeline, 100, 4),
        [(10, alerts(&[1], &[])), (40, alerts(&[2], &[1])), (70, alerts(&[2, 3], &[]))]
    );
}

#[test]
fn a_look_between_two_flushes_changes_nothing() {
    let mut ours = Ours::new(grouping(10, 30, 1000));
    ours.happens(0, 1, Fires(0));
    assert_eq!(ours.look(5), Some(10));
    assert_eq!(ours.look(10), Some(40));
    ours.happens(12, 2, Fires(60));
    let before = ours.incident.clone();
    for second in [10, 12, 13, 39] {
        assert_eq!(ours.look(second), Some(40));
    }
    assert_eq!(ours.incident, before);
    let incident = before.expect("a group");
    assert_eq!(
        [39, 40].map(|second| may_flush(&incident, at(second))),
        [false, true],
        "nobody reads its alerts in vain"
    );
    assert_eq!(ours.look(75), Some(100), "a flush that was missed is the last one that was due");
    assert_eq!(ours.notifications.last(), Some(&(70, alerts(&[1, 2], &[]))));
}

#[test]
fn ten_thousand_alerts_are_one_notification_and_the_incident_stays_small() {
    let mut ours = Ours::new(grouping(10, 30, 1000));
    ours.happens(0, 1, Fires(0));
    let first = ours.rows[&1].clone();
    let member = |n: u32| Member {
        incident: IncidentId { fingerprint: Fingerprint::of("am", &format!("x{n}")), generation: 1 },
        ..first.clone()
    };
    let members: Vec<Member> = (0..10_000).map(member).collect();
    let mut incident = ours.incident.expect("a group");
    let flush = flush(&incident, &members, |_| false, &Told::default(), at(10)).expect("a flush");
    flush.events.iter().for_each(|event| incident.apply(event, at(10)));
    let group = incident.group.as_ref().expect("a group");
    assert_eq!((group.firing, group.alerts.len(), group.unlisted()), (10_000, LISTED, 9_980));
    assert_eq!(incident.alert.title, "[FIRING:10000] HighLatency");
    let size = |text: Result<String, _>| text.expect("plain JSON").len();
    assert!(size(serde_json::to_string(&incident)) < 20_000);
    let told = serde_json::to_string(&flush.told);
    assert_eq!(serde_json::from_str::<Told>(told.as_ref().expect("plain JSON")).expect("its own form"), flush.told);
    assert!(size(told) < 120_000);
}

#[test]
fn a_group_is_named_by_its_route_and_its_labels_alone() {
    let one = grouping(1, 2, 3);
    assert_eq!(one.key(), r#"production {alertname="HighLatency"}"#);
    assert_eq!(one.fingerprint(), grouping(4, 5, 6).fingerprint(), "other times are the same group");
    let quoted = Grouping { labels: [("a".to_owned(), "1\", b=\"2".to_owned())].into(), ..one.clone() };
    let two =
        Grouping { labels: [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into(), ..one.clone() };
    assert_ne!(quoted.key(), two.key());
    assert_ne!(Fingerprint::of(INTEGRATION, &one.key()), one.fingerprint(), "no sender can name a group");
    assert_eq!(two.about(), "a=1 b=2");
    assert_eq!(Grouping { labels: BTreeMap::new(), ..one }.about(), "production");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_happens_the_same_is_told_as_by_alertmanager(
        (wait, interval, repeat) in (0..20i64, 1..20i64, 0..60i64),
        story in prop::collection::vec((0..150i64, 0..4u8, 0..5u8, prop::sample::select(vec![0i64, 0, 5, 30])), 1..24),
        muting in any::<bool>(),
    ) {
        let grouping = grouping(wait, interval, repeat);
        let mut timeline: Vec<(i64, u8, Change)> = story.iter().filter_map(|(second, alert, change, ago)| {
            let change = match change {
                0 | 1 => Fires(*ago),
                2 => Clears,
                _ if !muting => return None,
                muted => Mutes(*muted == 3),
            };
            Some((*second, *alert, change))
        }).collect();
        timeline.sort_by_key(|(second, ..)| *second);
        // Without silences the notification log may live on after its group, as Alertmanager's does: it changes nothing.
        // With them it would hide an alert that begins again, and a second message is better than none.
        let theirs = alertmanager(&grouping, &timeline, 300, muting);
        prop_assert_eq!(ours(grouping, &timeline, 300, 0), theirs);
    }
}
