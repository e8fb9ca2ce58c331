//! Mappings: what the JSON of a sender means that has no dialect of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mistake;
use super::integration::{Integration, Kind};
use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use crate::expression::Invalid;
use crate::mapping::Expression;
use crate::text::LABELS;

/// What the JSON of a sender means: each field is CEL over `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Names the problem: what has the same key is the same one.
    pub key: Expression,
    /// What happened: `trigger`, `acknowledge`, `resolve`, `change`, or `ignore`; `trigger` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Expression>,
    /// One line for a person; the key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Expression>,
    /// How bad it is, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Expression>,
    /// What is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Expression>,
    /// The service it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Expression>,
    /// When it happened: a time, or the seconds or milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Expression>,
    /// Where to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Expression>,
    /// Labels, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Expression>,
}

mapping!(Mapping, ["key", "action", "title", "severity", "source", "service", "at", "link", "labels"], fields => Mapping {
    key: fields.required("key", "write what names the problem, such as `key: body.check.id`"),
    action: fields.optional("action"),
    title: fields.optional("title"),
    severity: fields.optional("severity"),
    source: fields.optional("source"),
    service: fields.optional("service"),
    at: fields.optional("at"),
    link: fields.optional("link"),
    labels: fields.or_default("labels"),
});

impl Read for Expression {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        String::read(reader, node, path).into()
    }

    fn blank() -> Self {
        Self::default()
    }
}

impl Mapping {
    /// Its fields but the labels, in the order in which they are told; those that are absent are not among them.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Expression)> {
        let fields = [
            ("key", Some(&self.key)),
            ("action", self.action.as_ref()),
            ("title", self.title.as_ref()),
            ("severity", self.severity.as_ref()),
            ("source", self.source.as_ref()),
            ("service", self.service.as_ref()),
            ("at", self.at.as_ref()),
            ("link", self.link.as_ref()),
        ];
        fields.into_iter().filter_map(|(name, expression)| Some((name, expression?)))
    }
}

impl Check<'_> {
    /// The mapping of an integration of kind `json`, which no other has.
    pub(super) fn mapping(&mut self, integration: &Integration, path: &str) {
        let path = format!("{path}.mapping");
        let mapping = match (&integration.mapping, integration.kind) {
            (Some(mapping), Kind::Json) => mapping,
            (None, Kind::Json) => {
                let fix = "write `mapping:` with at least the `key`, such as `mapping: { key: body.id }`";
                return self.error(path, "nothing says what its JSON means", fix);
            }
            (Some(_), _) => {
                let what = "its senders have a dialect that is known";
                return self.error(path, what, "remove `mapping`, or write `kind: json`");
            }
            (None, _) => return,
        };
        let labels = mapping.labels.iter().map(|(name, expression)| (format!("labels.{name}"), expression));
        let fields = mapping.fields().map(|(name, expression)| (name.to_owned(), expression));
        for (field, expression) in fields.chain(labels) {
            if let Err(Invalid { what, fix, .. }) = expression.check() {
                self.mistakes.push(Mistake::error(format!("{path}.{field}"), what, fix));
            }
        }
        if mapping.labels.len() > LABELS {
            let what = format!("{} labels are too many, and {LABELS} are the most", mapping.labels.len());
            self.error(format!("{path}.labels"), what, "keep those that routes ask for");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::parse;

    fn mistakes(integration: &str) -> Vec<String> {
        let least = "version: 1\npeople: { ana: { contacts: [{ sms: +15550100 }] } }\n\
            escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }\ncatch_all: { escalation: all }\n";
        let parsed = parse(&format!("{least}integrations:\n  i:\n{integration}"));
        parsed.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_mistake_in_a_mapping_is_named_with_its_line_and_its_fix() {
        let json = "    kind: json\n    secret: ssm:/i\n    mapping:\n      key: body.id\n";
        assert_eq!(mistakes(json), [""; 0]);
        let table = [
            (
                "    kind: json\n    secret: ssm:/i\n".to_owned(),
                "6:3: error: integrations.i.mapping: nothing says what its JSON means",
            ),
            (
                json.replace("body.id", "alert.id"),
                "10:12: error: integrations.i.mapping.key: the expression uses an unknown variable: `alert`",
            ),
            (
                json.replace("key: body.id", "title: body.id"),
                "10:7: error: integrations.i.mapping.key: `key` is missing",
            ),
            (
                format!("{json}      title: 'body.'\n"),
                "11:14: error: integrations.i.mapping.title: the expression does not compile",
            ),
            (
                format!("{json}      labels:\n        a: body.x.map(y, y)\n"),
                "12:9: error: integrations.i.mapping.labels.a: the expression makes a list",
            ),
            (
                json.replace("kind: json", "kind: alertmanager"),
                "integrations.i.mapping: its senders have a dialect that is known; remove `mapping`, or write `kind: json`",
            ),
        ];
        for (integration, expected) in table {
            let told = mistakes(&integration);
            assert!(told.len() == 1 && told[0].contains(expected), "{expected}: {told:?}");
        }
    }

    #[test]
    fn what_comes_by_mail_needs_a_secret_and_comes_from_no_network() {
        assert_eq!(mistakes("    kind: email\n    secret: ssm:/i\n    auto_close: 24h\n"), [""; 0]);
        let table = [
            ("    kind: email\n", "integrations.i.secret: nothing proves who sends: there is no secret"),
            (
                "    kind: email\n    open: true\n",
                "integrations.i.open: mails are told apart by the secret in their address",
            ),
            (
                "    kind: email\n    secret: ssm:/i\n    from: [10.0.0.0/8]\n",
                "integrations.i.from: AWS itself delivers it",
            ),
            (
                "    kind: email\n    secret: ssm:/i\n    proof: signature\n",
                "integrations.i.proof: its senders cannot do that",
            ),
            (
                "    kind: email\n    secret: ssm:/i\n    header: X-Token\n",
                "integrations.i.header: its senders have one place",
            ),
        ];
        for (integration, expected) in table {
            let told = mistakes(integration);
            assert!(told.len() == 1 && told[0].contains(expected), "{expected}: {told:?}");
        }
    }

    #[test]
    fn what_aws_sends_needs_no_proof_and_one_integration_of_each_kind() {
        for kind in ["guardduty", "security_hub", "aws_health", "aws_changes", "aws_cost", "aws_backup"] {
            assert_eq!(mistakes(&format!("    kind: {kind}\n")), [""; 0], "{kind}");
            let secret = mistakes(&format!("    kind: {kind}\n    secret: ssm:/i\n"));
            assert!(
                secret.len() == 1 && secret[0].contains("AWS itself proves who sends; remove `secret`"),
                "{secret:?}"
            );
            let twice = mistakes(&format!("    kind: {kind}\n  j:\n    kind: {kind}\n"));
            assert!(
                twice.len() == 1 && twice[0].contains("integrations.j.kind: `i` hears the same events"),
                "{twice:?}"
            );
        }
    }
}
