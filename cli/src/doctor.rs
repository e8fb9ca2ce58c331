//! Doctor: what is wrong with what runs, as far as it can be seen from here: who may send without proof, and which
//! heartbeats are missing.

use std::fmt::Write as _;

use domain::policy::{Integration, Network, Policy, Proof};
use serde::Serialize;
use watchkeeper::api::{ActivePolicy, Heartbeat, HeartbeatList, HeartbeatState};

use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, BOLD, GREEN, RED, Show, YELLOW, paint, text};

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    /// Who may send, by name.
    senders: Vec<Sender>,
    /// The heartbeats that are missing.
    missing: Vec<Heartbeat>,
}

/// Somebody who may send.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Sender {
    /// Their integration.
    name: String,
    /// How they prove who they are: `aws`, `signature`, `token` or `none`.
    proof: &'static str,
    /// From where they are heard; everywhere where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<Network>,
    /// What is wrong with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// Looks over what runs. Something that needs somebody is a failure, once all was told.
pub fn look(client: &Client, show: Show) -> Result<(), Failure> {
    let active: ActivePolicy = client.get("/v1/policy")?;
    let heartbeats: HeartbeatList = client.get("/v1/heartbeats")?;
    let missing = heartbeats.heartbeats.into_iter().filter(|one| one.state == HeartbeatState::Missing);
    let report = Report { senders: senders(&active.policy), missing: missing.collect() };
    show.print(&report, tell);
    let things = report.senders.iter().filter(|sender| sender.warning.is_some()).count() + report.missing.len();
    if things == 0 { Ok(()) } else { Err(Failure::Ailing { things }) }
}

fn senders(policy: &Policy) -> Vec<Sender> {
    let sender = |(name, integration): (&String, &Integration)| {
        let everywhere = integration.from.iter().any(Network::is_everywhere);
        let proof = match integration.proof() {
            _ if integration.kind.is_of_aws() => "aws",
            _ if integration.open => "none",
            Proof::Signature => "signature",
            Proof::Token => "token",
        };
        let warning = match proof {
            "none" if everywhere => Some("anybody who reaches the URL can page people"),
            "none" => Some("anybody in these networks can page people"),
            _ => None,
        };
        Sender { name: name.clone(), proof, from: integration.from.clone(), warning }
    };
    policy.integrations.iter().map(sender).collect()
}

fn tell(report: &Report) -> String {
    let mut told = format!("{}\n", paint(BOLD, "Who may send"));
    if report.senders.is_empty() {
        told.push_str("  nobody: the policy has no integration\n");
    }
    let width = report.senders.iter().map(|sender| sender.name.chars().count()).max().unwrap_or_default();
    for sender in &report.senders {
        let networks: Vec<String> = sender.from.iter().map(Network::to_string).collect();
        let from = if networks.is_empty() { String::new() } else { format!(", from {}", networks.join(", ")) };
        let (colour, proof) = match sender.proof {
            "aws" => (GREEN, "AWS proves who sends"),
            "signature" => (GREEN, "signs what it sends"),
            "token" => (GREEN, "presents a token"),
            _ => (YELLOW, "proves nothing"),
        };
        let warning = sender.warning.map(|warning| format!(": {warning}")).unwrap_or_default();
        let name = text(&sender.name);
        let _ = writeln!(told, "  {name:width$}  {}{from}{warning}", paint(colour, proof));
    }
    if report.missing.is_empty() {
        let _ = writeln!(told, "\n{}", paint(GREEN, "No heartbeat is missing."));
        return told;
    }
    let _ = writeln!(told, "\n{}", paint(BOLD, "Missing heartbeats"));
    for heartbeat in &report.missing {
        let due = heartbeat.due.map(|due| format!(" should have come until {}", show::time(due))).unwrap_or_default();
        let _ = writeln!(told, "  {}{due}", paint(RED, &text(&heartbeat.name)));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sends_without_proof_is_warned_of_and_nobody_else() {
        let policy = serde_json::json!({
            "version": 1,
            "catch_all": { "escalation": "e" },
            "integrations": {
                "a": { "kind": "cloudwatch" },
                "b": { "kind": "github", "secret": "ssm:/b", "from": ["192.30.252.0/22"] },
                "c": { "kind": "grafana", "secret": "ssm:/c", "proof": "token" },
                "d": { "kind": "alertmanager", "open": true, "from": ["10.0.0.0/8"] },
                "e": { "kind": "json", "open": true, "from": ["10.0.0.0/8", "::/0"] },
            },
        });
        let policy: Policy = serde_json::from_value(policy).expect("a policy");
        let found: Vec<_> = senders(&policy).iter().map(|sender| (sender.proof, sender.warning)).collect();
        let expected = [
            ("aws", None),
            ("signature", None),
            ("token", None),
            ("none", Some("anybody in these networks can page people")),
            ("none", Some("anybody who reaches the URL can page people")),
        ];
        assert_eq!(found, expected);
        let told =
            anstream::adapter::strip_str(&tell(&Report { senders: senders(&policy), missing: Vec::new() })).to_string();
        assert!(
            told.contains("  d  proves nothing, from 10.0.0.0/8: anybody in these networks can page people\n"),
            "{told}"
        );
        assert!(told.contains("  b  signs what it sends, from 192.30.252.0/22\n"), "{told}");
    }
}
