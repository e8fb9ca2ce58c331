//! What holds after every journey, whatever broke on the way (faults.md, section 4).

use std::collections::{BTreeMap, BTreeSet};

use domain::escalation::Fate;
use domain::fsck::{self, Around, Execution, GRACE, State};
use domain::incident::{Actor, Event, Incident, IncidentId, Status};
use domain::log::Record;
use domain::policy::Policy;
use domain::schedule::Covers;
use domain::silence::Silences;
use jiff::Timestamp;
use serde_json::Value;

use super::installation::Installation;
use crate::cases::assert_whole;
use crate::standin::World;

/// What a journey came to, without anything that is another each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Each incident in a few words.
    incidents: Vec<String>,
    /// What was written in the ledgers that people change.
    ledgers: Vec<String>,
    /// How often each page arrived.
    pages: BTreeMap<String, usize>,
}

/// Checks all that must hold; no message may be left on a queue, or have been given up.
pub fn check(place: &Installation) {
    let world = place.standin.world.lock().unwrap();
    assert_empty(&world, &["signals", "dead-letters"]);
    let incidents = world.incidents();
    for incident in &incidents {
        assert_whole(&world, incident);
        assert_nobody_is_paged_in_vain(&world, incident);
        assert_somebody_comes_by(place, incident);
    }
    assert_well(place, &world, &incidents);
}

fn assert_empty(world: &World, queues: &[&str]) {
    for queue in queues {
        assert!(world.queues.get(*queue).is_none_or(Vec::is_empty), "{queue}: {:?}", world.queues[*queue]);
    }
}

/// What `watchkeeper fsck` would say.
fn assert_well(place: &Installation, world: &World, incidents: &[Incident]) {
    let streams: BTreeSet<&String> =
        world.tables.get("records").into_iter().flatten().map(|((name, _), _)| name).collect();
    let logs = streams.into_iter().map(|name| (name.clone(), world.stream(name))).collect();
    let executions: Vec<Execution> = place
        .executions
        .iter()
        .map(|known| Execution { name: known.name.clone(), running: known.ended.is_none() })
        .collect();
    let policies: BTreeMap<&str, Policy> = world
        .objects
        .iter()
        .filter_map(|(name, text)| {
            let hash = name.strip_prefix("policies/policies/").filter(|name| *name != "active")?;
            Some((hash, serde_json::from_slice(text).unwrap()))
        })
        .collect();
    let silences = Silences::default();
    let incident_of = |id: &IncidentId| incidents.iter().find(|known| known.id == *id);
    let report = fsck::check(&State {
        incidents,
        logs: &logs,
        executions: &executions,
        accepted: &[],
        covered: None,
        around: Around {
            policy: &|hash| policies.get(hash.as_str()).or_else(|| policies.values().next()).unwrap(),
            covers: Covers::NONE,
            silences: &silences,
            over_since: &|id| match incident_of(id) {
                Some(known) => known.resolution.as_ref().map(|ended| ended.at),
                None => Some(Timestamp::UNIX_EPOCH),
            },
            grace: GRACE,
            now: Timestamp::now(),
        },
    });
    assert!(report.is_well(), "{:?}", report.findings);
}

/// How each incident stands in the end, and who had it.
pub fn ends(place: &Installation) -> Vec<String> {
    let by = |actor: Option<&Actor>| actor.map_or("nobody", Actor::as_str).to_owned();
    let end = |incident: &Incident| {
        let taken = by(incident.acknowledgement.as_ref().map(|taken| &taken.by));
        let ended = by(incident.resolution.as_ref().map(|ended| &ended.by));
        format!("{}: {:?}, taken by {taken}, ended by {ended}", incident.id, incident.status)
    };
    place.standin.world.lock().unwrap().incidents().iter().map(end).collect()
}

/// Each incident in a few words, for whoever wonders what became of it.
pub fn stories(place: &Installation) -> Vec<String> {
    place.standin.world.lock().unwrap().incidents().iter().map(told).collect()
}

/// The incidents that somebody was paged about.
pub fn paged(place: &Installation) -> BTreeSet<String> {
    let of = |id: &str| id.splitn(3, '-').take(2).collect::<Vec<_>>().join("-");
    place.pages().iter().map(|page| of(&page.id)).collect()
}

