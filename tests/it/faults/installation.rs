//! A whole installation: the real functions over a stand-in for AWS, and around them what AWS does by itself. It
//! delivers the queue's messages, runs the executions, and lets senders, people and schedules come again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock;
use super::machine::Execution;
use crate::cases::{ROUTING_KEY, TOKEN, function, furnish, gateway};
use crate::phone::{Page, Phone};
use crate::runtime::{Failure, Function};
use crate::standin::{Fault, Key, LOCK, Standin, World};
use crate::template::Template;

mod kept;

/// How long SQS hides a message that was delivered.
const HIDDEN: SignedDuration = SignedDuration::from_secs(60);
/// How often senders and people try where one thing breaks.
const TRIES: usize = 5;
/// How often Lambda tries an event of a schedule.
const ATTEMPTS: usize = 3;
/// How often everybody tries where things break again and again: a schedule comes again too.
const PATIENCE: usize = 50;

/// The binary of each function.
fn binary(name: &str) -> &'static str {
    match name {
        "api" => env!("CARGO_BIN_EXE_api"),
        "archive" => env!("CARGO_BIN_EXE_archive"),
        "checkpoint" => env!("CARGO_BIN_EXE_checkpoint"),
        "dedup" => env!("CARGO_BIN_EXE_dedup"),
        "enrich" => env!("CARGO_BIN_EXE_enrich"),
        "export" => env!("CARGO_BIN_EXE_export"),
        "heartbeat" => env!("CARGO_BIN_EXE_heartbeat"),
        "ingest" => env!("CARGO_BIN_EXE_ingest"),
        "operate" => env!("CARGO_BIN_EXE_operate"),
        "page" => env!("CARGO_BIN_EXE_page"),
        "policy" => env!("CARGO_BIN_EXE_policy"),
        "respond" => env!("CARGO_BIN_EXE_respond"),
        "route" => env!("CARGO_BIN_EXE_route"),
        "schedule" => env!("CARGO_BIN_EXE_schedule"),
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

/// What breaks.
#[derive(Debug, Clone, Copy, Default)]
pub enum Breaks {
    /// Nothing.
    #[default]
    Nothing,
    /// One call.
    Once(Strike),
    /// Any call, as this seed says, with the odds of [`ODDS`] to one.
    AtRandom(u64),
    /// Every call whose name begins with one of these.
    Outage(&'static [&'static str]),
}

impl Breaks {
    /// What becomes of the call `call`, named `name`, of the invocation `invocation`.
    fn fault(self, invocation: usize, call: usize, name: &str) -> Fault {
        match self {
            Self::Once(strike) if (strike.invocation, strike.call) == (invocation, call) => strike.fault,
            Self::AtRandom(seed) => {
                let mut hasher = DefaultHasher::new();
                (seed, invocation, call).hash(&mut hasher);
                let dice = hasher.finish();
                if dice.is_multiple_of(ODDS) {
                    AT_RANDOM[usize::try_from(dice / ODDS % 6).unwrap()]
                } else {
                    Fault::None
                }
            }
            Self::Outage(names) if names.iter().any(|known| name.starts_with(known)) => Fault::Trouble,
            Self::Nothing | Self::Once(_) | Self::Outage(_) => Fault::None,
        }
    }
}

/// What can happen to a call at random.
const AT_RANDOM: [Fault; 6] =
    [Fault::Trouble, Fault::Failing, Fault::Throttled, Fault::AnswerLost, Fault::KilledBefore, Fault::KilledAfter];

/// One call in so many breaks at random.
pub const ODDS: u64 = 20;

/// A message of the queue that is not done with.
#[derive(Clone)]
struct Message {
    id: usize,
    body: String,
    received: u32,
    visible_at: Timestamp,
}

/// What an execution asked of a task, and what it heard.
#[derive(Debug, Clone)]
pub struct Asked {
    pub execution: String,
    pub resource: String,
    pub arguments: Value,
    pub answer: Result<Value, Failure>,
}

/// An event as `PagerDuty`'s clients send it.
pub fn event(action: &str, key: &str, title: &str) -> Value {
    let payload = json!({ "summary": title, "source": "checkout-7", "severity": "critical" });
    json!({ "routing_key": ROUTING_KEY, "event_action": action, "dedup_key": key, "payload": payload })
}

/// How often SQS delivers a message, as the template says.
fn deliveries() -> u32 {
    let template = Template::read();
    let most = &template.properties("SignalsQueue")["RedrivePolicy"]["maxReceiveCount"];
    most.as_str().and_then(|most| most.parse().ok()).or_else(|| most.as_u64()?.try_into().ok()).unwrap()
}

/// How everything stood at some moment.
#[derive(Clone)]
pub struct Snapshot {
    at: Timestamp,
    world: World,
    pages: Vec<Page>,
    invocations: Vec<(String, usize)>,
    received: usize,
    messages: Vec<Message>,
    executions: Vec<Execution>,
}

