//! Escalation chains: their steps, in the order of their positions.

use std::collections::BTreeMap;

use domain::policy::{Step, Target};
use jiff::SignedDuration;
use serde::Deserialize;

use super::step;
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;

/// How long the last step waits where nothing says so.
const LAST: SignedDuration = SignedDuration::from_mins(10);
/// How long a step waits that another one follows at once: OnCall starts them a few seconds apart.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);
/// How often a chain repeats itself at most.
const REPEATS: u32 = 5;

#[derive(Debug, Deserialize)]
struct Chain {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Policy {
    escalation_chain_id: String,
    #[serde(default)]
    position: i64,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    important: bool,
    #[serde(default)]
    duration: Option<i64>,
    #[serde(default)]
    persons_to_notify: Vec<String>,
    #[serde(default)]
    persons_to_notify_next_each_time: Vec<String>,
    #[serde(default)]
    notify_on_call_from_schedule: Option<String>,
    #[serde(default)]
    team_to_notify: Option<String>,
}

/// Adds the chains.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    let mut policies: BTreeMap<String, Vec<Policy>> = BTreeMap::new();
    for policy in dump.take::<Policy>("escalation_policies", draft) {
        policies.entry(policy.escalation_chain_id.clone()).or_default().push(policy);
    }
    for chain in dump.take::<Chain>("escalation_chains", draft) {
        let mut own = policies.remove(&chain.id).unwrap_or_default();
        own.sort_by_key(|policy| policy.position);
        let mut differs = Vec::new();
        let (steps, repeat) = steps(draft, &own, &mut differs);
        if steps.is_empty() {
            differs.push("none of its steps tells somebody of the export".to_owned());
            draft.left_out("escalation chain", &chain.name, differs.join("; "));
            continue;
        }
        let name = draft.name(Section::Escalations, &chain.id, &chain.name);
        draft.escalation(&name, steps, repeat);
        differs.dedup();
        draft.partly("escalation chain", &chain.name, format!("escalations.{name}"), &differs);
    }
}

/// The steps of a chain, and how often they are repeated.
fn steps(draft: &Draft, policies: &[Policy], differs: &mut Vec<String>) -> (Vec<Step>, u32) {
    let mut steps: Vec<Step> = Vec::new();
    let mut waited = None;
    let mut repeat = 0;
    for policy in policies {
        let found = match policy.kind.as_deref().unwrap_or_default() {
            "wait" => {
                let length = SignedDuration::from_secs(policy.duration.unwrap_or(300));
                match steps.last_mut() {
                    // Waits that follow each other add up.
                    Some(last) => {
                        waited = Some(waited.unwrap_or(SignedDuration::ZERO) + length);
                        last.wait = waited.unwrap_or(length);
                    }
                    None => differs.push(format!("the first step is told at once, and not after {length:#}")),
                }
                continue;
            }
            "repeat_escalation" => {
                repeat = REPEATS;
                continue;
            }
            _ => targets(draft, policy),
        };
        if policy.important {
            differs.push("important steps tell by the same contacts as others; write `rules` by level".to_owned());
        }
        match found {
            Ok(notify) => {
                let next = policy.kind.as_deref() == Some("notify_person_next_each_time");
                steps.push(step(notify, AT_ONCE, next));
                waited = None;
            }
            Err(why) => differs.push(format!("step {} is left out: {why}", policy.position + 1)),
        }
    }
    if waited.is_none()
        && let Some(last) = steps.last_mut()
    {
        last.wait = LAST;
    }
    (steps, repeat)
}

fn targets(draft: &Draft, policy: &Policy) -> Result<Vec<Target>, String> {
    let people = |ids: &[String]| -> Result<Vec<Target>, String> {
        let known: Vec<Target> =
            ids.iter().filter_map(|id| draft.known(Section::People, id)).map(Target::Person).collect();
        if known.len() == ids.len() && !known.is_empty() {
            Ok(known)
        } else {
            Err("it tells somebody who was not imported".to_owned())
        }
    };
    match policy.kind.as_deref().unwrap_or_default() {
        "notify_persons" => people(&policy.persons_to_notify),
        "notify_person_next_each_time" => people(&policy.persons_to_notify_next_each_time),
        "notify_on_call_from_schedule" => {
            let id = policy.notify_on_call_from_schedule.as_deref().unwrap_or_default();
            let lanes: Vec<Target> = draft.lanes(id).iter().cloned().map(Target::Schedule).collect();
            if lanes.is_empty() { Err("its schedule was not imported".to_owned()) } else { Ok(lanes) }
        }
        "notify_team_members" => {
            let team = policy.team_to_notify.as_deref().and_then(|id| draft.known(Section::Teams, id));
            let team = team.filter(|team| draft.policy.teams.contains_key(team));
            team.map(|team| vec![Target::Team(team)]).ok_or_else(|| "its team was not imported".to_owned())
        }
        "notify_if_time_from_to" => Err("a step does not depend on the hour; restrict a schedule".to_owned()),
        "notify_if_num_alerts_in_window" => Err("how often is said by a route's `threshold`".to_owned()),
        "resolve" => Err("an escalation does not resolve what nobody answered".to_owned()),
        other => Err(format!("`{other}` has no counterpart")),
    }
}
