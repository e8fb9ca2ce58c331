//! Bounds on the texts that senders send, and how they are shown to a person.

use jiff::SignedDuration;

/// The longest title kept, in characters; PagerDuty's bound for `payload.summary`.
pub const TITLE: usize = 1024;
/// The longest single field, label value or link kept, in characters.
pub const FIELD: usize = 1024;
/// The longest details kept, in bytes of JSON text.
pub const DETAILS: usize = 16 * 1024;
/// The most labels kept of one alert.
pub const LABELS: usize = 64;
/// The most links kept of one alert.
pub const LINKS: usize = 16;
/// What stands at the end of a text that was cut.
pub const CUT: &str = "… [cut]";

/// At most `limit` characters of `text`; one that is cut says so at its end.
pub fn cut(text: &str, limit: usize) -> String {
    if text.char_indices().nth(limit).is_none() {
        return text.to_owned();
    }
    let keep = limit.saturating_sub(CUT.chars().count());
    let end = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
    format!("{}{CUT}", &text[..end])
}

/// `text` with everything that could move a cursor, hide a word or reorder a line written out as `\u{…}`.
///
/// Control characters, ANSI escapes, zero-width and bidirectional controls arrive in titles; nobody should be fooled by them.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c,
                '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        match c {
            '\n' | '\t' => out.push(' '),
            c if hidden => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A length of time for a person: its two largest units, such as `42 s`, `3 min 5 s` or `2 d 4 h`.
pub fn lasted(length: SignedDuration) -> String {
    let total = length.as_secs().max(0);
    let units = [(total / 86_400, "d"), (total / 3600 % 24, "h"), (total / 60 % 60, "min"), (total % 60, "s")];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let told = units[first..].iter().take(2).filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, unit)| format!("{count} {unit}")).collect();
    if told.is_empty() { "0 s".to_owned() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut(&"é".repeat(20), 10), format!("{}… [cut]", "é".repeat(3)));
        assert_eq!(cut(&"é".repeat(10), 10).chars().count(), 10);
    }

    #[test]
    fn b07_b14_what_would_fool_a_reader_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{1b}[2J\nc"), "a\\u{202e}b\\u{1b}[2J c");
        assert_eq!(visible("Größe 📈"), "Größe 📈");
    }
}
