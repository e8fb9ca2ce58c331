//! The page behind a link: it shows the incident and asks, and only its form changes anything.
//!
//! Mail scanners and chat previews open links, so opening one must do nothing (faults.md, I03). The page has no
//! script, loads nothing, and may not be framed.

use domain::incident::{Incident, Refusal, Status};
use domain::text::visible;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::form::Answer;

/// The only style; [`HEADERS`] allows it by its hash.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--act:#0b5cad;--end:#a4262c}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--paper:#0d1117;--line:#30363d;--act:#1f6feb;--end:#b6323a}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{max-width:36rem;margin:0 auto;padding:1.5rem 1rem}\
h1{font-size:1.35rem;line-height:1.3;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;border-top:1px solid var(--line);padding-top:1rem}\
dt,.soft{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
form{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0}\
button{flex:1 1 10rem;min-height:3rem;border:0;border-radius:.5rem;background:var(--act);color:#fff;font:inherit;font-weight:600;cursor:pointer}\
button.end{background:var(--end)}button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}\
.note{border-left:4px solid var(--act);padding:.5rem 1rem}";

/// The headers that every page is sent with. Its URL lets its holder answer, so no other site and no cache may see it.
pub const HEADERS: [(&str, &str); 6] = [
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'sha256-YdUWJ6VmsPH9NXs7iDMrtOg8XgsDOhhEkXehQaGZTAg='; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex, nofollow"),
];

/// The page of an incident: what it is, and what can be answered now.
pub fn incident(incident: &Incident, person: &str) -> String {
    let offers: &[Answer] = match incident.status {
        Status::Triggered => &[Answer::Acknowledge, Answer::Snooze, Answer::Resolve],
        Status::Acknowledged => &[Answer::Resolve, Answer::Unacknowledge],
        Status::Expected | Status::Resolved => &[],
    };
    let body = html! {
        (facts(incident))
        @if offers.is_empty() {
            p.note { "There is nothing left to do here." }
        } @else {
            form method="post" {
                @for answer in offers {
                    button.end[*answer == Answer::Resolve] type="submit" name="action" value=(answer.as_str()) {
                        (label(*answer))
                    }
                }
            }
            p.soft { "This link was sent to " (visible(person)) ". Your answer is recorded as that of whoever holds it." }
        }
    };
    page(&title(incident), &body)
}

/// The page after an answer: that it counts, or why it changed nothing.
pub fn answered(incident: &Incident, answer: Answer, result: Result<(), &Refusal>) -> String {
    let note = match (result, answer) {
        (Ok(()), Answer::Acknowledge) if incident.status == Status::Triggered => {
            let awaited: Vec<String> = incident.awaited().into_iter().map(name).collect();
            format!("Your acknowledgement is recorded. It counts once {} acknowledged too.", awaited.join(" and "))
        }
        (Ok(()), Answer::Acknowledge) => "Acknowledged. Nobody else is paged for it now.".to_owned(),
        (Ok(()), Answer::Snooze) => "Acknowledged for an hour. Then it pages again, unless it is resolved.".to_owned(),
        (Ok(()), Answer::Unacknowledge) => "Nobody has it any more. It pages again from the first step.".to_owned(),
        (Ok(()), Answer::Resolve) => "Resolved.".to_owned(),
        (Err(refusal), _) => format!("Nothing was changed: {}.", visible(&refusal.to_string())),
    };
    let body = html! {
        p.note role="status" { (note) }
        (facts(incident))
        p { a href="" { "Look again" } }
    };
    page(&title(incident), &body)
}

/// The page of a link that leads nowhere: 404 for one we did not make, 410 for one whose incident is gone.
pub fn nowhere() -> String {
    let body = html! {
        h1 { "This link leads nowhere" }
        p { "It is incomplete, or it was replaced. Open the incident from a newer message, or ask Watchkeeper by its command." }
    };
    page("This link leads nowhere", &body)
}

/// The page for when we cannot tell or change anything just now.
pub fn later() -> String {
    let body = html! {
        h1 { "Not now" }
        p { "Your answer could not be recorded. Nothing was changed, and paging goes on. Please try again." }
    };
    page("Not now", &body)
}

fn label(answer: Answer) -> &'static str {
    match answer {
        Answer::Acknowledge => "Acknowledge",
        Answer::Snooze => "Acknowledge for 1 hour",
        Answer::Unacknowledge => "Give it back",
        Answer::Resolve => "Resolve",
    }
}

/// The name in `person:ana`, as a person may see it.
fn name(to: &str) -> String {
    visible(to.split_once(':').map_or(to, |(_, name)| name))
}

fn title(incident: &Incident) -> String {
    let title = if incident.alert.title.is_empty() { &incident.key } else { &incident.alert.title };
    visible(title)
}

