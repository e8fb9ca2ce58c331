//! Silencing: what answers whoever makes, changes, ends or lists silences, by our API or by Alertmanager's.

use domain::cause::{Cause, Principal};
use domain::incident::Actor;
use domain::log::Hash;
use domain::matcher::{Comparison, Matcher, Matchers};
use domain::silence::{Event, Kind, REMIND, Refusal, Silence, Silences, State, Wanted};
use futures_util::future::try_join_all;
use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::alertmanager;
use crate::api::{self, SilenceRequest, Situation};
use crate::error::Error;
use crate::lambda::{Http, read_object};
use crate::query;
use crate::reply::Reply;
use crate::store::{Incidents, Policies, SilenceLog};

/// How many incidents that a silence held back are listed with it.
const LISTED: i32 = 100;
/// How many counts are read side by side.
const SIDE_BY_SIDE: usize = 25;
/// The longest name somebody answers under, in characters.
const NAME: usize = 128;

/// What answers about silences.
pub struct Silencer {
    /// Who may.
    pub access: Access,
    /// The silences.
    pub silences: SilenceLog,
    /// The incidents, which Alertmanager's API calls alerts.
    pub incidents: Incidents,
    /// The policies, whose escalations Alertmanager's API calls receivers.
    pub policies: Policies,
}

/// Somebody's request to change something.
struct Change<'a> {
    by: Actor,
    cause: &'a Cause,
    now: Timestamp,
}

