//! Ownership: which service an alert concerns, which team answers for it, and where that is known from.
//!
//! The alert itself is asked first, then its tags and labels, then the catalogue of services, then the integration, and
//! last the paths of the code it comes from. What none of them knows is nobody's, and says so.

use serde::{Deserialize, Serialize};

use crate::incident::Incident;
use crate::policy::{Policy, Service};

/// Labels that name a service, the surest first. The tag is one that AWS resources carry; `job` is Prometheus's.
const SERVICE_LABELS: [(&str, &str); 3] = [
    ("service", "the alert's label `service`"),
    ("watchkeeper:service", "the resource tag `watchkeeper:service`"),
    ("job", "the alert's label `job`"),
];
/// Labels that name a team.
const TEAM_LABELS: [(&str, &str); 3] = [
    ("watchkeeper:team", "the resource tag `watchkeeper:team`"),
    ("team", "the alert's label `team`"),
    ("owner", "the alert's label `owner`"),
];
/// Labels that hold the path of a source file: OpenTelemetry's two names for it, and the plain ones.
const PATH_LABELS: [&str; 4] = ["code.file.path", "code.filepath", "path", "file"];
/// The deepest path that is looked at, in segments: it bounds the work of a pattern.
const DEEPEST: usize = 128;

/// Who owns the code below some paths, as a line of a CODEOWNERS file says it; of several that match, the last counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// A pattern of GitHub's CODEOWNERS, such as `/apps/checkout/` or `*.tf`.
    pub path: String,
    /// The team that owns it; nobody when absent, which takes back what a line before says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// Whom an incident belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The service: one of the policy, or the name that the sender used.
    pub service: Option<String>,
    /// The team, if one is known.
    pub team: Option<String>,
    /// How that was found, or that it was not.
    pub from: String,
}

/// Whom `incident` belongs to.
pub fn of(incident: &Incident, policy: &Policy) -> Ownership {
    if let Some((name, service, from)) = service(incident, policy) {
        return Ownership { service: Some(name.to_owned()), team: Some(service.team.clone()), from };
    }
    let service = incident.alert.service.clone();
    match team(incident, policy) {
        Some((team, from)) => Ownership { service, team: Some(team.to_owned()), from },
        None => Ownership { service, team: None, from: "nothing: no service of the policy is named".to_owned() },
    }
}

fn service<'a>(incident: &'a Incident, policy: &'a Policy) -> Option<(&'a str, &'a Service, String)> {
    let alert = &incident.alert;
    let named = alert.service.as_deref().map(|name| (name, "the alert names its service"));
    let labels = SERVICE_LABELS.iter().filter_map(|(label, from)| Some((alert.labels.get(*label)?.as_str(), *from)));
    let known = |(name, from): (&str, &str)| {
        let (name, service) = policy.services.get_key_value(name)?;
        Some((name.as_str(), service, from.to_owned()))
    };
    let by_integration = || {
        let service = policy.integrations.get(&incident.integration)?.service.as_deref()?;
        known((service, "the integration's default service"))
    };
    named.into_iter().chain(labels).find_map(known).or_else(|| catalogued(incident, policy)).or_else(by_integration)
}

/// The first service of the catalogue, by name, that says the alert is its own.
fn catalogued<'a>(incident: &Incident, policy: &'a Policy) -> Option<(&'a str, &'a Service, String)> {
    let labels = &incident.alert.labels;
    policy.services.iter().find_map(|(name, service)| {
        let matched = service.alerts.iter().find(|matchers| matchers.match_labels(labels))?;
        Some((name.as_str(), service, format!("the catalogue: {name} has the alerts {matched}")))
    })
}

fn team<'a>(incident: &Incident, policy: &'a Policy) -> Option<(&'a str, String)> {
    let labels = &incident.alert.labels;
    let named = TEAM_LABELS.iter().find_map(|(label, from)| {
        let (team, _) = policy.teams.get_key_value(labels.get(*label)?)?;
        Some((team.as_str(), (*from).to_owned()))
    });
    named.or_else(|| {
        let (label, path) = PATH_LABELS.iter().find_map(|label| Some((label, labels.get(*label)?)))?;
        let owner = policy.owners.iter().rev().find(|owner| covers(&owner.path, path))?;
        let team = owner.team.as_deref()?;
        Some((team, format!("the owners: `{}` covers the alert's label `{label}`", owner.path)))
    })
}

/// Whether a pattern of a CODEOWNERS file covers the file at `path`.
///
/// The rules are GitHub's ("About code owners"): as in a gitignore file, but `docs/*` covers no folder below `docs`, and
/// there is no `!` and no `[ ]`.
pub fn covers(pattern: &str, path: &str) -> bool {
    let folder = pattern.ends_with('/');
    let trimmed = pattern.trim_matches('/');
    if trimmed.is_empty() {
        return pattern.starts_with('/');
    }
    let mut segments: Vec<&str> = trimmed.split('/').collect();
    // A slash anywhere but at the end ties the pattern to the root.
    if !pattern.trim_end_matches('/').contains('/') {
        segments.insert(0, "**");
    }
    let path: Vec<&str> = path.trim_start_matches('/').split('/').filter(|segment| !segment.is_empty()).collect();
    if path.len() > DEEPEST {
        return false;
    }
    let last = segments.last().copied().unwrap_or_default();
    // What names a folder covers all in it; a wildcard at the end of a longer path covers files alone.
    let below = folder || !last.contains('*') || last == "**";
    let whole = !folder && follows(&segments, &path);
    whole || (below && (1..path.len()).any(|depth| follows(&segments, &path[..depth])))
}

/// Whether the segments of a pattern are those of a path, where `**` stands for any number of them.
fn follows(pattern: &[&str], path: &[&str]) -> bool {
    // The last `**` that was passed, and the segment up to which it stands.
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < path.len() {
        if pattern.get(at) == Some(&"**") {
            star = Some((at, place));
            at += 1;
        } else if pattern.get(at).is_some_and(|segment| fits(segment.as_bytes(), path[place].as_bytes())) {
            at += 1;
            place += 1;
        } else if let Some((stars, upto)) = star {
            star = Some((stars, upto + 1));
            at = stars + 1;
            place = upto + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|segment| *segment == "**")
}

/// Whether one segment fits, where `*` stands for any characters and `?` for one.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((stars, upto)) = star else { return false };
                star = Some((stars, upto + 1));
                at = stars + 1;
                place = upto + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
