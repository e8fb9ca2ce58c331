//! Verification of what lies on a disk: bundles, proofs and archives, with public keys alone and no network.
//!
//! The rules are `domain::evidence`'s; here files are read, hashed and uncompressed, and the parts shared among threads.
//! Memory holds the heads of the range, and a line at a time of every file that is being read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::evidence::bundle::records::{Covered, Reach};
use domain::evidence::bundle::{
    self, Before, CHECKPOINTS, How, Line, MANIFEST, MANIFEST_NOTE, Manifest, Part, Place, Records, Trail, Wrong,
};
use domain::evidence::note::{Note, PublicKey};
use serde::Serialize;

mod archive;
mod file;
mod keys;
#[cfg(test)]
mod tests;

pub use archive::{Archive, archive};
pub use keys::{Trust, Vouching};

/// A file or folder that cannot be read. Nothing is known about the evidence then.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read: {why}", path.display())]
pub struct Unreadable {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// Whether it is not there at all.
    pub absent: bool,
}

/// What came of verifying a bundle.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether everything is as it was signed.
    pub sound: bool,
    /// Which keys were trusted, and why.
    pub keys: Vec<Vouching>,
    /// What the bundle says of itself, if that is signed.
    pub manifest: Option<Manifest>,
    /// The first bad place of every file that has one.
    pub wrong: Vec<Wrong>,
}

/// The bytes that a compressed object holds.
pub fn unpacked(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::decode_all(bytes)
}

/// How far it is: bytes read, of how many.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Sync);

/// What a file's reading came to: what is wrong with it, or how far its records reach.
type Outcome = Result<Option<Reach>, Wrong>;

/// Verifies the bundle in the folder `dir`, as far as its keys can be trusted.
pub fn bundle(dir: &Path, trust: &Trust, progress: Progress<'_>) -> Result<Verdict, Unreadable> {
    let paths = file::paths(dir)?;
    let keys = trust.keys(dir, &paths)?;
    let vouching = trust.vouching(&keys);
    let manifest = match manifest(dir, &keys)? {
        Ok(manifest) => manifest,
        Err(wrong) => return Ok(Verdict { sound: false, keys: vouching, manifest: None, wrong: vec![wrong] }),
    };
    let bytes = manifest.parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.bytes));
    let reading = Reading { dir, manifest: &manifest, keys: &keys, progress: file::Counter::new(progress, bytes) };
    let mut wrong = reading.verify()?;
    let listed: BTreeSet<&str> = manifest.parts.iter().map(|part| part.path.as_str()).collect();
    let unlisted =
        paths.iter().filter(|path| !listed.contains(path.as_str()) && *path != MANIFEST && *path != MANIFEST_NOTE);
    wrong.extend(unlisted.map(|path| Place::file(path).wrong(How::FileUnlisted)));
    Ok(Verdict { sound: wrong.is_empty(), keys: vouching, manifest: Some(manifest), wrong })
}

fn manifest(dir: &Path, keys: &[PublicKey]) -> Result<Result<Manifest, Wrong>, Unreadable> {
    let missing = |name: &str| Ok(Err(Place::file(name).wrong(How::FileMissing)));
    let Some(bytes) = file::whole(&dir.join(MANIFEST))? else { return missing(MANIFEST) };
    let Some(note) = file::whole(&dir.join(MANIFEST_NOTE))? else { return missing(MANIFEST_NOTE) };
    let Ok(note) = String::from_utf8(note) else {
        let how = How::Malformed { why: "it is not UTF-8".to_owned() };
        return Ok(Err(Place::file(MANIFEST_NOTE).wrong(how)));
    };
    Ok(Manifest::verified(&bytes, &Note::from_file(note), keys).map(|(manifest, _)| manifest))
}

/// A bundle that is being read, whose manifest is signed.
struct Reading<'b> {
    dir: &'b Path,
    manifest: &'b Manifest,
    keys: &'b [PublicKey],
    progress: file::Counter<'b>,
}

