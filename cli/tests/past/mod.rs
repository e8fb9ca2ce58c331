//! A past to rehearse policies on: incidents decided by the policy of the tests, by the rules themselves.

use domain::cause::Cause;
use domain::fingerprint::Fingerprint;
use domain::incident::{Event, Incident, IncidentId};
use domain::policy::Policy;
use domain::rehearse::Recorded;
use domain::route::Router;
use domain::signal::{Alert, Severity};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The recorded incidents: each a service, an environment and an hour of the day in UTC.
const INCIDENTS: [(&str, &str, i64); 6] = [
    ("checkout", "prod", 3),
    ("checkout", "prod", 12),
    ("checkout", "stage", 23),
    ("search", "test", 4),
    ("search", "prod", 13),
    ("unknown", "prod", 14),
];

/// The incident that stands at this place, decided by `policy`; its events, for a log.
pub(crate) fn events(number: usize, policy: &Policy) -> (Incident, Vec<Event>) {
    let (service, env, hour) = INCIDENTS[number];
    let key = format!("{service}-{env}-{hour}");
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("generic", &key), generation: 1 });
    let day: Timestamp = "2026-11-10T00:00:00Z".parse().unwrap();
    let at = day + jiff::SignedDuration::from_hours(hour);
    let alert = Alert {
        title: format!("{service} of {env} is down"),
        severity: Severity::Critical,
        service: Some(service.to_owned()),
        labels: [("env".to_owned(), env.to_owned())].into(),
        ..Alert::default()
    };
    let opened = Event::Opened { integration: "generic".to_owned(), key, alert, follows: None };
    incident.apply(&opened, at);
    let decision = Router::new(policy.clone(), policy.hash()).decide(&incident, at);
    let routed = Event::Routed { decision };
    incident.apply(&routed, at);
    incident.occurrences = 2;
    (incident, vec![opened, routed])
}

/// All of them, as the API tells them.
pub(crate) fn history(policy: &Policy) -> Vec<Recorded> {
    (0..INCIDENTS.len()).filter_map(|number| Recorded::of(&events(number, policy).0)).collect()
}

/// The log of the first of them, as the API tells it.
pub(crate) fn log(policy: &Policy) -> (String, Value) {
    let (incident, events) = events(0, policy);
    let fresh = Incident::expected(incident.id.clone());
    let entry = fresh.record(&Cause::own("dedup"), events, incident.opened_at.unwrap()).seal();
    let records = json!({ "stream": incident.id.stream(), "entries": [entry], "next": null });
    (incident.id.to_string(), records)
}
