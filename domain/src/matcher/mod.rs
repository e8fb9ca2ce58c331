//! Matchers: which label sets are meant, in Alertmanager's own words (`name="value"`, `!=`, `=~`, `!~`).
//!
//! The rules are those of `pkg/labels` of prometheus/alertmanager: a regular expression matches the whole value, and a
//! label that is missing has the empty value. What a matcher may cost is bounded when it is made; matching is linear.

mod syntax;

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use syntax::{bare, name, quote, split, unquoted};

/// The most matchers of one list.
pub const MOST: usize = 32;
/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 128;
/// The longest value, in bytes.
pub const LONGEST_VALUE: usize = 1024;
/// The largest compiled regular expression, in bytes.
const LARGEST_REGEX: usize = 64 * 1024;

/// Why a text is no matcher, or no list of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Malformed {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// The character of the text at which the matcher begins, from 1; 0 when there is no text.
    pub at: usize,
}

impl Malformed {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), at: 0 }
    }
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `=`: it is this text.
    Equal,
    /// `!=`: it is not this text.
    NotEqual,
    /// `=~`: the regular expression matches all of it.
    Matches,
    /// `!~`: the regular expression does not match all of it.
    NotMatches,
}

impl Comparison {
    /// What Alertmanager's API writes as two flags.
    pub const fn from_flags(is_regex: bool, is_equal: bool) -> Self {
        match (is_regex, is_equal) {
            (false, true) => Self::Equal,
            (false, false) => Self::NotEqual,
            (true, true) => Self::Matches,
            (true, false) => Self::NotMatches,
        }
    }

    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }

    /// Whether the value is a regular expression.
    pub const fn is_regex(self) -> bool {
        matches!(self, Self::Matches | Self::NotMatches)
    }

    /// Whether it asks for the value, and not for any other.
    pub const fn is_equal(self) -> bool {
        matches!(self, Self::Equal | Self::Matches)
    }
}

/// One condition on one label.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Matcher {
    name: String,
    comparison: Comparison,
    value: String,
    regex: Option<Regex>,
}

/// A matcher as Alertmanager's API writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

impl Matcher {
    /// The condition that the label `name` compares so to `value`.
    pub fn new(name: impl Into<String>, comparison: Comparison, value: impl Into<String>) -> Result<Self, Malformed> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() {
            return Err(Malformed::new("a matcher has no name", "name the label it looks at"));
        }
        if name.len() > LONGEST_NAME {
            return Err(Malformed::new("the name is too long", format!("use at most {LONGEST_NAME} bytes")));
        }
        if value.len() > LONGEST_VALUE {
            return Err(Malformed::new(
                format!("the value of {name} is too long"),
                format!("use at most {LONGEST_VALUE} bytes"),
            ));
        }
        let regex = comparison.is_regex().then(|| anchored(&name, &value)).transpose()?;
        Ok(Self { name, comparison, value, regex })
    }

    /// Reads one matcher, such as `service="shop"` or `instance=~db-.+`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (name, rest) = name(text.trim())?;
        let operators = [Comparison::Matches, Comparison::NotMatches, Comparison::NotEqual, Comparison::Equal];
        let rest = rest.trim_start();
        let found = operators.into_iter().find_map(|one| Some((one, rest.strip_prefix(one.as_str())?)));
        let (comparison, value) = found
            .ok_or_else(|| Malformed::new(format!("{name} is not compared to anything"), "write name=\"value\""))?;
        Self::new(name, comparison, unquoted(value.trim())?)
    }

    /// The label it looks at.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub const fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// The text or the regular expression, as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it holds for `value`; a label that is missing has the empty one.
    pub fn matches(&self, value: &str) -> bool {
        let same = self.regex.as_ref().map_or_else(|| value == self.value, |regex| regex.is_match(value));
        same == self.comparison.is_equal()
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.comparison, &self.value) == (&other.name, other.comparison, &other.value)
    }
}

impl Eq for Matcher {}

impl TryFrom<Form> for Matcher {
    type Error = Malformed;

    fn try_from(form: Form) -> Result<Self, Malformed> {
        Self::new(form.name, Comparison::from_flags(form.is_regex, form.is_equal), form.value)
    }
}

impl From<Matcher> for Form {
    fn from(matcher: Matcher) -> Self {
        let (is_regex, is_equal) = (matcher.comparison.is_regex(), matcher.comparison.is_equal());
        Self { name: matcher.name, value: matcher.value, is_regex, is_equal }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if bare(&self.name) {
            out.write_str(&self.name)?;
        } else {
            quote(out, &self.name)?;
        }
        out.write_str(self.comparison.as_str())?;
        quote(out, &self.value)
    }
}

/// Matchers that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Matcher>", into = "Vec<Matcher>")]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// Reads a list: `{a="b", c=~"d.*"}`, or the same without braces. An empty list holds for everything.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let inner = text.trim();
        let inner = inner.strip_prefix('{').unwrap_or(inner);
        let inner = inner.strip_suffix('}').filter(|_| text.trim().starts_with('{')).unwrap_or(inner);
        let begin = text.find(inner).unwrap_or_default();
        let mut found = Vec::new();
        let mut parts = split(inner).peekable();
        while let Some((at, part)) = parts.next() {
            // A comma may stand behind the last one.
            if part.trim().is_empty() && parts.peek().is_none() {
                break;
            }
            let place = text[..begin + at].chars().count() + 1;
            found.push(Matcher::parse(part).map_err(|wrong| Malformed { at: place, ..wrong })?);
        }
        Self::try_from(found)
    }

    /// Whether all of them hold, where `label` says the value of a name if there is one.
    pub fn match_all<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|matcher| matcher.matches(label(&matcher.name).unwrap_or_default()))
    }

    /// Whether all of them hold for `labels`.
    pub fn match_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_all(|name| labels.get(name).map(String::as_str))
    }

    /// Whether every one holds for the empty value, so that a label set without any of the names is meant too.
    pub fn match_empty(&self) -> bool {
        self.0.iter().all(|matcher| matcher.matches(""))
    }

    /// Each of them, in the order in which they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Matcher> {
        self.0.iter()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<Matcher>> for Matchers {
    type Error = Malformed;

    fn try_from(matchers: Vec<Matcher>) -> Result<Self, Malformed> {
        if matchers.len() > MOST {
            return Err(Malformed::new("there are too many matchers", format!("use at most {MOST}")));
        }
        Ok(Self(matchers))
    }
}

impl From<Matchers> for Vec<Matcher> {
    fn from(matchers: Matchers) -> Self {
        matchers.0
    }
}

impl<'a> IntoIterator for &'a Matchers {
    type Item = &'a Matcher;
    type IntoIter = std::slice::Iter<'a, Matcher>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (index, matcher) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{matcher}")?;
        }
        out.write_str("}")
    }
}

/// The regular expression `value`, which must match all of a text.
fn anchored(name: &str, value: &str) -> Result<Regex, Malformed> {
    let wrong = |error: regex_lite::Error| {
        Malformed::new(
            format!("the regular expression of {name} cannot be read: {error}"),
            "correct it, or compare the text itself with =",
        )
    };
    // Alone first: a parenthesis too many must not close the group around it.
    RegexBuilder::new(value).size_limit(LARGEST_REGEX).build().map_err(wrong)?;
    RegexBuilder::new(&format!("^(?:{value})$")).size_limit(LARGEST_REGEX).build().map_err(wrong)
}

#[cfg(test)]
mod tests;
