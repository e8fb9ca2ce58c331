//! Routes: what happens to an alert. [`crate::route`] follows them.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;
use super::{Group, Mistake, Target};
use crate::pulse;
use crate::route::Sample;
use crate::route::condition::Condition;

/// What happens to an alert that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Named in every decision it makes.
    pub name: String,
    /// A CEL condition over `alert` and `incident` ([`crate::route::condition`]); without one the route matches everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What is done; the parent's when absent, and `page` when no parent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Handling>,
    /// The service it concerns, if the alert does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Who is told, instead of the owning team's escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<String>,
    /// Where it stands on the severity ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Ladder>,
    /// Who hears of a ticket, once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Target>,
    /// How often it has to be reported before anybody is told; the parent's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// When a problem comes and goes too often to be told of each time; the parent's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<Flapping>,
    /// Whether it is done or only rehearsed; the parent's when absent, and the service's when no parent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Which of its alerts are told together, and when; each alone when neither it nor a parent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// What this route says holds, and the search goes on after it.
    #[serde(default, rename = "continue")]
    pub goes_on: bool,
    /// Finer routes: the first that matches refines this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// How often a problem has to be reported before anybody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// How many triggers.
    pub count: u32,
    /// How close together.
    pub within: SignedDuration,
}

/// When a problem comes and goes too often: it is told of once, and then only when it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// How often it fired or cleared.
    pub changes: u32,
    /// Within how long.
    pub within: SignedDuration,
    /// How long it has to stay before it is told of again.
    pub settle: SignedDuration,
}

/// What is done with an incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Somebody is paged, and the page is escalated until somebody answers.
    #[default]
    Page,
    /// It is told once, and nobody is woken.
    Ticket,
    /// It is recorded for a trend report, and nobody is told.
    Record,
    /// It is known to be noise, and nobody is told.
    Suppress,
}

/// Whether what was decided is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is done.
    #[default]
    Execute,
    /// It is decided and recorded, and nobody is told (design.md, section 5).
    Simulate,
}

impl Mode {
    /// Whether it is done; what is written down leaves that out, as the records before there were modes do.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) const fn executes(&self) -> bool {
        matches!(self, Self::Execute)
    }
}

/// The severity ladder: what an incident means to the team, whatever word the sender used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Ladder {
    /// Customers are hurt now.
    Sev1,
    /// Customers will notice.
    Sev2,
    /// Worth a look in working hours.
    Sev3,
    /// Worth counting.
    Sev4,
}

impl Ladder {
    /// The word in policies, messages and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }
}

mapping!(Route, [
    "name", "when", "action", "service", "escalation", "level", "notify", "threshold", "flapping", "group", "mode",
    "continue", "routes",
], fields => Route {
    name: fields.required("name", "give it a name: every decision names its routes"),
    when: fields.optional("when"),
    action: fields.optional("action"),
    service: fields.optional("service"),
    escalation: fields.optional("escalation"),
    level: fields.optional("level"),
    notify: fields.or_default("notify"),
    threshold: fields.optional("threshold"),
    flapping: fields.optional("flapping"),
    mode: fields.optional("mode"),
    group: fields.optional("group"),
    goes_on: fields.or_default("continue"),
    // Never blank: a blank route has no end of blank routes.
    routes: fields.optional("routes").unwrap_or_default(),
});

mapping!(Threshold, ["count", "within"], fields => Threshold {
    count: fields.required("count", "write how many triggers, such as 5"),
    within: fields.required("within", "write how close together, such as 10m"),
});

mapping!(Flapping, ["changes", "within", "settle"], fields => Flapping {
    changes: fields.required("changes", "write how often it fired or cleared, such as 6"),
    within: fields.required("within", "write within how long, such as 1h"),
    settle: fields.required("settle", "write how long it has to stay before it is told of again, such as 10m"),
});

words!(Handling, Page, "page" => Page, "ticket" => Ticket, "record" => Record, "suppress" => Suppress);

words!(Mode, Execute, "execute" => Execute, "simulate" => Simulate);

words!(Ladder, Sev4, "SEV1" => Sev1, "SEV2" => Sev2, "SEV3" => Sev3, "SEV4" => Sev4);

