//! Who an event puts on call: by its title, or by who attends it.

use std::collections::{BTreeMap, BTreeSet};

use domain::policy::{Address, Policy};

use super::calendar::Lines;
use super::told::quoted;

/// Whom a calendar may mean.
pub struct People<'a> {
    told: BTreeMap<&'a str, &'a str>,
    policy: &'a Policy,
}

impl<'a> People<'a> {
    /// The people of `policy`; `told` says who a title is. Somebody whom the policy does not know is an error.
    pub fn new(told: &'a [(String, String)], policy: &'a Policy) -> Result<Self, String> {
        if let Some((_, name)) = told.iter().find(|(_, name)| !policy.people.contains_key(name)) {
            return Err(format!("the policy has nobody called `{name}`"));
        }
        Ok(Self { told: told.iter().map(|(title, name)| (title.trim(), name.as_str())).collect(), policy })
    }

    /// The short name of who is meant, or why nobody is known to be.
    pub fn of(&self, event: &Lines) -> Result<String, String> {
        let title = event.text("SUMMARY");
        if let Some(name) = self.told.get(title.as_str()) {
            return Ok((*name).to_owned());
        }
        if self.policy.people.contains_key(&title) {
            return Ok(title);
        }
        let full = |(name, person): (&'a String, &'a domain::policy::Person)| {
            person.name.as_ref().filter(|full| **full == title).map(|_| name.as_str())
        };
        let mails: BTreeSet<String> = event.all("ATTENDEE").filter_map(|line| mail(&line.value)).collect();
        let attends = |(name, person): (&'a String, &'a domain::policy::Person)| {
            let mut addresses = person.contacts.iter().map(|contact| &contact.address);
            let known = |address: &Address| matches!(address, Address::Email(to) if mails.contains(&to.to_lowercase()));
            addresses.any(known).then_some(name.as_str())
        };
        let mut found: Vec<&str> = self.policy.people.iter().filter_map(full).collect();
        if found.is_empty() {
            found = self.policy.people.iter().filter_map(attends).collect();
        }
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(format!("nobody is known by that title; say who it is with --person {}=NAME", quoted(&title))),
            several => {
                let names = several.join(" or ");
                Err(format!("it may be {names}; say who it is with --person {}=NAME", quoted(&title)))
            }
        }
    }
}

/// The address of somebody who attends, in small letters.
fn mail(value: &str) -> Option<String> {
    let value = value.trim();
    let scheme = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))?;
    Some(value[scheme.len()..].to_lowercase())
}
