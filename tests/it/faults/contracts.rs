//! Small promises of the catalogue that no journey has as its subject.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::installation::{Installation, event};
use super::invariants::outcome;
use super::journeys::{JOURNEYS, with_last};
use super::machine::Execution;
use crate::cases::{function, gateway, policy, standin};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::template::{Template, files};

#[test]
fn b16_what_looks_like_an_expression_is_never_worked_out() {
    let title = "{% $states.input %} ${jndi:ldap://x} {{7*7}} $(reboot)";
    let phone = Phone::start();
    let mut place = Installation::furnished(&phone, &with_last(&phone.address.to_string()));
    assert_eq!(place.ask("ingest", "POST", "/v2/enqueue", &event("trigger", "{% 'k' %}", title)).0, 202);
    place.settle();
    assert!(place.pages()[0].text.contains(title), "{:?}", place.pages());
    let world = place.standin.world.lock().unwrap();
    assert!(world.executions.iter().all(|(name, input)| !format!("{name}{input}").contains('%')), "ids alone");
}

#[test]
fn d06_d07_what_a_batch_leaves_over_and_what_follows_on_the_next_page_is_not_forgotten() {
    let phone = Phone::start();
    for journey in &JOURNEYS {
        let made = [false, true].map(|stingy| {
            let mut place = Installation::furnished(&phone, &(journey.policy)(&phone.address.to_string()));
            place.standin.world.lock().unwrap().stingy = stingy;
            journey.steps.iter().for_each(|step| step(&mut place));
            outcome(&place)
        });
        assert_eq!(made[0], made[1], "{}", journey.name);
    }
}

#[test]
fn e03_a_panic_unwinds_so_that_the_runtime_answers_for_it() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let release = manifest.split("[profile.release]").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(release.lines().any(|line| line == "panic = \"unwind\""), "{release}");
}

#[test]
fn e07_what_a_queue_did_not_take_is_not_answered_as_taken() {
    let standin = standin("127.0.0.1:9");
    let ingest = function(env!("CARGO_BIN_EXE_ingest"), &standin, &[]);
    let alert = |name: &str| json!({ "labels": { "alertname": name }, "startsAt": Timestamp::now() });
    let body = json!([alert("a"), alert("b"), alert("c")]).to_string();
    let headers = [("content-type", "application/json".to_owned())];
    let status = |stingy: bool| {
        standin.world.lock().unwrap().stingy = stingy;
        let answer = ingest.invoke(&gateway("POST", "/api/v2/alerts", &headers, &body)).unwrap().unwrap();
        answer["statusCode"].as_u64().unwrap()
    };
    assert_eq!(status(true), 503, "the sender comes again");
    assert_eq!(status(false), 200);
}

#[test]
fn e16_nothing_goes_on_after_an_answer() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, found);
            } else if std::fs::read_to_string(&path).is_ok_and(|text| {
                ["tokio::spawn(", "spawn_local(", "spawn_blocking("].iter().any(|spawns| text.contains(spawns))
            }) {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src", "functions"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn e17_a_function_that_is_set_up_wrongly_says_so_in_one_line_and_does_not_start() {
    let folder = Path::new(env!("CARGO_BIN_EXE_page")).parent().unwrap();
    for name in files() {
        let function = Function::start(folder.join(&name).to_str().unwrap(), &[]);
        let deadline = Instant::now() + Duration::from_mins(1);
        while function.is_alive() {
            assert!(Instant::now() < deadline, "{name} has started");
            std::thread::sleep(Duration::from_millis(5));
        }
        let logs = function.logs();
        assert!(logs.lines().count() == 1 && logs.contains("is not set"), "{name}: {logs}");
    }
}

#[test]
fn f07_no_machine_may_run_twice_under_one_name() {
    let template = Template::read();
    for machine in ["IncidentStateMachine", "ExportStateMachine"] {
        assert_eq!(template.properties(machine)["Type"], "STANDARD", "an Express name can be used again");
    }
}

#[test]
fn f19_an_answer_that_lacks_something_means_page_and_soon() {
    let mut asked = BTreeMap::<String, usize>::new();
    let mut execution = Execution::start("incident", "e", json!({ "incident": "i", "generation": 1 }));
    execution.run(false, &mut |resource, _| {
        *asked.entry(resource.to_owned()).or_default() += 1;
        Ok(if resource == "${EnrichFunction}" { Value::Null } else { json!({}) })
    });
    assert_eq!(asked["${PageFunction}"], 1, "{asked:?}");
    assert_eq!(execution.ended, None);
    let sleeps = execution.wakes_at.duration_since(Timestamp::now());
    assert!(sleeps <= SignedDuration::from_secs(60), "{sleeps:?}");
}

#[test]
fn i10_whoever_is_paged_next_is_who_the_policy_said_when_it_was_routed() {
    let phone = Phone::start();
    let address = phone.address.to_string();
    let mut place = Installation::furnished(&phone, &with_last(&address));
    place.send("trigger", "k");
    let mut other = json!(policy(&address));
    other["escalations"]["platform"]["steps"] = json!([{ "notify": ["person:ana"], "wait": "PT1H" }]);
    assert_eq!(place.ask("policy", "PUT", "/v1/policy", &other).0, 200);
    place.cool();
    place.pass_to_next();
    let told: Vec<String> = place.pages().into_iter().map(|page| page.person).collect();
    assert_eq!(told, ["ana", "ben"]);
}
