//! Responding: every answer of a person, from the API, a link or Slack, as one command on the same incident.

use std::sync::Arc;
use std::time::Duration;

use domain::escalation::{Delivery, contact_of};
use domain::incident::{Actor, Command, Event, Incident, IncidentId, Refusal};
use domain::policy::SecretRef;
use futures_util::future::join_all;
use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::api::{self, Situation};
use crate::channel::{Channels, Message, slack};
use crate::confirm;
use crate::error::Error;
use crate::form::{self, Answer};
use crate::inhibition::Inhibitor;
use crate::lambda::{Http, read_object};
use crate::link::Links;
use crate::read::id_of;
use crate::reply::Reply;
use crate::secret::Secret;
use crate::sender::verify;
use crate::store::{Active, Incidents, Loaded, Machine, Policies, Secrets, look_again};

/// How long bringing messages up to date may keep whoever answered waiting.
const SHOWN_WITHIN: Duration = Duration::from_millis(1500);
/// The longest note, in characters.
const NOTE: usize = 4096;

/// The longest name somebody answers under, in characters.
const NAME: usize = 128;

/// What takes answers.
pub struct Responder {
    /// Who may use the API.
    pub access: Access,
    /// The incidents.
    pub incidents: Incidents,
    /// The policies.
    pub policies: Policies,
    /// The state machine of incidents: one more execution looks at once, where the incident's own is over or asleep.
    pub machine: Machine,
    /// What lets go of the alerts that an incident kept quiet, at its end.
    pub inhibitor: Inhibitor,
    /// The ways to tell somebody, so that a message shows an answer at once.
    pub channels: Channels,
    /// Slack's signing secret and the links' secret are in here.
    pub secrets: Secrets,
    /// The parameter with the links' secret.
    pub links: SecretRef,
    /// Where links lead.
    pub base_url: String,
}

