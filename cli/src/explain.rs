//! What would happen to a payload, and why: the rules themselves are run, on a clock that only moves in thought.

use std::fmt::Write as _;
use std::net::IpAddr;

use domain::cause::Cause;
use domain::dedup;
use domain::enrich;
use domain::escalation::{self, Around, Next, Outcome};
use domain::incident::{Event, Incident, IncidentId};
use domain::log::Record;
use domain::policy::{Integration, Kind, Policy, SecretRef};
use domain::route;
use domain::schedule::Covers;
use domain::signal::{Action, Signal};
use domain::timeline::{self, Kind as Told};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use ureq::http::{HeaderMap, HeaderValue, Method};
use watchkeeper::api::{self, ActivePolicy, Timeline};
use watchkeeper::secret::Secret;
use watchkeeper::sender::{self, aws, email};

use crate::args::{self, Sender};
use crate::client::Client;
use crate::cover;
use crate::failure::Failure;
use crate::incidents;
use crate::past;
use crate::policy::{self, Warnings};
use crate::show::{self, BLUE, BOLD, DIM, Show, YELLOW, paint, text};

/// How often it is looked, in thought, before it counts as going on for ever.
const LOOKS: usize = 200;
/// How many open incidents are looked through for one to join.
const OPEN: u32 = 1000;
/// The routing key with which a payload is let in, in thought.
const KEY: &str = "00000000000000000000000000000000";

/// What would happen to a payload.
#[derive(Debug, Serialize)]
struct Explanation {
    integration: String,
    policy: String,
    signals: Vec<Signal>,
    incidents: Vec<Would>,
}

/// What would happen to one incident.
#[derive(Debug, Serialize)]
struct Would {
    /// The open incident that the signals would join; a new one would begin otherwise.
    joins: Option<String>,
    decision: Option<route::Decision>,
    timeline: Timeline,
}

/// Says what would happen to the payload in a file, or what was decided of an incident.
pub fn explain(
    asked: &args::Explain,
    client: impl FnOnce() -> Result<Client, Failure>,
    show: Show,
) -> Result<(), Failure> {
    if let Some(id) = past::incident(&asked.what) {
        return past::explain(id, asked, &client()?, show);
    }
    let body = std::fs::read(&asked.what)
        .map_err(|error| Failure::NotFound { what: format!("{}: {error}", asked.what.display()), fix: None })?;
    let sender = asked.sender.or_else(|| Sender::of(&body)).ok_or_else(|| {
        let file = asked.what.display();
        Failure::Usage(format!("{file} does not say whose it is: add --sender, such as --sender generic"))
    })?;
    let now = asked.at.unwrap_or_else(Timestamp::now);
    let (policy, covers, open) = if let Some(file) = &asked.policy {
        (policy::read(file, Warnings::LeftOut)?.0, Covers::default(), Vec::new())
    } else {
        let client = client()?;
        let ActivePolicy { policy, .. } = client.get("/v1/policy")?;
        let mut open = client.incidents(Some("triggered"), OPEN)?.incidents;
        open.extend(client.incidents(Some("acknowledged"), OPEN)?.incidents);
        (policy, cover::all(&client)?, open)
    };
    let (integration, signals) = read(sender, asked.integration.as_deref(), &body, &policy, now)?;
    let explanation = Explanation {
        integration,
        policy: policy.hash().to_string(),
        incidents: would(&signals, &policy, &covers, &open, now),
        signals,
    };
    show.print(&explanation, |explanation| tell(explanation, sender, now));
    Ok(())
}

