//! Answers to HTTP requests, in a sender's dialect or as a problem (RFC 9457).

use crate::api::{MEDIA_TYPE, Problem, Situation};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The media type of `body`.
    pub content_type: &'static str,
    /// Further headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_string(body).expect("an answer is plain JSON");
        Self { status, content_type: "application/json", body, headers: Vec::new() }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: String::new(), headers: Vec::new() }
    }

    /// A problem (RFC 9457); `detail` is for a person and holds nothing of our insides.
    pub fn problem(situation: Situation, detail: &str) -> Self {
        let problem = Problem::new(situation, detail);
        Self { content_type: MEDIA_TYPE, ..Self::json(problem.status, &problem) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}
