//! E-mail by SES: text and HTML.
//!
//! Throttling and quotas fail; a rejected message, an unverified sender and a suspended account reject, as waiting
//! changes none of them. A text of a sender reaches neither a header nor markup: line breaks are taken out, and maud escapes.

use domain::escalation::Outcome;
use domain::text::visible;
use http::Method;
use maud::{DOCTYPE, html};
use serde_json::{Value, json};

use super::{Channel, Message, Notice, aws, rejected, text};
use crate::signed::Signed;

/// An e-mail address.
pub(super) struct Email<'a> {
    pub(super) ses: &'a Signed,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
}

impl Channel for Email<'_> {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        let body = json!({ "Text": data(&plain(message)), "Html": data(&markup(message)) });
        self.mail(&subject(message), &body).await
    }

    async fn notify(&self, notice: &Notice<'_>) -> Outcome {
        let text = format!("{},\n\n{}\n", visible(notice.person), notice.text);
        self.mail(notice.subject, &json!({ "Text": data(&text) })).await
    }
}

impl Email<'_> {
    async fn mail(&self, subject: &str, body: &Value) -> Outcome {
        if !self.to.contains('@') || self.to.contains(|c: char| c.is_control() || c == ',') {
            return rejected("that is no e-mail address");
        }
        let mail = json!({
            "FromEmailAddress": self.from,
            "Destination": { "ToAddresses": [self.to] },
            "Content": { "Simple": { "Subject": data(subject), "Body": body } },
        });
        let headers = [("content-type", "application/json")];
        let mail = mail.to_string().into();
        aws::outcome(self.ses.ask(&Method::POST, "/v2/email/outbound-emails", &headers, &mail)).await
    }
}

/// A text as SES takes it.
fn data(text: &str) -> Value {
    json!({ "Data": text, "Charset": "UTF-8" })
}

fn subject(message: &Message<'_>) -> String {
    text::headline(message.incident)
}

/// The facts below the headline, each with its name.
fn facts(message: &Message<'_>) -> Vec<(&'static str, String)> {
    let Message { incident, delivery, .. } = message;
    let mut facts = vec![("Severity", text::severity(incident))];
    facts.extend(text::service(incident).map(|service| ("Service", service)));
    facts.push(("Occurrences", incident.occurrences.to_string()));
    facts.extend(incident.opened_at.map(|at| ("Opened", text::clock(at))));
    facts.push(("Step", delivery.step.to_string()));
    facts.push(("Incident", incident.id.to_string()));
    facts
}

fn plain(message: &Message<'_>) -> String {
    let facts: Vec<String> = facts(message).iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let (line, person) = (text::line(message), visible(message.person));
    format!("{person},\n\n{line}\n\nSee it and answer: {}\n\n{}\n", message.link, facts.join("\n"))
}

fn markup(message: &Message<'_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (subject(message)) }
            }
            body style="font-family:sans-serif;line-height:1.5" {
                p { (visible(message.person)) "," }
                p { strong { (text::line(message)) } }
                p { a href=(message.link) { "See it and answer" } }
                table {
                    @for (name, value) in facts(message) {
                        tr { th align="left" { (name) } td { (value) } }
                    }
                }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::Told;

    #[test]
    fn the_subject_is_one_line_and_says_how_bad_it_is_first() {
        let mut told = Told::new();
        assert_eq!(subject(&told.message()), "[critical] checkout: p99 latency over 2 s");
        told.incident.alert.title = "x\r\nBcc: all@example.com".to_owned();
        assert_eq!(subject(&told.message()), "[critical] checkout: x\\u{d} Bcc: all@example.com");
    }

    #[test]
    fn b15_a_title_is_text_and_never_markup() {
        let mut told = Told::new();
        told.incident.alert.title = "<img src=x onerror=alert(1)> & \"q\"".to_owned();
        let markup = markup(&told.message());
        assert!(!markup.contains("<img"), "{markup}");
        assert!(markup.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;q&quot;"), "{markup}");
    }

    #[test]
    fn text_and_markup_both_lead_to_the_answer() {
        let told = Told::new();
        let message = told.message();
        assert!(plain(&message).contains(message.link));
        assert!(markup(&message).contains(&format!("href=\"{}\"", message.link)));
    }
}
