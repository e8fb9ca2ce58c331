//! The lines of an iCalendar file (RFC 5545, section 3.1): unfolded, and taken apart into name, parameters and value.

use std::iter::Peekable;

/// One line as it is meant, however many the file breaks it into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of its first line in the file, from 1.
    pub number: usize,
    /// What it is called, in capitals.
    pub name: String,
    /// What stands beside the name: each name in capitals, each value without quotes.
    pub parameters: Vec<(String, String)>,
    /// What it says, as it is written.
    pub value: String,
}

/// Every line of `file` that is one; what has no colon says nothing and is passed over.
pub fn lines(file: &[u8]) -> impl Iterator<Item = Line> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let broken = file.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Unfolded(broken.zip(1..).peekable()).filter_map(|(text, number)| Line::read(&text, number))
}

/// Lines put together again. A program may break one in the middle of a character, so this comes before the text.
struct Unfolded<I: Iterator>(Peekable<I>);

impl<'a, I: Iterator<Item = (&'a [u8], usize)>> Iterator for Unfolded<I> {
    type Item = (String, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (first, number) = self.0.next()?;
        let mut whole = first.to_vec();
        while let Some((more, _)) = self.0.next_if(|(line, _)| matches!(line.first(), Some(b' ' | b'\t'))) {
            whole.extend_from_slice(&more[1..]);
        }
        Some((String::from_utf8_lossy(&whole).into_owned(), number))
    }
}

impl Line {
    fn read(text: &str, number: usize) -> Option<Self> {
        let (head, value) = cut(text, ':')?;
        let (name, mut rest) = cut(head, ';').unwrap_or((head, ""));
        let mut parameters = Vec::new();
        while !rest.is_empty() {
            let (one, more) = cut(rest, ';').unwrap_or((rest, ""));
            let (name, value) = one.split_once('=').unwrap_or((one, ""));
            parameters.push((name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
            rest = more;
        }
        Some(Self { number, name: name.to_ascii_uppercase(), parameters, value: value.to_owned() })
    }

    /// The parameter of this name, which is in capitals.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value as a text, its escapes undone (section 3.3.11).
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut letters = self.value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => {}
                },
                letter => text.push(letter),
            }
        }
        text
    }
}

/// What stands before and after the first `at` outside of quotes.
fn cut(text: &str, at: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    let place = text.find(|letter| {
        quoted ^= letter == '"';
        letter == at && !quoted
    })?;
    Some((&text[..place], &text[place + at.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_taken_apart_outside_of_quotes_and_numbered_where_it_begins() {
        let file = b"\xef\xbb\xbfBEGIN:VEVENT\r\n\r\nnonsense\r\nattendee;CN=\"Lima; Ana: x\";rsvp=TRUE:mailto:\r\n ana@exam\r\n\tple.com\nSUMMARY:a\\, b\\; c\\\\\\nd \xc3\r\n \xbc";
        let read: Vec<Line> = lines(file).collect();
        assert_eq!((read.len(), read[0].name.as_str(), read[0].value.as_str()), (3, "BEGIN", "VEVENT"));
        assert_eq!((read[1].number, read[1].value.as_str()), (4, "mailto:ana@example.com"));
        assert_eq!((read[1].parameter("CN"), read[1].parameter("RSVP")), (Some("Lima; Ana: x"), Some("TRUE")));
        assert_eq!(read[2].text(), "a, b; c\\\nd \u{fc}", "a letter may be broken in two");
    }

    proptest! {
        #[test]
        fn a_line_says_the_same_wherever_it_is_broken(value in "[^\\r\\n]{0,60}", places in prop::collection::vec(0usize..80, 0..6)) {
            let whole = format!("SUMMARY:{value}").into_bytes();
            let mut folded = whole.clone();
            let mut places: Vec<usize> = places.into_iter().filter(|place| (1..whole.len()).contains(place)).collect();
            places.sort_unstable();
            for place in places.into_iter().rev() {
                folded.splice(place..place, *b"\r\n ");
            }
            prop_assert_eq!(lines(&folded).collect::<Vec<_>>(), lines(&whole).collect::<Vec<_>>());
        }

        #[test]
        fn whatever_a_file_holds_is_read_without_harm(file in prop::collection::vec(any::<u8>(), 0..400)) {
            for line in lines(&file) {
                let _ = line.text();
            }
        }
    }
}
