//! How far an export is, as its objects tell.

use domain::evidence::bundle::{MANIFEST, Manifest};
use jiff::Timestamp;

use super::finish::FINISHED;
use super::{Asked, Exporter, Finished, PLAN, Plan, bundled, working};
use crate::error::Error;
use crate::store::Evidence;

/// Where an export stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// It was asked for.
    #[default]
    Requested,
    /// Its parts are being written.
    Running,
    /// Its bundle is whole.
    Finished,
    /// It stopped; asked for again, it goes on where it did.
    Failed,
}

/// How far an export is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub stage: Stage,
    /// How many parts are written.
    pub done: u64,
    /// How many there are, once that is known.
    pub parts: Option<u64>,
    /// How often it failed.
    pub failures: usize,
    /// What it came to, and its manifest.
    pub finished: Option<(Finished, Manifest)>,
}

impl Exporter {
    /// Writes down that what was `asked` failed by this error's name.
    pub async fn fail(&self, asked: &Asked, error: &str, now: Timestamp) -> Result<(), Error> {
        let id = asked.selection(&self.origin)?.id();
        self.note_down(&id, &format!("failed-{}.json.zst", instant(now)), &error).await
    }
}

/// Writes down that somebody asked for the export `id`.
pub async fn requested(evidence: &Evidence, id: &str, now: Timestamp) -> Result<(), Error> {
    let key = working(id, &format!("asked-{}", instant(now)));
    evidence.put_new(&key, &bytes::Bytes::from_static(b"asked\n")).await.map(|_| ())
}

/// How far the export `id` is; none if nobody ever asked for it.
pub async fn progress(evidence: &Evidence, id: &str) -> Result<Option<Progress>, Error> {
    if let Some(manifest) = evidence.get(&bundled(id, MANIFEST)).await? {
        let unreadable = || Error::Misconfigured(format!("export {id} cannot be read"));
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|_| unreadable())?;
        let finished = read::<Finished>(evidence, id, FINISHED).await?;
        let parts = manifest.parts.len() as u64;
        let finished = finished.map(|finished| (finished, manifest));
        let stage = if finished.is_some() { Stage::Finished } else { Stage::Running };
        return Ok(Some(Progress { stage, done: parts, parts: Some(parts), failures: 0, finished }));
    }
    let names = evidence.list(&working(id, ""), "").await?;
    if names.is_empty() {
        return Ok(None);
    }
    let after = |prefix: &str| {
        let prefix = working(id, prefix);
        names.iter().filter_map(|name| name.strip_prefix(&prefix)).max().map(|rest| rest.trim_end_matches(".json.zst"))
    };
    let done = names.iter().filter(|name| name.starts_with(&working(id, "done-"))).count() as u64;
    let failures = names.iter().filter(|name| name.starts_with(&working(id, "failed-"))).count();
    let failed = after("failed-").is_some_and(|failed| after("asked-").is_none_or(|asked| asked <= failed));
    let plan = read::<Plan>(evidence, id, PLAN).await?;
    let stage = match (failed, &plan) {
        (true, _) => Stage::Failed,
        (false, Some(_)) => Stage::Running,
        (false, None) => Stage::Requested,
    };
    Ok(Some(Progress { stage, done, parts: plan.map(|plan| plan.parts), failures, finished: None }))
}

async fn read<T: serde::de::DeserializeOwned>(evidence: &Evidence, id: &str, name: &str) -> Result<Option<T>, Error> {
    let Some(packed) = evidence.get(&working(id, name)).await? else { return Ok(None) };
    let text = zstd::stream::read::Decoder::new(&packed[..]).ok();
    let value = text.and_then(|text| serde_json::from_reader(std::io::BufReader::new(text)).ok());
    value.map(Some).ok_or_else(|| Error::Misconfigured(format!("the export's {name} cannot be read")))
}

/// An instant as names have it: they sort as time goes.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%.9fZ").to_string()
}
