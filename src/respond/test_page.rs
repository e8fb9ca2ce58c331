//! Test pages: whether a person's contacts work, and how fast.
//!
//! A test page is an incident of its own that is only recorded: no step of it begins later and nobody else is told. So its
//! links, buttons and replies answer it as they would a real one, and what providers report afterwards is in its log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use domain::cause::{Cause, Principal};
use domain::escalation::{Attempt, Outcome, Position, contact_of};
use domain::fingerprint::Fingerprint;
use domain::incident::{Event, Incident, IncidentId, TEST_PAGES};
use domain::policy::{Handling, Person, SecretRef};
use domain::route;
use domain::signal::{Alert, Severity};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::Responder;
use crate::api::{self, Situation, TestPage, TestedContact, TestedPage};
use crate::channel::Message;
use crate::error::Error;
use crate::lambda::{Http, read_object};
use crate::link::Links;
use crate::reply::Reply;
use crate::secret::Secret;
use crate::store::{Active, pause};

/// How often an outcome is written again when somebody answers at the same time.
const TRIES: u32 = 20;

impl Responder {
    /// Sends a test message to the contacts of `name`, and says what came of each.
    pub(super) async fn test_page(
        &self,
        request: &Http,
        name: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
        let TestPage { contact } = read_object(body)?;
        let active = self.policies.active(now).await?;
        let Some(person) = active.policy.people.get(name) else {
            return Ok(Reply::problem(Situation::NotFound, "the policy has no such person"));
        };
        let attempts = attempts(name, person, contact, token);
        if attempts.is_empty() {
            return Ok(Reply::problem(Situation::InvalidRequest, "this person has no such contact"));
        }
        let key = request.idempotency_key().unwrap_or(&request.id);
        let id = IncidentId { fingerprint: Fingerprint::of(TEST_PAGES, key), generation: 1 };
        let before = Incident::expected(id.clone());
        let cause = Principal::token(token).cause(format!("api/{token}/test-page/{}", request.id));
        let events = opening(&before, &active, name, attempts, now);
        let Some(opened) = self.incidents.write(&before, &cause, events, now).await? else {
            return Ok(Reply::problem(Situation::Conflict, "this test page was sent already"));
        };
        tracing::info!(incident.id = %id, person = name, token, "a test page is sent");
        let (outcomes, millis) = self.send_test(&opened, &active, now).await;
        let tested = self.conclude_test(opened, &cause, outcomes, now).await?;
        let deliveries = tested.paging.deliveries.iter().map(|delivery| TestedContact {
            delivery: api::Delivery::of(delivery),
            millis: millis.get(&delivery.id).copied().unwrap_or_default(),
        });
        Ok(Reply::json(200, &TestedPage { incident: id.to_string(), contacts: deliveries.collect() }))
    }

    /// Sends every message, side by side: what came of each, and how many milliseconds it took.
    async fn send_test(
        &self,
        incident: &Incident,
        active: &Arc<Active>,
        now: Timestamp,
    ) -> (Vec<(String, Outcome)>, BTreeMap<String, u64>) {
        let secrets = async |reference: &SecretRef| {
            let loaded = self.secrets.get(&[reference], now).await?;
            Ok::<Arc<[Secret]>, Error>(loaded.get(reference).into())
        };
        let links = secrets(&self.links).await.ok().and_then(|secrets| Links::new(secrets.to_vec(), &self.base_url));
        let sends = incident.paging.deliveries.iter().map(async |delivery| {
            let address = contact_of(&active.policy, delivery)?;
            let link =
                links.as_ref().map_or_else(|| self.base_url.clone(), |links| links.url(&incident.id, &delivery.id));
            let person = active.policy.display_name(&delivery.to);
            let message = Message { incident, delivery, address, person, link: &link, now, more: 0 };
            let began = Instant::now();
            let outcome = self.channels.send(&active.policy, &secrets, &message).await;
            // A test is one try: what failed is told, and not tried again behind the tester's back.
            let outcome = match outcome {
                Outcome::Failed { reason, .. } => Outcome::Rejected { reason },
                other => other,
            };
            Some((delivery.id.clone(), outcome, u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)))
        });
        let sent: Vec<_> = join_all(sends).await.into_iter().flatten().collect();
        let millis = sent.iter().map(|(id, _, millis)| (id.clone(), *millis)).collect();
        (sent.into_iter().map(|(id, outcome, _)| (id, outcome)).collect(), millis)
    }

    /// Writes down what came of it, even when the person answered already.
    async fn conclude_test(
        &self,
        opened: Incident,
        cause: &Cause,
        outcomes: Vec<(String, Outcome)>,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        let mut current = opened;
        for attempt in 0..TRIES {
            let events = vec![Event::Sent { outcomes: outcomes.clone() }];
            if let Some(after) = self.incidents.write(&current, cause, events, now).await? {
                return Ok(after);
            }
            pause(attempt, crate::store::STEP).await;
            current = self.incidents.get(&current.id).await?;
        }
        Err(Error::Conflict)
    }
}

/// A message to each contact, or to the one that is asked for.
fn attempts(name: &str, person: &Person, contact: Option<usize>, cause: &str) -> Vec<Attempt> {
    let contacts = person.contacts.iter().enumerate().filter(|(place, _)| contact.is_none_or(|asked| asked == *place));
    contacts
        .map(|(place, contact)| Attempt {
            delivery: format!("1-{name}-{place}"),
            to: format!("person:{name}"),
            contact: place,
            channel: contact.address.channel().to_owned(),
            attempt: 1,
            cause: cause.to_owned(),
        })
        .collect()
}

/// The first record of a test page: what it is, that it is only recorded, and what is about to be sent.
fn opening(before: &Incident, active: &Active, name: &str, attempts: Vec<Attempt>, now: Timestamp) -> Vec<Event> {
    let title = format!("Test page for {name}: acknowledge it to show that it arrived");
    let alert = Alert { title, severity: Severity::Info, ..Alert::default() };
    let (integration, key) = (TEST_PAGES.to_owned(), before.id.to_string());
    let mut decision = route::fallback(before, &active.policy, &active.hash, now, "it is a test page");
    decision.handling = Handling::Record;
    "it is a test page".clone_into(&mut decision.why);
    vec![
        Event::Opened { integration, key, alert, follows: None },
        Event::Routed { decision },
        Event::StepBegan {
            position: Position { round: 0, step: 0, catch_all: false },
            found: Vec::new(),
            nobody: Vec::new(),
            picked: None,
            everybody: false,
            time_zones: None,
        },
        Event::Sending { attempts },
    ]
}
