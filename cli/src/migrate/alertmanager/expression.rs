//! Matchers as the condition of a route.
//!
//! Conditions have no regular expressions. Most that are written are a choice of texts, or ask for the beginning or the
//! end of one: those can be said. Others cannot, and are refused.

use domain::matcher::{Comparison, Matcher};

use crate::migrate::condition::{Field, text};

/// The condition under which all of `matchers` hold; `None` when they always do.
pub(super) fn condition(matchers: &[Matcher]) -> Result<Option<String>, String> {
    let mut parts = Vec::new();
    for matcher in matchers {
        let field = Field::Label(matcher.name());
        let value = matcher.value();
        match matcher.comparison() {
            Comparison::Equal if value.is_empty() => parts.push(field.is_empty()),
            Comparison::Equal => parts.push(field.equals(value)),
            Comparison::NotEqual if value.is_empty() => parts.push(format!("!{}", wrapped(&field.is_empty()))),
            Comparison::NotEqual => {
                parts.push(format!("!{}", field.test(|field| format!("{field} == {}", text(value)))));
            }
            Comparison::Matches => parts.extend(like(field, matcher)?),
            Comparison::NotMatches => match like(field, matcher)? {
                Some(holds) => parts.push(format!("!{}", wrapped(&holds))),
                None => parts.push("false".to_owned()),
            },
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(" && ")))
}

fn wrapped(part: &str) -> String {
    if part.starts_with('(') { part.to_owned() } else { format!("({part})") }
}

/// The condition that a regular expression asks for; `None` when every text fits it.
fn like(field: Field<'_>, matcher: &Matcher) -> Result<Option<String>, String> {
    let refused = || format!("no condition can ask for the regular expression of `{matcher}`");
    let pieces = pieces(matcher.value()).ok_or_else(refused)?;
    if let Some(texts) = texts(&pieces) {
        return Ok(Some(field.test(|field| format!("{field} in [{texts}]"))));
    }
    let mut tests = Vec::new();
    for piece in pieces {
        let test = match piece {
            Piece::Anything => return Ok(None),
            Piece::Something => format!("!{}", wrapped(&field.is_empty())),
            Piece::Text(value) if value.is_empty() => field.is_empty(),
            Piece::Text(value) => field.test(|field| format!("{field} == {}", text(&value))),
            Piece::Begins(value) => field.test(|field| format!("{field}.startsWith({})", text(&value))),
            Piece::Ends(value) => field.test(|field| format!("{field}.endsWith({})", text(&value))),
            Piece::Contains(value) => field.test(|field| format!("{field}.contains({})", text(&value))),
        };
        tests.push(test);
    }
    match tests.as_slice() {
        [one] => Ok(Some(one.clone())),
        several => Ok(Some(format!("({})", several.join(" || ")))),
    }
}

/// A list of several choices that are texts, none of which a missing label has.
fn texts(pieces: &[Piece]) -> Option<String> {
    let each = pieces.iter().map(|piece| match piece {
        Piece::Text(value) if !value.is_empty() => Some(text(value)),
        _ => None,
    });
    let texts = each.collect::<Option<Vec<_>>>()?;
    (texts.len() > 1).then(|| texts.join(", "))
}

/// One choice of a regular expression.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// `.*`.
    Anything,
    /// `.+`.
    Something,
    /// This text.
    Text(String),
    /// `x.*`.
    Begins(String),
    /// `.*x`.
    Ends(String),
    /// `.*x.*`.
    Contains(String),
}

/// The choices of a regular expression that has nothing else; `None` when it has.
fn pieces(expression: &str) -> Option<Vec<Piece>> {
    let bare = expression.strip_prefix('^').unwrap_or(expression);
    let bare = bare.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(bare);
    let inner = bare.strip_prefix("(?:").or_else(|| bare.strip_prefix('(')).and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(bare);
    inner.split('|').map(piece).collect()
}

fn piece(text: &str) -> Option<Piece> {
    match text {
        ".*" => return Some(Piece::Anything),
        ".+" => return Some(Piece::Something),
        _ => {}
    }
    let (begins, rest) = text.strip_prefix(".*").map_or((true, text), |rest| (false, rest));
    let (ends, rest) = match rest.strip_suffix(".*") {
        Some(rest) if !rest.ends_with('\\') => (false, rest),
        _ => (true, rest),
    };
    let plain = literal(rest)?;
    Some(match (begins, ends) {
        (true, true) => Piece::Text(plain),
        (true, false) => Piece::Begins(plain),
        (false, true) => Piece::Ends(plain),
        (false, false) => Piece::Contains(plain),
    })
}

/// The text that an expression without operators means.
fn literal(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            plain_one => plain.push(plain_one),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_is_said_by_a_condition_or_refused() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let table = [
            ("critical|warning", Some(vec![text("critical"), text("warning")])),
            ("^(?:a|b)$", Some(vec![text("a"), text("b")])),
            ("db-.*", Some(vec![Piece::Begins("db-".to_owned())])),
            (".*-canary", Some(vec![Piece::Ends("-canary".to_owned())])),
            (".*eu.*|.+", Some(vec![Piece::Contains("eu".to_owned()), Piece::Something])),
            ("a\\.example\\.com", Some(vec![text("a.example.com")])),
            ("|x", Some(vec![text(""), text("x")])),
            ("db-[0-9]+", None),
            ("a.c", None),
            ("(a|b)(c|d)", None),
            ("\\d", None),
        ];
        for (expression, expected) in table {
            assert_eq!(pieces(expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_label_that_is_missing_is_empty() {
        let said = |text: &str| condition(&[Matcher::parse(text).expect("a matcher")]);
        let table = [
            ("a=b", "alert.labels.a == \"b\""),
            ("a!=b", "!(\"a\" in alert.labels && alert.labels.a == \"b\")"),
            ("a=\"\"", "!(\"a\" in alert.labels && alert.labels.a != \"\")"),
            ("a=~\"b|c\"", "(\"a\" in alert.labels && alert.labels.a in [\"b\", \"c\"])"),
            (
                "a!~\"b|c.*\"",
                "!((\"a\" in alert.labels && alert.labels.a == \"b\") || (\"a\" in alert.labels && alert.labels.a.startsWith(\"c\")))",
            ),
        ];
        for (matcher, expected) in table {
            assert_eq!(said(matcher), Ok(Some(expected.to_owned())), "{matcher}");
        }
        assert_eq!(said("a=~\".*\""), Ok(None));
        assert!(said("a=~\"[0-9]\"").is_err());
    }
}
