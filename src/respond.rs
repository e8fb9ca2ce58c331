//! Responding: every answer of a person, from the API, a link or Slack, as one command on the same incident.

use std::sync::Arc;
use std::time::Duration;

use domain::cause::{Cause, Principal, Proof};
use domain::escalation::{Delivery, contact_of};
use domain::incident::{Actor, Command, Event, Incident, IncidentId, Refusal};
use domain::policy::SecretRef;
use futures_util::future::join_all;
use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::access::Access;
use crate::answers::Answers;
use crate::api::{self, Situation};
use crate::channel::{Channels, Message, slack};
use crate::confirm;
use crate::error::Error;
use crate::form::{self, Answer};
use crate::inhibition::Inhibitor;
use crate::lambda::Http;
use crate::link::Links;
use crate::read::id_of;
use crate::reply::Reply;
use crate::secret::Secret;
use crate::sender::verify;
use crate::store::{Active, Incidents, Loaded, Machine, Policies, Secrets, Subjects};

mod ask;
mod linked;
mod several;
mod subject;
mod test_page;
mod twilio;

pub(crate) use ask::{NAME, NOTE, SNOOZE as LONGEST_SNOOZE};

/// How long bringing messages up to date may keep whoever answered waiting.
const SHOWN_WITHIN: Duration = Duration::from_millis(1500);
/// How long the button and the page put an incident off.
pub(crate) const SNOOZE: SignedDuration = SignedDuration::from_hours(1);

