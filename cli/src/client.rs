//! The API, spoken to over HTTP.

use std::time::Duration;

use domain::evidence::checkpoint::Kept;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};
use watchkeeper::api::{Incident, IncidentList, Problem, Records};
use watchkeeper::secret::Secret;

use crate::failure::{Failure, is_local};
use crate::settings::Settings;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take, the first call of a cold function included.
const ANSWER: Duration = Duration::from_secs(30);
/// How long the download of a file may take.
const DOWNLOAD: Duration = Duration::from_mins(10);
/// The largest file that is downloaded, in bytes.
const LARGEST: u64 = 1 << 30;
/// How many incidents the API lists at once, at most.
const PAGE: u32 = 100;
/// How many pages are asked for: some may be short, and none may lead on for ever.
const MOST_PAGES: u32 = 30;
/// How many incidents a shortened id is looked for among.
const SEARCHED: u32 = 1000;

/// The largest checkpoint, compressed: of some millions of streams.
const LARGEST_CHECKPOINT: u64 = 1 << 30;

/// A connection to Watchkeeper's API.
pub struct Client {
    agent: Agent,
    url: String,
    token: Secret,
}

/// What makes HTTP requests to `url`: with time-outs, and never led elsewhere by an answer.
pub fn agent(url: &str) -> Agent {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(ANSWER))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections_per_host(1)
        .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")));
    // A proxy of the environment is for the world outside.
    let config = if is_local(url) { config.proxy(None) } else { config };
    config.build().new_agent()
}

/// What the network said, for a person.
pub fn unreachable(url: &str, error: &ureq::Error) -> Failure {
    let why = if let ureq::Error::Io(error) = error { error.to_string() } else { error.to_string() };
    Failure::Unreachable { url: url.to_owned(), why }
}

impl Client {
    /// A connection to where `settings` say.
    pub fn connect(settings: &Settings) -> Result<Self, Failure> {
        let url = settings.url.clone();
        if !url.starts_with("https://") && !is_local(&url) {
            let what = format!("{url} is not an https address: the token would be readable on the way");
            return Err(Failure::Usage(what));
        }
        Ok(Self { agent: agent(&url), url, token: settings.secret("WATCHKEEPER_TOKEN")? })
    }

