//! Users: their contact methods, and the rules by which they are told.

use std::collections::BTreeMap;

use domain::policy::{Address, Rule, Rules};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Reference;
use crate::migrate::contact::{Way, contacts, email, phone};
use crate::migrate::draft::{Draft, Section};
use crate::migrate::dump::Dump;

#[derive(Debug, Deserialize)]
struct User {
    id: String,
    name: String,
    email: String,
    #[serde(default)]
    contact_methods: Vec<Method>,
    #[serde(default)]
    notification_rules: Vec<NotificationRule>,
    #[serde(default)]
    teams: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Method {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    country_code: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct NotificationRule {
    #[serde(default)]
    start_delay_in_minutes: i64,
    #[serde(default)]
    contact_method: Option<Reference>,
    #[serde(default)]
    urgency: String,
}

/// Adds everybody, and says who is in which team.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) -> BTreeMap<String, Vec<String>> {
    let mut of_teams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for user in dump.take::<User>("users", draft) {
        let mut differs = Vec::new();
        let (high, low) = (ways(&user, "high", &mut differs), ways(&user, "low", &mut Vec::new()));
        let (mut told, more) = contacts(if high.is_empty() { low.clone() } else { high });
        differs.extend(more);
        if told.is_empty()
            && let Some(address) = email(&user.email)
        {
            told = contacts(vec![Way { address, delay: SignedDuration::ZERO }]).0;
            differs.push(
                "no rule of theirs could be imported, so they are told by the e-mail they log in with".to_owned(),
            );
        }
        if told.is_empty() {
            draft.left_out("user", &user.name, "nothing is known by which they can be told");
            continue;
        }
        let name = draft.name(Section::People, &user.id, &user.email);
        let rules = quieter(&low, &told);
        if low.len() != rules.len() {
            differs.push("contacts for low urgency alone are left out".to_owned());
        }
        draft.person(&name, &user.name, None, told);
        if let Some(person) = draft.policy.people.get_mut(&name).filter(|_| !rules.is_empty()) {
            person.rules = Rules { sev4: Some(rules), ..Rules::default() };
        }
        for team in &user.teams {
            of_teams.entry(team.id.clone()).or_default().push(name.clone());
        }
        draft.partly("user", &user.name, format!("people.{name}"), &differs);
    }
    of_teams
}

/// How somebody is told of what is of `urgency`.
fn ways(user: &User, urgency: &str, differs: &mut Vec<String>) -> Vec<Way> {
    let mut ways = Vec::new();
    for rule in user.notification_rules.iter().filter(|rule| rule.urgency == urgency) {
        let id = rule.contact_method.as_ref().map(|method| method.id.as_str());
        let Some(method) = user.contact_methods.iter().find(|method| Some(method.id.as_str()) == id) else { continue };
        match address(method) {
            Ok(address) => ways.push(Way { address, delay: SignedDuration::from_mins(rule.start_delay_in_minutes) }),
            Err(why) => differs.push(why),
        }
    }
    differs.sort();
    differs.dedup();
    ways
}

fn address(method: &Method) -> Result<Address, String> {
    let Some(text) = &method.address else {
        return Err("the export has no more than ids: ask for include[]=contact_methods".to_owned());
    };
    let number = || {
        let number = phone(&format!("{}{text}", method.country_code.unwrap_or(1)));
        number.ok_or_else(|| "a phone number of theirs is not one".to_owned())
    };
    match method.kind.as_str() {
        "email_contact_method" => email(text).ok_or_else(|| "an e-mail address of theirs is not one".to_owned()),
        "sms_contact_method" => number().map(Address::Sms),
        "phone_contact_method" => number().map(Address::Voice),
        "push_notification_contact_method" => {
            Err("the app's push has no counterpart; `ntfy` pushes to a phone".to_owned())
        }
        other => Err(format!("nothing here tells by `{other}`")),
    }
}

/// The rules of low urgency, as far as they name contacts that there are.
fn quieter(low: &[Way], told: &[domain::policy::Contact]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for Way { address, delay } in low {
        let by = address.channel();
        if told.iter().any(|contact| contact.address == *address) && !rules.iter().any(|rule| rule.by == by) {
            let after = Some(*delay).filter(|delay| *delay > SignedDuration::ZERO && !rules.is_empty());
            rules.push(Rule { by: by.to_owned(), after });
        }
    }
    rules
}
