//! `POST /api/v2/alerts`, so that Prometheus can use Watchkeeper as its Alertmanager.
//!
//! Prometheus sends a firing alert again every minute, an ended one for fifteen, and every alert from each replica. So
//! the labels alone name the problem, and an end that is told again carries the same id and ends nothing twice. What
//! happened is as new as the request: a clock of Prometheus that is slow must not put an end before its beginning.

use domain::fingerprint::of_labels;
use domain::policy::{Kind, Policy};
use domain::signal::{Action, Signal, event_time};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::alertmanager::{Pairs, describe};
use super::reply::{Fault, Reason};
use super::{Received, Reply, Request, Secrets, bounds, few, json, name_of, of_kind, token};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
}

/// A list of alerts. The good ones are taken even if others are not, and the answer then names those.
pub(super) fn alerts(request: &Request<'_>, policy: &Policy, secrets: &Secrets<'_>) -> Result<Received, Fault> {
    let integration = integration(request, policy, secrets)?;
    let body = json::unpacked(request, json::LARGEST)?;
    let posted: Vec<&RawValue> = json::read(json::text(&body)?)?;
    few(posted.len())?;
    let (mut signals, mut errors) = (Vec::with_capacity(posted.len()), Vec::new());
    for (index, alert) in posted.into_iter().enumerate() {
        match read(alert).and_then(|alert| signal(integration, index, alert, request)) {
            Ok(signal) => signals.push(signal),
            Err(error) => errors.push(format!("alert {index}: {error}")),
        }
    }
    let reply = if errors.is_empty() {
        Reply { status: 200, content_type: "application/json", headers: Vec::new(), body: String::new() }
    } else {
        errors.truncate(20);
        Reply::json(Reason::Malformed.status(), &errors.join("; "))
    };
    Ok(Received { integration: integration.to_owned(), signals, reply })
}

/// The integration whose token was presented, or one that asks for none.
fn integration<'p>(request: &Request<'_>, policy: &'p Policy, secrets: &Secrets<'_>) -> Result<&'p str, Fault> {
    let presented = token::presented(request.headers);
    let owner = presented.as_deref().and_then(|presented| {
        of_kind(policy, Kind::Prometheus).find(|(_, integration)| {
            integration.secret.as_ref().is_some_and(|reference| token::is_one_of(secrets(reference), presented))
        })
    });
    let open = || of_kind(policy, Kind::Prometheus).find(|(_, integration)| integration.open);
    owner.or_else(open).map(|(name, _)| name).ok_or_else(|| token::refuse(presented.as_deref()))
}

fn read(alert: &RawValue) -> Result<Posted, &'static str> {
    serde_json::from_str(alert.get())
        .map_err(|_| "not an object of labels, annotations, startsAt, endsAt and generatorURL")
}

fn signal(integration: &str, index: usize, alert: Posted, request: &Request<'_>) -> Result<Signal, &'static str> {
    let Posted { mut labels, annotations, starts_at, ends_at, generator_url } = alert;
    labels.retain(|_, value| !value.is_empty());
    if labels.is_empty() {
        return Err("at least one label with a value is needed");
    }
    if labels.contains_key("") {
        return Err("a label has no name");
    }
    let now = request.received_at;
    let starts = time(starts_at.as_deref()).map_err(|()| "startsAt is not a time")?;
    let ends = time(ends_at.as_deref()).map_err(|()| "endsAt is not a time")?;
    if starts.zip(ends).is_some_and(|(starts, ends)| ends < starts) {
        return Err("endsAt is before startsAt");
    }
    let key = of_labels(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let details = json!({ "annotations": annotations, "startsAt": starts_at, "endsAt": ends_at });
    let described = describe(&labels, &annotations, &generator_url, &details);
    let told = |id, action| request.signal(integration, id, action, &key, described);
    Ok(match ends.filter(|ends| *ends <= now) {
        None => told(format!("{}/{index}", request.id), Action::Trigger),
        Some(ended) => {
            let since = starts.map(|starts| starts.to_string()).unwrap_or_default();
            let signal = told(name_of(&[integration, &key, &since, &ended.to_string()]), Action::Resolve);
            Signal { unique_since: first_told(ended, now), ..signal }
        }
    })
}

/// The earliest that an end at `ended` can have been told us, for clocks that differ by minutes.
fn first_told(ended: Timestamp, now: Timestamp) -> Timestamp {
    event_time(Some(ended), now) - SignedDuration::from_mins(5)
}

/// A time that is stated; the year 1 stands for none.
fn time(text: Option<&str>) -> Result<Option<Timestamp>, ()> {
    let stated = text.filter(|text| !text.is_empty() && !text.starts_with("0001-01-01"));
    stated.map(|text| bounds::time(text).ok_or(())).transpose()
}
