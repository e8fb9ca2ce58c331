//! What must hold of the routes of a policy.

use std::collections::BTreeSet;

use super::validate::Check;
use super::{Mistake, Route};
use crate::route::Sample;
use crate::route::condition::Condition;

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
        for (number, target) in route.notify.iter().enumerate() {
            check.target(target, &format!("{path}.notify[{number}]"));
        }
    }
}
