//! The mail in a notification of SES in a notification of SNS: a text in a text.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;
use watchkeeper::secret::Secret;

/// Where the notification of SES is.
const MESSAGE: &str = "/Records/0/Sns/Message";

/// Does `change` to what SES tells; nothing to an event that is of somebody else.
pub(super) fn rewrite(event: &mut Value, change: impl FnOnce(&mut Value)) {
    let Some(text) = event.pointer_mut(MESSAGE) else { return };
    let Some(mut told) = text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return };
    change(&mut told);
    *text = told.to_string().into();
}

/// Makes a mail one that was written `now` and has this name.
pub(super) fn freshen(told: &mut Value, now: Timestamp, name: &str) {
    let date = rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    let name = format!("<{name}@watchkeeper.invalid>");
    let line = |line: &str| match line.split_once(": ") {
        Some(("Date", _)) => format!("Date: {date}"),
        Some(("Message-ID", _)) => format!("Message-ID: {name}"),
        _ => line.to_owned(),
    };
    let content = told["content"].as_str().unwrap_or_default();
    let content: Vec<String> = content.split("\r\n").map(line).collect();
    told["content"] = content.join("\r\n").into();
    told["mail"]["timestamp"] = now.to_string().into();
    let headers = &mut told["mail"]["commonHeaders"];
    headers["date"] = date.into();
    headers["messageId"] = name.into();
}

/// Sends the mail in `body` to the address that `key` is in.
pub(super) fn address(body: &mut Vec<u8>, key: Option<&Secret>) {
    let (Some(key), Ok(mut event)) = (key, serde_json::from_slice::<Value>(body)) else { return };
    rewrite(&mut event, |told| {
        let addresses = told["receipt"]["recipients"].as_array_mut();
        for address in addresses.into_iter().flatten() {
            let domain = address.as_str().and_then(|address| address.rsplit_once('@')).map_or("", |(_, domain)| domain);
            *address = format!("{}@{domain}", key.expose()).into();
        }
    });
    *body = event.to_string().into_bytes();
}

#[cfg(test)]
mod tests {
    use watchkeeper::sender::email;

    use super::*;
    use crate::args::Sender;

    #[test]
    fn a_sample_is_a_new_mail_to_the_address_of_the_key() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let signal = |name| {
            let mut body = Sender::Email.fresh_sample(false, now, name);
            address(&mut body, Some(&Secret::new("0123456789abcdef")));
            assert!(String::from_utf8_lossy(&body).contains("0123456789abcdef@alerts.example.com"));
            let event = serde_json::from_slice(&body).unwrap();
            email::mails(&event).unwrap().unwrap().remove(0).signal("email", now)
        };
        let (one, other) = (signal("one"), signal("other"));
        assert_eq!(one.at, now);
        assert_ne!(one.id, other.id);
        assert_eq!(one.fingerprint, other.fingerprint);
    }
}
