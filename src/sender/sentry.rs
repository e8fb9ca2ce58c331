//! Sentry's integration platform: issue alerts, metric alerts, and the end of issues.
//!
//! An issue alert fires and never clears. Its end is told by the resource `issue`, so an integration that pages for
//! issues should subscribe to both. What an issue does besides, its creation among it, is no alert: the rules of Sentry
//! say what is. Neither the resource nor the time in Sentry's headers is signed, so the body alone says what it is.

use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Labels, Text};
use super::json;
use super::proof::Told;
use super::reply::Fault;

/// `issue:` and the issue, or `metric_alert:` and the metric alert.
pub(super) const RULE: &str = "sentry/1";

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    action: Text,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    event: Option<Event>,
    metric_alert: Option<MetricAlert>,
    issue: Option<Issue>,
    triggered_rule: Text,
    description_title: Text,
    description_text: Text,
    web_url: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    issue_id: Text,
    title: Text,
    level: Text,
    culprit: Text,
    environment: Text,
    platform: Text,
    release: Text,
    project: Text,
    datetime: Text,
    web_url: Text,
    issue_url: Text,
    tags: Vec<(Text, Text)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetricAlert {
    id: Text,
    title: Text,
    projects: Vec<Text>,
    date_started: Text,
    date_closed: Text,
    alert_rule: Rule,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    name: Text,
    aggregate: Text,
    dataset: Text,
    query: Text,
    environment: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issue {
    id: Text,
    title: Text,
    level: Text,
    culprit: Text,
    permalink: Text,
}

/// One hook; of those that are no alert, nothing.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let Hook { action, data } = json::read(body)?;
    if let Some(alert) = &data.metric_alert {
        return Ok(metric(&action, alert, &data).into_iter().collect());
    }
    if let Some(event) = &data.event {
        return Ok(issue_alert(event, &data).into_iter().collect());
    }
    Ok(data.issue.as_ref().and_then(|issue| end_of_issue(&action, issue)).into_iter().collect())
}

fn issue_alert(event: &Event, data: &Data) -> Option<Told> {
    let id = event.issue_id.get()?;
    let mut labels = Labels::default();
    let fields = [
        ("environment", &event.environment),
        ("level", &event.level),
        ("platform", &event.platform),
        ("release", &event.release),
        ("project", &event.project),
        ("rule", &data.triggered_rule),
    ];
    for (name, value) in fields {
        labels.add_some(name, value.get());
    }
    for (name, value) in &event.tags {
        // Who was affected is nobody's business here.
        if !name.or_empty().starts_with("user") {
            labels.add(name.or_empty(), value.or_empty());
        }
    }
    let mut links = Vec::new();
    bounds::link(&mut links, event.web_url.get(), "Event");
    bounds::link(&mut links, event.issue_url.get(), "Issue (API)");
    let title = event.title.get().or(data.triggered_rule.get()).unwrap_or("Sentry alert");
    let alert = Alert {
        title: bounds::title(title),
        severity: level(&mut labels, &event.level),
        source: bounds::field(event.culprit.or_empty()),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    Some(Told { action: Action::Trigger, key: format!("issue:{id}"), at: event.datetime.time(), alert })
}

fn metric(action: &Text, metric: &MetricAlert, data: &Data) -> Option<Told> {
    let id = metric.id.get()?;
    let over = action.is("resolved");
    let rule = &metric.alert_rule;
    let mut labels = Labels::default();
    let fields = [
        ("rule", &rule.name),
        ("aggregate", &rule.aggregate),
        ("dataset", &rule.dataset),
        ("query", &rule.query),
        ("environment", &rule.environment),
    ];
    for (name, value) in fields {
        labels.add_some(name, value.get());
    }
    labels.add_some("project", metric.projects.first().and_then(Text::get));
    let mut links = Vec::new();
    bounds::link(&mut links, data.web_url.get(), "Alert");
    let title = data.description_title.get().or(metric.title.get()).unwrap_or("Sentry metric alert");
    let alert = Alert {
        title: bounds::title(title),
        // An end says `resolved` where a beginning says how bad it is.
        severity: labels.severity(action.get().filter(|_| !over)),
        source: bounds::field(rule.name.or_empty()),
        labels: labels.done(),
        details: data
            .description_text
            .get()
            .map(|text| bounds::details(&serde_json::json!(text).to_string()))
            .unwrap_or_default(),
        links,
        ..Alert::default()
    };
    let (action, at) =
        if over { (Action::Resolve, metric.date_closed.time()) } else { (Action::Trigger, metric.date_started.time()) };
    Some(Told { action, key: format!("metric_alert:{id}"), at, alert })
}

fn end_of_issue(action: &Text, issue: &Issue) -> Option<Told> {
    // Who archives an issue says that nobody shall be told of it.
    let over = ["resolved", "archived", "ignored"].iter().any(|word| action.is(word));
    let id = issue.id.get().filter(|_| over)?;
    let mut labels = Labels::default();
    let severity = level(&mut labels, &issue.level);
    let mut links = Vec::new();
    bounds::link(&mut links, issue.permalink.get(), "Issue");
    let alert = Alert {
        title: bounds::title(issue.title.or_empty()),
        severity,
        source: bounds::field(issue.culprit.or_empty()),
        labels: labels.done(),
        links,
        ..Alert::default()
    };
    Some(Told { action: Action::Resolve, key: format!("issue:{id}"), at: None, alert })
}

/// Sentry's five levels; the lowest two are worth knowing at most.
fn level(labels: &mut Labels, level: &Text) -> Severity {
    if level.is("debug") || level.is("sample") { Severity::Info } else { labels.severity(level.get()) }
}
