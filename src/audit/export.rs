//! Exports: asked for, looked at, and fetched file by file.

use domain::evidence::bundle::{MANIFEST, MANIFEST_NOTE};
use jiff::Timestamp;
use serde_json::json;

use super::Auditor;
use crate::api;
use crate::error::Error;
use crate::export::{Asked, Progress, Stage, bundled, progress, requested};
use crate::lambda::{Http, read_object};
use crate::read::invalid;
use crate::reply::Reply;

/// How many classes of data one request names.
const CLASSES: usize = 50;

impl Auditor {
    /// Starts an export, or says how far the same one is.
    pub(super) async fn ask(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let api::NewExport { from, until, classes } = read_object(&request.body)?;
        if until > now {
            return Err(invalid("until is a time that has passed: what is still written cannot be exported whole"));
        }
        if classes.len() > CLASSES || classes.iter().any(String::is_empty) {
            return Err(invalid("classes are words, and at most 50"));
        }
        let asked = Asked::Range { from, until, classes };
        let id = asked.selection(&self.origin)?.id();
        let before = progress(&self.evidence, &id).await?;
        if let Some(finished) = before.as_ref().filter(|before| before.stage == Stage::Finished) {
            return Ok(Reply::json(200, &view(&id, finished)));
        }
        requested(&self.evidence, &id, now).await?;
        // One execution as long as it may be running, and the next one after it failed or a day went by.
        let failures = before.as_ref().map_or(0, |before| before.failures);
        let name = format!("{id}-{failures}-{}", now.strftime("%Y%m%d"));
        self.machine.start(&name, &json!(asked)).await?;
        let progress = progress(&self.evidence, &id).await?.unwrap_or_default();
        Ok(Reply::json(202, &view(&id, &progress)).with("location", &format!("/v1/audit/exports/{id}")))
    }

    /// How far an export is.
    pub(super) async fn export(&self, id: &str) -> Result<Reply, Error> {
        let progress = progress(&self.evidence, checked(id)?).await?;
        let progress = progress.ok_or_else(|| Error::NotFound(format!("export {id}")))?;
        Ok(Reply::json(200, &view(id, &progress)))
    }

    /// Sends whoever asks to a file, by a link of a few minutes: a file may be larger than a function can answer.
    pub(super) async fn file(&self, id: &str, path: &str) -> Result<Reply, Error> {
        let missing = || Error::NotFound(format!("the file of export {id}"));
        let progress = progress(&self.evidence, checked(id)?).await?.ok_or_else(missing)?;
        let manifest = progress.finished.map(|(_, manifest)| manifest).ok_or_else(missing)?;
        let known = [MANIFEST, MANIFEST_NOTE].contains(&path) || manifest.parts.iter().any(|part| part.path == path);
        if !known {
            return Err(missing());
        }
        let link = self.evidence.link(&bundled(id, path))?;
        Ok(Reply::empty(307).with("location", &link).with("cache-control", "no-store"))
    }
}

/// An id of ours: hex digits, and nothing that leads elsewhere in the bucket.
fn checked(id: &str) -> Result<&str, Error> {
    let plain = !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { Ok(id) } else { Err(Error::NotFound("the export".to_owned())) }
}

fn view(id: &str, progress: &Progress) -> api::Export {
    let state = match progress.stage {
        Stage::Requested => api::ExportState::Requested,
        Stage::Running => api::ExportState::Running,
        Stage::Finished => api::ExportState::Finished,
        Stage::Failed => api::ExportState::Failed,
    };
    let finished = progress.finished.as_ref().map(|(finished, _)| finished);
    let files = progress.finished.iter().flat_map(|(_, manifest)| &manifest.parts).map(|part| api::ExportFile {
        path: part.path.clone(),
        sha256: Some(part.sha256.to_string()),
        bytes: Some(part.bytes),
    });
    let vouching = [MANIFEST_NOTE, MANIFEST].into_iter().filter(|_| finished.is_some());
    let vouching = vouching.map(|path| api::ExportFile { path: path.to_owned(), sha256: None, bytes: None });
    api::Export {
        id: id.to_owned(),
        state,
        done: progress.done,
        total: progress.parts,
        records: finished.map(|finished| finished.records),
        findings: finished.map(|finished| finished.findings),
        grave: finished.map(|finished| finished.grave),
        files: files.chain(vouching).collect(),
    }
}
