//! Secrets, from SSM parameters, remembered for a few minutes: shorter than any rotation's grace.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use bytes::Bytes;
use domain::policy::SecretRef;
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::aws::Aws;
use crate::error::Error;
use crate::secret::{self, Secret};
use crate::signed::Signed;

/// How long a secret is used before it is asked for again.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How long a secret is used at most when it cannot be asked for.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How often a secret may be asked for early because nothing matched it.
const FORCED: SignedDuration = SignedDuration::from_secs(10);
/// The most parameters in one call.
const PARAMETERS: usize = 10;

/// Secrets that were loaded, by reference.
#[derive(Debug, Clone, Default)]
pub struct Loaded(HashMap<String, Vec<Secret>>);

impl Loaded {
    /// The valid secrets behind `reference`, the current first; none when the parameter does not exist or is empty.
    pub fn get(&self, reference: &SecretRef) -> &[Secret] {
        reference.parameter().and_then(|name| self.0.get(name)).map_or(&[], Vec::as_slice)
    }
}

/// The secrets of this installation.
#[derive(Debug)]
pub struct Secrets {
    ssm: Signed,
    remembered: Mutex<HashMap<String, Remembered>>,
}

/// What was loaded.
#[derive(Debug, Clone)]
struct Remembered {
    /// When.
    at: Timestamp,
    /// When it was asked for early last.
    forced: Option<Timestamp>,
    secrets: Vec<Secret>,
}

impl Secrets {
    /// Secrets in SSM.
    pub fn new(aws: &Aws) -> Self {
        Self { ssm: Signed::new(aws, "ssm", "ssm"), remembered: Mutex::default() }
    }

    /// The secrets behind `references`, from memory where they are fresh.
    ///
    /// When SSM cannot be asked, what was loaded within the hour still counts: a sender is not refused for our trouble.
    pub async fn get(&self, references: &[&SecretRef], now: Timestamp) -> Result<Loaded, Error> {
        let old = |known: &Remembered| now.duration_since(known.at) >= FRESH;
        self.load(references, old, None, now).await
    }

    /// The same, asked for early: for what matched nothing, and may be made with a secret that is newer than our memory.
    /// Whoever makes up signatures has that done once in ten seconds and no more often.
    pub async fn refetch(&self, references: &[&SecretRef], now: Timestamp) -> Result<Loaded, Error> {
        let old = |known: &Remembered| {
            known.at < now && known.forced.is_none_or(|forced| now.duration_since(forced) >= FORCED)
        };
        self.load(references, old, Some(now), now).await
    }

    async fn load(
        &self,
        references: &[&SecretRef],
        old: impl Fn(&Remembered) -> bool,
        forced: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Loaded, Error> {
        let names: BTreeSet<&str> = references.iter().filter_map(|reference| reference.parameter()).collect();
        let wanted: Vec<String> = {
            let remembered = self.remembered.lock().expect("no holder panics");
            let old = |name: &&str| remembered.get(*name).is_none_or(&old);
            names.iter().copied().filter(old).map(str::to_owned).collect()
        };
        for chunk in wanted.chunks(PARAMETERS) {
            let mut asked = self.ask(chunk).await;
            if chunk.len() > 1 && matches!(asked, Err(Refused::Names(_))) {
                // One name that may not be asked for refuses them all: each alone then, and that one counts as missing.
                asked = self.ask_each(chunk).await;
            }
            let mut remembered = self.remembered.lock().expect("no holder panics");
            match asked {
                Ok(found) => {
                    for name in chunk {
                        let lines = found.iter().find(|parameter| parameter.name == *name);
                        let secrets = lines.map(|parameter| secret::lines(&parameter.value)).unwrap_or_default();
                        let forced = forced.or_else(|| remembered.get(name)?.forced);
                        remembered.insert(name.clone(), Remembered { at: now, forced, secrets });
                    }
                }
                Err(error) => {
                    let usable =
                        |name: &String| remembered.get(name).is_some_and(|known| now.duration_since(known.at) < STALE);
                    if !chunk.iter().all(usable) {
                        return Err(error.into());
                    }
                }
            }
        }
        let remembered = self.remembered.lock().expect("no holder panics");
        let secrets = |name: &&str| Some(((*name).to_owned(), remembered.get(*name)?.secrets.clone()));
        let loaded = names.iter().filter_map(secrets);
        Ok(Loaded(loaded.collect()))
    }

    /// Asks for each of `names` alone. One that may not be asked for is not among the answers; without SSM there is none.
    async fn ask_each(&self, names: &[String]) -> Result<Vec<Parameter>, Refused> {
        let mut found = Vec::new();
        for name in names {
            match self.ask(std::slice::from_ref(name)).await {
                Ok(parameters) => found.extend(parameters),
                Err(Refused::Names(_)) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(found)
    }

    /// SSM's `GetParameters`; a parameter that does not exist is not among the answers.
    async fn ask(&self, names: &[String]) -> Result<Vec<Parameter>, Refused> {
        let body = Bytes::from(json!({ "Names": names, "WithDecryption": true }).to_string());
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AmazonSSM.GetParameters")];
        let answered = self.ssm.ask(&Method::POST, "/", &headers, &body).await;
        let answered = answered.map_err(|failure| Refused::Service(Box::new(failure)))?;
        if answered.is_passing() {
            return Err(Refused::Service(format!("SSM answered {}", answered.status).into()));
        }
        if !answered.status.is_success() {
            return Err(Refused::Names(answered.status));
        }
        // The text is secret: what is wrong with it is not told.
        let found: Result<Found, _> = serde_json::from_slice(&answered.body);
        let found = found.map_err(|_| Refused::Service("the answer cannot be read".into()))?;
        Ok(found.parameters)
    }
}

/// Why SSM told nothing.
enum Refused {
    /// Something is wrong with a name, or it may not be asked for.
    Names(StatusCode),
    /// Something is wrong with SSM, or with the way there.
    Service(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let source = match refused {
            Refused::Names(status) => format!("SSM answered {status}").into(),
            Refused::Service(source) => source,
        };
        Self::Unavailable { what: "reading secrets", source }
    }
}

/// SSM's answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    value: String,
}
