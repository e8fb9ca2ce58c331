//! What the records of all other streams say: policies, silences, overrides, changes, access and the evidence itself.
//!
//! They are read by their fields and not by their types, so that a record of any version tells what it has.

use serde_json::Value;

use super::facts::ChangeMade;
use super::reader::Line;
use super::table::{AccessRow, DeploymentRow, PersonalRow, PolicyRow};
use super::{Finding, FindingKind, Gathered, ocsf};

/// Tells what a record of a stream that is no incident's says.
pub(super) fn push(line: &Line, gathered: &mut Gathered) {
    let kind = line.stream.split('#').next().unwrap_or_default();
    for event in &line.events {
        match kind {
            "policy" => policy(line, event, gathered),
            "silences" => silence(line, event, gathered),
            "covers" => cover(line, event, gathered),
            "calendars" => calendar(line, event, gathered),
            "gaps" => gap(line, event, gathered),
            "changes" => change(line, event, gathered),
            "access" => access(line, event, gathered),
            "evidence" => evidence(line, event, gathered),
            _ => {}
        }
    }
}

fn policy(line: &Line, event: &Value, gathered: &mut Gathered) {
    gathered.facts.touched.policies_applied += 1;
    let row = PolicyRow {
        at: line.at.to_string(),
        by: line.who(event),
        from: text(event, "from"),
        to: text(event, "to"),
        cause: line.cause.clone(),
        stream: line.stream.clone(),
        seq: line.seq.to_string(),
    };
    gathered.event(&ocsf::change(line, &row.by, ocsf::Activity::Update, "policy", &row.to));
    gathered.row(&row);
}

fn silence(line: &Line, event: &Value, gathered: &mut Gathered) {
    let kind = text(event, "type");
    let silence = &event["silence"];
    let (action, activity) = match kind.as_str() {
        "created" => ("created", ocsf::Activity::Create),
        "changed" => ("changed", ocsf::Activity::Update),
        "expired" => ("ended", ocsf::Activity::Delete),
        _ => return,
    };
    gathered.facts.touched.silences += 1;
    let named = |name| Some(text(silence, name)).filter(|text| !text.is_empty());
    let row = PersonalRow {
        at: line.at.to_string(),
        by: named("by").unwrap_or_else(|| line.who(event)),
        action: action.to_owned(),
        kind: named("kind").unwrap_or_else(|| "silence".to_owned()),
        id: named("id").unwrap_or_else(|| text(event, "id")),
        subject: plain(&silence["matchers"]),
        from: text(silence, "from"),
        until: text(silence, "until"),
        reason: text(silence, "reason"),
        stream: line.stream.clone(),
        seq: line.seq.to_string(),
    };
    if action != "ended" && row.reason.trim().is_empty() {
        let what = format!("{} silenced {} until {} and gave no reason", row.by, row.subject, row.until);
        gathered.find(line.finding(FindingKind::SilenceWithoutReason, &row.by, what));
    }
    personal(line, &row, activity, gathered);
}

fn cover(line: &Line, event: &Value, gathered: &mut Gathered) {
    let both = [&event["swap"][0], &event["swap"][1]];
    let (action, activity, kind, set): (_, _, _, &[&Value]) = match text(event, "type").as_str() {
        "override_set" => ("set", ocsf::Activity::Create, "override", &[&event["set"]]),
        "swapped" => ("set", ocsf::Activity::Create, "swap", &both),
        "absence_set" => ("set", ocsf::Activity::Create, "absence", &[&event["set"]]),
        "override_removed" => ("removed", ocsf::Activity::Delete, "override", &[event]),
        "absence_removed" => ("removed", ocsf::Activity::Delete, "absence", &[event]),
        _ => return,
    };
    gathered.facts.touched.covers += 1;
    for set in set {
        let by = Some(text(set, "by")).filter(|by| !by.is_empty());
        let parts = ["person", "instead_of", "schedule"].map(|name| text(set, name));
        let [person, instead, schedule] = parts;
        let for_whom = if instead.is_empty() { String::new() } else { format!(" for {instead}") };
        let on = if schedule.is_empty() { String::new() } else { format!(" on {schedule}") };
        let row = PersonalRow {
            at: line.at.to_string(),
            by: by.unwrap_or_else(|| line.who(event)),
            action: action.to_owned(),
            kind: kind.to_owned(),
            id: text(set, "id"),
            subject: format!("{person}{for_whom}{on}"),
            from: text(set, "from"),
            until: text(set, "until"),
            reason: text(set, "reason"),
            stream: line.stream.clone(),
            seq: line.seq.to_string(),
        };
        personal(line, &row, activity, gathered);
    }
}

