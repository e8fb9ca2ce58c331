//! Dead letters: what could not be done after many tries, why, and what it means to do it again.
//!
//! Each path that nobody waits at has a queue of its own for what failed there. The same letter twice is one: signals are
//! known by their ids, a look changes nothing that is done, and an export is one for its range.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::incident::IncidentId;
use crate::signal::Signal;
use crate::text::{cut, visible};

mod shown;

/// The longest cause, in characters.
const CAUSE: usize = 160;

/// A path that nobody waits at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// From the queue of signals into incidents.
    Signals,
    /// From SNS, EventBridge and SES into signals.
    Ingest,
    /// From an incident to people.
    Incident,
    /// The minute's sweep.
    Sweep,
    /// From the log into the archive.
    Archive,
    /// The hour's checkpoint.
    Checkpoint,
    /// The exports of weeks and months.
    Export,
}

impl Path {
    /// Every path, in the order in which an alert meets them.
    pub const ALL: [Self; 7] =
        [Self::Signals, Self::Ingest, Self::Incident, Self::Sweep, Self::Archive, Self::Checkpoint, Self::Export];

    /// The word that the API, the command and the name of its queue use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signals => "signals",
            Self::Ingest => "ingest",
            Self::Incident => "incident",
            Self::Sweep => "sweep",
            Self::Archive => "archive",
            Self::Checkpoint => "checkpoint",
            Self::Export => "export",
        }
    }

    /// The path of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.as_str() == name)
    }

    /// What a letter here means.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Signals => "an alert was taken and is in no incident: nobody will hear of it",
            Self::Ingest => "an event of AWS or a mail was not taken: nobody will hear of it",
            Self::Incident => "a look at an incident failed; it is tried again every minute",
            Self::Sweep => "a sweep failed; the next one does what it should have done",
            Self::Archive => "records are in the log and not in the archive: no checkpoint will cover them",
            Self::Checkpoint => "a checkpoint failed; the next one covers what it should have covered",
            Self::Export => "a regular export was not started",
        }
    }

    /// The runbook, as a place in the project.
    pub fn runbook(self) -> String {
        format!("docs/runbooks.md#{}", self.as_str())
    }
}

/// One dead letter, as its queue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where it comes from.
    pub path: Path,
    /// The message's id.
    pub id: String,
    /// When it was put there.
    pub sent_at: Timestamp,
    /// Its text, as it failed; [`Letter::shown`] is what people see of it.
    pub body: String,
    /// What was said of it beside its text: by whoever put it there, and by SQS itself.
    pub attributes: BTreeMap<String, String>,
}

/// What doing a letter again comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// The text goes back to the queue of signals.
    Signal(String),
    /// The event goes to ingest.
    Event(Value),
    /// Somebody looks at the incident once more.
    Look(IncidentId),
    /// The export is started with this input.
    Export(Value),
    /// Nothing is left to do: whoever came next did it.
    Done,
    /// It would fail as it did before, for this reason.
    Never(&'static str),
}

impl Again {
    /// What that is, in a few words.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Signal(_) => "back to the queue of signals",
            Self::Event(_) => "to ingest once more",
            Self::Look(_) => "one more look at the incident",
            Self::Export(_) => "the export is started",
            Self::Done => "removed, as the next run did it",
            Self::Never(why) => why,
        }
    }

    /// Whether it can be done.
    pub const fn is_possible(&self) -> bool {
        !matches!(self, Self::Never(_))
    }
}

impl Letter {
    /// Why it is here, in words that are the same for all that failed alike. Nothing of what a sender said is in it.
    pub fn cause(&self) -> String {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        // What dedup gave up, and what EventBridge and Scheduler could not deliver.
        let said = ["reason", "ERROR_CODE"].iter().find_map(|name| self.attributes.get(*name).cloned());
        let failed = || {
            let body = self.json();
            // What Lambda says of an event that a function failed at; what the machine says of an incident.
            let named = text(&body["responsePayload"]["errorType"]).or_else(|| text(&body["error"]));
            named.or_else(|| text(&body["requestContext"]["condition"]))
        };
        let cause = said.or_else(failed).unwrap_or_else(|| match self.path {
            Path::Signals => "dedup failed again and again".to_owned(),
            _ => "nothing is said of it".to_owned(),
        });
        cut(&visible(&cause), CAUSE)
    }

    /// How often it was tried, as far as anybody counted. A queue counts how often it handed a message out, and whoever
    /// looks at a letter is counted too.
    pub fn tries(&self) -> Option<u64> {
        let number = |name: &str| self.attributes.get(name)?.parse::<u64>().ok();
        let handed_out = || number("ApproximateReceiveCount").filter(|_| self.path == Path::Signals);
        // EventBridge and Scheduler count what came after the first.
        let retried = number("RETRY_ATTEMPTS").map(|retries| retries + 1);
        let invoked = || self.json()["requestContext"]["approximateInvokeCount"].as_u64();
        retried.or_else(invoked).or_else(|| handed_out().map(|count| count.saturating_sub(1).max(1)))
    }

    /// Where its tries are in the traces and the logs: the trace's id, else the execution or the request that failed.
    pub fn trace(&self) -> Option<String> {
        let header = self.attributes.get("AWSTraceHeader");
        let root = header.and_then(|header| header.split(';').find_map(|part| part.strip_prefix("Root=")));
        let body = || {
            let body = self.json();
            let named = body["execution"].as_str().or_else(|| body["requestContext"]["requestId"].as_str());
            named.map(str::to_owned)
        };
        root.map(str::to_owned).or_else(body).map(|trace| cut(&visible(&trace), CAUSE))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// What it is about: an incident, or an alert and its integration.
    pub fn about(&self) -> Option<String> {
        match self.path {
            Path::Signals => {
                let signal: Signal = serde_json::from_str(&self.body).ok()?;
                Some(format!("{} {}", visible(&signal.integration), signal.fingerprint))
            }
            Path::Incident => self.incident().map(|id| id.to_string()),
            _ => None,
        }
    }

    fn incident(&self) -> Option<IncidentId> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        IncidentId::parse(body["incident"].as_str()?)
    }

    /// What doing it again comes to.
    pub fn again(&self) -> Again {
        match self.path {
            Path::Signals if serde_json::from_str::<Signal>(&self.body).is_ok() => Again::Signal(self.body.clone()),
            Path::Signals => Again::Never("it is no signal: nothing but a person can read it"),
            Path::Ingest => self.event().map_or(Again::Never("it is no event"), Again::Event),
            Path::Incident => self.incident().map_or(Again::Never("it names no incident"), Again::Look),
            Path::Sweep | Path::Checkpoint => Again::Done,
            Path::Archive => Again::Never("it names a place in a stream that forgets after a day; see the runbook"),
            Path::Export => match serde_json::from_str::<Value>(&self.body) {
                Ok(input) if input["every"].is_string() => Again::Export(input),
                _ => Again::Never("it is no request for an export"),
            },
        }
    }

    /// The event as ingest takes it: what Lambda kept it in is taken away, and what SNS took away is put back.
    fn event(&self) -> Option<Value> {
        let mut event: Value = serde_json::from_str(&self.body).ok().filter(Value::is_object)?;
        if event["requestPayload"].is_object() {
            return Some(event["requestPayload"].take());
        }
        if event["Type"] == "Notification" {
            let record = json!({
                "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "", "Sns": event,
            });
            return Some(json!({ "Records": [record] }));
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests;
