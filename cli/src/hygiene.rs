//! Hygiene: what nobody owns, what was silenced without a reason, and what the policy probably does not mean.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::policy::lint;
use domain::rehearse::Recorded;
use jiff::Timestamp;
use serde::Serialize;
use watchkeeper::api::{Silence, SilenceList};

use crate::args::Span;
use crate::client::Client;
use crate::failure::Failure;
use crate::history::History;
use crate::policy;
use crate::show::{BOLD, DIM, GREEN, Show, YELLOW, paint, text};

/// What somebody should put in order.
#[derive(Debug, Serialize)]
struct Report {
    /// How many incidents were looked at.
    incidents: usize,
    /// What nobody owns, the most frequent first.
    unowned: Vec<Unowned>,
    /// Silences that held something back and do not say why.
    silences: Vec<Silence>,
    /// What the policy that rules probably does not mean.
    warnings: Vec<serde_json::Value>,
}

/// Incidents that only the catch-all knew whom to tell of.
#[derive(Debug, Serialize)]
struct Unowned {
    /// The integration that reported them.
    integration: String,
    /// The service that they name, or else what they affect.
    what: String,
    /// How many incidents.
    incidents: u64,
    /// How many alerts.
    occurrences: u64,
    /// One of them.
    example: String,
}

/// Tells what should be put in order, by the incidents of the days that `span` says.
pub fn report(client: &Client, span: &Span, show: Show) -> Result<(), Failure> {
    let history = History::fetch(client, client.get("/v1/policy")?, span)?;
    let silences: SilenceList = client.get("/v1/silences")?;
    let nameless = silences.silences.into_iter().filter(|one| one.reason.is_empty() && one.suppressed > 0);
    let now = span.until.unwrap_or_else(Timestamp::now);
    let report = Report {
        incidents: history.incidents.len(),
        unowned: unowned(&history.incidents),
        silences: nameless.collect(),
        warnings: lint(&history.active.policy, now).iter().map(policy::object).collect(),
    };
    show.print(&report, tell);
    Ok(())
}

fn unowned(incidents: &[Recorded]) -> Vec<Unowned> {
    let mut found: BTreeMap<(&str, &str), Unowned> = BTreeMap::new();
    for recorded in incidents {
        if recorded.decision.as_ref().is_none_or(|decision| decision.team.is_some()) {
            continue;
        }
        let what = recorded.alert.service.as_deref().unwrap_or(&recorded.alert.source);
        let one = found.entry((&recorded.integration, what)).or_insert_with(|| Unowned {
            integration: recorded.integration.clone(),
            what: what.to_owned(),
            incidents: 0,
            occurrences: 0,
            example: recorded.id.to_string(),
        });
        one.incidents += 1;
        one.occurrences += recorded.occurrences;
    }
    let mut found: Vec<Unowned> = found.into_values().collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.incidents));
    found
}

fn tell(report: &Report) -> String {
    let mut told = format!("{} incidents were looked at.\n", report.incidents);
    let mut part = |title: &str, none: &str, lines: Vec<String>, fix: &str| {
        if lines.is_empty() {
            let _ = writeln!(told, "\n{}", paint(GREEN, none));
            return;
        }
        let _ = writeln!(told, "\n{}", paint(BOLD, title));
        told.extend(lines);
        if !fix.is_empty() {
            let _ = writeln!(told, "  {}", paint(DIM, fix));
        }
    };
    let unowned = report.unowned.iter().map(|one| {
        let what = if one.what.is_empty() { "nothing named" } else { &one.what };
        let alerts = paint(DIM, &format!("{} alerts, such as {}", one.occurrences, one.example));
        let often = paint(YELLOW, &format!("{:>6}", one.incidents));
        format!("{often}  {} from {}: {alerts}\n", text(what), text(&one.integration))
    });
    let fix = "name their service in a label or tag, in `services: NAME: alerts`, or as the integration's `service`";
    part("Nobody owns", "Everything has an owner.", unowned.collect(), fix);
    let silences = report.silences.iter().map(|one| {
        let (id, matchers) = (text(&one.id), text(&one.matchers.join(", ")));
        format!("{}  {matchers} by {}: {id}\n", paint(YELLOW, &format!("{:>6}", one.suppressed)), text(&one.by))
    });
    part("Silenced without a reason", "Every silence that held something back says why.", silences.collect(), "");
    let warnings = report.warnings.iter().map(|warning| {
        let said = |key: &str| text(warning[key].as_str().unwrap_or_default());
        format!("  {}: {}; {}\n", paint(YELLOW, &said("path")), said("what"), said("fix"))
    });
    part("The policy", "Nothing in the policy looks unmeant.", warnings.collect(), "");
    told
}
