//! Text messages by SNS: one short line, and the link.
//!
//! Throttling and internal errors fail; a number that opted out or is none rejects.

use domain::escalation::Outcome;
use domain::text::cut;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Channel, Message, Notice, aws, rejected, text};
use crate::signed::Signed;

/// The longest message: two parts in the plain alphabet, five in the large one.
const LONGEST: usize = 300;

/// A phone number.
pub(super) struct Sms<'a> {
    pub(super) sns: &'a Signed,
    pub(super) to: &'a str,
}

impl Channel for Sms<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        self.text(&short(message)).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        self.text(&cut(notice.text, LONGEST)).await
    }
}

impl Sms<'_> {
    async fn text(&self, text: &str) -> Outcome {
        if !is_e164(self.to) {
            return rejected("that is no phone number in E.164");
        }
        let form = [
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("PhoneNumber", self.to),
            ("Message", text),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
        ];
        let pairs = form.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        aws::outcome(self.sns.ask(&Method::POST, "/", &headers, &pairs.join("&").into())).await
    }
}

/// The line, cut so that the link is whole.
fn short(message: &Message<'_>) -> String {
    let room = LONGEST.saturating_sub(message.link.chars().count() + 1);
    // A sign that a text was cut is no text.
    let line = if room < 20 { String::new() } else { cut(&text::line(message), room) };
    format!("{line} {}", message.link).trim_start().to_owned()
}

/// Whether `number` is `+` and 7 to 15 digits.
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;

    #[test]
    fn a_message_is_short_and_its_link_is_whole() {
        let mut told = Told::new();
        told.incident.alert.title = "é".repeat(1000);
        let message = told.message();
        let sent = short(&message);
        assert!(sent.chars().count() <= LONGEST, "{sent}");
        assert!(sent.starts_with("[critical] checkout: é") && sent.ends_with(message.link), "{sent}");
    }

    #[test]
    fn a_link_too_long_for_a_message_is_sent_alone() {
        let told = Told::new();
        let link = format!("https://wk.example.com/l/{}", "x".repeat(300));
        let message = Message { link: &link, ..told.message() };
        assert_eq!(short(&message), link);
    }

    #[test]
    fn only_a_number_in_e164_is_a_number() {
        for (number, is) in [
            ("+15550100", true),
            ("+491701234567", true),
            ("15550100", false),
            ("+05550100", false),
            ("+1 555 0100", false),
            ("+1555010", true),
            ("+155501", false),
            ("+1234567890123456", false),
            ("+1555010٣", false),
            ("", false),
        ] {
            assert_eq!(is_e164(number), is, "{number}");
        }
    }
}
