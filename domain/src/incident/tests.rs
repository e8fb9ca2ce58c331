//! Promises about an incident that many write to at once.
//!
//! Each writer loads the incident, decides, and appends only if nobody else did meanwhile; else it loads again. The
//! interleaving of these steps is drawn at random.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::cause::Proof;
use crate::dedup;
use crate::log::{self, Entry};
use crate::recent::Known;
use crate::signal::{Action, Signal};

/// What the stores keep of one incident.
struct Store {
    entries: Vec<Entry>,
    snapshot: Incident,
}

impl Store {
    fn new() -> Self {
        let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
        let mut store = Self { entries: Vec::new(), snapshot: Incident::expected(id) };
        let trigger = signal(1000, Action::Trigger, 0);
        let loaded = store.snapshot.clone();
        let merge = dedup::merge(&loaded.id.fingerprint, None, &[trigger], |_| false, at(0));
        assert!(store.append(&loaded, "open", merge.events, at(0)));
        store
    }

    /// Appends what was decided on `loaded`, unless somebody else appended since.
    fn append(&mut self, loaded: &Incident, cause: &str, events: Vec<Event>, now: Timestamp) -> bool {
        if loaded.seq != self.snapshot.seq {
            return false;
        }
        let record = loaded.record(&Cause::own(cause), events, now);
        let entry = record.seal();
        self.snapshot.fold(&record, entry.hash.clone());
        self.entries.push(entry);
        true
    }
}

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
        alert: Alert::default(),
    }
}

/// What a writer wants.
#[derive(Debug, Clone)]
enum Wish {
    Ask(Command),
    Deliver(Signal),
}

/// A writer in the middle of its work.
struct Writer {
    cause: String,
    wish: Wish,
    /// What it loaded, before it appends.
    loaded: Option<Incident>,
    /// Whether the reply to its first success is lost, so that it does all of it again.
    loses_reply: bool,
    answers: Vec<Result<(), Refusal>>,
    done: bool,
}

