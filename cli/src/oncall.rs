//! Who is on call.

use std::fmt::Write as _;

use jiff::Timestamp;
use watchkeeper::api::{OnCall, ScheduleNow, Turn};

use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{self, BLUE, BOLD, DIM, RED, Show, paint, text};

/// Says who is on call, now or at `at`, by the same rule that pages them.
pub fn at(client: &Client, at: Option<Timestamp>, show: Show) -> Result<(), Failure> {
    let query = at.map(|at| format!("?at={}", encoded(&at.to_string()))).unwrap_or_default();
    let on_call: OnCall = client.get(&format!("/v1/oncall{query}"))?;
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
            let why = schedule.turn.as_ref().map(why).unwrap_or_default();
            let _ = writeln!(told, "  {}{name} until {}{why}", paint(BOLD, &text(person)), show::time(until));
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

/// Why it is nobody else, where that is not the rotation alone.
fn why(turn: &Turn) -> String {
    match (&turn.stands_in_for, &turn.override_id) {
        (Some(absent), _) => format!(", as {} is away", text(absent)),
        (None, Some(id)) => format!(", by override {}", text(id)),
        (None, None) => String::new(),
    }
}
