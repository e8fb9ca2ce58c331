//! Objects of one S3 bucket: read one, write one.
//!
//! Two plain requests, signed by AWS's own signing library. The S3 client would make each function a third larger and
//! slower to build, for streaming, checksums and endpoints that two small texts do not need.

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
use crate::error::Error;

/// How often a request is tried.
const TRIES: u32 = 3;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The objects of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    http: Hyper,
    credentials: Credentials,
    region: String,
    base: String,
}

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no answer within {PATIENCE:?}")]
    Slow,
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the request could not be made")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Objects {
    /// The objects of `bucket`.
    pub(super) fn new(aws: &Aws, bucket: &str) -> Self {
        let region = aws.region().to_owned();
        let base = if let Some(endpoint) = aws.endpoint() {
            // A bucket's name is no host name on the local cloud.
            format!("{}/{bucket}", endpoint.trim_end_matches('/'))
        } else {
            let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{bucket}.s3.{region}.{suffix}")
        };
        Self { http: aws.http(), credentials: aws.credentials(), region, base }
    }

    /// The object named `key`, or none.
    pub(super) async fn get(&self, what: &'static str, key: &str) -> Result<Option<Bytes>, Error> {
        self.request(what, &Method::GET, key, Bytes::new()).await
    }

    /// Writes the object named `key`.
    pub(super) async fn put(&self, what: &'static str, key: &str, body: Bytes) -> Result<(), Error> {
        self.request(what, &Method::PUT, key, body).await.map(drop)
    }

    async fn request(
        &self,
        what: &'static str,
        method: &Method,
        key: &str,
        body: Bytes,
    ) -> Result<Option<Bytes>, Error> {
        let mut tries = 0;
        loop {
            let tried = tokio::time::timeout(PATIENCE, self.attempt(method, key, body.clone())).await;
            let failure = match tried.unwrap_or(Err(Failure::Slow)) {
                Ok(found) => return Ok(found),
                Err(failure) => failure,
            };
            tries += 1;
            let hopeless = matches!(&failure, Failure::Request(_))
                || matches!(&failure, Failure::Status(status) if status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS);
            if hopeless || tries == TRIES {
                return Err(Error::Unavailable { what, source: Box::new(failure) });
            }
            tokio::time::sleep(Duration::from_millis(50 << tries)).await;
        }
    }

    async fn attempt(&self, method: &Method, key: &str, body: Bytes) -> Result<Option<Bytes>, Failure> {
        let url = format!("{}/{key}", self.base);
        let request = Request::builder().method(method).uri(&url).body(SdkBody::from(body.clone()));
        let mut request = request.map_err(|error| Failure::Request(error.into()))?;
        self.sign(&mut request, &body).map_err(Failure::Request)?;
        let reply = self.http.send(request).await.map_err(Failure::Connection)?;
        match reply.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                let body = reply.into_body().collect().await;
                Ok(Some(body.map_err(|error| Failure::Connection(error.into()))?.to_bytes()))
            }
            status => Err(Failure::Status(status)),
        }
    }

    fn sign(
        &self,
        request: &mut Request<SdkBody>,
        body: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // As S3 has it: the path is signed as it is sent, and the body's hash is a header.
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity: Identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name("s3");
        let parameters = parameters.time(SystemTime::now()).settings(settings).build()?.into();
        let (method, url) = (request.method().to_string(), request.uri().to_string());
        let signable = SignableRequest::new(&method, &url, std::iter::empty(), SignableBody::Bytes(body))?;
        let (signed, _) = sign(signable, &parameters)?.into_parts();
        signed.apply_to_request_http1x(request);
        Ok(())
    }
}
