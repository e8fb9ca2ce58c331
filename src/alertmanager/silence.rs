//! Silences as Alertmanager's API has them.

use domain::incident::Actor;
use domain::matcher::{Comparison, Matcher, Matchers};
use domain::silence::{self, Kind, REMIND, Wanted};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{instant, invalid};
use crate::reply::Reply;

/// One silence, as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Silence<'a> {
    id: &'a str,
    status: serde_json::Value,
    updated_at: String,
    comment: &'a str,
    created_by: &'a str,
    ends_at: String,
    matchers: &'a Matchers,
    starts_at: String,
}

impl<'a> Silence<'a> {
    /// The view of `silence` at `now`.
    pub(super) fn of(silence: &'a silence::Silence, now: Timestamp) -> Self {
        Self {
            id: &silence.id,
            status: json!({ "state": silence.state(now).as_str() }),
            updated_at: instant(silence.updated_at),
            comment: &silence.reason,
            created_by: silence.by.name(),
            ends_at: instant(silence.until),
            matchers: &silence.matchers,
            starts_at: instant(silence.from),
        }
    }
}

/// The answer to whoever made or changed one.
#[derive(Serialize)]
pub(super) struct Made {
    #[serde(rename = "silenceID")]
    pub(super) silence_id: String,
}

/// One silence, as it is posted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    id: Option<String>,
    comment: Option<String>,
    created_by: Option<String>,
    ends_at: Option<Timestamp>,
    matchers: Option<Vec<PostedMatcher>>,
    starts_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

/// A posted silence that has everything it needs.
pub(super) struct Posted {
    id: Option<String>,
    comment: String,
    created_by: String,
    ends_at: Timestamp,
    matchers: Matchers,
    starts_at: Timestamp,
}

impl Posted {
    /// Reads a body, or says what the stock binary says about it.
    pub(super) fn read(body: &[u8]) -> Result<Self, Reply> {
        // What serde says may quote the body; the place is enough.
        let body: Body = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            invalid(400, &format!("parsing silence body from \"\" failed, because it cannot be read at {place}"))
        })?;
        let missing = |field: &str| invalid(602, &format!("{field} in body is required"));
        let comment = body.comment.ok_or_else(|| missing("comment"))?;
        let created_by = body.created_by.ok_or_else(|| missing("createdBy"))?;
        let ends_at = body.ends_at.ok_or_else(|| missing("endsAt"))?;
        let matchers = body.matchers.ok_or_else(|| missing("matchers"))?;
        if matchers.is_empty() {
            return Err(invalid(612, "matchers in body should have at least 1 items"));
        }
        let matchers = matchers.into_iter().enumerate().map(|(index, posted)| matcher(index, posted));
        let matchers = Matchers::try_from(matchers.collect::<Result<Vec<_>, _>>()?);
        let matchers = matchers.map_err(|wrong| Reply::json(400, &format!("silence invalid: {wrong}")))?;
        let starts_at = body.starts_at.ok_or_else(|| missing("startsAt"))?;
        let id = body.id.filter(|id| !id.is_empty());
        Ok(Self { id, comment, created_by, ends_at, matchers, starts_at })
    }

    /// The silence it names, if it names one, and what it asks for; without a creator, for the holder of `token`.
    pub(super) fn wanted(self, token: &str) -> (Option<String>, Asked) {
        let named = self.created_by.trim();
        let by = if named.is_empty() { Actor::token(token) } else { Actor::person(&domain::text::cut(named, 128)) };
        let wanted = Wanted {
            kind: Kind::Silence,
            matchers: self.matchers,
            from: self.starts_at,
            until: self.ends_at,
            by,
            reason: self.comment,
            remind: REMIND,
        };
        (self.id, Asked(wanted))
    }
}

/// What a posted silence asks for, without what this API cannot say.
pub(super) struct Asked(Wanted);

impl Asked {
    /// As a silence of its own.
    pub(super) fn new_one(self) -> Wanted {
        self.0
    }

    /// Instead of `before`, from which comes what this API cannot say.
    pub(super) fn instead_of(&self, before: &silence::Silence) -> Wanted {
        Wanted { kind: before.kind, remind: before.remind, ..self.0.clone() }
    }
}

fn matcher(index: usize, posted: PostedMatcher) -> Result<Matcher, Reply> {
    let missing = |field: &str| invalid(602, &format!("matchers.{index}.{field} in body is required"));
    let is_regex = posted.is_regex.ok_or_else(|| missing("isRegex"))?;
    let name = posted.name.ok_or_else(|| missing("name"))?;
    let value = posted.value.ok_or_else(|| missing("value"))?;
    let comparison = Comparison::from_flags(is_regex, posted.is_equal.unwrap_or(true));
    let refuse = |wrong| Reply::json(400, &format!("silence invalid: invalid label matcher {index}: {wrong}"));
    Matcher::new(name, comparison, value).map_err(|wrong| refuse(wrong.to_string()))
}

/// Whether `id` is written as a UUID.
pub(crate) fn is_uuid(id: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = id.split('-').collect();
    let fits = |(part, length): (&&str, usize)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    parts.len() == lengths.len() && parts.iter().zip(lengths).all(fits)
}
