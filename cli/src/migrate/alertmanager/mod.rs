//! Alertmanager, by its configuration file (prometheus.io/docs/alerting/latest/configuration): receivers, the routing
//! tree and inhibition rules.
//!
//! It knows places and no people, so nobody takes turns in what comes of it, and nothing is escalated.

use domain::matcher::{Comparison, Matcher, Matchers};
use domain::policy::{Inhibition, Kind};
use serde::Deserialize;
use serde_json::Value;

use super::Source;
use super::draft::Draft;
use super::dump::Dump;

mod expression;
mod receiver;
mod tree;

pub(super) const SOURCE: Source = Source {
    name: "Alertmanager",
    kinds: &[
        "route",
        "receivers",
        "inhibit_rules",
        "global",
        "time_intervals",
        "mute_time_intervals",
        "templates",
        "silences",
    ],
    read,
};

/// What has no place in a policy, and why.
const LEFT: [(&str, &str); 5] = [
    ("global", "it holds servers and secrets of Alertmanager's own"),
    ("time_intervals", "routes do not depend on the time; restrict a schedule, or use quiet hours"),
    ("mute_time_intervals", "routes do not depend on the time; restrict a schedule, or use quiet hours"),
    ("templates", "messages are worded here already"),
    ("silences", "silences are no part of a policy: `amtool silence import` sets them, with this as its Alertmanager"),
];

#[derive(Debug, Deserialize)]
struct Inhibit {
    #[serde(default)]
    name: Option<String>,
    #[serde(flatten)]
    sides: Sides,
    #[serde(default)]
    equal: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Sides {
    #[serde(default)]
    source_matchers: Written,
    #[serde(default)]
    source_match: Pairs,
    #[serde(default)]
    source_match_re: Pairs,
    #[serde(default)]
    target_matchers: Written,
    #[serde(default)]
    target_match: Pairs,
    #[serde(default)]
    target_match_re: Pairs,
}

/// Labels with their values, as the older keys have them.
type Pairs = std::collections::BTreeMap<String, Value>;

/// Matchers as they are written: each alone, or several in braces.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(untagged)]
enum Written {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

fn read(dump: &mut Dump, draft: &mut Draft) {
    let receivers = receiver::read(dump, draft);
    tree::read(dump, draft, &receivers);
    for (number, rule) in dump.take::<Inhibit>("inhibit_rules", draft).into_iter().enumerate() {
        let called = rule.name.unwrap_or_else(|| format!("inhibition {}", number + 1));
        let Sides { source_matchers, source_match, source_match_re, target_matchers, target_match, target_match_re } =
            rule.sides;
        let source = matchers(&source_matchers, &source_match, &source_match_re).and_then(whole);
        let target = matchers(&target_matchers, &target_match, &target_match_re).and_then(whole);
        match (source, target) {
            (Ok(source), Ok(target)) => {
                let path = format!("inhibitions[{}]", draft.policy.inhibitions.len());
                draft.maps("inhibit rule", &called, path);
                draft.policy.inhibitions.push(Inhibition { name: called, source, target, equal: rule.equal });
            }
            (Err(why), _) | (_, Err(why)) => draft.left_out("inhibit rule", &called, why),
        }
    }
    let name = draft.integration("alertmanager", "alertmanager", Kind::Alertmanager, None);
    draft.origin(format!("integrations.{name}"), "where its webhook receiver is to send, with this as the credentials");
    for (kind, why) in LEFT {
        dump.left(kind, draft, why);
    }
}

/// Everything that is asked of the labels, whichever way it is written.
fn matchers(written: &Written, equal: &Pairs, like: &Pairs) -> Result<Vec<Matcher>, String> {
    let texts: &[String] = match written {
        Written::None => &[],
        Written::One(text) => std::slice::from_ref(text),
        Written::Several(texts) => texts,
    };
    let mut found = Vec::new();
    for text in texts {
        let parsed = Matchers::parse(text).map_err(|malformed| malformed.what)?;
        found.extend(parsed.iter().cloned());
    }
    for (pairs, comparison) in [(equal, Comparison::Equal), (like, Comparison::Matches)] {
        for (name, value) in pairs {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            found.push(Matcher::new(name, comparison, value).map_err(|malformed| malformed.what)?);
        }
    }
    Ok(found)
}

/// A side of an inhibition, which has to ask for something.
fn whole(matchers: Vec<Matcher>) -> Result<Matchers, String> {
    let matchers = Matchers::try_from(matchers).map_err(|malformed| malformed.what)?;
    if matchers.match_empty() { Err("a side of it means every alert".to_owned()) } else { Ok(matchers) }
}
