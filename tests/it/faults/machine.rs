//! State machines, interpreted from their real definitions: tasks with their retries and catches, choices, waits, maps.
//!
//! Of `JSONata` it knows what the definitions use, and stops the test at anything else. Retries come at once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::runtime::Failure;

/// What a task does: the resource's name, and its arguments.
pub type Task<'a> = &'a mut dyn FnMut(&str, &Value) -> Result<Value, Failure>;

/// An execution, between two of its steps.
#[derive(Debug, Clone)]
pub struct Execution {
    pub name: String,
    pub machine: &'static str,
    began: Timestamp,
    definition: Value,
    /// What it was started with.
    pub given: Value,
    state: String,
    input: Value,
    variables: BTreeMap<String, Value>,
    /// Until when it sleeps.
    pub wakes_at: Timestamp,
    /// The state it ended in.
    pub ended: Option<String>,
}

impl Execution {
    /// Starts the machine that `statemachines/` has under this name.
    pub fn start(machine: &'static str, name: &str, input: Value) -> Self {
        Self::of(machine, name, definition(machine), input, BTreeMap::new())
    }

    /// What is kept of it beside its definition.
    pub fn kept(&self) -> Value {
        let Self { name, machine, began, given, state, input, variables, wakes_at, ended, .. } = self;
        json!({ "name": name, "machine": machine, "began": began, "given": given, "state": state, "input": input,
            "variables": variables, "wakes_at": wakes_at, "ended": ended })
    }

    /// One that goes on by `definition` from what was kept of it.
    pub fn going_on(machine: &'static str, definition: Value, kept: &Value) -> Self {
        let text = |name: &str| kept[name].as_str().unwrap();
        let variables = kept["variables"].as_object().unwrap().clone().into_iter().collect();
        let input = kept["input"].clone();
        Self {
            began: text("began").parse().unwrap(),
            given: kept["given"].clone(),
            state: text("state").to_owned(),
            wakes_at: text("wakes_at").parse().unwrap(),
            ended: kept["ended"].as_str().map(str::to_owned),
            ..Self::of(machine, text("name"), definition, input, variables)
        }
    }

    pub fn of(
        machine: &'static str,
        name: &str,
        definition: Value,
        input: Value,
        variables: BTreeMap<String, Value>,
    ) -> Self {
        let began = Timestamp::now();
        let state = definition["StartAt"].as_str().unwrap().to_owned();
        let name = name.to_owned();
        let given = input.clone();
        Self { name, machine, began, definition, given, state, input, variables, wakes_at: began, ended: None }
    }

    /// Whether it has something to do now.
    pub fn is_due(&self) -> bool {
        self.ended.is_none() && self.wakes_at <= Timestamp::now()
    }

    /// Lets its instants be longer ago.
    pub fn pass(&mut self, time: SignedDuration) {
        self.wakes_at -= time;
        self.began -= time;
    }

    /// Goes on until it sleeps or ends. Where a task is tried `once`, it is as if each retry came to the same.
    pub fn run(&mut self, once: bool, task: Task<'_>) {
        while self.is_due() {
            self.step(once, task);
        }
    }

    /// Goes on until it comes to `state`, and does nothing of it yet.
    pub fn run_to(&mut self, state: &str, task: Task<'_>) {
        while self.is_due() && self.state != state {
            self.step(false, task);
        }
    }

    fn step(&mut self, once: bool, task: Task<'_>) {
        let state = self.definition["States"][&self.state].clone();
        let result = match state["Type"].as_str().unwrap() {
            "Task" => self.attempt(&state, once, task),
            "Map" => self.map(&state, once, task),
            "Wait" => {
                self.wakes_at = match &state["Seconds"] {
                    Value::Null => {
                        let at = self.evaluate(&state["Timestamp"], &Value::Null);
                        at.as_str().unwrap().parse().expect("a Wait state takes whole seconds")
                    }
                    seconds => Timestamp::now() + SignedDuration::from_secs(seconds.as_i64().unwrap()),
                };
                Ok(Value::Null)
            }
            "Choice" => {
                let choices = state["Choices"].as_array().unwrap();
                let holds = |choice: &&Value| self.evaluate(&choice["Condition"], &Value::Null) == json!(true);
                let next = choices.iter().find(holds).map_or(&state["Default"], |choice| &choice["Next"]);
                self.state = next.as_str().unwrap().to_owned();
                return;
            }
            "Pass" => Ok(Value::Null),
            "Succeed" | "Fail" => {
                self.ended = Some(self.state.clone());
                return;
            }
            other => panic!("the interpreter does not know {other}"),
        };
        match result {
            Ok(result) => self.leave(&state, &json!({ "result": result })),
            Err(failure) => {
                let catches = state["Catch"].as_array().into_iter().flatten();
                let caught = catches.into_iter().find(|catch| names(catch, &failure.name)).cloned();
                let caught = caught.unwrap_or_else(|| panic!("nothing catches {failure:?}"));
                self.leave(&caught, &json!({ "errorOutput": { "Error": failure.name, "Cause": failure.message } }));
            }
        }
    }

    /// Assigns, puts out and goes on as `by` says, a state or what caught its failure.
    fn leave(&mut self, by: &Value, states: &Value) {
        let assigned = by["Assign"].as_object().into_iter().flatten();
        let assigned: Vec<_> = assigned.map(|(name, value)| (name.clone(), self.evaluate(value, states))).collect();
        if !by["Output"].is_null() {
            self.input = self.evaluate(&by["Output"], states);
        }
        self.variables.extend(assigned);
        by["Next"].as_str().unwrap().clone_into(&mut self.state);
    }

