//! Exporting: a bundle of everything that some checkpoints cover, written into the locked bucket (design.md, section 6).
//!
//! The machine `export` plans, writes the parts side by side, and finishes. Each step writes objects where there are none and
//! comes to the same bytes whenever it runs, so any of them may run twice or die at any call: whoever comes next goes on
//! from what is there. The manifest is written last, so that a bundle with one is whole.

use std::io::Write;

use bytes::Bytes;
use domain::evidence::bundle::{Part, Selection, Span};
use domain::log::Hash;
use domain::report::{Facts, Table};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::reminder::Reminder;
use crate::store::{Evidence, Records, Signer, Written};

mod ask;
mod fetch;
mod finish;
mod part;
mod plan;
mod state;
mod tell;

pub use ask::{Asked, Every};
pub use finish::Finished;
pub use plan::Planned;
pub use state::{Progress, Stage, progress, requested};

/// How hard is compressed: the default of zstd.
const LEVEL: i32 = 3;

/// What exports.
pub struct Exporter {
    /// The locked bucket.
    pub evidence: Evidence,
    /// The table of records.
    pub records: Records,
    /// The key that signs manifests.
    pub signer: Signer,
    /// The policies, which say of what class a service's data is; and whoever is told of findings.
    pub reminder: Reminder,
    /// The name of this log.
    pub origin: String,
}

/// What the plan of an export says; written once all other objects of the plan are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What was asked for.
    pub(super) selection: Selection,
    /// The checkpoints it covers.
    pub(super) span: Span,
    /// When the last of them was made.
    pub(super) covered_at: Option<Timestamp>,
    /// The policy that says of what class data is.
    pub(super) policy: Option<Hash>,
    /// How many parts it has.
    pub(super) parts: u64,
    /// The files of the bundle that are written already.
    pub(super) files: Vec<Part>,
}

/// What a part came to; written once its files are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// Its files.
    pub(super) files: Vec<Part>,
    /// How many streams have records in it.
    pub(super) streams: u64,
    /// How many records it has.
    pub(super) records: u64,
    /// The streams whose records are left out.
    pub(super) withheld: Vec<String>,
    /// The rows of its tables, as CSV.
    pub(super) rows: std::collections::BTreeMap<Table, String>,
    /// What it comes to.
    pub(super) facts: Facts,
}

impl Exporter {
    /// Writes a file of the bundle `id`, unless there is one; the part that the manifest names, as it is there.
    pub(super) async fn keep(&self, id: &str, path: &str, body: Bytes) -> Result<Part, Error> {
        let key = bundled(id, path);
        let body = match self.evidence.put_new(&key, &body).await? {
            Written::New => body,
            // An earlier try wrote it. It may have been of another version, and what is there is what counts.
            Written::Taken => self.evidence.get(&key).await?.unwrap_or_default(),
        };
        Ok(Part { path: path.to_owned(), sha256: Hash::of(&body), bytes: body.len() as u64 })
    }

    /// Writes an object that later steps read, unless there is one.
    pub(super) async fn note_down<T: Serialize>(&self, id: &str, name: &str, value: &T) -> Result<(), Error> {
        let mut packed = Packed::default();
        packed.line(&serde_json::to_string(value).expect("what is noted down is plain JSON"));
        self.evidence.put_new(&working(id, name), &packed.finish()).await.map(|_| ())
    }

    /// Reads such an object back; none if it is not there.
    pub(super) async fn noted<T: DeserializeOwned>(&self, id: &str, name: &str) -> Result<Option<T>, Error> {
        let Some(packed) = self.evidence.get(&working(id, name)).await? else { return Ok(None) };
        let read = zstd::stream::read::Decoder::new(&packed[..]).ok();
        let value = read.and_then(|text| serde_json::from_reader(std::io::BufReader::new(text)).ok());
        value.map(Some).ok_or_else(|| Error::Misconfigured(format!("the export's {name} cannot be read")))
    }

    pub(super) async fn plan_of(&self, id: &str) -> Result<Plan, Error> {
        self.noted(id, PLAN).await?.ok_or_else(|| Error::NotFound(format!("export {id}")))
    }
}

/// The plan, which names all that is to be done.
const PLAN: &str = "plan.json.zst";

/// Where a file of the bundle `id` is.
pub(crate) fn bundled(id: &str, path: &str) -> String {
    format!("exports/{id}/{path}")
}

/// Where the steps of the export `id` leave what later ones read.
pub(super) fn working(id: &str, name: &str) -> String {
    format!("work/{id}/{name}")
}

/// Which streams part `number` has.
pub(super) fn task(number: u64) -> String {
    format!("task-{number:05}.json.zst")
}

/// What part `number` came to.
pub(super) fn done(number: u64) -> String {
    format!("done-{number:05}.json.zst")
}

/// Lines, compressed as they come.
pub(super) struct Packed {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    /// How many lines there are.
    pub(super) lines: u64,
}

impl Default for Packed {
    fn default() -> Self {
        let encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).expect("memory for a compressor");
        Self { encoder, lines: 0 }
    }
}

impl Packed {
    pub(super) fn line(&mut self, line: &str) {
        let written = self.encoder.write_all(line.as_bytes()).and_then(|()| self.encoder.write_all(b"\n"));
        written.expect("memory takes everything");
        self.lines += 1;
    }

    pub(super) fn finish(self) -> Bytes {
        self.encoder.finish().expect("memory takes everything").into()
    }
}
