//! A whole installation: the real functions over a stand-in for AWS, and around them what AWS does by itself. It
//! delivers the queue's messages, runs the executions, and lets senders, people and schedules come again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock;
use super::machine::Execution;
use crate::cases::{ROUTING_KEY, TOKEN, function, furnish, gateway};
use crate::phone::{Page, Phone};
use crate::runtime::{Failure, Function};
use crate::standin::{Fault, Key, LOCK, Standin, World};

/// How often SQS delivers a message before it is a dead letter.
const DELIVERIES: u32 = 10;
/// How often senders and people try.
const TRIES: usize = 5;
/// How often Lambda tries an event of a schedule.
const ATTEMPTS: usize = 3;

/// The binary of each function.
fn binary(name: &str) -> &'static str {
    match name {
        "archive" => env!("CARGO_BIN_EXE_archive"),
        "checkpoint" => env!("CARGO_BIN_EXE_checkpoint"),
        "dedup" => env!("CARGO_BIN_EXE_dedup"),
        "enrich" => env!("CARGO_BIN_EXE_enrich"),
        "export" => env!("CARGO_BIN_EXE_export"),
        "ingest" => env!("CARGO_BIN_EXE_ingest"),
        "page" => env!("CARGO_BIN_EXE_page"),
        "policy" => env!("CARGO_BIN_EXE_policy"),
        "respond" => env!("CARGO_BIN_EXE_respond"),
        "route" => env!("CARGO_BIN_EXE_route"),
        "silence" => env!("CARGO_BIN_EXE_silence"),
        "sweep" => env!("CARGO_BIN_EXE_sweep"),
        other => panic!("there is no function {other}"),
    }
}

/// The one fault of a case: at which call of which invocation it strikes, both counted from 0.
#[derive(Debug, Clone, Copy)]
pub struct Strike {
    pub invocation: usize,
    pub call: usize,
    pub fault: Fault,
}

/// A message of the queue that is not done with.
struct Message {
    id: usize,
    body: String,
    received: u32,
}

/// How everything stood at some moment.
#[derive(Clone)]
pub struct Snapshot {
    at: Timestamp,
    world: World,
    pages: Vec<Page>,
    invocations: Vec<(String, usize)>,
    received: usize,
    executions: Vec<Execution>,
}

/// The installation.
pub struct Installation {
    pub standin: Standin,
    /// The phone, which several installations share: they are told apart by the links of their messages.
    phone: Phone,
    /// Where links lead.
    url: String,
    /// The functions that run already.
    warm: BTreeMap<String, Function>,
    /// Every invocation has a new sandbox.
    cold: bool,
    strike: Option<Strike>,
    struck: Arc<AtomicBool>,
    /// From which invocation on the journey itself begins: before, it is prepared.
    pub begins: usize,
    /// The function and the number of calls of each invocation so far.
    pub invocations: Vec<(String, usize)>,
    messages: Vec<Message>,
    received: usize,
    pub executions: Vec<Execution>,
}

impl Installation {
    /// One of those that tell `phone`.
    pub fn new(phone: &Phone) -> Self {
        let standin = Standin::start();
        Self {
            url: format!("https://{}.watchkeeper.test", standin.address.port()),
            standin,
            phone: phone.clone(),
            warm: BTreeMap::new(),
            cold: false,
            strike: None,
            struck: Arc::default(),
            begins: 0,
            invocations: Vec::new(),
            messages: Vec::new(),
            received: 0,
            executions: Vec::new(),
        }
    }

    /// A new installation, in which `policy` rules.
    pub fn furnished(phone: &Phone, policy: &Policy) -> Self {
        let place = Self::new(phone);
        let mut world = World { lock: Some(LOCK), key: Some(Key::new()), ..World::default() };
        furnish(&mut world, policy);
        *place.standin.world.lock().unwrap() = world;
        place
    }

