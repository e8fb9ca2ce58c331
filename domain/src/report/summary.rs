//! The report itself: what an export is of, and what all its facts come to. `report.json` is this, and the page shows it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::facts::{Day, Kept, Responses, Times, Touched};
use super::incident::UNSET;
use super::{Control, Facts, Findings, Target, controls, target};
use crate::policy::Ladder;

/// How often something has to happen to come again.
const AGAIN: u64 = 3;
/// The most that are listed of what comes again, and of services.
const LISTED: usize = 20;

/// What the records of a period come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log that it is of.
    pub origin: String,
    /// The export's id.
    pub id: String,
    /// From when, in UTC.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many checkpoints vouch for it.
    pub checkpoints: u64,
    /// When the last of them was made; none if there is none.
    pub covered_at: Option<Timestamp>,
    /// How many records the bundle has.
    pub records: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// How many streams are left out because of the data they hold.
    pub withheld: u64,
    /// What happened on each day.
    pub days: BTreeMap<Date, Day>,
    /// How incidents were answered, the gravest level first.
    pub levels: Vec<Level>,
    /// The services with the most incidents.
    pub services: Vec<(String, u64)>,
    /// How often each kind of thing was done.
    pub touched: Touched,
    /// What comes again and again.
    pub recurring: Vec<Recurring>,
    /// What somebody has to look at.
    pub findings: Findings,
    /// What the evidence says to each control.
    pub controls: Vec<Control>,
}

/// How the incidents of one level were answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level {
    /// The level, or `unset`.
    pub level: String,
    /// What is promised for it.
    #[serde(skip)]
    pub target: Target,
    /// What came of it.
    pub responses: Responses,
    /// How often somebody took it on in time.
    pub acknowledge: Attainment,
    /// How often it was over in time.
    pub resolve: Attainment,
}

/// How often a promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Attainment {
    /// What is promised, in seconds.
    pub target_seconds: i64,
    /// How often it was kept, and was not.
    #[serde(flatten)]
    pub kept: Kept,
    /// The same in tenths of a percent, rounded down; none where there was nothing to keep.
    pub permille: Option<u64>,
}

/// Something that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recurring {
    /// What kind of thing.
    pub kind: String,
    /// What it concerns.
    pub subject: String,
    /// How often, and when.
    #[serde(flatten)]
    pub times: Times,
}

/// What an export is of, apart from its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of the report that they become")]
pub struct About {
    pub origin: String,
    pub id: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub checkpoints: u64,
    pub covered_at: Option<Timestamp>,
    pub records: u64,
    pub streams: u64,
    pub withheld: u64,
}

impl Report {
    /// The report of what `facts` come to.
    pub fn new(about: About, facts: Facts) -> Self {
        let About { origin, id, from, until, checkpoints, covered_at, records, streams, withheld } = about;
        let order = [Some(Ladder::Sev1), Some(Ladder::Sev2), Some(Ladder::Sev3), Some(Ladder::Sev4), None];
        let levels = order.into_iter().filter_map(|level| {
            let name = level.map_or(UNSET, Ladder::as_str);
            Some(Level::new(name, target(level), facts.responses.get(name)?.clone()))
        });
        let mut services: Vec<(String, u64)> = facts.services.into_iter().collect();
        services.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        services.truncate(LISTED);
        let mut report = Self {
            origin,
            id,
            from,
            until,
            checkpoints,
            covered_at,
            records,
            streams,
            withheld,
            levels: levels.collect(),
            days: facts.days,
            services,
            touched: facts.touched,
            recurring: recurring(facts.exceptions),
            findings: facts.findings,
            controls: Vec::new(),
        };
        report.controls = controls(&report);
        report
    }

    /// The file: canonical JSON (RFC 8785).
    pub fn file(&self) -> String {
        serde_json_canonicalizer::to_string(self).expect("a report is plain JSON")
    }

    /// How many incidents were opened.
    pub fn incidents(&self) -> u64 {
        self.levels.iter().map(|level| level.responses.opened).sum()
    }

    /// How often somebody took an incident on in time, whatever its level.
    pub fn acknowledged(&self) -> Kept {
        self.levels.iter().fold(Kept::default(), |all, level| Kept {
            met: all.met + level.acknowledge.kept.met,
            missed: all.missed + level.acknowledge.kept.missed,
        })
    }
}

impl Level {
    fn new(level: &str, target: Target, responses: Responses) -> Self {
        Self {
            level: level.to_owned(),
            target,
            acknowledge: Attainment::new(target.acknowledge, responses.acknowledge),
            resolve: Attainment::new(target.resolve, responses.resolve),
            responses,
        }
    }
}

impl Attainment {
    fn new(target: SignedDuration, kept: Kept) -> Self {
        Self { target_seconds: target.as_secs(), kept, permille: permille(kept) }
    }
}

/// How often of a thousand times a promise was kept, rounded down.
pub(super) fn permille(kept: Kept) -> Option<u64> {
    (kept.met * 1000).checked_div(kept.met + kept.missed)
}

/// What happened at least [`AGAIN`] times, the most frequent first.
fn recurring(exceptions: BTreeMap<String, BTreeMap<String, Times>>) -> Vec<Recurring> {
    let all = exceptions.into_iter().flat_map(|(kind, subjects)| {
        subjects.into_iter().map(move |(subject, times)| Recurring { kind: kind.clone(), subject, times })
    });
    let mut again: Vec<Recurring> = all.filter(|recurring| recurring.times.count >= AGAIN).collect();
    again.sort_by(|a, b| {
        b.times.count.cmp(&a.times.count).then_with(|| (&a.kind, &a.subject).cmp(&(&b.kind, &b.subject)))
    });
    again.truncate(LISTED);
    again
}
