//! The state machines on paper: what can be promised without running one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::incident::Refusal;
use serde_json::{Map, Value};
use watchkeeper::error::{Error, NAMES};

use crate::template::Template;

/// A definition of `statemachines/`.
struct Machine {
    name: String,
    text: String,
    definition: Value,
}

impl Machine {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("statemachines");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let machines: Vec<Self> = files
            .map(|path| {
                let name =
                    path.file_name().unwrap().to_str().unwrap().strip_suffix(".asl.json").expect("<name>.asl.json");
                let text = fs::read_to_string(&path).unwrap();
                Self { name: name.to_owned(), definition: serde_json::from_str(&text).unwrap(), text }
            })
            .collect();
        assert!(!machines.is_empty());
        machines
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|machine| machine.name == name).unwrap()
    }

    fn states(&self) -> &Map<String, Value> {
        self.definition["States"].as_object().unwrap()
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.all_states().into_iter().filter(move |(_, state)| state["Type"] == kind)
    }

    /// Its own states, and those that a Map runs for each item.
    fn all_states(&self) -> Vec<(&String, &Value)> {
        let inner = self.states().values().filter_map(|state| state["ItemProcessor"]["States"].as_object());
        self.states().iter().chain(inner.flatten()).collect()
    }

    /// The names in `${…}`.
    fn substitutions(&self) -> BTreeSet<&str> {
        self.text.split("${").skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
    }
}

/// Where a state can go on to.
fn successors(state: &Value) -> Vec<&str> {
    let branches = ["Catch", "Choices"].into_iter().filter_map(|list| state[list].as_array()).flatten();
    let nexts = branches.map(|branch| &branch["Next"]).chain([&state["Next"], &state["Default"]]);
    nexts.filter_map(Value::as_str).collect()
}

fn listed<'a>(state: &'a Value, list: &str) -> Vec<&'a str> {
    let rules = state[list].as_array().into_iter().flatten();
    rules.flat_map(|rule| rule["ErrorEquals"].as_array().unwrap()).map(|name| name.as_str().unwrap()).collect()
}

/// Names that AWS gives to failures, and not we.
fn is_of_aws(name: &str) -> bool {
    ["States.", "Lambda.", "StepFunctions.", "Runtime.", "Sandbox."].iter().any(|prefix| name.starts_with(prefix))
}

/// One error of each kind.
fn errors() -> [Error; 6] {
    let source = "it is busy".into();
    [
        Error::InvalidEvent(String::new()),
        Error::NotFound(String::new()),
        Error::Refused(Refusal::Unknown),
        Error::Misconfigured(String::new()),
        Error::Conflict,
        Error::Unavailable { what: "it", source },
    ]
}

#[test]
fn f22_every_state_can_be_reached_and_every_way_leads_to_a_state() {
    fn check(place: &str, definition: &Value) {
        let states = definition["States"].as_object().unwrap();
        let mut reached = BTreeSet::new();
        let mut next = vec![definition["StartAt"].as_str().unwrap()];
        while let Some(name) = next.pop() {
            let state = states.get(name).unwrap_or_else(|| panic!("{place}: no state {name}"));
            if reached.insert(name) {
                next.extend(successors(state));
            }
        }
        let all: BTreeSet<&str> = states.keys().map(String::as_str).collect();
        assert_eq!(reached, all, "{place}");
        for (name, state) in states.iter().filter(|(_, state)| state["ItemProcessor"].is_object()) {
            check(&format!("{place}: {name}"), &state["ItemProcessor"]);
        }
    }
    for machine in Machine::all() {
        check(&machine.name, &machine.definition);
    }
}

#[test]
fn every_execution_ends_in_an_outcome_with_a_name() {
    for machine in Machine::all() {
        for (name, state) in machine.all_states() {
            let ends = ["Succeed", "Fail"].iter().any(|kind| state["Type"] == *kind);
            assert!(state["End"].is_null(), "{}: {name} is not an outcome, and ends", machine.name);
            assert_eq!(ends, successors(state).is_empty(), "{}: {name}", machine.name);
            if state["Type"] == "Choice" {
                assert!(state["Default"].is_string(), "{}: {name} may have no answer", machine.name);
            }
        }
    }
    let incident = Machine::named("incident");
    let named = |kind| incident.of_type(kind).map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(
        named("Succeed"),
        BTreeSet::from(["Continued", "Grouped", "Recorded", "Resolved", "Simulated", "Suppressed", "Ticketed"])
    );
    assert_eq!(named("Fail"), BTreeSet::from(["PageUndelivered"]));
    let export = Machine::named("export");
    let named = |kind| export.of_type(kind).map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(named("Succeed"), BTreeSet::from(["Exported", "ExportedUntold", "PartWritten"]));
    assert_eq!(named("Fail"), BTreeSet::from(["ExportFailed", "PartLost"]));
}

