//! Whatever order the messages of a problem come in, however often, and if somebody sends them all again a day later: the
//! history that they leave is the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::dedup;
use domain::fingerprint::Fingerprint;
use domain::incident::{Incident, Status};
use domain::signal::{Action, Signal};
use jiff::SignedDuration;

use super::{Sent, by_aws, fixtures, is_of_aws, now, policy};

/// What says in which order the messages of a sender happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// They do: each states its time, or signs it. One that comes again is a copy.
    Stated,
    /// When they reached us: its sender states no time, or one that stays the same when it fires anew, as Alertmanager's
    /// does after Prometheus was out of reach for a while. What it says once more, it says anew.
    Arrival,
    /// The same, but what fires says until when it holds, and an end is told for a while.
    Repeated,
}

/// One problem each, in the words of its sender, in the order in which they happened.
const STORIES: [(Order, &[&str]); 28] = [
    (Order::Arrival, &["pagerduty-trigger", "pagerduty-acknowledge", "pagerduty-resolve"]),
    (Order::Arrival, &["pagerdutyv1-trigger", "pagerdutyv1-acknowledge", "pagerdutyv1-resolve"]),
    (Order::Arrival, &["alertmanager-firing", "alertmanager-resolved"]),
    (Order::Repeated, &["prometheus-firing", "prometheus-resolved"]),
    (Order::Arrival, &["oncall-alerting", "oncall-ok"]),
    (Order::Stated, &["generic-triggered", "generic-acknowledged", "generic-resolved"]),
    (Order::Stated, &["mapped-down", "mapped-up"]),
    (Order::Stated, &["grafana-firing", "grafana-resolved"]),
    (Order::Stated, &["sentry-issue-alert", "sentry-issue-resolved"]),
    (Order::Stated, &["sentry-metric-critical", "sentry-metric-resolved"]),
    (Order::Stated, &["datadog-triggered", "datadog-recovered"]),
    (Order::Stated, &["github-deployment-failure", "github-deployment-success"]),
    (Order::Stated, &["github-workflow-failure", "github-workflow-success"]),
    (Order::Stated, &["gitlab-pipeline-failed", "gitlab-pipeline-success"]),
    (Order::Stated, &["gitlab-deployment-failed", "gitlab-deployment-success"]),
    (Order::Stated, &["zendesk-ticket-created", "zendesk-ticket-pending", "zendesk-ticket-solved"]),
    (
        Order::Stated,
        &["intercom-conversation-created", "intercom-conversation-replied-by-admin", "intercom-conversation-closed"],
    ),
    (Order::Stated, &["pagerdutywebhook-triggered", "pagerdutywebhook-acknowledged", "pagerdutywebhook-resolved"]),
    (Order::Stated, &["cloudwatch-alarm", "cloudwatch-ok"]),
    (Order::Stated, &["cloudwatch-sns-alarm", "cloudwatch-ok"]),
    (Order::Stated, &["sns-alarm", "sns-ok"]),
    (Order::Stated, &["guardduty-finding", "guardduty-archived"]),
    (Order::Stated, &["securityhub-failed", "securityhub-passed"]),
    (Order::Stated, &["health-issue", "health-closed"]),
    (Order::Stated, &["backup-failed", "backup-completed"]),
    (Order::Stated, &["email-firing", "email-clearing"]),
    // Their senders tell no ends.
    (Order::Stated, &["cost-anomaly"]),
    (Order::Stated, &["cost-sns-anomaly"]),
];

/// How often each message is delivered, and on how many days after the first.
const DELIVERIES: [(i64, i64); 3] = [(1, 0), (2, 0), (2, 1)];

/// What is known, by problem.
#[derive(Default)]
struct World {
    incidents: BTreeMap<Fingerprint, Vec<Incident>>,
    recorded: BTreeSet<String>,
}

impl World {
    fn take(&mut self, signals: &[Signal]) {
        for signal in signals.iter().filter(|signal| signal.action != Action::Change) {
            self.merge(signal);
        }
    }

    fn merge(&mut self, signal: &Signal) {
        let incidents = self.incidents.entry(signal.fingerprint.clone()).or_default();
        let recorded = |signal: &Signal| self.recorded.contains(&signal.id);
        let one = std::slice::from_ref(signal);
        let merge = dedup::merge(&signal.fingerprint, incidents.last(), one, recorded, signal.received_at);
        if merge.events.is_empty() {
            return;
        }
        let mut after = merge.incident;
        if after.seq == 0 {
            incidents.push(after.clone());
        }
        let record = after.record(&signal.sender().cause("test"), merge.events, signal.received_at);
        let entry = record.seal();
        after.fold(&record, entry.hash);
        *incidents.last_mut().expect("pushed") = after;
        self.recorded.insert(signal.id.clone());
    }

    /// How many incidents there were, how each ended, how often each was told, and by which signals.
    fn history(&self) -> (Vec<(Status, u64)>, BTreeSet<String>) {
        let ends = self.incidents.values().flatten().map(|incident| (incident.status, incident.occurrences));
        (ends.collect(), self.recorded.clone())
    }
}

