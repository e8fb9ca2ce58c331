//! Where the providers' APIs are.

use crate::config::optional;

/// The bases of the providers' APIs, without a slash at the end.
#[derive(Debug, Clone)]
pub struct Bases {
    /// Slack's methods.
    pub slack: String,
    /// PagerDuty's Events API.
    pub pagerduty: String,
    /// Opsgenie's API, whatever the policy's region says.
    pub opsgenie: Option<String>,
    /// Twilio's REST API.
    pub twilio: String,
}

impl Default for Bases {
    fn default() -> Self {
        Self {
            slack: "https://slack.com/api".to_owned(),
            pagerduty: "https://events.pagerduty.com".to_owned(),
            opsgenie: None,
            twilio: "https://api.twilio.com".to_owned(),
        }
    }
}

impl Bases {
    /// The providers' own, except where `SLACK_API`, `PAGERDUTY_API`, `OPSGENIE_API` or `TWILIO_API` names another,
    /// as where a provider is played by something else.
    pub fn from_env() -> Self {
        let named = |name| Some(optional(name).trim_end_matches('/').to_owned()).filter(|base| !base.is_empty());
        let own = Self::default();
        Self {
            slack: named("SLACK_API").unwrap_or(own.slack),
            pagerduty: named("PAGERDUTY_API").unwrap_or(own.pagerduty),
            opsgenie: named("OPSGENIE_API"),
            twilio: named("TWILIO_API").unwrap_or(own.twilio),
        }
    }
}
