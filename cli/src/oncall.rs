//! Who is on call now.

use std::fmt::Write as _;

use watchkeeper::api::{OnCall, ScheduleNow};

use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, BLUE, BOLD, DIM, RED, Show, paint, text};

/// Says who is on call, by the same rule that pages them.
pub fn now(client: &Client, show: Show) -> Result<(), Failure> {
    let on_call: OnCall = client.get("/v1/oncall")?;
    show.print(&on_call, tell);
    Ok(())
}

fn tell(on_call: &OnCall) -> String {
    if on_call.schedules.is_empty() {
        return "The policy has no schedules: its escalations name people themselves.\n".to_owned();
    }
    on_call.schedules.iter().map(tell_one).collect()
}

fn tell_one(schedule: &ScheduleNow) -> String {
    let mut told = format!("{}\n", paint(BLUE, &text(&schedule.name)));
    match (&schedule.person, schedule.until) {
        (Some(person), Some(until)) => {
            let name = schedule.full_name.as_ref().map(|name| format!(" ({})", text(name))).unwrap_or_default();
            let _ = writeln!(told, "  {}{name} until {}", paint(BOLD, &text(person)), show::time(until));
        }
        _ => {
            let _ = writeln!(told, "  {}: its steps go on to the next at once", paint(RED, "nobody is on call"));
        }
    }
    if let Some(next) = &schedule.next {
        let until = show::time(next.until);
        let _ = writeln!(told, "  {}", paint(DIM, &format!("then {} until {until}", text(&next.person))));
    }
    told
}
