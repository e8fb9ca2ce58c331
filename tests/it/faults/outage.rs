//! Ten minutes without a service, each in turn (faults.md, G10): what waits is done afterwards, and says that it is late.
//!
//! Minutes pass at once. Of the tries that come within seconds of each other one stands for all, as each would wait for
//! its client's own tries in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};

use domain::policy::Policy;

use super::installation::{Breaks, Installation};
use super::invariants::{check, paged};
use super::journeys::with_last;
use super::side_by_side;
use crate::evidence::{Changes, audit, findings, write};
use crate::phone::Phone;
use crate::server::{Answer, Served};

/// Each service, by the names of its calls.
const SERVICES: [(&str, &[&str]); 5] = [
    ("DynamoDB", &["DynamoDB_20120810"]),
    ("SQS", &["AmazonSQS"]),
    ("Step Functions", &["AWSStepFunctions"]),
    ("S3", &["GET /", "PUT /"]),
    ("SSM", &["AmazonSSM"]),
];
/// What checkpoints need, by the names of its calls.
const EVIDENCE: [&[&str]; 2] = [&["TrentService"], &["GET /", "PUT /"]];
/// The senders' problems, by the minute of the outage in which each is reported first.
const DURING: [usize; 3] = [0, 4, 9];
const MINUTES: usize = 10;

/// Ten minutes of `breaks`: what is reported then, and what its senders still have to say at the end.
fn endure(place: &mut Installation, breaks: Breaks) -> Vec<String> {
    // Whoever remembers something is gone, too.
    place.cool();
    place.breaks(breaks);
    let mut waiting: Vec<String> = Vec::new();
    for minute in 0..MINUTES {
        if DURING.contains(&minute) {
            waiting.push(format!("during-{minute}"));
        }
        if DURING.contains(&minute) || minute % 3 == 0 {
            waiting.retain(|key| !place.try_to_send("trigger", key));
            place.settle();
        }
        place.pass(SignedDuration::from_mins(1));
    }
    assert!(place.struck() > 0 || matches!(breaks, Breaks::Nothing), "nobody called what was away");
    waiting
}

/// After an outage: senders come again, and within twenty minutes somebody is paged for each problem.
fn recover(place: &mut Installation, waiting: &[String], told: impl Fn(&Installation) -> usize) {
    place.breaks(Breaks::Nothing);
    for key in waiting {
        place.send("trigger", key);
    }
    let mut passed = 0;
    // Two sweeps later nothing that was due is left.
    while passed < 2 || told(place) <= DURING.len() {
        assert!(passed < 20, "somebody is paged for each");
        place.pass(SignedDuration::from_mins(1));
        place.sweep();
        passed += 1;
    }
    check(place);
}

fn outage(place: &mut Installation, service: &str, names: &'static [&'static str]) {
    place.send("trigger", "before");
    assert_eq!(paged(place).len(), 1);
    let refused = endure(place, Breaks::Outage(names));
    let taken = DURING.len() - refused.len();
    recover(place, &refused, |place| paged(place).len());
    // What was taken and could not be told at once says so.
    let late = place.pages().iter().filter(|page| page.text.contains("late: it began")).count();
    if ["DynamoDB", "Step Functions"].contains(&service) {
        assert!(taken == DURING.len() && late >= 2, "{service}: {late} of {taken} say that they are late");
    }
}

