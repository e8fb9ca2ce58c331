//! Grouping: which alerts of a route are told together, and when. [`crate::group`] does it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;

/// The word in `by` that means every label of the alert.
pub(crate) const EVERY: &str = "...";
/// The word in `by` that means the change that came shortly before the alert, such as a deploy.
pub(crate) const CHANGE: &str = "change";
/// The most labels that alerts are grouped by.
const MOST: usize = 32;
/// The longest name of a label, in bytes.
const LONGEST: usize = 128;

/// Which alerts of a route are told together, and when; what is absent is the parent's, and Alertmanager's default when
/// no parent says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The labels that the alerts of a group share; `[...]` is every label, and an empty list is one group for the route.
    /// Where an alert has no such label, `service`, `severity` and `integration` are what is known of it, and
    /// `change` is the change of its service within 30 minutes before; without one it is told alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// How long the first notification waits for other alerts; 30 seconds when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<SignedDuration>,
    /// How long after a notification the next one waits; 5 minutes when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<SignedDuration>,
    /// After how long a notification is told again when nothing changed; 4 hours when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<SignedDuration>,
}

mapping!(Group, ["by", "wait", "interval", "repeat"], fields => Group {
    by: fields.optional("by"),
    wait: fields.optional("wait"),
    interval: fields.optional("interval"),
    repeat: fields.optional("repeat"),
});

impl Check<'_> {
    pub(super) fn group(&mut self, group: &Group, path: &str) {
        let by = group.by.as_deref().unwrap_or_default();
        if by.len() > MOST {
            let what = format!("{} labels are too many, and {MOST} are the most", by.len());
            self.error(format!("{path}.by"), what, format!("group by the few that matter, or by [{EVERY}]"));
        }
        for (number, label) in by.iter().enumerate() {
            let path = format!("{path}.by[{number}]");
            if label.trim().is_empty() || label.len() > LONGEST || label.chars().any(char::is_control) {
                self.error(path, "this cannot be the name of a label", format!("use 1 to {LONGEST} characters"));
            } else if label == EVERY && by.len() > 1 {
                self.error(path, format!("`{EVERY}` is every label already"), format!("write `by: [{EVERY}]`"));
            }
        }
        let second = SignedDuration::from_secs(1);
        let times = [
            (group.wait, SignedDuration::ZERO, "wait"),
            (group.interval, second, "interval"),
            (group.repeat, second, "repeat"),
        ];
        for (length, least, key) in times {
            if let Some(length) = length {
                self.length(length, least, &format!("{path}.{key}"), &format!("a group's {key}"));
            }
        }
        if let (Some(interval), Some(repeat)) = (group.interval, group.repeat)
            && repeat < interval
        {
            let what = format!("a repeat of {repeat:#} is shorter than the interval of {interval:#}, which rules");
            self.warning(format!("{path}.repeat"), what, "write a repeat that is longer than the interval");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Level, parse};

    const POLICY: &str = "\
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }
catch_all: { escalation: all }
routes: [{ name: r, group: GROUP }]
";

    #[test]
    fn a_group_that_cannot_be_meant_is_named_with_its_reason() {
        let table: [(&str, &[&str]); 9] = [
            ("{}", &[]),
            ("{ by: [alertname, cluster], wait: 0s, interval: 1s, repeat: 4h }", &[]),
            ("{ by: [...] }", &[]),
            ("{ by: [..., cluster] }", &["routes[0].group.by[0]: `...` is every label already"]),
            ("{ by: ['', cluster] }", &["routes[0].group.by[0]: this cannot be the name of a label"]),
            ("{ interval: 0s }", &["routes[0].group.interval: a group's interval of 0s is not possible"]),
            ("{ wait: -1s }", &["routes[0].group.wait: a group's wait of -1s is not possible"]),
            ("{ wiat: 1s }", &["routes[0].group.wiat: unknown key `wiat`"]),
            (
                "{ interval: 5m, repeat: 1m }",
                &["routes[0].group.repeat: a repeat of 1m is shorter than the interval of 5m, which rules"],
            ),
        ];
        for (group, expected) in table {
            let (mistakes, holds) = match parse(&POLICY.replace("GROUP", group)) {
                Ok((_, warnings)) => (warnings, true),
                Err(mistakes) => (mistakes, false),
            };
            let found: Vec<String> =
                mistakes.iter().map(|mistake| format!("{}: {}", mistake.path, mistake.what)).collect();
            assert_eq!(found, expected, "{group}");
            assert_eq!(holds, mistakes.iter().all(|mistake| mistake.level == Level::Warning), "{group}");
        }
    }
}
