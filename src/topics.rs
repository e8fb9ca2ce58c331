//! Topics of SNS: the certificates that verify their messages, and the visits that take their subscriptions.
//!
//! The addresses come from messages, and are SNS's own when they get here: [`crate::sender`] sees to that.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::outgoing::Outgoing;

/// How many certificates are remembered. SNS has one for each region, and changes it about once a year.
const REMEMBERED: usize = 16;
/// How long nothing new is fetched after a certificate that SNS does not have: whoever makes up names is not worth more.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// What is fetched from SNS.
#[derive(Default)]
pub struct Topics {
    /// Made when it is first needed: most installations never are asked for it.
    client: OnceLock<Outgoing>,
    remembered: Mutex<HashMap<String, Bytes>>,
    /// When SNS did not have what it was asked for.
    missed: Mutex<Option<Timestamp>>,
}

impl Topics {
    /// The certificate at `url`; `None` where SNS has none. Who names one shortly after that is asked to come back.
    pub async fn certificate(&self, url: &str, now: Timestamp) -> Result<Option<Bytes>, Error> {
        const WHAT: &str = "fetching a certificate of SNS";
        if let Some(known) = self.remembered.lock().expect("no holder panics").get(url) {
            return Ok(Some(known.clone()));
        }
        let missed = *self.missed.lock().expect("no holder panics");
        if missed.is_some_and(|at| now.duration_since(at) < PAUSE) {
            return Err(Error::Unavailable { what: WHAT, source: "the last one was not there".into() });
        }
        let Some(found) = self.get(WHAT, url).await? else {
            *self.missed.lock().expect("no holder panics") = Some(now);
            return Ok(None);
        };
        let mut remembered = self.remembered.lock().expect("no holder panics");
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(url.to_owned(), found.clone());
        Ok(Some(found))
    }

    /// Takes a subscription by visiting `url`. One that was taken already stays so.
    pub async fn confirm(&self, url: &str) -> Result<(), Error> {
        self.get("confirming a subscription", url).await.map(drop)
    }

    async fn get(&self, what: &'static str, url: &str) -> Result<Option<Bytes>, Error> {
        let unavailable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unavailable { what, source };
        let client = self.client.get_or_init(|| Outgoing::new(""));
        let reply = client.get(url).await.map_err(|failure| unavailable(failure.into()))?;
        match reply.status {
            StatusCode::OK => reply.body().await.map(Some).map_err(|failure| unavailable(failure.into())),
            status if status.is_client_error() => Ok(None),
            status => Err(unavailable(format!("SNS answered {status}").into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::scripted::{Answer, Server};

    fn topics(server: &Server) -> Topics {
        Topics { client: OnceLock::from(server.client(5000)), ..Topics::default() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[tokio::test]
    async fn a_certificate_is_fetched_once_and_after_one_that_is_not_there_none_for_a_while() {
        let found = || Answer::Whole("200 OK", "a certificate".to_owned());
        let server = Server::start([found(), Answer::Whole("404 Not Found", String::new()), found()]);
        let topics = topics(&server);
        let url = |name: &str| format!("http://{}/{name}.pem", server.address);
        for _ in 0..3 {
            let known = topics.certificate(&url("known"), at(0)).await;
            assert_eq!(known.ok(), Some(Some("a certificate".into())));
        }
        assert_eq!(topics.certificate(&url("missing"), at(0)).await.ok(), Some(None));
        assert!(matches!(topics.certificate(&url("new"), at(9)).await, Err(Error::Unavailable { .. })));
        assert!(topics.certificate(&url("known"), at(9)).await.is_ok_and(|known| known.is_some()));
        assert!(topics.certificate(&url("new"), at(10)).await.is_ok_and(|new| new.is_some()));
        let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(lines, ["GET /known.pem HTTP/1.1", "GET /missing.pem HTTP/1.1", "GET /new.pem HTTP/1.1"]);
    }

    #[tokio::test]
    async fn when_sns_does_not_answer_the_sender_is_asked_to_come_back_and_nothing_is_remembered() {
        let trouble = || Answer::Whole("503 Slow Down", String::new());
        let server = Server::start([trouble(), trouble(), Answer::Whole("200 OK", "a certificate".to_owned())]);
        let topics = topics(&server);
        let url = format!("http://{}/a.pem", server.address);
        assert!(matches!(topics.certificate(&url, at(0)).await, Err(Error::Unavailable { .. })));
        assert!(matches!(topics.confirm(&url).await, Err(Error::Unavailable { .. })));
        assert!(topics.certificate(&url, at(0)).await.is_ok_and(|found| found.is_some()));
    }
}
