//! Silences and maintenance: made, listed, shown, ended and made longer.

use std::fmt::Write as _;

use domain::silence::{Kind, State};
use watchkeeper::api::{Silence, SilenceList, SilenceRequest};

use crate::args::{MaintenanceCommand, SilenceCommand};
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{self, BLUE, BOLD, DIM, GREEN, Show, YELLOW, paint, text};

/// How much of an id is shown in a list.
const SHORT: usize = 8;

/// Does what is asked about silences.
pub fn silence(client: &Client, what: SilenceCommand, show: Show) -> Result<(), Failure> {
    match what {
        SilenceCommand::Add { matchers, lasts, reason, by } => {
            let matchers = Some(matchers);
            let asked = SilenceRequest { matchers, lasts: Some(lasts), reason: Some(reason), by, ..<_>::default() };
            let made: Silence = client.post("/v1/silences", &asked)?;
            show.print(&made, |made| changed("silenced until", made));
        }
        SilenceCommand::List { expired, hygiene } => {
            let SilenceList { mut silences } = client.get("/v1/silences")?;
            // What lacks a reason is looked into even when it is over.
            silences.retain(|one| expired || hygiene || one.state != State::Expired);
            silences.retain(|one| !hygiene || one.reason.is_empty() && one.suppressed > 0);
            show.print(&SilenceList { silences }, |list| listed(list, "Nothing is silenced.\n"));
        }
        SilenceCommand::Show { id } => {
            let silence: Silence = client.get(&format!("/v1/silences/{}", full_id(client, &id)?))?;
            show.print(&silence, tell);
        }
        SilenceCommand::Expire { ids, by } => return expire(client, &ids, by, show),
        SilenceCommand::Extend { id, lasts } => {
            let asked = SilenceRequest { lasts: Some(lasts), ..SilenceRequest::default() };
            let body = serde_json::to_string(&asked).map_err(|error| Failure::failed(error.to_string()))?;
            let silence: Silence = client.put(&format!("/v1/silences/{}", full_id(client, &id)?), body)?;
            show.print(&silence, |silence| changed("silenced until", silence));
        }
    }
    Ok(())
}

/// Does what is asked about maintenance.
pub fn maintenance(client: &Client, what: MaintenanceCommand, show: Show) -> Result<(), Failure> {
    let path = |service: &str| format!("/v1/services/{}/maintenance", encoded(service));
    match what {
        MaintenanceCommand::Start { service, lasts, reason, by } => {
            let asked = SilenceRequest { lasts: Some(lasts), reason: Some(reason), by, ..<_>::default() };
            let made: Silence = client.post(&path(&service), &asked)?;
            show.print(&made, |made| changed("in maintenance until", made));
        }
        MaintenanceCommand::End { service, by } => {
            client.delete::<()>(&path(&service), &SilenceRequest { by, ..SilenceRequest::default() })?;
            show.print(&(), |()| format!("{} {}\n", paint(GREEN, "maintenance is over:"), text(&service)));
        }
        MaintenanceCommand::List => {
            let SilenceList { mut silences } = client.get("/v1/silences")?;
            silences.retain(|one| one.kind == Kind::Maintenance && one.state != State::Expired);
            show.print(&SilenceList { silences }, |list| listed(list, "No service is in maintenance.\n"));
        }
    }
    Ok(())
}

/// Ends each of `ids`; one that is refused does not keep the others from their end.
fn expire(client: &Client, ids: &[String], by: Option<String>, show: Show) -> Result<(), Failure> {
    let asked = SilenceRequest { by, ..SilenceRequest::default() };
    let mut refused: Option<Failure> = None;
    for id in ids {
        let ended = full_id(client, id).and_then(|id| client.delete(&format!("/v1/silences/{id}"), &asked));
        match ended {
            Ok(silence) => show.print(&silence, |silence: &Silence| changed("expired at", silence)),
            Err(failure @ (Failure::Unreachable { .. } | Failure::Unauthorized { .. })) => return Err(failure),
            Err(failure) => {
                // The last is told by the caller; those before it are told here.
                if let Some(earlier) = refused.replace(failure) {
                    show::fail(&earlier);
                }
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

/// The full id that `id` is the beginning of.
fn full_id(client: &Client, id: &str) -> Result<String, Failure> {
    let id = id.trim().to_ascii_lowercase();
    let known: SilenceList = client.get("/v1/silences")?;
    let mut found = known.silences.into_iter().map(|one| one.id).filter(|known| known.starts_with(&id));
    match (found.next(), found.next()) {
        (Some(only), None) if !id.is_empty() => Ok(only),
        (Some(_), _) => Err(Failure::Usage(format!("more than one silence begins with {id}"))),
        (None, _) => Err(Failure::NotFound {
            what: format!("no silence begins with {id}"),
            fix: Some("watchkeeper silence list --expired lists them".to_owned()),
        }),
    }
}

/// What became of a silence, in one line.
fn changed(what: &str, silence: &Silence) -> String {
    let what = paint(GREEN, &format!("{what} {}:", show::time(silence.until)));
    let held = silence.suppressed;
    let held = if held == 0 { String::new() } else { format!(" (has suppressed {held})") };
    format!("{what} {} {}{held}\n", silence.id, text(&silence.matchers.join(", ")))
}

fn listed(list: &SilenceList, none: &str) -> String {
    if list.silences.is_empty() {
        return none.to_owned();
    }
    let row = |one: &Silence| {
        let style = if one.state == State::Active { YELLOW } else { DIM };
        let reason = if one.reason.is_empty() { "no reason given" } else { &one.reason };
        [
            (BLUE, one.id.chars().take(SHORT).collect()),
            (style, one.state.as_str().to_owned()),
            (DIM, show::time(one.until)),
            (BOLD, one.suppressed.to_string()),
            (DIM, text(&one.by)),
            (DIM, text(&one.matchers.join(", "))),
            (DIM, text(reason)),
        ]
    };
    let rows: Vec<_> = list.silences.iter().map(row).collect();
    show::table(["ID", "STATE", "UNTIL", "SUPPRESSED", "BY", "MATCHERS", "REASON"], &rows)
}

fn tell(silence: &Silence) -> String {
    let what = match silence.kind {
        Kind::Silence => "Silence",
        Kind::Maintenance => "Maintenance",
    };
    let mut told = format!("{} {} ({})\n", paint(BOLD, what), silence.id, silence.state.as_str());
    let reason = if silence.reason.is_empty() { "none given" } else { &silence.reason };
    let lines = [
        ("means", text(&silence.matchers.join(", "))),
        ("from", show::time(silence.from)),
        ("until", show::time(silence.until)),
        ("by", text(&silence.by)),
        ("reason", text(reason)),
        ("suppressed", silence.suppressed.to_string()),
    ];
    for (name, value) in lines {
        let _ = writeln!(told, "  {} {value}", paint(DIM, &format!("{name:<10}")));
    }
    for incident in silence.incidents.iter().flatten() {
        let _ = writeln!(told, "    {incident}");
    }
    told
}
