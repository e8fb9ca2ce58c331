//! What silences promise: Alertmanager's rules of change, and nobody silenced by accident.

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Fingerprint;
use crate::incident::{self, IncidentId};
use crate::signal::{Alert, Severity};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * minute).expect("a time")
}

fn wanted(matchers: &str, from: i64, until: i64) -> Wanted {
    Wanted {
        kind: Kind::Silence,
        matchers: Matchers::parse(matchers).expect("matchers"),
        from: at(from),
        until: at(until),
        by: Actor::person("ana"),
        reason: "the disk is being replaced".to_owned(),
        remind: REMIND,
    }
}

/// Silences to which things happen one after the other.
#[derive(Default)]
struct World {
    silences: Silences,
}

impl World {
    fn write(&mut self, decided: Result<(Vec<Event>, String), Refusal>, minute: i64) -> Result<String, Refusal> {
        let (events, id) = decided?;
        for event in &events {
            self.silences.apply(event, at(minute));
        }
        Ok(id)
    }

    fn create(&mut self, wanted: Wanted, id: &str, minute: i64) -> Result<String, Refusal> {
        let decided = self.silences.create(wanted, id, at(minute));
        self.write(decided, minute)
    }

    fn change(&mut self, id: &str, wanted: Wanted, new: &str, minute: i64) -> Result<String, Refusal> {
        let decided = self.silences.change(id, wanted, new, at(minute));
        self.write(decided, minute)
    }

    fn states(&self, minute: i64) -> Vec<(&str, State)> {
        self.silences.iter().map(|silence| (silence.id.as_str(), silence.state(at(minute)))).collect()
    }
}

fn incident(labels: &[(&str, &str)], service: Option<&str>) -> Incident {
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
    let alert = Alert {
        title: "The disk is full".to_owned(),
        severity: Severity::Critical,
        service: service.map(str::to_owned),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Alert::default()
    };
    let (integration, key) = ("pd".to_owned(), "k".to_owned());
    incident.apply(&incident::Event::Opened { integration, key, alert, follows: None }, at(0));
    incident
}

#[test]
fn c08_a_silence_is_pending_then_active_then_expired() {
    let mut world = World::default();
    world.create(wanted("a=b", 10, 20), "one", 0).expect("made");
    let table =
        [(0, State::Pending), (9, State::Pending), (10, State::Active), (19, State::Active), (20, State::Expired)];
    for (minute, state) in table {
        assert_eq!(world.states(minute), [("one", state)], "at {minute}");
    }
}

#[test]
fn what_cannot_be_a_silence_is_refused_in_alertmanagers_words() {
    let table = [
        ("", 0, 10, "silence invalid: at least one matcher must not match the empty string"),
        ("a=~.*", 0, 10, "silence invalid: at least one matcher must not match the empty string"),
        ("a!=b", 0, 10, "silence invalid: at least one matcher must not match the empty string"),
        ("a=b", 10, 10, "Failed to create silence: start time must be before end time"),
        ("a=b", -20, -10, "Failed to create silence: end time can't be in the past"),
    ];
    for (matchers, from, until, said) in table {
        let refused = World::default().create(wanted(matchers, from, until), "one", 0).expect_err(matchers);
        assert_eq!(refused.to_string(), said, "{matchers}");
    }
    let unknown = World::default().change("no", wanted("a=b", 0, 10), "one", 0);
    assert_eq!(unknown.expect_err("unknown").to_string(), "silence not found");
}

#[test]
fn a_beginning_that_is_over_is_now() {
    let mut world = World::default();
    world.create(wanted("a=b", -100, 10), "one", 0).expect("made");
    assert_eq!(world.silences.get("one").expect("it").from, at(0));
}

