//! AWS by plain requests, signed by AWS's own signing library: for the few small calls to S3, SSM, SES, SNS and Step Functions.
//!
//! Their clients would make each function a third larger and slower to build, for streaming, checksums and endpoints
//! that two texts, a list of names, a message and a start do not need. Tables and queues have their clients.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::aws::Aws;

/// How often a request is tried.
const TRIES: u32 = 3;
/// How long one try may take, unless there is more to send than a few texts.
const PATIENCE: Duration = Duration::from_secs(3);

/// Codes that come with status 400 and pass by themselves. Every 5xx does.
const PASSING: [&str; 12] = [
    "Throttled",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "InternalError",
    "KMSThrottling",
    "ExpiredToken",
    "ExpiredTokenException",
];

/// Any error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One service, and the right to ask it.
#[derive(Debug, Clone)]
pub struct Signed {
    http: SharedHttpConnector,
    credentials: Credentials,
    region: String,
    service: &'static str,
    base: String,
    patience: Duration,
}

/// What it answered, whatever that means.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The name of the error, where a header says it.
    pub error: Option<String>,
    /// The version of what was written, where a header says it.
    pub etag: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer. It names no URL and no text that was sent.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It took too long.
    #[error("no answer in time")]
    Slow,
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] BoxError),
    /// The request could not be made.
    #[error("the request could not be made")]
    Request(#[source] BoxError),
}

impl Answered {
    /// Whether the service is in trouble or has enough of us: the same request may succeed later.
    pub fn is_passing(&self) -> bool {
        let status = self.status;
        status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || (status.is_client_error() && self.code().is_some_and(|code| PASSING.contains(&code.as_str())))
    }

    /// The name of the error that was answered, without the namespace before it.
    pub fn code(&self) -> Option<String> {
        let body = || String::from_utf8_lossy(&self.body).into_owned();
        let name = self.error.clone().or_else(|| field(&body(), "__type")).or_else(|| field(&body(), "Code"));
        name.and_then(|name| name.rsplit('#').next().map(str::to_owned))
    }
}

/// The text of a field in AWS's small answers: `"name":"text"` of JSON, or `<name>text</name>` of XML.
pub(crate) fn field(body: &str, name: &str) -> Option<String> {
    if let Ok(Value::Object(object)) = serde_json::from_str(body) {
        return object.get(name)?.as_str().map(str::to_owned);
    }
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text.to_owned())
}

impl Signed {
    /// The service that signs as `service`, such as `ssm`, at the host that begins with `host`.
    pub fn new(aws: &Aws, service: &'static str, host: &str) -> Self {
        let region = aws.region().to_owned();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = match aws.endpoint() {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{host}.{region}.{suffix}"),
        };
        let http = SharedHttpConnector::new(aws.http());
        Self { http, credentials: aws.credentials(), region, service, base, patience: PATIENCE }
    }

    /// The same where one try may take as long as `patience`.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// A service that a test plays.
    #[cfg(test)]
    pub(crate) fn played_by(service: &'static str, player: impl HttpConnector + 'static) -> Self {
        let credentials = Credentials::new("AKID", "SECRET", None, None, "test");
        let (region, base) = ("eu-central-1".to_owned(), "https://aws.test".to_owned());
        Self { http: SharedHttpConnector::new(player), credentials, region, service, base, patience: PATIENCE }
    }

    /// Asks, and asks again while the service is in trouble.
    pub async fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &Bytes,
    ) -> Result<Answered, Unanswered> {
        let mut tries = 0;
        loop {
            let tried = tokio::time::timeout(self.patience, self.attempt(method, path, headers, body)).await;
            tries += 1;
            let answered = tried.unwrap_or(Err(Unanswered::Slow));
            let again = match &answered {
                Ok(answered) => answered.is_passing(),
                Err(failure) => !matches!(failure, Unanswered::Request(_)),
            };
            if !again || tries == TRIES {
                return answered;
            }
            tokio::time::sleep(Duration::from_millis(50 << tries)).await;
        }
    }

    /// A URL by which anybody may get `path` for as long as it lasts.
    pub fn presigned(&self, path: &str, lasts: Duration) -> Result<String, BoxError> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lasts);
        let identity: Identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name(self.service);
        let parameters = parameters.time(SystemTime::now()).settings(settings).build()?.into();
        let mut request = Request::get(format!("{}{path}", self.base)).body(())?;
        let url = request.uri().to_string();
        let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::UnsignedPayload)?;
        let (signed, _) = sign(signable, &parameters)?.into_parts();
        signed.apply_to_request_http1x(&mut request);
        Ok(request.uri().to_string())
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &Bytes,
    ) -> Result<Answered, Unanswered> {
        let url = format!("{}{path}", self.base);
        let request = Request::builder().method(method).uri(&url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(SdkBody::from(body.clone()));
        let mut request = request.map_err(|error| Unanswered::Request(error.into()))?;
        self.sign(&mut request, headers, body).map_err(Unanswered::Request)?;
        let request = HttpRequest::try_from(request).map_err(|error| Unanswered::Request(error.into()))?;
        let reply = self.http.call(request).await.map_err(|error| Unanswered::Connection(error.into()))?;
        let status = StatusCode::from_u16(reply.status().as_u16());
        let status = status.map_err(|error| Unanswered::Connection(error.into()))?;
        // The name may be followed by where it is defined: `NotFoundException:http://…`.
        let error = reply.headers().get("x-amzn-errortype").and_then(|name| name.split(':').next()).map(str::to_owned);
        let etag = reply.headers().get("etag").map(str::to_owned);
        let body = reply.into_body().collect().await.map_err(Unanswered::Connection)?;
        Ok(Answered { status, error, etag, body: body.to_bytes() })
    }

    fn sign(
        &self,
        request: &mut Request<SdkBody>,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<(), BoxError> {
        // As S3 has it, and no harm to the others: the path is signed as it is sent, and the body's hash is a header.
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity: Identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name(self.service);
        let parameters = parameters.time(SystemTime::now()).settings(settings).build()?.into();
        let (method, url) = (request.method().to_string(), request.uri().to_string());
        let signable = SignableRequest::new(&method, &url, headers.iter().copied(), SignableBody::Bytes(body))?;
        let (signed, _) = sign(signable, &parameters)?.into_parts();
        signed.apply_to_request_http1x(request);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_whoever_has_enough_of_us_is_told_from_whoever_says_no() {
        let table = [
            (200, None, "{}", false),
            (503, None, "", true),
            (429, None, "", true),
            (400, None, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#, true),
            (400, None, r#"{"__type":"com.amazonaws.swf.service.v2.model#ThrottlingException"}"#, true),
            (400, Some("ThrottlingException"), "{}", true),
            (400, None, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", true),
            (400, None, r#"{"__type":"ExecutionAlreadyExists"}"#, false),
            (400, None, r#"{"__type":"AccessDeniedException"}"#, false),
            (404, None, "<Error><Code>NoSuchKey</Code></Error>", false),
            (400, None, "nothing that can be read", false),
        ];
        for (status, error, body, passing) in table {
            let status = StatusCode::from_u16(status).expect("a status");
            let answered = Answered { status, error: error.map(str::to_owned), etag: None, body: body.into() };
            assert_eq!(answered.is_passing(), passing, "{answered:?}");
        }
    }
}