/// What comes of the fixture `name` when it is sent so many seconds after now, and reaches us so much later; nothing
/// when it is refused.
fn heard(name: &str, sent: i64, later: SignedDuration) -> Vec<Signal> {
    let (_, body) = fixtures().find(|(known, _)| known == name).expect("a fixture");
    let sent_at = now() + SignedDuration::from_secs(sent);
    let at = sent_at + later;
    if is_of_aws(name) {
        let event = serde_json::from_slice(&body).expect("JSON");
        return by_aws(&event, &policy(), at).unwrap_or_default();
    }
    let sent = match name.split('-').next() {
        Some("generic") => Sent::new("/v1/signals/generic", &body).signed_as(name, sent_at),
        _ => Sent::fixture_at(name, &body, sent_at),
    };
    let received = Sent { at, id: format!("{name} at {at}"), ..sent }.receive();
    received.map(|received| received.signals).unwrap_or_default()
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let places = shorter.iter().flat_map(|order| {
        (0..count).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, count - 1);
            longer
        })
    });
    places.collect()
}

/// The history when `order` is delivered, each message so many times, on the first day and so many others.
fn delivered(order: &[usize], copies: i64, days: i64, message: impl Fn(usize, SignedDuration) -> Vec<Signal>) -> World {
    let mut world = World::default();
    for day in 0..=days {
        for (place, which) in (0..).zip(order) {
            for copy in 0..copies {
                let later =
                    SignedDuration::from_hours(24 * day) + SignedDuration::from_millis(10_000 + 10 * place + copy);
                world.take(&message(*which, later));
            }
        }
    }
    world
}

fn told_in_order(story: &[&str]) -> (Vec<(Status, u64)>, BTreeSet<String>) {
    let straight: Vec<usize> = (0..story.len()).collect();
    delivered(&straight, 1, 0, |which, later| heard(story[which], seconds(which), later)).history()
}

fn seconds(which: usize) -> i64 {
    i64::try_from(which).expect("a few")
}

#[test]
fn every_problem_of_a_sender_that_tells_its_end_begins_once_and_ends() {
    for (_, story) in STORIES {
        let (ends, _) = told_in_order(story);
        let begun: Vec<_> = ends.iter().filter(|(_, occurrences)| *occurrences > 0).collect();
        let end = if story.len() > 1 { Status::Resolved } else { Status::Triggered };
        // Alertmanager's and Prometheus's fixtures hold a second alert, which is none of the story.
        let others = if ["alertmanager-firing", "prometheus-firing"].contains(&story[0]) { begun.len() - 1 } else { 0 };
        assert_eq!(begun.len() - others, 1, "{story:?}");
        assert!(begun.contains(&&(end, 1)), "{story:?}: {ends:?}");
    }
}

#[test]
fn however_the_queue_delivers_what_a_sender_said_the_history_is_the_same() {
    for (_, story) in STORIES {
        let said: Vec<Vec<Signal>> = story
            .iter()
            .enumerate()
            .map(|(which, name)| heard(name, seconds(which), SignedDuration::from_secs(10)))
            .collect();
        let expected = told_in_order(story).0;
        for order in orders(story.len()) {
            for (copies, days) in DELIVERIES {
                let history = delivered(&order, copies, days, |which, _| said[which].clone()).history();
                assert_eq!(history.0, expected, "{story:?} {order:?}, {copies} times, {days} days");
            }
        }
    }
}

#[test]
fn in_whatever_order_senders_that_state_times_reach_us_twice_and_a_day_later_the_history_is_the_same() {
    for (_, story) in STORIES.iter().filter(|(order, _)| *order == Order::Stated) {
        let expected = told_in_order(story);
        for order in orders(story.len()) {
            for (copies, days) in DELIVERIES {
                let message = |which: usize, later| heard(story[which], seconds(which), later);
                let history = delivered(&order, copies, days, message).history();
                assert_eq!(history, expected, "{story:?} {order:?}, {copies} times, {days} days");
            }
        }
    }
}

#[test]
fn what_a_sender_that_states_no_times_says_once_more_is_a_new_problem_with_an_end_of_its_own() {
    for (_, story) in STORIES.iter().filter(|(order, _)| *order == Order::Arrival) {
        let mut world = World::default();
        for round in 0..2 {
            for (which, name) in story.iter().enumerate() {
                let signals = heard(name, seconds(which), SignedDuration::from_mins(1 + round));
                world.take(&signals);
                // The queue hands a message out again, which is the same signal.
                world.take(&signals);
            }
        }
        let (ends, _) = world.history();
        let resolved = ends.iter().filter(|end| **end == (Status::Resolved, 1)).count();
        assert_eq!(resolved, 2, "{story:?}: {ends:?}");
    }
}

#[test]
fn what_prometheus_said_a_day_ago_begins_nothing() {
    for (_, story) in STORIES.iter().filter(|(order, _)| *order == Order::Repeated) {
        let straight: Vec<usize> = (0..story.len()).collect();
        let message = |which: usize, later| heard(story[which], seconds(which), later);
        let mut world = delivered(&straight, 1, 0, message);
        let (before, _) = world.history();
        for (which, name) in story.iter().enumerate() {
            let signals = heard(name, seconds(which), SignedDuration::from_hours(24));
            world.take(&signals[..1]);
        }
        assert_eq!(world.history().0, before, "{story:?}");
    }
}

#[test]
fn there_is_a_story_of_every_sender() {
    let sender = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    let told: BTreeSet<String> = STORIES.iter().flat_map(|(_, story)| story.iter().map(|name| sender(name))).collect();
    for (name, _) in fixtures().filter(|(name, _)| !name.starts_with("malformed-")) {
        let begins = heard(&name, 0, SignedDuration::ZERO).iter().any(|signal| signal.action == Action::Trigger);
        assert!(!begins || told.contains(&sender(&name)), "{name}");
    }
}