#[test]
fn g10_ten_minutes_without_a_service_lose_nothing() {
    let phone = Phone::start();
    let beginning = Installation::furnished(&phone, &with_last(&phone.address.to_string())).snapshot();
    let cases = SERVICES.iter().map(|service| ("outage", *service)).collect();
    let failed = side_by_side(&phone, cases, |place, (service, names)| {
        place.restore(&beginning, Breaks::Nothing);
        outage(place, service, names);
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The secret of every provider that is played.
const SECRET: &str = "ssm:/watchkeeper/provider";

/// A provider of any kind, which is there or not; how many messages it took.
struct Provider {
    served: Served,
    is_there: Arc<AtomicBool>,
    took: Arc<AtomicUsize>,
}

impl Provider {
    fn start() -> Self {
        let (is_there, took) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicUsize>::default());
        let (there, taken) = (Arc::clone(&is_there), Arc::clone(&took));
        let said = json!({ "ok": true, "channel": "C1", "ts": "1.2", "sid": "SM1", "status": "queued", "id": "x" });
        let served = Served::start(move |_| {
            if !there.load(Ordering::SeqCst) {
                return Some(Answer::new(503, "{}"));
            }
            taken.fetch_add(1, Ordering::SeqCst);
            Some(Answer::new(200, said.to_string()).with("content-type", "application/json"))
        });
        Self { served, is_there, took }
    }
}

/// Ana is told by this contact alone.
fn by(contact: &Value) -> Policy {
    let mut policy = json!(with_last("127.0.0.1:9"));
    for person in ["ana", "ben", "eve"] {
        policy["people"][person] = json!({ "contacts": [contact] });
    }
    policy["providers"] = json!({
        "email": { "from": "watchkeeper@example.com" },
        "slack": { "bot_token": SECRET, "signing_secret": SECRET },
        "twilio": { "account_sid": "AC00000000000000000000000000000000", "auth_token": SECRET, "from": "+15550199" },
        "opsgenie": { "api_key": SECRET },
    });
    serde_json::from_value(policy).unwrap()
}

#[test]
fn g10_j05_ten_minutes_without_a_channel_lose_nothing() {
    let table: [(&str, Value, &[&str]); 2] = [
        ("text", json!({ "sms": "+15550100" }), &["Query"]),
        ("mail", json!({ "email": "ana@example.com" }), &["POST /v2/email"]),
    ];
    for (channel, contact, names) in table {
        let mut place = Installation::furnished(&Phone::start(), &by(&contact));
        place.send("trigger", "before");
        let told = |place: &Installation| place.standin.world.lock().unwrap().sent.len();
        assert_eq!(told(&place), 1, "{channel}");
        let refused = endure(&mut place, Breaks::Outage(names));
        assert!(refused.is_empty(), "{channel}: senders notice nothing");
        assert_eq!(told(&place), 1, "{channel}: nothing got through");
        recover(&mut place, &refused, told);
    }
    for contact in [
        json!({ "slack": "C1" }),
        json!({ "teams": SECRET }),
        json!({ "twilio_sms": "+15550100" }),
        json!({ "voice": "+15550100" }),
        json!({ "ntfy": "ana" }),
        json!({ "pagerduty": SECRET }),
        json!({ "opsgenie": "Platform" }),
    ] {
        let provider = Provider::start();
        let url = format!("http://{}", provider.served.address);
        let mut policy = by(&contact);
        policy.providers.ntfy = Some(serde_json::from_value(json!({ "url": url })).unwrap());
        let mut place = Installation::furnished(&Phone::start(), &policy);
        place.providers = provider.served.address.to_string();
        // The address of a workflow of Teams is its secret.
        let secret = if contact["teams"].is_null() { "a secret of 24 characters".to_owned() } else { url };
        place.standin.world.lock().unwrap().parameters.insert("/watchkeeper/provider".to_owned(), secret);
        let told = |_: &Installation| provider.took.load(Ordering::SeqCst);
        place.send("trigger", "before");
        assert_eq!(told(&place), 1, "{contact}");
        provider.is_there.store(false, Ordering::SeqCst);
        let refused = endure(&mut place, Breaks::Nothing);
        assert!(refused.is_empty(), "{contact}: senders notice nothing");
        assert_eq!(told(&place), 1, "{contact}: nothing got through");
        provider.is_there.store(true, Ordering::SeqCst);
        recover(&mut place, &refused, told);
    }
    let phone = Phone::start();
    let mut place = Installation::furnished(&phone, &with_last(&phone.address.to_string()));
    place.send("trigger", "before");
    phone.answers(503);
    endure(&mut place, Breaks::Nothing);
    assert_eq!(paged(&place).len(), 1, "nothing got through");
    phone.answers(200);
    recover(&mut place, &[], |place| paged(place).len());
}

#[test]
fn g10_k08_ten_minutes_without_kms_or_s3_leave_a_whole_log_and_a_late_checkpoint() {
    let phone = Phone::start();
    for names in EVIDENCE {
        let mut place = Installation::furnished(&phone, &with_last(&phone.address.to_string()));
        write(&place.standin, "policy", 3, "applied");
        let batch = Changes::default().next(&place.standin, |_, _| false);
        place.breaks(Breaks::Outage(names));
        // The stream keeps what cannot be archived, and a checkpoint is made within the hour.
        let archived = place.invoke("archive", &batch).unwrap().is_ok();
        place.invoke("checkpoint", &json!({})).unwrap().unwrap_err();
        place.breaks(Breaks::Nothing);
        if !archived {
            place.scheduled("archive", &batch);
        }
        place.scheduled("checkpoint", &json!({}));
        assert_eq!(audit(&place.standin).size("policy"), 3, "{names:?}");
        assert!(findings(&place.standin).is_empty(), "{names:?}");
    }
}
