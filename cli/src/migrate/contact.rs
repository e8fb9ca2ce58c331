//! Contacts: how somebody wanted to be told, in the order and at the times of their rules.

use domain::policy::{Address, Contact};
use jiff::SignedDuration;

/// One way to tell somebody, and how long after the alert.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where.
    pub address: Address,
    /// How long after they are to be told.
    pub delay: SignedDuration,
}

/// The contacts that tell somebody in `ways`, and what is not the same about it.
pub fn contacts(mut ways: Vec<Way>) -> (Vec<Contact>, Vec<String>) {
    ways.sort_by_key(|way| way.delay);
    let mut contacts: Vec<Contact> = Vec::new();
    let mut differs = Vec::new();
    for Way { address, delay } in ways {
        if contacts.iter().any(|known| known.address == address) {
            differs.push(format!("{} tells once, and not again", address.channel()));
            continue;
        }
        let after = if contacts.is_empty() {
            if delay > SignedDuration::ZERO {
                differs.push(format!("the first contact is told at once, and not after {delay:#}"));
            }
            None
        } else {
            // A contact without a time only follows one that failed.
            Some(delay.max(SignedDuration::from_secs(1)))
        };
        contacts.push(Contact { address, after });
    }
    differs.dedup();
    (contacts, differs)
}

/// A phone number in international form; `None` when it is none.
pub fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '.'));
    (plain && (7..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

/// An e-mail address; `None` when it is none.
pub fn email(text: &str) -> Option<Address> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',');
    let (name, host) = text.split_once('@')?;
    let valid = !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(odd);
    valid.then(|| Address::Email(text.to_owned()))
}

/// An id of Slack; `None` when it is a name.
pub fn slack(text: &str) -> Option<String> {
    let plain = text.len() >= 2 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    plain.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_told_in_the_order_of_their_rules() {
        let way = |number: &str, minutes| Way {
            address: Address::Sms(number.to_owned()),
            delay: SignedDuration::from_mins(minutes),
        };
        let (found, differs) = contacts(vec![way("b", 5), way("a", 0), way("c", 0), way("a", 10)]);
        let order: Vec<_> = found.iter().map(|contact| (format!("{:?}", contact.address), contact.after)).collect();
        let expected = [
            ("Sms(\"a\")".to_owned(), None),
            ("Sms(\"c\")".to_owned(), Some(SignedDuration::from_secs(1))),
            ("Sms(\"b\")".to_owned(), Some(SignedDuration::from_mins(5))),
        ];
        assert_eq!(order, expected);
        assert_eq!(differs, ["sms tells once, and not again"]);
        assert_eq!(contacts(vec![way("a", 1)]).1, ["the first contact is told at once, and not after 1m"]);
    }

    #[test]
    fn a_phone_number_is_international_or_none() {
        let table = [
            ("1-5550100123", Some("+15550100123")),
            ("+49 30 5550 100", Some("+49305550100")),
            ("0555-0100", None),
            ("5", None),
            ("ext. five", None),
        ];
        for (text, expected) in table {
            assert_eq!(phone(text).as_deref(), expected, "{text}");
        }
    }
}