/// What the journey came to, after a check of all that must hold.
pub fn outcome(place: &Installation) -> Outcome {
    check(place);
    let mut world = place.standin.world.lock().unwrap();
    assert_empty(&world, &["incident-dead-letters"]);
    let incidents = world.incidents();
    let mut pages = BTreeMap::new();
    for page in place.pages() {
        *pages.entry(format!("{} {}", page.person, page.id)).or_default() += 1;
    }
    let ledgers = ["policy", "silences"].into_iter().flat_map(|stream| events(&world, stream)).collect();
    world.calls.clear();
    Outcome { incidents: incidents.iter().map(told).collect(), ledgers, pages }
}

impl Outcome {
    /// That this is what `expected` is, but for one page more at most.
    pub fn assert_is(&self, expected: &Self) {
        assert_eq!(self.incidents, expected.incidents);
        assert_eq!(self.ledgers, expected.ledgers);
        let names = |outcome: &Self| outcome.pages.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(expected), "nobody is left out, and nobody is paged for nothing");
        let count = |outcome: &Self| outcome.pages.values().sum::<usize>();
        assert!(count(self) <= count(expected) + 1, "more than one page too many: {:?}", self.pages);
    }

    /// How many pages arrived.
    pub fn pages(&self) -> usize {
        self.pages.values().sum()
    }
}

fn told(incident: &Incident) -> String {
    let Incident { id, status, silenced_by, paging, .. } = incident;
    let by = |actor: Option<&Actor>| actor.map_or("nobody", Actor::as_str).to_owned();
    let taken = by(incident.acknowledgement.as_ref().map(|taken| &taken.by));
    let ended = by(incident.resolution.as_ref().map(|ended| &ended.by));
    let deliveries = paging.deliveries.iter().map(|delivery| {
        let fate = match delivery.fate {
            Fate::Accepted { .. } => "accepted",
            Fate::Failed { .. } => "failed",
            Fate::Cancelled { .. } => "cancelled",
            Fate::Waiting { .. } => "waiting",
            Fate::Sending { .. } => "sending",
        };
        format!("{} {} {fate}", delivery.id, delivery.to)
    });
    let deliveries: Vec<String> = deliveries.collect();
    let decided =
        incident.decision.as_ref().map(|decision| (&decision.escalation, decision.handling, decision.catch_all));
    format!(
        "{id}: {status:?}, decided {decided:?}, taken by {taken}, ended by {ended}, silenced {}, at {:?}, exhausted {}, told {deliveries:?}",
        silenced_by.len(),
        paging.position,
        paging.exhausted
    )
}

/// The kinds of the events in a stream, in order.
fn events(world: &World, stream: &str) -> Vec<String> {
    let entries = world.stream(stream);
    domain::log::verify(stream, &entries).expect("the chain is whole");
    let records = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.body).unwrap());
    let events = records.flat_map(|record| record["events"].as_array().unwrap().clone());
    events.map(|event| format!("{stream}: {}", event["type"].as_str().unwrap_or("applied"))).collect()
}

/// INV5: nothing is sent for an incident that somebody has, or that is over.
fn assert_nobody_is_paged_in_vain(world: &World, incident: &Incident) {
    let mut before = Incident::expected(incident.id.clone());
    for entry in world.stream(&incident.id.stream()) {
        let record: Record<Event> = Record::open(&entry).unwrap();
        for event in &record.events {
            let sends = matches!(event, Event::Sending { .. });
            assert!(
                !sends || before.status == Status::Triggered,
                "INV5: {} is paged though {:?}",
                before.id,
                before.status
            );
            before.apply(event, record.at);
        }
        before.seq += 1;
    }
}

/// INV3 and INV4: whoever waits for somebody is looked at again, by one execution; or everybody was told.
fn assert_somebody_comes_by(place: &Installation, incident: &Incident) {
    let name = incident.id.to_string();
    let own = |name_of: &str| name_of == name || name_of.starts_with(&format!("{name}-look"));
    let awake = place.executions.iter().filter(|execution| execution.ended.is_none() && own(&execution.name));
    let awake: Vec<Timestamp> = awake.map(|execution| execution.wakes_at).collect();
    if incident.is_open() && incident.silenced_by.is_empty() && !incident.paging.exhausted {
        assert!(!awake.is_empty(), "INV4: nobody comes by for {name}, which is {:?}", incident.status);
    }
    if incident.paging.exhausted {
        assert!(incident.paging.position.is_some_and(|position| position.catch_all), "INV4: without the catch-all");
    }
    assert!(awake.len() <= 1, "INV3: {} executions of {name}", awake.len());
}
