//! The look of a Slack message, within Slack's limits.
//!
//! Texts of senders are escaped, so that no title can mention a whole channel or show one link and open another.

use domain::text::{cut, visible};
use serde_json::{Value, json};

use crate::channel::{Message, text};
use crate::form::Answer;

/// The longest header. <https://docs.slack.dev/reference/block-kit/blocks/header-block>
const HEADER: usize = 150;
/// The longest text of a section. <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const SECTION: usize = 3000;
/// The longest field of a section.
const FIELD: usize = 2000;
/// The longest fallback text that is worth a notification.
const FALLBACK: usize = 600;
/// The most links shown; a message holds 50 blocks, and its reader wants one screen.
const LINKS: usize = 5;

/// The arguments of `chat.postMessage`.
pub(super) fn post(channel: &str, message: &Message<'_>) -> Value {
    let mut arguments = arguments(message);
    arguments["channel"] = channel.into();
    arguments["unfurl_links"] = false.into();
    arguments["unfurl_media"] = false.into();
    arguments
}

/// The arguments of `chat.update`.
pub(super) fn update(channel: &str, ts: &str, message: &Message<'_>) -> Value {
    let mut arguments = arguments(message);
    arguments["channel"] = channel.into();
    arguments["ts"] = ts.into();
    arguments
}

fn arguments(message: &Message<'_>) -> Value {
    json!({ "text": escaped(&text::line(message), FALLBACK), "blocks": blocks(message) })
}

fn blocks(message: &Message<'_>) -> Vec<Value> {
    let Message { incident, person, link, .. } = message;
    let answered = text::answered(incident);
    let service = text::service(incident).unwrap_or_else(|| "unknown".to_owned());
    let header = format!("[{}] {service}", text::severity(incident));
    let title = format!("*{}*\n{}", escaped(&text::title(incident), SECTION / 2), anchor(link, "Open the incident"));
    let opened = incident.opened_at.map_or_else(String::new, text::clock);
    let fields = [
        ("Severity", text::severity(incident)),
        ("Service", service),
        ("Occurrences", incident.occurrences.to_string()),
        ("On call", visible(person)),
        ("Opened", opened),
    ];
    let fields: Vec<Value> =
        fields.iter().map(|(name, value)| markdown(&format!("*{name}*\n{}", escaped(value, FIELD - 40)))).collect();
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": escaped(&header, HEADER), "emoji": false } }),
        json!({ "type": "section", "text": markdown(&title) }),
        json!({ "type": "section", "fields": fields }),
    ];
    if let Some(bridge) = incident.bridge() {
        blocks.insert(1, json!({ "type": "section", "text": markdown(&anchor(bridge, "Join the bridge")) }));
    }
    if let Some(links) = links(message) {
        blocks.push(json!({ "type": "context", "elements": [markdown(&links)] }));
    }
    if let Some(answered) = &answered {
        blocks.push(json!({ "type": "context", "elements": [markdown(&escaped(answered, FIELD))] }));
    }
    let awaited = incident.awaited();
    if !awaited.is_empty() {
        let names = |names: Vec<&str>| names.into_iter().map(visible).collect::<Vec<_>>().join(", ");
        let given = names(incident.acknowledgements.iter().map(|answer| answer.by.name()).collect());
        let given = if given.is_empty() { String::new() } else { format!("Acknowledged by {given}. ") };
        let waits = format!("{given}Each must acknowledge: {}", names(awaited));
        blocks.push(json!({ "type": "context", "elements": [markdown(&escaped(&waits, FIELD))] }));
    }
    let buttons = buttons(message);
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "block_id": "answer", "elements": buttons }));
    }
    blocks
}

/// The answers that a message takes; none once somebody gave one.
fn buttons(message: &Message<'_>) -> Vec<Value> {
    let incident = message.incident;
    if text::answered(incident).is_some() {
        return Vec::new();
    }
    let button = |answer: Answer, label: &str, style: Option<&str>| {
        let mut button = json!({
            "type": "button",
            "action_id": answer.as_str(),
            "value": incident.id,
            "text": { "type": "plain_text", "text": label },
        });
        if let Some(style) = style {
            button["style"] = style.into();
        }
        button
    };
    vec![
        button(Answer::Acknowledge, "Acknowledge", Some("primary")),
        button(Answer::Snooze, "Snooze 1 h", None),
        button(Answer::Resolve, "Resolve", Some("danger")),
    ]
}