#[test]
fn every_name_can_be_logged_and_says_what_kind_of_state_it_is() {
    for machine in Machine::all() {
        assert_eq!(machine.definition["QueryLanguage"], "JSONata", "{}", machine.name);
        for (name, state) in machine.all_states() {
            assert!(
                name.len() <= 80 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "{name}"
            );
            let kind = state["Type"].as_str().unwrap();
            let question = ["Is", "Has", "Was", "How"].iter().any(|word| name.starts_with(word));
            assert_eq!(kind == "Choice", question, "{}: {name} is a {kind}", machine.name);
            assert_eq!(kind == "Wait", name.starts_with("Wait"), "{}: {name} is a {kind}", machine.name);
        }
    }
}

#[test]
fn f10_every_task_gives_up_in_time_tries_again_and_goes_on_when_all_fails() {
    let template = Template::read();
    for machine in Machine::all() {
        for (name, task) in machine.of_type("Task") {
            let place = format!("{}: {name}", machine.name);
            let limit = task["TimeoutSeconds"].as_u64().unwrap_or_else(|| panic!("{place} may hang"));
            if let Some(function) = function(task) {
                let own = template.properties(function)["Timeout"].as_u64().unwrap();
                assert!(limit > own, "{place} gives up before its function does");
            }
            let retries = task["Retry"].as_array().unwrap_or_else(|| panic!("{place} is tried once"));
            for retry in retries {
                assert_eq!(retry["JitterStrategy"], "FULL", "{place}");
                assert!(retry["MaxDelaySeconds"].is_u64() && retry["MaxAttempts"].is_u64(), "{place}");
            }
            assert_eq!(listed(task, "Catch").last(), Some(&"States.ALL"), "{place} may fail silently");
        }
    }
}

#[test]
fn f10_what_is_tried_again_is_exactly_what_may_succeed_later() {
    assert_eq!(errors().each_ref().map(Error::name), NAMES);
    let retryable: BTreeSet<&str> = errors().iter().filter(|error| error.is_retryable()).map(Error::name).collect();
    for machine in Machine::all() {
        for (name, task) in machine.of_type("Task") {
            let place = format!("{}: {name}", machine.name);
            let ours = |list| listed(task, list).into_iter().filter(|name| !is_of_aws(name)).collect::<BTreeSet<_>>();
            if function(task).is_some() {
                assert_eq!(ours("Retry"), retryable, "{place}");
                assert!(listed(task, "Retry").contains(&"Lambda.TooManyRequestsException"), "{place}");
            }
            assert!(ours("Catch").iter().all(|name| NAMES.contains(name)), "{place} waits for what never comes");
        }
    }
}

#[test]
fn every_substitution_is_made_and_none_in_vain() {
    let template = Template::read();
    for machine in Machine::all() {
        let mut id = machine.name[..1].to_uppercase();
        id.push_str(&machine.name[1..]);
        let properties = template.properties(&format!("{id}StateMachine"));
        assert_eq!(properties["DefinitionUri"], format!("../statemachines/{}.asl.json", machine.name));
        let made = properties["DefinitionSubstitutions"].as_object().unwrap();
        let made: BTreeSet<&str> = made.keys().map(String::as_str).collect();
        assert_eq!(machine.substitutions(), made, "{}", machine.name);
        assert!(!machine.text.contains("arn:aws"), "{}: an ARN is spelled out", machine.name);
    }
}

#[test]
fn the_same_look_has_the_same_cause_and_the_next_one_another() {
    for machine in Machine::all() {
        for (name, task) in machine.of_type("Task").filter(|(_, task)| function(task).is_some()) {
            let cause = task["Arguments"]["cause"].as_str().unwrap();
            assert!(cause.contains("$states.context.Execution.Name"), "{}: {name}", machine.name);
            assert_eq!(cause.contains("look"), name == "PageOnCall", "{}: {name}", machine.name);
        }
    }
}

