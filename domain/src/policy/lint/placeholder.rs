//! Placeholders: what an import could not know, or must not copy, and somebody is still to put in.

use crate::policy::{Address, Policy, SecretRef};

/// How the name of a parameter begins that nobody has stored.
const SECRET: &str = "ssm:/CHANGE/";
/// How an address ends that never leads anywhere (RFC 2606, section 2).
const ADDRESS: &str = ".invalid";

/// The places of `policy` that hold a placeholder, and what each is a placeholder for.
pub(super) fn placeholders(policy: &Policy) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for (name, person) in &policy.people {
        for (number, contact) in person.contacts.iter().enumerate() {
            address(&contact.address, &format!("people.{name}.contacts[{number}]"), &mut found);
        }
    }
    for (name, channel) in &policy.channels {
        address(channel, &format!("channels.{name}"), &mut found);
    }
    for (name, integration) in &policy.integrations {
        let path = format!("integrations.{name}.secret");
        found.extend(integration.secret.as_ref().and_then(|reference| secret(reference, path)));
    }
    let providers = &policy.providers;
    if let Some(slack) = &providers.slack {
        found.extend(secret(&slack.bot_token, "providers.slack.bot_token".to_owned()));
        found.extend(secret(&slack.signing_secret, "providers.slack.signing_secret".to_owned()));
    }
    if providers.email.as_ref().is_some_and(|email| email.from.ends_with(ADDRESS)) {
        found.push(("providers.email.from".to_owned(), "an address"));
    }
    if let Some(twilio) = &providers.twilio {
        if twilio.account_sid.trim_start_matches("AC").bytes().all(|b| b == b'0') {
            found.push(("providers.twilio.account_sid".to_owned(), "an account and its number"));
        }
        found.extend(secret(&twilio.auth_token, "providers.twilio.auth_token".to_owned()));
    }
    if let Some(opsgenie) = &providers.opsgenie {
        found.extend(secret(&opsgenie.api_key, "providers.opsgenie.api_key".to_owned()));
    }
    found
}

fn address(address: &Address, path: &str, found: &mut Vec<(String, &'static str)>) {
    let path = format!("{path}.{}", address.channel());
    match address {
        Address::Webhook { secret: reference, .. } => found.extend(secret(reference, format!("{path}.secret"))),
        Address::Teams(reference) | Address::Pagerduty(reference) => found.extend(secret(reference, path)),
        Address::Email(to) if to.ends_with(ADDRESS) => found.push((path, "an address")),
        _ => {}
    }
}

fn secret(reference: &SecretRef, path: String) -> Option<(String, &'static str)> {
    reference.0.starts_with(SECRET).then_some((path, "a secret"))
}