/// What takes answers.
pub struct Responder {
    /// Who may use the API.
    pub access: Access,
    /// The incidents.
    pub incidents: Incidents,
    /// The keys of what people write about somebody.
    pub subjects: Subjects,
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
            ["v1", "slack", "interactions"] => Box::pin(self.slack(request, now)).await,
            ["v1", "twilio", about @ ..] => self.twilio(request, about, now).await,
            ["l", token] => Box::pin(self.link(request, token, now)).await,
            ["v1", "incidents" | "subjects", _] | ["v1", "incidents" | "people", _, _] => {
                let answer = async |token: String| self.api(request, &path, &token, now).await;
                self.access.answer(request, now, answer).await
            }
            _ => Ok(nowhere()),
        }
    }

    /// An answer by the API, of the holder of `token`.
    async fn api(&self, request: &Http, path: &[&str], token: &str, now: Timestamp) -> Result<Reply, Error> {
        if let ["v1", "subjects", subject] = path {
            return self.erase(request, subject, token, now).await;
        }
        if request.method != Method::POST {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use POST").with("allow", "POST"));
        }
        match path {
            ["v1", "incidents", action @ ("acknowledge" | "resolve")] => {
                self.several(request, action, token, now).await
            }
            ["v1", "incidents", id, action] => self.one_command(request, id, action, token, now).await,
            ["v1", "people", name, "test-page"] => self.test_page(request, name, token, now).await,
            _ => Ok(nowhere()),
        }
    }

    /// An answer to one incident. With an `Idempotency-Key` a request that comes again is known.
    async fn one_command(
        &self,
        request: &Http,
        id: &str,
        action: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let Some(command) = ask::command(action, &request.body, token, now)? else {
            return Ok(Reply::problem(Situation::NotFound, ask::ACTIONS));
        };
        let (id, cause) = (id_of(id)?, cause(request, token, action));
        let command = match (command, ask::about(action, &request.body)?) {
            (Command::Note { by, text }, Some(about)) => self.sealed(&id, by, &text, &about).await?,
            (command, _) => command,
        };
        let incident = Box::pin(self.command(&id, &command, &cause, now)).await?;
        let view = api::Incident::of(&incident, Some(&self.base_url));
        Ok(Reply::json(200, &view.ok_or(Error::Refused(Refusal::Unknown))?))
    }

    /// A link of a message: GET shows and asks, POST does. Opening a link changes nothing, whoever opens it.
    async fn link(&self, request: &Http, token: &str, now: Timestamp) -> Result<Reply, Error> {
        let Some((id, delivery)) = self.links_of(token, now).await?.parse(token) else {
            return Ok(page(404, confirm::nowhere()));
        };
        let incident = self.incidents.get(&id).await?;
        let person = told(&incident, &delivery);
        match request.method {
            Method::GET | Method::HEAD => Ok(page(200, confirm::incident(&incident, person))),
            Method::POST => {
                let answer = form::field(&request.body, "action").and_then(|word| Answer::parse(&word));
                let Some(answer) = answer else { return Ok(page(400, confirm::incident(&incident, person))) };
                let by = Principal { actor: Actor::link_holder(person), proof: Proof::Link };
                let command = command_of(answer, by.actor.clone(), now);
                let cause = by.cause(format!("link/{delivery}/{}", request.id));
                match Box::pin(self.command(&id, &command, &cause, now)).await {
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
            self.deny(&pressed, now).await?;
            self.channels.whisper(&pressed, "You are not in Watchkeeper's policy, so this changed nothing.").await;
            return Ok(Reply::empty(200));
        };
        let by = Principal { actor: Actor::person(person), proof: Proof::SlackSignature };
        let command = command_of(pressed.answer, by.actor.clone(), now);
        // One press has one time, however often Slack delivers it (faults.md, C11).
        let cause = by.cause(format!("slack/{}/{}", pressed.user, pressed.pressed_at));
        match Box::pin(self.command(&pressed.incident, &command, &cause, now)).await {
            Ok(incident) if pressed.answer == Answer::Acknowledge && !incident.awaited().is_empty() => {
                let awaited = incident.awaited().join(" and ");
                self.channels.whisper(&pressed, &format!("Recorded. It counts once {awaited} acknowledged too.")).await;
            }
            Ok(_) => {}
            Err(Error::Refused(refusal)) => {
                self.channels.whisper(&pressed, &format!("Nothing changed: {refusal}.")).await;
            }
            Err(error) => return Err(error),
        }
        Ok(Reply::empty(200))
    }

    /// Puts down that somebody pressed a button who may not, once for each of them (faults.md, I12).
    async fn deny(&self, pressed: &slack::Interaction, now: Timestamp) -> Result<(), Error> {
        let asked = pressed.answer.as_str().to_owned();
        let by = Principal { actor: Actor::slack(&pressed.user), proof: Proof::SlackSignature };
        let command = Command::Deny { by: by.actor.clone(), asked };
        let cause = by.cause(format!("slack/{}/denied", pressed.user));
        let decide = |incident: &Incident| incident.decide(command.clone(), now);
        match self.incidents.append(&pressed.incident, &cause, now, decide).await {
            Ok(_) | Err(Error::Refused(_) | Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn answers(&self) -> Answers<'_> {
        Answers {
            incidents: &self.incidents,
            policies: &self.policies,
            machine: &self.machine,
            inhibitor: &self.inhibitor,
        }
    }

    /// Writes an answer down, and lets everybody see it.
    async fn command(
        &self,
        id: &IncidentId,
        command: &Command,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<Incident, Error> {
        let mut incident = self.answers().write(id, command, cause, now).await?;
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
        cause: &Cause,
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
            let message = Message { incident: &incident, delivery, address, person, link: &link, now, more: 0 };
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

/// Names the request in the log: with an `Idempotency-Key`, the same when it comes again.
fn cause(request: &Http, token: &str, action: &str) -> Cause {
    let key = request.idempotency_key().unwrap_or(&request.id);
    Principal::token(token).cause(format!("api/{token}/{action}/{key}"))
}

fn nowhere() -> Reply {
    Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")
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

fn command_of(answer: Answer, by: Actor, now: Timestamp) -> Command {
    match answer {
        Answer::Acknowledge => Command::Acknowledge { by },
        Answer::Snooze => Command::Snooze { by, until: now + SNOOZE },
        Answer::Unacknowledge => Command::Unacknowledge { by },
        Answer::Resolve => Command::Resolve { by },
    }
}
