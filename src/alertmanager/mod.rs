//! Alertmanager's API, version 2, over our silences and incidents, so that `amtool` and Grafana's Alertmanager data
//! source work against Watchkeeper. An alert there is an open incident here, and a receiver is an escalation.
//!
//! Statuses and bodies are those of the stock binary: a JSON text for what a handler refuses, an object with `code` and
//! `message` for what does not fit the description (`api/v2/openapi.yaml` of prometheus/alertmanager).
//! `POST /api/v2/alerts` is not here: it takes alerts in, so it is a sender's ([`crate::sender`]).

use domain::cause::{Cause, Principal};
use domain::incident::Actor;
use domain::matcher::{Comparison, Matcher, Matchers};
use domain::silence::{Refusal, Silences, Subject};
use http::Method;
use jiff::Timestamp;
use serde_json::json;

use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::reply::Reply;
use crate::silence::{Silencer, name, sorted};

mod alert;
mod silence;
mod status;

pub(crate) use silence::is_uuid;

use alert::{Alert, Group, Shown};
use silence::{Made, Posted, Silence};
use status::{Receiver, Status};

/// What somebody asks for who lists alerts or silences.
struct Filter {
    matchers: Matchers,
    receiver: Option<Matcher>,
    shown: Shown,
}

/// Answers a request under `/api/v2`, whose further path is `path`, of the holder of `token`.
pub(crate) async fn answer(
    silencer: &Silencer,
    path: &[&str],
    request: &Http,
    token: &str,
    now: Timestamp,
) -> Result<Reply, Error> {
    match (path, &request.method) {
        (["status"], &Method::GET) => {
            let active = silencer.policies.active(now).await?;
            Ok(Reply::json(200, &Status::of(&active.policy, now)))
        }
        (["receivers"], &Method::GET) => {
            let active = silencer.policies.active(now).await?;
            Ok(Reply::json(200, &Receiver::all(&active.policy)))
        }
        (["silences"], &Method::GET) => match filter(&request.query) {
            Ok(filter) => silences(silencer, &filter, now).await,
            Err(refused) => Ok(refused),
        },
        (["silences"], &Method::POST) => match Posted::read(&request.body) {
            Ok(posted) => post(silencer, posted, request, token, now).await,
            Err(refused) => Ok(refused),
        },
        (["silence", id], &Method::GET | &Method::DELETE) if !is_uuid(id) => {
            Ok(invalid(601, &format!("silenceID in path must be of type uuid: {id:?}")))
        }
        (["silence", id], &Method::GET) => {
            let silences = silencer.silences.read().await?;
            let found = silences.get(id).map(|silence| Reply::json(200, &Silence::of(silence, now)));
            Ok(found.unwrap_or_else(|| Reply::empty(404)))
        }
        (["silence", id], &Method::DELETE) => {
            let decide = |silences: &Silences| {
                Ok(silences.expire(id, Actor::token(token), now)?.into_iter().collect::<Vec<_>>())
            };
            let done = silencer.silences.change(&cause(request, token), now, decide).await?;
            Ok(Reply::empty(if done.is_ok() { 200 } else { 404 }))
        }
        (["alerts"], &Method::GET) => match filter(&request.query) {
            Ok(filter) => Ok(Reply::json(200, &alerts(silencer, &filter, now).await?)),
            Err(refused) => Ok(refused),
        },
        (["alerts", "groups"], &Method::GET) => match filter(&request.query) {
            Ok(filter) => Ok(Reply::json(200, &Group::of(alerts(silencer, &filter, now).await?))),
            Err(refused) => Ok(refused),
        },
        (["status" | "receivers" | "alerts"] | ["alerts", "groups"], method) => Ok(not_allowed(method, "GET")),
        (["silences"], method) => Ok(not_allowed(method, "GET,POST")),
        (["silence", _], method) => Ok(not_allowed(method, "DELETE,GET")),
        _ => Ok(Reply::json(404, &json!({ "code": 404, "message": "path was not found" }))),
    }
}

