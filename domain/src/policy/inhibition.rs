//! Inhibitions: which alerts keep which others quiet, by Alertmanager's rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::node::{Node, Value};
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use crate::log::Hash;
use crate::matcher::{MOST as MOST_MATCHERS, Matcher, Matchers};

/// The most inhibitions: each is looked at for every alert.
const MOST: usize = 100;

/// While an alert that `source` matches is firing, nobody is told of those that `target` matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhibition {
    /// Named by every alert it keeps quiet.
    pub name: String,
    /// What must hold of the labels of an alert that keeps others quiet.
    pub source: Matchers,
    /// What must hold of the labels of an alert that is kept quiet.
    pub target: Matchers,
    /// The labels that both must have the same; one that is missing counts as empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equal: Vec<String>,
}

impl Inhibition {
    /// Whether an alert with the labels `source` keeps one with the labels `target` quiet.
    ///
    /// One that matches both sides does so only for an alert that does not: no alert keeps itself quiet.
    pub fn inhibits(&self, source: &BTreeMap<String, String>, target: &BTreeMap<String, String>) -> bool {
        let same = |label: &String| {
            source.get(label).map_or("", String::as_str) == target.get(label).map_or("", String::as_str)
        };
        let both = self.source.match_labels(target) && self.target.match_labels(source);
        self.source.match_labels(source) && self.target.match_labels(target) && self.equal.iter().all(same) && !both
    }

    /// Where the sources are found that could keep an alert with `labels` quiet: the same for all that are equal.
    pub fn place(&self, labels: &BTreeMap<String, String>) -> String {
        let equal: BTreeSet<&String> = self.equal.iter().collect();
        let values: Vec<(&String, &str)> =
            equal.into_iter().map(|label| (label, labels.get(label).map_or("", String::as_str))).collect();
        let text = serde_json::to_string(&(&self.source, values)).expect("texts are plain JSON");
        Hash::of(text.as_bytes()).as_str()[..20].to_owned()
    }
}

mapping!(Inhibition, ["name", "source", "target", "equal"], fields => Inhibition {
    name: fields.required("name", "give it a name: every alert it keeps quiet names it"),
    source: fields.required("source", "write which alerts keep others quiet, such as `source: ['severity=\"critical\"']`"),
    target: fields.required("target", "write which alerts are kept quiet, such as `target: ['severity=~\"warning|info\"']`"),
    equal: fields.or_default("equal"),
});

impl Read for Matcher {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "a matcher", |text| {
            Self::parse(text).map_err(|wrong| format!("{}; {}", wrong.what, wrong.fix))
        })
    }

    fn blank() -> Self {
        Self::parse("blank=blank").expect("a matcher")
    }
}

// As a list, or as one text with commas between them.
impl Read for Matchers {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        if matches!(node.value, Value::Text(_)) {
            return reader.parsed(node, path, "a list of matchers", |text| {
                Self::parse(text).map_err(|malformed| format!("{}; {}", malformed.what, malformed.fix))
            });
        }
        let matchers: Vec<Matcher> = Vec::read(reader, node, path);
        Self::try_from(matchers).unwrap_or_else(|_| {
            reader.fail(path, node.place, "there are too many matchers", format!("use at most {MOST_MATCHERS}"));
            Self::blank()
        })
    }

    fn blank() -> Self {
        Self::try_from(vec![Matcher::blank()]).expect("one is not too many")
    }
}

