//! What a list is asked for: Opsgenie's search language, as far as scripts use it.
//!
//! Terms are joined by `AND` or by nothing, and `NOT` turns one around: `status: open AND tag: db AND NOT priority: P5`.
//! A term has several values in parentheses: `priority: (P1 OR P2)`. Anything else is refused with what to write, as an
//! answer to another question than was asked is worse than none.

use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::alert::Alert;

/// A search.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Search {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    field: Field,
    not: bool,
    sign: Sign,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    TinyId,
    Alias,
    Message,
    Status,
    Acknowledged,
    Snoozed,
    Tag,
    Priority,
    Source,
    Owner,
    Count,
    CreatedAt,
    LastOccurredAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Field {
    const ALL: [(&'static str, Self); 16] = [
        ("id", Self::Id),
        ("alertId", Self::Id),
        ("tinyId", Self::TinyId),
        ("alias", Self::Alias),
        ("message", Self::Message),
        ("status", Self::Status),
        ("acknowledged", Self::Acknowledged),
        ("snoozed", Self::Snoozed),
        ("tag", Self::Tag),
        ("tags", Self::Tag),
        ("priority", Self::Priority),
        ("source", Self::Source),
        ("owner", Self::Owner),
        ("count", Self::Count),
        ("createdAt", Self::CreatedAt),
        ("lastOccurredAt", Self::LastOccurredAt),
    ];

    fn named(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, field)| *field).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("The query can ask for {}.", known.join(", "))
        })
    }

    const fn is_ordered(self) -> bool {
        matches!(self, Self::Count | Self::CreatedAt | Self::LastOccurredAt)
    }
}

impl Search {
    /// Reads a query.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let words = words(query)?;
        let mut rest = words.as_slice();
        let mut terms = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            rest = match first {
                Word::Text(text) if text == "AND" && !terms.is_empty() && !after.is_empty() => after,
                _ => {
                    let (term, after) = term(rest)?;
                    terms.push(term);
                    after
                }
            };
        }
        Ok(Self { terms })
    }

    /// Whether `alert` is asked for.
    pub(super) fn matches(&self, alert: &Alert) -> bool {
        self.terms.iter().all(|term| term.matches(alert))
    }

    /// Whether alerts that are open, or closed, can be asked for.
    pub(super) fn wants(&self, status: &str) -> bool {
        let mut about = self.terms.iter().filter(|term| term.field == Field::Status);
        about.all(|term| term.values.iter().any(|value| value.eq_ignore_ascii_case(status)) != term.not)
    }

    /// When the alerts that are asked for can have been created.
    pub(super) fn created(&self) -> Range<Timestamp> {
        let mut range = Timestamp::MIN..Timestamp::MAX;
        for term in self.terms.iter().filter(|term| term.field == Field::CreatedAt && !term.not) {
            let Some(at) = term.values.first().and_then(|value| time(value)) else { continue };
            // The range is only where to look: what is on its edge, `matches` decides.
            let next = at.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
            match term.sign {
                Sign::Is => range = range.start.max(at)..range.end.min(next),
                Sign::Less | Sign::AtMost => range.end = range.end.min(next),
                Sign::More | Sign::AtLeast => range.start = range.start.max(at),
            }
        }
        range
    }
}

impl Term {
    fn matches(&self, alert: &Alert) -> bool {
        self.values.iter().any(|value| self.matches_value(alert, value)) != self.not
    }

    fn matches_value(&self, alert: &Alert, value: &str) -> bool {
        match self.field {
            Field::Id => alike(&alert.id, value),
            Field::TinyId => alike(&alert.tiny_id, value),
            Field::Alias => alike(&alert.alias, value),
            Field::Message => {
                let value = value.trim_matches('*').to_lowercase();
                alert.message.to_lowercase().contains(&value)
            }
            Field::Status => alike(alert.status, value),
            Field::Acknowledged => alike(if alert.acknowledged { "true" } else { "false" }, value),
            Field::Snoozed => alike(if alert.snoozed { "true" } else { "false" }, value),
            Field::Tag => alert.tags.iter().any(|tag| alike(tag, value)),
            Field::Priority => alike(&alert.priority, value),
            Field::Source => alike(&alert.source, value),
            Field::Owner => alike(&alert.owner, value),
            Field::Count => value.parse().is_ok_and(|value: u64| self.sign.holds(&alert.count, &value)),
            Field::CreatedAt => time(value).is_some_and(|value| self.sign.holds(&alert.created, &value)),
            Field::LastOccurredAt => time(value).is_some_and(|value| self.sign.holds(&alert.last_occurred, &value)),
        }
    }
}

impl Sign {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Is => left == right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// Whether `text` is `value`, in any case; a `*` at an end of the value stands for anything.
fn alike(text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        (Some(rest), Some(_)) => text.contains(rest.trim_end_matches('*')),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == value,
    }
}