impl Silencer {
    /// Answers a request of the holder of a token.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        self.access.answer(request, now, async |token: String| self.answer_holder(request, &token, now).await).await
    }

    async fn answer_holder(&self, request: &Http, token: &str, now: Timestamp) -> Result<Reply, Error> {
        let path = query::segments(&request.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let ["api", "v2", rest @ ..] = path.as_slice() {
            return alertmanager::answer(self, rest, request, token, now).await;
        }
        let cause = format!("api/{token}/{}/{}", request.path, request.idempotency_key().unwrap_or(&request.id));
        let cause = Principal::token(token).cause(cause);
        let asked: SilenceRequest = match request.method {
            Method::POST | Method::PUT | Method::DELETE if !request.body.is_empty() => read_object(&request.body)?,
            _ => SilenceRequest::default(),
        };
        if asked.by.as_ref().is_some_and(|by| by.trim().is_empty() || by.chars().count() > NAME) {
            return Err(Error::InvalidEvent(format!("`by` is a name of at most {NAME} characters")));
        }
        let by = asked.by.as_deref().map_or_else(|| Actor::token(token), Actor::person);
        let change = Change { by, cause: &cause, now };
        match (path.as_slice(), &request.method) {
            (["v1", "silences"], &Method::GET) => self.list(now).await,
            (["v1", "silences"], &Method::POST) => self.create(&asked, &change).await,
            (["v1", "silences"], _) => Ok(not_allowed("GET, POST")),
            (["v1", "silences", id], &Method::GET) => self.show(id, now).await,
            (["v1", "silences", id], &Method::PUT) => self.change(id, &asked, &change).await,
            (["v1", "silences", id], &Method::DELETE) => self.expire(id, &change).await,
            (["v1", "silences", _], _) => Ok(not_allowed("GET, PUT, DELETE")),
            (["v1", "services", name, "maintenance"], &Method::POST) => self.maintain(name, &asked, &change).await,
            (["v1", "services", name, "maintenance"], &Method::DELETE) => self.end_maintenance(name, &change).await,
            (["v1", "services", _, "maintenance"], _) => Ok(not_allowed("POST, DELETE")),
            _ => Ok(Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")),
        }
    }

    async fn list(&self, now: Timestamp) -> Result<Reply, Error> {
        let known = self.silences.read().await?;
        let mut silences = Vec::new();
        let all = sorted(known.iter(), now);
        for some in all.chunks(SIDE_BY_SIDE) {
            let counted = some.iter().map(async |silence| {
                let suppressed = self.silences.counted(&silence.id).await?;
                Ok::<_, Error>(api::Silence::of(silence, now, suppressed, None))
            });
            silences.extend(try_join_all(counted).await?);
        }
        Ok(Reply::json(200, &api::SilenceList { silences }))
    }

    async fn show(&self, id: &str, now: Timestamp) -> Result<Reply, Error> {
        let silences = self.silences.read().await?;
        match silences.get(id) {
            Some(silence) => Ok(Reply::json(200, &self.view(silence, now).await?)),
            None => Ok(refused(&Refusal::Unknown)),
        }
    }

    async fn view(&self, silence: &Silence, now: Timestamp) -> Result<api::Silence, Error> {
        let suppressed = self.silences.counted(&silence.id).await?;
        let incidents = self.silences.held(&silence.id, None, LISTED).await?;
        Ok(api::Silence::of(silence, now, suppressed, Some(&incidents)))
    }

    async fn create(&self, asked: &SilenceRequest, change: &Change<'_>) -> Result<Reply, Error> {
        let matchers = asked.read_matchers().map_err(Error::InvalidEvent)?;
        let matchers = matchers.ok_or_else(|| Error::InvalidEvent("matchers are missing".to_owned()))?;
        let wanted = self::wanted(asked, Kind::Silence, matchers, change)?;
        let new = name(&change.cause.request);
        let decide = |silences: &Silences| Ok(silences.create(wanted.clone(), &new, change.now)?.0);
        self.answer_with(decide, 201, &new, change).await
    }

    /// Maintenance of a service; one that goes on already is changed.
    async fn maintain(&self, service: &str, asked: &SilenceRequest, change: &Change<'_>) -> Result<Reply, Error> {
        if asked.matchers.is_some() {
            return Err(Error::InvalidEvent(
                "maintenance is of the service in the path; leave matchers out".to_owned(),
            ));
        }
        let matcher = Matcher::new("service", Comparison::Equal, service);
        let matchers = matcher.and_then(|matcher| Matchers::try_from(vec![matcher]));
        let matchers = matchers.map_err(|wrong| Error::InvalidEvent(format!("{wrong}; {}", wrong.fix)))?;
        let wanted = self::wanted(asked, Kind::Maintenance, matchers, change)?;
        let new = name(&change.cause.request);
        let decide = |silences: &Silences| {
            let goes_on = silences.maintenance(service, change.now).find(|one| one.state(change.now) == State::Active);
            let (events, _) = match goes_on {
                Some(before) if asked.from.is_none() => {
                    let wanted = Wanted { from: before.from, ..wanted.clone() };
                    silences.change(&before.id, wanted, &new, change.now)?
                }
                _ => silences.create(wanted.clone(), &new, change.now)?,
            };
            Ok(events)
        };
        let done = self.silences.change(change.cause, change.now, decide).await?;
        let goes_on = done.as_ref().ok().and_then(|silences| {
            let made = silences.get(&new).or_else(|| silences.maintenance(service, change.now).next());
            made.map(|silence| silence.id.clone())
        });
        self.shown(done, 201, goes_on.as_deref().unwrap_or(&new), change.now).await
    }

    async fn end_maintenance(&self, service: &str, change: &Change<'_>) -> Result<Reply, Error> {
        let decide = |silences: &Silences| {
            let going = silences.maintenance(service, change.now);
            let ended = going.map(|one| silences.expire(&one.id, change.by.clone(), change.now));
            Ok(ended.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        };
        let done = self.silences.change(change.cause, change.now, decide).await?;
        Ok(done.map_or_else(|refusal| refused(&refusal), |_| Reply::empty(204)))
    }

    async fn change(&self, id: &str, asked: &SilenceRequest, change: &Change<'_>) -> Result<Reply, Error> {
        let matchers = asked.read_matchers().map_err(Error::InvalidEvent)?;
        let remind = asked.read_remind().map_err(Error::InvalidEvent)?;
        asked.read_until(change.now).map_err(Error::InvalidEvent)?;
        let wanted = |before: &Silence| {
            let over = before.state(change.now) == State::Expired;
            let from = asked.from.unwrap_or(if over { change.now } else { before.from });
            let until = asked.read_until(from.max(change.now)).unwrap_or(Some(Timestamp::MAX));
            Wanted {
                kind: before.kind,
                matchers: matchers.clone().unwrap_or_else(|| before.matchers.clone()),
                from,
                until: until.unwrap_or(before.until),
                by: asked.by.as_ref().map_or_else(|| before.by.clone(), |_| change.by.clone()),
                reason: asked.reason.clone().unwrap_or_else(|| before.reason.clone()),
                remind: remind.unwrap_or(before.remind),
            }
        };
        let (done, id) = self.replace(id, wanted, change.cause, change.now).await?;
        self.shown(done, 200, &id, change.now).await
    }

    /// Changes the silence `id` to what is wanted; answers with the name that it has then.
    pub(crate) async fn replace(
        &self,
        id: &str,
        wanted: impl Fn(&Silence) -> Wanted,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<(Result<Silences, Refusal>, String), Error> {
        let new = name(&cause.request);
        let decide = |silences: &Silences| {
            let before = silences.get(id).ok_or(Refusal::Unknown)?;
            Ok(silences.change(id, wanted(before), &new, now)?.0)
        };
        let done = self.silences.change(cause, now, decide).await?;
        // A request that came again finds what the first one made.
        let made = done.as_ref().is_ok_and(|silences| silences.get(&new).is_some());
        Ok((done, if made { new } else { id.to_owned() }))
    }

    async fn expire(&self, id: &str, change: &Change<'_>) -> Result<Reply, Error> {
        let decide = |silences: &Silences| {
            Ok(silences.expire(id, change.by.clone(), change.now)?.into_iter().collect::<Vec<Event>>())
        };
        self.answer_with(decide, 200, id, change).await
    }

    async fn answer_with(
        &self,
        decide: impl FnMut(&Silences) -> Result<Vec<Event>, Refusal>,
        status: u16,
        id: &str,
        change: &Change<'_>,
    ) -> Result<Reply, Error> {
        let done = self.silences.change(change.cause, change.now, decide).await?;
        self.shown(done, status, id, change.now).await
    }

    /// The silence `id` as it stands after a change.
    async fn shown(
        &self,
        done: Result<Silences, Refusal>,
        status: u16,
        id: &str,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        match done {
            Ok(silences) => {
                let silence = silences.get(id).ok_or_else(|| Error::NotFound(format!("silence {id}")))?;
                Ok(Reply::json(status, &self.view(silence, now).await?))
            }
            Err(refusal) => Ok(refused(&refusal)),
        }
    }
}

/// What somebody asks for, with everything that they left open.
fn wanted(asked: &SilenceRequest, kind: Kind, matchers: Matchers, change: &Change<'_>) -> Result<Wanted, Error> {
    let from = asked.from.unwrap_or(change.now);
    let until = asked.read_until(from).map_err(Error::InvalidEvent)?;
    Ok(Wanted {
        kind,
        matchers,
        from,
        until: until.ok_or_else(|| Error::InvalidEvent("say until when, or for how long".to_owned()))?,
        by: change.by.clone(),
        reason: asked.reason.clone().unwrap_or_default(),
        remind: asked.read_remind().map_err(Error::InvalidEvent)?.unwrap_or(REMIND),
    })
}

/// In the order in which Alertmanager lists them: what holds, what will, what is over, and the next to change first.
pub(crate) fn sorted<'a>(silences: impl Iterator<Item = &'a Silence>, now: Timestamp) -> Vec<&'a Silence> {
    let mut all: Vec<&Silence> = silences.collect();
    all.sort_by_key(|silence| {
        let state = silence.state(now);
        let second = match state {
            State::Active => silence.until.as_second(),
            State::Pending => silence.from.as_second(),
            State::Expired => -silence.until.as_second(),
        };
        (state, second)
    });
    all
}

/// The name of what the request `cause` makes: the same request makes the same.
pub(crate) fn name(cause: &str) -> String {
    let hash = Hash::of(cause.as_bytes());
    let hex = hash.as_str();
    // A UUID of version 8: its bits are ours to choose.
    format!("{}-{}-8{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

fn refused(refusal: &Refusal) -> Reply {
    let situation = match refusal {
        Refusal::Unknown => Situation::NotFound,
        Refusal::Full => Situation::Conflict,
        Refusal::Everything | Refusal::Backwards | Refusal::Past => Situation::InvalidRequest,
    };
    Reply::problem(situation, &refusal.to_string())
}

fn not_allowed(allow: &str) -> Reply {
    Reply::problem(Situation::MethodNotAllowed, &format!("use {}", allow.replace(", ", " or "))).with("allow", allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_makes_the_same_name_and_it_is_a_uuid() {
        assert_eq!(name("a"), name("a"));
        assert_ne!(name("a"), name("b"));
        assert!(alertmanager::is_uuid(&name("a")), "{}", name("a"));
    }
}
