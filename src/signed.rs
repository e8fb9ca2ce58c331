//! AWS by plain requests, signed by AWS's own signing library: for the few small calls to S3 and SSM.
//!
//! Their clients would make each function a third larger and slower to build, for streaming, checksums and endpoints
//! that two texts and a list of names do not need. Everything else has its client.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;

use crate::aws::{Aws, Hyper};

/// How often a request is tried.
const TRIES: u32 = 3;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(3);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One service, and the right to ask it.
#[derive(Debug, Clone)]
pub struct Signed {
    http: Hyper,
    credentials: Credentials,
    region: String,
    service: &'static str,
    base: String,
}

/// What it answered, whatever that means.
#[derive(Debug)]
pub struct Answered {
    /// The status; never one that another try may change.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer. It names no URL and no text that was sent.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It took too long.
    #[error("no answer within {PATIENCE:?}")]
    Slow,
    /// The service is in trouble, or has enough of us.
    #[error("answered {0}")]
    Trouble(StatusCode),
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] BoxError),
    /// The request could not be made.
    #[error("the request could not be made")]
    Request(#[source] BoxError),
}

impl Signed {
    /// The service `service`, such as `ssm`; `host` is what stands before its name in the host's, or nothing.
    pub fn new(aws: &Aws, service: &'static str, host: &str) -> Self {
        let region = aws.region().to_owned();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let base = match aws.endpoint() {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{host}{service}.{region}.{suffix}"),
        };
        Self { http: aws.http(), credentials: aws.credentials(), region, service, base }
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
            let tried = tokio::time::timeout(PATIENCE, self.attempt(method, path, headers, body)).await;
            tries += 1;
            match tried.unwrap_or(Err(Unanswered::Slow)) {
                Err(failure) if tries < TRIES && !matches!(failure, Unanswered::Request(_)) => {
                    tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                }
                answered => return answered,
            }
        }
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
        let reply = self.http.send(request).await.map_err(Unanswered::Connection)?;
        let status = reply.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Unanswered::Trouble(status));
        }
        let body = reply.into_body().collect().await.map_err(|error| Unanswered::Connection(error.into()))?;
        Ok(Answered { status, body: body.to_bytes() })
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
