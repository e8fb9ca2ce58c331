//! What browsers and Slack send: forms, and the answer in them.

use percent_encoding::percent_decode_str;

/// What a person answers to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// They take it on.
    Acknowledge,
    /// They take it on for a while.
    Snooze,
    /// Nobody has it any more.
    Unacknowledge,
    /// It is over.
    Resolve,
}

impl Answer {
    /// The word in forms, buttons and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Snooze => "snooze",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve => "resolve",
        }
    }

    /// Reads that word, and no other.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Acknowledge, Self::Snooze, Self::Unacknowledge, Self::Resolve];
        all.into_iter().find(|answer| answer.as_str() == word)
    }
}

/// Every field of an `application/x-www-form-urlencoded` body, in its order; `None` when any is not UTF-8.
pub fn fields(body: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs = std::str::from_utf8(body).ok()?.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// The first field `name` of an `application/x-www-form-urlencoded` body; `None` when it is missing or not UTF-8.
pub fn field(body: &[u8], name: &str) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, value) = body.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name)?;
    decoded(value)
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_decoded_as_browsers_encode_it() {
        let body = b"a=1&action=acknowledge&note=it%27s+100%25+done%2B%C3%A9";
        assert_eq!(field(body, "action").as_deref(), Some("acknowledge"));
        assert_eq!(field(body, "note").as_deref(), Some("it's 100% done+é"));
        assert_eq!(field(body, "missing"), None);
        assert_eq!(field(b"a=%ff", "a"), None);
        assert_eq!(field(b"\xff=1", "a"), None);
    }

    #[test]
    fn every_field_is_there_even_one_without_a_value() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![pair("From", "+1555"), pair("Body", "4 0712"), pair("MediaUrl", ""), pair("x", "")];
        assert_eq!(fields(b"From=%2B1555&Body=4+0712&MediaUrl=&x"), Some(expected));
        assert_eq!(fields(b""), Some(Vec::new()));
        assert_eq!(fields(b"a=%ff"), None);
    }

    #[test]
    fn only_our_own_words_are_an_answer() {
        assert_eq!(Answer::parse("resolve"), Some(Answer::Resolve));
        assert_eq!(Answer::parse("Resolve"), None);
        assert_eq!(Answer::parse(""), None);
    }
}
