//! What Twilio tells and asks: replies to texts, keys pressed in calls, and what became of either.
//!
//! Everything is signed by Twilio with the account's token. A call and a status name their delivery by the token of its
//! link; a reply names it by a short code, which counts only from the number that the message went to, and only for an
//! incident that is open: a stale code is explained, and never applied to another alert (faults.md, I15).

use std::collections::BTreeSet;

use domain::cause::{Principal, Proof};
use domain::escalation::{Delivery, Fate, Outcome, contact_of};
use domain::incident::{Actor, Command, Event, Incident, IncidentId, Status};
use domain::policy::{Address, Policy};
use domain::text::{cut, visible};
use http::Method;
use jiff::Timestamp;

use super::{Responder, command_of, told};
use crate::api::Situation;
use crate::channel::twilio;
use crate::error::Error;
use crate::form::{self, Answer};
use crate::lambda::Http;
use crate::link::{self, Links};
use crate::reply::Reply;
use crate::secret::Secret;
use crate::store::look_again;

/// How many open incidents of each status a code is looked up in, the latest first.
const LOOKED_UP: u32 = 200;
/// The longest title that is said or written back, in characters.
const TITLE: usize = 120;

/// The fields of a signed request.
struct Form(Vec<(String, String)>);

impl Form {
    fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Responder {
    /// A request of Twilio's below `/v1/twilio/`.
    pub(super) async fn twilio(&self, request: &Http, about: &[&str], now: Timestamp) -> Result<Reply, Error> {
        let path = match about {
            ["sms"] => "sms".to_owned(),
            ["voice", token] => format!("voice/{}", link::canonical(token).unwrap_or_default()),
            ["status", token, attempt] => format!("status/{}/{attempt}", link::canonical(token).unwrap_or_default()),
            _ => return Ok(Reply::problem(Situation::NotFound, "Twilio is answered at sms, voice and status")),
        };
        if request.method != Method::POST {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use POST").with("allow", "POST"));
        }
        let active = self.policies.active(now).await?;
        let Some(account) = &active.policy.providers.twilio else {
            return Ok(Reply::problem(Situation::NotFound, "the policy has no Twilio account"));
        };
        let Some(form) = form::fields(&request.body) else {
            return Ok(Reply::problem(Situation::InvalidRequest, "that is no form"));
        };
        let url = format!("{}/v1/twilio/{path}", self.base_url.trim_end_matches('/'));
        let asked = if request.query.is_empty() { url.clone() } else { format!("{url}?{}", request.query) };
        let token = &account.auth_token;
        let signed = |secrets: &[Secret]| twilio::is_signed(&request.headers, &asked, &form, secrets);
        // A signature that fits nothing may be made with a token that is newer than our memory.
        if !signed(self.secrets.get(&[token], now).await?.get(token))
            && !signed(self.secrets.refetch(&[token], now).await?.get(token))
        {
            metrics::counter!("requests_unauthorized").increment(1);
            return Ok(Reply::problem(Situation::Unauthorized, "the signature is not valid"));
        }
        let form = Form(form);
        match about {
            ["voice", token] => {
                let links = self.links_of(token, now).await?;
                Box::pin(self.key(&links, token, &form, &url, now)).await
            }
            ["status", token, attempt] => {
                let links = self.links_of(token, now).await?;
                self.became(&links, token, attempt, &form, now).await
            }
            _ => Box::pin(self.reply(&self.newest_links(now).await?, &active.policy, &form, now)).await,
        }
    }

    /// A reply to a text: what it says is answered in the same way.
    async fn reply(&self, links: &Links, policy: &Policy, form: &Form, now: Timestamp) -> Result<Reply, Error> {
        let say = |text: &str| Ok(twiml(twilio::told(text)));
        let Some((answer, code)) = replied(form.field("Body")) else {
            return say("Reply 4 and the code of a message to acknowledge, 6 and the code to resolve, such as: 4 0712");
        };
        let from = Address::TwilioSms(form.field("From").to_owned());
        let mut meant = BTreeSet::new();
        for status in [Status::Triggered, Status::Acknowledged] {
            for incident in self.incidents.list(status, LOOKED_UP, None).await?.incidents {
                let sent = incident.paging.deliveries.iter().filter(|known| contact_of(policy, known) == Some(&from));
                let mut coded =
                    sent.filter(|known| links.reply_codes(&incident.id, &known.id).any(|known| known == code));
                if let Some(delivery) = coded.next() {
                    meant.insert((incident.id.clone(), delivery.id.clone()));
                }
            }
        }
        let mut meant = meant.into_iter();
        match (meant.next(), meant.next()) {
            (None, _) => say(&format!(
                "Nothing changed: no open alert sent to this number has the code {code}. It may be over already."
            )),
            (Some(_), Some(_)) => {
                say(&format!("Nothing changed: two open alerts have the code {code}. Use the link of the message."))
            }
            (Some((id, delivery)), None) => {
                let cause = format!("twilio/{}", form.field("MessageSid"));
                say(&self.answered(&id, &delivery, answer, &cause, now).await?)
            }
        }
    }

    /// A key pressed in a call.
    async fn key(&self, links: &Links, token: &str, form: &Form, url: &str, now: Timestamp) -> Result<Reply, Error> {
        let say = |text: &str, action| Ok(twiml(twilio::said(text, action)));
        let Some((id, delivery)) = links.parse(token) else {
            return say("Nothing changed: this call is about nothing that is known.", None);
        };
        let answer = match form.field("Digits") {
            "4" => Answer::Acknowledge,
            "6" => Answer::Resolve,
            "1" => return say(&title(&self.incidents.get(&id).await?), Some(url)),
            _ => return say("That key means nothing.", Some(url)),
        };
        let cause = format!("twilio/{}/{}", form.field("CallSid"), answer.as_str());
        say(&self.answered(&id, &delivery, answer, &cause, now).await?, None)
    }

    /// Applies an answer, and says in a sentence what came of it.
    async fn answered(
        &self,
        id: &IncidentId,
        delivery: &str,
        answer: Answer,
        cause: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let incident = self.incidents.get(id).await?;
        let by = Principal { actor: Actor::link_holder(told(&incident, delivery)), proof: Proof::TwilioSignature };
        let command: Command = command_of(answer, by.actor.clone(), now);
        let done = match answer {
            Answer::Acknowledge => "Acknowledged",
            Answer::Snooze => "Snoozed",
            Answer::Unacknowledge => "Given back",
            Answer::Resolve => "Resolved",
        };
        match Box::pin(self.command(id, &command, &by.cause(cause), now)).await {
            Ok(incident) => Ok(format!("{done}: {}", title(&incident))),
            Err(Error::Refused(refusal)) => Ok(format!("Nothing changed: {refusal}. It was: {}", title(&incident))),
            Err(error) => Err(error),
        }
    }

    /// What became of a message or call. What failed after all is followed by the next contact at once.
    async fn became(
        &self,
        links: &Links,
        token: &str,
        attempt: &str,
        form: &Form,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let Some((id, delivery)) = links.parse(token) else {
            return Ok(Reply::problem(Situation::NotFound, "that is no delivery of ours"));
        };
        let (Some(outcome), Ok(attempt)) = (outcome(form), attempt.parse::<u32>()) else {
            return Ok(Reply::empty(204));
        };
        let sid = if form.field("MessageSid").is_empty() { form.field("CallSid") } else { form.field("MessageSid") };
        let by = Principal { actor: Actor::provider("twilio"), proof: Proof::TwilioSignature };
        let cause = by.cause(format!("twilio/{sid}/{}", status(form)));
        // News of an attempt that another one followed says nothing about the delivery.
        let is_news = |known: &Delivery| {
            let open = matches!(known.fate, Fate::Sending { .. } | Fate::Accepted { delivered_at: None, .. });
            known.id == delivery && known.attempts == attempt && open
        };
        let decide = |incident: &Incident| {
            let news = incident.paging.deliveries.iter().any(is_news);
            let outcomes = vec![(delivery.clone(), outcome.clone())];
            Ok(if news { vec![Event::Sent { outcomes }] } else { Vec::new() })
        };
        let incident = self.incidents.append(&id, &cause, now, decide).await?;
        if incident.status == Status::Triggered && matches!(outcome, Outcome::Undelivered { .. }) {
            let (name, input) = look_again(&incident, &cause.request);
            self.machine.start(&name, &input).await?;
        }
        Ok(Reply::empty(204))
    }
}

/// What Twilio says of a message or a call, in its own word.
fn status(form: &Form) -> &str {
    if form.field("MessageStatus").is_empty() { form.field("CallStatus") } else { form.field("MessageStatus") }
}

/// What that word means for the delivery; `None` while it is on its way.
/// <https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>
fn outcome(form: &Form) -> Option<Outcome> {
    match status(form) {
        "delivered" | "completed" => Some(Outcome::Delivered),
        word @ ("undelivered" | "failed" | "busy" | "no-answer" | "canceled") => {
            let code = form.field("ErrorCode").parse::<u32>().map(|code| format!(", error {code}"));
            Some(Outcome::Undelivered { reason: format!("Twilio says {word}{}", code.unwrap_or_default()) })
        }
        _ => None,
    }
}

/// The answer and the code in a reply such as `4 0712`.
fn replied(body: &str) -> Option<(Answer, String)> {
    let digits: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let (key, code) = digits.split_at_checked(1)?;
    let answer = match key {
        "4" => Answer::Acknowledge,
        "6" => Answer::Resolve,
        _ => return None,
    };
    (code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit())).then(|| (answer, code.to_owned()))
}