async fn silences(silencer: &Silencer, filter: &Filter, now: Timestamp) -> Result<Reply, Error> {
    let known = silencer.silences.read().await?;
    let all = sorted(known.iter(), now).into_iter();
    let meant = all.filter(|silence| {
        let of = |name: &str| silence.matchers.iter().find(|matcher| matcher.name() == name);
        filter.matchers.match_all(|name| of(name).map(Matcher::value))
    });
    Ok(Reply::json(200, &meant.map(|silence| Silence::of(silence, now)).collect::<Vec<_>>()))
}

/// Makes a silence, or changes the one that is named.
async fn post(
    silencer: &Silencer,
    posted: Posted,
    request: &Http,
    token: &str,
    now: Timestamp,
) -> Result<Reply, Error> {
    let cause = cause(request, token);
    let (id, wanted) = posted.wanted(token);
    let (done, id) = if let Some(id) = id {
        silencer.replace(&id, |before| wanted.instead_of(before), &cause, now).await?
    } else {
        let new = name(&cause.request);
        let wanted = wanted.new_one();
        let decide = |silences: &Silences| Ok(silences.create(wanted.clone(), &new, now)?.0);
        (silencer.silences.change(&cause, now, decide).await?, new)
    };
    Ok(match done {
        Ok(_) => Reply::json(200, &Made { silence_id: id }),
        Err(Refusal::Unknown) => Reply::json(404, &Refusal::Unknown.to_string()),
        Err(refusal) => Reply::json(400, &refusal.to_string()),
    })
}

/// Every open incident that is asked for, as an alert.
async fn alerts(silencer: &Silencer, filter: &Filter, now: Timestamp) -> Result<Vec<Alert>, Error> {
    let (silences, incidents) = tokio::join!(silencer.silences.read(), silencer.incidents.open(alert::MOST));
    let silences = silences?;
    let mut alerts = Vec::new();
    for incident in incidents? {
        let subject = Subject::of(&incident);
        let alert = Alert::of(&incident, &silences.holding(&subject, now), now);
        let received = filter.receiver.as_ref().is_none_or(|receiver| alert.is_received_by(receiver));
        if received && filter.shown.shows(&alert) && filter.matchers.match_labels(alert.labels()) {
            alerts.push(alert);
        }
    }
    alerts.sort_by(|a, b| a.fingerprint().cmp(b.fingerprint()));
    Ok(alerts)
}

/// Reads the query of a list. A switch that is none of the words for yes is off, as the stock binary has it.
fn filter(query: &str) -> Result<Filter, Reply> {
    let mut filter = Filter { matchers: Matchers::default(), receiver: None, shown: Shown::default() };
    let mut matchers = Vec::new();
    for (name, value) in pairs(query) {
        let refuse = |what: String| Reply::json(400, &what);
        match name.as_str() {
            "filter" => matchers.push(Matcher::parse(&value).map_err(|wrong| refuse(wrong.to_string()))?),
            "receiver" if !value.is_empty() => {
                let receiver = Matcher::new("receiver", Comparison::Matches, value);
                filter.receiver =
                    Some(receiver.map_err(|wrong| refuse(format!("failed to parse receiver param: {wrong}")))?);
            }
            name => filter.shown.switch(name, &value),
        }
    }
    filter.matchers = Matchers::try_from(matchers).map_err(|wrong| Reply::json(400, &wrong.to_string()))?;
    Ok(filter)
}

fn cause(request: &Http, token: &str) -> Cause {
    Principal::token(token).cause(format!("alertmanager/{token}/{}", request.id))
}

/// What does not fit the description of the API.
fn invalid(code: u16, message: &str) -> Reply {
    Reply::json(if code < 600 { code } else { 422 }, &json!({ "code": code, "message": message }))
}

fn not_allowed(method: &Method, allowed: &str) -> Reply {
    invalid(405, &format!("method {method} is not allowed, but [{allowed}] are")).with("allow", allowed)
}

/// An instant as Alertmanager writes it, to the millisecond.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests;
