//! What went wrong, as RFC 9457 has it.

use serde::{Deserialize, Serialize};

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Names the situation; relative to the API, and leads to its description.
    #[serde(rename = "type")]
    pub kind: String,
    /// The situation in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Each single mistake, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<String>,
}

/// The situations that a caller can act on. A name here is public: scripts match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// The request itself is wrong.
    InvalidRequest,
    /// No token, or one that is not known.
    Unauthorized,
    /// There is no such thing.
    NotFound,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// Somebody else was first.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// The policy has mistakes.
    InvalidPolicy,
    /// The idempotency key stands for another request.
    KeyReused,
    /// Something of ours failed; the same request may work.
    Internal,
    /// It cannot be answered now; the same request works later.
    Unavailable,
}

impl Situation {
    /// Every situation, for the tests that keep the document in step.
    pub const ALL: [Self; 10] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::InvalidPolicy,
        Self::KeyReused,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its name in the document, its HTTP status and its title.
    pub const fn parts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::InvalidRequest => ("InvalidRequest", 400, "The request is not valid"),
            Self::Unauthorized => ("Unauthorized", 401, "A valid token is needed"),
            Self::NotFound => ("NotFound", 404, "There is no such thing"),
            Self::MethodNotAllowed => ("MethodNotAllowed", 405, "Another method is needed"),
            Self::Conflict => ("Conflict", 409, "Somebody else was first"),
            Self::TooLarge => ("TooLarge", 413, "The body is too large"),
            Self::InvalidPolicy => ("InvalidPolicy", 422, "The policy has mistakes"),
            Self::KeyReused => ("KeyReused", 422, "The key stands for another request"),
            Self::Internal => ("Internal", 500, "Something went wrong here"),
            Self::Unavailable => ("Unavailable", 503, "Try again in a moment"),
        }
    }
}

impl Problem {
    /// The problem of `situation`, with what is wrong this time.
    pub fn new(situation: Situation, detail: impl Into<String>) -> Self {
        let (name, status, title) = situation.parts();
        Self {
            kind: format!("/v1/openapi.json#/components/responses/{name}"),
            title: title.to_owned(),
            status,
            detail: Some(detail.into()).filter(|detail| !detail.is_empty()),
            mistakes: Vec::new(),
        }
    }
}