fn calendar(line: &Line, event: &Value, gathered: &mut Gathered) {
    gathered.facts.touched.calendars += 1;
    let (action, activity) = match text(event, "type").as_str() {
        "removed" => ("removed", ocsf::Activity::Delete),
        _ => ("set", ocsf::Activity::Create),
    };
    let row = PersonalRow {
        at: line.at.to_string(),
        by: line.who(event),
        action: action.to_owned(),
        kind: "calendar".to_owned(),
        subject: plain(&event["of"]),
        stream: line.stream.clone(),
        seq: line.seq.to_string(),
        ..PersonalRow::default()
    };
    personal(line, &row, activity, gathered);
}

fn personal(line: &Line, row: &PersonalRow, activity: ocsf::Activity, gathered: &mut Gathered) {
    let name = if row.id.is_empty() { &row.subject } else { &row.id };
    gathered.event(&ocsf::change(line, &row.by, activity, &row.kind, name));
    gathered.row(row);
}

fn gap(line: &Line, event: &Value, gathered: &mut Gathered) {
    for gap in event["gaps"].as_array().into_iter().flatten() {
        let schedules = plain(&gap["schedules"]);
        let until = Some(text(gap, "until")).filter(|until| !until.is_empty());
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        let what = format!("nobody was on call for {schedules} from {}{until}, as told ahead", text(gap, "from"));
        gathered.find(line.finding(FindingKind::NobodyOnCall, &schedules, what));
    }
}

fn change(line: &Line, event: &Value, gathered: &mut Gathered) {
    let service = line.stream.split_once('#').map_or("", |(_, service)| service);
    let alert = &event["alert"];
    gathered.facts.touched.changes += 1;
    gathered.facts.day(line.at).changes += 1;
    let at = event["at"].as_str().and_then(|at| at.parse().ok()).unwrap_or(line.at);
    let link = text(&alert["links"][0], "href");
    gathered.row(&DeploymentRow {
        at: at.to_string(),
        service: service.to_owned(),
        title: text(alert, "title"),
        link: link.clone(),
        integration: text(event, "integration"),
        stream: line.stream.clone(),
        seq: line.seq.to_string(),
    });
    gathered.facts.changes.insert(ChangeMade {
        service: service.to_owned(),
        at,
        stream: line.stream.clone(),
        seq: line.seq,
        title: text(alert, "title"),
        link,
    });
}

fn access(line: &Line, event: &Value, gathered: &mut Gathered) {
    let refused = text(event, "type") == "refused";
    gathered.facts.touched.accesses += 1;
    gathered.facts.touched.accesses_refused += u64::from(refused);
    let result = match (refused, event["status"].as_u64()) {
        (true, Some(status)) => format!("refused ({status})"),
        (true, None) => "refused".to_owned(),
        (false, _) => "granted".to_owned(),
    };
    let row = AccessRow {
        at: line.at.to_string(),
        actor: line.who(event),
        proof: text(&line.by, "proof"),
        action: text(event, "type"),
        what: text(event, "asked"),
        result,
        stream: line.stream.clone(),
        seq: line.seq.to_string(),
    };
    gathered.event(&ocsf::access(line, &row.actor, &row.what, refused));
    gathered.row(&row);
}

fn evidence(line: &Line, event: &Value, gathered: &mut Gathered) {
    gathered.facts.touched.evidence += 1;
    let kind = text(event, "type");
    let found = match kind.as_str() {
        "late" => FindingKind::LateCheckpoint,
        "missing" | "lost" => FindingKind::EvidenceGap,
        "rewritten" => FindingKind::RewrittenRecord,
        "checkpointed" => {
            gathered.facts.touched.checkpoints += 1;
            return;
        }
        _ => return,
    };
    let mut details = event.clone();
    if let Some(details) = details.as_object_mut() {
        details.remove("type");
    }
    let what = format!("{}: {}", kind.replace('_', " "), plain(&details));
    gathered.find(line.finding(found, "evidence", what));
}

impl Line {
    /// Who did what `event` says: as it says itself, or else the principal of the record.
    fn who(&self, event: &Value) -> String {
        let named = event["by"].as_str().or_else(|| self.by["actor"].as_str()).or_else(|| self.by.as_str());
        named.unwrap_or_default().to_owned()
    }

    fn finding(&self, kind: FindingKind, subject: &str, what: String) -> Finding {
        let (stream, subject) = (self.stream.clone(), subject.to_owned());
        Finding { kind, at: self.at, stream, seq: Some(self.seq), subject, what }
    }
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}

/// A value as a person reads it: texts and lists of texts plainly, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" and ")
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
