use super::*;
use crate::cause::{Cause, Principal, Proof};
use crate::enrich::{Change, Enrichment};
use crate::escalation::{Attempt, Outcome, Position};
use crate::fingerprint::Fingerprint;
use crate::log::Hash;
use crate::policy::{Handling, Ladder, Mode};
use crate::route::{Decision, Looked};
use crate::signal::{Alert, Severity};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

/// Records of one incident, each at its second.
fn records(story: Vec<(i64, Vec<Event>)>) -> Vec<Record<Event>> {
    let id = IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 };
    let mut incident = Incident::expected(id);
    let step = |(second, events)| {
        let record = incident.record(&Cause::own("test"), events, at(second));
        incident.fold(&record, Hash::zero());
        record
    };
    story.into_iter().map(step).collect()
}

/// The story as lines of text, the details indented.
fn told(story: Vec<(i64, Vec<Event>)>) -> Vec<String> {
    let tell = |entry: Entry| {
        let detail = entry.detail.into_iter().map(|line| format!("  {line}"));
        std::iter::once(entry.text).chain(detail).collect::<Vec<_>>()
    };
    timeline(&records(story), Some(&policy())).into_iter().flat_map(tell).collect()
}

fn policy() -> Policy {
    let text = r#"{"version":1,"people":{"ana":{"name":"Ana Lima"},"bo":{}},
        "escalations":{"platform":{"steps":[
            {"notify":["person:ana"],"wait":"PT5M"},{"notify":["team:platform"],"wait":"PT5M"}]}},
        "teams":{"platform":{"members":["bo"]}},"catch_all":{"escalation":"platform"}}"#;
    serde_json::from_str(text).expect("a policy")
}

fn opened() -> Event {
    let alert = Alert { title: "Disk full".to_owned(), severity: Severity::Critical, ..Alert::default() };
    Event::Opened { integration: "pd".to_owned(), key: "k".to_owned(), alert, follows: None }
}

fn seen(id: i64, action: Action, happened: i64, received: i64) -> Seen {
    let severity = Severity::Critical;
    Seen { id: format!("s{id}"), action, at: at(happened), received_at: at(received), severity }
}

fn triggers(seconds: &[i64]) -> Event {
    Event::Signalled {
        signals: seconds.iter().map(|second| seen(*second, Action::Trigger, *second, *second)).collect(),
    }
}

fn step(step: u32) -> Event {
    Event::StepBegan {
        position: Position { round: 0, step, catch_all: false },
        found: Vec::new(),
        nobody: Vec::new(),
        picked: None,
        everybody: false,
        time_zones: None,
    }
}

fn attempt(delivery: &str, to: &str, channel: &str, attempt: u32) -> Attempt {
    Attempt {
        delivery: delivery.to_owned(),
        to: to.to_owned(),
        contact: 0,
        channel: channel.to_owned(),
        attempt,
        cause: "c".to_owned(),
    }
}

fn decision(handling: Handling) -> Decision {
    Decision {
        handling,
        mode: Mode::Execute,
        policy: Hash::of(b"policy"),
        at: at(0),
        service: None,
        team: None,
        level: Some(Ladder::Sev1),
        rung: None,
        escalation: "platform".to_owned(),
        catch_all: false,
        notify: Vec::new(),
        acknowledgement_expires: None,
        noise: None,
        pulse: None,
        group: None,
        trace: vec![Looked { route: "disks".to_owned(), result: "its condition holds".to_owned(), matched: true }],
        why: "route disks says so".to_owned(),
    }
}

#[test]
fn a_flood_is_told_in_one_line_and_a_later_one_in_another() {
    let story = vec![
        (0, vec![opened(), triggers(&[0, 1, 2])]),
        (3, vec![triggers(&[3, 4])]),
        (5, vec![Event::Noted { by: Actor::person("ana"), text: "on it".to_owned() }]),
        (9, vec![triggers(&[9])]),
        (1000, vec![triggers(&[1000])]),
    ];
    let lines = told(story);
    assert_eq!(lines[0], "pd reported a new critical problem: Disk full");
    assert_eq!(lines[2], "5 more of the same within 8 s: counted, nobody is told again");
    assert_eq!(lines[3], "Ana Lima noted: on it");
    assert_eq!(lines[4], "1 more of the same: counted, nobody is told again");
}

#[test]
fn c17_late_and_early_signals_are_told_as_what_they_are() {
    let table = [
        (
            vec![(5, vec![Event::Signalled { signals: vec![seen(1, Action::Resolve, 5, 5)] }])],
            vec!["The sender said it was over", "  the alert itself has not arrived yet: this waits for it"],
        ),
        (
            vec![
                (0, vec![opened(), triggers(&[0])]),
                (9, vec![Event::Resolved { by: Actor::integration("pd"), covers: at(9) }]),
                (700, vec![Event::Signalled { signals: vec![seen(2, Action::Trigger, 8, 700)] }]),
            ],
            vec![
                "pd reported a new critical problem: Disk full",
                "  the sender calls it k",
                "The sender pd says it is over; it was open for 9 s",
                "1 signal arrived after the end",
                "  it belongs to the time before, 11 min 32 s late: it changes nothing",
            ],
        ),
    ];
    for (story, expected) in table {
        assert_eq!(told(story), expected);
    }
}

