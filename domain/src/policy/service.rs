//! Services: what is run, and who owns it.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use crate::matcher::Matchers;
use crate::owner::Owner;

/// The most owners of code: GitHub's own files have fewer.
const MOST_OWNERS: usize = 2000;
/// The longest pattern of a path, in bytes.
const LONGEST_PATTERN: usize = 256;

/// Something that is run, and what a responder needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The team that owns it.
    pub team: String,
    /// How much it matters, 1 the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    /// What kind of data it holds, in the team's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<String>,
    /// Where the runbook is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Where its graphs are.
    #[serde(default)]
    pub dashboards: Vec<String>,
    /// Alerts that concern it although they do not name it: any of these fits their labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Matchers>,
    /// Whether what is decided for it is done or only rehearsed, unless a route says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

mapping!(Service, ["team", "tier", "data_class", "runbook", "dashboards", "alerts", "mode"], fields => Service {
    team: fields.required("team", "write the team that owns it"),
    tier: fields.optional("tier"),
    data_class: fields.optional("data_class"),
    runbook: fields.optional("runbook"),
    dashboards: fields.or_default("dashboards"),
    alerts: fields.or_default("alerts"),
    mode: fields.optional("mode"),
});

mapping!(Owner, ["path", "team"], fields => Owner {
    path: fields.required("path", "write a pattern of a CODEOWNERS file, such as /apps/checkout/"),
    team: fields.optional("team"),
});

impl Check<'_> {
    pub(super) fn services(&mut self) {
        let policy = self.policy;
        for (name, service) in &policy.services {
            let path = format!("services.{name}");
            self.known(&format!("{path}.team"), "team", &service.team, policy.teams.keys());
            if service.tier == Some(0) {
                self.error(format!("{path}.tier"), "there is no tier 0", "write 1 for what matters most");
            }
            for (number, matchers) in service.alerts.iter().enumerate() {
                if matchers.match_empty() {
                    let fix = "ask for a value that only its alerts have, such as `namespace=\"checkout\"`";
                    self.error(format!("{path}.alerts[{number}]"), "these matchers fit every alert", fix);
                }
            }
            if let Some(runbook) = &service.runbook {
                self.web_address(runbook, &format!("{path}.runbook"));
            }
            for (number, dashboard) in service.dashboards.iter().enumerate() {
                self.web_address(dashboard, &format!("{path}.dashboards[{number}]"));
            }
        }
    }

    pub(super) fn owners(&mut self) {
        let policy = self.policy;
        for (number, Owner { path: pattern, team }) in policy.owners.iter().enumerate() {
            let path = format!("owners[{number}]");
            if pattern.is_empty() || pattern.len() > LONGEST_PATTERN || pattern.contains(['!', '[', ']', ' ']) {
                let fix =
                    format!("write a pattern of at most {LONGEST_PATTERN} bytes, without `!`, `[`, `]` and spaces");
                self.error(format!("{path}.path"), "this is not a pattern of a CODEOWNERS file", fix);
            }
            if let Some(team) = team {
                self.known(&format!("{path}.team"), "team", team, policy.teams.keys());
            }
        }
        if policy.owners.len() > MOST_OWNERS {
            let what = format!("{} owners are too many, and {MOST_OWNERS} are the most", policy.owners.len());
            self.error("owners", what, "join paths that the same team owns");
        }
    }
}
