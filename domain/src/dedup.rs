//! Deduplication: folding the signals of one fingerprint into its incidents.
//!
//! The queue may deliver in any order and more than once, so nothing here depends on arrival: event times decide.
//! Whatever order signals come in, the fingerprint ends firing or not by the latest of them, and each is counted once.

use jiff::Timestamp;

use crate::escalation;
use crate::fingerprint::Fingerprint;
use crate::incident::{Actor, Event, Incident, IncidentId, Seen, Status};
use crate::recent::Known;
use crate::route::Noise;
use crate::signal::{Action, Signal};

/// What a run of signals does to one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The incident before, which may be one that nothing is known of yet.
    pub incident: Incident,
    /// What to write in its log; nothing when every signal was there already.
    pub events: Vec<Event>,
    /// How many of the signals, from the first, are dealt with by this; the rest belong to the next incident.
    pub taken: usize,
    /// How many of those were in the log already.
    pub known: usize,
}

impl Merge {
    /// Whether this opens an incident that somebody may have to be told of.
    pub fn opens(&self) -> bool {
        let opened = self.events.iter().any(|event| matches!(event, Event::Opened { .. }));
        opened && !self.events.iter().any(|event| matches!(event, Event::Resolved { .. }))
    }
}

#[cfg(test)]
impl Merge {
    /// The incident once the events are written at `now`.
    fn after(self, now: Timestamp) -> Incident {
        let mut incident = self.incident;
        let record = incident.record(&crate::cause::Cause::own("test"), self.events, now);
        let hash = record.seal().hash;
        incident.fold(&record, hash);
        incident
    }
}

/// The order in which signals are folded: by event time, and at the same instant trigger, acknowledge, resolve.
pub fn sort(signals: &mut [Signal]) {
    signals.sort_by(|a, b| (a.at, a.action, &a.id).cmp(&(b.at, b.action, &b.id)));
}

/// What sorted `signals` of `fingerprint` do, given its latest incident and what `was_recorded` says of those that the
/// incident itself is unsure of.
///
/// Call it again with the rest until every signal is taken.
pub fn merge(
    fingerprint: &Fingerprint,
    latest: Option<&Incident>,
    signals: &[Signal],
    was_recorded: impl Fn(&Signal) -> bool,
    now: Timestamp,
) -> Merge {
    let incident = base(fingerprint, latest, signals, &was_recorded);
    let mut after = incident.clone();
    let mut events = Vec::new();
    let mut counted = Vec::new();
    let (mut taken, mut known) = (0, 0);
    for signal in signals {
        if taken > 0 && belongs_to_the_next(&after, signal, &was_recorded) {
            break;
        }
        taken += 1;
        if is_known(&after, signal, &was_recorded) {
            known += 1;
            continue;
        }
        let mut happened = |after: &mut Incident, event: Event| {
            after.apply(&event, now);
            events.push(event);
        };
        if signal.action == Action::Trigger && after.status == Status::Expected {
            let Signal { integration, key, alert, .. } = signal.clone();
            let follows = latest.filter(|latest| latest.id != after.id).and_then(Incident::ended_at);
            happened(&mut after, Event::Opened { integration, key, alert, follows });
            let pulse = latest.filter(|latest| latest.id != after.id).map(|latest| latest.pulse.handed_on(now));
            if let Some(pulse) = pulse.filter(|pulse| !pulse.is_empty()) {
                happened(&mut after, Event::Recalled { pulse });
            }
        }
        let seen = Seen {
            id: signal.id.clone(),
            action: signal.action,
            at: signal.at,
            received_at: signal.received_at,
            severity: signal.alert.severity,
        };
        after.apply(&Event::Signalled { signals: vec![seen.clone()] }, now);
        counted.push(seen);
        while let Some(event) = consequence(&after, &signal.integration, now) {
            happened(&mut after, event);
        }
    }
    if !counted.is_empty() {
        // Before its consequences, and after the opening: the order in which a person would tell it.
        let place = usize::from(matches!(events.first(), Some(Event::Opened { .. })));
        events.insert(place, Event::Signalled { signals: counted });
    }
    Merge { incident, events, taken, known }
}

fn is_known(incident: &Incident, signal: &Signal, was_recorded: &impl Fn(&Signal) -> bool) -> bool {
    match knows(incident, signal) {
        Known::Yes => true,
        Known::No => false,
        Known::Unsure => was_recorded(signal),
    }
}

/// Whether the log of `incident` has `signal`. What happened before it began may be in the log of the one before.
fn knows(incident: &Incident, signal: &Signal) -> Known {
    let earlier = incident.follows.is_some_and(|ended| signal.at <= ended || signal.unique_since <= ended);
    match incident.signals.knows(&signal.id, signal.unique_since) {
        Known::No if earlier => Known::Unsure,
        known => known,
    }
}