/// The installation.
pub struct Installation {
    pub standin: Standin,
    /// The phone, which several installations share: they are told apart by the links of their messages.
    phone: Phone,
    /// Where the providers of channels are played.
    pub providers: String,
    /// Where links lead.
    url: String,
    /// The functions that run already.
    warm: BTreeMap<String, Function>,
    /// Every invocation has a new sandbox.
    cold: bool,
    breaks: Breaks,
    /// How many calls were broken.
    struck: Arc<AtomicUsize>,
    /// From which invocation on the journey itself begins: before, it is prepared.
    pub begins: usize,
    /// Up to which it goes: what comes after finds what is left undone, and is no part of it.
    pub ends: Option<usize>,
    /// The function and the number of calls of each invocation so far.
    pub invocations: Vec<(String, usize)>,
    messages: Vec<Message>,
    received: usize,
    /// How often SQS delivers a message before it is a dead letter.
    deliveries: u32,
    pub executions: Vec<Execution>,
    /// What executions asked of their tasks so far.
    pub asked: Vec<Asked>,
    /// What becomes of all that goes to a task and comes from it.
    pub between: fn(Value) -> Value,
}

impl Installation {
    /// One of those that tell `phone`.
    pub fn new(phone: &Phone) -> Self {
        let standin = Standin::start();
        Self {
            url: format!("https://{}.watchkeeper.test", standin.address.port()),
            standin,
            phone: phone.clone(),
            providers: "127.0.0.1:9".to_owned(),
            warm: BTreeMap::new(),
            cold: false,
            breaks: Breaks::Nothing,
            struck: Arc::default(),
            begins: 0,
            ends: None,
            invocations: Vec::new(),
            messages: Vec::new(),
            received: 0,
            deliveries: deliveries(),
            executions: Vec::new(),
            asked: Vec::new(),
            between: |said| said,
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
            messages: self.messages.clone(),
            executions: self.executions.clone(),
        }
    }

