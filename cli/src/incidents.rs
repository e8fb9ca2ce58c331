//! Incidents for a person to read: the list, and the story of one.

use std::fmt::Write as _;

use anstyle::Style;
use domain::log;
use domain::policy::Ladder;
use domain::timeline::{Kind, lasted};
use jiff::tz::TimeZone;
use watchkeeper::api::{AlertList, AlertStatus, Delivery, DeliveryState, Incident, IncidentList, Status, Timeline};

use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, BLUE, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// As much of an id as is shown in a list.
const SHORT: usize = 8;
/// How many alerts of a group are shown.
const ALERTS: u32 = 50;
/// As much of an alert as is shown in a list, in characters.
const ALERT: usize = 120;
/// As much of a title as is shown in a list, in characters.
const LONGEST: usize = 80;

/// Lists incidents.
pub fn list(client: &Client, status: Option<args::Status>, limit: u32, show: Show) -> Result<(), Failure> {
    let wanted = status.map(|status| match status {
        args::Status::Triggered => "triggered",
        args::Status::Acknowledged => "acknowledged",
        args::Status::Resolved => "resolved",
    });
    let list = client.incidents(wanted, limit)?;
    show.print(&list, |list| tell_list(list, wanted));
    Ok(())
}

fn tell_list(list: &IncidentList, wanted: Option<&str>) -> String {
    if list.incidents.is_empty() {
        let which = wanted.map(|word| format!(" {word}")).unwrap_or_default();
        return format!("No{which} incidents. All is quiet.\n{}\n", paint(DIM, "Try one: watchkeeper send pagerduty"));
    }
    let short = short(&list.incidents);
    let plain = Style::new();
    let rows: Vec<[(Style, String); 7]> = list
        .incidents
        .iter()
        .map(|incident| {
            let who = match incident.status {
                Status::Triggered => String::new(),
                Status::Acknowledged => incident.acknowledged_by.clone().unwrap_or_default(),
                Status::Resolved => incident.resolved_by.clone().unwrap_or_default(),
            };
            [
                (BLUE, incident.id.chars().take(short).collect()),
                (show::of_status(incident.status), incident.status.as_str().to_owned()),
                (show::of_severity(incident.severity), incident.severity.as_str().to_owned()),
                (plain, show::time(incident.opened_at)),
                (plain, incident.occurrences.to_string()),
                (plain, text(&who)),
                (plain, short_title(incident)),
            ]
        })
        .collect();
    let mut told = show::table(["ID", "STATUS", "SEVERITY", "OPENED", "TIMES", "BY", "TITLE"], &rows);
    if list.next.is_some() {
        let _ = writeln!(told, "{}", paint(DIM, "There are more: --limit shows them."));
    }
    told
}

/// How many characters of their ids tell these incidents apart.
fn short(incidents: &[Incident]) -> usize {
    let clash = |length: usize| {
        let mut heads: Vec<&str> = incidents.iter().map(|known| known.id.get(..length).unwrap_or(&known.id)).collect();
        heads.sort_unstable();
        heads.windows(2).any(|pair| pair[0] == pair[1])
    };
    let longest = incidents.iter().map(|known| known.id.len()).max().unwrap_or(SHORT);
    (SHORT..longest).find(|length| !clash(*length)).unwrap_or(longest)
}

fn short_title(incident: &Incident) -> String {
    let service = incident.service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
    let title = text(&format!("{service}{}", incident.title));
    match title.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title,
    }
}

/// Tells the story of one incident, and with `verify` checks that its log is as it was written.
pub fn one(client: &Client, id: &str, verify: bool, show: Show) -> Result<(), Failure> {
    let id = client.full_id(id)?;
    let incident = client.incident(&id)?;
    let story: Timeline = client.get(&format!("/v1/incidents/{id}/timeline"))?;
    let alerts: Option<AlertList> = if incident.group.is_some() {
        Some(client.get(&format!("/v1/incidents/{id}/alerts?limit={ALERTS}"))?)
    } else {
        None
    };
    let verified = if verify { Some(verified(client, &incident)?) } else { None };
    if show.json {
        let mut object = serde_json::json!({"incident": incident, "timeline": story});
        if let Some(alerts) = &alerts {
            object["alerts"] = serde_json::json!(alerts.alerts);
        }
        if let Some((records, head)) = &verified {
            object["verified"] = serde_json::json!({"records": records, "head": head});
        }
        show.print(&object, |_| String::new());
        return Ok(());
    }
    let mut told = card(&incident);
    told.extend(alerts.as_ref().map(tell_alerts));
    told.push('\n');
    told.push_str(&tell(&story));
    if let Some((records, head)) = verified {
        let _ = writeln!(told, "\n{} {records} records, unbroken. The last one's hash is", paint(GREEN, "Verified:"));
        let _ = writeln!(told, "  {head}");
    }
    show::out(&told);
    Ok(())
}

