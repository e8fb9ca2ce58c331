//! What Alertmanager's API says of itself: a server without a cluster, whose receivers are the policy's escalations.

use std::fmt::Write;

use domain::policy::Policy;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::instant;

/// An escalation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Receiver {
    name: String,
}

impl Receiver {
    /// The one named `name`.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Every escalation of `policy`.
    pub(super) fn all(policy: &Policy) -> Vec<Self> {
        policy.escalations.keys().map(|name| Self::new(name)).collect()
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    cluster: Value,
    config: Value,
    uptime: String,
    version_info: Value,
}

impl Status {
    /// What there is to say while `policy` rules. No process has been up: the time of the answer stands for that.
    pub(super) fn of(policy: &Policy, now: Timestamp) -> Self {
        Self {
            cluster: json!({ "peers": [], "status": "disabled" }),
            config: json!({ "original": config(policy) }),
            uptime: instant(now),
            version_info: json!({
                "branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "",
                "version": env!("CARGO_PKG_VERSION"),
            }),
        }
    }
}

/// The least configuration of Alertmanager that `amtool` takes: the catch-all as its route.
fn config(policy: &Policy) -> String {
    // A JSON text is a text in YAML too.
    let quoted = |name: &str| Value::from(name).to_string();
    let mut text = format!("route:\n  receiver: {}\nreceivers:\n", quoted(&policy.catch_all.escalation));
    for name in policy.escalations.keys() {
        writeln!(text, "- name: {}", quoted(name)).expect("a String takes every write");
    }
    text + "templates: []\n"
}