/// Runbooks and graphs: the team's own first, then the sender's.
fn links(message: &Message<'_>) -> Option<String> {
    let found = message.incident.enrichment.iter().flat_map(|found| &found.links);
    let all = found.chain(&message.incident.alert.links).filter(|link| {
        let web = link.href.starts_with("https://") || link.href.starts_with("http://");
        // A link that is cut in the middle would lead elsewhere.
        web && link.href.len() <= 300
    });
    let mut shown = String::new();
    for anchor in all.take(LINKS).map(|link| anchor(&link.href, &link.text)) {
        if shown.len() + anchor.len() + 4 < SECTION {
            shown.push_str(if shown.is_empty() { "" } else { " · " });
            shown.push_str(&anchor);
        }
    }
    (!shown.is_empty()).then_some(shown)
}

/// `<href|text>`, from which nothing can break out.
fn anchor(href: &str, label: &str) -> String {
    let href: String = visible(href).replace('|', "%7C").replace(' ', "%20");
    let label = visible(label).replace('|', "/");
    let label = if label.trim().is_empty() { "Link".to_owned() } else { cut(&label, 60) };
    format!("<{}|{}>", escaped(&href, SECTION / 2), escaped(&label, FIELD))
}

/// Text that shows as it is written: links, names and mentions in it are not made live.
fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// `text` in at most `limit` characters with the three characters escaped that Slack gives a meaning.
pub(super) fn escaped(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        let more = piece.len().max(1);
        // One place is kept for the sign that something is missing.
        if length + more >= limit {
            out.push('…');
            break;
        }
        length += more;
        if piece.is_empty() { out.push(c) } else { out.push_str(piece) }
    }
    out
}

#[cfg(test)]
mod tests {
    use domain::signal::Link;

    use super::*;
    use crate::channel::fixture::{self, Told};

    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(text)) = map.get("text") {
                    out.push(text.clone());
                }
                map.values().for_each(|inner| texts(inner, out));
            }
            Value::Array(items) => items.iter().for_each(|inner| texts(inner, out)),
            _ => {}
        }
    }

    #[test]
    fn a_message_shows_what_happened_with_buttons_that_name_the_incident() {
        insta::assert_json_snapshot!(post("C1", &Told::new().message()));
    }

    #[test]
    fn an_answered_message_says_who_and_when_and_has_no_buttons() {
        let mut told = Told::new();
        fixture::acknowledge(&mut told.incident);
        let taken = update("C1", "1.2", &told.message()).to_string();
        assert!(taken.contains("Acknowledged by bo at 2026-11-21 12:05 UTC"), "{taken}");
        fixture::resolve(&mut told.incident);
        let ended = update("C1", "1.2", &told.message()).to_string();
        assert!(ended.contains("Resolved by bo at 2026-11-21 12:10 UTC"), "{ended}");
        assert!(!taken.contains("button") && !ended.contains("button"));
    }

    #[test]
    fn b15_no_title_can_call_everybody_or_dress_up_a_link() {
        let mut told = Told::new();
        told.incident.alert.title = "<!channel> <http://x|click> <@U1> & \u{202e}".to_owned();
        told.incident.alert.service = Some("<!here>".to_owned());
        told.incident.alert.links = vec![
            Link { href: "https://x/>|<!channel>".to_owned(), text: "<!channel>|x".to_owned() },
            Link { href: "javascript:alert(1)".to_owned(), text: "no".to_owned() },
        ];
        let mut all = Vec::new();
        texts(&post("C1", &told.message()), &mut all);
        let all = all.join("\n");
        for forbidden in ["<!", "<http://x|", "<@U1", "javascript:", "\u{202e}"] {
            assert!(!all.contains(forbidden), "{forbidden} in {all}");
        }
        assert!(all.contains("&lt;!channel&gt; &lt;http://x|click&gt;"), "{all}");
    }

    #[test]
    fn j14_the_longest_incident_stays_within_slacks_limits() {
        let mut told = Told::new();
        let long = "&<>é".repeat(5000);
        told.incident.alert.title.clone_from(&long);
        told.incident.alert.service = Some(long.clone());
        told.incident.alert.links =
            vec![Link { href: format!("https://x/{}", "&".repeat(280)), text: long.clone() }; 16];
        let mut message = told.message();
        message.person = &long;
        let sent = post("C1", &message);
        let blocks = sent["blocks"].as_array().expect("blocks");
        assert!(blocks.len() <= 50);
        let mut all = Vec::new();
        texts(&sent["blocks"], &mut all);
        assert!(all.iter().all(|text| text.chars().count() <= 3000));
        assert!(blocks[0]["text"]["text"].as_str().expect("a header").chars().count() <= HEADER);
        let fields = blocks[2]["fields"].as_array().expect("fields");
        assert!(fields.iter().all(|field| field["text"].as_str().expect("a text").chars().count() <= FIELD));
    }

    #[test]
    fn a_cut_never_splits_what_is_escaped() {
        assert_eq!(escaped("a&b", 10), "a&amp;b");
        assert_eq!(escaped("a&b", 5), "a…");
        assert_eq!(escaped("abc", 3), "ab…");
    }
}
