//! Heartbeats: listed, and sent.

use std::fmt::Write as _;

use domain::text::lasted;
use watchkeeper::api::{Heartbeat, HeartbeatList, HeartbeatState};

use crate::args::HeartbeatCommand;
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{self, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// Does what is asked about heartbeats.
pub fn heartbeats(client: &Client, what: HeartbeatCommand, show: Show) -> Result<(), Failure> {
    match what {
        HeartbeatCommand::List => {
            let list: HeartbeatList = client.get("/v1/heartbeats")?;
            show.print(&list, listed);
        }
        HeartbeatCommand::Ping { name } => {
            let sent: Heartbeat = client.post(&format!("/v1/heartbeats/{}", encoded(&name)), &())?;
            show.print(&sent, |sent| {
                let next = sent.due.map(|due| format!("; the next has to come until {}", show::time(due)));
                format!("{} was heard of{}\n", paint(BOLD, &text(&sent.name)), next.unwrap_or_default())
            });
        }
    }
    Ok(())
}

fn listed(list: &HeartbeatList) -> String {
    if list.heartbeats.is_empty() {
        return "The policy waits for no heartbeat: its section `heartbeats` names them.\n".to_owned();
    }
    list.heartbeats.iter().map(tell).collect()
}

fn tell(heartbeat: &Heartbeat) -> String {
    let (colour, word) = match heartbeat.state {
        HeartbeatState::Waiting => (YELLOW, "waiting"),
        HeartbeatState::Alive => (GREEN, "alive"),
        HeartbeatState::Missing => (RED, "missing"),
    };
    let mut told = format!("{}  {}", paint(BOLD, &text(&heartbeat.name)), paint(colour, word));
    let last = heartbeat.last.map_or_else(|| "it never came".to_owned(), |at| format!("it came {}", show::time(at)));
    let due = match (heartbeat.due, heartbeat.state) {
        (Some(due), HeartbeatState::Missing) => format!(", and should have come until {}", show::time(due)),
        (Some(due), _) => format!(", and has to come until {}", show::time(due)),
        (None, _) => String::new(),
    };
    let service = heartbeat.service.as_ref().map(|service| format!(" of {}", text(service))).unwrap_or_default();
    let _ = writeln!(told, "\n  {last}{due}");
    let _ = writeln!(told, "  {}", paint(DIM, &format!("every {}{service}", lasted(heartbeat.every))));
    told
}
