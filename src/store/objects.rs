//! Objects of one S3 bucket: read one, write one.

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::aws::Aws;
use crate::error::Error;
use crate::signed::{Answered, Signed};

/// The objects of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    s3: Signed,
    folder: String,
}

impl Objects {
    /// The objects of `bucket`.
    pub(super) fn new(aws: &Aws, bucket: &str) -> Self {
        // A bucket's name is no host name on the local cloud.
        let (host, folder) = match aws.endpoint() {
            Some(_) => ("s3".to_owned(), format!("/{bucket}")),
            None => (format!("{bucket}.s3"), String::new()),
        };
        Self { s3: Signed::new(aws, "s3", &host), folder }
    }

    /// The object named `key`, or none.
    pub(super) async fn get(&self, what: &'static str, key: &str) -> Result<Option<Bytes>, Error> {
        let answered = self.ask(what, &Method::GET, key, &Bytes::new()).await?;
        match answered.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answered.body)),
            status => Err(refused(what, status)),
        }
    }

    /// Writes the object named `key`.
    pub(super) async fn put(&self, what: &'static str, key: &str, body: Bytes) -> Result<(), Error> {
        let answered = self.ask(what, &Method::PUT, key, &body).await?;
        if answered.status.is_success() { Ok(()) } else { Err(refused(what, answered.status)) }
    }

    async fn ask(&self, what: &'static str, method: &Method, key: &str, body: &Bytes) -> Result<Answered, Error> {
        let answered = self.s3.ask(method, &format!("{}/{key}", self.folder), &[], body).await;
        answered.map_err(|failure| Error::Unavailable { what, source: Box::new(failure) })
    }
}

/// A refusal may be mended by a deploy, as a missing right is; so it is worth a retry.
fn refused(what: &'static str, status: StatusCode) -> Error {
    Error::Unavailable { what, source: format!("S3 answered {status}").into() }
}
