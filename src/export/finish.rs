//! The end of an export: the parts become tables and a report, and the manifest is signed and written last.

use std::collections::BTreeMap;

use domain::evidence::bundle::{self, FORMAT, MANIFEST, MANIFEST_NOTE, Manifest, Part};
use domain::evidence::note::Note;
use domain::report::{About, Facts, Gathered, Report, Table, Weight, page};
use serde::{Deserialize, Serialize};

use super::{Done, Exporter, Plan, bundled, done};
use crate::error::Error;
use crate::store::Written;

/// After how many bytes a table goes on in its next file.
const LARGEST: usize = 16_000_000;

/// What the machine learns of an export that is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// The export.
    pub export: String,
    /// How many records it has.
    pub records: u64,
    /// How many findings it has.
    pub findings: u64,
    /// How many of them are grave.
    pub grave: u64,
}

/// Tables on their way: what of each is not in a file yet.
#[derive(Default)]
struct Tables(BTreeMap<Table, (u64, String)>);

impl Exporter {
    /// Finishes the export `id`, once.
    pub async fn finish(&self, id: &str) -> Result<Finished, Error> {
        if let Some(finished) = self.noted::<Finished>(id, FINISHED).await? {
            return Ok(finished);
        }
        let plan = self.plan_of(id).await?;
        let (mut files, mut tables, mut facts) = (plan.files.clone(), Tables::default(), Facts::default());
        let (mut streams, mut records, mut withheld) = (0, 0, Vec::new());
        for number in 1..=plan.parts {
            let done: Option<Done> = self.noted(id, &done(number)).await?;
            let done = done.ok_or_else(|| Error::NotFound(format!("part {number} of export {id}")))?;
            facts.merge(done.facts);
            files.extend(done.files);
            (streams, records) = (streams + done.streams, records + done.records);
            withheld.extend(done.withheld);
            files.extend(self.tabulate(id, &mut tables, done.rows).await?);
        }
        let (emergencies, findings) = facts.emergencies();
        let mut last = Gathered::default();
        for row in &emergencies {
            last.row(row);
        }
        for finding in findings {
            last.find(finding);
        }
        facts.merge(last.facts);
        files.extend(self.tabulate(id, &mut tables, last.rows).await?);
        for table in Table::ALL {
            files.extend(self.file(id, &mut tables, *table).await?);
        }
        let report = report(id, &plan, (records, streams, withheld.len() as u64), facts);
        files.push(self.keep(id, "report.json", report.file().into()).await?);
        files.push(self.keep(id, "report.html", page(&report).into()).await?);
        let weight = |weight| report.findings.weighing(weight);
        let finished = Finished {
            export: id.to_owned(),
            records,
            findings: report.findings.count(),
            grave: weight(Weight::Grave),
        };
        withheld.sort();
        self.seal(id, &plan, files, (records, streams, withheld)).await?;
        self.note_down(id, FINISHED, &finished).await?;
        Ok(finished)
    }

    /// Adds rows to the tables; the files that became full.
    async fn tabulate(&self, id: &str, tables: &mut Tables, rows: BTreeMap<Table, String>) -> Result<Vec<Part>, Error> {
        let mut files = Vec::new();
        for (table, rows) in rows {
            let (_, text) = tables.0.entry(table).or_default();
            text.push_str(&rows);
            if text.len() >= LARGEST {
                files.extend(self.file(id, tables, table).await?);
            }
        }
        Ok(files)
    }

    /// Writes what waits of a table into its next file; the first one is written even when it has no rows.
    async fn file(&self, id: &str, tables: &mut Tables, table: Table) -> Result<Option<Part>, Error> {
        let (written, text) = tables.0.entry(table).or_default();
        if *written > 0 && text.is_empty() {
            return Ok(None);
        }
        *written += 1;
        let name = match *written {
            1 => format!("{}.csv", table.name()),
            number => format!("{}-{number}.csv", table.name()),
        };
        let body = table.header() + &std::mem::take(text);
        self.keep(id, &name, body.into()).await.map(Some)
    }

    /// Signs and writes the manifest.
    async fn seal(
        &self,
        id: &str,
        plan: &Plan,
        mut files: Vec<Part>,
        (records, streams, withheld): (u64, u64, Vec<String>),
    ) -> Result<(), Error> {
        // The plan has the keys that signed checkpoints; the manifest may be signed by a newer one.
        let key = self.signer.current().await?;
        let path = bundle::key(&key.name());
        if files.iter().all(|file| file.path != path) {
            self.evidence.keep_key(&key).await?;
            files.push(self.keep(id, &path, key.pem().into()).await?);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            id: id.to_owned(),
            selection: plan.selection.clone(),
            checkpoints: plan.span,
            streams,
            records,
            withheld,
            parts: files,
        };
        let text = manifest.text();
        let noted = bundled(id, MANIFEST_NOTE);
        // A signature has other bytes each time it is made: one that is there is kept.
        if self.evidence.get(&noted).await?.is_none() {
            let (note, _) = self.signer.sign(&self.origin, &text).await?;
            self.evidence.put_new(&noted, &note.as_str().to_owned().into()).await?;
        }
        let note = self.evidence.get(&noted).await?.unwrap_or_default();
        let note = Note::from_file(String::from_utf8_lossy(&note).into_owned());
        if note.text() != Some(&text) {
            return Err(Error::Misconfigured(format!("the note of export {id} is of another manifest")));
        }
        let file = manifest.file();
        match self.evidence.put_new(&bundled(id, MANIFEST), &file.clone().into()).await? {
            Written::New => Ok(()),
            Written::Taken if self.evidence.get(&bundled(id, MANIFEST)).await?.as_deref() == Some(file.as_bytes()) => {
                Ok(())
            }
            Written::Taken => Err(Error::Misconfigured(format!("export {id} has another manifest"))),
        }
    }
}

/// What the export came to, once its manifest is written.
pub(super) const FINISHED: &str = "finished.json.zst";

fn report(id: &str, plan: &Plan, (records, streams, withheld): (u64, u64, u64), facts: Facts) -> Report {
    let about = About {
        origin: plan.selection.origin.clone(),
        id: id.to_owned(),
        from: plan.selection.from,
        until: plan.selection.until,
        checkpoints: plan.span.last - plan.span.after,
        covered_at: plan.covered_at,
        records,
        streams,
        withheld,
    };
    Report::new(about, facts)
}
