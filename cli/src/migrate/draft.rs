//! A draft: the policy as far as it is known, where each part of it comes from, and what became of each thing.

use std::collections::{BTreeMap, HashMap};

use domain::policy::{
    Address, CatchAll, Contact, Email, Escalation, Integration, Kind, Layer, Person, Policy, Proof, Providers, Route,
    Schedule, SecretRef, Slack, Step, Target, Twilio,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::slug::{slug, unique};

/// How long the catch-all waits for an answer.
const WAIT: SignedDuration = SignedDuration::from_mins(10);

/// What has names in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// People.
    People,
    /// Teams.
    Teams,
    /// Shared places.
    Channels,
    /// Schedules.
    Schedules,
    /// Escalations.
    Escalations,
    /// Services.
    Services,
    /// Integrations.
    Integrations,
}

impl Section {
    /// Its key in a policy.
    pub const fn key(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Teams => "teams",
            Self::Channels => "channels",
            Self::Schedules => "schedules",
            Self::Escalations => "escalations",
            Self::Services => "services",
            Self::Integrations => "integrations",
        }
    }
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It means the same in the policy.
    Maps,
    /// It is in the policy, and something about it is not the same.
    Partly,
    /// It is not in the policy.
    LeftOut,
}

/// A thing of the export, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is there, such as `schedule`.
    pub kind: String,
    /// What it is called there.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// Where it is in the policy, or which command stands for it.
    pub to: Option<String>,
    /// Why it is not the same, or not there.
    pub why: Option<String>,
}

/// The policy as far as it is known.
#[derive(Debug)]
pub struct Draft {
    /// The system that it comes from.
    pub source: &'static str,
    /// The policy.
    pub policy: Policy,
    /// What each thing was there, by its place in the policy.
    pub origins: BTreeMap<String, Vec<String>>,
    /// What became of each thing.
    pub items: Vec<Item>,
    /// What to run once the policy is applied.
    pub commands: Vec<String>,
    names: HashMap<(Section, String), String>,
    lanes: HashMap<String, Vec<String>>,
}

impl Draft {
    /// An empty one.
    pub fn new(source: &'static str) -> Self {
        let policy = Policy {
            version: 1,
            people: BTreeMap::new(),
            teams: BTreeMap::new(),
            channels: BTreeMap::new(),
            schedules: BTreeMap::new(),
            escalations: BTreeMap::new(),
            services: BTreeMap::new(),
            owners: Vec::new(),
            ladder: None,
            routes: Vec::new(),
            inhibitions: Vec::new(),
            catch_all: CatchAll { escalation: String::new() },
            compliance: None,
            integrations: BTreeMap::new(),
            heartbeats: BTreeMap::new(),
            providers: Providers::default(),
        };
        Self {
            source,
            policy,
            origins: BTreeMap::new(),
            items: Vec::new(),
            commands: Vec::new(),
            names: HashMap::new(),
            lanes: HashMap::new(),
        }
    }

    /// A name of its own for what the export knows as `id` and calls `called`.
    pub fn name(&mut self, section: Section, id: &str, called: &str) -> String {
        // People are often known by their e-mail.
        let word = if section == Section::People { called.split('@').next().unwrap_or(called) } else { called };
        let name = unique(&slug(word), |name| self.is_taken(section, name));
        self.names.insert((section, id.to_owned()), name.clone());
        self.came_from(section, &name, called);
        name
    }

    /// Another word by which the export knows what is called `name` here.
    pub fn alias(&mut self, section: Section, word: &str, name: &str) {
        self.names.entry((section, word.to_owned())).or_insert_with(|| name.to_owned());
    }

    fn is_taken(&self, section: Section, name: &str) -> bool {
        self.names.iter().any(|((known, _), taken)| *known == section && taken == name)
    }

    /// The name of what the export knows as `id`.
    pub fn known(&self, section: Section, id: &str) -> Option<String> {
        self.names.get(&(section, id.to_owned())).cloned()
    }

    /// Writes down what something was called there.
    fn came_from(&mut self, section: Section, name: &str, called: &str) {
        let origin = format!("{}: {called}", self.source);
        self.origin(format!("{}.{name}", section.key()), origin);
    }

