//! The routing tree: which receivers an alert reaches.
//!
//! An alert reaches the deepest node that matches; after a node with `continue` the nodes beside it are asked too, so it
//! may reach several. A policy's routes end in one, so what is still to be asked is repeated below such a node, and a
//! route there tells the receivers of both.

use std::collections::{BTreeSet, HashMap};

use domain::matcher::Matcher;
use domain::policy::{Acknowledge, CatchAll, Group, Handling, Route, Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::expression::condition;
use super::receiver::Told;
use super::{Pairs, Written, matchers};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;
use crate::migrate::slug::unique;

/// The most routes that are written: a policy has a thousand at most.
const MOST: usize = 900;
/// The deepest nesting of routes.
const DEEPEST: usize = 8;

#[derive(Debug, Deserialize)]
struct Configured {
    #[serde(default)]
    receiver: Option<String>,
    #[serde(default)]
    matchers: Written,
    #[serde(default, rename = "match")]
    equal: Pairs,
    #[serde(default)]
    match_re: Pairs,
    #[serde(default, rename = "continue")]
    goes_on: bool,
    #[serde(default)]
    group_by: Option<Vec<String>>,
    #[serde(default)]
    group_wait: Option<String>,
    #[serde(default)]
    group_interval: Option<String>,
    #[serde(default)]
    repeat_interval: Option<String>,
    #[serde(default)]
    mute_time_intervals: Vec<String>,
    #[serde(default)]
    active_time_intervals: Vec<String>,
    #[serde(default)]
    routes: Vec<Configured>,
}

/// A node of the tree, with what it inherits.
#[derive(Debug)]
struct Node {
    receiver: String,
    matchers: Vec<Matcher>,
    when: Option<String>,
    goes_on: bool,
    group: Group,
    routes: Vec<Node>,
}

impl Node {
    /// What it is called: what it asks for.
    fn called(&self) -> String {
        let asked: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
        if asked.is_empty() { self.receiver.clone() } else { asked.join(", ") }
    }
}

/// Adds the routes, and the catch-all: the receiver at the root.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft, receivers: &HashMap<String, Told>) {
    let Some(root) = dump.take::<Configured>("route", draft).into_iter().next() else {
        draft.left_out("route", "route", "the export has no routing tree");
        return;
    };
    let Ok(root) = node(draft, &root, None) else {
        draft.left_out("route", "route", "the root of the tree cannot be read");
        return;
    };
    let mut tree = Tree { draft, receivers, names: HashMap::new(), made: 0, full: false };
    let own = [root.receiver.clone()];
    if let Some(escalation) = tree.escalation(&own) {
        tree.draft.policy.catch_all = CatchAll { escalation };
    } else {
        tree.draft.catch_all();
    }
    let nothing = Inherited { group: None, action: None };
    let mut routes = tree.level(&root.routes.iter().collect::<Vec<_>>(), &[], &[], (1, &nothing));
    if !routes.iter().any(always) {
        let mut last = Route { when: None, ..Draft::route("default", "") };
        tree.tell(&mut last, &own, &root.group, &nothing);
        routes.push(last);
    }
    let full = tree.full;
    named_apart(&mut routes);
    draft.policy.routes = routes;
    let why = full.then(|| "the tree has so many nodes with `continue` that some of them stop here".to_owned());
    draft.partly("route", "the routing tree", "routes", &why.into_iter().collect::<Vec<_>>());
}

/// Reads a node and those below it; one that cannot be said is left out, with what is below it.
fn node(draft: &mut Draft, written: &Configured, above: Option<&Node>) -> Result<Node, String> {
    let matchers = matchers(&written.matchers, &written.equal, &written.match_re)?;
    let inherited = above.map(|above| &above.group);
    let by = written.group_by.clone().or_else(|| inherited.and_then(|group| group.by.clone()));
    let time = |text: &Option<String>, above: Option<SignedDuration>, least: i64| {
        let own = text.as_deref().map(|text| length(text).ok_or_else(|| format!("`{text}` is not a length of time")));
        Ok::<_, String>(own.transpose()?.or(above).unwrap_or(SignedDuration::from_secs(least)))
    };
    let group = Group {
        by: Some(by.unwrap_or_default()),
        wait: Some(time(&written.group_wait, inherited.and_then(|group| group.wait), 30)?),
        interval: Some(time(&written.group_interval, inherited.and_then(|group| group.interval), 300)?),
        repeat: Some(time(&written.repeat_interval, inherited.and_then(|group| group.repeat), 4 * 3600)?),
    };
    let receiver = written.receiver.clone().or_else(|| above.map(|above| above.receiver.clone()));
    let mut own = Node {
        receiver: receiver.ok_or("it has no receiver")?,
        when: condition(&matchers)?,
        matchers,
        goes_on: written.goes_on,
        group,
        routes: Vec::new(),
    };
    let intervals = written.mute_time_intervals.iter().chain(&written.active_time_intervals);
    for interval in intervals {
        let why = format!("routes do not depend on the time; {} is told at every hour", own.receiver);
        draft.left_out("time interval", &format!("{}: {interval}", own.called()), why);
    }
    let mut routes = Vec::new();
    for below in &written.routes {
        match node(draft, below, Some(&own)) {
            Ok(node) => routes.push(node),
            Err(why) => {
                let called = below.receiver.clone().unwrap_or_else(|| own.receiver.clone());
                draft.left_out("route", &called, format!("{why}; its alerts go where they would without it"));
            }
        }
    }
    own.routes = routes;
    Ok(own)
}

