//! Compliance: who answers for the evidence, and hears of what an export finds.

use serde::{Deserialize, Serialize};

use super::Target;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;

/// Who answers for the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliance {
    /// Each of them is told of findings, by their first contact that takes it.
    pub owners: Vec<Target>,
}

mapping!(Compliance, ["owners"], fields => Compliance {
    owners: fields.required("owners", "write who is told of findings, such as [person:ana, channel:audit]"),
});

impl Check<'_> {
    pub(super) fn compliance(&mut self) {
        let Some(compliance) = &self.policy.compliance else { return };
        for (number, owner) in compliance.owners.iter().enumerate() {
            self.target(owner, &format!("compliance.owners[{number}]"));
        }
        if compliance.owners.is_empty() {
            let fix = "name somebody, such as [person:ana], or leave `compliance` out";
            self.error("compliance.owners", "nobody hears of findings", fix);
        }
    }
}
