//! Promises about what is written: whatever the export calls things, it is read as the same policy.

use domain::policy::{
    Acknowledge, Address, Contact, Group, Kind, Ladder, Layer, Proof, Rule, Rules, Shift, Step, Target, Window,
};
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use proptest::prelude::*;

use super::yaml;
use crate::migrate::draft::{Draft, Section};

/// A draft with everything that an import can fill in, called `text`.
fn draft(text: &str, minutes: i64) -> Draft {
    let mut draft = Draft::new("PagerDuty");
    let person = draft.name(Section::People, "p", text);
    let wait = SignedDuration::from_mins(minutes);
    let contacts = vec![
        Contact { address: Address::Email("a@example.com".to_owned()), after: None },
        Contact { address: Address::Voice("+15550100123".to_owned()), after: Some(wait) },
        Contact { address: Address::Slack("U0123".to_owned()), after: Some(wait) },
    ];
    draft.person(&person, text, Some("U0123".to_owned()), contacts);
    let quieter =
        vec![Rule { by: "email".to_owned(), after: None }, Rule { by: "voice".to_owned(), after: Some(wait) }];
    draft.policy.people.get_mut(&person).expect("they are there").rules =
        Rules { sev4: Some(quieter), ..Rules::default() };
    let team = draft.name(Section::Teams, "t", text);
    assert!(draft.team(&team, [person.clone()]));
    let at = DateTime::constant(2026, 1, 5, 9, 0, 0, 0);
    let window = Window { days: vec![domain::policy::Day::Fri], from: Some(Time::constant(9, 30, 15, 0)), until: None };
    let layer = |shift, name: &str| Layer {
        name: name.to_owned(),
        time_zone: Some("Asia/Tokyo".to_owned()),
        members: vec![person.clone()],
        shift,
        start: at,
        end: Some(DateTime::constant(2030, 1, 5, 9, 0, 0, 0)),
        restrict: vec![window.clone()],
    };
    let lanes =
        vec![vec![layer(Shift::WEEKLY, "a")], vec![layer(Shift::Every(wait), text), layer(Shift::Days(3), "a: b #c")]];
    draft.schedule("s", text, "Europe/Berlin", lanes);
    let notify = draft.lanes("s").iter().cloned().map(Target::Schedule).collect();
    let escalation = draft.name(Section::Escalations, "e", text);
    draft.escalation(&escalation, vec![Step { notify, wait, round_robin: true, acknowledge: Acknowledge::Anybody }], 2);
    draft.integration("i", text, Kind::Pagerduty, None);
    let grafana = draft.integration("g", text, Kind::Grafana, None);
    draft.proof(&grafana, Proof::Token);
    let mut route =
        Draft::route(format!("x{text}"), format!("alert.title == {}", crate::migrate::condition::text(text)));
    route.level = Some(Ladder::Sev4);
    route.group = Some(Group { by: Some(vec![format!("l{text}")]), wait: Some(wait), interval: None, repeat: None });
    draft.policy.routes.push(route);
    draft.finish();
    draft
}

#[test]
fn a_policy_that_was_written_is_read_as_itself() {
    for text in [
        "Platform",
        "null",
        "on",
        "a: b",
        "- x",
        "# not a comment",
        "\"quoted\" \\ {x} [y]",
        "Größe 😀",
        "'",
        "@x",
        "007",
    ] {
        let draft = draft(text, 90);
        let written = yaml(&draft);
        let read =
            domain::policy::parse(&written).map_or_else(|wrong| panic!("{written}\n{wrong:#?}"), |(policy, _)| policy);
        assert_eq!(read, draft.policy, "{written}");
    }
}

proptest! {
    #[test]
    fn whatever_things_are_called_the_policy_is_read_as_itself(text in "[^\\p{C}]{1,40}", minutes in 1..10_000i64) {
        let draft = draft(&text, minutes);
        let read = domain::policy::parse(&yaml(&draft)).map_err(|wrong| TestCaseError::fail(format!("{wrong:#?}")))?.0;
        prop_assert_eq!(read, draft.policy);
    }

    #[test]
    fn a_comment_stays_a_comment_whatever_is_in_it(text in "\\PC*\n?.*") {
        let mut draft = draft("a", 5);
        draft.origin("people.a", text);
        let read = domain::policy::parse(&yaml(&draft)).map_err(|wrong| TestCaseError::fail(format!("{wrong:#?}")))?.0;
        prop_assert_eq!(read, draft.policy);
    }
}
