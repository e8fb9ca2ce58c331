//! Whatever order a sender's messages come in, however often, and if somebody sends them all again a day later: the
//! history that they leave is the same.

use std::collections::BTreeSet;

use domain::dedup;
use domain::fingerprint::Fingerprint;
use domain::incident::{Incident, Status};
use domain::signal::{Action, Signal};
use jiff::SignedDuration;

use super::{Sent, fixtures, now};

/// One problem each, in the words of its sender, in the order in which they happened.
const STORIES: [&[&str]; 11] = [
    &["grafana-firing", "grafana-resolved"],
    &["sentry-issue-alert", "sentry-issue-resolved"],
    &["sentry-metric-critical", "sentry-metric-resolved"],
    &["datadog-triggered", "datadog-recovered"],
    &["github-deployment-failure", "github-deployment-success"],
    &["github-workflow-failure", "github-workflow-success"],
    &["gitlab-pipeline-failed", "gitlab-pipeline-success"],
    &["gitlab-deployment-failed", "gitlab-deployment-success"],
    &["zendesk-ticket-created", "zendesk-ticket-pending", "zendesk-ticket-solved"],
    &["intercom-conversation-created", "intercom-conversation-replied-by-admin", "intercom-conversation-closed"],
    &["pagerdutywebhook-triggered", "pagerdutywebhook-acknowledged", "pagerdutywebhook-resolved"],
];

/// What is known of one problem.
#[derive(Default)]
struct World {
    incidents: Vec<Incident>,
    recorded: BTreeSet<String>,
}

impl World {
    fn take(&mut self, sent: &Sent) {
        // What is refused leaves no trace.
        let signals = sent.receive().map(|received| received.signals).unwrap_or_default();
        for signal in signals.iter().filter(|signal| signal.action != Action::Change) {
            self.merge(signal, sent);
        }
    }

    fn merge(&mut self, signal: &Signal, sent: &Sent) {
        let fingerprint: &Fingerprint = &signal.fingerprint;
        let recorded = |signal: &Signal| self.recorded.contains(&signal.id);
        let one = std::slice::from_ref(signal);
        let merge = dedup::merge(fingerprint, self.incidents.last(), one, recorded, sent.at);
        if merge.events.is_empty() {
            return;
        }
        let mut after = merge.incident.clone();
        if after.seq == 0 {
            self.incidents.push(after.clone());
        }
        let record = after.record(&signal.sender().cause("test"), merge.events, sent.at);
        let entry = record.seal();
        after.fold(&record, entry.hash);
        *self.incidents.last_mut().expect("pushed") = after;
        self.recorded.insert(signal.id.clone());
    }

    /// How many incidents there were, how each ended, how often each was told, and by which signals.
    fn history(&self) -> (Vec<(Status, u64)>, BTreeSet<String>) {
        let ends = self.incidents.iter().map(|incident| (incident.status, incident.occurrences));
        (ends.collect(), self.recorded.clone())
    }
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

#[test]
fn in_any_order_twice_and_a_day_later_the_history_is_the_same() {
    let all: Vec<_> = fixtures().collect();
    let body = |name: &str| all.iter().find(|(known, _)| known == name).expect("a fixture").1.clone();
    for story in STORIES {
        let deliver = |order: &[usize], copies: i64, days: i64| {
            let mut world = World::default();
            for day in 0..=days {
                for (place, which) in (0_i64..).zip(order) {
                    let signed = now() + SignedDuration::from_secs(place);
                    for copy in 0..copies {
                        let at = signed + SignedDuration::from_hours(24 * day) + SignedDuration::from_millis(copy);
                        let id = format!("{day}-{place}-{copy}");
                        let letter = Sent::fixture_at(story[*which], &body(story[*which]), signed);
                        world.take(&Sent { at, id, ..letter });
                    }
                }
            }
            world.history()
        };
        let straight: Vec<usize> = (0..story.len()).collect();
        let expected = deliver(&straight, 1, 0);
        assert_eq!(expected.0, [(Status::Resolved, 1)], "{story:?}");
        for order in orders(story.len()) {
            for (copies, days) in [(1, 0), (2, 0), (2, 1)] {
                assert_eq!(deliver(&order, copies, days), expected, "{story:?} {order:?}, {copies} times, {days} days");
            }
        }
    }
}

#[test]
fn where_the_sender_states_no_time_the_order_of_arrival_counts_and_the_same_words_again_are_a_new_problem() {
    let all: Vec<_> = fixtures().collect();
    for (beginning, end) in [("oncall-alerting", "oncall-ok"), ("pagerdutyv1-trigger", "pagerdutyv1-resolve")] {
        let mut world = World::default();
        for (second, name) in (0_i64..).zip([beginning, end, beginning, end]) {
            let (_, body) = all.iter().find(|(known, _)| known == name).expect("a fixture");
            let at = now() + SignedDuration::from_secs(second);
            let sent = Sent { at, id: format!("request-{second}"), ..Sent::fixture(name, body) };
            world.take(&sent);
            // The queue hands a message out again, which is the same signal.
            world.take(&sent);
        }
        assert_eq!(world.history().0, [(Status::Resolved, 1), (Status::Resolved, 1)], "{beginning}");
    }
}
