//! Opsgenie's Alert API v2, at its own paths and at those of Jira Service Management, so that its clients change only
//! their host. An alert there is an incident here, its `alias` our key, its id the incident's.
//!
//! What a sender creates or closes is a signal on the queue, as with every sender; what people do is a command on the
//! incident. Either way the answer is 202, and `GET /v2/alerts/requests/{id}` tells what became of it. A key sees
//! the alerts of its own integration, and no others.

use std::sync::Arc;
use std::time::Instant;

use domain::access::{AccessEvent, asked};
use domain::cause::{Cause, Principal, Proof};
use domain::incident::{Actor, Command, Incident, IncidentId, Refusal, Status};
use domain::log::Hash;
use domain::policy::{Kind, SecretRef};
use domain::recent::Known;
use domain::signal::{self, Severity};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::answers::Answers;
use crate::error::Error;
use crate::inhibition::Inhibitor;
use crate::lambda::Http;
use crate::query::pairs;
use crate::reply::Reply;
use crate::sender::opsgenie::{self as sender, Invalid};
use crate::sender::{self as senders, Request};
use crate::store::{
    AccessLog, Active, Groups, Heartbeats, Incidents, Loaded, Machine, Policies, Queue, Secrets, look_again,
};

mod alert;
mod ask;
mod call;
#[cfg(test)]
mod fuzz;
mod history;
mod listing;
mod reply;
mod request_id;
mod search;
mod status;

use alert::Alert;
use ask::{Asked, Change, What};
use call::{Action, Call, Show};
use reply::{Fault, Told};
use request_id::{Outcome, RequestId};

/// How many of the latest alerts of a status are looked through for one that is called by its number.
const NUMBERED: usize = 1000;

/// What answers as Opsgenie does.
pub struct AlertApi {
    /// The policies: who may ask.
    pub policies: Policies,
    /// How they prove it.
    pub secrets: Secrets,
    /// Where it is written down who was shown what.
    pub log: AccessLog,
    /// Where signals go.
    pub queue: Queue,
    /// The incidents.
    pub incidents: Incidents,
    /// The alerts of groups.
    pub groups: Groups,
    /// What is known of heartbeats.
    pub heartbeats: Heartbeats,
    /// The state machine of incidents: one more execution looks at once, where the incident's own is over or asleep.
    pub machine: Machine,
    /// What lets go of the alerts that an incident kept quiet, at its end.
    pub inhibitor: Inhibitor,
    /// Where the API is, for the addresses of further pages.
    pub base_url: String,
}

/// Whoever asks: the integration whose key it is, and the policy that knows it.
struct Caller {
    integration: String,
    active: Arc<Active>,
}

impl Caller {
    /// The cause of what they ask for in `request`.
    fn cause(&self, request: impl Into<String>) -> Cause {
        let actor = Actor::integration(&self.integration);
        Principal { actor, proof: Proof::SenderToken }.cause(request)
    }
}

/// What names an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Id(String),
    Alias(String),
    Tiny(String),
}

