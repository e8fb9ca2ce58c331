//! Another function of this installation, called and waited for.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::aws::Aws;
use crate::error::Error;
use crate::signed::Signed;

/// How long it may take: whoever waits behind the HTTP API waits for half a minute at most.
const PATIENCE: Duration = Duration::from_secs(25);

/// Another function.
#[derive(Debug, Clone)]
pub struct Called {
    lambda: Signed,
    name: String,
}

impl Called {
    /// The function with this name.
    pub fn new(aws: &Aws, name: String) -> Self {
        Self { lambda: Signed::new(aws, "lambda", "lambda").within(PATIENCE), name }
    }

    /// Calls it, and gives its answer. It may be called again while it is in trouble, so it has to bear that.
    pub async fn call(&self, what: &'static str, event: &Value) -> Result<Value, Error> {
        let path = format!("/2015-03-31/functions/{}/invocations", self.name);
        let answered = self.lambda.ask(&Method::POST, &path, &[], &Bytes::from(event.to_string())).await;
        let answered = answered.map_err(|failure| Error::Unavailable { what, source: Box::new(failure) })?;
        let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        // A function that failed is answered with 200, and what it said of its error.
        match answer["errorType"].as_str() {
            None if answered.status.is_success() => Ok(answer),
            None => Err(Error::Unavailable { what, source: format!("Lambda answered {}", answered.status).into() }),
            Some(error) => Err(Error::Unavailable { what, source: format!("it failed by {error}").into() }),
        }
    }
}
