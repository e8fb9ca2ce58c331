//! Promises about telling people of a group: the escalation of every incident, and each notification to those it told.

use super::*;
use crate::escalation::{Around, Outcome, Over, due, next};
use crate::incident::{Actor, Status};
use crate::log::Hash;
use crate::policy::{Handling, Mode, Policy, parse};
use crate::route::Decision;
use crate::schedule::Covers;

const POLICY: &str = "\
version: 1
people:
  ana: { contacts: [{ webhook: { url: https://example.com/ana, secret: ssm:/ana } }, { sms: +15550101, after: 2m }] }
  ben: { contacts: [{ sms: +15550102 }] }
escalations:
  two: { steps: [{ notify: [person:ana], wait: 10m }, { notify: [person:ben], wait: 5m }] }
catch_all: { escalation: two }
";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

/// A group incident whose first alert came at 0; it waits for 10 seconds and then looks every minute.
struct World {
    policy: Policy,
    incident: Incident,
    sent: Vec<String>,
    /// What comes of messages.
    outcome: Outcome,
}

impl World {
    fn new() -> Self {
        let policy = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0;
        let group = Grouping {
            route: "r".to_owned(),
            labels: BTreeMap::new(),
            wait: SignedDuration::from_secs(10),
            interval: SignedDuration::from_secs(60),
            repeat: SignedDuration::from_hours(4),
        };
        let mut incident = Incident::expected(IncidentId { fingerprint: group.fingerprint(), generation: 1 });
        let decision = Decision {
            handling: Handling::Page,
            policy: Hash::zero(),
            at: at(0),
            service: None,
            team: None,
            level: None,
            escalation: "two".to_owned(),
            catch_all: false,
            notify: Vec::new(),
            acknowledgement_expires: None,
            group: Some(group.clone()),
            mode: Mode::Execute,
            rung: None,
            noise: None,
            pulse: None,
            trace: Vec::new(),
            why: String::new(),
        };
        let mut first = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
        (first.opened_at, first.decision) = (Some(at(0)), Some(decision));
        group.open(&incident, &first).iter().for_each(|event| incident.apply(event, at(0)));
        Self { policy, incident, sent: Vec::new(), outcome: Outcome::Accepted { reference: Some("m".to_owned()) } }
    }

    fn around(&self) -> Around<'_> {
        Around { policy: &self.policy, covers: Covers::NONE, silenced_until: None, turn: 0 }
    }

    /// The flush due at `second` finds these alerts, and the look that comes with it sends what is due.
    fn flushes(&mut self, second: i64, firing: u64, told: Option<Reason>) -> Next {
        let flushed = Flushed {
            due_at: at(second),
            firing,
            resolved: 0,
            muted: 0,
            severity: Severity::Critical,
            told,
            alerts: Vec::new(),
        };
        self.incident.apply(&Event::Flushed(flushed), at(second));
        self.looks(second)
    }

    fn looks(&mut self, second: i64) -> Next {
        let cause = format!("look {second}");
        for event in due(&self.incident, self.around(), &cause, at(second)) {
            self.incident.apply(&event, at(second));
        }
        let sent: Vec<String> = self.incident.paging.to_send(&cause).map(|delivery| delivery.id.clone()).collect();
        self.sent.extend(sent.iter().map(|id| format!("{second} {id}")));
        let outcomes = sent.into_iter().map(|id| (id, self.outcome.clone())).collect();
        self.incident.apply(&Event::Sent { outcomes }, at(second));
        sooner(&self.incident, next(&self.incident, self.around(), at(second)), at(second))
    }
}

#[test]
fn nobody_is_told_before_the_first_notification() {
    let mut world = World::new();
    assert_eq!(world.looks(0), Next::At(at(10)));
    assert_eq!(world.flushes(10, 0, None), Next::At(at(70)), "all of them are silenced");
    assert!(world.sent.is_empty());
    assert_eq!(world.flushes(70, 2, Some(Reason::First)), Next::At(at(130)));
    assert_eq!(world.sent, ["70 1-ana-0"]);
    assert_eq!(world.incident.alert.title, "[FIRING:2] r");
}

#[test]
fn each_notification_goes_to_those_who_were_told_and_the_escalation_goes_on_meanwhile() {
    let mut world = World::new();
    world.flushes(10, 1, Some(Reason::First));
    world.flushes(70, 2, Some(Reason::NewAlerts));
    assert_eq!(world.looks(71), Next::At(at(130)), "once");
    // Her second contact comes two minutes after the step began, whatever was told in between.
    world.flushes(130, 2, None);
    world.flushes(190, 3, Some(Reason::NewAlerts));
    assert_eq!(world.sent, ["10 1-ana-0", "70 1-ana-0~2", "130 1-ana-1", "190 1-ana-0~3", "190 1-ana-1~3"]);
    // Ben is told ten minutes after the step began.
    world.sent.clear();
    world.looks(609);
    assert!(world.sent.is_empty());
    world.looks(610);
    world.flushes(670, 4, Some(Reason::NewAlerts));
    assert_eq!(world.sent, ["610 2-ben-0", "670 2-ben-0~4"]);
}

#[test]
fn inv5_while_somebody_has_it_nobody_is_told_and_sent_messages_are_brought_up_to_date() {
    let mut world = World::new();
    world.flushes(10, 1, Some(Reason::First));
    world.incident.apply(&Event::Acknowledged { by: Actor::person("ana"), expires_at: Some(at(100)) }, at(20));
    world.sent.clear();
    let shown = Outcome::Shown { status: Status::Acknowledged };
    world.incident.apply(&Event::Sent { outcomes: vec![("1-ana-0".to_owned(), shown)] }, at(21));
    assert_eq!(world.incident.paging.outdated(Status::Acknowledged).count(), 0);

    assert_eq!(world.flushes(70, 2, Some(Reason::NewAlerts)), Next::At(at(100)), "its expiry");
    assert!(world.sent.is_empty());
    assert_eq!(world.incident.paging.outdated(Status::Acknowledged).count(), 1);

    world.looks(100);
    assert_eq!(world.sent, ["100 2-ana-0"], "an acknowledgement that expired pages again");
    assert_eq!(world.looks(101), Next::At(at(130)));
    assert_eq!(world.sent.len(), 1, "and tells the notification with it");
}

#[test]
fn a_group_that_reached_nobody_begins_again_when_it_has_something_new() {
    let mut world = World::new();
    world.outcome = Outcome::Rejected { reason: "no such number".to_owned() };
    world.flushes(10, 1, Some(Reason::First));
    for second in (70..40_000).step_by(60) {
        world.looks(second);
    }
    assert!(world.incident.paging.exhausted);
    world.sent.clear();
    world.flushes(40_030, 1, None);
    assert!(world.sent.is_empty());
    world.outcome = Outcome::Accepted { reference: None };
    world.flushes(40_090, 2, Some(Reason::NewAlerts));
    assert_eq!(world.sent.len(), 1, "{:?}", world.sent);
}

#[test]
fn the_deliveries_of_a_long_lived_group_are_bounded() {
    let mut world = World::new();
    world.flushes(10, 1, Some(Reason::First));
    world.incident.paging.began_at = Some(at(100_000));
    for n in 1..100 {
        world.flushes(10 + 60 * n, 2, Some(Reason::Repeat));
    }
    assert!(world.incident.paging.deliveries.len() <= 40, "{}", world.incident.paging.deliveries.len());
    assert_eq!(world.incident.paging.current().count(), 1);
    assert_eq!(world.sent.len(), 100);
}

#[test]
fn a_member_of_a_group_tells_nobody_by_itself() {
    let mut world = World::new();
    let into = IncidentId { fingerprint: Fingerprint::of("g", "g"), generation: 1 };
    let (mut member, policy) = (world.incident.clone(), world.policy.clone());
    member.group = None;
    member.apply(&Event::Grouped { into }, at(0));
    let around = Around { policy: &policy, covers: Covers::NONE, silenced_until: None, turn: 0 };
    assert_eq!(due(&member, around, "look", at(10)), []);
    assert_eq!(next(&member, around, at(10)), Next::Over(Over::Quiet));
    // Its group is told of, and ends with its last alert.
    world.flushes(10, 1, Some(Reason::First));
    world.incident.apply(&Event::Resolved { by: Actor::watchkeeper(), covers: at(70) }, at(70));
    assert_eq!(world.looks(70), Next::Over(Over::Resolved));
}