    /// Reads `path`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call("GET", path, None, String::new())
    }

    /// Sends `body` to `path`.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|error| Failure::failed(error.to_string()))?;
        self.call("POST", path, None, body)
    }

    /// Sends `body` to `path` so that it is done once, however often it is sent with the same `key`.
    pub fn post_once<T: DeserializeOwned>(&self, path: &str, key: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|error| Failure::failed(error.to_string()))?;
        self.call("POST", path, Some(key), body)
    }

    /// Removes what is at `path`, as `body` says.
    pub fn delete<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_string(body).map_err(|error| Failure::failed(error.to_string()))?;
        self.call("DELETE", path, None, body)
    }

    /// Puts `body`, which is JSON, at `path`.
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: String) -> Result<T, Failure> {
        self.call("PUT", path, None, body)
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: String,
    ) -> Result<T, Failure> {
        let answer = self.send(method, path, key, body)?;
        self.read(answer)
    }

    fn send(&self, method: &str, path: &str, key: Option<&str>, body: String) -> Result<Response<Body>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let request = request.body(body).map_err(|error| Failure::Usage(format!("{}: {error}", self.url)))?;
        self.agent.run(request).map_err(|error| unreachable(&self.url, &error))
    }

    fn read<T: DeserializeOwned>(&self, mut answer: Response<Body>) -> Result<T, Failure> {
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| unreachable(&self.url, &error))?;
        if status.is_success() {
            // Where there is nothing to say, nothing is what is read.
            let text = if text.is_empty() { "null".to_owned() } else { text };
            return serde_json::from_str(&text).map_err(|error| Failure::Failed {
                what: format!("the answer of {} is not what this command understands: {error}", self.url),
                fix: Some("check that WATCHKEEPER_URL is Watchkeeper's, and that both are of one version".to_owned()),
            });
        }
        let problem = serde_json::from_str::<Problem>(&text).ok();
        let detail = problem.as_ref().and_then(|problem| problem.detail.clone());
        match status.as_u16() {
            401 | 403 => Err(Failure::Unauthorized { url: self.url.clone() }),
            404 => {
                let what = detail.unwrap_or_else(|| format!("{} has no such thing", self.url));
                Err(Failure::NotFound { what, fix: None })
            }
            code => Err(problem.map_or_else(
                || Failure::failed(format!("{} answered {code}", self.url)),
                |problem| Failure::Refused(Box::new(problem)),
            )),
        }
    }

    /// Fetches the bytes that `path` leads to by a link. Whoever has the link needs no token, so it is not sent there.
    pub fn download(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let request = Request::builder()
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .body(String::new())
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.url)))?;
        let answer = self.agent.run(request).map_err(|error| unreachable(&self.url, &error))?;
        let link = answer.headers().get("location").and_then(|link| link.to_str().ok()).map(str::to_owned);
        let Some(link) = link.filter(|_| answer.status().is_redirection()) else {
            return self
                .read::<serde_json::Value>(answer)
                .and_then(|_| Err(Failure::failed(format!("{} answered with no link to the file", self.url))));
        };
        if !link.starts_with("https://") && !is_local(&link) {
            return Err(Failure::failed("the link to the file is not an https address"));
        }
        // Where it is, whoever has the link is let in: nothing of it is told.
        let place = "where the files are";
        let patient = self.agent.get(&link).config().timeout_global(Some(DOWNLOAD)).build();
        let mut answer = patient.call().map_err(|error| unreachable(place, &error))?;
        if !answer.status().is_success() {
            return Err(Failure::failed(format!("the file was answered with {}; try again", answer.status())));
        }
        let body = answer.body_mut().with_config().limit(LARGEST);
        body.read_to_vec().map_err(|error| unreachable(place, &error))
    }

    /// Up to `limit` incidents that stand as `status`, the newest first, and where the rest begins.
    pub fn incidents(&self, status: Option<&str>, limit: u32) -> Result<IncidentList, Failure> {
        let mut all = IncidentList { incidents: Vec::new(), next: None };
        for _ in 0..MOST_PAGES {
            let missing = limit - u32::try_from(all.incidents.len()).unwrap_or(limit).min(limit);
            let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
            let cursor = all.next.take().map(|cursor| format!("&cursor={}", encoded(&cursor))).unwrap_or_default();
            let page = self.get(&format!("/v1/incidents?limit={}{status}{cursor}", missing.min(PAGE)))?;
            let IncidentList { incidents, next } = page;
            all.incidents.extend(incidents);
            all.next = next;
            if all.next.is_none() || all.incidents.len() >= limit as usize {
                break;
            }
        }
        Ok(all)
    }

    /// The full id that `id` is, or is the beginning of.
    pub fn full_id(&self, id: &str) -> Result<String, Failure> {
        let id = id.trim().to_ascii_lowercase();
        if domain::incident::IncidentId::parse(&id).is_some() {
            return Ok(id);
        }
        let fix = Some("watchkeeper incidents lists them".to_owned());
        let known = self.incidents(None, SEARCHED)?.incidents;
        let mut found = known.iter().filter(|incident| !id.is_empty() && incident.id.starts_with(&id));
        match (found.next(), found.count()) {
            (None, _) => Err(Failure::NotFound { what: format!("no incident's id begins with {id:?}"), fix }),
            (Some(one), 0) => Ok(one.id.clone()),
            (Some(_), more) => {
                let what = format!("{} incidents' ids begin with {id:?}: write more of it", more + 1);
                Err(Failure::NotFound { what, fix })
            }
        }
    }

    /// The incident `id`.
    pub fn incident(&self, id: &str) -> Result<Incident, Failure> {
        self.get(&format!("/v1/incidents/{id}"))
    }

    /// All records of the incident `id`.
    pub fn records(&self, id: &str) -> Result<Records, Failure> {
        let mut all: Records = self.get(&format!("/v1/incidents/{id}/records"))?;
        while let Some(from) = all.next {
            let part: Records = self.get(&format!("/v1/incidents/{id}/records?from={from}"))?;
            // An answer that does not move on would be asked for without end.
            all.next = part.next.filter(|next| *next > from);
            all.entries.extend(part.entries);
        }
        Ok(all)
    }

    /// Checkpoint `number`, with the heads that it appends. One that is larger than an answer can be is fetched from
    /// where the answer leads, without the token.
    pub fn checkpoint(&self, number: u64) -> Result<Kept, Failure> {
        let answer = self.send("GET", &format!("/v1/audit/checkpoints/{number}"), None, String::new())?;
        let link = answer.headers().get("location").filter(|_| answer.status() == 307);
        let Some(link) = link.and_then(|link| link.to_str().ok()) else { return self.read(answer) };
        if !link.starts_with("https://") && !is_local(link) {
            return Err(Failure::failed(format!("{} leads to what is not an https address", self.url)));
        }
        let host = link.split('?').next().unwrap_or_default();
        let mut answer = self.agent.get(link).call().map_err(|error| unreachable(host, &error))?;
        if !answer.status().is_success() {
            return Err(Failure::failed(format!("{host} answered {}", answer.status())));
        }
        let body = answer.body_mut().with_config().limit(LARGEST_CHECKPOINT).read_to_vec();
        let unpacked = watchkeeper::verify::unpacked(&body.map_err(|error| unreachable(host, &error))?);
        let read = unpacked.ok().and_then(|text| serde_json::from_slice(&text).ok());
        read.ok_or_else(|| Failure::failed(format!("{host} holds no checkpoint")))
    }

    /// The records of `stream` from number `from` on, as many as are answered at once.
    pub fn stream(&self, stream: &str, from: u64) -> Result<Records, Failure> {
        self.get(&format!("/v1/audit/streams/{}/records?from={from}", encoded(stream)))
    }
}

/// `text` as a part of a path or a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
