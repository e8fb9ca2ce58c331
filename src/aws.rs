//! AWS clients, built by hand: the credentials and the region that Lambda hands over, and static root certificates.
//!
//! What `aws-config` would do at start (searching for profiles, loading the system's certificates) costs more than
//! everything else a function does before its first event, and finds nothing else on Lambda.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::TokioExecutor;

use crate::config::{optional, required};
use crate::error::Error;

/// How long one attempt at a call may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with its retries.
const OPERATION: Duration = Duration::from_secs(10);

/// What every client is built from.
#[derive(Debug, Clone)]
pub struct Aws {
    credentials: Credentials,
    region: Region,
    endpoint: Option<String>,
    http: Hyper,
}

/// Builds a client of one service: their configuration types differ in name only.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident, $sdk:ident) => {
        $(#[$doc])*
        pub fn $name(&self) -> $sdk::Client {
            let mut config = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
                .region(self.region.clone())
                .http_client(SharedHttpClient::new(self.http.clone()))
                .retry_config(RetryConfig::standard().with_max_attempts(3))
                .timeout_config(
                    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build(),
                );
            config.set_endpoint_url(self.endpoint.clone());
            $sdk::Client::from_conf(config.build())
        }
    };
}

impl Aws {
    /// Reads what Lambda puts in the environment: credentials of the function's role, the region, and a local endpoint.
    pub fn from_env() -> Result<Self, Error> {
        let token = Some(optional("AWS_SESSION_TOKEN")).filter(|token| !token.is_empty());
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            token,
            None,
            "the function's role",
        );
        Ok(Self {
            credentials,
            region: Region::new(required("AWS_REGION")?),
            endpoint: Some(optional("AWS_ENDPOINT_URL")).filter(|url| !url.is_empty()),
            http: Hyper::new()?,
        })
    }

    client! {
        /// Tables.
        dynamodb, aws_sdk_dynamodb
    }
    client! {
        /// Queues.
        sqs, aws_sdk_sqs
    }

    pub(crate) fn region(&self) -> &str {
        self.region.as_ref()
    }

    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    pub(crate) fn http(&self) -> Hyper {
        self.http.clone()
    }
}

/// A TLS configuration that trusts the roots compiled into the program; it touches no file.
fn https(tcp: Tcp) -> Result<HttpsConnector<Tcp>, Error> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider);
    let builder = builder.map_err(|error| Error::Misconfigured(format!("TLS: {error}")))?;
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

/// The pool of connections that all clients share.
#[derive(Debug, Clone)]
pub(crate) struct Hyper(Client<HttpsConnector<Tcp>, SdkBody>);

impl Hyper {
    fn new() -> Result<Self, Error> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(1)));
        Ok(Self(Client::builder(TokioExecutor::new()).build(https(tcp)?)))
    }
}

/// The pool of connections by itself, for a client that is built elsewhere.
pub fn http_client() -> Result<SharedHttpClient, Error> {
    Ok(SharedHttpClient::new(Hyper::new()?))
}

impl HttpClient for Hyper {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Hyper {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let reply = client.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(reply.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
