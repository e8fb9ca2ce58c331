//! The words of a message: short, and the most important first.

use domain::incident::{Incident, Status};
use domain::policy::Ladder;
use domain::text::{cut, visible};
use jiff::{SignedDuration, Timestamp};

use super::Message;

/// How long after its beginning a message of the first step says how long ago that was: it came late.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// How far back a sender's clock is believed.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// The longest title in a message; the page behind the link has all of it.
const TITLE: usize = 200;

/// How bad it is: the team's word and the sender's, such as `SEV1/critical`.
pub(super) fn severity(incident: &Incident) -> String {
    let sender = incident.severity().as_str();
    let level = incident.decision.as_ref().and_then(|decision| decision.level);
    match level.map(word) {
        Some(level) => format!("{level}/{sender}"),
        None => sender.to_owned(),
    }
}

const fn word(level: Ladder) -> &'static str {
    match level {
        Ladder::Sev1 => "SEV1",
        Ladder::Sev2 => "SEV2",
        Ladder::Sev3 => "SEV3",
        Ladder::Sev4 => "SEV4",
    }
}

/// The title as a person may see it.
pub(super) fn title(incident: &Incident) -> String {
    let title = if incident.alert.title.is_empty() { &incident.key } else { &incident.alert.title };
    cut(&visible(title), TITLE)
}

/// The service as a person may see it.
pub(super) fn service(incident: &Incident) -> Option<String> {
    incident.service().map(|service| cut(&visible(service), 80))
}

/// How bad, where and what: `[SEV1/critical] checkout: p99 latency over 2 s`.
pub(super) fn headline(incident: &Incident) -> String {
    let (severity, title) = (severity(incident), title(incident));
    match service(incident) {
        Some(service) if !title.to_lowercase().contains(&service.to_lowercase()) => {
            format!("[{severity}] {service}: {title}")
        }
        _ => format!("[{severity}] {title}"),
    }
}

/// What somebody did about it, if anybody did: `Acknowledged by ana at 2026-11-21 12:00 UTC`.
pub(super) fn answered(incident: &Incident) -> Option<String> {
    let (verb, by, at) = match incident.status {
        Status::Acknowledged => incident.acknowledgement.as_ref().map(|taken| ("Acknowledged", &taken.by, taken.at))?,
        Status::Resolved => incident.resolution.as_ref().map(|ended| ("Resolved", &ended.by, ended.at))?,
        Status::Expected | Status::Triggered => return None,
    };
    Some(format!("{verb} by {} at {}", cut(&visible(by.name()), 80), clock(at)))
}

/// An instant as a person reads it.
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// That a message comes late, if it does, and how late.
fn late(message: &Message<'_>) -> Option<String> {
    let Message { incident, delivery, now, .. } = message;
    let ago = |at: Option<Timestamp>| at.map(|at| now.duration_since(at));
    let began = ago(incident.first_trigger_at).filter(|ago| *ago <= BELIEVED).or(ago(incident.opened_at))?;
    // Later steps come later by intent.
    (delivery.step <= 1 && began >= LATE).then(|| format!("late: it began {} min ago", began.as_mins()))
}

/// All of it in one line. What is over says so first, so that a late message explains itself.
pub(super) fn line(message: &Message<'_>) -> String {
    let Message { incident, delivery, .. } = message;
    // Where responders meet is worth more than anything else, as long as they are needed.
    let bridge = incident.bridge().map(|bridge| format!("Join {bridge} ")).unwrap_or_default();
    let headline = headline(incident);
    if let Some(answered) = answered(incident) {
        return format!("{answered}: {headline}");
    }
    let step = (delivery.step > 1).then(|| format!("step {}", delivery.step));
    let often = (incident.occurrences > 1).then(|| format!("{} occurrences", incident.occurrences));
    let more = match message.more {
        0 => None,
        1 => Some("and 1 more incident".to_owned()),
        more => Some(format!("and {more} more incidents")),
    };
    let context: Vec<String> = step.into_iter().chain(late(message)).chain(often).chain(more).collect();
    if context.is_empty() {
        format!("{bridge}{headline}")
    } else {
        format!("{bridge}{headline} ({})", context.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::fixture::{self, Told};

    #[test]
    fn the_line_says_how_bad_where_and_what_first() {
        let mut told = Told::new();
        assert_eq!(line(&told.message()), "[critical] checkout: p99 latency over 2 s");
        told.delivery.step = 3;
        told.incident.occurrences = 12;
        assert_eq!(line(&told.message()), "[critical] checkout: p99 latency over 2 s (step 3, 12 occurrences)");
        let message = Message { more: 14, ..told.message() };
        assert_eq!(
            line(&message),
            "[critical] checkout: p99 latency over 2 s (step 3, 12 occurrences, and 14 more incidents)"
        );
        told.incident.alert.title = "Checkout is down".to_owned();
        assert_eq!(line(&told.message()), "[critical] Checkout is down (step 3, 12 occurrences)");
    }

    #[test]
    fn g10_a_first_message_that_comes_late_says_how_late_and_a_later_step_does_not() {
        let mut told = Told::new();
        let began = told.message().now;
        told.incident.first_trigger_at = Some(began);
        told.incident.opened_at = Some(began);
        let line_after = |told: &Told, minutes| {
            let now = began + SignedDuration::from_mins(minutes);
            line(&Message { now, ..told.message() })
        };
        assert_eq!(line_after(&told, 1), "[critical] checkout: p99 latency over 2 s");
        assert_eq!(line_after(&told, 11), "[critical] checkout: p99 latency over 2 s (late: it began 11 min ago)");
        told.incident.first_trigger_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(line_after(&told, 1), "[critical] checkout: p99 latency over 2 s", "nobody's clock is that slow");
        told.delivery.step = 2;
        assert_eq!(line_after(&told, 11), "[critical] checkout: p99 latency over 2 s (step 2)");
    }

    #[test]
    fn where_responders_meet_comes_first_until_somebody_answered() {
        let mut told = Told::new();
        let rung = domain::policy::Rung { bridge: Some("https://meet.example.com/1".to_owned()), ..Default::default() };
        let policy: domain::policy::Policy =
            serde_json::from_value(serde_json::json!({ "version": 1, "catch_all": { "escalation": "x" } }))
                .expect("a policy");
        let mut decision = domain::route::fallback(&told.incident, &policy, &policy.hash(), told.message().now, "x");
        decision.rung = Some(rung);
        told.incident.decision = Some(decision);
        assert_eq!(line(&told.message()), "Join https://meet.example.com/1 [critical] checkout: p99 latency over 2 s");
        fixture::acknowledge(&mut told.incident);
        assert!(line(&told.message()).starts_with("Acknowledged"));
    }

    #[test]
    fn j15_what_is_over_says_so_first() {
        let mut told = Told::new();
        fixture::acknowledge(&mut told.incident);
        assert_eq!(
            line(&told.message()),
            "Acknowledged by bo at 2026-11-21 12:05 UTC: [critical] checkout: p99 latency over 2 s"
        );
    }

    #[test]
    fn a_title_can_neither_break_the_line_nor_fill_it() {
        let mut told = Told::new();
        told.incident.alert.title = format!("a\r\nBcc: x\u{202e}{}", "y".repeat(5000));
        let line = line(&told.message());
        assert!(line.chars().count() < 300, "{line}");
        assert!(!line.contains(['\r', '\n', '\u{202e}']), "{line}");
    }
}
