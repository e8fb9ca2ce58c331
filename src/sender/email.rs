//! E-mail, for whatever can send nothing else: SES receives it, and SNS brings it.
//!
//! The address is the proof: what stands before its `@` is the secret of the integration, in any case, as mail servers
//! are free to change that. SES says whether the mail is of the domain that it says it is of. An integration hears what
//! passed DMARC where the domain has it, SPF or DKIM in any case, and is neither spam nor a virus.
//!
//! The problem is the subject, without the marks that stand before it: those of a reply or of a forwarded mail, and the
//! word that says whether it begins or ends, in brackets or before a colon. `[FIRING:1] Disk full`, `RESOLVED: Disk full`
//! and `Re: Disk full` are one. Where any of them ends it, it ends; every other mail says that it is there. A tool that
//! says so in another place tells no end, and the integration's `auto_close` does.
//!
//! `X-Priority`, or else `Importance`, says how bad it is. `Message-ID` names the mail, so that a copy says nothing new.
//! Who wrote it is not kept, but for the domain.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::cause::Proof;
use domain::policy::{Kind, Policy, SecretRef};
use domain::signal::{Action, Alert, Severity, Signal, event_time};
use jiff::Timestamp;
use mail_parser::{Message, MessageParser};
use serde::Deserialize;
use serde_json::{Value, json};

use super::aws::NoSignal;
use super::bounds::{self, Labels};
use super::proof::{REMEMBERED, SKEW};
use super::{Secrets, name_of, of_kind, token};
use crate::secret::Secret;

/// The subject without its marks.
const RULE: &str = "email/1 ";

/// What a mail without a subject is called.
const NAMELESS: &str = "A mail without a subject";
/// The most addresses that are looked at; SES takes no more of one mail.
const RECIPIENTS: usize = 100;
/// What stands in the place of a secret address.
const HIDDEN: &str = "…@";

/// What stands before the colon of a reply or of a forwarded mail, in English, German, French and Scandinavian.
const ANSWERS: [&str; 8] = ["re", "fw", "fwd", "aw", "wg", "tr", "sv", "vs"];
/// The words that say that a problem is there.
const BEGINS: [&str; 9] =
    ["alert", "alerting", "alarm", "firing", "triggered", "problem", "down", "critical", "warning"];
/// The words that say that it is over.
const ENDS: [&str; 6] = ["ok", "resolved", "recovered", "recovery", "up", "cleared"];

/// Why nothing comes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// SES found a virus in it.
    #[error("SES found a virus in it")]
    Virus,
    /// SES takes it for spam.
    #[error("SES takes it for spam")]
    Spam,
    /// It is not of the domain that it says it is of, by the domain's own word.
    #[error("it is not of the domain that it says it is of: DMARC failed")]
    Dmarc,
    /// Nothing says of which domain it is.
    #[error("nothing proves of which domain it is: neither SPF nor DKIM passed")]
    Unproven,
    /// It was sent to an address that is no integration's.
    #[error("it was sent to an address that is no integration's")]
    Token,
    /// An integration has no secret, so nobody knows whether the address is its own.
    #[error("an integration of kind email has no secret: its parameter does not exist, or is empty")]
    Misconfigured,
}

impl Unheard {
    /// The word for it, as a dimension of a metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Virus => "virus",
            Self::Spam => "spam",
            Self::Dmarc => "dmarc",
            Self::Unproven => "unproven",
            Self::Token => "token",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// A mail, with what SES found out about it.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    #[serde(rename = "mail")]
    envelope: Envelope,
    receipt: Receipt,
    /// The mail as it came; absent when it was larger than SNS takes.
    #[serde(default)]
    content: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    message_id: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    common_headers: Headers,
}

/// The headers that SES tells beside the mail.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Headers {
    subject: Option<String>,
    message_id: Option<String>,
    from: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    recipients: Vec<String>,
    spam_verdict: Verdict,
    virus_verdict: Verdict,
    spf_verdict: Verdict,
    dkim_verdict: Verdict,
    /// Absent from a domain that has no such policy.
    dmarc_verdict: Option<Verdict>,
    #[serde(default)]
    action: Delivery,
}

#[derive(Debug, Clone, Deserialize)]
struct Verdict {
    status: String,
}