impl Writer {
    /// Loads, or decides and appends.
    fn step(&mut self, store: &mut Store, now: Timestamp) {
        let Some(loaded) = self.loaded.take() else {
            self.loaded = Some(store.snapshot.clone());
            return;
        };
        let known = loaded.knows_cause(&self.cause, at(0)) == Known::Yes;
        let decided = if known { Ok(Vec::new()) } else { self.decide(&loaded, now) };
        let answer = match decided {
            Ok(events) if events.is_empty() => Ok(()),
            Ok(events) => {
                if !store.append(&loaded, &self.cause, events, now) {
                    return;
                }
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        self.answers.push(answer);
        self.done = !std::mem::take(&mut self.loses_reply);
    }

    fn decide(&self, loaded: &Incident, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match &self.wish {
            Wish::Ask(command) => loaded.decide(command.clone(), now),
            Wish::Deliver(signal) => {
                let signals = std::slice::from_ref(signal);
                let merge = dedup::merge(&signal.fingerprint, Some(loaded), signals, |_| false, now);
                // What comes after the end belongs to the next incident, and to another log.
                Ok(if merge.incident.id == loaded.id { merge.events } else { Vec::new() })
            }
        }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let by = || (0..3usize).prop_map(|who| Actor::person(["ana", "ben", "eve"][who]));
    prop_oneof![
        3 => by().prop_map(|by| Wish::Ask(Command::Acknowledge { by })),
        1 => by().prop_map(|by| Wish::Ask(Command::Resolve { by })),
        2 => by().prop_map(|by| Wish::Ask(Command::Escalate { by })),
        1 => by().prop_map(|by| Wish::Ask(Command::Unacknowledge { by })),
        1 => by().prop_map(|by| Wish::Ask(Command::Snooze { by, until: at(5000) })),
        2 => by().prop_map(|by| Wish::Ask(Command::Note { by, text: "looking".to_owned() })),
        1 => Just(Wish::Ask(Command::Enrich(Enrichment::default()))),
        4 => (0..6usize, 0..3usize, 0..60i64).prop_map(|(id, action, second)| {
            let action = [Action::Trigger, Action::Acknowledge, Action::Resolve][action];
            Wish::Deliver(signal(id * 3 + action as usize, action, second))
        }),
    ]
}

#[test]
fn each_command_has_its_answer_at_every_status() {
    let ana = || Actor::person("ana");
    let to = crate::escalation::Assignee::try_from("person:ben".to_owned()).expect("an assignee");
    let commands = [
        Command::Acknowledge { by: ana() },
        Command::Snooze { by: ana(), until: at(900) },
        Command::Unacknowledge { by: ana() },
        Command::Reassign { by: ana(), to },
        Command::Escalate { by: ana() },
        Command::Resolve { by: ana() },
        Command::Deny { by: Actor::slack("U1"), asked: "resolve".to_owned() },
    ];
    let open = Store::new().snapshot;
    let taken = |by: &str| {
        let mut incident = open.clone();
        incident.apply(&Event::Acknowledged { by: Actor::person(by), expires_at: None }, at(10));
        incident
    };
    let mut over = open.clone();
    over.apply(&Event::Resolved { by: Actor::person("ben"), covers: at(20) }, at(20));
    let expected = Incident::expected(open.id.clone());
    // How many events each of the commands writes, in their order; `None` where it is refused.
    let table: [(&str, &Incident, [Option<usize>; 7]); 5] = [
        ("expected", &expected, [None; 7]),
        ("open", &open, [Some(1), Some(1), Some(0), Some(1), Some(1), Some(1), Some(1)]),
        ("hers", &taken("ana"), [Some(0), Some(1), Some(1), Some(1), Some(1), Some(1), Some(1)]),
        ("another's", &taken("ben"), [None, None, Some(1), Some(1), Some(1), Some(1), Some(1)]),
        ("over", &over, [None, None, None, None, None, None, Some(1)]),
    ];
    for (name, incident, answers) in table {
        for (command, answer) in commands.iter().zip(answers) {
            let events = incident.decide(command.clone(), at(30));
            assert_eq!(events.as_ref().ok().map(Vec::len), answer, "{name}: {command:?}");
            let mut after = incident.clone();
            events.unwrap_or_default().iter().for_each(|event| after.apply(event, at(30)));
            if let Ok(again) = after.decide(command.clone(), at(31))
                && matches!(
                    command,
                    Command::Acknowledge { .. } | Command::Snooze { .. } | Command::Unacknowledge { .. }
                )
            {
                assert_eq!(again, [], "{name}: asking again changes nothing: {command:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn c02_c05_c19_d01_any_interleaving_of_writers_yields_one_unbroken_chain(
        wishes in prop::collection::vec((wish(), any::<bool>()), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let mut store = Store::new();
        let mut writers: Vec<Writer> = wishes.into_iter().enumerate().map(|(number, (wish, loses_reply))| Writer {
            cause: format!("request {number}"), wish, loaded: None, loses_reply, answers: Vec::new(), done: false,
        }).collect();
        let mut now = at(100);
        let mut turns = order.iter().cycle();
        let mut steps = 0;
        while writers.iter().any(|writer| !writer.done) {
            steps += 1;
            // Each lost race is somebody's success, so the work ends.
            prop_assert!(steps < 5000);
            let mut waiting: Vec<&mut Writer> = writers.iter_mut().filter(|writer| !writer.done).collect();
            let place = turns.next().expect("it cycles").index(waiting.len());
            waiting[place].step(&mut store, now);
            now += SignedDuration::from_secs(1);
        }

        let Store { entries, snapshot } = &store;
        prop_assert_eq!(log::verify(&snapshot.id.stream(), entries), Ok(snapshot.head.clone()));
        let mut folded = Incident::expected(snapshot.id.clone());
        for entry in entries {
            folded.fold(&Record::open(entry).expect("a record"), entry.hash.clone());
        }
        prop_assert_eq!(&folded, snapshot);
        let stored: Incident = serde_json::from_str(&serde_json::to_string(snapshot).expect("JSON")).expect("its own form");
        prop_assert_eq!(&stored, snapshot);

        for (number, writer) in writers.iter().enumerate() {
            // A cause is in the log once at the most, however often its request came.
            let cause = format!("\"cause\":\"request {number}\"");
            prop_assert!(entries.iter().filter(|entry| entry.body.contains(&cause)).count() <= 1);
            // Whoever was told that it is done is told so again.
            if let [Ok(()), second] = writer.answers.as_slice() {
                let moved = matches!(&writer.wish, Wish::Ask(
                    Command::Acknowledge { .. }
                        | Command::Resolve { .. }
                        | Command::Snooze { .. }
                        | Command::Unacknowledge { .. }
                ))
                    && !entries.iter().any(|entry| entry.body.contains(&cause));
                prop_assert!(second.is_ok() || moved, "{:?}: {:?}", writer.wish, writer.answers);
            }
        }
    }

    #[test]
    fn a_command_repeated_by_the_same_actor_changes_nothing(
        before in prop::collection::vec(wish(), 0..6),
        who in 0..3usize,
        resolves in any::<bool>(),
    ) {
        let mut store = Store::new();
        for (number, wish) in before.into_iter().enumerate() {
            let cause = format!("request {number}");
            let mut writer =
                Writer { cause, wish, loaded: None, loses_reply: false, answers: Vec::new(), done: false };
            while !writer.done {
                writer.step(&mut store, at(100));
            }
        }
        let by = Actor::person(["ana", "ben", "eve"][who]);
        let command = if resolves { Command::Resolve { by } } else { Command::Acknowledge { by } };
        let first = store.snapshot.decide(command.clone(), at(200));
        if let Ok(events) = &first && !events.is_empty() {
            let loaded = store.snapshot.clone();
            prop_assert!(store.append(&loaded, "first", events.clone(), at(200)));
        }
        let second = store.snapshot.decide(command, at(300));
        prop_assert_eq!(second, first.map(|_| Vec::new()));
    }
}

#[test]
fn an_incident_id_reads_back_and_nothing_else_does() {
    let id = IncidentId { fingerprint: Fingerprint::of("a", "b"), generation: 12 };
    assert_eq!(IncidentId::parse(&id.to_string()), Some(id));
    for wrong in [
        "",
        "x-1",
        "0123456789abcdef0123",
        "0123456789abcdef0123-",
        "0123456789abcdef0123-01",
        "0123456789ABCDEF0123-1",
    ] {
        assert_eq!(IncidentId::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_reassignment_says_who_had_it_before() {
    let (ana, ben) = (Actor::person("ana"), Actor::person("ben"));
    let to = crate::escalation::Assignee::try_from("team:platform".to_owned()).expect("an assignee");
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
    let (integration, key) = ("pd".to_owned(), "k".to_owned());
    incident.apply(&Event::Opened { integration, key, alert: Alert::default(), follows: None }, at(0));
    let reassign = |incident: &Incident| {
        let decided = incident.decide(Command::Reassign { by: ben.clone(), to: to.clone() }, at(2)).expect("allowed");
        let [Event::Reassigned { from, .. }] = decided.as_slice() else { panic!("{decided:?}") };
        from.clone()
    };
    assert_eq!(reassign(&incident), Vec::<String>::new(), "nobody was told yet");
    let found = [("person:ana", false), ("channel:ops", true)].map(|(to, beside)| crate::escalation::Found {
        to: to.to_owned(),
        via: String::new(),
        beside,
        quiet_until: None,
    });
    incident.apply(
        &Event::StepBegan {
            position: crate::escalation::Position { round: 0, step: 0, catch_all: false },
            found: found.to_vec(),
            nobody: Vec::new(),
            picked: None,
            everybody: false,
            time_zones: None,
        },
        at(1),
    );
    assert_eq!(reassign(&incident), ["person:ana", "channel:ops"]);
    incident.apply(&Event::Acknowledged { by: ana, expires_at: None }, at(1));
    assert_eq!(reassign(&incident), ["person:ana"]);
}