/// The most routes, at every depth together: with the bound on each condition, they bound the work of a decision.
const MOST: usize = 1000;
/// The deepest nesting of routes.
const DEEPEST: usize = 8;

/// Checks every route.
pub(super) fn check(check: &mut Check<'_>) {
    let mut walk = Walk { sample: Sample::default(), seen: 0 };
    let routes = &check.policy.routes;
    walk.level(check, routes, "routes", 1);
    if walk.seen > MOST {
        let what = format!("{} routes are too many, and {MOST} are the most", walk.seen);
        check.error("routes", what, "let services and teams say who is told, and routes only what differs");
    }
}

struct Walk {
    sample: Sample,
    seen: usize,
}

impl Walk {
    fn level(&mut self, check: &mut Check<'_>, routes: &[Route], path: &str, depth: usize) {
        if depth > DEEPEST {
            check.error(path, format!("routes are nested more than {DEEPEST} deep"), "join conditions with `&&`");
            return;
        }
        let mut names = BTreeSet::new();
        let mut last: Option<&str> = None;
        for (number, route) in routes.iter().enumerate() {
            self.seen += 1;
            let path = format!("{path}[{number}]");
            if route.name.trim().is_empty() || route.name.chars().any(char::is_control) {
                check.error(format!("{path}.name"), "a route needs a name", "every decision names its routes");
            } else if !names.insert(&route.name) {
                let what = format!("another route beside it is called `{}` too", route.name);
                check.error(format!("{path}.name"), what, "give each its own name: decisions name their routes");
            }
            if let Some(always) = last {
                let what = format!("this route is never reached: `{always}` before it always matches");
                check.error(&path, what, format!("move it before `{always}`, or write `continue: true` there"));
            }
            let always = route.when.as_deref().is_none_or(|when| when.trim() == "true");
            if always && !route.goes_on && last.is_none() {
                last = Some(&route.name);
            }
            self.one(check, route, &path);
            self.level(check, &route.routes, &format!("{path}.routes"), depth + 1);
        }
    }

    fn one(&self, check: &mut Check<'_>, route: &Route, path: &str) {
        let policy = check.policy;
        if let Some(when) = &route.when {
            let compiled = Condition::compile(when).and_then(|condition| condition.try_out(&self.sample));
            if let Err(invalid) = compiled {
                check.mistakes.push(Mistake::error(format!("{path}.when"), invalid.what, invalid.fix));
            }
        }
        if let Some(service) = &route.service {
            check.known(&format!("{path}.service"), "service", service, policy.services.keys());
        }
        if let Some(escalation) = &route.escalation {
            check.known(&format!("{path}.escalation"), "escalation", escalation, policy.escalations.keys());
        }
        if let Some(Threshold { count, within }) = route.threshold {
            let path = format!("{path}.threshold");
            often(check, count, 2, &format!("{path}.count"));
            window(check, within, &format!("{path}.within"));
        }
        if let Some(Flapping { changes, within, settle }) = route.flapping {
            let path = format!("{path}.flapping");
            often(check, changes, 3, &format!("{path}.changes"));
            window(check, within, &format!("{path}.within"));
            window(check, settle, &format!("{path}.settle"));
        }
        for (number, target) in route.notify.iter().enumerate() {
            check.target(target, &format!("{path}.notify[{number}]"));
        }
        if let Some(group) = &route.group {
            check.group(group, &format!("{path}.group"));
        }
    }
}

/// That a rule asks for no more instants than are remembered.
fn often(check: &mut Check<'_>, count: u32, least: u32, path: &str) {
    let most = u32::try_from(pulse::KEPT).unwrap_or(u32::MAX);
    if !(least..=most).contains(&count) {
        check.error(path, format!("{count} cannot be counted to"), format!("write a number from {least} to {most}"));
    }
}

/// That a rule looks no further back than is remembered.
fn window(check: &mut Check<'_>, length: SignedDuration, path: &str) {
    if length < SignedDuration::from_secs(1) || length > pulse::LONGEST {
        let fix = format!("write a length from 1s to {:#}", pulse::LONGEST);
        check.error(path, "this window is not possible", fix);
    }
}
