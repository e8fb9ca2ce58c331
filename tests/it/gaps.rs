//! Gaps ahead with the real sweep: those who are told by a schedule hear days before that it will have nobody.

use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp, tz};
use serde_json::{Value, json};

use crate::cases::{TOKEN, function, gateway, policy, standin_with};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::{Fault, Standin};

/// A zone in which it is noon now, so that people can be told of what can wait.
fn noon() -> String {
    let hour = Timestamp::now().to_zoned(tz::TimeZone::UTC).hour();
    format!("Etc/GMT{:+}", hour - 12)
}

/// A policy whose schedule ends in three days; `contact` changes how ana is reached.
fn ending(phone: &Phone, zone: &str, contact: impl Fn(&mut Value)) -> Policy {
    let mut policy = serde_json::to_value(policy(&phone.address.to_string())).unwrap();
    let end = Timestamp::now() + SignedDuration::from_hours(72);
    let end = end.in_tz(zone).unwrap().datetime().strftime("%Y-%m-%dT%H:00").to_string();
    let layer = json!({ "members": ["ana"], "shift": "weekly", "start": "2026-01-05T09:00", "end": end });
    policy["schedules"]["platform"] = json!({ "time_zone": zone, "rotation": layer });
    let steps =
        json!([{ "notify": ["schedule:platform"], "wait": "PT5M" }, { "notify": ["person:ben"], "wait": "PT5M" }]);
    policy["escalations"]["platform"]["steps"] = steps;
    contact(&mut policy["people"]["ana"]["contacts"][0]);
    serde_json::from_value(policy).unwrap()
}

fn sweeper(standin: &Standin, phone: &Phone) -> Function {
    function(env!("CARGO_BIN_EXE_sweep"), standin, &[("WEBHOOK_ALLOW", phone.address.to_string())])
}

/// Of how many gaps one sweep told.
fn warned(sweeper: &Function) -> Value {
    sweeper.invoke(&json!({})).unwrap().unwrap()["warned"].clone()
}

#[test]
fn h16_whoever_is_on_call_hears_once_of_a_gap_that_begins_in_three_days() {
    let phone = Phone::start();
    let standin = standin_with(&ending(&phone, &noon(), |_| ()));
    let first = sweeper(&standin, &phone);
    assert_eq!(warned(&first), 1);
    let looks = || standin.world.lock().unwrap().stream("gaps").len();
    assert_eq!((warned(&first), looks()), (json!(0), 1), "once an hour is enough");
    // A new process looks again, and finds that it was told today.
    assert_eq!((warned(&sweeper(&standin, &phone)), looks()), (json!(0), 1));
    let notices = phone.notices();
    assert_eq!((notices.len(), notices[0].person.as_str()), (1, "ana"));
    assert!(notices[0].text.starts_with("Nobody is on call for platform from "), "{}", notices[0].text);
    assert!(notices[0].text.contains(" on (Etc/GMT"), "it has no end: {}", notices[0].text);
    assert!(phone.pages().is_empty(), "it is no page");
}

#[test]
fn h16_a_gap_that_somebody_covers_is_none_and_one_that_cannot_be_checked_is_not_told() {
    let phone = Phone::start();
    let standin = standin_with(&ending(&phone, &noon(), |_| ()));
    let roster = function(env!("CARGO_BIN_EXE_schedule"), &standin, &[]);
    let now = Timestamp::now();
    let (from, until) = (now + SignedDuration::from_hours(48), now + SignedDuration::from_hours(20 * 24));
    let set = json!({ "schedule": "platform", "person": "ben", "from": from, "until": until }).to_string();
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let answer = roster.invoke(&gateway("POST", "/v1/overrides", &headers, &set)).unwrap().unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(warned(&sweeper(&standin, &phone)), 0);
    {
        let mut world = standin.world.lock().unwrap();
        let row = ("covers".to_owned(), "ledger".to_owned());
        world.table(&json!("state")).get_mut(&row).unwrap().insert("body".to_owned(), json!({ "S": "garbage" }));
    }
    let sweeper = sweeper(&standin, &phone);
    assert_eq!(warned(&sweeper), 0, "the rest of the sweep does not fail for it");
    assert!(sweeper.logs().contains("gaps ahead cannot be looked for"), "{}", sweeper.logs());
    assert!(phone.notices().is_empty() && standin.world.lock().unwrap().stream("gaps").is_empty());
}

#[test]
fn h16_where_the_first_cannot_be_reached_the_next_hears_of_a_gap_and_a_lost_answer_is_found_again() {
    let phone = Phone::start();
    let policy = ending(&phone, &noon(), |contact| contact["webhook"]["url"] = json!("http://127.0.0.1:1/ana"));
    let standin = standin_with(&policy);
    let mut lost = 0;
    standin.breaks(move |_, name| {
        lost += usize::from(name.ends_with("TransactWriteItems"));
        if name.ends_with("TransactWriteItems") && lost == 1 { Fault::AnswerLost } else { Fault::None }
    });
    assert_eq!(warned(&sweeper(&standin, &phone)), 1);
    assert_eq!(phone.notices().iter().map(|notice| notice.person.as_str()).collect::<Vec<_>>(), ["ben"]);
    assert_eq!(standin.world.lock().unwrap().stream("gaps").len(), 1);
}

#[test]
fn h16_where_nobody_can_be_reached_the_sweep_goes_on_and_says_so() {
    let phone = Phone::start();
    let standin = standin_with(&ending(&phone, &noon(), |_| ()));
    phone.answers(500);
    let sweeper = sweeper(&standin, &phone);
    assert_eq!(warned(&sweeper), 0);
    assert!(sweeper.logs().contains("nobody could be told of a gap ahead"), "{}", sweeper.logs());
}