fn title(incident: &Incident) -> String {
    let title = if incident.alert.title.is_empty() { &incident.key } else { &incident.alert.title };
    cut(&visible(title), TITLE)
}

fn twiml(body: String) -> Reply {
    Reply { content_type: "text/xml; charset=utf-8", body, ..Reply::empty(200) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_a_key_and_a_code_and_nothing_else() {
        let table = [
            ("4 0712", Some((Answer::Acknowledge, "0712"))),
            (" 6 0712\n", Some((Answer::Resolve, "0712"))),
            ("40712", Some((Answer::Acknowledge, "0712"))),
            ("4", None),
            ("5 0712", None),
            ("4 071", None),
            ("4 07121", None),
            ("4 07 1२", None),
            ("é 0712", None),
            ("ok", None),
            ("", None),
        ];
        for (body, expected) in table {
            let expected = expected.map(|(answer, code)| (answer, code.to_owned()));
            assert_eq!(replied(body), expected, "{body}");
        }
    }

    #[test]
    fn j04_only_an_end_is_news() {
        let of = |pairs: &[(&str, &str)]| {
            outcome(&Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()))
        };
        for word in ["queued", "sending", "sent", "accepted", "scheduled", ""] {
            assert_eq!(of(&[("MessageStatus", word)]), None, "{word}");
        }
        for word in ["initiated", "ringing", "in-progress"] {
            assert_eq!(of(&[("CallStatus", word)]), None, "{word}");
        }
        assert_eq!(of(&[("MessageStatus", "delivered")]), Some(Outcome::Delivered));
        assert_eq!(of(&[("CallStatus", "completed")]), Some(Outcome::Delivered));
        let failed = |reason: &str| Some(Outcome::Undelivered { reason: reason.to_owned() });
        assert_eq!(
            of(&[("MessageStatus", "undelivered"), ("ErrorCode", "30003")]),
            failed("Twilio says undelivered, error 30003")
        );
        assert_eq!(of(&[("CallStatus", "no-answer"), ("ErrorCode", "<x>")]), failed("Twilio says no-answer"));
    }
}