/// Lists the alerts of a group.
fn tell_alerts(list: &AlertList) -> String {
    let rows: Vec<[(Style, String); 4]> = list
        .alerts
        .iter()
        .map(|alert| {
            let (style, status) = match alert.status {
                AlertStatus::Firing => (RED, "firing"),
                AlertStatus::Resolved => (GREEN, "resolved"),
            };
            let labels = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            let what = text(&format!("{} {}", alert.title, labels.join(" ")));
            let what = what.trim_end().chars().take(ALERT).collect();
            [
                (style, status.to_owned()),
                (BLUE, alert.incident.clone()),
                (Style::new(), show::time(alert.since)),
                (Style::new(), what),
            ]
        })
        .collect();
    let more = if list.next.is_some() { paint(DIM, "There are more: the API lists them.\n") } else { String::new() };
    format!("\n{}{more}", show::table(["ALERT", "INCIDENT", "SINCE", "TITLE AND LABELS"], &rows))
}

/// Checks the chain from its first record to where the incident says it ends.
fn verified(client: &Client, incident: &Incident) -> Result<(usize, log::Hash), Failure> {
    let stream = format!("incident#{}", incident.id);
    let records = client.records(&incident.id)?;
    let head = log::verify(&stream, &records.entries);
    let head = head.map_err(|broken| Failure::Broken { stream: stream.clone(), broken })?;
    // More may have been written since the incident was read, but never less, and nothing else.
    let place = usize::try_from(incident.records).ok().and_then(|count| count.checked_sub(1));
    let same = place.and_then(|place| records.entries.get(place)).is_some_and(|entry| entry.hash == incident.head);
    if same { Ok((records.entries.len(), head)) } else { Err(Failure::Truncated { stream }) }
}

/// The head of the page: what it is, how it stands, who has it.
fn card(incident: &Incident) -> String {
    let mut card = String::new();
    let status = paint(show::of_status(incident.status), &incident.status.as_str().to_uppercase());
    let level = incident.level.map(|level| match level {
        Ladder::Sev1 => " SEV1",
        Ladder::Sev2 => " SEV2",
        Ladder::Sev3 => " SEV3",
        Ladder::Sev4 => " SEV4",
    });
    let _ = writeln!(card, "{status}{} {}", level.unwrap_or_default(), paint(BOLD, &text(&incident.title)));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(card, "  {} {value}", paint(DIM, &format!("{name:<12}")));
    };
    line("id", incident.id.clone());
    if let Some(bridge) = &incident.bridge {
        line("bridge", text(bridge));
    }
    let severity = paint(show::of_severity(incident.severity), incident.severity.as_str());
    line("severity", format!("{severity}, reported {}", times(incident.occurrences)));
    if let Some(service) = &incident.service {
        let team = incident.team.as_ref().map(|team| format!(", team {}", text(team)));
        line("service", format!("{}{}", text(service), team.unwrap_or_default()));
    }
    if !incident.source.is_empty() {
        line("affects", text(&incident.source));
    }
    line("from", text(&format!("{} ({})", incident.integration, incident.key)));
    if let Some(count) = &incident.alerts {
        let muted = if count.muted > 0 { format!(", {} kept quiet", count.muted) } else { String::new() };
        line("alerts", format!("{} firing, {} over{muted}", count.firing, count.resolved));
    }
    if let Some(group) = &incident.member_of {
        line("told with", format!("the group {group}"));
    }
    if let Some(source) = &incident.inhibited_by {
        line("quiet while", format!("{source} is open"));
    }
    line("opened", show::time(incident.opened_at));
    let later = |at: Option<jiff::Timestamp>| {
        at.map(|at| format!("{} ({} later)", show::time(at), lasted(at.duration_since(incident.opened_at))))
    };
    if let Some(to) = &incident.assigned_to {
        line("given to", text(to));
    }
    if incident.status == Status::Triggered {
        for answer in &incident.acknowledgements {
            let waits = text(&incident.awaiting.join(" and "));
            line("acknowledged", format!("by {}, and waits for {waits}", text(&answer.by)));
        }
    }
    for sleeper in &incident.waiting {
        line("waits", format!("until {}: quiet hours of {}", show::time(sleeper.until), text(&sleeper.person)));
    }
    if let (Some(by), Some(at)) = (&incident.acknowledged_by, later(incident.acknowledged_at)) {
        line("acknowledged", format!("by {}, {at}", text(by)));
    }
    if let Some(until) = incident.acknowledgement_expires_at {
        line("until", show::time(until));
    }
    if let (Some(by), Some(at)) = (&incident.resolved_by, later(incident.resolved_at)) {
        line("resolved", format!("by {}, {at}", text(by)));
    }
    for delivery in &incident.deliveries {
        line("told", told(delivery));
    }
    for link in &incident.links {
        line("see", format!("{} {}", text(&link.text), text(&link.href)));
    }
    card
}

