//! Escalations: who is told, in which order, and for how long.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;

/// The most repeats of an escalation.
const REPEATS: u32 = 9;

/// Who is told, in which order, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How often the steps are gone through again when nobody answered.
    #[serde(default)]
    pub repeat: u32,
    /// After this long an acknowledgement counts no more, and the first step is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_expires: Option<SignedDuration>,
}

/// One step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who is told.
    pub notify: Vec<Target>,
    /// How long they have to answer before the next step.
    pub wait: SignedDuration,
    /// One of those it finds is told, in turn; another one the next time the step begins, whatever the incident.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub round_robin: bool,
    /// Whose acknowledgement stops the page.
    #[serde(default, skip_serializing_if = "Acknowledge::is_default")]
    pub acknowledge: Acknowledge,
}

/// Whose acknowledgement counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledge {
    /// That of anybody.
    #[default]
    Anybody,
    /// That of each person whom the step tells, and no fewer.
    Everybody,
}

impl Acknowledge {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who a step tells, written `person:ana`, `team:platform`, `schedule:platform`, `next:platform` or `channel:ops`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// One person.
    Person(String),
    /// Everybody in a team.
    Team(String),
    /// Whoever is on call at that instant.
    Schedule(String),
    /// Whoever is on call on a schedule after those who are at that instant.
    Next(String),
    /// A shared place.
    Channel(String),
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("person", name)) => Ok(Self::Person(name.to_owned())),
            Some(("team", name)) => Ok(Self::Team(name.to_owned())),
            Some(("schedule", name)) => Ok(Self::Schedule(name.to_owned())),
            Some(("next", name)) => Ok(Self::Next(name.to_owned())),
            Some(("channel", name)) => Ok(Self::Channel(name.to_owned())),
            _ => Err(format!("`{text}` is not person:NAME, team:NAME, schedule:NAME, next:SCHEDULE or channel:NAME")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(out, "person:{name}"),
            Self::Team(name) => write!(out, "team:{name}"),
            Self::Schedule(name) => write!(out, "schedule:{name}"),
            Self::Next(name) => write!(out, "next:{name}"),
            Self::Channel(name) => write!(out, "channel:{name}"),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// Who is told when nothing else says who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchAll {
    /// The escalation.
    pub escalation: String,
}

mapping!(Escalation, ["steps", "repeat", "acknowledgement_expires"], fields => Escalation {
    steps: fields.required("steps", "write `steps:`, each with `notify` and `wait`"),
    repeat: fields.or_default("repeat"),
    acknowledgement_expires: fields.optional("acknowledgement_expires"),
});

mapping!(Step, ["notify", "wait", "round_robin", "acknowledge"], fields => Step {
    notify: fields.required("notify", "write `notify: [person:NAME]`"),
    wait: fields.required("wait", "write how long they have to answer, such as 5m"),
    round_robin: fields.or_default("round_robin"),
    acknowledge: fields.or_default("acknowledge"),
});

words!(Acknowledge, Anybody, "anybody" => Anybody, "everybody" => Everybody);

mapping!(CatchAll, ["escalation"], fields => CatchAll {
    escalation: fields.required("escalation", "name the escalation that is told when nothing else is"),
});

impl Read for Target {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "somebody to tell", |text| {
            let fix = || "write person:NAME, team:NAME, schedule:NAME, next:SCHEDULE or channel:NAME".to_owned();
            Self::try_from(text.to_owned()).map_err(|_| fix())
        })
    }

    fn blank() -> Self {
        Self::Person(String::new())
    }
}

impl Check<'_> {
    pub(super) fn escalation(&mut self, escalation: &Escalation, path: &str) {
        if escalation.steps.is_empty() {
            self.error(format!("{path}.steps"), "the escalation has no step", "add one with `notify` and `wait`");
        }
        for (number, step) in escalation.steps.iter().enumerate() {
            let path = format!("{path}.steps[{number}]");
            if step.notify.is_empty() {
                self.error(format!("{path}.notify"), "the step tells nobody", "write `notify: [person:NAME]`");
            }
            for (number, target) in step.notify.iter().enumerate() {
                self.target(target, &format!("{path}.notify[{number}]"));
            }
            self.length(step.wait, SignedDuration::from_secs(1), &format!("{path}.wait"), "a wait");
            if step.round_robin && step.acknowledge == Acknowledge::Everybody {
                let fix = "remove one of them";
                self.error(format!("{path}.acknowledge"), "the step tells one, and asks everybody", fix);
            }
        }
        if escalation.repeat > REPEATS {
            let what = format!("{} repeats are too many", escalation.repeat);
            self.error(
                format!("{path}.repeat"),
                what,
                format!("write at most {REPEATS}; after them the catch-all is told"),
            );
        }
        if let Some(expires) = escalation.acknowledgement_expires {
            let path = format!("{path}.acknowledgement_expires");
            self.length(expires, SignedDuration::from_secs(1), &path, "an expiry");
            // Whoever looks sleeps until the step's time is up.
            if let Some(longest) = escalation.steps.iter().map(|step| step.wait).max().filter(|wait| *wait > expires) {
                let what = format!("a step waits {longest:#}, and only then is an earlier expiry noticed");
                self.warning(path, what, format!("write at least {longest:#}, or shorten the wait"));
            }
        }
    }

    pub(super) fn target(&mut self, target: &Target, path: &str) {
        let policy = self.policy;
        match target {
            Target::Person(name) => self.known(path, "person", name, policy.people.keys()),
            Target::Team(name) => self.known(path, "team", name, policy.teams.keys()),
            Target::Schedule(name) | Target::Next(name) => {
                self.known(path, "schedule", name, policy.schedules.keys());
            }
            Target::Channel(name) => self.known(path, "channel", name, policy.channels.keys()),
        }
    }

    pub(super) fn catch_all(&mut self) {
        let policy = self.policy;
        let name = &policy.catch_all.escalation;
        self.known("catch_all.escalation", "escalation", name, policy.escalations.keys());
        let Some(escalation) = policy.escalations.get(name) else { return };
        let mut targets = escalation.steps.iter().flat_map(|step| &step.notify);
        if !targets.any(|target| self.may_reach(target)) {
            let what = format!("the catch-all reaches nobody: no target of escalation `{name}` has a contact");
            self.error("catch_all.escalation", what, "name an escalation that tells somebody who has a contact");
        }
    }

    /// Whether `target` reaches somebody, or would once mistakes that are noted elsewhere are mended.
    fn may_reach(&self, target: &Target) -> bool {
        let policy = self.policy;
        let person = |name: &String| policy.people.get(name).is_none_or(|person| !person.contacts.is_empty());
        match target {
            Target::Person(name) => person(name),
            Target::Team(name) => policy.teams.get(name).is_none_or(|team| team.members.iter().any(person)),
            Target::Schedule(name) | Target::Next(name) => {
                policy.schedules.get(name).is_none_or(|named| named.all().flat_map(|layer| &layer.members).any(person))
            }
            Target::Channel(_) => true,
        }
    }
}
