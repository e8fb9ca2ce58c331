//! Values as YAML writes them.

use domain::policy::{Address, Day, Group, Rule, Target, Window};
use jiff::SignedDuration;
use jiff::civil::Time;
use serde::Serialize;

/// A rule of somebody.
pub(super) fn rule(rule: &Rule) -> String {
    let after = rule.after.map(|after| format!(", after: {}", length(after))).unwrap_or_default();
    format!("{{ by: {}{after} }}", rule.by)
}

/// An address under the name of its channel.
pub(super) fn address(address: &Address) -> String {
    let value = match address {
        Address::Webhook { url, secret } => format!("{{ url: {}, secret: {} }}", scalar(url), secret.0),
        Address::Teams(secret) | Address::Pagerduty(secret) => secret.0.clone(),
        Address::Slack(text)
        | Address::Email(text)
        | Address::Sms(text)
        | Address::TwilioSms(text)
        | Address::Voice(text)
        | Address::Ntfy(text)
        | Address::Opsgenie(text) => scalar(text),
    };
    format!("{}: {value}", address.channel())
}

/// Targets as texts.
pub(super) fn targets(targets: &[Target]) -> Vec<String> {
    targets.iter().map(ToString::to_string).collect()
}

/// The word for one of several things, as policies write it.
pub(super) fn word(choice: impl Serialize) -> String {
    let word = serde_json::to_value(choice).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

/// A window in one line.
pub(super) fn open(window: &Window) -> String {
    let mut keys = Vec::new();
    if !window.days.is_empty() {
        let word = |day: &Day| match day {
            Day::Mon => "mon",
            Day::Tue => "tue",
            Day::Wed => "wed",
            Day::Thu => "thu",
            Day::Fri => "fri",
            Day::Sat => "sat",
            Day::Sun => "sun",
        };
        let days: Vec<&str> = window.days.iter().map(word).collect();
        keys.push(format!("days: [{}]", days.join(", ")));
    }
    for (key, time) in [("from", window.from), ("until", window.until)] {
        keys.extend(time.map(|time| format!("{key}: {}", clock(time))));
    }
    format!("{{ {} }}", keys.join(", "))
}

fn clock(time: Time) -> String {
    time.strftime(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}

/// A grouping in one line.
pub(super) fn together(group: &Group) -> String {
    let mut keys: Vec<String> = group.by.iter().map(|by| format!("by: {}", list(by))).collect();
    for (key, time) in [("wait", group.wait), ("interval", group.interval), ("repeat", group.repeat)] {
        keys.extend(time.map(|time| format!("{key}: {}", length(time))));
    }
    format!("{{ {} }}", keys.join(", "))
}

/// A length as a person writes it.
pub(super) fn length(length: SignedDuration) -> String {
    format!("{length:#}")
}

pub(super) fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| scalar(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A text that YAML reads as itself, in quotes where it needs them.
pub(super) fn scalar(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '@' | '+' | '-');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'));
    // A colon is part of a text unless a space follows it or it ends.
    let plain = text.chars().all(|c| word(c) || matches!(c, ' ' | ':'));
    let apart = text.contains(": ") || text.ends_with([':', ' ']) || text.contains(" #");
    let nothing = matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off");
    if begins && plain && !apart && !nothing {
        return text.to_owned();
    }
    let printed = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if printed && text.contains('"') && !text.contains('\'') {
        return format!("'{text}'");
    }
    // What a JSON string is, a string in double quotes is too.
    serde_json::to_string(text).expect("a text is plain JSON")
}
