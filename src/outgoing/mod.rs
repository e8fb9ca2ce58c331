//! The HTTP client for URLs that people gave us.
//!
//! Such a URL may point at the cloud's metadata service, at a neighbour, or at a server that never stops talking.
//! So the client goes to public addresses alone, to the very address it checked, follows no redirect, keeps no
//! connection, and gives up after [`PATIENCE`] and 64 KB. A URL is itself a secret: errors name its host only.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

#[cfg(test)]
pub(crate) mod scripted;
mod target;

pub use target::Refusal;
use target::Target;

/// How long a request may take, from the look-up of the name to the last byte that is read.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Why there is no answer. No text of it holds more of the URL than its host.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The URL may not be followed.
    #[error("the URL is refused")]
    Refused(#[from] Refusal),
    /// A header cannot be sent.
    #[error("a header holds what a header cannot hold")]
    Header,
    /// No answer came in time.
    #[error("{host} did not answer within {} s", patience.as_secs())]
    TimedOut {
        /// Who.
        host: String,
        /// How long we waited.
        patience: Duration,
    },
    /// There was no connection, or it broke.
    #[error("{host} could not be reached")]
    Unreachable {
        /// Who.
        host: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is longer than anybody needs.
    #[error("{host} answered more than 64 KB")]
    TooLong {
        /// Who.
        host: String,
    },
}

impl Failure {
    /// Whether another try can end otherwise.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Header => false,
            Self::TimedOut { .. } | Self::Unreachable { .. } | Self::TooLong { .. } => true,
        }
    }
}

/// The client. A clone shares its configuration.
#[derive(Clone)]
pub struct Outgoing {
    tls: TlsConnector,
    allow: Arc<[String]>,
    patience: Duration,
}

impl Outgoing {
    /// A client that may also reach the `host:port` pairs listed in `allow`, separated by commas, though they are private.
    pub fn new(allow: &str) -> Self {
        // The roots are compiled in: reading a bundle would cost more than all the rest of a cold start.
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let allow = allow.split(',').map(|pair| pair.trim().to_ascii_lowercase()).filter(|pair| !pair.is_empty());
        Self { tls: TlsConnector::from(Arc::new(config)), allow: allow.collect(), patience: PATIENCE }
    }

    /// Posts `body` to `url`, and returns as soon as the answer's head is there.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Reply, Failure> {
        self.ask(Method::POST, url, headers, body).await
    }

    /// Gets `url`, and returns as soon as the answer's head is there.
    pub async fn get(&self, url: &str) -> Result<Reply, Failure> {
        self.ask(Method::GET, url, HeaderMap::new(), Bytes::new()).await
    }

    async fn ask(&self, method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Result<Reply, Failure> {
        let target = Target::parse(url, &self.allow)?;
        let until = Until { host: target.host.clone(), at: Instant::now() + self.patience, patience: self.patience };
        let (response, driver) = until.run(self.exchange(&target, method, headers, body)).await??;
        Ok(Reply { status: response.status(), response, until, driver })
    }

    async fn exchange(
        &self,
        target: &Target,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(http::Response<Incoming>, JoinSet<()>), Failure> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| Failure::Unreachable {
            host: target.host.clone(),
            source,
        };
        let request = request(target, method, headers, body)?;
        let found = look_up(target).await.map_err(|error| unreachable(error.into()))?;
        let addresses = target.permitted(found.into_iter())?;
        let tcp = connect(&addresses, self.patience).await.map_err(|error| unreachable(error.into()))?;
        let result = if target.encrypted {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| Refusal::Malformed)?;
            let tls = self.tls.connect(name, tcp).await.map_err(|error| unreachable(error.into()))?;
            send(request, TokioIo::new(tls)).await
        } else {
            send(request, TokioIo::new(tcp)).await
        };
        result.map_err(|error| unreachable(error.into()))
    }
}

fn request(target: &Target, method: Method, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
    let authority = target.uri.authority().map_or(target.host.as_str(), http::uri::Authority::as_str);
    let path = target.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| Refusal::Malformed)?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority).map_err(|_| Failure::Header)?);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("watchkeeper"));
    Ok(request)
}

async fn look_up(target: &Target) -> io::Result<Vec<SocketAddr>> {
    match target.literal() {
        Some(address) => Ok(vec![SocketAddr::new(address, target.port)]),
        None => Ok(tokio::net::lookup_host((target.host.as_str(), target.port)).await?.collect()),
    }
}

/// The first of `addresses` that answers; a dead one costs its share of the time, so that the next has some left.
async fn connect(addresses: &[SocketAddr], patience: Duration) -> io::Result<TcpStream> {
    let share = patience / 3;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn send<S>(request: Request<Full<Bytes>>, stream: S) -> hyper::Result<(http::Response<Incoming>, JoinSet<()>)>
where
    S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new().max_buf_size(LONGEST_ANSWER).handshake(stream).await?;
    // Dropping the set ends the connection, whatever the other side still has to say.
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // The request's own result tells of a broken connection.
        let _ = connection.await;
    });
    Ok((sender.send_request(request).await?, driver))
}

/// The end of a request's time.
struct Until {
    host: String,
    at: Instant,
    patience: Duration,
}

impl Until {
    async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let late = |_| Failure::TimedOut { host: self.host.clone(), patience: self.patience };
        timeout_at(self.at, work).await.map_err(late)
    }
}

/// An answer, of which only the head was read.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    response: http::Response<Incoming>,
    until: Until,
    driver: JoinSet<()>,
}

impl Reply {
    /// When the server says to try again, in seconds from `now`.
    pub fn retry_after(&self, now: Timestamp) -> Option<u32> {
        let text = self.response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(seconds);
        }
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        u32::try_from(at.duration_since(now).as_secs().max(0)).ok()
    }

    /// The rest of it, if it comes within the time of the whole request.
    pub async fn body(self) -> Result<Bytes, Failure> {
        let Self { response, until, driver, .. } = self;
        let read = until.run(Limited::new(response.into_body(), LONGEST_ANSWER).collect()).await?;
        drop(driver);
        match read {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLong { host: until.host }),
            Err(source) => Err(Failure::Unreachable { host: until.host, source }),
        }
    }
}

#[cfg(test)]
mod tests;