    /// Everything is as it was then, as if that were now; functions that run already go on in it.
    pub fn restore(&mut self, then: &Snapshot, breaks: Breaks) {
        self.standin.mend();
        *self.standin.world.lock().unwrap() = then.world.clone();
        let pages = then.pages.iter().cloned().map(|page| Page { link: self.url.clone(), ..page });
        self.phone.remember(&self.url, &pages.collect::<Vec<_>>());
        self.invocations.clone_from(&then.invocations);
        self.executions.clone_from(&then.executions);
        self.asked.clear();
        self.received = then.received;
        self.messages.clone_from(&then.messages);
        self.cold = false;
        self.breaks = breaks;
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

    /// The journey itself is over.
    pub fn end(&mut self) {
        self.ends = Some(self.invocations.len());
    }

    /// How many calls were broken.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }

    /// From now on this breaks.
    pub fn breaks(&mut self, breaks: Breaks) {
        self.standin.mend();
        self.breaks = breaks;
    }

    /// Whether more than one call may break, so that whoever tries must try for longer.
    pub fn is_rough(&self) -> bool {
        matches!(self.breaks, Breaks::AtRandom(_))
    }

    /// Invokes a function; `None` when it died over it.
    pub fn invoke(&mut self, name: &str, event: &Value) -> Option<Result<Value, Failure>> {
        let invocation = self.invocations.len();
        let breaks = self.breaks;
        let strikes = matches!(breaks, Breaks::Once(strike) if strike.invocation == invocation);
        if self.cold || strikes {
            self.warm.remove(name);
        }
        if !self.warm.contains_key(name) {
            let base = format!("http://{}", self.providers);
            let env = [
                ("WEBHOOK_ALLOW", format!("{},{}", self.phone(), self.providers)),
                ("PUBLIC_URL", self.url.clone()),
                ("SLACK_API", base.clone()),
                ("PAGERDUTY_API", base.clone()),
                ("OPSGENIE_API", base.clone()),
                ("TWILIO_API", base),
            ];
            self.warm.insert(name.to_owned(), function(binary(name), &self.standin, &env));
        }
        let function = &self.warm[name];
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, struck) = (Arc::clone(&calls), Arc::clone(&self.struck));
        self.standin.kills(function.killer());
        self.standin.breaks(move |call, name| {
            counted.store(call + 1, Ordering::SeqCst);
            let fault = breaks.fault(invocation, call, name);
            struck.fetch_add(usize::from(fault != Fault::None), Ordering::SeqCst);
            fault
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
        for _ in 0..if self.is_rough() { PATIENCE } else { TRIES } {
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
        let (status, answer) = self.ask("ingest", "POST", "/v2/enqueue", &event(action, key, "Checkout fails"));
        assert_eq!(status, 202, "{answer}");
        self.settle();
    }

    /// Sends it once; whether it was taken.
    pub fn try_to_send(&mut self, action: &str, key: &str) -> bool {
        let headers = [("content-type", "application/json".to_owned())];
        let request = gateway("POST", "/v2/enqueue", &headers, &event(action, key, "Checkout fails").to_string());
        let answer = self.invoke("ingest", &request);
        answer.is_some_and(|answer| answer.is_ok_and(|answer| answer["statusCode"] == 202))
    }

    /// An event of a schedule, which Lambda tries again.
    pub fn scheduled(&mut self, function: &str, event: &Value) -> Value {
        for _ in 0..if self.is_rough() { PATIENCE } else { ATTEMPTS } {
            if let Some(Ok(answer)) = self.invoke(function, event) {
                return answer;
            }
        }
        panic!("{function} never succeeds");
    }

    /// Once a minute, and not tried again before the next one.
    pub fn sweep(&mut self) {
        self.standin.world.lock().unwrap().over =
            self.executions.iter().filter(|known| known.ended.is_some()).map(|known| known.name.clone()).collect();
        let rounds = if self.is_rough() { PATIENCE } else { 1 };
        (0..rounds).find(|_| matches!(self.invoke("sweep", &json!({})), Some(Ok(_))));
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
            // Tries within seconds find the same outage: one stands for all.
            let once = matches!(self.breaks, Breaks::Outage(_));
            let name = execution.name.clone();
            execution.run(once, &mut |resource, arguments| self.task(&name, resource, arguments));
            self.executions[place] = execution;
        }
    }

    /// Starts an execution by hand, and runs it until it comes to `state`.
    pub fn execute_to(&mut self, state: &str, machine: &'static str, name: &str, input: Value) {
        let mut execution = Execution::start(machine, name, input);
        execution.run_to(state, &mut |resource, arguments| self.task(name, resource, arguments));
        self.executions.push(execution);
    }

    fn task(&mut self, execution: &str, resource: &str, arguments: &Value) -> Result<Value, Failure> {
        let answer = self.perform(resource, &(self.between)(arguments.clone())).map(self.between);
        let (execution, resource) = (execution.to_owned(), resource.to_owned());
        self.asked.push(Asked { execution, resource, arguments: arguments.clone(), answer: answer.clone() });
        answer
    }

    fn perform(&mut self, resource: &str, arguments: &Value) -> Result<Value, Failure> {
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

    /// Delivers what is on the queue and can be seen, in batches; what is not done with is hidden for a while.
    fn deliver(&mut self) {
        let waiting = self.standin.world.lock().unwrap().queues.remove("signals").unwrap_or_default();
        for body in waiting {
            self.received += 1;
            self.messages.push(Message { id: self.received, body, received: 0, visible_at: Timestamp::now() });
        }
        loop {
            let now = Timestamp::now();
            let (mut batch, hidden): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.messages).into_iter().partition(|message| message.visible_at <= now);
            self.messages = hidden;
            self.messages.extend(batch.split_off(batch.len().min(10)));
            if batch.is_empty() {
                return;
            }
            let records: Vec<Value> = batch
                .iter_mut()
                .map(|message| {
                    message.received += 1;
                    message.visible_at = now + HIDDEN;
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
            let deliveries = self.deliveries;
            let (again, dead): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| message.received < deliveries);
            self.messages.extend(again);
            let mut world = self.standin.world.lock().unwrap();
            world.queues.entry("dead-letters".to_owned()).or_default().extend(dead.into_iter().map(|dead| dead.body));
        }
    }

    /// Lets time pass, and everything happen at its time.
    pub fn pass(&mut self, time: SignedDuration) {
        let until = Timestamp::now() + time;
        let mut passed = SignedDuration::ZERO;
        while let Some(next) = self.next().filter(|next| *next + passed < until) {
            passed += self.pass_until(next);
        }
        self.pass_until(until - passed);
    }

    fn pass_until(&mut self, at: Timestamp) -> SignedDuration {
        let time = at.duration_since(Timestamp::now()).max(SignedDuration::ZERO) + SignedDuration::from_millis(1);
        self.shift(time);
        self.settle();
        time
    }

    fn shift(&mut self, time: SignedDuration) {
        clock::pass(&mut self.standin.world.lock().unwrap(), time);
        self.executions.iter_mut().for_each(|execution| execution.pass(time));
        for message in &mut self.messages {
            message.visible_at -= time;
            message.body = clock::earlier(&message.body, time);
        }
    }

    /// When something happens next by itself.
    fn next(&self) -> Option<Timestamp> {
        let sleeping = self.executions.iter().filter(|execution| execution.ended.is_none());
        let hidden = self.messages.iter().map(|message| message.visible_at);
        sleeping.map(|execution| execution.wakes_at).chain(hidden).min()
    }

    /// Lets time pass until something happens by itself; whether anything does.
    pub fn pass_to_next(&mut self) -> bool {
        let next = self.next();
        next.map(|next| self.pass_until(next)).is_some()
    }
}
