//! Heartbeats: what has to be heard of every so often, such as a nightly job.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::SecretRef;
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping, words};
use super::validate::Check;
use crate::heartbeat::INTEGRATION;
use crate::signal::Severity;

/// The shortest time between two: somebody looks once a minute.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Something that has to be heard of every so often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// How long after one the next has to come.
    pub every: SignedDuration,
    /// How much later it may come.
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    pub grace: SignedDuration,
    /// The service that is concerned when it is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How bad it is when it is missed.
    #[serde(default)]
    pub severity: Severity,
    /// The token of whoever sends it; without one, a token of the API is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
}

mapping!(Heartbeat, ["every", "grace", "service", "severity", "secret"], fields => Heartbeat {
    every: fields.required("every", "write how often it has to come, such as `every: 24h`"),
    grace: fields.or_default("grace"),
    service: fields.optional("service"),
    severity: fields.or_default("severity"),
    secret: fields.optional("secret"),
});

words!(Severity, Error, "info" => Info, "warning" => Warning, "error" => Error, "critical" => Critical);

impl Check<'_> {
    pub(super) fn heartbeats(&mut self) {
        let policy = self.policy;
        for (name, heartbeat) in &policy.heartbeats {
            let path = format!("heartbeats.{name}");
            self.length(heartbeat.every, SHORTEST, &format!("{path}.every"), "a time between two heartbeats");
            self.length(heartbeat.grace, SignedDuration::ZERO, &format!("{path}.grace"), "a grace");
            if let Some(service) = &heartbeat.service {
                self.known(&format!("{path}.service"), "service", service, policy.services.keys());
            }
            if let Some(secret) = &heartbeat.secret {
                self.secret(secret, &format!("{path}.secret"));
            }
        }
        if policy.integrations.contains_key(INTEGRATION) {
            let what = "what is missed comes by this name itself";
            self.error(format!("integrations.{INTEGRATION}"), what, "call it something else");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    /// The least policy that holds, and `more`.
    fn with(more: &str) -> String {
        let least = "version: 1\npeople: { ana: { contacts: [{ sms: +15550100 }] } }\n\
            escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }\ncatch_all: { escalation: all }\n";
        format!("{least}{more}")
    }

    #[test]
    fn a_heartbeat_needs_a_rhythm_and_may_say_the_rest() {
        let (policy, warnings) = parse(&with("heartbeats: { nightly: { every: 24h, grace: 30m } }")).expect("it holds");
        assert_eq!(warnings, []);
        let heartbeat = &policy.heartbeats["nightly"];
        assert_eq!((heartbeat.every, heartbeat.grace), (SignedDuration::from_hours(24), SignedDuration::from_mins(30)));
        assert_eq!((heartbeat.severity, &heartbeat.secret), (Severity::Error, &None));
        let plain = parse(&with("")).expect("it holds").0;
        assert!(!plain.compile().contains("heartbeats"), "policies of before keep their hash");
    }

    #[test]
    fn a_mistake_in_a_heartbeat_is_named_with_its_fix() {
        let table = [
            (
                "{ grace: 1m }",
                "heartbeats.n.every: `every` is missing; write how often it has to come, such as `every: 24h`",
            ),
            ("{ every: 30s }", "heartbeats.n.every: a time between two heartbeats of 30s is not possible"),
            ("{ every: 1h, grace: -1m }", "heartbeats.n.grace: a grace of -1m is not possible"),
            ("{ every: 1h, service: shop }", "heartbeats.n.service: there is no service `shop`"),
            ("{ every: 1h, severity: bad }", "heartbeats.n.severity: `bad` is not one of the known words"),
            ("{ every: 1h, secret: hunter2 }", "heartbeats.n.secret: this is not a reference to a secret"),
            ("{ evry: 1h }", "unknown key `evry`; did you mean `every`?"),
        ];
        for (heartbeat, expected) in table {
            let mistakes = parse(&with(&format!("heartbeats: {{ n: {heartbeat} }}"))).expect_err(heartbeat);
            let told = mistakes[0].to_string();
            assert!(mistakes.len() == 1 && told.contains(expected), "{heartbeat}: {mistakes:?}");
            assert!(told.starts_with("5:") && !told.contains("hunter2"), "{told}");
        }
        let taken = parse(&with("integrations: { heartbeats: { kind: cloudwatch } }")).expect_err("it is taken");
        assert!(
            taken[0].to_string().contains("integrations.heartbeats: what is missed comes by this name"),
            "{taken:?}"
        );
    }
}
