//! The history that a policy is rehearsed on: read from the API, or from a file that was written from it.
//!
//! A file has a JSON object a line: the policy that rules, the policies that decisions name, and the incidents. So a
//! build can rehearse a policy without a token.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use domain::log::Hash;
use domain::rehearse::Recorded;
use domain::route::Router;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use watchkeeper::api::{self, ActivePolicy};

use crate::args::Span;
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show;

/// How many pages are asked for: none may lead on for ever.
const MOST_PAGES: u32 = 10_000;

/// What was decided, and by which policies.
pub struct History {
    /// The policy that rules.
    pub active: ActivePolicy,
    /// Those that decisions name, the active one among them if one does.
    pub named: BTreeMap<Hash, ActivePolicy>,
    /// The incidents.
    pub incidents: Vec<Recorded>,
}

/// A line of a history file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The policy that rules.
    Active(Box<ActivePolicy>),
    /// One that decisions name.
    Policy(Box<ActivePolicy>),
    /// What was decided.
    Incident(Box<Recorded>),
}

impl History {
    /// The history of the days that `span` says, from the API; `active` is the policy that rules.
    pub fn fetch(client: &Client, active: ActivePolicy, span: &Span) -> Result<Self, Failure> {
        let mut history = Self { active, named: BTreeMap::new(), incidents: Vec::new() };
        if span.days > 0 {
            history.fetch_incidents(client, span)?;
        }
        let decisions = history.incidents.iter().filter_map(|recorded| recorded.decision.as_ref());
        let hashes: BTreeSet<Hash> = decisions.map(|decision| decision.policy.clone()).collect();
        for hash in hashes {
            let policy = if hash == history.active.hash {
                history.active.clone()
            } else {
                match client.get(&format!("/v1/policies/{hash}")) {
                    Ok(policy) => policy,
                    // Its decisions cannot be made again, and the rehearsal says so.
                    Err(Failure::NotFound { .. }) => continue,
                    Err(failure) => return Err(failure),
                }
            };
            history.named.insert(hash, policy);
        }
        Ok(history)
    }

    fn fetch_incidents(&mut self, client: &Client, span: &Span) -> Result<(), Failure> {
        let until = span.until.unwrap_or_else(Timestamp::now);
        let length = SignedDuration::from_hours(24 * i64::from(span.days));
        let from = until.checked_sub(length).map_err(|error| Failure::Usage(error.to_string()))?;
        let mut known = BTreeSet::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let cursor = next.as_ref().map(|cursor| format!("&cursor={}", encoded(cursor))).unwrap_or_default();
            let page: api::History = client.get(&format!("/v1/history?from={from}&until={until}{cursor}"))?;
            // One that moved on while the pages were read is in two of them.
            self.incidents.extend(page.incidents.into_iter().filter(|recorded| known.insert(recorded.id.clone())));
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
        Err(Failure::failed("the history does not end: ask for fewer --days"))
    }

    /// The history in a file.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let opened = std::fs::File::open(file);
        let opened =
            opened.map_err(|error| Failure::NotFound { what: format!("{}: {error}", file.display()), fix: None })?;
        let (mut active, mut named, mut incidents) = (None, BTreeMap::new(), Vec::new());
        for (number, line) in BufReader::new(opened).lines().enumerate() {
            let wrong = |error: &dyn std::fmt::Display| Failure::Failed {
                what: format!("{}:{}: {error}", file.display(), number + 1),
                fix: Some("write it anew: watchkeeper policy history > FILE".to_owned()),
            };
            let line = line.map_err(|error| wrong(&error))?;
            match serde_json::from_str(&line).map_err(|error| wrong(&error))? {
                Line::Active(policy) => active = Some(*policy),
                Line::Policy(policy) => {
                    named.insert(policy.hash.clone(), *policy);
                }
                Line::Incident(recorded) => incidents.push(*recorded),
            }
        }
        let active = active.ok_or_else(|| Failure::Failed {
            what: format!("{} does not say which policy rules", file.display()),
            fix: Some("write it anew: watchkeeper policy history > FILE".to_owned()),
        })?;
        Ok(Self { active, named, incidents })
    }

    /// The routers of the policies that decisions name; one whose text is not what its hash says is left out.
    pub fn routers(&self) -> BTreeMap<Hash, Router> {
        let whole = self.named.iter().filter(|(hash, named)| named.policy.hash() == **hash);
        whole.map(|(hash, named)| (hash.clone(), Router::new(named.policy.clone(), hash.clone()))).collect()
    }
}

/// Prints the history as the lines of a file.
pub fn write(client: &Client, span: &Span) -> Result<(), Failure> {
    let History { active, named, incidents } = History::fetch(client, client.get("/v1/policy")?, span)?;
    let policies = named.into_values().map(|policy| Line::Policy(Box::new(policy)));
    let incidents = incidents.into_iter().map(|recorded| Line::Incident(Box::new(recorded)));
    for line in std::iter::once(Line::Active(Box::new(active))).chain(policies).chain(incidents) {
        show::out(&(serde_json::to_string(&line).expect("the API's objects are plain JSON") + "\n"));
    }
    Ok(())
}