#[test]
fn a_change_keeps_the_name_only_where_the_past_stays_true() {
    // What is before, what is asked at minute 5, and what becomes of it.
    let table = [
        ("an active one ends later", wanted("a=b", 0, 10), wanted("a=b", 0, 30), true),
        ("an active one ends earlier", wanted("a=b", 0, 10), wanted("a=b", 0, 7), true),
        ("an active one means something else", wanted("a=b", 0, 10), wanted("a=c", 0, 10), false),
        ("an active one began at another time", wanted("a=b", 0, 10), wanted("a=b", 2, 10), false),
        ("a pending one moves", wanted("a=b", 8, 10), wanted("a=b", 9, 20), true),
        ("a pending one is to hold already", wanted("a=b", 8, 10), wanted("a=b", 1, 20), false),
        ("an expired one comes back", wanted("a=b", 0, 3), wanted("a=b", 0, 20), false),
    ];
    for (case, before, asked, stays) in table {
        let mut world = World::default();
        world.create(before, "one", 0).expect(case);
        let was = world.silences.get("one").cloned().map(Box::new);
        let (changes, _) = world.silences.change("one", asked.clone(), "two", at(5)).expect(case);
        let said = changes.iter().find_map(|event| match event {
            Event::Changed { before, .. } | Event::Expired { before, .. } => Some(before.clone()),
            _ => None,
        });
        assert!(said.is_none_or(|said| said == was), "{case}: it says what it was");
        let id = world.change("one", asked.clone(), "two", 5).expect(case);
        assert_eq!(id, if stays { "one" } else { "two" }, "{case}");
        let live: Vec<_> = world.silences.iter().filter(|silence| silence.state(at(5)) != State::Expired).collect();
        assert_eq!(live.len(), 1, "{case}: one of them is left");
        assert_eq!((live[0].id.as_str(), live[0].until), (id.as_str(), asked.until), "{case}");
    }
}

#[test]
fn an_end_comes_once() {
    let mut world = World::default();
    world.create(wanted("a=b", 10, 20), "one", 0).expect("made");
    let by = || Actor::person("bo");
    let event = world.silences.expire("one", by(), at(5)).expect("known").expect("not over");
    let was = world.silences.get("one").cloned().map(Box::new);
    assert_eq!(event, Event::Expired { id: "one".to_owned(), by: by(), before: was }, "it says what it was");
    world.silences.apply(&event, at(5));
    assert_eq!(world.states(5), [("one", State::Expired)]);
    assert_eq!(world.silences.expire("one", by(), at(6)), Ok(None));
    assert_eq!(world.silences.expire("two", by(), at(6)), Err(Refusal::Unknown));
    assert_eq!(world.silences.ended(at(6)).count(), 1);
    world.silences.apply(&Event::Released { id: "one".to_owned() }, at(6));
    assert_eq!(world.silences.ended(at(6)).count(), 0);
}

#[test]
fn what_is_over_leaves_after_five_days_and_never_before_it_was_looked_at() {
    let mut world = World::default();
    world.create(wanted("a=b", 0, 10), "one", 0).expect("made");
    let later = 10 + 5 * 24 * 60;
    world.create(wanted("a=c", later, later + 1), "two", later).expect("made");
    assert!(world.silences.get("one").is_some(), "nobody has looked at what it held back");
    world.silences.apply(&Event::Released { id: "one".to_owned() }, at(later - 1));
    assert!(world.silences.get("one").is_some());
    world.silences.apply(&Event::Reminded { id: "two".to_owned() }, at(later));
    assert!(world.silences.get("one").is_none());
}

#[test]
fn there_is_room_for_a_thousand_and_what_is_over_takes_none() {
    let mut world = World::default();
    world.create(wanted("a=b", 0, 1), "short", 0).expect("made");
    for number in 0..MOST {
        world.create(wanted("a=b", 0, 100), &number.to_string(), 2).expect("room");
    }
    assert_eq!(world.create(wanted("a=b", 0, 100), "more", 2), Err(Refusal::Full));
    assert_eq!(world.change("7", wanted("a=c", 0, 100), "other", 2).as_deref(), Ok("other"), "one for another");
}

#[test]
fn a_silence_sees_labels_and_under_other_names_the_facts() {
    let labelled = incident(&[("service", "shop-api"), ("team", "web")], Some("shop"));
    let bare = incident(&[], Some("shop"));
    let table = [
        ("team=web", true, false),
        ("service=shop-api", true, false),
        ("service=shop", false, true),
        ("severity=critical", true, true),
        ("integration=pd", true, true),
        ("alertname=~The.*", true, true),
        ("title=\"The disk is full\"", true, true),
        ("title=The", false, false),
        ("team!=web", false, true),
    ];
    for (matchers, of_labelled, of_bare) in table {
        let means = |incident: &Incident| {
            let silence = wanted(matchers, 0, 10).silence("one", at(0));
            silence.is_ok_and(|silence| silence.means(&Subject::of(incident)))
        };
        // `team!=web` alone is refused: it would silence everything else.
        let of_bare = of_bare && matchers != "team!=web";
        assert_eq!((means(&labelled), means(&bare)), (of_labelled, of_bare), "{matchers}");
    }
    let shown = Subject::of(&labelled).labels();
    assert_eq!(shown["service"], "shop-api", "a label goes before a fact");
    assert_eq!(shown["alertname"], "The disk is full");
}

