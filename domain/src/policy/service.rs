//! Services: what is run, and who owns it.

use serde::{Deserialize, Serialize};

use super::Mode;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;

/// Something that is run, and what a responder needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Whether what is decided for it is done or only rehearsed, unless a route says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

mapping!(Service, ["team", "tier", "data_class", "runbook", "dashboards", "mode"], fields => Service {
    team: fields.required("team", "write the team that owns it"),
    tier: fields.optional("tier"),
    data_class: fields.optional("data_class"),
    runbook: fields.optional("runbook"),
    dashboards: fields.or_default("dashboards"),
    mode: fields.optional("mode"),
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
            if let Some(runbook) = &service.runbook {
                self.web_address(runbook, &format!("{path}.runbook"));
            }
            for (number, dashboard) in service.dashboards.iter().enumerate() {
                self.web_address(dashboard, &format!("{path}.dashboards[{number}]"));
            }
        }
    }
}
