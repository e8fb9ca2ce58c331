//! A text message: one short line, how to answer it by a reply, and the link.

use domain::text::cut;

use crate::channel::{Message, text};
use crate::link;

/// The longest message: two parts in the plain alphabet, five in the large one. Twilio takes up to 1,600.
pub(super) const LONGEST: usize = 300;

/// The line, cut so that the code and the link are whole.
pub(super) fn short(message: &Message<'_>) -> String {
    let code = link::split(message.link).and_then(|(_, token)| link::reply_code(token));
    let answer = code.map(|code| format!(". Reply 4 {code} to acknowledge, 6 {code} to resolve.")).unwrap_or_default();
    let end = format!("{answer} {}", message.link);
    let room = LONGEST.saturating_sub(end.chars().count());
    // A sign that a text was cut is no text.
    let line = if room < 20 { String::new() } else { cut(&text::line(message), room) };
    format!("{line}{end}").trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;

    #[test]
    fn j14_a_text_is_short_and_its_code_and_link_are_whole() {
        let mut told = Told::new();
        told.incident.alert.title = "é".repeat(1000);
        let message = told.message();
        let sent = short(&message);
        let code = link::reply_code(message.link).expect("a code");
        assert!(sent.chars().count() <= LONGEST, "{sent}");
        assert!(sent.starts_with("[critical] checkout: é"), "{sent}");
        assert!(sent.contains(&format!("Reply 4 {code} to acknowledge, 6 {code} to resolve.")), "{sent}");
        assert!(sent.ends_with(message.link), "{sent}");
    }

    #[test]
    fn without_a_secret_for_links_nobody_is_asked_to_reply() {
        let told = Told::new();
        let message = Message { link: "https://wk.example.com", ..told.message() };
        assert_eq!(short(&message), "[critical] checkout: p99 latency over 2 s https://wk.example.com");
    }
}