/// A time as scripts write it: milliseconds since 1970, RFC 3339, or a day as 21-11-2026, with a time after a `T` or not.
fn time(value: &str) -> Option<Timestamp> {
    if let Ok(number) = value.parse() {
        return Timestamp::from_millisecond(number).ok();
    }
    let civil = ["%d-%m-%YT%H:%M:%S", "%d-%m-%YT%H:%M"].iter().find_map(|form| DateTime::strptime(form, value).ok());
    let day = || jiff::civil::Date::strptime("%d-%m-%Y", value).ok().map(|day| day.at(0, 0, 0, 0));
    let in_utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    value.parse().ok().or_else(|| civil.or_else(day).and_then(in_utc))
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Text(String),
    Quoted(String),
    Sign(Sign),
    Opens,
    Closes,
}

/// The words of a query.
fn words(query: &str) -> Result<Vec<Word>, String> {
    let (mut words, mut inside) = (Vec::new(), false);
    let mut chars = query.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' | ')' => {
                inside = c == '(';
                words.push(if inside { Word::Opens } else { Word::Closes });
            }
            ':' | '=' => words.push(Word::Sign(Sign::Is)),
            '<' | '>' => {
                let equal = chars.next_if_eq(&'=').is_some();
                words.push(Word::Sign(match (c, equal) {
                    ('<', false) => Sign::Less,
                    ('<', true) => Sign::AtMost,
                    (_, false) => Sign::More,
                    (_, true) => Sign::AtLeast,
                }));
            }
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => text.extend(chars.next()),
                        Some(c) => text.push(c),
                        None => return Err("A quotation mark in the query is never closed.".to_owned()),
                    }
                }
                words.push(Word::Quoted(text));
            }
            c => {
                let mut text = String::from(c);
                // A value may hold what parts a field from it, such as the time 10:00 or the tag a:b.
                let value = inside || matches!(words.last(), Some(Word::Sign(_)));
                let ends = |c: &char| {
                    c.is_whitespace() || matches!(c, '(' | ')') || (!value && matches!(c, ':' | '=' | '<' | '>'))
                };
                while let Some(c) = chars.next_if(|c| !ends(c)) {
                    text.push(c);
                }
                words.push(Word::Text(text));
            }
        }
    }
    Ok(words)
}

/// The term that `words` begin with, and the words after it.
fn term(words: &[Word]) -> Result<(Term, &[Word]), String> {
    let (not, words) = match words {
        [Word::Text(not), rest @ ..] if not == "NOT" => (true, rest),
        _ => (false, words),
    };
    let (field, sign, rest) = match words {
        [Word::Text(name), Word::Sign(first), rest @ ..] => {
            // `createdAt: > 5` says the same as `createdAt > 5`.
            match rest {
                [Word::Sign(second), rest @ ..] if *first == Sign::Is => (Field::named(name)?, *second, rest),
                _ => (Field::named(name)?, *first, rest),
            }
        }
        [Word::Text(or), ..] if or == "OR" => {
            return Err("OR is taken between the values of one field: priority: (P1 OR P2).".to_owned());
        }
        _ => return Err("The query is made of terms such as status: open, joined by AND.".to_owned()),
    };
    let (values, rest) = values(rest)?;
    if sign != Sign::Is && !field.is_ordered() {
        return Err("Only count, createdAt and lastOccurredAt can be compared by < and >.".to_owned());
    }
    let readable = |value: &String| match field {
        Field::Count => value.parse::<u64>().is_ok(),
        Field::CreatedAt | Field::LastOccurredAt => time(value).is_some(),
        Field::Status => matches!(value.to_lowercase().as_str(), "open" | "closed"),
        Field::Acknowledged | Field::Snoozed => matches!(value.to_lowercase().as_str(), "true" | "false"),
        _ => true,
    };
    if !values.iter().all(readable) {
        let wanted = match field {
            Field::Status => "open or closed",
            Field::Acknowledged | Field::Snoozed => "true or false",
            Field::Count => "a number",
            _ => "a time: milliseconds since 1970, or a day such as 21-11-2026",
        };
        return Err(format!("This field of the query takes {wanted}."));
    }
    Ok((Term { field, not, sign, values }, rest))
}

/// The values of a term: one, or several in parentheses.
fn values(words: &[Word]) -> Result<(Vec<String>, &[Word]), String> {
    let value = |word: &Word| match word {
        Word::Text(text) | Word::Quoted(text) => Some(text.clone()),
        _ => None,
    };
    let none = || "A field of the query has no value.".to_owned();
    match words {
        [Word::Opens, rest @ ..] => {
            let end = rest.iter().position(|word| *word == Word::Closes);
            let (inside, rest) = rest.split_at(end.ok_or("A parenthesis in the query is never closed.")?);
            let or = |word: &&Word| !matches!(word, Word::Text(or) if or == "OR" || or == ",");
            let values: Option<Vec<String>> = inside.iter().filter(or).map(value).collect();
            let values = values.filter(|values| !values.is_empty()).ok_or_else(none)?;
            Ok((values, &rest[1..]))
        }
        [first, rest @ ..] => Ok((vec![value(first).ok_or_else(none)?], rest)),
        [] => Err(none()),
    }
}

#[cfg(test)]
pub(super) mod tests;
