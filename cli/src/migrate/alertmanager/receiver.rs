//! Receivers: the places that each tells, as far as a policy can tell them.

use std::collections::{BTreeMap, HashMap};

use domain::policy::{Address, Target};
use serde::Deserialize;
use serde_json::Value;

use crate::migrate::contact::{email, slack};
use crate::migrate::draft::{Draft, Section, placeholder};
use crate::migrate::dump::Dump;

#[derive(Debug, Deserialize)]
struct Receiver {
    name: String,
    #[serde(flatten)]
    configs: BTreeMap<String, Value>,
}

/// Whom a receiver tells here.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Its places.
    pub(super) channels: Vec<Target>,
    /// Whether it tells nobody there, which is how Alertmanager drops an alert.
    pub(super) silent: bool,
}

/// Adds the places of each receiver, which is found by its name.
pub(super) fn read(dump: &mut Dump, draft: &mut Draft) -> HashMap<String, Told> {
    let mut receivers = HashMap::new();
    for Receiver { name, configs } in dump.take::<Receiver>("receivers", draft) {
        let mut told = Told { channels: Vec::new(), silent: true };
        for (kind, list) in &configs {
            let Some(list) = list.as_array().filter(|list| !list.is_empty()) else { continue };
            told.silent = false;
            for config in list {
                let short = kind.trim_end_matches("_configs");
                for found in addresses(short, config) {
                    match found {
                        Ok(address) => told.channels.push(place(draft, &name, short, address)),
                        Err(why) => draft.left_out("receiver", &format!("{name}: {short}"), why),
                    }
                }
            }
        }
        if told.silent {
            draft.partly("receiver", &name, "routes", &["it tells nobody, so its routes only record".to_owned()]);
        } else if told.channels.is_empty() {
            draft.left_out("receiver", &name, "no place of it could be imported: its routes tell the catch-all");
        }
        receivers.insert(name, told);
    }
    receivers
}

/// A channel for `address`, shared by receivers that have the same.
fn place(draft: &mut Draft, receiver: &str, kind: &str, address: Address) -> Target {
    let secret = matches!(address, Address::Teams(_) | Address::Pagerduty(_));
    let same =
        draft.policy.channels.iter().find(|(_, known)| !secret && **known == address).map(|(name, _)| name.clone());
    if let Some(name) = same {
        return Target::Channel(name);
    }
    let id = format!("{receiver} {kind} {}", draft.policy.channels.len());
    let called = format!("{receiver} {kind}");
    let name = draft.name(Section::Channels, &id, &called);
    let address = match address {
        Address::Teams(_) => Address::Teams(placeholder(&format!("channels/{name}"))),
        Address::Pagerduty(_) => Address::Pagerduty(placeholder(&format!("channels/{name}"))),
        plain => plain,
    };
    draft.policy.channels.insert(name.clone(), address);
    draft.maps("receiver", &format!("{receiver}: {kind}"), format!("channels.{name}"));
    Target::Channel(name)
}

/// Where one configuration of a receiver tells somebody, or why nobody can be told there.
fn addresses(kind: &str, config: &Value) -> Vec<Result<Address, String>> {
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    match kind {
        "email" => {
            let each = text("to").split(',').map(str::trim).filter(|to| !to.is_empty());
            each.map(|to| email(to).ok_or_else(|| "its address is not one, or a template".to_owned())).collect()
        }
        "slack" => {
            let channel = text("channel");
            // A name in capitals is shorter.
            let id = slack(channel).filter(|id| id.len() >= 9).map(Address::Slack);
            let why = || format!("the channel is called `{channel}`, and its id is needed, such as C0123456789");
            vec![id.ok_or_else(why)]
        }
        "pagerduty" => vec![Ok(Address::Pagerduty(placeholder("channels")))],
        "msteams" | "msteamsv2" => vec![Ok(Address::Teams(placeholder("channels")))],
        "opsgenie" => {
            let responders = config.get("responders").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let name = |responder: &Value| {
                let team = responder.get("type").and_then(Value::as_str) == Some("team");
                let name = responder.get("name").and_then(Value::as_str).filter(|name| team && !name.contains("{{"));
                name.map(|name| Address::Opsgenie(name.to_owned()))
                    .ok_or_else(|| "a responder of it is not a team by its name".to_owned())
            };
            if responders.is_empty() {
                return vec![Err("it names no team".to_owned())];
            }
            responders.iter().map(name).collect()
        }
        "webhook" => vec![Err("who gets its POST expects Alertmanager's form, and its URL may be a secret".to_owned())],
        other => vec![Err(format!("nothing here tells by `{other}`"))],
    }
}
