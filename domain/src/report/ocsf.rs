//! Events for security lakes, as the Open Cybersecurity Schema Framework has them (<https://schema.ocsf.io/1.3.0>).
//!
//! An incident is an Incident Finding, a change of a policy, a silence or an override is Entity Management, and a request
//! to the API is API Activity. Each has every attribute that its class requires.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::reader::Line;
use super::table::IncidentRow;
use crate::incident::{Incident, Status};
use crate::policy::Ladder;

/// The version of the schema.
const VERSION: &str = "1.3.0";
const INCIDENT_FINDING: u32 = 2005;
const ENTITY_MANAGEMENT: u32 = 3004;
const API_ACTIVITY: u32 = 6003;

/// What was done to an entity, with the number that Entity Management and API Activity have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Create = 1,
    Read = 2,
    Update = 3,
    Delete = 4,
}

/// What every event has.
fn base(class: u32, activity: u32, at: Timestamp, severity: u8, uid: &str) -> Value {
    json!({
        "activity_id": activity,
        "category_uid": class / 1000,
        "class_uid": class,
        "type_uid": class * 100 + activity,
        "time": at.as_millisecond(),
        "severity_id": severity,
        "metadata": {
            "version": VERSION,
            "uid": uid,
            "product": { "name": "Watchkeeper", "vendor_name": "Watchkeeper" },
        },
    })
}

/// An incident as it stands: an Incident Finding.
pub(super) fn incident(incident: &Incident, row: &IncidentRow, changed_at: Timestamp) -> Value {
    let (activity, status, word) = match incident.status {
        Status::Expected | Status::Triggered => (1, 1, "New"),
        Status::Acknowledged => (2, 2, "In Progress"),
        Status::Resolved => (3, 4, "Resolved"),
    };
    let severity = match incident.decision.as_ref().and_then(|decision| decision.level) {
        Some(Ladder::Sev1) => 5,
        Some(Ladder::Sev2) => 4,
        Some(Ladder::Sev3) => 3,
        Some(Ladder::Sev4) => 2,
        None => 0,
    };
    let mut event =
        base(INCIDENT_FINDING, activity, changed_at, severity, &format!("{}#{}", row.incident, incident.seq));
    event["status_id"] = json!(status);
    event["status"] = json!(word);
    event["finding_info_list"] = json!([{
        "uid": row.incident,
        "title": row.title,
        "created_time": incident.opened_at.map(Timestamp::as_millisecond),
        "data_sources": [row.integration],
    }]);
    event["unmapped"] = json!({
        "service": row.service,
        "team": row.team,
        "severity": row.severity,
        "acknowledged_by": row.acknowledged_by,
        "resolved_by": row.resolved_by,
        "head": row.head,
    });
    event
}

/// A change that somebody made: Entity Management.
pub(super) fn change(line: &Line, by: &str, activity: Activity, kind: &str, name: &str) -> Value {
    let mut event = base(ENTITY_MANAGEMENT, activity as u32, line.at, 1, &uid(line));
    event["entity"] = json!({ "uid": name, "name": name, "type": kind });
    event["actor"] = actor(by);
    event["status_id"] = json!(1);
    event
}

/// A request to the API: API Activity.
pub(super) fn access(line: &Line, by: &str, asked: &str, refused: bool) -> Value {
    let activity = match asked.split(' ').next() {
        Some("POST") => Activity::Create,
        Some("PUT" | "PATCH") => Activity::Update,
        Some("DELETE") => Activity::Delete,
        _ => Activity::Read,
    };
    let mut event = base(API_ACTIVITY, activity as u32, line.at, if refused { 2 } else { 1 }, &uid(line));
    event["api"] = json!({ "operation": asked, "service": { "name": "watchkeeper" } });
    event["actor"] = actor(by);
    // The class requires where it came from; we know by which name, and keep no address of a person.
    event["src_endpoint"] = json!({ "name": by });
    event["status_id"] = json!(if refused { 2 } else { 1 });
    event
}

fn actor(by: &str) -> Value {
    json!({ "user": { "uid": by, "name": by.split_once(':').map_or(by, |(_, name)| name) } })
}

fn uid(line: &Line) -> String {
    format!("{}#{}", line.stream, line.seq)
}