impl AlertApi {
    /// Answers a request. It always has an answer: a failure of ours asks the sender to come back.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Reply {
        let began = Instant::now();
        let (told, id) = match Box::pin(self.told(request, now)).await {
            Ok(told) => told,
            Err(error) => (Told::Fault(error.into()), None),
        };
        if let Told::Fault(fault) = &told {
            metrics::counter!("requests_refused", "reason" => fault.reason()).increment(1);
        }
        let id = id.map_or_else(|| RequestId::plain(&request.id), |id: RequestId| id.to_string());
        reply::reply(&told, &id, began.elapsed())
    }

    async fn told(&self, request: &Http, now: Timestamp) -> Result<(Told, Option<RequestId>), Error> {
        let Some(caller) = self.caller(&request.headers, now).await? else {
            return Ok((Told::Fault(Fault::unauthenticated()), None));
        };
        let integration = caller.active.policy.integrations.get(&caller.integration);
        if integration.is_some_and(|integration| !integration.hears(request.source)) {
            return Ok((Told::Fault(Fault::elsewhere()), None));
        }
        let call = match Call::of(&request.method, &request.path) {
            Ok(call) => call,
            Err(none) => return Ok((Told::Fault(none.into()), None)),
        };
        let asked = asked(request.method.as_str(), &request.path);
        let cause = caller.cause(format!("opsgenie/{}", request.id));
        let done = match call {
            Call::Create => self.create(&caller, request, now).await?,
            Call::Act(name, action) => self.act(&caller, &name, action, request, now).await?,
            Call::Ping(name) => (self.ping(&caller, &name, now).await?, None),
            Call::Show(show) => {
                // Side by side, so that nobody waits for the record alone.
                let written = self.log.append(&cause, AccessEvent::Read { asked }, now);
                let (written, shown) = tokio::join!(written, self.show(&caller, show, request));
                return written.and(shown).map(|told| (told, None));
            }
        };
        if let Told::Fault(fault) = &done.0 {
            self.log.append(&cause, AccessEvent::Refused { asked, status: fault.status() }, now).await?;
        }
        Ok(done)
    }

    /// Takes a heartbeat. Any key of Opsgenie's may send any, as there.
    async fn ping(&self, caller: &Caller, name: &str, now: Timestamp) -> Result<Told, Error> {
        if !caller.active.policy.heartbeats.contains_key(name) {
            return Ok(Told::Fault(Fault::no_heartbeat()));
        }
        self.heartbeats.ping(name, now).await?;
        metrics::counter!("heartbeats_received").increment(1);
        Ok(Told::Pong)
    }

    /// Answers a call that changes nothing.
    async fn show(&self, caller: &Caller, show: Show, request: &Http) -> Result<Told, Error> {
        match show {
            Show::List => self.list(caller, request).await,
            Show::Count => self.count(caller, request).await,
            Show::Status(id) => self.status(caller, &id).await,
            Show::Get(ref name) | Show::Notes(ref name) | Show::Logs(ref name) => {
                let incident = match self.find(caller, name, request).await? {
                    Ok(Some(incident)) => incident,
                    Ok(None) => return Ok(Told::Fault(Fault::no_alert())),
                    Err(invalid) => return Ok(Told::Fault(invalid.into())),
                };
                match show {
                    Show::Notes(_) => self.notes(&incident.id, request).await,
                    Show::Logs(_) => self.logs(&incident.id, request).await,
                    _ => self.get(&incident).await,
                }
            }
        }
    }

    /// Whose key a request shows; `None` when it is nobody's. One that is unknown may be newer than our memory.
    async fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Caller>, Error> {
        let Some(key) = key(headers) else { return Ok(None) };
        let active = self.policies.active(now).await?;
        let integrations = active.policy.integrations.iter();
        let owners: Vec<(&String, &SecretRef)> = integrations
            .filter(|(_, integration)| integration.kind == Kind::Opsgenie)
            .filter_map(|(name, integration)| Some((name, integration.secret.as_ref()?)))
            .collect();
        let needed: Vec<&SecretRef> = owners.iter().map(|(_, secret)| *secret).collect();
        let owner = |secrets: &Loaded| {
            let mut owner = None;
            for (name, secret) in &owners {
                // Every key is compared, in a time that does not tell which it was.
                let fits = secrets.get(secret).iter().fold(false, |found, secret| found | secret.matches(key));
                owner = if fits && owner.is_none() { Some((*name).clone()) } else { owner };
            }
            owner
        };
        let mut secrets = self.secrets.get(&needed, now).await?;
        let mut found = owner(&secrets);
        if found.is_none() {
            secrets = self.secrets.refetch(&needed, now).await?;
            found = owner(&secrets);
        }
        if found.is_none() && needed.iter().any(|secret| secrets.get(secret).is_empty()) {
            // It may be the very key that is missing: that is our mistake, and the sender must not be told to give up.
            return Err(Error::Misconfigured("an integration has no secret".to_owned()));
        }
        Ok(found.map(|integration| Caller { integration, active: Arc::clone(&active) }))
    }

    /// Opens an alert, or counts on the open one of its alias.
    async fn create(
        &self,
        caller: &Caller,
        request: &Http,
        now: Timestamp,
    ) -> Result<(Told, Option<RequestId>), Error> {
        let unnamed = Hash::of(request.id.as_bytes());
        let received = received(request, now);
        let created = sender::create(&received, &caller.active.policy, &unnamed.as_str()[..32]);
        let (alias, alert) = match created {
            Ok(created) => created,
            Err(invalid) => return Ok((Told::Fault(invalid.into()), None)),
        };
        let fingerprint = sender::fingerprint(&caller.integration, &alias);
        let id = RequestId::of(&fingerprint, Action::Create, &request.id);
        self.signal(caller, &received, &id, signal::Action::Trigger, &alias, alert).await?;
        Ok((Told::Accepted, Some(id)))
    }

    /// Does what is asked of an alert.
    async fn act(
        &self,
        caller: &Caller,
        name: &str,
        action: Action,
        request: &Http,
        now: Timestamp,
    ) -> Result<(Told, Option<RequestId>), Error> {
        let received = received(request, now);
        let asked = named(name, &request.query).and_then(|named| {
            let policy = &caller.active.policy;
            Ok((named, ask::read(action, &received, &request.query, policy, &caller.integration)?))
        });
        let (named, asked) = match asked {
            Ok(asked) => asked,
            Err(invalid) => return Ok((Told::Fault(invalid.into()), None)),
        };
        let alias = if let Named::Alias(alias) = &named { Some(alias.as_str()) } else { None };
        // A sender that closes what it created need not wait for what it created to be there.
        let found = match (&asked, alias) {
            (Asked { what: What::Close, note: None, by }, Some(_)) if by.is_integration() => None,
            _ => self.lookup(caller, &named).await?,
        };
        let fingerprint = match (&found, &named) {
            (Some(incident), _) => incident.id.fingerprint.clone(),
            (None, Named::Id(text)) if IncidentId::parse(text).is_some() => {
                IncidentId::parse(text).expect("it was just read").fingerprint
            }
            (None, Named::Id(text) | Named::Alias(text) | Named::Tiny(text)) => {
                sender::fingerprint(&caller.integration, text)
            }
        };
        let id = RequestId::of(&fingerprint, action, &request.id);
        let key = found.as_ref().map(|incident| incident.key.clone()).or_else(|| alias.map(str::to_owned));
        let open = found.as_ref().is_some_and(Incident::is_open);
        let known = found.as_ref().is_some_and(|found| found.knows_cause(&id.cause(), now) == Known::Yes);
        let queued = match (&asked.what, key) {
            // It came again: what it asked for is done.
            _ if known => None,
            // What a person closes is theirs in the log; what a sender closes goes in the order in which it sent.
            (What::Close, Some(key)) if !open || asked.by.is_integration() => Some((signal::Action::Resolve, key)),
            // Its creation may still be on the queue: this goes after it.
            (What::Acknowledge, Some(key)) if !open && alias.is_some() => Some((signal::Action::Acknowledge, key)),
            _ => None,
        };
        let outcome = match (queued, &found) {
            (Some((what, key)), _) => {
                if let (Some(note), Some(incident)) = (&asked.note, &found) {
                    self.note(caller, incident, note, &asked, &id, now).await?;
                }
                // What clears or takes on an alert says nothing new about it.
                let alert = signal::Alert { severity: Severity::Info, ..signal::Alert::default() };
                self.signal(caller, &received, &id, what, &key, alert).await?;
                Outcome::Queued
            }
            (None, Some(incident)) => Box::pin(self.carry_out(caller, incident, &asked, &id, now)).await?,
            (None, None) => Outcome::NoAlert,
        };
        Ok((Told::Accepted, Some(id.with(outcome))))
    }

    async fn signal(
        &self,
        caller: &Caller,
        received: &Request<'_>,
        id: &RequestId,
        action: signal::Action,
        alias: &str,
        alert: signal::Alert,
    ) -> Result<(), Error> {
        let signal = sender::signal(received, &caller.integration, id.cause(), action, alias, alert);
        self.queue.send(&[signal]).await?;
        metrics::counter!("signals_accepted", "integration" => caller.integration.clone()).increment(1);
        Ok(())
    }

    /// Writes down what is asked of `incident`, and says what came of it.
    async fn carry_out(
        &self,
        caller: &Caller,
        incident: &Incident,
        asked: &Asked,
        id: &RequestId,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let by = asked.by.clone();
        let policy = &caller.active.policy;
        let command = match &asked.what {
            What::Acknowledge => Command::Acknowledge { by },
            What::Unacknowledge => Command::Unacknowledge { by },
            What::Snooze(until) => Command::Snooze { by, until: *until },
            What::Note => Command::Note { by, text: asked.note.clone().unwrap_or_default() },
            What::Escalate(escalation) => {
                let Some(to) = escalation.assignee(policy) else { return Ok(Outcome::UnknownResponder) };
                let own = incident.decision.as_ref().map(|decision| format!("escalation:{}", decision.escalation));
                let same = own.is_none_or(|own| own == to.to_string());
                if same { Command::Escalate { by } } else { Command::Reassign { by, to } }
            }
            What::Assign(somebody) => {
                let Some(to) = somebody.assignee(policy) else { return Ok(Outcome::UnknownResponder) };
                Command::Reassign { by, to }
            }
            What::Respond(somebody) => {
                let Some(to) = somebody.assignee(policy) else {
                    let change = Change::AddResponder(somebody.clone());
                    return self.change(caller, incident, &change, asked, id, now).await;
                };
                Command::Reassign { by, to }
            }
            What::Change(change) => return self.change(caller, incident, change, asked, id, now).await,
            What::Close => Command::Resolve { by },
        };
        let cause = caller.cause(id.cause());
        let after = match self.answers().write(&incident.id, &command, &cause, now).await {
            Ok(after) => after,
            Err(error) => return refused(error),
        };
        // Messages that were sent still say what was before: a look brings them up to date.
        if after.paging.outdated(after.status).next().is_some() {
            let (name, input) = look_again(&after, &cause.request);
            self.machine.start(&name, &input).await?;
        }
        if let Some(note) = asked.note.as_ref().filter(|_| asked.what != What::Note) {
            self.note(caller, incident, note, asked, id, now).await?;
        }
        Ok(came_of(&after, &cause, now))
    }

    /// Changes what `incident` says, as it stands when it is changed.
    async fn change(
        &self,
        caller: &Caller,
        incident: &Incident,
        change: &Change,
        asked: &Asked,
        id: &RequestId,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let cause = caller.cause(id.cause());
        let decide = |incident: &Incident| {
            let amendment = change.amendment(&incident.alert);
            incident.decide(Command::Amend { by: asked.by.clone(), amendment }, now)
        };
        let after = match self.incidents.append(&incident.id, &cause, now, decide).await {
            Ok(after) => after,
            Err(error) => return refused(error),
        };
        if let Some(note) = &asked.note {
            self.note(caller, incident, note, asked, id, now).await?;
        }
        Ok(came_of(&after, &cause, now))
    }

    /// Writes down the note of a request that asks for something else.
    async fn note(
        &self,
        caller: &Caller,
        incident: &Incident,
        note: &str,
        asked: &Asked,
        id: &RequestId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let command = Command::Note { by: asked.by.clone(), text: note.to_owned() };
        let cause = caller.cause(format!("{}/note", id.cause()));
        let written = self.answers().write(&incident.id, &command, &cause, now).await;
        written.map(drop).or_else(|error| refused(error).map(drop))
    }

    async fn get(&self, incident: &Incident) -> Result<Told, Error> {
        let group = match &incident.member_of {
            Some(group) if incident.is_open() => Some(self.incidents.get(group).await?),
            _ => None,
        };
        let alert = Alert::of(incident, group.as_ref().filter(|group| group.is_open()).unwrap_or(incident));
        let alert = alert.ok_or_else(|| Error::NotFound("the alert".to_owned()))?;
        Ok(Told::Data(serde_json::json!(alert.whole(incident)), None))
    }

    /// The caller's alert that a path and a query name.
    async fn find(
        &self,
        caller: &Caller,
        name: &str,
        request: &Http,
    ) -> Result<Result<Option<Incident>, Invalid>, Error> {
        match named(name, &request.query) {
            Ok(named) => Ok(Ok(self.lookup(caller, &named).await?)),
            Err(invalid) => Ok(Err(invalid)),
        }
    }

    /// The caller's alert of this name; one that only its end is known of is none.
    async fn lookup(&self, caller: &Caller, named: &Named) -> Result<Option<Incident>, Error> {
        let found = match named {
            Named::Alias(alias) => self.incidents.latest(&sender::fingerprint(&caller.integration, alias)).await?,
            Named::Id(text) => match IncidentId::parse(text) {
                None => None,
                Some(id) => match self.incidents.get(&id).await {
                    Ok(incident) => Some(incident),
                    Err(Error::NotFound(_)) => None,
                    Err(error) => return Err(error),
                },
            },
            Named::Tiny(number) => self.numbered(caller, number).await?,
        };
        let own =
            |incident: &Incident| incident.status != Status::Expected && incident.integration == caller.integration;
        Ok(found.filter(own))
    }

    /// The caller's alert that people call by `number`: the open ones first. Two of one number are none, as either could
    /// be meant.
    async fn numbered(&self, caller: &Caller, number: &str) -> Result<Option<Incident>, Error> {
        for statuses in [&[Status::Triggered, Status::Acknowledged][..], &[Status::Resolved]] {
            let mut found = Vec::new();
            for status in statuses {
                let (mut seen, mut from) = (0, None);
                loop {
                    let page = self.incidents.list(*status, 100, from.as_deref()).await?;
                    seen += page.incidents.len();
                    found.extend(page.incidents.into_iter().filter(|incident| {
                        incident.integration == caller.integration && alert::tiny(&incident.id) == number
                    }));
                    from = page.next;
                    if from.is_none() || seen >= NUMBERED {
                        break;
                    }
                }
            }
            if !found.is_empty() {
                return Ok(found.pop().filter(|_| found.is_empty()));
            }
        }
        Ok(None)
    }

    fn answers(&self) -> Answers<'_> {
        Answers {
            incidents: &self.incidents,
            policies: &self.policies,
            machine: &self.machine,
            inhibitor: &self.inhibitor,
        }
    }
}