#[test]
fn a_page_is_told_with_its_reason_and_its_outcome() {
    let accepted = |id: &str| (id.to_owned(), Outcome::Accepted { reference: None });
    let story = vec![
        (0, vec![opened(), triggers(&[0])]),
        (1, vec![Event::Routed { decision: decision(Handling::Page) }]),
        (2, vec![step(0), Event::Sending { attempts: vec![attempt("1-ana-0", "person:ana", "webhook", 1)] }]),
        (3, vec![Event::Sent { outcomes: vec![accepted("1-ana-0")] }]),
        (302, vec![step(1), Event::Sending { attempts: vec![attempt("2-bo-0", "person:bo", "sms", 1)] }]),
        (
            303,
            vec![Event::Sent {
                outcomes: vec![("2-bo-0".to_owned(), Outcome::Failed { reason: "503".to_owned(), retry_after: None })],
            }],
        ),
        (318, vec![Event::Sending { attempts: vec![attempt("2-bo-0", "person:bo", "sms", 2)] }]),
        (342, vec![Event::Acknowledged { by: Actor::person("ana"), expires_at: Some(at(342 + 3600)) }]),
        (343, vec![Event::Escalated { by: Actor::token("ci") }]),
        (344, vec![step(0)]),
    ];
    let expected = [
        "pd reported a new critical problem: Disk full",
        "  the sender calls it k",
        "Somebody is paged as SEV1: route disks says so",
        "  route disks: its condition holds",
        "  escalation platform",
        &format!("  by policy {}", &Hash::of(b"policy").as_str()[..12]),
        "Step 1 tells Ana Lima by webhook",
        "  unless somebody answers within 5 min, it goes on",
        "Sent by webhook to Ana Lima, 3 s after it opened",
        "Nobody answered for 5 min, so step 2 tells bo (in team platform) by sms",
        "  unless somebody answers within 5 min, it goes on",
        "The sms message to bo failed: 503",
        "  tried again in 15 s",
        "Bo is told by sms again, attempt 2 of 3",
        "Ana Lima took it on, 5 min 42 s after it opened",
        "  unless it is resolved within 1 h, it pages again",
        "ci (by API token) asked for the next step now",
        "  Ana Lima has it no more",
        "As asked, step 1 finds nobody to tell: it is passed over at once",
    ];
    assert_eq!(told(story), expected);
}

#[test]
fn a_step_is_told_as_it_was_found_and_who_sleeps_is_told_with_the_hour() {
    use crate::escalation::{Assignee, Found, Picked};
    let found = |to: &str, via: &str, quiet_until: Option<Timestamp>| Found {
        to: to.to_owned(),
        via: via.to_owned(),
        beside: false,
        quiet_until,
    };
    let begun = |found: Vec<Found>, picked: Option<Picked>, everybody: bool| Event::StepBegan {
        position: Position { round: 0, step: 0, catch_all: false },
        found,
        nobody: vec!["nobody is next on call for schedule:alone".to_owned()],
        picked,
        everybody,
        time_zones: None,
    };
    let message = || Event::Sending { attempts: vec![attempt("1-bo-0", "person:bo", "sms", 1)] };
    let ana = || found("person:ana", "in team platform", Some(at(3600)));
    let bo = || found("person:bo", "next on call for days, in 3 h", None);
    let picked = Picked { counter: "platform/1".to_owned(), turn: 4, among: 2 };
    let ben = Assignee::try_from("person:bo".to_owned()).expect("an assignee");
    let by = || Actor::person("ana");
    let lines = told(vec![
        (0, vec![opened(), triggers(&[0])]),
        (1, vec![Event::Routed { decision: decision(Handling::Page) }]),
        (2, vec![begun(vec![ana(), bo()], None, true), message()]),
        (3, vec![Event::AcknowledgedInPart { by: Actor::link_holder("bo") }]),
        (4, vec![Event::Snoozed { by: by(), until: at(7204) }]),
        (5, vec![Event::Unacknowledged { by: by() }]),
        (6, vec![begun(vec![bo()], Some(picked), false), message()]),
        (7, vec![Event::Reassigned { by: by(), from: Vec::new(), to: ben }]),
        (8, vec![begun(vec![ana()], None, false)]),
        (9, vec![Event::Denied { by: Actor::slack("U1"), asked: "resolve".to_owned() }]),
        (10, vec![Event::FollowedUp]),
    ]);
    let expected = [
        "Step 1 tells bo (next on call for days, in 3 h) by sms",
        "  waits until 09:00 (UTC): quiet hours of Ana Lima",
        "  nobody is next on call for schedule:alone",
        "  each of them must acknowledge before it counts",
        "  unless somebody answers within 5 min, it goes on",
        "Whoever holds the link sent to bo acknowledged it",
        "  it pages on: Ana Lima must acknowledge too",
        "Ana Lima took it on for 2 h",
        "  then it pages again, unless it is resolved",
        "Ana Lima took the acknowledgement back: it pages again",
        "  Ana Lima has it no more",
        "Step 1 tells bo (next on call for days, in 3 h) by sms",
        "  one of 2, in turn",
        "  nobody is next on call for schedule:alone",
        "  unless somebody answers within 5 min, it goes on",
        "Ana Lima gave it to bo: paging begins anew",
        "Step 1 finds nobody awake, and waits",
        "  waits until 09:00 (UTC): quiet hours of Ana Lima",
        "  nobody is next on call for schedule:alone",
        "  unless somebody answers within 5 min, it goes on",
        "The Slack user U1 asked to resolve it, and may not: nothing was changed",
        "  the policy does not name them",
        "Nobody took the ticket on within 10 s: it is a page now",
    ];
    assert_eq!(lines[6..], expected);
}

