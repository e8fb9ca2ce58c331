//! Test pages: whether a person's contacts work, and how many seconds it is to the phone.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;
use watchkeeper::api::{Answer, DeliveryState, Incident, TestPage, TestedPage};

use crate::client::Client;
use crate::failure::Failure;
use crate::show::{self, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// How often it is asked whether somebody answered.
const EVERY: Duration = Duration::from_secs(1);

/// Sends a test page to `user`, or to the contact numbered from 1, and says what came of it; with `wait`, it waits so
/// many seconds at most for the person to answer it. The test is over when the command is.
pub fn send(client: &Client, user: &str, contact: Option<usize>, wait: Option<u64>, show: Show) -> Result<(), Failure> {
    let asked = TestPage { contact: contact.map(|number| number - 1) };
    let tested: TestedPage = client.post(&format!("/v1/people/{}/test-page", crate::client::encoded(user)), &asked)?;
    if !show.json {
        show::out(&tell(&tested));
    }
    let answered = match wait {
        Some(seconds) if tested.contacts.iter().any(|contact| reached(contact.delivery.state)) => {
            if !show.json {
                show::aside(&format!("Waiting for {} to answer it, {seconds} s at most...\n", text(user)));
            }
            wait_for(client, &tested, Duration::from_secs(seconds))?
        }
        _ => None,
    };
    // Whoever was tested may have ended it already.
    if client.incident(&tested.incident)?.resolved_at.is_none() {
        let _: Incident = client.post(&format!("/v1/incidents/{}/resolve", tested.incident), &Answer::default())?;
    }
    if show.json {
        let seconds = answered.map(|after| after.as_secs());
        show.print(&json!({ "test": tested, "answered_after_seconds": seconds }), |_| String::new());
    } else if let Some(after) = answered {
        show::out(&format!("{} after {} s\n", paint(GREEN, "answered"), after.as_secs()));
    }
    if tested.contacts.iter().all(|contact| !reached(contact.delivery.state)) {
        return Err(Failure::failed("no contact was reached"));
    }
    if wait.is_some() && answered.is_none() {
        return Err(Failure::failed("nobody answered it in time"));
    }
    Ok(())
}

const fn reached(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Accepted | DeliveryState::Delivered)
}

/// How long it took from the message to the answer, by the server's clock; `None` when nobody answered in time.
fn wait_for(client: &Client, tested: &TestedPage, longest: Duration) -> Result<Option<SignedDuration>, Failure> {
    let began = Instant::now();
    let sent = tested.contacts.iter().filter_map(|contact| contact.delivery.at).min();
    loop {
        let incident = client.incident(&tested.incident)?;
        if let Some(answered) = incident.acknowledged_at.or(incident.resolved_at) {
            return Ok(Some(answered.duration_since(sent.unwrap_or(incident.opened_at))));
        }
        let left = longest.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        sleep(EVERY.min(left));
    }
}

fn tell(tested: &TestedPage) -> String {
    let mut told = String::new();
    for contact in &tested.contacts {
        let delivery = &contact.delivery;
        let style = match delivery.state {
            DeliveryState::Accepted | DeliveryState::Delivered => GREEN,
            DeliveryState::Failed | DeliveryState::Cancelled => RED,
            DeliveryState::Sending | DeliveryState::Waiting | DeliveryState::Held => YELLOW,
        };
        let reason = delivery.reason.as_ref().map(|reason| format!(": {}", text(reason))).unwrap_or_default();
        let state = paint(style, delivery.state.as_str());
        let number = delivery.contact + 1;
        let took = paint(DIM, &format!("{} ms", contact.millis));
        let _ = writeln!(told, "contact {number} by {}  {state}{reason}  {took}", text(&delivery.channel));
    }
    told
}
