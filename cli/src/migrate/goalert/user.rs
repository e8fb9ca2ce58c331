//! Users: their contact methods, and the rules by which they are told.

use domain::policy::Address;
use jiff::SignedDuration;
use serde::Deserialize;

use super::Place;
use crate::migrate::contact::{Way, contacts, email, phone, slack};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    contact_methods: Vec<Method>,
    #[serde(default)]
    notification_rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Method {
    id: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    dest: Option<Place>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    delay_minutes: i64,
    #[serde(rename = "contactMethodID")]
    contact_method_id: String,
}

/// Adds everybody.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    for user in dump.take::<User>("users", draft) {
        let (mut ways, mut differs, mut account) = (Vec::new(), Vec::new(), None);
        for rule in &user.notification_rules {
            let method = user.contact_methods.iter().find(|method| method.id == rule.contact_method_id);
            let Some(method) = method.filter(|method| !method.disabled) else {
                differs.push("a contact method of theirs is disabled or not in the export".to_owned());
                continue;
            };
            match address(method) {
                Ok(address) => {
                    if let Address::Slack(id) = &address {
                        account = Some(id.clone());
                    }
                    ways.push(Way { address, delay: SignedDuration::from_mins(rule.delay_minutes) });
                }
                Err(why) => differs.push(why),
            }
        }
        if ways.is_empty()
            && let Some(address) = email(&user.email)
        {
            ways.push(Way { address, delay: SignedDuration::ZERO });
            differs.push("no rule of theirs could be imported, so they are told by e-mail".to_owned());
        }
        let (told, more) = contacts(ways);
        differs.extend(more);
        if told.is_empty() {
            draft.left_out("user", &user.name, "nothing is known by which they can be told");
            continue;
        }
        let called = if user.email.is_empty() { &user.name } else { &user.email };
        let name = draft.name(Section::People, &user.id, called);
        draft.person(&name, &user.name, account, told);
        differs.sort();
        differs.dedup();
        draft.partly("user", &user.name, format!("people.{name}"), &differs);
    }
}

fn address(method: &Method) -> Result<Address, String> {
    let arg = |key: &str| method.dest.as_ref().and_then(|dest| dest.args.get(key)).map(String::as_str);
    let kind = method.dest.as_ref().map_or(method.kind.as_deref().unwrap_or_default(), |dest| dest.kind.as_str());
    let value = |key: &str| arg(key).or(method.value.as_deref()).unwrap_or_default();
    let number = || phone(value("phone_number")).ok_or_else(|| "a phone number of theirs is not one".to_owned());
    match kind {
        "SMS" | "builtin-twilio-sms" => number().map(Address::Sms),
        "VOICE" | "builtin-twilio-voice" => number().map(Address::Voice),
        "EMAIL" | "builtin-smtp-email" => {
            email(value("email_address")).ok_or_else(|| "an e-mail address of theirs is not one".to_owned())
        }
        "SLACK_DM" | "builtin-slack-dm" => {
            let id = slack(value("slack_user_id"));
            id.map(Address::Slack).ok_or_else(|| "a Slack id of theirs is not one".to_owned())
        }
        other => Err(format!("a contact by `{other}` is left out, as its address may be a secret")),
    }
}