fn facts(incident: &Incident) -> Markup {
    let at = |at: Timestamp| {
        html! { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M UTC")) } }
    };
    html! {
        h1 { (title(incident)) }
        dl {
            @if let Some(bridge) = incident.bridge() { dt { "Bridge" } dd { (visible(bridge)) } }
            dt { "Status" } dd { strong { (incident.status.as_str()) } }
            dt { "Severity" } dd { (incident.severity().as_str()) }
            @if let Some(service) = incident.service() { dt { "Service" } dd { (visible(service)) } }
            @if let Some(opened) = incident.opened_at { dt { "Opened" } dd { (at(opened)) } }
            dt { "Occurrences" } dd { (incident.occurrences) }
            @if let Some(taken) = &incident.acknowledgement {
                dt { "Acknowledged" } dd { "by " (visible(taken.by.name())) ", " (at(taken.at)) }
            }
            @if incident.acknowledgement.is_none() {
                @for answer in &incident.acknowledgements {
                    dt { "Acknowledged" } dd { "by " (visible(answer.by.name())) ", " (at(answer.at)) ", not alone enough" }
                }
            }
            @if let Some(until) = incident.acknowledgement.as_ref().and_then(|taken| taken.expires_at) {
                dt { "Counts until" } dd { (at(until)) }
            }
            @if let Some(ended) = &incident.resolution {
                dt { "Resolved" } dd { "by " (visible(ended.by.name())) ", " (at(ended.at)) }
            }
            dt { "Incident" } dd { (incident.id) }
        }
    }
}

fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Watchkeeper" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use domain::incident::{Actor, Event, IncidentId};
    use domain::signal::{Alert, Severity};
    use sha2::{Digest, Sha256};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn open(title: &str) -> Incident {
        let mut incident = Incident::expected(IncidentId::parse("0123456789abcdef0123-1").expect("an id"));
        let alert = Alert {
            title: title.to_owned(),
            severity: Severity::Critical,
            service: Some("checkout".to_owned()),
            ..Alert::default()
        };
        let opened = Event::Opened { integration: "x".to_owned(), key: "k".to_owned(), alert, follows: None };
        incident.apply(&opened, at("2026-11-21T12:00:00Z"));
        incident
    }

    fn acknowledged() -> Incident {
        let mut incident = open("p99");
        incident.apply(&Event::Acknowledged { by: Actor::person("bo"), expires_at: None }, at("2026-11-21T12:05:00Z"));
        incident
    }

    fn resolved() -> Incident {
        let mut incident = acknowledged();
        let covers = at("2026-11-21T12:10:00Z");
        incident.apply(&Event::Resolved { by: Actor::integration("pagerduty"), covers }, covers);
        incident
    }

    #[test]
    fn the_style_is_the_one_that_the_headers_allow() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
        assert!(HEADERS[1].1.contains(&format!("'sha256-{hash}'")), "{hash}");
    }

    #[test]
    fn a_page_offers_what_can_still_be_answered_and_only_by_post() {
        for (incident, acknowledge, resolve) in
            [(open("p99"), true, true), (acknowledged(), false, true), (resolved(), false, false)]
        {
            let page = super::incident(&incident, "Ana");
            assert_eq!(page.contains("value=\"acknowledge\""), acknowledge, "{page}");
            assert_eq!(page.contains("value=\"resolve\""), resolve, "{page}");
            assert_eq!(page.contains("<form method=\"post\">"), acknowledge || resolve, "{page}");
            assert!(!page.contains("<a "), "a link could be followed by a scanner");
        }
    }

    #[test]
    fn a_page_says_who_answered_and_when() {
        let page = super::incident(&resolved(), "Ana");
        assert!(page.contains("by bo, <time datetime=\"2026-11-21T12:05:00Z\">2026-11-21 12:05 UTC</time>"), "{page}");
        assert!(page.contains("by pagerduty"), "{page}");
    }

    #[test]
    fn who_comes_second_is_told_who_was_first() {
        let taken = acknowledged();
        let refusal = Refusal::AlreadyAcknowledged { by: Actor::person("bo"), at: at("2026-11-21T12:05:00Z") };
        let page = answered(&taken, Answer::Acknowledge, Err(&refusal));
        assert!(page.contains("Nothing was changed: already acknowledged by bo at 2026-11-21T12:05:00Z."), "{page}");
        assert!(answered(&taken, Answer::Acknowledge, Ok(())).contains("Nobody else is paged"));
    }

    #[test]
    fn whatever_a_sender_writes_is_text() {
        let page = super::incident(&open("</title><script>alert(1)</script>\u{202e}"), "<b>Ana</b>");
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains('\u{202e}'), "{page}");
    }

    #[test]
    fn a_page_is_small_and_loads_nothing() {
        for page in [super::incident(&open(&"é".repeat(1024)), "Ana"), nowhere(), later()] {
            assert!(page.len() < 10_000, "{}", page.len());
            for loaded in ["src=", "<link", "url(", "http://", "https://", "<script"] {
                assert!(!page.contains(loaded), "{loaded} in {page}");
            }
        }
    }
}