    /// How everything stands now, between two events.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            at: Timestamp::now(),
            world: self.standin.world.lock().unwrap().clone(),
            pages: self.pages(),
            invocations: self.invocations.clone(),
            received: self.received,
            executions: self.executions.clone(),
        }
    }

    /// Everything is as it was then, as if that were now; functions that run already go on in it.
    pub fn restore(&mut self, then: &Snapshot, strike: Option<Strike>) {
        self.standin.mend();
        *self.standin.world.lock().unwrap() = then.world.clone();
        let pages = then.pages.iter().cloned().map(|page| Page { link: self.url.clone(), ..page });
        self.phone.remember(&self.url, &pages.collect::<Vec<_>>());
        self.invocations.clone_from(&then.invocations);
        self.executions.clone_from(&then.executions);
        self.received = then.received;
        self.messages.clear();
        self.strike = strike;
        self.struck = Arc::default();
        // What is archived or signed stays as old as it is.
        if then.world.objects.keys().all(|name| !name.starts_with("evidence/")) {
            self.shift(then.at.duration_since(Timestamp::now()));
        }
    }

    /// The pages that arrived.
    pub fn pages(&self) -> Vec<Page> {
        self.phone.pages().into_iter().filter(|page| page.link.starts_with(&self.url)).collect()
    }

    /// Where the phone is.
    pub fn phone(&self) -> String {
        self.phone.address.to_string()
    }

    /// Ends every function: the next event of each finds a new one.
    pub fn cool(&mut self) {
        self.warm.clear();
    }

    /// From now on every event finds a new function.
    pub fn stay_cold(&mut self) {
        self.cold = true;
    }

    /// What comes now is the journey itself.
    pub fn begin(&mut self) {
        self.begins = self.invocations.len();
    }

    /// Whether the fault of the case struck.
    pub fn was_struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }

    /// Invokes a function; `None` when it died over it.
    pub fn invoke(&mut self, name: &str, event: &Value) -> Option<Result<Value, Failure>> {
        let strike = self.strike.filter(|strike| strike.invocation == self.invocations.len());
        if self.cold || strike.is_some() {
            self.warm.remove(name);
        }
        if !self.warm.contains_key(name) {
            let env = [("WEBHOOK_ALLOW", self.phone()), ("PUBLIC_URL", self.url.clone())];
            self.warm.insert(name.to_owned(), function(binary(name), &self.standin, &env));
        }
        let function = &self.warm[name];
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, struck) = (Arc::clone(&calls), Arc::clone(&self.struck));
        self.standin.kills(function.killer());
        self.standin.breaks(move |call, _| {
            counted.store(call + 1, Ordering::SeqCst);
            match strike.filter(|strike| strike.call == call) {
                Some(strike) => {
                    struck.store(true, Ordering::SeqCst);
                    strike.fault
                }
                None => Fault::None,
            }
        });
        let answer = function.invoke(event);
        self.invocations.push((name.to_owned(), calls.load(Ordering::SeqCst)));
        self.standin.breaks(|_, _| Fault::None);
        if answer.is_none() {
            self.warm.remove(name);
        }
        answer
    }

    /// Asks until there is an answer that is final.
    pub fn ask(&mut self, function: &str, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let headers = [
            ("authorization", format!("Bearer {TOKEN}")),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", format!("{method} {path}")),
        ];
        for _ in 0..TRIES {
            // Whoever asks again makes a request of its own, and says by the key that it is the same.
            let event = gateway(method, path, &headers, &body.to_string());
            if let Some(Ok(answer)) = self.invoke(function, &event)
                && let Some(status) = answer["statusCode"].as_u64().filter(|status| *status < 500)
            {
                return (status, serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default());
            }
        }
        panic!("{method} {path} is never answered");
    }

    /// Sends an event as `PagerDuty`'s clients do, and lets everything come of it that comes at once.
    pub fn send(&mut self, action: &str, key: &str) {
        let payload = json!({ "summary": "Checkout fails", "source": "checkout-7", "severity": "critical" });
        let body = json!({ "routing_key": ROUTING_KEY, "event_action": action, "dedup_key": key, "payload": payload });
        let (status, answer) = self.ask("ingest", "POST", "/v2/enqueue", &body);
        assert_eq!(status, 202, "{answer}");
        self.settle();
    }

    /// An event of a schedule, which Lambda tries again.
    pub fn scheduled(&mut self, function: &str, event: &Value) -> Value {
        for _ in 0..ATTEMPTS {
            if let Some(Ok(answer)) = self.invoke(function, event) {
                return answer;
            }
        }
        panic!("{function} never succeeds");
    }

    /// Once a minute, and not tried again before the next one.
    pub fn sweep(&mut self) {
        self.invoke("sweep", &json!({}));
        self.settle();
    }

    /// Starts an execution by hand, and runs it as far as it gets.
    pub fn execute(&mut self, machine: &'static str, name: &str, input: Value) {
        self.executions.push(Execution::start(machine, name, input));
        self.settle();
    }

    /// Delivers messages and runs executions until nothing is left to do now.
    pub fn settle(&mut self) {
        loop {
            self.deliver();
            let known: BTreeSet<String> = self.executions.iter().map(|execution| execution.name.clone()).collect();
            let started = self.standin.world.lock().unwrap().executions.clone();
            for (name, input) in started.iter().filter(|(name, _)| !known.contains(*name)) {
                let input = serde_json::from_str(input).unwrap();
                self.executions.push(Execution::start("incident", name, input));
            }
            let Some(place) = self.executions.iter().position(Execution::is_due) else { return };
            let mut execution = self.executions[place].clone();
            execution.run(&mut |resource, arguments| self.task(resource, arguments));
            self.executions[place] = execution;
        }
    }

    fn task(&mut self, resource: &str, arguments: &Value) -> Result<Value, Failure> {
        if resource.ends_with(":sqs:sendMessage") {
            let mut world = self.standin.world.lock().unwrap();
            world.queues.entry("incident-dead-letters".to_owned()).or_default().push(arguments.to_string());
            return Ok(Value::Null);
        }
        let name = resource.strip_prefix("${").and_then(|name| name.strip_suffix("Function}"));
        let name = name.unwrap_or_else(|| panic!("no task {resource}")).to_lowercase();
        let died = || Failure { name: "Runtime.ExitError".to_owned(), message: String::new() };
        self.invoke(&name, arguments).unwrap_or_else(|| Err(died()))
    }

    /// Delivers what is on the queue, in batches, until all of it is done with.
    fn deliver(&mut self) {
        loop {
            let waiting = self.standin.world.lock().unwrap().queues.remove("signals").unwrap_or_default();
            for body in waiting {
                self.received += 1;
                self.messages.push(Message { id: self.received, body, received: 0 });
            }
            let mut batch: Vec<Message> = self.messages.drain(..self.messages.len().min(10)).collect();
            if batch.is_empty() {
                return;
            }
            batch.iter_mut().for_each(|message| message.received += 1);
            let records: Vec<Value> = batch
                .iter()
                .map(|message| {
                    json!({ "messageId": message.id.to_string(), "body": message.body, "messageAttributes": {},
                        "attributes": { "ApproximateReceiveCount": message.received.to_string() } })
                })
                .collect();
            let answer = self.invoke("dedup", &json!({ "Records": records }));
            let failed: Option<Vec<String>> = answer.and_then(Result::ok).map(|answer| {
                let items = answer["batchItemFailures"].as_array().unwrap();
                items.iter().map(|item| item["itemIdentifier"].as_str().unwrap().to_owned()).collect()
            });
            // A batch without an answer comes again, all of it.
            batch.retain(|message| failed.as_ref().is_none_or(|failed| failed.contains(&message.id.to_string())));
            let (again, dead): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| message.received < DELIVERIES);
            self.messages.extend(again);
            let mut world = self.standin.world.lock().unwrap();
            world.queues.entry("dead-letters".to_owned()).or_default().extend(dead.into_iter().map(|dead| dead.body));
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: SignedDuration) {
        self.shift(time);
        self.settle();
    }

    fn shift(&mut self, time: SignedDuration) {
        clock::pass(&mut self.standin.world.lock().unwrap(), time);
        self.executions.iter_mut().for_each(|execution| execution.pass(time));
    }

    /// Lets time pass until the next execution wakes up; whether there is one.
    pub fn pass_to_next(&mut self) -> bool {
        let sleeping = self.executions.iter().filter(|execution| execution.ended.is_none());
        let Some(next) = sleeping.map(|execution| execution.wakes_at).min() else { return false };
        let time = next.duration_since(Timestamp::now()).max(SignedDuration::ZERO);
        self.pass(time + SignedDuration::from_millis(1));
        true
    }
}