/// The signals that `body` becomes, read by the same code that reads a real request, and the integration they come by.
fn read(
    sender: Sender,
    wanted: Option<&str>,
    body: &[u8],
    policy: &Policy,
    now: Timestamp,
) -> Result<(String, Vec<Signal>), Failure> {
    let kind = match sender {
        Sender::Cloudwatch | Sender::Aws => return event(sender, body, policy, now),
        Sender::Email => return mail(wanted, body, policy, now),
        Sender::Pagerduty => Kind::Pagerduty,
        Sender::Generic => Kind::StandardWebhooks,
        Sender::Alertmanager => Kind::Alertmanager,
        Sender::Prometheus => Kind::Prometheus,
        Sender::Datadog => Kind::Datadog,
        Sender::Github => Kind::Github,
        Sender::Gitlab => Kind::Gitlab,
        Sender::Grafana => Kind::Grafana,
        Sender::Intercom => Kind::Intercom,
        Sender::Oncall => Kind::Oncall,
        Sender::PagerdutyWebhook => Kind::PagerdutyWebhook,
        Sender::Sentry => Kind::Sentry,
        Sender::Zendesk => Kind::Zendesk,
        Sender::Json => Kind::Json,
    };
    let (name, integration) = integration(policy, kind, wanted)?;
    // The payload has no proof, and needs none in thought: its integration is let in by itself, and alone.
    let secret = Some(SecretRef("ssm:/none".to_owned()));
    let open = kind != Kind::Pagerduty;
    let here = IpAddr::from([127, 0, 0, 1]);
    let let_in = Integration { open, secret, from: vec![here.into()], ..integration };
    let alone = Policy { integrations: [(name.clone(), let_in)].into(), ..policy.clone() };
    let keys = [Secret::new(KEY)];
    let letter = sender.letter(&name, body, Some(&keys[0]).filter(|_| !open), "explain")?;
    let headers =
        HeaderMap::from_iter([(ureq::http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let request = sender::Request {
        method: &Method::POST,
        path: &letter.path,
        headers: &headers,
        body: &letter.body,
        source: Some(here),
        certificate: None,
        id: "explain",
        received_at: now,
    };
    let refused = |refused: sender::Refused| {
        let reply = refused.reply;
        Failure::failed(format!("it would be refused with status {}: {}", reply.status, reply.body))
    };
    let door = sender::door(request.method, request.path).map_err(refused)?;
    let received = sender::receive(&door, &request, &alone, &|_| &keys).map_err(refused)?;
    Ok((name, received.signals))
}

/// The integration that receives it.
fn integration(policy: &Policy, kind: Kind, wanted: Option<&str>) -> Result<(String, Integration), Failure> {
    let fits: Vec<(&String, &Integration)> = policy
        .integrations
        .iter()
        .filter(|(name, integration)| integration.kind == kind && wanted.is_none_or(|wanted| wanted == *name))
        .collect();
    match fits.as_slice() {
        [(name, integration)] => Ok(((*name).clone(), (*integration).clone())),
        [] => Err(Failure::NotFound {
            what: "the policy has no integration that would receive it".to_owned(),
            fix: Some("watchkeeper policy show lists those it has".to_owned()),
        }),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            Err(Failure::Usage(format!(
                "several integrations could receive it: add --integration, one of {}",
                names.join(", ")
            )))
        }
    }
}

/// An event of AWS, as EventBridge, SNS or an alarm itself brings it.
fn event(sender: Sender, body: &[u8], policy: &Policy, now: Timestamp) -> Result<(String, Vec<Signal>), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::failed(format!("it would be refused: {error}"));
    let event: serde_json::Value = serde_json::from_slice(body).map_err(|error| refused(&error))?;
    match aws::signals(&event, policy, now) {
        Ok(signals) => {
            let integration =
                signals.first().map_or_else(|| sender.name().to_owned(), |first| first.integration.clone());
            Ok((integration, signals))
        }
        Err(aws::NoSignal::Silent(why)) => Err(Failure::failed(format!("nothing would come of it: {why}"))),
        Err(malformed) => Err(refused(&malformed)),
    }
}

/// A mail that SES received. Whose address it was sent to is not asked: nobody here knows the secrets.
fn mail(wanted: Option<&str>, body: &[u8], policy: &Policy, now: Timestamp) -> Result<(String, Vec<Signal>), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::failed(format!("it would be refused: {error}"));
    let event: serde_json::Value = serde_json::from_slice(body).map_err(|error| refused(&error))?;
    let mails = email::mails(&event).unwrap_or(Err(aws::NoSignal::Silent("SES tells of no mail")));
    let mails = mails.map_err(|none| refused(&none))?;
    let (name, _) = integration(policy, Kind::Email, wanted)?;
    let signal = |mail: &email::Mail| mail.trusted().map(|()| mail.signal(&name, now));
    let signals: Result<_, _> = mails.iter().map(signal).collect();
    Ok((name.clone(), signals.map_err(|unheard| refused(&unheard))?))
}

/// What would become of `signals`, incident by incident.
fn would(signals: &[Signal], policy: &Policy, covers: &Covers, open: &[api::Incident], now: Timestamp) -> Vec<Would> {
    let mut signals: Vec<Signal> = signals.iter().filter(|signal| signal.action != Action::Change).cloned().collect();
    dedup::sort(&mut signals);
    let mut fingerprints = Vec::new();
    for signal in &signals {
        if !fingerprints.contains(&signal.fingerprint) {
            fingerprints.push(signal.fingerprint.clone());
        }
    }
    let one = |fingerprint| {
        let own: Vec<Signal> = signals.iter().filter(|signal| signal.fingerprint == fingerprint).cloned().collect();
        let begins = IncidentId { fingerprint: fingerprint.clone(), generation: 1 };
        let merge = dedup::merge(&fingerprint, None, &own, |_| false, now);
        let mut thought = Thought { incident: Incident::expected(begins), records: Vec::new(), policy, covers };
        thought.write("dedup", merge.events, now);
        thought.go_on(now);
        let told = timeline::timeline(&thought.records, Some(policy));
        let told = told.into_iter().filter(|entry| entry.kind != Told::Told).collect();
        let stem = format!("{fingerprint}-");
        Would {
            joins: open.iter().find(|known| known.id.starts_with(&stem)).map(|known| known.id.clone()),
            decision: thought.incident.decision.clone(),
            timeline: Timeline::of(&thought.incident.id, told),
        }
    };
    fingerprints.into_iter().map(one).collect()
}

