//! Calendars: a secret address for whoever wants the shifts beside their other appointments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::cause::Principal;
use domain::policy::Policy;
use domain::schedule::calendar::{Subject, calendar};
use http::Method;
use jiff::{SignedDuration, Timestamp};

use super::{Asked, Roster};
use crate::api::{self, CalendarOf, Situation};
use crate::error::Error;
use crate::lambda::{Http, read_object};
use crate::read::invalid;
use crate::reply::Reply;

/// How much of the past and of the future a calendar shows.
const SHOWN: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(30 * 24), SignedDuration::from_hours(180 * 24));

impl Roster {
    /// The calendar that a secret leads to, to anybody who has it.
    pub(super) async fn calendar(&self, request: &Http, secret: &str, now: Timestamp) -> Result<Reply, Error> {
        if request.method != Method::GET && request.method != Method::HEAD {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use GET").with("allow", "GET, HEAD"));
        }
        let secret = secret.strip_suffix(".ics").unwrap_or(secret);
        let (found, active, covers) =
            tokio::join!(self.calendars.find(secret), self.policies.active(now), self.covers.read());
        let Some(subject) = found? else {
            return Ok(Reply::problem(
                Situation::NotFound,
                "there is no such calendar; it may have another address now",
            ));
        };
        let from = now.checked_sub(SHOWN.0).unwrap_or(Timestamp::MIN);
        let until = now.checked_add(SHOWN.1).unwrap_or(Timestamp::MAX);
        let body = calendar(&subject, &active?.policy, &covers?, (from, until), now);
        let reply = Reply { content_type: "text/calendar; charset=utf-8", body, ..Reply::empty(200) };
        Ok(reply.with("cache-control", "private, max-age=300").with("referrer-policy", "no-referrer"))
    }

    pub(super) async fn list_calendars(&self) -> Result<Reply, Error> {
        let calendars = self.calendars.read().await?.into_iter().map(|calendar| api::Calendar {
            of: shown(calendar.of),
            by: calendar.by.name().to_owned(),
            at: calendar.at,
        });
        Ok(Reply::json(200, &api::CalendarList { calendars: calendars.collect() }))
    }

    /// Makes a new address, and ends the one before it. A request that comes again makes another, as nobody knows this one.
    pub(super) async fn make_calendar(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let said: CalendarOf = read_object(&asked.request.body)?;
        let of = subject(said, &self.policies.active(asked.now).await?.policy)?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| Error::Misconfigured("there is no randomness".to_owned()))?;
        let secret = URL_SAFE_NO_PAD.encode(bytes);
        let cause = format!("api/{}/calendar/{}", asked.token, asked.request.id);
        let cause = Principal::token(&asked.token).cause(cause);
        self.calendars.make(&of, &secret, asked.by(None)?, &cause, asked.now).await?;
        let url = format!("{}/v1/calendars/{secret}.ics", self.base_url.trim_end_matches('/'));
        Ok(Reply::json(201, &api::NewCalendar { url }).with("cache-control", "no-store"))
    }

    pub(super) async fn remove_calendar(&self, asked: &Asked<'_>, kind: &str, name: &str) -> Result<Reply, Error> {
        let of = match kind {
            "person" => Subject::Person(name.to_owned()),
            "schedule" => Subject::Schedule(name.to_owned()),
            _ => return Err(Error::NotFound("the calendar".to_owned())),
        };
        let cause = asked.cause(&format!("remove-calendar/{kind}/{name}"));
        self.calendars.remove(&of, asked.by(None)?, &cause, asked.now).await?;
        Ok(Reply::json(200, &api::Removed { id: format!("{kind}/{name}") }))
    }
}

/// Whose shifts are asked for, if the policy knows them.
fn subject(of: CalendarOf, policy: &Policy) -> Result<Subject, Error> {
    match (of.person, of.schedule) {
        (Some(person), None) if policy.people.contains_key(&person) => Ok(Subject::Person(person)),
        (None, Some(schedule)) if policy.schedules.contains_key(&schedule) => Ok(Subject::Schedule(schedule)),
        (Some(person), None) => Err(invalid(&format!("the policy has nobody called `{person}`"))),
        (None, Some(schedule)) => Err(invalid(&format!("the policy has no schedule `{schedule}`"))),
        _ => Err(invalid("name either a `person` or a `schedule`")),
    }
}

fn shown(of: Subject) -> CalendarOf {
    match of {
        Subject::Person(person) => CalendarOf { person: Some(person), schedule: None },
        Subject::Schedule(schedule) => CalendarOf { person: None, schedule: Some(schedule) },
    }
}