/// A length as Prometheus writes it: `1d12h`.
fn length(text: &str) -> Option<SignedDuration> {
    let mut total = SignedDuration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        let unit_ends = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let milliseconds = match &rest[digits..unit_ends] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(SignedDuration::from_millis(count.checked_mul(milliseconds)?))?;
        rest = &rest[unit_ends..];
    }
    (total > SignedDuration::ZERO || text.starts_with('0')).then_some(total)
}

/// What a route gets from the one that it is written below.
struct Inherited {
    group: Option<Group>,
    action: Option<Handling>,
}

/// The tree as it is written.
struct Tree<'a> {
    draft: &'a mut Draft,
    receivers: &'a HashMap<String, Told>,
    names: HashMap<Vec<Target>, String>,
    made: usize,
    full: bool,
}

impl Tree<'_> {
    /// The routes for `nodes`, of which the first that matches counts. Their alerts reached `also` before, and `after` is
    /// still to be asked, one list after the other.
    fn level(
        &mut self,
        nodes: &[&Node],
        also: &[String],
        after: &[Vec<&Node>],
        (depth, above): (usize, &Inherited),
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            if self.made >= MOST {
                self.full = true;
                break;
            }
            self.made += 1;
            let mut then = after.to_vec();
            if node.goes_on && nodes.len() > number + 1 {
                then.insert(0, nodes[number + 1..].to_vec());
            }
            if depth >= DEEPEST && !(then.is_empty() && node.routes.is_empty()) {
                self.full = true;
                then.clear();
            }
            let mut route = Draft::route(node.called(), node.when.clone().unwrap_or_else(|| "true".to_owned()));
            let mut reached = also.to_vec();
            reached.push(node.receiver.clone());
            let inherited = self.tell(&mut route, &reached, &node.group, above);
            if depth < DEEPEST {
                let below: Vec<&Node> = node.routes.iter().collect();
                route.routes = self.level(&below, also, &then, (depth + 1, &inherited));
                if !route.routes.iter().any(always) {
                    route.routes.extend(self.follow(&then, &reached, (depth + 1, &inherited)));
                }
            }
            routes.push(route);
            if node.when.is_none() {
                break;
            }
        }
        routes
    }

    /// The routes for what is still to be asked.
    fn follow(&mut self, lists: &[Vec<&Node>], also: &[String], at: (usize, &Inherited)) -> Vec<Route> {
        let Some((first, rest)) = lists.split_first() else { return Vec::new() };
        let mut routes = self.level(first, also, rest, at);
        if !routes.iter().any(always) {
            routes.extend(self.follow(rest, also, at));
        }
        routes
    }

    /// Lets `route` tell `receivers`, and says what those below it inherit.
    fn tell(&mut self, route: &mut Route, receivers: &[String], group: &Group, above: &Inherited) -> Inherited {
        let silent = receivers.iter().all(|name| self.receivers.get(name).is_some_and(|told| told.silent));
        let action = if silent { Handling::Record } else { Handling::Page };
        if !silent {
            let own = self.escalation(receivers);
            route.escalation = Some(own.unwrap_or_else(|| self.draft.policy.catch_all.escalation.clone()));
        }
        if action != above.action.unwrap_or_default() {
            route.action = Some(action);
        }
        if above.group.as_ref() != Some(group) {
            route.group = Some(group.clone());
        }
        Inherited { group: Some(group.clone()), action: Some(action) }
    }

    /// The escalation that tells the places of all of `receivers`, once; `None` when they have none.
    fn escalation(&mut self, receivers: &[String]) -> Option<String> {
        let told = receivers.iter().filter_map(|name| self.receivers.get(name));
        let places: BTreeSet<Target> = told.flat_map(|told| told.channels.iter().cloned()).collect();
        let places: Vec<Target> = places.into_iter().collect();
        if places.is_empty() {
            return None;
        }
        if let Some(known) = self.names.get(&places) {
            return Some(known.clone());
        }
        let mut distinct: Vec<&str> = Vec::new();
        for name in
            receivers.iter().filter(|name| self.receivers.get(*name).is_some_and(|told| !told.channels.is_empty()))
        {
            if !distinct.contains(&name.as_str()) {
                distinct.push(name);
            }
        }
        let called = distinct.join(" and ");
        let name = self.draft.name(Section::Escalations, &called, &called);
        self.draft
            .origin(format!("escalations.{name}"), "nothing was escalated there; after the wait the catch-all is told");
        let wait = SignedDuration::from_hours(4);
        let step = Step { notify: places.clone(), wait, round_robin: false, acknowledge: Acknowledge::default() };
        self.draft.escalation(&name, vec![step], 0);
        self.names.insert(places, name.clone());
        Some(name)
    }
}

/// Whether a route takes every alert, so that none after it is asked.
fn always(route: &Route) -> bool {
    route.when.as_deref() == Some("true")
}

/// Gives each route a name that no other beside it has.
fn named_apart(routes: &mut [Route]) {
    let mut taken: Vec<String> = Vec::new();
    for route in routes {
        route.name = unique(&route.name, |name| taken.iter().any(|known| known == name));
        taken.push(route.name.clone());
        named_apart(&mut route.routes);
    }
}
