//! The changes of a rehearsal, gathered: many pages that change alike are told in one line.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Change, Kind, Outcome, What};
use crate::incident::IncidentId;

/// Changes that are alike: the same people before, the same after, by the same routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How bad they are.
    pub kind: Kind,
    /// How many.
    pub count: usize,
    /// By the policy that rules, as for the example.
    pub before: Outcome,
    /// By the policy that is proposed, as for the example.
    pub after: Outcome,
    /// The latest of them.
    pub example: IncidentId,
}

/// What an outcome has in common with those that are told in the same line.
type Half<'a> = (What, &'a [String], Option<&'a str>, &'a str);

fn half(outcome: &Outcome) -> Half<'_> {
    (outcome.what, &outcome.who, outcome.route.as_deref(), &outcome.escalation)
}

/// `changes`, gathered: the worst first, then the most.
pub fn summary(changes: &[Change]) -> Vec<Group> {
    let mut groups: BTreeMap<(Kind, Half<'_>, Half<'_>), (usize, &Change)> = BTreeMap::new();
    for change in changes {
        let key = (change.kind, half(&change.before), half(&change.after));
        let (count, example) = groups.entry(key).or_insert((0, change));
        *count += 1;
        if change.at > example.at {
            *example = change;
        }
    }
    let group = |(count, example): (usize, &Change)| Group {
        kind: example.kind,
        count,
        before: example.before.clone(),
        after: example.after.clone(),
        example: example.incident.clone(),
    };
    let mut groups: Vec<Group> = groups.into_values().map(group).collect();
    // Stable: those that are as bad and as many stay in the order of their routes.
    groups.sort_by_key(|group| (group.kind, std::cmp::Reverse(group.count)));
    groups
}
