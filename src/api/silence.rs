//! Silences and maintenance, as the API shows and takes them.

use domain::incident::IncidentId;
use domain::matcher::Matchers;
use domain::silence::{self, Kind, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;

/// One silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Silence {
    /// Its name: a UUID.
    pub id: String,
    /// What it is for.
    #[cfg_attr(test, schemars(schema_with = "words::silence_kind"))]
    pub kind: Kind,
    /// Where it stands.
    #[cfg_attr(test, schemars(schema_with = "words::silence_state"))]
    pub state: State,
    /// What it means: each matcher as it is written, such as `service="shop"`; all of them hold.
    pub matchers: Vec<String>,
    /// Since when it holds.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Who owns it.
    pub by: String,
    /// Why; empty when nobody said.
    pub reason: String,
    /// When its owner hears that it ends; null when it is too short for that.
    pub remind_at: Option<Timestamp>,
    /// How many incidents it held back.
    pub suppressed: u64,
    /// Those incidents, the first hundred of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incidents: Option<Vec<String>>,
}

/// Every silence that is not over, or not for longer than five days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SilenceList {
    /// Those that hold first, then those that will, then those that are over.
    pub silences: Vec<Silence>,
}

/// A silence as it is asked for, and what is changed of one: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SilenceRequest {
    /// What it means: `service=shop`, `severity!=critical`, `instance=~db-.+`; all of them hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matchers: Option<Vec<String>>,
    /// Since when; now when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when; or else `for`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long from its beginning, or from now when it holds already: `30m`, `2h`, `1h 30m`.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long before its end the owner hears of it: an hour when absent, `0s` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind: Option<String>,
}

impl SilenceRequest {
    /// The matchers, if there are any; what is wrong with the first that is none, and what to do about it.
    pub fn read_matchers(&self) -> Result<Option<Matchers>, String> {
        let Some(texts) = &self.matchers else { return Ok(None) };
        let read = texts.iter().map(|text| Matchers::parse(text)).collect::<Result<Vec<_>, _>>();
        let all = read.map(|lists| lists.into_iter().flat_map(Vec::from).collect::<Vec<_>>());
        let all = all.and_then(Matchers::try_from);
        all.map(Some).map_err(|wrong| format!("matchers: {wrong}; {}", wrong.fix))
    }

    /// When it ends, where it begins at `from`: `None` when nobody said.
    pub fn read_until(&self, from: Timestamp) -> Result<Option<Timestamp>, String> {
        match (&self.until, &self.lasts) {
            (Some(_), Some(_)) => Err("say either until or for".to_owned()),
            (Some(until), None) => Ok(Some(*until)),
            (None, Some(lasts)) => {
                let end = from.checked_add(length("for", lasts)?);
                end.map(Some).map_err(|_| "for is too long".to_owned())
            }
            (None, None) => Ok(None),
        }
    }

    /// How long before its end the owner hears of it: `None` when nobody said.
    pub fn read_remind(&self) -> Result<Option<SignedDuration>, String> {
        self.remind.as_deref().map(|text| length("remind", text)).transpose()
    }
}

/// A length of time as people write it.
fn length(field: &str, text: &str) -> Result<SignedDuration, String> {
    let read = text.parse::<SignedDuration>().ok().filter(|length| *length >= SignedDuration::ZERO);
    read.ok_or_else(|| format!("{field} is a length of time such as `30m`, `2h` or `1h 30m`"))
}

impl Silence {
    /// The view of `silence` at `now`, which held back `suppressed` incidents, some of which are `incidents`.
    pub fn of(silence: &silence::Silence, now: Timestamp, suppressed: u64, incidents: Option<&[IncidentId]>) -> Self {
        Self {
            id: silence.id.clone(),
            kind: silence.kind,
            state: silence.state(now),
            matchers: silence.matchers.iter().map(ToString::to_string).collect(),
            from: silence.from,
            until: silence.until,
            by: silence.by.name().to_owned(),
            reason: silence.reason.clone(),
            remind_at: silence.remind_at(),
            suppressed,
            incidents: incidents.map(|ids| ids.iter().map(ToString::to_string).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_or_said_to_be_wrong_with_its_field() {
        let from = Timestamp::UNIX_EPOCH;
        let read = |json: &str| {
            let asked: SilenceRequest = serde_json::from_str(json).expect("an object");
            asked.read_matchers()?;
            asked.read_remind()?;
            asked.read_until(from)
        };
        assert_eq!(read(r#"{"for":"2h"}"#), Ok(Some(from + SignedDuration::from_hours(2))));
        assert_eq!(read(r#"{"until":"2026-11-21T12:00:00Z"}"#).map(|until| until.is_some()), Ok(true));
        assert_eq!(read(r#"{"matchers":["a=b,c=d","e=~f"]}"#), Ok(None));
        for (json, field) in [
            (r#"{"for":"soon"}"#, "for"),
            (r#"{"for":"-2h"}"#, "for"),
            (r#"{"for":"9999999h","until":null}"#, ""),
            (r#"{"for":"2h","until":"2026-11-21T12:00:00Z"}"#, "say either"),
            (r#"{"remind":"x"}"#, "remind"),
            (r#"{"matchers":["a"]}"#, "matchers"),
        ] {
            if field.is_empty() {
                assert!(read(json).is_ok(), "{json}: far away, and a time all the same");
            } else {
                assert!(read(json).expect_err(json).starts_with(field), "{json}");
            }
        }
    }
}