impl Check<'_> {
    pub(super) fn inhibitions(&mut self) {
        let inhibitions = &self.policy.inhibitions;
        if inhibitions.len() > MOST {
            let what = format!("{} inhibitions are too many, and {MOST} are the most", inhibitions.len());
            self.error("inhibitions", what, "join them with regular expressions");
        }
        let mut names = BTreeSet::new();
        for (number, inhibition) in inhibitions.iter().enumerate() {
            let path = format!("inhibitions[{number}]");
            if inhibition.name.trim().is_empty() || inhibition.name.chars().any(char::is_control) {
                self.error(format!("{path}.name"), "an inhibition needs a name", "every alert it keeps quiet names it");
            } else if !names.insert(&inhibition.name) {
                let what = format!("another inhibition is called `{}` too", inhibition.name);
                self.error(format!("{path}.name"), what, "give each its own name: quiet alerts name them");
            }
            for (side, matchers) in [("source", &inhibition.source), ("target", &inhibition.target)] {
                if matchers.match_empty() {
                    let what = format!("this {side} means every alert");
                    self.error(format!("{path}.{side}"), what, "write a matcher that asks for a label");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    const POLICY: &str = "\
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }
catch_all: { escalation: all }
inhibitions: [INHIBITION]
";

    fn labels(text: &str) -> BTreeMap<String, String> {
        let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn an_alert_keeps_others_quiet_as_alertmanager_says() {
        let rule = r#"{ name: r, source: ['s="1"'], target: ['t="1"'], equal: [e, f] }"#;
        let (policy, _) = parse(&POLICY.replace("INHIBITION", rule)).expect("a policy");
        let rule = &policy.inhibitions[0];
        // Alertmanager's own cases (inhibit_test.go): the source, the target, whether it is kept quiet.
        let table = [
            ("s=1 e=x", "t=1 e=x", true),
            ("s=1 e=x", "t=1 e=y", false),
            ("s=1", "t=1", true),
            ("s=1 e=", "t=1", true),
            ("s=1 f=x", "t=1", false),
            ("s=2", "t=1", false),
            ("s=1", "t=2", false),
            ("s=1 t=1", "t=1", true),
            ("s=1", "t=1 s=1", true),
            ("s=1 t=1", "t=1 s=1", false),
        ];
        for (source, target, quiet) in table {
            let (source, target) = (labels(source), labels(target));
            assert_eq!(rule.inhibits(&source, &target), quiet, "{source:?} {target:?}");
            assert!(!quiet || rule.place(&source) == rule.place(&target), "it is looked for where it is kept");
        }
        assert_ne!(rule.place(&labels("e=x")), rule.place(&labels("f=x")));
    }

    #[test]
    fn an_inhibition_that_cannot_be_meant_is_named_with_its_reason() {
        let table = [
            (r#"{ name: r, source: ['a="b"'], target: ['c=~"d|e"'] }"#, None),
            (
                r#"{ name: r, source: ['a'], target: ['c="d"'] }"#,
                Some("inhibitions[0].source[0]: `a` is not a matcher"),
            ),
            (
                r#"{ name: r, source: [], target: ['c="d"'] }"#,
                Some("inhibitions[0].source: this source means every alert"),
            ),
            (
                r#"{ name: r, source: ['a="b"'], target: ['c!="d"'] }"#,
                Some("inhibitions[0].target: this target means every alert"),
            ),
            (
                r#"{ name: '', source: ['a="b"'], target: ['c="d"'] }"#,
                Some("inhibitions[0].name: an inhibition needs a name"),
            ),
            (r#"{ name: r, source: ['a="b"'] }"#, Some("inhibitions[0].target: `target` is missing")),
        ];
        for (inhibition, expected) in table {
            let mistakes =
                parse(&POLICY.replace("INHIBITION", inhibition)).map_or_else(|wrong| wrong, |(_, warned)| warned);
            let found: Vec<String> =
                mistakes.iter().map(|mistake| format!("{}: {}", mistake.path, mistake.what)).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{inhibition}");
        }
    }

    #[test]
    fn a_compiled_policy_keeps_its_inhibitions() {
        let rule = r#"{ name: r, source: ['a="b"'], target: ['c!~"d|e"', 'f="g"'], equal: [cluster] }"#;
        let (policy, _) = parse(&POLICY.replace("INHIBITION", rule)).expect("a policy");
        let again: crate::policy::Policy = serde_json::from_str(&policy.compile()).expect("its own form");
        assert_eq!(again, policy);
    }
}
