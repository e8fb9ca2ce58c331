//! The journeys whose every call is broken in turn.

use domain::fingerprint::Fingerprint;
use domain::incident::IncidentId;
use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::installation::Installation;
use super::invariants::paged;
use crate::cases::policy;
use crate::evidence::{Changes, audit, findings, write};
use crate::export::{records, stored, verified};

/// What happens one after the other, and how many pages there are when nothing breaks.
pub struct Journey {
    pub name: &'static str,
    /// The policy that rules, for a phone at this address.
    pub policy: fn(&str) -> Policy,
    /// What happens. Nothing is carried from one to the next but what the installation holds.
    pub steps: &'static [Step],
    pub pages: usize,
}

/// Something that happens, and what must come of it.
pub type Step = fn(&mut Installation);

/// All of them.
pub const JOURNEYS: [Journey; 6] = [
    Journey {
        name: "open, page, acknowledge, resolve",
        policy: with_last,
        steps: &[trigger, is_paged, acknowledge, next, resolve, wait, end, sweep, sweep, wait],
        pages: 1,
    },
    Journey {
        name: "escalate to the catch-all",
        policy: with_last,
        steps: &[trigger, next, next, next, wait, end, sweep, sweep, wait],
        pages: 3,
    },
    Journey {
        name: "silence",
        policy: with_last,
        steps: &[
            silence,
            trigger,
            is_not_paged,
            hour,
            sweep,
            sweep,
            is_paged,
            resolve_by_hand,
            wait,
            end,
            sweep,
            sweep,
            wait,
        ],
        pages: 1,
    },
    Journey {
        name: "policy apply",
        policy,
        // What rules is remembered for some seconds; by new functions it is known at once.
        steps: &[apply, cool, trigger, is_paged, resolve, wait, end, sweep, sweep, wait],
        pages: 1,
    },
    Journey {
        name: "checkpoint",
        policy,
        steps: &[archive_policy, checkpoint, archive_silences, checkpoint, is_covered],
        pages: 0,
    },
    Journey {
        name: "export",
        policy,
        steps: &[trigger, is_paged, resolve, wait, archive_all, begin, export],
        pages: 1,
    },
];

/// Ten problems at once, each of another story.
pub const STORM: Journey = Journey {
    name: "storm",
    policy: with_last,
    steps: &[
        storm_begins,
        storm_is_paged,
        |place| storm_is_answered(place, "acknowledge", &[0, 1, 2, 3]),
        storm_repeats,
        next,
        |place| storm_is_over(place, &[0, 4, 5]),
        next,
        |place| storm_is_answered(place, "resolve", &[1, 6]),
        wait,
        sweep,
        sweep,
        wait,
    ],
    pages: 10,
};

/// Ana is paged, then ben, and in the end eve, who is the catch-all.
pub fn with_last(phone: &str) -> Policy {
    let mut policy = json!(policy(phone));
    let contact = json!({ "webhook": { "url": format!("http://{phone}/eve"), "secret": "ssm:/watchkeeper/phone" } });
    policy["people"]["eve"] = json!({ "contacts": [contact] });
    policy["escalations"]["last"] = json!({ "steps": [{ "notify": ["person:eve"], "wait": "PT10M" }] });
    policy["catch_all"] = json!({ "escalation": "last" });
    serde_json::from_value(policy).unwrap()
}

/// The first incident of `key`.
pub fn incident(key: &str) -> IncidentId {
    IncidentId { fingerprint: Fingerprint::of("pagerduty", key), generation: 1 }
}

pub fn answer(place: &mut Installation, key: &str, action: &str) {
    let path = format!("/v1/incidents/{}/{action}", incident(key));
    let (status, body) = place.ask("respond", "POST", &path, &json!({ "by": "ana" }));
    assert_eq!(status, 200, "{body}");
    place.settle();
}

pub fn trigger(place: &mut Installation) {
    place.send("trigger", "k");
}

pub fn resolve(place: &mut Installation) {
    place.send("resolve", "k");
}

pub fn acknowledge(place: &mut Installation) {
    answer(place, "k", "acknowledge");
}

pub fn resolve_by_hand(place: &mut Installation) {
    answer(place, "k", "resolve");
}