    /// Writes down something about what stands at `path`.
    pub fn origin(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.origins.entry(path.into()).or_default().push(text.into());
    }

    fn item(&mut self, kind: &str, name: &str, state: State, to: Option<String>, why: Option<String>) {
        let why_there = why.clone().filter(|_| state == State::Partly);
        if let (Some(to), Some(why)) = (&to, why_there) {
            // Several lanes of one schedule.
            for path in to.split(", ") {
                self.origin(path, why.clone());
            }
        }
        self.items.push(Item { kind: kind.to_owned(), name: name.to_owned(), state, to, why });
    }

    /// Something means the same at `to`.
    pub fn maps(&mut self, kind: &str, name: &str, to: impl Into<String>) {
        self.item(kind, name, State::Maps, Some(to.into()), None);
    }

    /// Something is at `to`, and not quite the same; without a reason it is the same.
    pub fn partly(&mut self, kind: &str, name: &str, to: impl Into<String>, why: &[String]) {
        if why.is_empty() {
            self.maps(kind, name, to);
        } else {
            self.item(kind, name, State::Partly, Some(to.into()), Some(why.join("; ")));
        }
    }

    /// Something is not in the policy.
    pub fn left_out(&mut self, kind: &str, name: &str, why: impl Into<String>) {
        self.item(kind, name, State::LeftOut, None, Some(why.into()));
    }

    /// Something becomes a command.
    pub fn command(&mut self, kind: &str, name: &str, command: String) {
        self.item(kind, name, State::Maps, Some(command.clone()), None);
        self.commands.push(command);
    }

    /// Adds somebody, who is told by `contacts`.
    pub fn person(&mut self, name: &str, full_name: &str, slack: Option<String>, contacts: Vec<Contact>) {
        let full_name = Some(full_name.trim()).filter(|full| !full.is_empty()).map(str::to_owned);
        let rules = domain::policy::Rules::default();
        let person = Person { name: full_name, slack, contacts, rules, quiet: None };
        self.policy.people.insert(name.to_owned(), person);
    }

    /// Adds a schedule for each of `lanes`: everybody who is on call there at the same time has one here.
    pub fn schedule(&mut self, id: &str, called: &str, time_zone: &str, lanes: Vec<Vec<Layer>>) -> Vec<String> {
        let several = lanes.len() > 1;
        let mut names = Vec::new();
        for (number, mut layers) in lanes.into_iter().enumerate() {
            let of = if several { format!("{called} {}", number + 1) } else { called.to_owned() };
            let name = unique(&slug(&of), |name| self.is_taken(Section::Schedules, name));
            self.names.insert((Section::Schedules, format!("{id} {number}")), name.clone());
            self.came_from(Section::Schedules, &name, called);
            if several {
                let path = format!("schedules.{name}");
                self.origin(
                    path,
                    "several are on call at once there: each has a schedule here, and steps name them all",
                );
            }
            let rotation = (layers.len() == 1).then(|| layers.remove(0));
            let rotation = rotation.map(|layer| Layer { name: "rotation".to_owned(), ..layer });
            let schedule = Schedule { time_zone: time_zone.to_owned(), rotation, layers };
            self.policy.schedules.insert(name.clone(), schedule);
            names.push(name);
        }
        self.lanes.insert(id.to_owned(), names.clone());
        names
    }

    /// The schedules that the export knows as `id`.
    pub fn lanes(&self, id: &str) -> &[String] {
        self.lanes.get(id).map_or(&[], Vec::as_slice)
    }

    /// Adds an escalation.
    pub fn escalation(&mut self, name: &str, steps: Vec<Step>, repeat: u32) {
        let escalation = Escalation { steps, repeat, acknowledgement_expires: None };
        self.policy.escalations.insert(name.to_owned(), escalation);
    }

    /// A route that matches where `when` holds.
    pub fn route(name: impl Into<String>, when: impl Into<String>) -> Route {
        Route {
            name: name.into(),
            when: Some(when.into()),
            action: None,
            service: None,
            escalation: None,
            level: None,
            notify: Vec::new(),
            threshold: None,
            flapping: None,
            mode: None,
            group: None,
            goes_on: false,
            routes: Vec::new(),
        }
    }