/// An incident that only happens in thought.
struct Thought<'a> {
    incident: Incident,
    records: Vec<Record<Event>>,
    policy: &'a Policy,
    covers: &'a Covers,
}

impl Thought<'_> {
    fn write(&mut self, cause: &str, events: Vec<Event>, at: Timestamp) {
        if !events.is_empty() {
            let record = self.incident.record(&Cause::own(cause), events, at);
            let hash = record.seal().hash;
            self.incident.fold(&record, hash);
            self.records.push(record);
        }
    }

    /// Runs it to its end as if every message went through and nobody ever answered.
    fn go_on(&mut self, begun: Timestamp) {
        if !self.incident.is_open() {
            return;
        }
        let found = enrich::enrich(&self.incident, self.policy, Vec::new(), Vec::new());
        self.write("enrich", vec![Event::Enriched { found }], begun);
        let decision = route::decide(&self.incident, self.policy, &self.policy.hash(), begun);
        // As the first of its group, which waits for others.
        let waits = decision.group.as_ref().map_or(SignedDuration::ZERO, |group| group.wait);
        self.write("route", vec![Event::Routed { decision }], begun);
        let around = Around { policy: self.policy, covers: self.covers, silenced_until: None, turn: 0 };
        let mut now = begun + waits;
        for look in 0..LOOKS {
            let cause = format!("look {look}");
            self.write(&cause, escalation::due(&self.incident, around, &cause, now), now);
            let sent = self.incident.paging.to_send(&cause);
            let outcomes: Vec<_> =
                sent.map(|delivery| (delivery.id.clone(), Outcome::Accepted { reference: None })).collect();
            if !outcomes.is_empty() {
                self.write(&cause, vec![Event::Sent { outcomes }], now);
            }
            match escalation::next(&self.incident, around, now) {
                Next::At(at) => now = at,
                Next::Over(_) => return,
            }
        }
    }
}

/// What a mapping made of a payload, beside its title, its severity and its key.
fn mapped(signal: &Signal) -> String {
    let alert = &signal.alert;
    let mut fields = vec![("at", signal.at.to_string()), ("source", alert.source.clone())];
    fields.extend(alert.service.clone().map(|service| ("service", service)));
    fields.extend(alert.links.iter().map(|link| ("link", link.href.clone())));
    let labels = alert.labels.iter().map(|(name, value)| (format!("labels.{name}"), value.clone()));
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(labels);
    let mut told = String::new();
    for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(told, "  {} {}", paint(DIM, &format!("{}:", text(&name))), text(&value));
    }
    told
}

fn tell(explanation: &Explanation, sender: Sender, now: Timestamp) -> String {
    let policy = policy::short(&explanation.policy);
    let integration = text(&explanation.integration);
    let mut told = format!(
        "{} as {} of the integration {}, at {}, by policy {policy}. Nothing was sent.\n",
        paint(BOLD, "Read"),
        sender.name(),
        paint(BLUE, &integration),
        show::time(now),
    );
    for signal in &explanation.signals {
        let (action, meaning) = match signal.action {
            Action::Trigger => ("a problem", ""),
            Action::Acknowledge => ("somebody took it on", ""),
            Action::Resolve => ("the end of a problem", ""),
            Action::Change => ("a change", ": kept beside its service's incidents, and nobody is told"),
        };
        let severity = signal.alert.severity;
        let severity = paint(show::of_severity(severity), severity.as_str());
        let title = if signal.alert.title.is_empty() { &signal.key } else { &signal.alert.title };
        let _ = writeln!(told, "  {action}, {severity}: {}{meaning}", text(title));
        let key = format!("the sender calls it {}; we call it {}", text(&signal.key), signal.fingerprint);
        let _ = writeln!(told, "  {}", paint(DIM, &key));
        if sender == Sender::Json {
            told.push_str(&mapped(signal));
        }
    }
    if explanation.signals.is_empty() {
        told.push_str("  It says nothing that anybody would be told.\n");
    }
    for would in &explanation.incidents {
        told.push('\n');
        if let Some(id) = &would.joins {
            let joins = paint(YELLOW, "It would join an open incident");
            let _ = writeln!(told, "{joins}, {id}: counted, and nobody is told again.");
            told.push_str("If that were over, and if nobody answered:\n");
        } else {
            told.push_str("If nobody answered:\n");
        }
        told.push_str(&incidents::tell(&would.timeline));
    }
    told
}
