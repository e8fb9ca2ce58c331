//! What the evidence of a period says to the controls that auditors ask about: SOC 2 (the Trust Services Criteria of 2017)
//! and ISO/IEC 27001:2022, Annex A.
//!
//! A line says what was done and which file proves it. It does not say that a control is met: that is the auditor's.

use serde::Serialize;

use super::{FindingKind, Report, Table};

/// A control, and the evidence to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// Whose control it is.
    pub framework: &'static str,
    /// Its number there.
    pub id: &'static str,
    /// What it is about, in our words.
    pub about: &'static str,
    /// What was done.
    pub evidence: Vec<Evidence>,
}

/// One line of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What was done, with its number.
    pub what: String,
    /// The file of the bundle that proves it.
    pub file: String,
    /// How many findings stand against it.
    pub findings: u64,
}

const SOC2: &str = "SOC 2";
const ISO: &str = "ISO 27001";

/// Every control with what `report` has to it.
pub fn controls(report: &Report) -> Vec<Control> {
    use FindingKind::{
        EvidenceGap, LateCheckpoint, MissingApproval, NobodyAnswered, NobodyOnCall, RewrittenRecord,
        SilenceWithoutReason, UnownedAlert, UnreadableRecord,
    };
    let did = &report.touched;
    let line = |count: u64, one: &str, many: &str, table: Table, kinds: &[FindingKind]| Evidence {
        what: counted(count, one, many),
        file: format!("{}.csv", table.name()),
        findings: kinds.iter().map(|kind| report.findings.of(*kind)).sum(),
    };
    let opened = || line(did.incidents, "incident was opened", "incidents were opened", Table::Incidents, &[]);
    let decided = || {
        line(
            did.decisions,
            "alert was routed by the policy",
            "alerts were routed by the policy",
            Table::Incidents,
            &[UnownedAlert],
        )
    };
    let told = || {
        line(
            did.messages_accepted,
            "message reached its provider",
            "messages reached their providers",
            Table::Incidents,
            &[NobodyOnCall],
        )
    };
    let answered = || line(did.answers, "answer by a person", "answers by people", Table::Incidents, &[NobodyAnswered]);
    let silenced = || {
        line(
            did.silences,
            "change to a silence",
            "changes to silences",
            Table::SilencesAndOverrides,
            &[SilenceWithoutReason],
        )
    };
    let covered =
        || line(did.covers, "override or absence", "overrides and absences", Table::SilencesAndOverrides, &[]);
    let applied =
        || line(did.policies_applied, "policy was applied", "policies were applied", Table::PolicyChanges, &[]);
    let tested = || Evidence {
        what: counted(did.test_pages, "test page was sent", "test pages were sent"),
        file: "records-*.jsonl.zst".to_owned(),
        findings: 0,
    };
    let over: u64 = report.levels.iter().map(|level| level.responses.to_resolve.count()).sum();
    let resolved = || line(over, "incident was resolved", "incidents were resolved", Table::Incidents, &[]);
    let changed =
        || line(did.changes, "change to a service", "changes to services", Table::Deployments, &[MissingApproval]);
    let again = || {
        let count = report.recurring.len() as u64;
        line(count, "exception comes again and again", "exceptions come again and again", Table::Exceptions, &[])
    };
    let noted = || line(did.notes, "note was written", "notes were written", Table::Incidents, &[]);
    let seen = || line(did.accesses, "request by the API", "requests by the API", Table::Access, &[]);
    let proven = || Evidence {
        what: format!(
            "{} in {}, vouched for by {}",
            counted(report.records, "record", "records"),
            counted(report.streams, "stream", "streams"),
            counted(report.checkpoints, "signed checkpoint", "signed checkpoints"),
        ),
        file: "checkpoints.jsonl".to_owned(),
        findings: [RewrittenRecord, UnreadableRecord, LateCheckpoint, EvidenceGap]
            .iter()
            .map(|kind| report.findings.of(*kind))
            .sum(),
    };
    let control = |framework, id, about, evidence| Control { framework, id, about, evidence };
    vec![
        control(
            SOC2,
            "CC7.2",
            "Systems are watched for what may be a security event",
            vec![opened(), told(), silenced()],
        ),
        control(SOC2, "CC7.3", "Events are judged, and incidents told from noise", vec![decided(), silenced()]),
        control(SOC2, "CC7.4", "Incidents are answered by a defined program", vec![told(), answered(), changed()]),
        control(SOC2, "CC7.5", "Systems recover, and what was learnt is used", vec![resolved(), again(), noted()]),
        control(ISO, "A.5.24", "Incident management is planned and prepared", vec![applied(), covered(), tested()]),
        control(
            ISO,
            "A.5.25",
            "Events are assessed, and it is decided which are incidents",
            vec![decided(), silenced()],
        ),
        control(
            ISO,
            "A.5.26",
            "Incidents are responded to by documented procedures",
            vec![told(), answered(), resolved()],
        ),
        control(ISO, "A.5.27", "Incidents are learnt from", vec![again(), noted()]),
        control(ISO, "A.5.28", "Evidence is collected and preserved", vec![proven(), seen()]),
    ]
}

/// `count` of something, in words.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        count => format!("{} {many}", grouped(count)),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
