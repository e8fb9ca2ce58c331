//! What of a letter is shown: nothing that whoever reads it could use.
//!
//! The address that a mail was sent to is the secret of its integration, and what a mail says is for those whom the policy
//! names. SNS puts an address into each notification that ends its subscription for whoever visits it.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::Letter;

/// What stands in the place of what is not shown.
const HIDDEN: &str = "…";
/// Where SNS says how to end a subscription, or how to take one.
const SUBSCRIPTION: [&str; 5] = ["UnsubscribeUrl", "UnsubscribeURL", "SubscribeUrl", "SubscribeURL", "Token"];
/// What SES finds out about a mail.
const VERDICTS: [&str; 5] = ["virusVerdict", "spamVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict"];

impl Letter {
    /// Its text without secrets. Of a mail it is which one it was, and what SES found out about it.
    pub fn shown(&self) -> Cow<'_, str> {
        without_secrets(&self.body).map_or(Cow::Borrowed(&self.body), Cow::Owned)
    }
}

/// `text` without what is not shown; `None` where all of it may be.
fn without_secrets(text: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok().filter(|value: &Value| value.is_object())?;
    hide(&mut value).then(|| value.to_string())
}

/// Takes away what is not shown, however deep it is and in whatever text, and says whether there was anything.
fn hide(value: &mut Value) -> bool {
    if let Some(mail) = mail(value) {
        *value = mail;
        return true;
    }
    match value {
        Value::Object(fields) => fields.iter_mut().fold(false, |hidden, (name, value)| {
            if SUBSCRIPTION.contains(&name.as_str()) {
                *value = HIDDEN.into();
                return true;
            }
            hide(value) | hidden
        }),
        Value::Array(items) => items.iter_mut().fold(false, |hidden, item| hide(item) | hidden),
        Value::String(text) => without_secrets(text).is_some_and(|safe| {
            *text = safe;
            true
        }),
        _ => false,
    }
}

/// What is shown of a mail, where `told` is what SES tells of one.
fn mail(told: &Value) -> Option<Value> {
    let is_mail =
        told.get("notificationType").is_some() || (told.get("mail").is_some() && told.get("receipt").is_some());
    let verdict = |name: &str| Some((name.to_owned(), told["receipt"][name]["status"].as_str()?.into()));
    is_mail.then(|| {
        json!({
            "notificationType": told["notificationType"].as_str(),
            "mail": { "messageId": told["mail"]["messageId"].as_str(), "timestamp": told["mail"]["timestamp"].as_str() },
            "receipt": VERDICTS.into_iter().filter_map(verdict).collect::<Map<_, _>>(),
        })
    })
}