/// Walks the incident machine with these answers and gives the states it passes.
fn walk<'a>(machine: &'a Machine, handled: &str, looks: &[Option<&str>]) -> Vec<&'a str> {
    let mut looks = looks.iter();
    let mut over = None;
    let mut passed = Vec::new();
    let mut name = machine.definition["StartAt"].as_str().unwrap();
    loop {
        let (name_in_file, state) = machine.states().get_key_value(name).unwrap();
        passed.push(name_in_file.as_str());
        if name == "PageOnCall" {
            over = *looks.next().expect("an answer for every look");
        }
        let asked = |word: &str| format!("{{% ${word} %}}");
        let holds = |choice: &&Value| {
            let condition = choice["Condition"].as_str().unwrap();
            condition == asked(handled) || over.is_some_and(|over| condition == asked(&format!("over = '{over}'")))
        };
        let chosen = state["Choices"].as_array().and_then(|choices| choices.iter().find(holds));
        let next = chosen.map_or(&state["Next"], |choice| &choice["Next"]);
        match next.as_str().or_else(|| state["Default"].as_str()) {
            Some(next) => name = next,
            None => return passed,
        }
    }
}

#[test]
fn what_tells_nobody_takes_four_transitions_and_a_page_that_is_answered_twelve() {
    let machine = &Machine::named("incident");
    for (handled, outcome) in [
        ("handling = 'group'", "Grouped"),
        ("handling = 'suppress'", "Suppressed"),
        ("handling = 'record'", "Recorded"),
        ("mode = 'simulate'", "Simulated"),
    ] {
        let passed = walk(machine, handled, &[]);
        assert_eq!(passed.last(), Some(&outcome));
        assert!(passed.len() <= 4, "{passed:?}");
    }
    // Paged; acknowledged by the time of the next look; cleared by the one after.
    let passed = walk(machine, "handling = 'page'", &[None, None, Some("resolved")]);
    assert_eq!(passed.last(), Some(&"Resolved"));
    assert!(passed.len() <= 12, "{passed:?}");
    for (over, outcome) in [("ticketed", "Ticketed"), ("quiet", "Recorded"), ("page_undelivered", "PageUndelivered")] {
        assert_eq!(walk(machine, "handling = 'page'", &[Some(over)]).last(), Some(&outcome));
    }
}

#[test]
fn f09_an_execution_ends_long_before_its_history_is_full() {
    let machine = Machine::named("incident");
    // A task at its longest: entered, four events for each attempt, left. A Choice or a Wait: entered, left.
    let events = |name: &str| {
        let retries = machine.states()[name]["Retry"].as_array().into_iter().flatten();
        let retries: u64 = retries.map(|retry| retry["MaxAttempts"].as_u64().unwrap()).sum();
        if machine.states()[name]["Type"] == "Task" { 2 + 4 * (1 + retries) } else { 2 }
    };
    let total = |names: &[&str]| names.iter().map(|name| events(name)).sum::<u64>();
    let look = total(&["PageOnCall", "IsOver", "WaitForNextLook"]);
    let failure =
        total(&["PageOnCall", "IsFirstFailure", "DeadLetterIncident", "IsWorthAnotherTry", "WaitAfterFailure"]);
    assert!(machine.text.contains("$look >= 200 %") && machine.text.contains("$failures >= 120 %"));
    // Failures count as looks, and a row of them that is one short of the end may follow the last look but one.
    assert!(200 * look.max(failure) + 120 * failure < 25_000, "{look} and {failure} events");
}

#[test]
fn no_page_is_looked_at_or_fails_without_end() {
    for (name, counted) in [("incident", &["IsOver", "IsWorthAnotherTry"])] {
        let machine = Machine::named(name);
        let mut next = successors(&machine.states()["PageOnCall"]);
        let mut reached = BTreeSet::new();
        while let Some(state) = next.pop() {
            assert_ne!(state, "PageOnCall", "{name}: a way back passes no choice that counts");
            if !counted.contains(&state) && reached.insert(state) {
                next.extend(successors(&machine.states()[state]));
            }
        }
        for choice in counted {
            let counts = machine.states()[*choice].to_string();
            assert!(counts.contains(">= 200 %") || counts.contains(">= 120 %"), "{name}: {choice} counts nothing");
        }
    }
}

/// The SAM function that a task invokes.
fn function(task: &Value) -> Option<&str> {
    let resource = task["Resource"].as_str()?.strip_prefix("${")?.strip_suffix('}')?;
    resource.ends_with("Function").then_some(resource)
}
