//! Users: their contacts, and the rules by which a new alert tells them.

use std::collections::HashMap;

use domain::policy::Address;
use jiff::SignedDuration;
use serde::Deserialize;

use super::Delay;
use crate::migrate::contact::{Way, contacts, email, phone};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    username: String,
    #[serde(default)]
    full_name: String,
    #[serde(default)]
    blocked: bool,
    #[serde(default, rename = "userContacts")]
    contacts: Vec<Method>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    #[serde(rename = "contactMethod", alias = "method")]
    by: String,
    to: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Debug, Clone, Deserialize)]
struct Status {
    #[serde(default)]
    enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationRule {
    #[serde(default)]
    name: String,
    action_type: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    criteria: Option<Criteria>,
    #[serde(default)]
    time_restriction: Option<serde_json::Value>,
    #[serde(default)]
    steps: Vec<RuleStep>,
}

#[derive(Debug, Deserialize)]
struct Criteria {
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleStep {
    contact: Method,
    #[serde(default)]
    send_after: Option<Delay>,
    #[serde(default)]
    enabled: Option<bool>,
}

/// Adds everybody.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) {
    let users: Vec<User> = dump.take("users", draft);
    let mut methods: HashMap<String, Vec<Method>> = HashMap::new();
    for (of, method) in dump.take_of::<Method>("contacts", draft) {
        methods.entry(of).or_default().push(method);
    }
    let mut rules: HashMap<String, Vec<NotificationRule>> = HashMap::new();
    for (of, rule) in dump.take_of::<NotificationRule>("notification_rules", draft) {
        rules.entry(of).or_default().push(rule);
    }
    for user in users {
        if user.blocked {
            draft.left_out("user", &user.username, "they are blocked");
            continue;
        }
        let mut differs = Vec::new();
        let own = [&user.id, &user.username].into_iter().find_map(|id| rules.remove(id)).unwrap_or_default();
        let mut ways = ways(&own, &mut differs);
        if ways.is_empty() {
            let more = [&user.id, &user.username].into_iter().find_map(|id| methods.remove(id)).unwrap_or_default();
            let all = user.contacts.iter().chain(&more);
            let on = all.filter(|method| method.is_on());
            ways = on.filter_map(|method| way(method, SignedDuration::ZERO, &mut differs)).collect();
            if !ways.is_empty() {
                differs.push(
                    "no notification rule of theirs was found, so all their contacts are told at once".to_owned(),
                );
            }
        }
        if ways.is_empty()
            && let Some(address) = email(&user.username)
        {
            ways.push(Way { address, delay: SignedDuration::ZERO });
            differs.push("no contact of theirs was found, so they are told by the e-mail they log in with".to_owned());
        }
        let (told, more) = contacts(ways);
        differs.extend(more);
        if told.is_empty() {
            draft.left_out("user", &user.username, "nothing is known by which they can be told");
            continue;
        }
        let name = draft.name(Section::People, &user.id, &user.username);
        draft.alias(Section::People, &user.username, &name);
        draft.person(&name, &user.full_name, None, told);
        differs.sort();
        differs.dedup();
        draft.partly("user", &user.username, format!("people.{name}"), &differs);
    }
}

impl Method {
    fn is_on(&self) -> bool {
        self.enabled.or(self.status.as_ref().and_then(|status| status.enabled)).unwrap_or(true)
    }
}

/// How the first rule for new alerts that is always so tells somebody.
fn ways(rules: &[NotificationRule], differs: &mut Vec<String>) -> Vec<Way> {
    let on = rules.iter().filter(|rule| rule.action_type == "create-alert" && rule.enabled != Some(false));
    let mut ways = Vec::new();
    for rule in on {
        let some = rule.criteria.as_ref().is_some_and(|criteria| !matches!(criteria.kind.as_str(), "" | "match-all"));
        if some || rule.time_restriction.as_ref().is_some_and(|restriction| !restriction.is_null()) {
            differs.push(format!("their rule `{}` for some alerts or hours is left out", rule.name));
            continue;
        }
        if rule.steps.is_empty() {
            differs.push(format!("their rule `{}` has no steps in the export: ask for each rule by its id", rule.name));
        }
        for step in rule.steps.iter().filter(|step| step.enabled != Some(false)) {
            let delay = step.send_after.as_ref().map_or(0, |delay| delay.time_amount);
            ways.extend(way(&step.contact, SignedDuration::from_mins(delay), differs));
        }
    }
    ways
}

fn way(method: &Method, delay: SignedDuration, differs: &mut Vec<String>) -> Option<Way> {
    let address = match method.by.as_str() {
        "email" => email(&method.to),
        "sms" => phone(&method.to).map(Address::Sms),
        "voice" => phone(&method.to).map(Address::Voice),
        "mobile" => {
            differs.push("the app's push has no counterpart; `ntfy` pushes to a phone".to_owned());
            return None;
        }
        other => {
            differs.push(format!("nothing here tells by `{other}`"));
            return None;
        }
    };
    if address.is_none() {
        differs.push(format!("their {} address is not one", method.by));
    }
    Some(Way { address: address?, delay })
}
