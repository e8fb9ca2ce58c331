//! Objects of one S3 bucket: read, written over, or written once, in one piece or in parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::aws::Aws;
use crate::error::Error;
use crate::signed::{Answered, Signed};

/// Says that an object may be written only where there is none.
const IF_ABSENT: (&str, &str) = ("if-none-match", "*");
/// The header by which S3 compares what arrived with what was sent. A locked bucket takes nothing without.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// How long a link works.
const LINK: std::time::Duration = std::time::Duration::from_mins(5);

/// The objects of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    s3: Signed,
    folder: String,
}

/// What came of writing an object where there should be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is there now.
    New,
    /// There was one already: somebody else's, or our own from a try whose answer was lost.
    Taken,
}

/// An object that is being written in parts. Nobody sees it before it is complete.
#[derive(Debug)]
pub struct Upload {
    key: String,
    id: String,
    parts: Vec<Part>,
}

/// A part that S3 has, as the list that completes the object names it.
#[derive(Debug)]
struct Part {
    etag: String,
    checksum: String,
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

    /// The same where a request may take as long as megabytes do.
    pub(super) fn within(self, patience: std::time::Duration) -> Self {
        Self { s3: self.s3.within(patience), ..self }
    }

    /// The object named `key`, or none.
    pub(super) async fn get(&self, what: &'static str, key: &str) -> Result<Option<Bytes>, Error> {
        let answered = self.ask(what, &Method::GET, key, &[], &Bytes::new()).await?;
        match answered.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answered.body)),
            status => Err(refused(what, status)),
        }
    }

    /// A link to the object named `key`, which works without credentials for a few minutes.
    pub(super) fn link(&self, key: &str) -> Result<String, Error> {
        let signed = self.s3.presigned(&format!("{}/{key}", self.folder), LINK);
        signed.map_err(|source| Error::Unavailable { what: "signing a link", source })
    }

    /// Writes the object named `key`.
    pub(super) async fn put(&self, what: &'static str, key: &str, body: Bytes) -> Result<(), Error> {
        let answered = self.ask(what, &Method::PUT, key, &[], &body).await?;
        if answered.status.is_success() { Ok(()) } else { Err(refused(what, answered.status)) }
    }

    /// Writes the object named `key` unless there is one.
    pub(super) async fn put_new(&self, what: &'static str, key: &str, body: &Bytes) -> Result<Written, Error> {
        let checksum = checksum(body);
        let headers = [IF_ABSENT, (CHECKSUM, &checksum)];
        written(what, &self.ask(what, &Method::PUT, key, &headers, body).await?)
    }

    /// The names of up to a thousand objects that begin with `prefix`, from the first after `after`, in order.
    pub(super) async fn list(&self, what: &'static str, prefix: &str, after: &str) -> Result<Vec<String>, Error> {
        let [prefix, after] = [prefix, after].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        let query = format!("?list-type=2&prefix={prefix}&start-after={after}");
        let answered = self.ask(what, &Method::GET, &query, &[], &Bytes::new()).await?;
        if !answered.status.is_success() {
            return Err(refused(what, answered.status));
        }
        let listed = String::from_utf8_lossy(&answered.body);
        Ok(tags(&listed, "Key").map(str::to_owned).collect())
    }

    /// How the bucket locks its objects, as S3 writes it; `None` where it does not.
    pub(super) async fn lock(&self, what: &'static str) -> Result<Option<String>, Error> {
        let answered = self.ask(what, &Method::GET, "?object-lock=", &[], &Bytes::new()).await?;
        match answered.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(String::from_utf8_lossy(&answered.body).into_owned())),
            status => Err(refused(what, status)),
        }
    }

    /// Begins to write the object named `key` in parts.
    pub(super) async fn begin(&self, what: &'static str, key: &str) -> Result<Upload, Error> {
        let headers = [("x-amz-checksum-algorithm", "SHA256")];
        let answered = self.ask(what, &Method::POST, &format!("{key}?uploads="), &headers, &Bytes::new()).await?;
        let body = String::from_utf8_lossy(&answered.body);
        let id = tags(&body, "UploadId").next().filter(|_| answered.status.is_success());
        let id = id.ok_or_else(|| refused(what, answered.status))?;
        Ok(Upload { key: key.to_owned(), id: id.to_owned(), parts: Vec::new() })
    }

    /// Writes the next part: 5 MB at least, but for the last one.
    pub(super) async fn part(&self, what: &'static str, upload: &mut Upload, body: &Bytes) -> Result<(), Error> {
        let checksum = checksum(body);
        let place = format!("{}?partNumber={}&uploadId={}", upload.key, upload.parts.len() + 1, upload.id());
        let answered = self.ask(what, &Method::PUT, &place, &[(CHECKSUM, &checksum)], body).await?;
        let etag = answered.etag.filter(|_| answered.status.is_success());
        let etag = etag.ok_or_else(|| refused(what, answered.status))?;
        upload.parts.push(Part { etag, checksum });
        Ok(())
    }

    /// Puts the parts together, unless there is such an object.
    pub(super) async fn complete(&self, what: &'static str, upload: &Upload) -> Result<Written, Error> {
        let part = |(number, Part { etag, checksum }): (u32, &Part)| {
            let etag = etag.replace('"', "&quot;");
            let sum = format!("<ChecksumSHA256>{checksum}</ChecksumSHA256>");
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{sum}</Part>")
        };
        let parts: String = (1..).zip(&upload.parts).map(part).collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let place = format!("{}?uploadId={}", upload.key, upload.id());
        let headers = [IF_ABSENT, ("content-type", "application/xml")];
        let answered = self.ask(what, &Method::POST, &place, &headers, &Bytes::from(body)).await?;
        // S3 answers before it is done, so a failure may come in the body.
        match tags(&String::from_utf8_lossy(&answered.body), "Code").next() {
            Some("PreconditionFailed") => Ok(Written::Taken),
            Some(_) if answered.status.is_success() => Err(refused(what, StatusCode::INTERNAL_SERVER_ERROR)),
            _ => written(what, &answered),
        }
    }

    /// Gives the parts up. What is never given up, the bucket's own rule removes after days.
    pub(super) async fn abort(&self, what: &'static str, upload: &Upload) -> Result<(), Error> {
        let place = format!("{}?uploadId={}", upload.key, upload.id());
        let answered = self.ask(what, &Method::DELETE, &place, &[], &Bytes::new()).await?;
        let gone = answered.status.is_success() || answered.status == StatusCode::NOT_FOUND;
        if gone { Ok(()) } else { Err(refused(what, answered.status)) }
    }

    async fn ask(
        &self,
        what: &'static str,
        method: &Method,
        key: &str,
        headers: &[(&'static str, &str)],
        body: &Bytes,
    ) -> Result<Answered, Error> {
        let answered = self.s3.ask(method, &format!("{}/{key}", self.folder), headers, body).await;
        answered.map_err(|failure| Error::Unavailable { what, source: Box::new(failure) })
    }
}

impl Upload {
    fn id(&self) -> impl std::fmt::Display {
        utf8_percent_encode(&self.id, NON_ALPHANUMERIC)
    }
}

/// S3 says 412 where there is an object, and 409 while another request writes one: that one is tried again.
fn written(what: &'static str, answered: &Answered) -> Result<Written, Error> {
    match answered.status {
        StatusCode::PRECONDITION_FAILED => Ok(Written::Taken),
        status if status.is_success() => Ok(Written::New),
        status => Err(refused(what, status)),
    }
}

/// A refusal may be mended by a deploy, as a missing right is; so it is worth a retry.
fn refused(what: &'static str, status: StatusCode) -> Error {
    Error::Unavailable { what, source: format!("S3 answered {status}").into() }
}

fn checksum(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

/// The text of each element `name` in an answer of S3. Those that are read have no attributes, and names of ours hold
/// nothing that XML writes otherwise.
fn tags<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_told_from_what_is_refused() {
        let answered = |status: u16| Answered {
            status: StatusCode::from_u16(status).expect("a status"),
            error: None,
            etag: None,
            body: Bytes::new(),
        };
        let table = [(200, Some(Written::New)), (412, Some(Written::Taken)), (409, None), (403, None), (503, None)];
        for (status, expected) in table {
            assert_eq!(written("keeping", &answered(status)).ok(), expected, "{status}");
        }
    }

    #[test]
    fn names_are_read_from_what_s3_lists() {
        let listed = "<ListBucketResult><Contents><Key>keys/a.pem</Key><Size>1</Size></Contents>\
            <Contents><Key>keys/b.pem</Key></Contents></ListBucketResult>";
        assert_eq!(tags(listed, "Key").collect::<Vec<_>>(), ["keys/a.pem", "keys/b.pem"]);
        assert_eq!(tags("<ListBucketResult/>", "Key").count(), 0);
        assert_eq!(tags("<Key>cut", "Key").count(), 0);
    }
}
