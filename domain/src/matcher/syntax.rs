//! How matchers are written: names, quotes, escapes and commas, as `pkg/labels/parse.go` of prometheus/alertmanager reads them.

use std::fmt;

use super::Malformed;

/// The name that `text` begins with, in quotes or bare, and what follows it.
pub(super) fn name(text: &str) -> Result<(String, &str), Malformed> {
    if text.starts_with('"') {
        let end = (1..text.len()).find(|end| text.as_bytes()[*end] == b'"' && !escaped(text, *end));
        let end = end.ok_or_else(|| Malformed::new("a quote is not closed", "close it with \""))?;
        return Ok((unquoted(&text[..=end])?, &text[end + 1..]));
    }
    let end = text.find(|c: char| !in_name(c)).unwrap_or(text.len());
    if end == 0 {
        return Err(Malformed::new("a matcher has no name", "write name=\"value\""));
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

/// Whether `c` may stand in a name without quotes: anything but what has a meaning of its own.
fn in_name(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

/// Whether `name` can be written without quotes.
pub(super) fn bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(in_name)
}

/// Whether the byte at `at` stands behind an odd number of backslashes.
fn escaped(text: &str, at: usize) -> bool {
    text.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The parts of `text` between the commas outside of quotes, each with the byte at which it begins.
pub(super) fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let begin = next?;
        let mut quoted = false;
        let comma = text[begin..].bytes().enumerate().find_map(|(at, byte)| {
            let at = begin + at;
            quoted ^= byte == b'"' && !escaped(text, at);
            (byte == b',' && !quoted).then_some(at)
        });
        next = comma.map(|at| at + 1);
        Some((begin, &text[begin..comma.unwrap_or(text.len())]))
    })
}

/// What `text` says, with or without quotes: `\"`, `\\` and `\n` are read, any other backslash is itself.
pub(super) fn unquoted(text: &str) -> Result<String, Malformed> {
    let stray = || Malformed::new("a quote stands alone", "quote the whole value, and write a quote in it as \\\"");
    let inner = match text.strip_prefix('"') {
        Some(rest) => {
            rest.strip_suffix('"').filter(|_| text.len() > 1 && !escaped(text, text.len() - 1)).ok_or_else(stray)?
        }
        None => text,
    };
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err(stray()),
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    Ok(value)
}

/// Writes `text` in quotes, so that [`unquoted`] reads it back.
pub(super) fn quote(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    write!(out, "\"{text}\"")
}