#[test]
fn maintenance_means_the_service_whatever_a_label_says() {
    let labelled = incident(&[("service", "shop-api")], Some("shop"));
    let mut maintenance = wanted("service=shop", 0, 10);
    maintenance.kind = Kind::Maintenance;
    let silence = maintenance.silence("one", at(0)).expect("made");
    assert_eq!(silence.maintains(), Some("shop"));
    assert!(silence.means(&Subject::of(&labelled)));
    assert!(silence.means(&Subject::of(&incident(&[], None)).concerning(Some("shop"))));
    assert!(!silence.means(&Subject::of(&labelled).concerning(Some("cart"))));
}

#[test]
fn i13_only_silences_that_hold_now_stop_an_incident_and_none_stops_a_page_asked_for_by_hand() {
    let mut world = World::default();
    world.create(wanted("service=shop", 0, 10), "one", 0).expect("made");
    world.create(wanted("service=shop", 20, 30), "two", 0).expect("made");
    let mut incident = incident(&[], Some("shop"));
    let stopping =
        |world: &World, incident: &Incident, minute: i64| world.silences.stopping(incident, at(minute)).len();
    assert_eq!([0, 9, 10, 20].map(|minute| stopping(&world, &incident, minute)), [1, 1, 0, 1]);
    incident.apply(&incident::Event::Escalated { by: Actor::person("ana") }, at(1));
    assert_eq!(stopping(&world, &incident, 1), 0);
}

#[test]
fn a_reminder_comes_once_before_the_end_and_again_when_the_end_moves() {
    let mut world = World::default();
    world.create(wanted("a=b", 0, 120), "long", 0).expect("made");
    world.create(wanted("a=b", 0, 60), "short", 0).expect("made");
    let due =
        |world: &World, minute: i64| world.silences.reminders(at(minute)).map(|s| s.id.clone()).collect::<Vec<_>>();
    assert!(due(&world, 59).is_empty(), "one that is no longer than its reminder has none");
    assert_eq!(due(&world, 60), ["long"]);
    world.silences.apply(&Event::Reminded { id: "long".to_owned() }, at(60));
    assert!(due(&world, 61).is_empty());
    world.change("long", wanted("a=b", 0, 240), "other", 62).expect("longer");
    assert_eq!(due(&world, 180), ["long"]);
    assert!(due(&world, 240).is_empty(), "it is over");
}

#[test]
fn a_client_that_sends_back_the_milliseconds_it_was_shown_changes_nothing_else() {
    let mut world = World::default();
    let now = at(0) + SignedDuration::from_nanos(123_456_789);
    let (events, _) = world.silences.create(wanted("a=b", -5, 10), "one", now).expect("made");
    for event in &events {
        world.silences.apply(event, now);
    }
    let shown = at(0) + SignedDuration::from_millis(123);
    let back = Wanted { from: shown, ..wanted("a=b", 0, 20) };
    assert_eq!(world.change("one", back, "two", 5).as_deref(), Ok("one"));
}

proptest! {
    #[test]
    fn no_change_ever_leaves_two_of_one_or_forgets_what_it_must_look_at(
        steps in proptest::collection::vec((0..4_u8, 0..4_usize, 1..40_i64), 1..40)
    ) {
        let mut world = World::default();
        let mut names: Vec<String> = Vec::new();
        for (step, (kind, which, length)) in steps.into_iter().enumerate() {
            let minute = i64::try_from(step).expect("few") * 3;
            let known = names.get(which).cloned().unwrap_or_default();
            let new = format!("s{step}");
            let asked = wanted(if length % 2 == 0 { "a=b" } else { "a=c" }, minute, minute + length);
            let name = match kind {
                0 | 1 => world.create(asked, &new, minute),
                2 => world.change(&known, asked, &new, minute),
                _ => {
                    let ended = world.silences.expire(&known, Actor::person("bo"), at(minute));
                    ended.map(|event| { if let Some(event) = event { world.silences.apply(&event, at(minute)); } known })
                }
            };
            names.extend(name);
            for silence in world.silences.iter() {
                prop_assert_eq!(world.silences.iter().filter(|other| other.id == silence.id).count(), 1);
                prop_assert!(silence.from <= silence.until);
                let over = silence.state(at(minute)) == State::Expired;
                prop_assert_eq!(over, world.silences.ended(at(minute)).any(|ended| ended.id == silence.id));
            }
            let text = serde_json::to_string(&world.silences).expect("plain JSON");
            prop_assert_eq!(&serde_json::from_str::<Silences>(&text).expect("reads back"), &world.silences);
        }
    }
}