    /// Does a task, and does it again as its retries say.
    fn attempt(&self, state: &Value, once: bool, task: Task<'_>) -> Result<Value, Failure> {
        let arguments = self.evaluate(&state["Arguments"], &Value::Null);
        let retries = state["Retry"].as_array().unwrap();
        let mut tries = vec![0; retries.len()];
        loop {
            let failure = match task(state["Resource"].as_str().unwrap(), &arguments) {
                Ok(result) => return Ok(result),
                Err(failure) => failure,
            };
            let Some(place) = retries.iter().position(|retry| names(retry, &failure.name)) else { return Err(failure) };
            tries[place] += 1;
            if once || tries[place] > retries[place]["MaxAttempts"].as_u64().unwrap() {
                return Err(failure);
            }
        }
    }

    /// An execution for each item, one after the other.
    fn map(&self, state: &Value, once: bool, task: Task<'_>) -> Result<Value, Failure> {
        for (place, item) in self.input.as_array().unwrap().iter().enumerate() {
            let (name, definition) = (format!("{}/{place}", self.name), state["ItemProcessor"].clone());
            let mut child = Self::of(self.machine, &name, definition, item.clone(), self.variables.clone());
            child.run(once, task);
            let ended = child.ended.unwrap();
            if child.definition["States"][&ended]["Type"] == "Fail" {
                return Err(Failure { name: "States.ExceedToleratedFailureThreshold".to_owned(), message: ended });
            }
        }
        Ok(Value::Null)
    }

    /// A value of the definition, with everything between `{%` and `%}` worked out.
    fn evaluate(&self, value: &Value, states: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix("{%").and_then(|text| text.strip_suffix("%}")) {
                Some(expression) => self.jsonata(expression.trim(), states),
                None => value.clone(),
            },
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), self.evaluate(field, states))).collect()
            }
            _ => value.clone(),
        }
    }

    fn jsonata(&self, text: &str, states: &Value) -> Value {
        let of = |text: &str| self.jsonata(text.trim(), states);
        let number = |text: &str| of(text).as_i64().unwrap_or_else(|| panic!("{text} is no number"));
        match text {
            "$merge([$states.input, { 'at': $states.context.Execution.StartTime }])" => {
                let mut merged = self.input.clone();
                merged["at"] = json!(self.began);
                return merged;
            }
            "[[1..$parts].{ 'export': $export, 'part': $ }]" => {
                return (1..=number("$parts")).map(|part| json!({ "export": of("$export"), "part": part })).collect();
            }
            "$fromMillis($millis() + 60000)" => return json!(Timestamp::now() + SignedDuration::from_secs(60)),
            _ => {}
        }
        if let Some((condition, branches)) = text.split_once(" ? ") {
            let (yes, no) = branches.split_once(" : ").unwrap();
            return of(if of(condition) == json!(true) { yes } else { no });
        }
        if let Some((one, other)) = text.split_once(" and ") {
            return json!(of(one) == json!(true) && of(other) == json!(true));
        }
        if let Some((one, other)) = text.split_once(" >= ") {
            return json!(number(one) >= number(other));
        }
        if let Some((one, other)) = text.split_once(" > ") {
            return json!(number(one) > number(other));
        }
        if let Some((one, other)) = text.split_once(" = ") {
            return json!(of(one) == of(other));
        }
        if text.contains(" & ") {
            let parts = text.split(" & ").map(|part| of(part).as_str().expect("a text").to_owned());
            return json!(parts.collect::<String>());
        }
        if let Some((one, other)) = text.split_once(" + ") {
            return json!(number(one) + number(other));
        }
        if let Some(inner) = text.strip_prefix("$string(") {
            return json!(of(inner.strip_suffix(')').unwrap()).to_string());
        }
        if let Some(inner) = text.strip_prefix("$type(") {
            return json!(if of(inner.strip_suffix(')').unwrap()).is_string() { "string" } else { "another" });
        }
        if let Some(name) = text.strip_prefix("$exists($") {
            return json!(self.variables.contains_key(name.strip_suffix(')').unwrap()));
        }
        if let Some(literal) = text.strip_prefix('\'') {
            return json!(literal.strip_suffix('\'').unwrap());
        }
        if let Some(path) = text.strip_prefix("$states.") {
            let execution = json!({ "Execution": { "Name": self.name, "StartTime": self.began } });
            let whole = json!({ "input": self.input, "context": execution, "result": states["result"],
                "errorOutput": states["errorOutput"] });
            return path.split('.').fold(whole, |value, name| value[name].clone());
        }
        if let Some(name) = text.strip_prefix('$') {
            return self.variables.get(name).cloned().unwrap_or_else(|| panic!("no variable {name}"));
        }
        serde_json::from_str(text).unwrap_or_else(|_| panic!("the interpreter does not know {text}"))
    }
}

/// The definition that `statemachines/` has under this name.
pub fn definition(machine: &str) -> Value {
    let path = format!("{}/statemachines/{machine}.asl.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether a retry or a catch is about the error `name`.
fn names(rule: &Value, name: &str) -> bool {
    rule["ErrorEquals"].as_array().unwrap().iter().any(|known| known == name || known == "States.ALL")
}
