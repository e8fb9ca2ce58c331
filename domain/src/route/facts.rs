//! Facts: what a condition can ask of an incident.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::{Context, Env, Value};

use super::condition::environment;

/// The variables of a condition.
pub(super) const VARIABLES: &[&str] = &["alert", "incident"];
const ALERT: &[&str] = &["title", "severity", "source", "service", "labels", "integration", "key"];
const INCIDENT: &[&str] = &["service", "team", "tier"];

/// The fields of a variable.
pub(super) fn fields(variable: &str) -> &'static [&'static str] {
    match variable {
        "alert" => ALERT,
        "incident" => INCIDENT,
        _ => &[],
    }
}

/// Whether `path` names a text that [`Facts::text`] knows.
pub(super) fn is_text(path: &[String]) -> bool {
    match path {
        [variable, field] => field != "labels" && field != "tier" && fields(variable).contains(&field.as_str()),
        [variable, labels, _] => variable == "alert" && labels == "labels",
        _ => false,
    }
}

/// What a condition can ask of one incident.
pub(super) struct Facts<'a> {
    pub(super) environment: &'a Arc<Env>,
    pub(super) title: &'a str,
    pub(super) severity: &'a str,
    pub(super) source: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) integration: &'a str,
    pub(super) key: &'a str,
    pub(super) owned_service: Option<&'a str>,
    pub(super) team: Option<&'a str>,
    pub(super) tier: Option<u8>,
    /// Made when the first condition needs it: most never do.
    pub(super) context: OnceCell<Context<'static, 'static>>,
}

impl Facts<'_> {
    /// The text at `path`.
    pub(super) fn text(&self, path: &[String]) -> Option<&str> {
        match path {
            [_, _, label] => self.labels.get(label).map(String::as_str),
            [variable, field] => match (variable.as_str(), field.as_str()) {
                ("alert", "title") => Some(self.title),
                ("alert", "severity") => Some(self.severity),
                ("alert", "source") => Some(self.source),
                ("alert", "service") => self.service,
                ("alert", "integration") => Some(self.integration),
                ("alert", "key") => Some(self.key),
                ("incident", "service") => self.owned_service,
                ("incident", "team") => self.team,
                _ => None,
            },
            _ => None,
        }
    }

    /// All of it as CEL's variables.
    pub(super) fn context(&self) -> &Context<'static, 'static> {
        self.context.get_or_init(|| {
            let labels: HashMap<String, Value> =
                self.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            let mut alert: HashMap<&str, Value> = HashMap::from([
                ("title", self.title.into()),
                ("severity", self.severity.into()),
                ("source", self.source.into()),
                ("labels", labels.into()),
                ("integration", self.integration.into()),
                ("key", self.key.into()),
            ]);
            alert.extend(self.service.map(|service| ("service", service.into())));
            let mut incident: HashMap<&str, Value> = HashMap::new();
            incident.extend(self.owned_service.map(|service| ("service", service.into())));
            incident.extend(self.team.map(|team| ("team", team.into())));
            incident.extend(self.tier.map(|tier| ("tier", Value::Int(tier.into()))));
            let mut context = Context::with_env(Arc::clone(self.environment));
            context.add_variable_from_value("alert", alert);
            context.add_variable_from_value("incident", incident);
            context
        })
    }
}

/// An alert that has every field, to try conditions on.
pub struct Sample {
    environment: Arc<Env>,
    labels: BTreeMap<String, String>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { environment: environment(), labels: BTreeMap::from([("env".to_owned(), "prod".to_owned())]) }
    }
}

impl Sample {
    pub(super) fn with<T>(&self, use_facts: impl FnOnce(&Facts<'_>) -> T) -> T {
        use_facts(&Facts {
            environment: &self.environment,
            title: "title",
            severity: "critical",
            source: "source",
            service: Some("service"),
            labels: &self.labels,
            integration: "integration",
            key: "key",
            owned_service: Some("service"),
            team: Some("team"),
            tier: Some(1),
            context: OnceCell::new(),
        })
    }
}
