//! Grafana's webhook contact point: Alertmanager's notification with Grafana's own links, and signed if one asks for it.
//!
//! Grafana says again every few hours that an alert fires, with the time of its beginning. So beginnings and ends are
//! told by the times that it states, and what it says again opens nothing anew.

use domain::fingerprint::of_labels;
use domain::signal::Action;
use serde::Deserialize;
use serde_json::json;

use super::alertmanager::{Pairs, describe};
use super::bounds::{self, Text};
use super::proof::Told;
use super::reply::Fault;
use super::{few, json};

/// The labels of the alert, as Grafana hashes them.
pub(super) const RULE: &str = "grafana/1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(default)]
    group_key: Text,
    #[serde(default)]
    receiver: Text,
    #[serde(default, rename = "externalURL")]
    external_url: Text,
    alerts: Vec<Fired>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fired {
    #[serde(default)]
    status: Text,
    #[serde(default)]
    labels: Pairs,
    #[serde(default)]
    annotations: Pairs,
    #[serde(default)]
    starts_at: Text,
    #[serde(default)]
    ends_at: Text,
    #[serde(default, rename = "generatorURL")]
    generator_url: Text,
    #[serde(default)]
    fingerprint: Text,
    #[serde(default, rename = "silenceURL")]
    silence_url: Text,
    #[serde(default, rename = "dashboardURL")]
    dashboard_url: Text,
    #[serde(default, rename = "panelURL")]
    panel_url: Text,
    #[serde(default, rename = "imageURL")]
    image_url: Text,
    #[serde(default)]
    value_string: Text,
}

/// A group of alerts.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let notification: Notification = json::read(body)?;
    few(notification.alerts.len())?;
    Ok(notification.alerts.iter().map(|alert| told(alert, &notification)).collect())
}

fn told(fired: &Fired, notification: &Notification) -> Told {
    let computed = || of_labels(fired.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let key = fired.fingerprint.get().map_or_else(computed, |sent| sent.trim().to_owned());
    // A word that is new to us is a problem, not the end of one.
    let (action, at) = if fired.status.is("resolved") {
        (Action::Resolve, fired.ends_at.time())
    } else {
        (Action::Trigger, fired.starts_at.time())
    };
    let details = json!({
        "annotations": fired.annotations, "startsAt": fired.starts_at.get(), "values": fired.value_string.get(),
        "groupKey": notification.group_key.get().map(bounds::field), "receiver": notification.receiver.get().map(bounds::field),
    });
    let mut alert = describe(&fired.labels, &fired.annotations, fired.generator_url.or_empty(), &details);
    let links = [
        (&fired.panel_url, "Panel"),
        (&fired.dashboard_url, "Dashboard"),
        (&fired.silence_url, "Silence in Grafana"),
        (&fired.image_url, "Image"),
        (&notification.external_url, "Grafana"),
    ];
    for (link, text) in links {
        bounds::link(&mut alert.links, link.get(), text);
    }
    Told { action, key, at, alert }
}
