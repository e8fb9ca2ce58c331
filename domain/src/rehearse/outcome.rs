//! What a decision comes to: who hears of an incident first, and by which route.

use jiff::Timestamp;
use serde::Serialize;

use super::Recorded;
use crate::escalation::{self, Around};
use crate::incident::{Event, Incident, IncidentId, Status};
use crate::policy::{Escalation, Handling, Mode, Policy};
use crate::route::{Decision, Noise, Router};
use crate::schedule::Covers;

/// Who hears of an incident first, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Outcome {
    /// What is done.
    pub what: What,
    /// Who is told first, such as `person:ana`; nobody when the list is empty.
    pub who: Vec<String>,
    /// The last route that matched, with its parents'; none when no route did.
    pub route: Option<String>,
    /// The escalation that goes on if nobody answers.
    pub escalation: String,
    /// The reason in one sentence.
    pub why: String,
}

/// What is done with an incident, once the mode is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somebody is paged.
    Page,
    /// Somebody is told once.
    Ticket,
    /// Nobody is told.
    Nothing,
    /// Nobody is told, as it is only simulated.
    Simulated,
}

impl Outcome {
    /// Whether anybody's phone rings.
    pub fn pages(&self) -> bool {
        self.what == What::Page && !self.who.is_empty()
    }

    /// What `router` makes of `recorded` at `at`, with the overrides and absences of `covers`.
    pub(super) fn of(recorded: &Recorded, router: &Router, covers: &Covers, at: Timestamp) -> Self {
        let mut decision = recorded.anew(router, at);
        let trace = std::mem::take(&mut decision.trace);
        // What never came often enough would have told nobody.
        let rare = matches!(decision.noise, Some(Noise::Threshold { count, .. }) if !recorded.reached(count));
        let what = match (decision.mode, decision.handling) {
            _ if rare => What::Nothing,
            (Mode::Simulate, Handling::Page | Handling::Ticket) => What::Simulated,
            (Mode::Execute, Handling::Page) => What::Page,
            (Mode::Execute, Handling::Ticket) => What::Ticket,
            (_, Handling::Record | Handling::Suppress) => What::Nothing,
        };
        let tells = matches!(what, What::Page | What::Ticket);
        let (why, escalation) = (std::mem::take(&mut decision.why), decision.escalation.clone());
        let mut who =
            if tells { told_first(recorded.id.clone(), decision, router.policy(), covers) } else { Vec::new() };
        who.sort_unstable();
        let route = trace.into_iter().rfind(|looked| looked.matched).map(|looked| looked.route);
        Self { what, who, route, escalation, why }
    }

    /// The escalation behind it, in its policy.
    pub(super) fn steps<'a>(&self, policy: &'a Policy) -> Option<&'a Escalation> {
        policy.escalations.get(&self.escalation)
    }
}

/// Who hears first of the incident `id` if `decision` is carried out at its own time, such as `person:ana`.
///
/// The engine itself is asked, so a rehearsal tells whom the night would have told.
pub fn told_first(id: IncidentId, decision: Decision, policy: &Policy, covers: &Covers) -> Vec<String> {
    let now = decision.at;
    let decision = Some(Decision { mode: Mode::Execute, noise: None, ..decision });
    let incident = Incident { status: Status::Triggered, opened_at: Some(now), decision, ..Incident::expected(id) };
    let around = Around { policy, covers, silenced_until: None, turn: 0 };
    // Quiet hours only put the message off: whom the step found is who would hear.
    let found = escalation::due(&incident, around, "rehearsal", now).into_iter().find_map(|event| match event {
        Event::StepBegan { found, .. } if !found.is_empty() => Some(found),
        _ => None,
    });
    found.into_iter().flatten().map(|found| found.to).collect()
}