impl Reading<'_> {
    /// Verifies everything that the manifest lists, and says the first bad place of each file.
    fn verify(&self) -> Result<Vec<Wrong>, Unreadable> {
        let in_trail = |path: &str| path == CHECKPOINTS || bundle::is_heads(path);
        let (trail, parts): (Vec<_>, Vec<_>) = self.manifest.parts.iter().partition(|part| in_trail(&part.path));
        let (covered, mut wrong) = match self.trail(&trail)? {
            Ok(covered) => (Some(covered), Vec::new()),
            Err(wrong) => (None, vec![wrong]),
        };
        let outcomes = self.parts(&parts, covered.as_ref())?;
        let failed = outcomes.iter().any(Result::is_err);
        let reached = parts.iter().zip(&outcomes).filter(|(part, _)| bundle::is_records(&part.path));
        let reached: Vec<_> =
            reached.filter_map(|(part, outcome)| Some((part.path.as_str(), *outcome.as_ref().ok()?))).collect();
        wrong.extend(outcomes.iter().filter_map(|outcome| outcome.as_ref().err().cloned()));
        if let Some(covered) = covered.filter(|_| !failed) {
            wrong.extend(covered.complete(reached).and_then(|()| self.counted(&covered)).err());
        }
        Ok(wrong)
    }

    /// Reads the checkpoints and the heads, in their order.
    fn trail(&self, parts: &[&Part]) -> Result<Result<Covered, Wrong>, Unreadable> {
        let Some((checkpoints, heads)) = parts.split_first().filter(|(first, _)| first.path == CHECKPOINTS) else {
            return Ok(Err(Place::file(CHECKPOINTS).wrong(How::FileMissing)));
        };
        let mut trail = None;
        let read = self.read(checkpoints, |line, bytes| self.checkpoint(&mut trail, line, bytes))?;
        if let Err(wrong) = read {
            return Ok(Err(wrong));
        }
        let last = trail.as_ref().map(|trail| trail.latest().map_or(0, |latest| latest.number));
        let last = last.map(|last| last.max(self.manifest.checkpoints.after));
        let Some(mut trail) = trail.filter(|_| last == Some(self.manifest.checkpoints.last)) else {
            let expected = last.map_or(self.manifest.checkpoints.after, |last| last + 1);
            return Ok(Err(Place::file(CHECKPOINTS).wrong(How::CheckpointMisplaced { expected })));
        };
        for part in heads {
            let read = self.read(part, |line, bytes| trail.head(bytes, &Place::line(&part.path, line)))?;
            if let Err(wrong) = read {
                return Ok(Err(wrong));
            }
        }
        let end = parts.last().map_or(CHECKPOINTS, |part| &part.path);
        Ok(trail.complete(&Place::file(end)).and_then(|()| trail.covered(&self.manifest.withheld)))
    }

    fn checkpoint<'k>(&'k self, trail: &mut Option<Trail<'k>>, line: u64, bytes: &[u8]) -> Result<(), Wrong> {
        let place = Place::line(CHECKPOINTS, line);
        let malformed = |error: serde_json::Error| place.clone().wrong(How::Malformed { why: error.to_string() });
        let Some(trail) = trail else {
            let before: Before = serde_json::from_slice(bytes).map_err(malformed)?;
            let (after, origin) = (self.manifest.checkpoints.after, &self.manifest.selection.origin);
            *trail = Some(Trail::after(after, before, origin, self.keys, &place)?);
            return Ok(());
        };
        let Line { number, note } = serde_json::from_slice(bytes).map_err(malformed)?;
        trail.checkpoint(number, &note, &place).map(|_| ())
    }

    /// Reads all other parts, as many at a time as there are processors.
    fn parts(&self, parts: &[&Part], covered: Option<&Covered>) -> Result<Vec<Outcome>, Unreadable> {
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let threads = std::thread::available_parallelism().map_or(1, Into::into).min(parts.len());
        let work = || {
            while let Some((index, part)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, parts.get(at)?)))
            {
                let outcome = self.part(part, covered);
                done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, outcome));
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn part(&self, part: &Part, covered: Option<&Covered>) -> Result<Outcome, Unreadable> {
        let Some(covered) = covered.filter(|_| bundle::is_records(&part.path)) else {
            let whole = file::hash(self.dir, &part.path, &self.progress)?;
            return Ok(whole.and_then(|whole| file::is(part, &whole)).map(|()| None));
        };
        let mut records = Records::new(covered, &part.path);
        let read = self.read(part, |_, bytes| records.line(bytes))?;
        Ok(read.and_then(|()| records.finish()))
    }

    /// Gives each line of a part to `take`, and says what is wrong with the lines or else with the file.
    fn read(
        &self,
        part: &Part,
        take: impl FnMut(u64, &[u8]) -> Result<(), Wrong>,
    ) -> Result<Result<(), Wrong>, Unreadable> {
        let read = file::each(self.dir, &part.path, &self.progress, take)?;
        Ok(read.and_then(|whole| file::is(part, &whole)))
    }

    fn counted(&self, covered: &Covered) -> Result<(), Wrong> {
        let streams = covered.streams().count() as u64;
        let counts =
            [("records", self.manifest.records, covered.records()), ("streams", self.manifest.streams, streams)];
        match counts.into_iter().find(|(_, said, found)| said != found) {
            Some((what, said, found)) => Err(Place::file(MANIFEST).wrong(How::Miscounted { what, said, found })),
            None => Ok(()),
        }
    }
}
