//! Keeps `openapi.json` in step with the types: its schemas are theirs, and its references lead somewhere.
//!
//! `UPDATE_OPENAPI=1 cargo test -p watchkeeper --lib openapi` writes the schemas anew.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{
    AbsenceList, AlertList, AnsweredList, CalendarList, CalendarOf, Erase, Erased, FinalSchedule, History, NewAbsence,
    NewCalendar, NewOverride, NewSwap, OverrideList, Reassign, Removed, ScheduleList, Several, Silence, SilenceList,
    SilenceRequest, Snooze, TestPage, TestedPage,
};
use super::{
    ActivePolicy, Answer, AppliedPolicy, Incident, IncidentList, OnCall, Problem, Records, Situation, Timeline, openapi,
};
use super::{CheckpointList, EvidenceKeys, Export, MadeCheckpoint, NewExport};
use super::{DeadLetterList, DeadLetterQueueList, Fsck, Redrive, Redriven, Repaired};

fn document() -> Value {
    serde_json::from_str(openapi()).expect("the document is JSON")
}

/// The schemas of all objects, as the document has them.
fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<Incident>();
    generator.subschema_for::<IncidentList>();
    generator.subschema_for::<History>();
    generator.subschema_for::<AlertList>();
    generator.subschema_for::<Timeline>();
    generator.subschema_for::<Records>();
    generator.subschema_for::<OnCall>();
    generator.subschema_for::<Answer>();
    generator.subschema_for::<Erase>();
    generator.subschema_for::<Erased>();
    generator.subschema_for::<Silence>();
    generator.subschema_for::<SilenceList>();
    generator.subschema_for::<SilenceRequest>();
    generator.subschema_for::<Snooze>();
    generator.subschema_for::<Reassign>();
    generator.subschema_for::<Several>();
    generator.subschema_for::<AnsweredList>();
    generator.subschema_for::<ActivePolicy>();
    generator.subschema_for::<AppliedPolicy>();
    generator.subschema_for::<TestPage>();
    generator.subschema_for::<TestedPage>();
    generator.subschema_for::<ScheduleList>();
    generator.subschema_for::<FinalSchedule>();
    generator.subschema_for::<OverrideList>();
    generator.subschema_for::<NewOverride>();
    generator.subschema_for::<NewSwap>();
    generator.subschema_for::<AbsenceList>();
    generator.subschema_for::<NewAbsence>();
    generator.subschema_for::<Removed>();
    generator.subschema_for::<CalendarList>();
    generator.subschema_for::<CalendarOf>();
    generator.subschema_for::<NewCalendar>();
    generator.subschema_for::<NewExport>();
    generator.subschema_for::<Export>();
    generator.subschema_for::<CheckpointList>();
    generator.subschema_for::<MadeCheckpoint>();
    generator.subschema_for::<EvidenceKeys>();
    generator.subschema_for::<DeadLetterQueueList>();
    generator.subschema_for::<DeadLetterList>();
    generator.subschema_for::<Redrive>();
    generator.subschema_for::<Redriven>();
    generator.subschema_for::<Fsck>();
    generator.subschema_for::<Repaired>();
    generator.subschema_for::<Problem>();
    Value::Object(generator.take_definitions(true))
}

#[test]
fn the_document_describes_the_objects_as_they_are() {
    let mut document = document();
    let written = document["components"]["schemas"].take();
    let schemas = schemas();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        document["components"]["schemas"] = schemas;
        let text = serde_json::to_string_pretty(&document).expect("plain JSON") + "\n";
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/openapi.json"), text).expect("it can be written");
        return;
    }
    assert_eq!(written, schemas, "run this test with UPDATE_OPENAPI=1, and read what changed");
}

#[test]
fn every_situation_is_described_where_its_type_leads() {
    let document = document();
    for situation in Situation::ALL {
        let problem = Problem::new(situation, "");
        let pointer = problem.kind.strip_prefix("/v1/openapi.json#").expect("it leads into the document");
        let described = document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing"));
        assert!(described["description"].is_string(), "{pointer}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|inner| walk(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("all in one document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if method == "parameters" {
                continue;
            }
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
            assert!(names.insert(name), "{name} is used twice");
            assert!(operation["summary"].is_string(), "{name} has no summary");
        }
    }
}
