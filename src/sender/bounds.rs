//! What is kept of a sender's texts: never more than [`domain::text`] allows, and nothing that a store would refuse.

use std::collections::BTreeMap;
use std::fmt;

use domain::fingerprint::Fingerprint;
use domain::signal::{Link, Severity};
use domain::text;
use jiff::Timestamp;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;

/// The longest name of a label, in characters.
const NAME: usize = 128;
/// The most that all labels together may take, in bytes: an incident must stay far below the 400 KB of an item.
const ALL_LABELS: usize = 16 * 1024;
/// The longest text of a link, in characters.
const LINK_TEXT: usize = 128;

/// The fingerprint of `key`: the same however its accents are encoded, and with or without spaces around it.
pub(super) fn fingerprint(integration: &str, key: &str) -> Fingerprint {
    let key = key.trim();
    if key.is_ascii() {
        Fingerprint::of(integration, key)
    } else {
        Fingerprint::of(integration, &key.nfc().collect::<String>())
    }
}

/// One line for a person.
pub(super) fn title(text: &str) -> String {
    text::cut(&carriable(text.trim()), text::TITLE)
}

/// A short field.
pub(super) fn field(text: &str) -> String {
    text::cut(&carriable(text), text::FIELD)
}

/// Details as JSON text, which is no longer JSON when it had to be cut.
pub(super) fn details(json: &str) -> String {
    let json = compact(&carriable(json));
    if json.len() <= text::DETAILS {
        return json;
    }
    let end = json.floor_char_boundary(text::DETAILS - text::CUT.len());
    format!("{}{}", &json[..end], text::CUT)
}

/// `json` without the white space between its tokens, and with every digit of its numbers.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let kept = |c: &char| {
        inside ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        inside || !c.is_ascii_whitespace()
    };
    json.chars().filter(kept).collect()
}

/// `text` without the characters that SQS refuses; only AWS itself can send them past the gate of `json`.
fn carriable(text: &str) -> std::borrow::Cow<'_, str> {
    const REFUSED: [char; 3] = ['\0', '\u{fffe}', '\u{ffff}'];
    if text.is_ascii() && !text.contains('\0') || !text.contains(REFUSED) {
        text.into()
    } else {
        text.replace(REFUSED, "\u{fffd}").into()
    }
}

/// Labels as they are collected.
#[derive(Debug, Default)]
pub(super) struct Labels {
    kept: BTreeMap<String, String>,
    bytes: usize,
    dropped: bool,
}

impl Labels {
    /// Keeps a label, unless there are too many; an earlier one of the same name stays.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let (name, value) = (text::cut(&carriable(name), NAME), field(value));
        if name.is_empty() || value.is_empty() || self.kept.contains_key(&name) {
            return;
        }
        let bytes = self.bytes + name.len() + value.len();
        if self.kept.len() < text::LABELS && bytes <= ALL_LABELS {
            self.bytes = bytes;
            self.kept.insert(name, value);
        } else {
            self.dropped = true;
        }
    }

    /// Keeps a label that is there.
    pub(super) fn add_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// The sender's word for how bad it is; a word that is none of ours is kept as a label and means an error.
    pub(super) fn severity(&mut self, word: Option<&str>) -> Severity {
        let known = word.map(|word| Severity::parse(word).ok_or(word));
        match known {
            Some(Ok(severity)) => severity,
            Some(Err(word)) => {
                self.add("severity_as_sent", word);
                Severity::default()
            }
            None => Severity::default(),
        }
    }

    /// The labels; one more says so when some were dropped.
    pub(super) fn done(mut self) -> BTreeMap<String, String> {
        if self.dropped {
            if self.kept.len() == text::LABELS {
                self.kept.pop_last();
            }
            self.kept.insert("labels_dropped".to_owned(), "true".to_owned());
        }
        self.kept
    }
}

/// Keeps a link if a browser may follow it, and if it need not be cut, which would make it another link.
pub(super) fn link(links: &mut Vec<Link>, href: Option<&str>, text: &str) {
    let Some(href) = href.map(str::trim) else { return };
    let http = ["http://", "https://"].iter().any(|scheme| {
        href.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && href.len() > scheme.len()
    });
    let plain = !href.contains(|c: char| c.is_control() || c.is_whitespace());
    let fits = links.len() < text::LINKS && href.len() <= text::FIELD;
    if http && plain && fits && links.iter().all(|link| link.href != href) {
        links.push(Link { href: href.to_owned(), text: text::cut(&carriable(text), LINK_TEXT) });
    }
}

/// A time as senders write it: RFC 3339, or with an offset without a colon, as `+0000`, or with spaces between its parts.
///
/// Some write "never" as the last second of the year 9999, which is later than a [`Timestamp`] can be.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = match text.rsplit_once(' ') {
        // As GitLab writes it: `2026-11-21 10:00:00 UTC`, or with `+0100` at the end.
        Some((time, "UTC")) => format!("{time}Z"),
        Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}"),
        _ => text.to_owned(),
    };
    text.parse().ok().or_else(|| text.starts_with("9999-12-3").then_some(Timestamp::MAX))
}

/// A string, a number or a boolean of a JSON body, as text; numbers keep every digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar(pub(super) String);

