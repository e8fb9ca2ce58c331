//! Calendars: secret addresses that a calendar program subscribes to.

use watchkeeper::api::{CalendarList, CalendarOf, NewCalendar, Removed};

use crate::args::{CalendarCommand, Of};
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{self, BLUE, DIM, GREEN, Show, paint, text};

/// Makes, lists and ends calendars.
pub fn calendars(client: &Client, command: CalendarCommand, show: Show) -> Result<(), Failure> {
    match command {
        CalendarCommand::Create(of) | CalendarCommand::Rotate(of) => {
            let new: NewCalendar =
                client.post("/v1/calendars", &CalendarOf { person: of.person, schedule: of.schedule })?;
            show.print(&new, |new| {
                let note =
                    "Whoever has this address can read it. It is shown once; an address before it leads nowhere now.";
                format!("{}\n{}\n", text(&new.url), paint(DIM, note))
            });
        }
        CalendarCommand::List => {
            let list: CalendarList = client.get("/v1/calendars")?;
            show.print(&list, tell);
        }
        CalendarCommand::Remove(of) => {
            let (kind, name) = named(of);
            let removed: Removed =
                client.delete(&format!("/v1/calendars/{kind}/{}", encoded(&name)), &serde_json::json!({}))?;
            show.print(&removed, |removed| format!("{} {}\n", paint(GREEN, "removed"), text(&removed.id)));
        }
    }
    Ok(())
}

fn named(of: Of) -> (&'static str, String) {
    match of.schedule {
        Some(schedule) => ("schedule", schedule),
        None => ("person", of.person.unwrap_or_default()),
    }
}

fn tell(list: &CalendarList) -> String {
    if list.calendars.is_empty() {
        return "No calendars.\n".to_owned();
    }
    let line = |calendar: &watchkeeper::api::Calendar| {
        let CalendarOf { person, schedule } = calendar.of.clone();
        let (kind, name) = named(Of { person, schedule });
        let name = paint(BLUE, &text(&name));
        format!("{kind} {name}, made by {} at {}\n", text(&calendar.by), show::time(calendar.at))
    };
    list.calendars.iter().map(line).collect()
}
