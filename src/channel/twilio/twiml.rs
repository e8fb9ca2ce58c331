//! What Twilio is told to say and to ask: `TwiML`. <https://www.twilio.com/docs/voice/twiml>

use domain::text::{cut, visible};
use maud::{Markup, PreEscaped, html};

use crate::channel::{Message, text};

/// The longest sentence that a voice reads: a minute of it is more than anybody hears.
const LONGEST: usize = 400;

/// A call: what happened, and which key does what. Without `action`, which takes the key, it is only said.
pub fn call(message: &Message<'_>, action: Option<&str>) -> String {
    let what = cut(&format!("Watchkeeper for {}. {}", visible(message.person), text::line(message)), LONGEST);
    said(&what, action)
}

/// Says `what`, and asks for a key if there is an `action` that takes it.
pub fn said(what: &str, action: Option<&str>) -> String {
    response(&html! {
        @if let Some(action) = action {
            Gather numDigits="1" timeout="8" method="POST" action=(action) {
                Say { (what) }
                Say { "Press 4 to acknowledge, 6 to resolve, 1 to hear it again." }
            }
            Say { "No key was pressed. Good bye." }
        } @else {
            Say { (what) }
        }
    })
}

/// The answer to a text message.
pub fn told(what: &str) -> String {
    response(&html! { Message { (what) } })
}

fn response(inner: &Markup) -> String {
    let response = html! { (PreEscaped(r#"<?xml version="1.0" encoding="UTF-8"?>"#)) Response { (inner) } };
    response.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;

    #[test]
    fn a_call_says_what_happened_and_asks_for_a_key() {
        let told = Told::new();
        insta::assert_snapshot!(call(&told.message(), Some("https://wk.example.com/v1/twilio/voice/x.y.z")));
    }

    #[test]
    fn a_title_is_said_and_never_obeyed() {
        let mut told = Told::new();
        told.incident.alert.title = "<Dial>+15550100</Dial> & \"x\"".to_owned();
        let call = call(&told.message(), None);
        assert!(!call.contains("<Dial>") && !call.contains("<Gather"), "{call}");
        assert!(call.contains("&lt;Dial&gt;+15550100&lt;/Dial&gt; &amp; &quot;x&quot;"), "{call}");
    }

    #[test]
    fn j14_a_call_ends() {
        let mut told = Told::new();
        told.incident.alert.title = "x".repeat(5000);
        assert!(call(&told.message(), None).len() < 600);
    }
}