/// Whom, by what, and what came of it: `ana by sms: failed, no such number`.
fn told(delivery: &Delivery) -> String {
    let whom = delivery.to.strip_prefix("person:").unwrap_or(&delivery.to);
    let (style, until) = match delivery.state {
        DeliveryState::Delivered | DeliveryState::Accepted => (GREEN, None),
        DeliveryState::Failed => (RED, None),
        DeliveryState::Sending | DeliveryState::Waiting | DeliveryState::Held => (YELLOW, delivery.until),
        DeliveryState::Cancelled => (DIM, None),
    };
    let until = until.map(|until| format!(" until {}", show::clock(until))).unwrap_or_default();
    let tried = if delivery.attempts > 1 { format!(", {} attempts", delivery.attempts) } else { String::new() };
    let reason = delivery.reason.as_ref().map(|reason| format!(", {}", text(reason))).unwrap_or_default();
    let state = paint(style, delivery.state.as_str());
    format!("{} by {}: {state}{until}{tried}{reason}", text(whom), text(&delivery.channel))
}

pub fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The story, a day at a time.
pub fn tell(story: &Timeline) -> String {
    let mut told = String::new();
    let mut today = None;
    for entry in &story.entries {
        let date = entry.at.to_zoned(TimeZone::system()).date();
        if today != Some(date) {
            today = Some(date);
            let _ = writeln!(told, "{}", paint(BOLD, &show::day(entry.at)));
        }
        let (sign, style) = mark(entry.kind);
        let clock = paint(DIM, &show::clock(entry.at));
        let _ = writeln!(told, "  {clock}  {}  {}", paint(style, sign), text(&entry.text));
        for line in &entry.detail {
            let _ = writeln!(told, "               {}", paint(DIM, &text(line)));
        }
    }
    told
}

/// A sign for each sort of thing, so that the eye finds what it looks for; the words say it without colour too.
const fn mark(kind: Kind) -> (&'static str, Style) {
    match kind {
        Kind::Opened => ("!", RED),
        Kind::Signalled => ("+", DIM),
        Kind::Enriched => ("i", BLUE),
        Kind::Routed => (">", BLUE),
        Kind::Silenced => ("-", YELLOW),
        Kind::SilenceEnded | Kind::Telling => (">", YELLOW),
        Kind::Told => ("*", GREEN),
        Kind::Updated => ("*", DIM),
        Kind::Failed | Kind::Unanswered => ("x", RED),
        Kind::Acknowledged | Kind::Snoozed => ("@", YELLOW),
        Kind::Expired | Kind::Unacknowledged | Kind::FollowedUp | Kind::Escalated | Kind::Reassigned => ("^", RED),
        Kind::Denied => ("x", YELLOW),
        Kind::Noted | Kind::Amended => ("#", BLUE),
        Kind::Resolved => ("=", GREEN),
    }
}