/// The incident that the first of `signals` concerns: the latest, or the one after it.
fn base(
    fingerprint: &Fingerprint,
    latest: Option<&Incident>,
    signals: &[Signal],
    was_recorded: &impl Fn(&Signal) -> bool,
) -> Incident {
    let next = |generation| Incident::expected(IncidentId { fingerprint: fingerprint.clone(), generation });
    let begins =
        |latest: &Incident| signals.first().is_some_and(|first| belongs_to_the_next(latest, first, was_recorded));
    match latest {
        None => next(1),
        Some(latest) if begins(latest) => next(latest.id.generation + 1),
        Some(latest) => latest.clone(),
    }
}

/// A trigger after the end of an incident is the beginning of another; everything else still concerns the ended one.
///
/// A person ends it by our clock, and a sender's may be behind: what reaches us after that end, and is no copy of what
/// we had, is a new problem whatever time it states. A second page is better than none.
fn belongs_to_the_next(incident: &Incident, signal: &Signal, was_recorded: &impl Fn(&Signal) -> bool) -> bool {
    let (Some(ended), Some(resolution)) = (incident.ended_at(), &incident.resolution) else { return false };
    if signal.action != Action::Trigger {
        return false;
    }
    let after_a_person = !resolution.by.is_integration() && signal.received_at > resolution.at;
    signal.at > ended || (after_a_person && !is_known(incident, signal, was_recorded))
}

/// What follows for an open incident from the event times it has seen so far.
fn consequence(incident: &Incident, integration: &str, now: Timestamp) -> Option<Event> {
    if !incident.is_open() {
        return None;
    }
    let by = || Actor::integration(integration);
    let cleared = incident.last_resolve_at.filter(|cleared| Some(*cleared) >= incident.last_trigger_at);
    if let Some(covers) = cleared {
        return Some(Event::Resolved { by: by(), covers });
    }
    if escalation::waits_for_more(incident) && has_reached_its_threshold(incident) {
        return Some(Event::ThresholdReached);
    }
    // An acknowledgement that expired, or that a person cut short, is not brought back by an older signal.
    let since = incident.first_trigger_at.max(incident.paging.resumed_at);
    let taken_on = incident.last_acknowledge_at.is_some_and(|at| Some(at) >= since);
    if taken_on && incident.status == Status::Triggered { incident.acknowledged(by(), now) } else { None }
}