/// The key that a request shows.
fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("geniekey") && !key.is_empty()).then_some(key)
}

fn received(request: &Http, now: Timestamp) -> senders::Request<'_> {
    senders::Request {
        method: &request.method,
        path: &request.path,
        headers: &request.headers,
        body: &request.body,
        id: &request.id,
        source: request.source,
        certificate: None,
        received_at: now,
    }
}

/// What names an alert: `name`, which is what `identifierType` says it is.
fn named(name: &str, query: &str) -> Result<Named, Invalid> {
    let kind = pairs(query).find(|(field, _)| field == "identifierType").map(|(_, kind)| kind.to_lowercase());
    match kind.as_deref() {
        None | Some("id" | "") => Ok(Named::Id(name.to_owned())),
        Some("alias") => match sender::alias_fault(name) {
            None => Ok(Named::Alias(name.to_owned())),
            Some(fault) => Err(Invalid::field("alias", fault)),
        },
        Some("tiny") => Ok(Named::Tiny(name.to_owned())),
        Some(_) => Err(Invalid::field("identifierType", "Identifier type should be one of [ id, alias, tiny ]")),
    }
}

/// What came of a command that was taken.
fn came_of(after: &Incident, cause: &Cause, now: Timestamp) -> Outcome {
    if after.knows_cause(&cause.request, now) == Known::Yes { Outcome::Done } else { Outcome::AlreadySo }
}

/// What came of a command that was not taken; an error when it may be taken later.
fn refused(error: Error) -> Result<Outcome, Error> {
    match error {
        Error::Refused(Refusal::Unknown) | Error::NotFound(_) => Ok(Outcome::NoAlert),
        Error::Refused(Refusal::AlreadyResolved { .. }) => Ok(Outcome::Closed),
        Error::Refused(Refusal::AlreadyAcknowledged { .. }) => Ok(Outcome::Taken),
        Error::Refused(Refusal::AsksEverybody) => Ok(Outcome::AsksEverybody),
        // Whom it is given to is not in the policy that it was routed by.
        Error::InvalidEvent(_) => Ok(Outcome::UnknownResponder),
        error => Err(error),
    }
}
