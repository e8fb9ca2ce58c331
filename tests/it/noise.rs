//! Thresholds with the real binaries: nobody is told before enough was reported, and nothing is lost on the way.

use domain::policy::Policy;
use domain::signal::Action;
use serde_json::json;

use crate::cases::{batch, function, policy, signal, standin_with, the_incident};
use crate::paging::look;
use crate::phone::Phone;

/// A policy that tells nobody before three triggers.
fn patient(phone: &str) -> Policy {
    let route = json!({ "name": "often", "threshold": { "count": 3, "within": "PT10M" } });
    Policy { routes: vec![serde_json::from_value(route).unwrap()], ..policy(phone) }
}

#[test]
fn a_threshold_ends_the_first_execution_and_the_trigger_that_reaches_it_starts_another() {
    let phone = Phone::start();
    let standin = standin_with(&patient(&phone.address.to_string()));
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), &standin, &[]);
    let route = function(env!("CARGO_BIN_EXE_route"), &standin, &[]);
    let page = function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.address.to_string())]);
    let hear = |id: &str, received: u32| {
        dedup.invoke(&batch(&[signal(id, "k", Action::Trigger, 1)], received)).unwrap().unwrap();
    };
    let executions = || standin.world.lock().unwrap().executions.len();

    hear("s1", 1);
    let incident = the_incident(&standin).id;
    let routed = route.invoke(&look(&incident, "e/route")).unwrap().unwrap();
    assert_eq!(routed["handling"], "record", "the execution ends");
    hear("s2", 1);
    let quiet = page.invoke(&look(&incident, "e/page/1")).unwrap().unwrap();
    assert_eq!(quiet["over"], "quiet");
    assert_eq!((executions(), phone.pages().len()), (1, 0), "two of three");

    hear("s3", 1);
    assert_eq!(executions(), 2, "the third is enough");
    hear("s3", 2);
    assert_eq!(executions(), 2, "a message that comes again starts nothing new");
    let again = route.invoke(&look(&incident, "f/route")).unwrap().unwrap();
    assert_eq!(again["handling"], "page", "what is routed stays routed, and is told now");
    page.invoke(&look(&incident, "f/page/1")).unwrap().unwrap();
    assert_eq!(phone.pages().len(), 1);
    hear("s4", 1);
    assert_eq!(executions(), 2, "a fourth is one more occurrence");
    assert_eq!(the_incident(&standin).occurrences, 4);
}
