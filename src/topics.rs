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
/// How many certificates are remembered that SNS does not have, and for how long: whoever makes up a name has it asked for
/// once, and keeps nobody from another.
const MISSED: (usize, SignedDuration) = (64, SignedDuration::from_mins(1));

/// What is fetched from SNS.
#[derive(Default)]
pub struct Topics {
    /// Made when it is first needed: most installations never are asked for it.
    client: OnceLock<Outgoing>,
    remembered: Mutex<HashMap<String, Bytes>>,
    /// What SNS did not have, and when. It is held while SNS is asked: one is asked for at a time, in the order in which
    /// they came, however many are made up.
    missed: tokio::sync::Mutex<HashMap<String, Timestamp>>,
}

impl Topics {
    /// The certificate at `url`; `None` where SNS has none.
    pub async fn certificate(&self, url: &str, now: Timestamp) -> Result<Option<Bytes>, Error> {
        if let Some(known) = self.known(url) {
            return Ok(Some(known));
        }
        let mut missed = self.missed.lock().await;
        missed.retain(|_, at| now.duration_since(*at) < MISSED.1);
        if missed.contains_key(url) {
            return Ok(None);
        }
        // Whoever waited for the same one finds it now.
        if let Some(known) = self.known(url) {
            return Ok(Some(known));
        }
        let Some(found) = self.get("fetching a certificate of SNS", url).await? else {
            if missed.len() >= MISSED.0 {
                missed.clear();
            }
            missed.insert(url.to_owned(), now);
            return Ok(None);
        };
        let mut remembered = self.remembered.lock().expect("no holder panics");
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(url.to_owned(), found.clone());
        Ok(Some(found))
    }

    fn known(&self, url: &str) -> Option<Bytes> {
        self.remembered.lock().expect("no holder panics").get(url).cloned()
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
    async fn a_certificate_is_fetched_once_and_one_that_is_not_there_once_in_a_while() {
        let (found, missing) =
            (|| Answer::Whole("200 OK", "a certificate".to_owned()), || Answer::Whole("404 Not Found", String::new()));
        let server = Server::start([found(), missing(), found(), missing()]);
        let topics = topics(&server);
        let url = |name: &str| format!("http://{}/{name}.pem", server.address);
        for _ in 0..3 {
            let known = topics.certificate(&url("known"), at(0)).await;
            assert_eq!(known.ok(), Some(Some("a certificate".into())));
        }
        for second in [0, 59] {
            assert_eq!(topics.certificate(&url("made-up"), at(second)).await.ok(), Some(None));
        }
        assert!(
            topics.certificate(&url("new"), at(0)).await.is_ok_and(|new| new.is_some()),
            "nobody is kept from another"
        );
        assert_eq!(topics.certificate(&url("made-up"), at(60)).await.ok(), Some(None));
        let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
        let asked = ["known", "made-up", "new", "made-up"].map(|name| format!("GET /{name}.pem HTTP/1.1"));
        assert_eq!(lines, asked);
    }

    #[tokio::test]
    async fn however_many_names_are_made_up_few_are_remembered_and_the_real_one_is_still_fetched() {
        let missing = (0..=MISSED.0).map(|_| Answer::Whole("404 Not Found", String::new()));
        let server = Server::start(missing.chain([Answer::Whole("200 OK", "a certificate".to_owned())]));
        let topics = topics(&server);
        let url = |name: &str| format!("http://{}/{name}.pem", server.address);
        for number in 0..=MISSED.0 {
            assert_eq!(topics.certificate(&url(&number.to_string()), at(0)).await.ok(), Some(None));
            assert!(topics.missed.lock().await.len() <= MISSED.0);
        }
        assert!(topics.certificate(&url("real"), at(0)).await.is_ok_and(|found| found.is_some()));
        assert!(topics.certificate(&url("real"), at(0)).await.is_ok_and(|found| found.is_some()));
        assert_eq!(server.seen().len(), MISSED.0 + 2);
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