impl Verdict {
    fn is(&self, status: &str) -> bool {
        self.status.eq_ignore_ascii_case(status)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Delivery {
    encoding: String,
}

/// The mails that the function was called with; `None` when it was called with something else.
pub fn mails(event: &Value) -> Option<Result<Vec<Mail>, NoSignal>> {
    let text = |record: &Value| Some(record.pointer("/Sns/Message")?.as_str()?.to_owned());
    let of_ses = |text: String| {
        let told = serde_json::from_str::<Value>(&text).ok()?;
        told.get("notificationType").is_some().then_some(told)
    };
    let records = event.get("Records")?.as_array()?.iter();
    let told: Vec<Value> = records.map(|record| text(record).and_then(of_ses)).collect::<Option<_>>()?;
    // SES says to a new topic that it is one.
    let received: Vec<Value> = told.into_iter().filter(|told| told["notificationType"] == "Received").collect();
    if received.is_empty() {
        return Some(Err(NoSignal::Silent("SES tells of no mail")));
    }
    let read = |told| {
        serde_path_to_error::deserialize(told).map_err(|error| NoSignal::Malformed(format!("Message.{}", error.path())))
    };
    Some(received.into_iter().map(read).collect())
}

/// Which secrets [`Mail::signals`] will ask for.
pub fn secrets_needed(policy: &Policy) -> Vec<&SecretRef> {
    of_kind(policy, Kind::Email).filter_map(|(_, integration)| integration.secret.as_ref()).collect()
}

impl Mail {
    /// What SES calls it; nothing of it is the sender's.
    pub fn id(&self) -> &str {
        &self.envelope.message_id
    }

    /// Its signals: one for each integration that it was sent to. The address is looked at first: only who knows one of
    /// ours hears, or has others hear, of anything else.
    pub fn signals(
        &self,
        policy: &Policy,
        secrets: &Secrets<'_>,
        received_at: Timestamp,
    ) -> Result<Vec<Signal>, Unheard> {
        let owners = self.owners(policy, secrets)?;
        self.trusted()?;
        Ok(owners.into_iter().map(|integration| self.signal(integration, received_at)).collect())
    }

    /// Whether SES finds nothing wrong with it.
    pub fn trusted(&self) -> Result<(), Unheard> {
        let Receipt { spam_verdict, virus_verdict, spf_verdict, dkim_verdict, dmarc_verdict, .. } = &self.receipt;
        match () {
            () if virus_verdict.is("FAIL") => Err(Unheard::Virus),
            () if spam_verdict.is("FAIL") => Err(Unheard::Spam),
            () if dmarc_verdict.as_ref().is_some_and(|verdict| verdict.is("FAIL")) => Err(Unheard::Dmarc),
            () if !spf_verdict.is("PASS") && !dkim_verdict.is("PASS") => Err(Unheard::Unproven),
            () => Ok(()),
        }
    }

    /// The integrations whose secret is in an address of the mail. All are asked, so that the time tells nothing.
    fn owners<'p>(&self, policy: &'p Policy, secrets: &Secrets<'_>) -> Result<Vec<&'p str>, Unheard> {
        let tokens: Vec<String> = self.tokens().collect();
        let (mut owners, mut misconfigured) = (Vec::new(), false);
        for (name, integration) in of_kind(policy, Kind::Email) {
            let secrets = integration.secret.as_ref().map_or(&[][..], secrets);
            misconfigured |= secrets.is_empty();
            let lower = |secret: &Secret| Secret::new(&secret.expose().to_ascii_lowercase());
            let secrets: Vec<Secret> = secrets.iter().map(lower).collect();
            if tokens.iter().fold(false, |found, presented| found | token::is_one_of(&secrets, presented)) {
                owners.push(name);
            }
        }
        match owners.is_empty() {
            false => Ok(owners),
            true if misconfigured => Err(Unheard::Misconfigured),
            true => Err(Unheard::Token),
        }
    }

    /// What stands before the `@` of the addresses that it was sent to, in lower case.
    fn tokens(&self) -> impl Iterator<Item = String> {
        let local = |address: &String| address.rsplit_once('@').map(|(local, _)| local.to_ascii_lowercase());
        self.receipt.recipients.iter().take(RECIPIENTS).filter_map(local)
    }

    /// What it says to `integration`, whoever sent it.
    pub fn signal(&self, integration: &str, received_at: Timestamp) -> Signal {
        let raw = self.raw();
        let message = MessageParser::default().parse(&raw);
        let message = message.as_ref();
        let headers = &self.envelope.common_headers;
        let subject = message.and_then(Message::subject).or(headers.subject.as_deref()).unwrap_or_default();
        let subject = self.without_address(&subject.split_whitespace().collect::<Vec<_>>().join(" "));
        let (action, key) = problem(&subject);
        let name = message.and_then(Message::message_id).or(headers.message_id.as_deref()).unwrap_or(self.id());
        let name = name.trim_start_matches('<').trim_end_matches('>');
        // As its sender states it: mail servers keep mails for a while, and not in their order.
        let sent_at = message.and_then(Message::date).filter(|date| date.is_valid());
        let sent_at = sent_at.and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
        let first_sent = sent_at.map_or(received_at - REMEMBERED, |at| at.min(received_at));
        Signal {
            id: name_of(&[integration, name]),
            integration: integration.to_owned(),
            proof: Proof::SenderToken,
            action,
            fingerprint: bounds::fingerprint(integration, &format!("{RULE}{key}")),
            key: bounds::field(key),
            at: event_time(sent_at.or_else(|| bounds::time(&self.envelope.timestamp)), received_at),
            received_at,
            unique_since: first_sent.checked_sub(SKEW).unwrap_or(Timestamp::MIN),
            alert: self.alert(&subject, message),
        }
    }

    fn alert(&self, subject: &str, message: Option<&Message<'_>>) -> Alert {
        let from = message.and_then(Message::from).and_then(|from| from.first()).and_then(|from| from.address());
        let from = from.or(self.envelope.common_headers.from.first().map(String::as_str));
        let from = from.and_then(|from| from.rsplit_once('@')).map(|(_, domain)| domain.trim_end_matches('>'));
        let mut labels = Labels::default();
        labels.add_some("from_domain", from);
        let text = message.and_then(|message| message.body_text(0)).unwrap_or_default();
        let text = self.without_address(&text.trim().replace("\r\n", "\n"));
        let details = if text.is_empty() { String::new() } else { json!({ "text": text }).to_string() };
        Alert {
            title: bounds::title(if subject.is_empty() { NAMELESS } else { subject }),
            severity: message.map(severity).unwrap_or_default(),
            source: bounds::field(from.unwrap_or("e-mail")),
            labels: labels.done(),
            details: bounds::details(&details),
            ..Alert::default()
        }
    }

    /// The mail's bytes.
    fn raw(&self) -> Vec<u8> {
        let decoded = || {
            let text: Vec<u8> = self.content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            BASE64.decode(text).ok()
        };
        let is_encoded = self.receipt.action.encoding.eq_ignore_ascii_case("base64");
        is_encoded.then(decoded).flatten().unwrap_or_else(|| self.content.clone().into_bytes())
    }

    /// `text` without the addresses that the mail was sent to, which a reply quotes: whoever may read an incident need
    /// not be able to send one.
    fn without_address(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for address in self.tokens().filter(|token| !token.is_empty()).map(|token| format!("{token}@")) {
            let (mut kept, mut end) = (String::new(), 0);
            for (at, _) in text.to_ascii_lowercase().match_indices(&address) {
                kept.push_str(&text[end..at]);
                kept.push_str(HIDDEN);
                end = at + address.len();
            }
            kept.push_str(&text[end..]);
            text = kept;
        }
        text
    }
}

/// How bad its sender says it is: from 1 to 5, or as a word.
fn severity(message: &Message<'_>) -> Severity {
    let header = |name: &str| message.header_raw(name).map(|text| text.trim().to_ascii_lowercase());
    let priority = header("X-Priority").and_then(|text| text.chars().next());
    match (priority, header("Importance").as_deref()) {
        (Some('1'), _) | (None, Some("high")) => Severity::Critical,
        (Some('2'), _) => Severity::Error,
        (Some('4'), _) => Severity::Warning,
        (Some('5'), _) | (None, Some("low")) => Severity::Info,
        _ => Severity::default(),
    }
}

/// What a subject says, and of which problem.
fn problem(subject: &str) -> (Action, &str) {
    let (mut action, mut rest) = (Action::Trigger, subject);
    while let Some((ends, after)) = mark(rest) {
        if ends {
            action = Action::Resolve;
        }
        rest = after;
    }
    (action, if rest.is_empty() { NAMELESS } else { rest })
}

/// Whether the mark before `subject` says that the problem is over, and what follows the mark; `None` without one.
fn mark(subject: &str) -> Option<(bool, &str)> {
    let in_brackets = subject.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (mark, after) = in_brackets.or_else(|| subject.split_once(':'))?;
    let mark = mark.trim();
    let (word, more) = mark.split_at(mark.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(mark.len()));
    let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // `[FIRING:2]`, `Re[2]:` and Zabbix's `Resolved in 5m 12s:`.
    let counted = |more: &str| more.strip_prefix(':').is_some_and(is_number);
    let again = |more: &str| more.strip_prefix('[').and_then(|more| more.strip_suffix(']')).is_some_and(is_number);
    let lasted =
        |more: &str| more.strip_prefix(" in ").is_some_and(|more| more.starts_with(|c: char| c.is_ascii_digit()));
    let ends = match more {
        _ if in_brackets.is_none() && is_one_of(&ANSWERS) && (more.is_empty() || again(more)) => false,
        _ if is_one_of(&BEGINS) && (more.is_empty() || counted(more)) => false,
        _ if is_one_of(&ENDS) && (more.is_empty() || counted(more) || lasted(more)) => true,
        _ => return None,
    };
    Some((ends, after.trim_start()))
}

#[cfg(test)]
mod tests;
