//! What was decided of an incident, and what a policy would decide of it: both with their reasons, side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use domain::incident::{Event, Incident, IncidentId};
use domain::log::Record;
use domain::policy::Policy;
use domain::rehearse::{Recorded, told_first};
use domain::route::{Decision, Router};
use domain::schedule::Covers;
use serde::Serialize;
use watchkeeper::api::ActivePolicy;

use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::plan;
use crate::policy::{self, Warnings, short};
use crate::show::{self, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// A decision of the past beside the one of a policy.
#[derive(Debug, Serialize)]
struct Explanation {
    /// Whose.
    incident: IncidentId,
    /// What it was about.
    title: String,
    /// What was decided.
    recorded: Decision,
    /// Who was told first by it; null when its policy is not to be had.
    recorded_first: Option<Vec<String>>,
    /// Whether its policy makes it again, bit for bit; null when that is not to be had.
    exact: Option<bool>,
    /// What the policy in question decides.
    now: Decision,
    /// Who would be told first by it.
    now_first: Vec<String>,
}

/// The incident's id, if that is what `what` is: hexadecimal digits, and not a file.
pub fn incident(what: &Path) -> Option<&str> {
    let id = what.to_str()?;
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (plain && !what.exists()).then_some(id)
}

/// Explains the incident whose id is or begins as `id`.
pub fn explain(id: &str, asked: &args::Explain, client: &Client, show: Show) -> Result<(), Failure> {
    let id = client.full_id(id)?;
    let recorded = recorded(client, &id)?;
    let Some(made) = recorded.decision.clone() else {
        return Err(Failure::failed(format!("nothing is decided of {id} yet")));
    };
    let active: ActivePolicy = client.get("/v1/policy")?;
    let named = if made.policy == active.hash {
        Some(active.policy.clone())
    } else {
        match client.get::<ActivePolicy>(&format!("/v1/policies/{}", made.policy)) {
            Ok(named) => Some(named.policy),
            Err(Failure::NotFound { .. }) => None,
            Err(failure) => return Err(failure),
        }
    };
    let policy = match &asked.policy {
        Some(file) => policy::read(file, Warnings::LeftOut)?.0,
        None => active.policy,
    };
    let now = recorded.anew(&router(&policy), asked.at.unwrap_or(made.at));
    let explanation = Explanation {
        incident: recorded.id.clone(),
        title: recorded.alert.title.clone(),
        exact: named.as_ref().map(|named| recorded.again(&router(named)).as_ref() == Some(&made)),
        recorded_first: named.as_ref().map(|named| first(&recorded, &made, named)),
        now_first: first(&recorded, &now, &policy),
        recorded: made,
        now,
    };
    show.print(&explanation, tell);
    Ok(())
}

fn router(policy: &Policy) -> Router {
    Router::new(policy.clone(), policy.hash())
}

fn first(recorded: &Recorded, decision: &Decision, policy: &Policy) -> Vec<String> {
    told_first(recorded.id.clone(), decision.clone(), policy, Covers::NONE)
}

/// The incident `id`, folded from its log.
fn recorded(client: &Client, id: &str) -> Result<Recorded, Failure> {
    let unknown = || Failure::NotFound { what: format!("there is no incident {id}"), fix: None };
    let mut incident = Incident::expected(IncidentId::parse(id).ok_or_else(unknown)?);
    for entry in client.records(id)?.entries {
        let record: Record<Event> =
            Record::open(&entry).map_err(|error| Failure::failed(format!("the log of {id}: {error}")))?;
        incident.fold(&record, entry.hash);
    }
    Recorded::of(&incident).ok_or_else(unknown)
}

fn tell(explanation: &Explanation) -> String {
    let Explanation { incident, title, recorded, recorded_first, exact, now, now_first } = explanation;
    let mut told = format!("{} {}\n", paint(BOLD, &text(title)), paint(DIM, &incident.to_string()));
    let replay = match exact {
        Some(true) => paint(GREEN, "replays exactly"),
        Some(false) => paint(RED, "does not replay: the record, its policy or the rules were changed since"),
        None => paint(YELLOW, "cannot be replayed: its policy is not to be had"),
    };
    let by = |decision: &Decision| format!("{}, policy {}", show::time(decision.at), short(decision.policy.as_str()));
    let _ = writeln!(told, "  decided at {}: {replay}\n  and again at {}\n", by(recorded), by(now));
    let (then, again) = (lines(recorded, recorded_first.as_deref()), lines(now, Some(now_first)));
    let mut labels: Vec<&String> = then.iter().map(|(label, _)| label).collect();
    labels.extend(again.iter().map(|(label, _)| label).filter(|label| then.iter().all(|(known, _)| known != *label)));
    let of = |lines: &[(String, String)]| lines.iter().cloned().collect::<BTreeMap<String, String>>();
    let (then, again) = (of(&then), of(&again));
    let mut differ = 0;
    for label in labels {
        let (old, new) = (then.get(label), again.get(label));
        let value = |value: Option<&String>| text(value.map_or("-", String::as_str));
        let label = text(label);
        if old == new {
            let _ = writeln!(told, "    {} {}", paint(DIM, &format!("{label}:")), value(old));
        } else {
            differ += 1;
            let _ = writeln!(told, "  {} {label}: {}", paint(YELLOW, "!"), value(old));
            let _ = writeln!(told, "    {} {}", paint(YELLOW, "->"), value(new));
        }
    }
    if differ == 0 {
        told.push_str("Both decide the same.\n");
    }
    told
}

/// A decision as labelled lines, in the order in which they are told.
fn lines(decision: &Decision, first: Option<&[String]>) -> Vec<(String, String)> {
    let mut lines = vec![("handling".to_owned(), word(decision.handling)), ("mode".to_owned(), word(decision.mode))];
    let mut line = |label: &str, value: Option<String>| lines.extend(value.map(|value| (label.to_owned(), value)));
    line("service", decision.service.clone());
    line("team", decision.team.clone());
    line("level", decision.level.map(word));
    line("escalation", Some(decision.escalation.clone()));
    line("told first", first.map(plan::names));
    for looked in &decision.trace {
        line(&format!("route {}", looked.route), Some(looked.result.clone()));
    }
    line("why", Some(decision.why.clone()));
    lines
}

/// The word that a policy says it in.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