impl Responder {
    /// Answers a request.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["v1", "incidents", id, action] => self.api(request, id, action, now).await,
            ["v1", "slack", "interactions"] => self.slack(request, now).await,
            ["l", token] => self.link(request, token, now).await,
            _ => Ok(Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")),
        }
    }

    /// An answer by the API. With an `Idempotency-Key` a request that comes again is known.
    async fn api(&self, request: &Http, id: &str, action: &str, now: Timestamp) -> Result<Reply, Error> {
        let token = match self.access.check(&request.headers, now).await? {
            Ok(token) => token,
            Err(refused) => return Ok(refused),
        };
        if !matches!(action, "acknowledge" | "resolve" | "escalate" | "notes") {
            return Ok(Reply::problem(Situation::NotFound, "the actions are acknowledge, resolve, escalate and notes"));
        }
        if request.method != Method::POST {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use POST").with("allow", "POST"));
        }
        let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
        let said: api::Answer = read_object(body)?;
        if said.by.as_ref().is_some_and(|by| by.trim().is_empty() || by.chars().count() > NAME) {
            return Err(Error::InvalidEvent(format!("`by` is a name of at most {NAME} characters")));
        }
        let by = said.by.as_deref().map_or_else(|| Actor::token(&token), Actor::person);
        let command = match action {
            "acknowledge" => Command::Acknowledge { by },
            "resolve" => Command::Resolve { by },
            "escalate" => Command::Escalate { by },
            _ => {
                let text = said.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| Error::InvalidEvent("a note needs a text".to_owned()))?;
                Command::Note { by, text: domain::text::cut(text, NOTE) }
            }
        };
        let key = request.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        let cause = format!("api/{token}/{action}/{}", key.unwrap_or(&request.id));
        let incident = self.command(&id_of(id)?, &command, &cause, now).await?;
        let view = api::Incident::of(&incident, Some(&self.base_url));
        Ok(Reply::json(200, &view.ok_or(Error::Refused(Refusal::Unknown))?))
    }

    /// A link of a message: GET shows and asks, POST does. Opening a link changes nothing, whoever opens it.
    async fn link(&self, request: &Http, token: &str, now: Timestamp) -> Result<Reply, Error> {
        let secrets = self.secrets.get(&[&self.links], now).await?;
        let links = Links::new(secrets.get(&self.links).to_vec(), &self.base_url);
        let links = links.ok_or_else(|| Error::Misconfigured("there is no secret for links".to_owned()))?;
        let Some((id, delivery)) = links.parse(token) else { return Ok(page(404, confirm::nowhere())) };
        let incident = self.incidents.get(&id).await?;
        let person = told(&incident, &delivery);
        match request.method {
            Method::GET | Method::HEAD => Ok(page(200, confirm::incident(&incident, person))),
            Method::POST => {
                let answer = form::field(&request.body, "action").and_then(|word| Answer::parse(&word));
                let Some(answer) = answer else { return Ok(page(400, confirm::incident(&incident, person))) };
                let cause = format!("link/{delivery}/{}", request.id);
                let command = command_of(answer, Actor::link_holder(person));
                match self.command(&id, &command, &cause, now).await {
                    Ok(incident) => Ok(page(200, confirm::answered(&incident, answer, Ok(())))),
                    Err(Error::Refused(refusal)) => {
                        let incident = self.incidents.get(&id).await?;
                        Ok(page(409, confirm::answered(&incident, answer, Err(&refusal))))
                    }
                    Err(error) if error.is_retryable() => Ok(page(503, confirm::later()).with("retry-after", "2")),
                    Err(error) => Err(error),
                }
            }
            _ => Ok(page(405, confirm::incident(&incident, person)).with("allow", "GET, POST")),
        }
    }

    /// A button in Slack: 200 with nothing in it, or with a message that only the person who pressed sees.
    async fn slack(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        if request.method != Method::POST {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use POST").with("allow", "POST"));
        }
        let active = self.policies.active(now).await?;
        let Some(provider) = &active.policy.providers.slack else {
            return Ok(Reply::problem(Situation::NotFound, "the policy has no Slack"));
        };
        let signing = &provider.signing_secret;
        let signed = |secrets: &Loaded| {
            verify::verify(&verify::SLACK, &request.headers, &request.body, secrets.get(signing), now).is_ok()
        };
        // A signature that fits nothing may be made with a secret that is newer than our memory.
        if !signed(&self.secrets.get(&[signing], now).await?) && !signed(&self.secrets.refetch(&[signing], now).await?)
        {
            metrics::counter!("requests_unauthorized").increment(1);
            return Ok(Reply::problem(Situation::Unauthorized, "the signature is not valid"));
        }
        let Ok(pressed) = slack::interaction(&request.body) else {
            return Ok(Reply::problem(Situation::InvalidRequest, "not a button of ours"));
        };
        let Some(person) = active.policy.person_of_slack(&pressed.user) else {
            tracing::warn!(incident.id = %pressed.incident, "somebody who is not in the policy pressed a button");
            self.channels.whisper(&pressed, "You are not in Watchkeeper's policy, so this changed nothing.").await;
            return Ok(Reply::empty(200));
        };
        let command = command_of(pressed.answer, Actor::person(person));
        // One press has one time, however often Slack delivers it (faults.md, C11).
        let cause = format!("slack/{}/{}", pressed.user, pressed.pressed_at);
        match self.command(&pressed.incident, &command, &cause, now).await {
            Ok(_) => {}
            Err(Error::Refused(refusal)) => {
                self.channels.whisper(&pressed, &format!("Nothing changed: {refusal}.")).await;
            }
            Err(error) => return Err(error),
        }
        Ok(Reply::empty(200))
    }

    /// Writes an answer down, and lets everybody see it.
    async fn command(
        &self,
        id: &IncidentId,
        command: &Command,
        cause: &str,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        let decide = |incident: &Incident| incident.decide(command.clone(), now);
        let note = matches!(command, Command::Note { .. });
        // People are told of the group, so what they say of one of its alerts they say of the group.
        let group = if note { None } else { self.incidents.get(id).await?.member_of };
        let mut incident = self.incidents.append(group.as_ref().unwrap_or(id), cause, now, decide).await?;
        // After the last step nobody looks any more: somebody must, when an acknowledgement made then expires.
        let taken_late = matches!(command, Command::Acknowledge { .. }) && incident.paging.exhausted;
        // And nobody looks at a group that a person ended before its next flush: its alerts are to end with it.
        let ended = incident.group.is_some() && matches!(command, Command::Resolve { .. });
        if matches!(command, Command::Resolve { .. }) {
            self.inhibitor.release(&incident.id).await?;
        }
        if matches!(command, Command::Escalate { .. }) || taken_late || ended {
            let (name, input) = look_again(&incident, cause);
            self.machine.start(&name, &input).await?;
        }
        if let Some(decision) = incident.decision.clone()
            && incident.paging.outdated(incident.status).next().is_some()
            && let Ok(active) = self.policies.by_hash(&decision.policy).await
        {
            incident = self.show(incident, &active, cause, now).await?;
        }
        Ok(incident)
    }

    /// Brings messages up to date that can be changed in place. What fails here, the next look does again.
    async fn show(
        &self,
        incident: Incident,
        active: &Arc<Active>,
        cause: &str,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        let secrets = async |reference: &SecretRef| {
            let loaded = self.secrets.get(&[reference], now).await?;
            Ok::<Arc<[Secret]>, Error>(loaded.get(reference).into())
        };
        let made = secrets(&self.links).await.ok().and_then(|secrets| Links::new(secrets.to_vec(), &self.base_url));
        let updates = incident.paging.outdated(incident.status).map(async |(delivery, reference)| {
            let address = contact_of(&active.policy, delivery)?;
            let person = active.policy.display_name(&delivery.to);
            let link =
                made.as_ref().map_or_else(|| self.base_url.clone(), |links| links.url(&incident.id, &delivery.id));
            let message = Message { incident: &incident, delivery, address, person, link: &link, now };
            let outcome = self.channels.update(&active.policy, &secrets, &message, reference).await?;
            Some((delivery.id.clone(), outcome))
        });
        // Whoever answered waits for this: Slack for three seconds at most.
        let updated = tokio::time::timeout(SHOWN_WITHIN, join_all(updates)).await.unwrap_or_default();
        let outcomes: Vec<_> = updated.into_iter().flatten().collect();
        if outcomes.is_empty() {
            return Ok(incident);
        }
        let written = self.incidents.write(&incident, cause, vec![Event::Sent { outcomes }], now).await?;
        Ok(written.unwrap_or(incident))
    }
}

/// A page for a person, with the headers that every such page has.
fn page(status: u16, body: String) -> Reply {
    let (first, rest) = confirm::HEADERS.split_first().expect("the media type is the first");
    let reply = Reply { content_type: first.1, body, ..Reply::empty(status) };
    rest.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
}

/// Whom a delivery was for, by the short name in the policy.
fn told<'a>(incident: &'a Incident, delivery: &'a str) -> &'a str {
    let known = incident.paging.deliveries.iter().find(|known| known.id == delivery);
    let to = known.map_or(delivery, |Delivery { to, .. }| to.as_str());
    to.split_once(':').map_or(to, |(_, name)| name)
}

fn command_of(answer: Answer, by: Actor) -> Command {
    match answer {
        Answer::Acknowledge => Command::Acknowledge { by },
        Answer::Resolve => Command::Resolve { by },
    }
}