/// Whether as many triggers came as the route asked for.
fn has_reached_its_threshold(incident: &Incident) -> bool {
    match incident.decision.as_ref().and_then(|decision| decision.noise) {
        Some(Noise::Threshold { count, within }) => incident.pulse.reached(count as usize, within),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cause::{Cause, Proof};
    use crate::log::{self, Entry};
    use crate::signal::Alert;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    fn signal(id: usize, action: Action, second: i64) -> Signal {
        Signal {
            id: format!("s{id}"),
            integration: "pd".to_owned(),
            proof: Proof::SenderToken,
            action,
            fingerprint: Fingerprint::of("pd", "k"),
            key: "k".to_owned(),
            at: at(second),
            received_at: at(second),
            unique_since: at(second),
            alert: Alert { title: format!("t{id}"), ..Alert::default() },
        }
    }

    /// A fingerprint's whole log, as the stores would keep it.
    #[derive(Default)]
    struct World {
        incidents: Vec<Incident>,
        entries: Vec<Vec<Entry>>,
    }

    impl World {
        fn deliver(&mut self, mut batch: Vec<Signal>) {
            sort(&mut batch);
            let mut rest = batch.as_slice();
            while !rest.is_empty() {
                let fingerprint = Fingerprint::of("pd", "k");
                let entries = self.entries.concat();
                let recorded =
                    |signal: &Signal| entries.iter().any(|entry| entry.body.contains(&format!("\"{}\"", signal.id)));
                let merge = merge(&fingerprint, self.incidents.last(), rest, recorded, at(1000));
                rest = &rest[merge.taken..];
                if merge.events.is_empty() {
                    continue;
                }
                let mut after = merge.incident.clone();
                if after.seq == 0 {
                    self.incidents.push(after.clone());
                    self.entries.push(Vec::new());
                }
                let record = after.record(&Cause::own("test"), merge.events, at(1000));
                let entry = record.seal();
                after.fold(&record, entry.hash.clone());
                *self.incidents.last_mut().expect("pushed") = after;
                self.entries.last_mut().expect("pushed").push(entry);
            }
        }

        fn firing(&self) -> bool {
            self.incidents.last().is_some_and(Incident::is_open)
        }

        fn counted(&self) -> u64 {
            self.incidents.iter().map(|incident| incident.occurrences).sum()
        }
    }

    #[test]
    fn c07_c13_what_signals_do_one_after_the_other() {
        use Action::{Acknowledge as A, Resolve as R, Trigger as T};
        // Signals as they arrive, then how many incidents that makes, the status of the latest, and the triggers counted.
        #[allow(clippy::type_complexity, reason = "a table")]
        let table: &[(&[(Action, i64)], usize, Option<Status>, u64)] = &[
            (&[], 0, None, 0),
            (&[(T, 1)], 1, Some(Status::Triggered), 1),
            (&[(T, 1), (T, 2), (T, 2)], 1, Some(Status::Triggered), 3),
            (&[(T, 1), (A, 2)], 1, Some(Status::Acknowledged), 1),
            (&[(A, 2), (T, 1)], 1, Some(Status::Acknowledged), 1),
            (&[(A, 1), (T, 2)], 1, Some(Status::Triggered), 1),
            (&[(T, 1), (R, 2)], 1, Some(Status::Resolved), 1),
            (&[(R, 2), (T, 1)], 1, Some(Status::Resolved), 1),
            (&[(R, 1), (T, 1)], 1, Some(Status::Resolved), 1),
            (&[(R, 1), (T, 2)], 1, Some(Status::Triggered), 1),
            (&[(T, 1), (R, 2), (T, 3)], 2, Some(Status::Triggered), 2),
            (&[(T, 3), (R, 2), (T, 1)], 1, Some(Status::Triggered), 2),
            (&[(T, 1), (R, 2), (T, 1)], 1, Some(Status::Resolved), 2),
            (&[(T, 1), (R, 2), (R, 5), (A, 6)], 1, Some(Status::Resolved), 1),
            (&[(R, 1)], 1, Some(Status::Expected), 0),
        ];
        for (arrivals, incidents, status, counted) in table {
            let mut world = World::default();
            for (id, (action, second)) in arrivals.iter().enumerate() {
                world.deliver(vec![signal(id, *action, *second)]);
            }
            assert_eq!(world.incidents.len(), *incidents, "{arrivals:?}");
            assert_eq!(world.incidents.last().map(|latest| latest.status), *status, "{arrivals:?}");
            assert_eq!(world.counted(), *counted, "{arrivals:?}");
        }
    }

    #[test]
    fn after_a_person_ended_it_our_clock_says_what_is_new_and_a_copy_is_not() {
        let fingerprint = Fingerprint::of("pd", "k");
        let old = signal(1, Action::Trigger, 10);
        let mut incident = merge(&fingerprint, None, std::slice::from_ref(&old), |_| false, at(10)).after(at(10));
        let resolved = Event::Resolved { by: Actor::person("ana"), covers: at(100) };
        incident.apply(&resolved, at(100));
        // The sender's clock is behind: it happened at 60 and reached us at 120.
        let slow = Signal { at: at(60), received_at: at(120), unique_since: at(120), ..signal(2, Action::Trigger, 60) };
        let before = Signal { received_at: at(90), unique_since: at(90), ..slow.clone() };
        let copy = Signal { received_at: at(120), ..old };
        for (arrives, generation) in [(&slow, 2), (&before, 1), (&copy, 1)] {
            let merged = merge(&fingerprint, Some(&incident), std::slice::from_ref(arrives), |_| false, at(121));
            assert_eq!(merged.incident.id.generation, generation, "{arrives:?}");
            assert_eq!(merged.opens(), generation == 2);
        }
    }

    #[test]
    fn c13_a_resolve_with_nothing_open_tells_nobody() {
        let merge = merge(&Fingerprint::of("pd", "k"), None, &[signal(1, Action::Resolve, 1)], |_| false, at(5));
        assert!(!merge.opens());
    }

    proptest! {
        #[test]
        fn c10_e19_in_any_order_and_any_batches_the_fingerprint_ends_the_same(
            story in prop::collection::vec((0..3u8, 0..8i64), 1..12),
            shuffle in any::<u64>(),
            cuts in prop::collection::vec(any::<bool>(), 12),
        ) {
            let signals: Vec<Signal> = story.iter().enumerate().map(|(id, (action, second))| {
                let action = [Action::Trigger, Action::Acknowledge, Action::Resolve][usize::from(*action)];
                signal(id, action, *second)
            }).collect();
            let mut shuffled = signals.clone();
            // A fixed permutation of the seed: the rules themselves know no randomness, nor do their tests.
            shuffled.sort_by_key(|signal| crate::log::Hash::of(format!("{shuffle}{}", signal.id).as_bytes()).to_string());

            let mut in_order = World::default();
            in_order.deliver(signals.clone());
            let mut world = World::default();
            let mut batch = Vec::new();
            for (signal, cut) in shuffled.iter().zip(&cuts) {
                batch.push(signal.clone());
                // Each signal is delivered twice: the second copy changes nothing.
                if *cut { world.deliver(batch.clone()); world.deliver(std::mem::take(&mut batch)); }
            }
            world.deliver(batch);

            prop_assert_eq!(world.firing(), in_order.firing());
            prop_assert_eq!(world.counted(), in_order.counted());
            let triggers = signals.iter().filter(|signal| signal.action == Action::Trigger).count();
            prop_assert_eq!(world.counted(), triggers as u64);
            for (incident, entries) in world.incidents.iter().zip(&world.entries) {
                prop_assert_eq!(log::verify(&incident.id.stream(), entries), Ok(incident.head.clone()));
                let mut folded = Incident::expected(incident.id.clone());
                for entry in entries {
                    let record = log::Record::open(entry).expect("a record");
                    folded.fold(&record, entry.hash.clone());
                }
                prop_assert_eq!(&folded, incident);
            }
        }
    }
}
