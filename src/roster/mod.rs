//! The roster: who is on call when, and every change that people make to it at run time.

use domain::cause::{Cause, Principal};
use domain::incident::Actor;
use domain::log::Hash;
use domain::schedule::{Covers, Unfit};
use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::access::Access;
use crate::api::{self, Situation};
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::read::invalid;
use crate::reply::Reply;
use crate::store::{CalendarLog, CoverLog, Policies};

mod calendars;
mod covers;

/// How much of a schedule is shown unless it is said otherwise, and at most.
const SHOWN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(14 * 24), SignedDuration::from_hours(366 * 24));
/// The longest reason, in characters.
const REASON: usize = 1024;
/// The longest name somebody answers under, in characters.
const NAME: usize = 128;

/// What answers for schedules.
pub struct Roster {
    /// Who may use the API.
    pub access: Access,
    /// The policies.
    pub policies: Policies,
    /// The overrides, swaps and absences.
    pub covers: CoverLog,
    /// The calendars.
    pub calendars: CalendarLog,
    /// Where the API is, for the addresses of calendars.
    pub base_url: String,
}

/// Who asks, and what makes the same request the same.
struct Asked<'a> {
    request: &'a Http,
    token: String,
    now: Timestamp,
}

impl Roster {
    /// Answers a request: a calendar to whoever knows its address, everything else to the holder of a token.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        if let ["v1", "calendars", secret] = path.as_slice() {
            return self.calendar(request, secret, now).await;
        }
        let answer = async |token| self.answer_holder(&path, &Asked { request, token, now }).await;
        self.access.answer(request, now, answer).await
    }

    async fn answer_holder(&self, path: &[&str], asked: &Asked<'_>) -> Result<Reply, Error> {
        let (request, now) = (asked.request, asked.now);
        let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
        let (allowed, answer): (&str, _) = match path {
            ["v1", "oncall"] if request.method == get => return self.on_call(asked).await,
            ["v1", "schedules"] if request.method == get => return self.list(now).await,
            ["v1", "schedules", name] if request.method == get => return self.show(asked, name).await,
            ["v1", "oncall" | "schedules"] | ["v1", "schedules", _] => ("GET", "use GET"),
            ["v1", "overrides"] if request.method == get => return self.overrides().await,
            ["v1", "overrides"] if request.method == post => return self.set_override(asked).await,
            ["v1", "overrides", id] if request.method == delete => return self.remove_override(asked, id).await,
            ["v1", "swaps"] if request.method == post => return self.swap(asked).await,
            ["v1", "swaps"] => ("POST", "use POST"),
            ["v1", "absences"] if request.method == get => return self.absences().await,
            ["v1", "absences"] if request.method == post => return self.set_absence(asked).await,
            ["v1", "absences", id] if request.method == delete => return self.remove_absence(asked, id).await,
            ["v1", "calendars"] if request.method == get => return self.list_calendars().await,
            ["v1", "calendars"] if request.method == post => return self.make_calendar(asked).await,
            ["v1", "calendars", kind, name] if request.method == delete => {
                return self.remove_calendar(asked, kind, name).await;
            }
            ["v1", "overrides" | "absences" | "calendars"] => ("GET, POST", "use GET or POST"),
            ["v1", "overrides" | "absences", _] | ["v1", "calendars", _, _] => ("DELETE", "use DELETE"),
            _ => {
                let detail = "there is nothing at this address; see /v1/openapi.json";
                return Ok(Reply::problem(Situation::NotFound, detail));
            }
        };
        Ok(Reply::problem(Situation::MethodNotAllowed, answer).with("allow", allowed))
    }

    async fn on_call(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let at = asked.time("at")?.unwrap_or(asked.now);
        let (active, covers) = tokio::join!(self.policies.active(asked.now), self.covers.read());
        Ok(Reply::json(200, &api::OnCall::of(&active?.policy, &covers?, at)))
    }

    async fn list(&self, now: Timestamp) -> Result<Reply, Error> {
        Ok(Reply::json(200, &api::ScheduleList::of(&self.policies.active(now).await?.policy)))
    }

    async fn show(&self, asked: &Asked<'_>, name: &str) -> Result<Reply, Error> {
        let from = asked.time("from")?.unwrap_or(asked.now);
        let end = |length| from.checked_add(length).unwrap_or(Timestamp::MAX);
        let until = asked.time("until")?.unwrap_or_else(|| end(SHOWN.0));
        if until <= from || until > end(SHOWN.1) {
            return Err(invalid("`until` is later than `from`, by a year at most"));
        }
        let (active, covers) = tokio::join!(self.policies.active(asked.now), self.covers.read());
        let shown = api::FinalSchedule::of(name, &active?.policy, &covers?, from, until);
        Ok(Reply::json(200, &shown.ok_or_else(|| Error::NotFound("the schedule".to_owned()))?))
    }
}

impl Asked<'_> {
    /// An instant of the query.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let Some((_, text)) = pairs(&self.request.query).find(|(known, _)| known == name) else { return Ok(None) };
        let read =
            text.parse().map_err(|_| invalid(&format!("`{name}` is an instant, such as 2026-11-21T09:00:00Z")))?;
        Ok(Some(read))
    }

    /// What names this request: with an `Idempotency-Key` one that comes again is known.
    fn cause(&self, what: &str) -> Cause {
        let key = self.request.idempotency_key().unwrap_or(&self.request.id);
        let request = format!("api/{}/{what}/{key}", self.token);
        Principal::token(&self.token).cause(request)
    }

    /// On whose behalf it is made.
    fn by(&self, said: Option<&str>) -> Result<Actor, Error> {
        match said {
            Some(by) if by.trim().is_empty() || by.chars().count() > NAME => {
                Err(invalid(&format!("`by` is a name of at most {NAME} characters")))
            }
            Some(by) => Ok(Actor::person(by)),
            None => Ok(Actor::token(&self.token)),
        }
    }
}

/// The name of what `cause` sets: the same for a request that comes again.
fn id_of(cause: &Cause) -> String {
    Hash::of(cause.request.as_bytes()).as_str()[..16].to_owned()
}

fn unfit(why: &Unfit) -> Error {
    invalid(&why.to_string())
}

/// What of the covers has this name, or that there is none.
fn named<T>(covers: &Covers, find: impl FnOnce(&Covers) -> Option<T>) -> Result<T, Error> {
    find(covers).ok_or_else(|| Error::NotFound("what was set".to_owned()))
}