#[test]
fn what_was_looked_up_is_told_with_where_it_is_known_from() {
    let owned = Enrichment {
        service: Some("checkout".to_owned()),
        team: Some("platform".to_owned()),
        tier: Some(1),
        owner_from: "the alert names its service".to_owned(),
        changes: vec![Change { at: at(-720), title: "Deploy 1.2".to_owned(), href: None }],
        ..Enrichment::default()
    };
    let unowned =
        Enrichment { owner_from: "nothing: no service of the policy is named".to_owned(), ..Enrichment::default() };
    let table = [
        (
            owned,
            vec![
                "It concerns checkout of team platform, tier 1: the alert names its service",
                "  changed 12 min before: Deploy 1.2",
            ],
        ),
        (unowned, vec!["Nobody is known to own it: no service of the policy is named"]),
    ];
    for (found, expected) in table {
        let lines = told(vec![(0, vec![opened(), triggers(&[0])]), (0, vec![Event::Enriched { found }])]);
        assert_eq!(lines[2..], expected);
    }
}

#[test]
fn a_length_of_time_is_told_in_its_two_largest_units() {
    let table = [(0, "0 s"), (42, "42 s"), (185, "3 min 5 s"), (3600, "1 h"), (3605, "1 h"), (90_000, "1 d 1 h")];
    for (seconds, expected) in table {
        assert_eq!(lasted(SignedDuration::from_secs(seconds)), expected);
    }
    assert_eq!(lasted(SignedDuration::from_secs(-5)), "0 s");
}

#[test]
fn an_empty_log_or_another_stream_has_no_story() {
    assert!(timeline(&[], None).is_empty());
    let other = Record { stream: "policy".to_owned(), ..records(vec![(0, vec![opened()])]).remove(0) };
    assert!(timeline(&[other], None).is_empty());
}

#[test]
fn what_arrived_what_did_not_and_what_was_held_back_is_told() {
    let sent = |outcome: Outcome| Event::Sent { outcomes: vec![("1-ana-0".to_owned(), outcome)] };
    let sending = |tried| Event::Sending { attempts: vec![attempt("1-ana-0", "person:ana", "twilio_sms", tried)] };
    let told = told(vec![
        (0, vec![opened(), Event::Routed { decision: decision(Handling::Page) }, step(0), sending(1)]),
        (1, vec![sent(Outcome::Held { until: at(181), reason: "more than 5 messages in 15 min".to_owned() })]),
        (181, vec![sending(1)]),
        (182, vec![sent(Outcome::Accepted { reference: None })]),
        (185, vec![sent(Outcome::Undelivered { reason: "Twilio says undelivered, error 30003".to_owned() })]),
    ]);
    let expected = [
        "The twilio_sms message to Ana Lima is held back: more than 5 messages in 15 min",
        "  it may be sent in 3 min",
        "The twilio_sms message to Ana Lima did not arrive: Twilio says undelivered, error 30003",
        "  the provider had taken it; the next contact is told",
    ];
    for line in expected {
        assert!(told.iter().any(|known| known == line), "{line}: {told:#?}");
    }
}

#[test]
fn an_answer_names_who_was_authenticated_and_how() {
    let ana = Actor::person("ana");
    let proved = |actor, proof| Some(Principal { actor, proof });
    let table = [
        (ana.clone(), Some(Principal::token("ci")), Some("so says the holder of the API token ci")),
        (Actor::token("ci"), Some(Principal::token("ci")), None),
        (ana.clone(), proved(ana.clone(), Proof::SlackSignature), Some("by a button in Slack")),
        (Actor::link_holder("ana"), proved(Actor::link_holder("ana"), Proof::TwilioSignature), Some("by telephone")),
        (Actor::link_holder("ana"), proved(Actor::link_holder("ana"), Proof::Link), None),
        (ana, None, None),
    ];
    for (by, principal, detail) in table {
        let noted = Event::Noted { by: by.clone(), text: "x".to_owned() };
        let mut records = records(vec![(0, vec![opened()]), (1, vec![noted])]);
        records[1].by.clone_from(&principal);
        let told = timeline(&records, None);
        assert_eq!(told[1].principal, principal);
        assert_eq!(told[1].detail.first().map(String::as_str), detail, "{by:?}");
    }
}