    /// Adds an integration whose senders prove themselves by a secret that is still to be stored.
    pub fn integration(&mut self, id: &str, called: &str, kind: Kind, service: Option<String>) -> String {
        let name = self.name(Section::Integrations, id, called);
        let secret = (kind != Kind::Cloudwatch).then(|| placeholder(&format!("integrations/{name}")));
        let integration = Integration {
            kind,
            secret,
            open: false,
            from: Vec::new(),
            proof: None,
            header: None,
            timestamp_header: None,
            auto_close: None,
            service,
            topics: Vec::new(),
            mapping: None,
        };
        self.policy.integrations.insert(name.clone(), integration);
        name
    }

    /// Says how the senders of an integration prove who they are, where they could do otherwise.
    pub fn proof(&mut self, name: &str, proof: Proof) {
        if let Some(integration) = self.policy.integrations.get_mut(name) {
            integration.proof = Some(proof).filter(|proof| integration.kind.proofs().first() != Some(proof));
        }
    }

    /// A turn of somebody on each of the schedules that the export knows as `id`, by command.
    pub fn overrides(&mut self, id: &str, person: &str, instead_of: Option<&str>, span: (Timestamp, Timestamp)) {
        let (from, until) = span;
        let instead = instead_of.map(|other| format!(" --instead-of {other}")).unwrap_or_default();
        for schedule in self.lanes(id).to_vec() {
            let command = format!(
                "watchkeeper override add {schedule} {person} --from {from} --until {until}{instead} --reason imported"
            );
            self.command("override", &format!("{schedule} {person} {from}"), command);
        }
    }

    /// Adds what a policy cannot be without: the catch-all, and the providers of the channels that are used.
    pub fn finish(&mut self) {
        if self.policy.catch_all.escalation.is_empty() {
            self.catch_all();
        }
        self.providers();
    }

    /// Nobody is missed: whatever has no owner reaches everybody.
    pub fn catch_all(&mut self) {
        if self.policy.people.is_empty() {
            let address = Address::Email("change-me@example.invalid".to_owned());
            self.person("change-me", "", None, vec![Contact { address, after: None }]);
            self.origin("people.change-me", "nobody was found: name somebody who can be told");
        }
        let name = unique("everybody", |name| self.is_taken(Section::Escalations, name));
        let notify = self.policy.people.keys().cloned().map(Target::Person).collect();
        let step = Step { notify, wait: WAIT, round_robin: false, acknowledge: domain::policy::Acknowledge::default() };
        self.escalation(&name, vec![step], 3);
        let path = format!("escalations.{name}");
        self.origin(path, format!("{} has no catch-all. Every policy has one: name whom it should tell", self.source));
        self.policy.catch_all = CatchAll { escalation: name };
    }

    fn providers(&mut self) {
        let people = self.policy.people.values().flat_map(|person| &person.contacts).map(|contact| &contact.address);
        let used: Vec<&str> = people.chain(self.policy.channels.values()).map(Address::channel).collect();
        let uses = |channels: &[&str]| channels.iter().any(|channel| used.contains(channel));
        let (email, twilio, slack) = (uses(&["email"]), uses(&["voice", "twilio_sms"]), uses(&["slack"]));
        let opsgenie = uses(&["opsgenie"]);
        let providers = &mut self.policy.providers;
        providers.email = email.then(|| Email { from: "watchkeeper@example.invalid".to_owned() });
        providers.twilio = twilio.then(|| Twilio {
            account_sid: format!("AC{}", "0".repeat(32)),
            auth_token: placeholder("twilio/auth-token"),
            from: "+15550199".to_owned(),
        });
        providers.slack = slack.then(|| Slack {
            bot_token: placeholder("slack/bot-token"),
            signing_secret: placeholder("slack/signing-secret"),
        });
        providers.opsgenie = opsgenie.then(|| domain::policy::Opsgenie {
            api_key: placeholder("opsgenie/api-key"),
            region: domain::policy::Region::Us,
        });
    }
}

/// The name of a parameter that nobody has stored yet; `policy validate` says so.
pub fn placeholder(name: &str) -> SecretRef {
    SecretRef(format!("ssm:/CHANGE/{name}"))
}
