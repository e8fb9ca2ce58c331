//! What must hold of the people of a policy, of where they are told, and of what that needs.

use jiff::SignedDuration;

use super::Address;
use super::validate::Check;

impl Check<'_> {
    pub(super) fn people(&mut self) {
        let people = &self.policy.people;
        for (name, person) in people {
            let path = format!("people.{name}");
            if person.contacts.is_empty() {
                let what = format!("{name} cannot be told anything: there is no contact");
                self.error(format!("{path}.contacts"), what, "add one, such as `contacts: [{ sms: +15550100 }]`");
            }
            for (number, contact) in person.contacts.iter().enumerate() {
                let path = format!("{path}.contacts[{number}]");
                self.address(&contact.address, &path);
                if let Some(after) = contact.after {
                    self.length(after, SignedDuration::from_secs(1), &format!("{path}.after"), "a wait");
                }
            }
            let slack = person.slack.as_ref();
            let other =
                people.iter().find(|(other, them)| *other < name && slack.is_some() && them.slack.as_ref() == slack);
            if let Some((other, _)) = other {
                let what = format!("{other} has the same Slack user id");
                self.error(format!("{path}.slack"), what, "a button press must be one person's: give each their own");
            }
        }
    }

    pub(super) fn address(&mut self, address: &Address, path: &str) {
        match address {
            Address::Webhook { url, secret } => {
                self.web_address(url, &format!("{path}.webhook.url"));
                self.secret(secret, &format!("{path}.webhook.secret"));
            }
            Address::Slack(id) => {
                let path = format!("{path}.slack");
                if self.policy.providers.slack.is_none() {
                    let fix = "add `providers: slack:` with `bot_token` and `signing_secret`";
                    self.error(&path, "Slack is used, and no Slack app is named", fix);
                }
                let valid = id.len() >= 2 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
                if !valid {
                    self.error(path, "this is not a Slack id", "write the channel's or user's id, such as C0123456789");
                }
            }
            Address::Email(address) => {
                let path = format!("{path}.email");
                if self.policy.providers.email.is_none() {
                    let fix = "add `providers: email:` with the verified `from` address";
                    self.error(&path, "e-mail is used, and no sender is named", fix);
                }
                self.email(address, path);
            }
            Address::Sms(number) => {
                let digits = number.strip_prefix('+').unwrap_or_default();
                let valid = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
                if !valid || digits.starts_with('0') {
                    let fix = "write it in international form, such as +15550100";
                    self.error(format!("{path}.sms"), "this is not a phone number", fix);
                }
            }
        }
    }

    fn email(&mut self, address: &str, path: String) {
        let parts = address.split_once('@');
        let valid = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
        if !valid || address.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',')) {
            self.error(path, "this is not an e-mail address", "write the address alone, such as ana@example.com");
        }
    }

    pub(super) fn providers(&mut self) {
        let providers = &self.policy.providers;
        if let Some(slack) = &providers.slack {
            self.secret(&slack.bot_token, "providers.slack.bot_token");
            self.secret(&slack.signing_secret, "providers.slack.signing_secret");
        }
        if let Some(email) = &providers.email {
            self.email(&email.from, "providers.email.from".to_owned());
        }
    }
}
