//! Schemas of the domain's words in the API's objects, for the document's test alone.

use domain::cause::Proof;
use domain::policy::{Handling, Ladder, Mode};
use domain::signal::Severity;
use domain::silence::{self, State};
use domain::timeline::Kind;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// The words that `all` are written as.
fn words<T: Serialize>(all: &[T]) -> Vec<serde_json::Value> {
    all.iter().map(|word| serde_json::to_value(word).expect("a word")).collect()
}

pub(super) fn severity(_: &mut SchemaGenerator) -> Schema {
    let all = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    json_schema!({"type": "string", "enum": words(&all)})
}

pub(super) fn level(_: &mut SchemaGenerator) -> Schema {
    let all = [Some(Ladder::Sev1), Some(Ladder::Sev2), Some(Ladder::Sev3), Some(Ladder::Sev4), None];
    json_schema!({"type": ["string", "null"], "enum": words(&all)})
}

pub(super) fn handling(_: &mut SchemaGenerator) -> Schema {
    let all = [Some(Handling::Page), Some(Handling::Ticket), Some(Handling::Record), Some(Handling::Suppress), None];
    json_schema!({"type": ["string", "null"], "enum": words(&all)})
}

pub(super) fn mode(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "enum": words(&[Some(Mode::Execute), Some(Mode::Simulate), None])})
}

pub(super) fn proof(_: &mut SchemaGenerator) -> Schema {
    let all = [
        Proof::None,
        Proof::ApiToken,
        Proof::SlackSignature,
        Proof::TwilioSignature,
        Proof::Link,
        Proof::SenderSignature,
        Proof::SenderToken,
        Proof::Aws,
        Proof::Role,
    ];
    json_schema!({"type": "string", "enum": words(&all)})
}

pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    let all = [
        Kind::Opened,
        Kind::Signalled,
        Kind::Enriched,
        Kind::Routed,
        Kind::Silenced,
        Kind::SilenceEnded,
        Kind::Telling,
        Kind::Told,
        Kind::Failed,
        Kind::Updated,
        Kind::Acknowledged,
        Kind::Expired,
        Kind::Snoozed,
        Kind::Unacknowledged,
        Kind::Reassigned,
        Kind::FollowedUp,
        Kind::Escalated,
        Kind::Unanswered,
        Kind::Noted,
        Kind::Amended,
        Kind::Denied,
        Kind::Resolved,
    ];
    json_schema!({"type": "string", "enum": words(&all)})
}

pub(super) fn silence_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": words(&[silence::Kind::Silence, silence::Kind::Maintenance])})
}

pub(super) fn silence_state(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": words(&[State::Active, State::Pending, State::Expired])})
}

pub(super) fn hash(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$"})
}

pub(super) fn maybe_hash(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"})
}

pub(super) fn links(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {
        "type": "object",
        "required": ["href", "text"],
        "properties": {"href": {"type": "string"}, "text": {"type": "string"}},
    }})
}

pub(super) fn entries(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {
        "type": "object",
        "required": ["body", "hash"],
        "properties": {"body": {"type": "string"}, "hash": hash(generator)},
    }})
}

pub(super) fn recorded(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {
        "type": "object",
        "required": ["id", "opened_at", "integration", "key", "alert", "occurrences"],
        "properties": {
            "id": {"type": "string"},
            "opened_at": {"type": "string", "format": "date-time"},
            "reached_at": {"type": "string", "format": "date-time"},
            "integration": {"type": "string"},
            "key": {"type": "string"},
            "alert": {"type": "object"},
            "enrichment": {"type": "object"},
            "decision": {"type": "object", "required": ["handling", "policy", "at", "escalation", "trace", "why"]},
            "occurrences": {"type": "integer", "minimum": 0},
        },
    }})
}

pub(super) fn policy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "required": ["version", "catch_all"]})
}
