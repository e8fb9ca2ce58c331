//! The loop that every function runs in, and its edges: task, HTTP request, queue batch. Only here is a clock read.

use std::net::IpAddr;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::incident::Refusal;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, run, service_fn};
use metrics_cloudwatch_embedded::Collector;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{MEDIA_TYPE, Problem, Situation};
use crate::error::Error;
use crate::reply::Reply;

/// What stops a function for good.
pub type Fatal = lambda_runtime::Error;

/// Serves `handle` as a task of a state machine until the sandbox stops.
///
/// A request that cannot be read is `InvalidEvent`; a failure's name is what the machine matches.
pub async fn serve<I, O>(handle: impl AsyncFn(I, Timestamp) -> Result<O, Error>) -> Result<(), Fatal>
where
    I: DeserializeOwned,
    O: Serialize,
{
    let handle = &handle;
    serve_event(async |event, now, _: &str| handle(read(event)?, now).await).await
}

/// Serves `handle` behind the HTTP API. A failure of ours becomes 503 with `Retry-After`, so that senders try again.
pub async fn serve_http(handle: impl AsyncFn(Http, Timestamp) -> Result<Reply, Error>) -> Result<(), Fatal> {
    let handle = &handle;
    serve_event(async |event, now, _: &str| {
        let reply = match http(event) {
            Ok(request) => handle(request, now).await,
            Err(error) => Err(error),
        };
        Ok(HttpReply::from(reply.unwrap_or_else(|error| refuse(&error))))
    })
    .await
}

/// Serves `handle` behind a queue. It gets the batch and answers with the ids of the messages to deliver again.
pub async fn serve_queue(handle: impl AsyncFn(SqsEvent, Timestamp) -> Result<Vec<String>, Error>) -> Result<(), Fatal> {
    let handle = &handle;
    serve_event(async |event, now, _: &str| {
        let failed = handle(read(event)?, now).await?;
        let mut answer = SqsBatchResponse::default();
        answer.batch_item_failures = failed
            .into_iter()
            .map(|id| {
                let mut item = BatchItemFailure::default();
                item.item_identifier = id;
                item
            })
            .collect();
        Ok(answer)
    })
    .await
}

/// Serves `handle` with raw events: for a function that several kinds of caller share.
pub async fn serve_event<O: Serialize>(
    handle: impl AsyncFn(Value, Timestamp, &str) -> Result<O, Error>,
) -> Result<(), Fatal> {
    log();
    let metrics = metrics()?;
    let handle = &handle;
    let serve = move |event: LambdaEvent<Value>| async move {
        // Boxed, as the compiler cannot lay out futures as deep as those of the SDK's calls in one piece.
        let answer = Box::pin(handle(event.payload, Timestamp::now(), &event.context.request_id)).await;
        if let Err(error) = metrics.flush(std::io::stdout()) {
            tracing::warn!(error = %error, "metrics were lost");
        }
        answer
    };
    run(service_fn(serve)).await
}

/// Reads an event into its type, or says where it is wrong.
pub fn read<I: DeserializeOwned>(event: Value) -> Result<I, Error> {
    serde_path_to_error::deserialize(event).map_err(|error| Error::invalid_event(&error))
}

/// One JSON line for each event, from the level that Lambda's logging controls set.
fn log() {
    let level = crate::config::optional("AWS_LAMBDA_LOG_LEVEL").parse().unwrap_or(tracing::Level::INFO);
    let subscriber = tracing_subscriber::fmt().json().with_max_level(level).with_current_span(true).finish();
    // A second subscriber would be a second log: the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Reads a JSON object and nothing after it, or says where it is wrong. A list is no object, though serde would take it.
pub fn read_object<I: DeserializeOwned>(body: &[u8]) -> Result<I, Error> {
    read_and_tell(body, |_| ())
}

/// The same where a field that nobody knows is refused: it is a mistake of whoever wrote it.
pub fn read_known<I: DeserializeOwned>(body: &[u8]) -> Result<I, Error> {
    let mut unknown = None;
    let object = read_and_tell(body, |path| unknown = unknown.take().or(Some(path)))?;
    unknown.map_or(Ok(object), |path| Err(Error::InvalidEvent(format!("at {path}, which is not known"))))
}

/// Reads a JSON object, and tells the place of each field that it passes over.
fn read_and_tell<I: DeserializeOwned>(body: &[u8], mut passed_over: impl FnMut(String)) -> Result<I, Error> {
    let invalid = |what: &str| Error::InvalidEvent(what.to_owned());
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut tell = |path: serde_ignored::Path<'_>| passed_over(path.to_string());
    let object = serde_path_to_error::deserialize(serde_ignored::Deserializer::new(&mut json, &mut tell));
    let object = object.map_err(|error| Error::invalid_event(&error))?;
    json.end().map_err(|_| invalid("something follows the JSON object"))?;
    Ok(object)
}

fn metrics() -> Result<&'static Collector, Fatal> {
    let function = crate::config::optional("AWS_LAMBDA_FUNCTION_NAME");
    let builder = metrics_cloudwatch_embedded::Builder::new().cloudwatch_namespace("Watchkeeper");
    builder.with_dimension("function", function).init()
}