impl Scalar {
    /// The scalar that `raw` is; `None` for null, a list or an object.
    pub(super) fn of(raw: &RawValue) -> Option<Self> {
        match raw.get().as_bytes().first()? {
            b'"' => serde_json::from_str(raw.get()).ok().map(Self),
            b'-' | b'0'..=b'9' | b't' | b'f' => Some(Self(raw.get().to_owned())),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(input)?;
        Self::of(raw).ok_or_else(|| D::Error::invalid_type(Unexpected::Other("value"), &"a string, number or boolean"))
    }
}

/// A text wherever a sender may write one. What is none counts as absent: an alert is worth more than its form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(Option<String>);

impl Text {
    /// The text, unless it is blank.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.trim().is_empty())
    }

    /// The text, or an empty one.
    pub(super) fn or_empty(&self) -> &str {
        self.get().unwrap_or_default()
    }

    /// Whether the text is `word`, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.get().is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
    }

    /// The time that the text states.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.get().and_then(time).filter(|at| at.as_second() > 0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(Self(Scalar::of(<&RawValue>::deserialize(input)?).map(|scalar| scalar.0)))
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b06_a_key_names_the_same_problem_however_it_is_encoded() {
        let same = ["caf\u{e9}", "cafe\u{301}", " caf\u{e9} ", "caf\u{e9}\n"];
        for key in same {
            assert_eq!(fingerprint("a", key), Fingerprint::of("a", "caf\u{e9}"), "{key:?}");
        }
        assert_ne!(fingerprint("a", "Cafe"), fingerprint("a", "cafe"));
    }

    #[test]
    fn b11_labels_without_end_are_bounded_and_say_so() {
        let mut many = Labels::default();
        for n in 0..10_000 {
            many.add(&format!("label{n:05}"), "x");
        }
        let many = many.done();
        assert_eq!((many.len(), many.get("labels_dropped").map(String::as_str)), (text::LABELS, Some("true")));

        let mut long = Labels::default();
        long.add(&"n".repeat(100_000), &"v".repeat(100_000));
        for n in 0..60 {
            long.add(&format!("long{n}"), &"\u{1}".repeat(1000));
        }
        let long = long.done();
        assert!(long.iter().all(|(name, value)| name.chars().count() <= NAME && value.chars().count() <= text::FIELD));
        assert!(long.contains_key("labels_dropped"));
        assert!(serde_json::to_string(&long).expect("plain JSON").len() < 6 * (ALL_LABELS + 1024));
    }

    #[test]
    fn only_links_that_a_browser_may_follow_are_kept() {
        let mut links = Vec::new();
        let long = format!("https://example.com/{}", "a".repeat(2000));
        let hostile =
            ["javascript:alert(1)", "data:text/html,x", "//example.com", "https://", "https://a b", "http://a\n", ""];
        for href in hostile.into_iter().chain([long.as_str()]) {
            link(&mut links, Some(href), "x");
        }
        assert_eq!(
            links,
            [Link { href: "http://a".to_owned(), text: "x".to_owned() }],
            "spaces around it are no part of it"
        );
        for n in 0..100 {
            link(&mut links, Some(&format!("HTTPS://example.com/{n}")), "x");
            link(&mut links, Some(&format!("HTTPS://example.com/{n}")), "again");
        }
        assert_eq!(links.len(), text::LINKS);
        assert_eq!(links[2].href, "HTTPS://example.com/1");
    }

    #[test]
    fn details_are_cut_at_a_character() {
        assert_eq!(details("{ \"a b\" :\n[1, \"\\\" c\"] }"), r#"{"a b":[1,"\" c"]}"#);
        let cut = details(&"é".repeat(text::DETAILS));
        assert!(cut.len() <= text::DETAILS && cut.ends_with(text::CUT));
        assert_eq!(details("a\0\u{ffff}b"), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_time_is_read_with_and_without_the_colon() {
        let table = [
            ("2026-11-21T10:00:00.000+0000", Some("2026-11-21T10:00:00Z")),
            ("2026-11-21T10:00:00+00:00", Some("2026-11-21T10:00:00Z")),
            ("2026-11-21T10:00:00-0130", Some("2026-11-21T11:30:00Z")),
            ("2026-11-21T10:00:00.5Z", Some("2026-11-21T10:00:00.5Z")),
            ("2026-11-21 10:00:00 UTC", Some("2026-11-21T10:00:00Z")),
            ("2026-11-21 11:00:00 +0100", Some("2026-11-21T10:00:00Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
            ("9999-12-31T23:59:59Z", Some("9999-12-30T22:00:00.999999999Z")),
            ("2026-11-21 at ten", None),
            ("1795255200", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_text_counts_as_absent() {
        let read = |json| serde_json::from_str::<Text>(json).expect("any JSON");
        assert_eq!((read("\"a\"").get(), read("12").get()), (Some("a"), Some("12")));
        for json in ["null", "\" \"", "{}", "[\"a\"]"] {
            assert_eq!((read(json).get(), read(json).or_empty()), (None, ""), "{json}");
        }
        assert!(read("\" OK\"").is("ok") && !read("\"not ok\"").is("ok"));
        assert_eq!(read("\"0001-01-01T00:00:00Z\"").time(), None, "which stands for none");
    }

    #[test]
    fn b04_b10_a_number_keeps_every_digit() {
        let read = |json| serde_json::from_str::<Scalar>(json).map(|scalar| scalar.0).ok();
        assert_eq!(read("18446744073709551617").as_deref(), Some("18446744073709551617"));
        assert_eq!(read(r#""a\nb""#).as_deref(), Some("a\nb"));
        assert_eq!(read("true").as_deref(), Some("true"));
        assert_eq!((read("null"), read("[1]"), read("{}")), (None, None, None));
    }
}
