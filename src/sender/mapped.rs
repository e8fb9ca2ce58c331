//! Any JSON, read by the mapping of its integration: for senders that can call a URL and sign nothing we know.
//!
//! What the mapping cannot read pages all the same, with what was sent as its details and a label `mapping_failed`.
//! One that states its time is known when it comes again; of one that does not, each copy counts.

use domain::mapping::{self, Mapped};
use domain::policy::Mapping;
use domain::signal::{Action, Alert, Severity};
use jiff::Timestamp;

use super::bounds::{self, Labels};
use super::proof::{Copies, Message, Told};
use super::reply::Fault;
use super::{Received, json};

/// The key that the mapping gives.
const RULE: &str = "json/1";
/// Above it a number counts milliseconds: as seconds it would be in the year 5138.
const SECONDS: i64 = 100_000_000_000;

/// What one message says by `mapping`.
pub(super) fn message(message: &Message<'_>, mapping: &Mapping) -> Result<Received, Fault> {
    let body = json::unpacked(message.request, json::LARGEST)?;
    let text = json::text(&body)?;
    let body: serde_json::Value = json::read(text)?;
    let mapped = mapping::read(mapping, &body);
    let told = told(mapped, message.integration, text);
    let copies = if told.as_ref().is_some_and(|told| told.at.is_some()) { Copies::OfTheBody } else { Copies::Unknown };
    Ok(message.received(RULE, copies, told.into_iter().collect()))
}

fn told(mapped: Mapped, integration: &str, body: &str) -> Option<Told> {
    let Mapped { action, key, fields, labels, failed } = mapped;
    let action = action?;
    let field = |name: &str| fields.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    let (mut kept, mut links) = (Labels::default(), Vec::new());
    kept.add("mapping_failed", &failed.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let severity = match action {
        Action::Change => Severity::Info,
        _ => kept.severity(field("severity")),
    };
    for (name, value) in &labels {
        kept.add(name, value);
    }
    let title = match (field("title"), failed.iter().next()) {
        (Some(title), _) => title.to_owned(),
        (None, Some((name, why))) => format!("What {integration} sent cannot be read by its mapping: {name}: {why}"),
        (None, None) => key.clone(),
    };
    bounds::link(&mut links, field("link"), "Link");
    let alert = Alert {
        title: bounds::title(&title),
        severity,
        source: bounds::field(field("source").unwrap_or_default()),
        service: field("service").map(bounds::field),
        labels: kept.done(),
        details: bounds::details(body),
        links,
    };
    Some(Told { action, key, at: field("at").and_then(time), alert })
}

/// A time, or the seconds or milliseconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    // A fraction of a second tells no two problems apart.
    let whole = text.trim().split_once('.').map_or(text.trim(), |(whole, _)| whole);
    match whole.parse::<i64>() {
        Ok(number) if number.abs() < SECONDS => Timestamp::from_second(number).ok(),
        Ok(number) => Timestamp::from_millisecond(number).ok(),
        Err(_) => bounds::time(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_a_text_or_a_number() {
        let table = [
            ("2026-11-21T10:00:00Z", Some("2026-11-21T10:00:00Z")),
            ("1795255200", Some("2026-11-21T10:00:00Z")),
            ("1795255200000", Some("2026-11-21T10:00:00Z")),
            ("1795255200.5", Some("2026-11-21T10:00:00Z")),
            ("2026-11-21T10:00:00.5Z", Some("2026-11-21T10:00:00.5Z")),
            ("1e300", None),
            ("9223372036854775807", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            assert_eq!(time(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