/// A request as the HTTP API hands it over, its body as the bytes that were sent.
#[derive(Debug)]
pub struct Http {
    /// The method.
    pub method: Method,
    /// The path without the stage, percent-decoded by nobody.
    pub path: String,
    /// The query, as sent.
    pub query: String,
    /// The headers; a name in any case finds its value.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
    /// The address it came from, as the HTTP API saw it.
    pub source: Option<IpAddr>,
    /// Unique for this request.
    pub id: String,
}

impl Http {
    /// The key by which a request that comes again is known.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.headers.get("idempotency-key").and_then(|key| key.to_str().ok())
    }
}

/// The part of API Gateway's event, format 2.0, that is used.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayEvent {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: std::collections::HashMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: GatewayContext,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayContext {
    request_id: String,
    stage: String,
    http: GatewayRequest,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayRequest {
    method: String,
    #[serde(default)]
    source_ip: String,
}

/// Reads API Gateway's event.
pub fn http(event: Value) -> Result<Http, Error> {
    let event: GatewayEvent = read(event)?;
    let invalid = |what: &str| Error::InvalidEvent(what.to_owned());
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        STANDARD.decode(body).map_err(|_| invalid("the body is not base64"))?
    } else {
        body.into_bytes()
    };
    let mut headers = HeaderMap::with_capacity(event.headers.len());
    for (name, value) in event.headers {
        // A header that is not one cannot be what a signature was made over; it is as if it were not there.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    let context = event.request_context;
    let stage = format!("/{}/", context.stage);
    let path = event.raw_path.strip_prefix(&stage).map_or(event.raw_path.clone(), |rest| format!("/{rest}"));
    Ok(Http {
        method: Method::from_bytes(context.http.method.as_bytes()).map_err(|_| invalid("no such method"))?,
        path,
        query: event.raw_query_string,
        headers,
        body: body.into(),
        source: context.http.source_ip.parse().ok(),
        id: context.request_id,
    })
}

/// The answer as the HTTP API takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpReply {
    status_code: u16,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Reply> for HttpReply {
    fn from(reply: Reply) -> Self {
        let own = reply.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut headers: std::collections::BTreeMap<_, _> = own.collect();
        headers.insert("content-type".to_owned(), reply.content_type.to_owned());
        Self { status_code: reply.status, headers, body: reply.body, is_base64_encoded: false }
    }
}

/// What a failure is to somebody behind HTTP: nothing of our insides, and nothing that makes a sender give up.
pub fn refuse(error: &Error) -> Reply {
    tracing::warn!(error = %error.chain(), name = error.name(), "a request failed");
    let problem = problem(error);
    let reply = Reply { content_type: MEDIA_TYPE, ..Reply::json(problem.status, &problem) };
    if problem.status == 503 { reply.with("retry-after", "2") } else { reply }
}

/// The same as an object of the API.
pub fn problem(error: &Error) -> Problem {
    match error {
        Error::InvalidEvent(what) => Problem::new(Situation::InvalidRequest, what),
        Error::NotFound(_) | Error::Refused(Refusal::Unknown) => Problem::new(Situation::NotFound, ""),
        Error::Refused(refusal) => Problem::new(Situation::Conflict, refusal.to_string()),
        Error::Misconfigured(_) | Error::Conflict | Error::Unavailable { .. } => {
            Problem::new(Situation::Unavailable, "")
        }
    }
}