/// A message that could not be sent is sent again within a minute.
fn is_paged(place: &mut Installation) {
    let mut waited = 0;
    while place.pages().is_empty() {
        let most = if place.is_rough() { 60 } else { 2 };
        assert!(waited < most && place.pass_to_next(), "somebody is paged soon");
        waited += 1;
    }
}

fn is_not_paged(place: &mut Installation) {
    // Silences that cannot be read silence nobody.
    assert!(place.is_rough() || place.pages().is_empty(), "nobody is woken");
}

pub fn next(place: &mut Installation) {
    place.pass_to_next();
}

pub fn hour(place: &mut Installation) {
    place.pass(SignedDuration::from_mins(61));
}

/// Until every execution has ended.
pub fn wait(place: &mut Installation) {
    while place.pass_to_next() {}
}

pub fn sweep(place: &mut Installation) {
    place.sweep();
}

fn cool(place: &mut Installation) {
    place.cool();
}

fn end(place: &mut Installation) {
    place.end();
}

fn begin(place: &mut Installation) {
    place.begin();
}

fn silence(place: &mut Installation) {
    let body = json!({ "matchers": ["service=checkout"], "for": "1h", "by": "ana", "reason": "a new disk" });
    let (status, made) = place.ask("silence", "POST", "/v1/silences", &body);
    assert_eq!(status, 201, "{made}");
}

fn apply(place: &mut Installation) {
    let mut policy = json!(policy(&place.phone()));
    policy["escalations"]["platform"]["steps"] = json!([{ "notify": ["person:ben"], "wait": "PT5M" }]);
    let (status, body) = place.ask("policy", "PUT", "/v1/policy", &policy);
    assert_eq!(status, 200, "{body}");
}

/// Archives what `stream` has, as the stream of the table's changes does.
fn archive(place: &mut Installation, stream: &str) {
    let batch = Changes::default().next(&place.standin, |known, _| !known.starts_with(stream));
    place.scheduled("archive", &batch);
}

fn archive_policy(place: &mut Installation) {
    write(&place.standin, "policy", 2, "applied");
    archive(place, "policy");
}

fn archive_silences(place: &mut Installation) {
    write(&place.standin, "silences", 3, "applied");
    archive(place, "silences");
}

pub fn archive_all(place: &mut Installation) {
    archive(place, "");
}

pub fn checkpoint(place: &mut Installation) {
    place.scheduled("checkpoint", &json!({}));
}

fn is_covered(place: &mut Installation) {
    let audit = audit(&place.standin);
    assert_eq!((audit.size("policy"), audit.size("silences")), (2, 3));
    assert!(findings(&place.standin).is_empty());
}

fn export(place: &mut Installation) {
    let covered = stored(&place.standin.world.lock().unwrap());
    let until = Timestamp::now();
    let asked = json!({ "from": until - SignedDuration::from_hours(1), "until": until, "classes": [] });
    // Asked for again, an export goes on where it stopped.
    let most = if place.is_rough() { 20 } else { 1 };
    let exported = (0..most).any(|number| {
        place.execute("export", &format!("export-{number}"), asked.clone());
        place.executions.last().unwrap().ended.as_deref() == Some("Exported")
    });
    assert!(exported, "{:?}", place.executions.last().unwrap().ended);
    let world = place.standin.world.lock().unwrap();
    assert_eq!(verified(&world).records, covered.len() as u64);
    assert_eq!(records(&world), covered);
}

/// How many problems a storm has.
const PROBLEMS: usize = 10;

fn storm_begins(place: &mut Installation) {
    (0..PROBLEMS).for_each(|number| place.send("trigger", &format!("k{number}")));
}

fn storm_repeats(place: &mut Installation) {
    (2..PROBLEMS).for_each(|number| place.send("trigger", &format!("k{number}")));
}

fn storm_is_paged(place: &mut Installation) {
    let mut waited = 0;
    while paged(place).len() < PROBLEMS {
        assert!(waited < 200 && place.pass_to_next(), "somebody is paged for each");
        waited += 1;
    }
}

fn storm_is_answered(place: &mut Installation, action: &str, numbers: &[usize]) {
    for number in numbers {
        answer(place, &format!("k{number}"), action);
    }
}

fn storm_is_over(place: &mut Installation, numbers: &[usize]) {
    for number in numbers {
        place.send("resolve", &format!("k{number}"));
    }
}
