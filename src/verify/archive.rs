//! The archive alone: checkpoints and archived objects, as any S3 tool downloads them, without the table.
//!
//! A stream's records may be in several objects, and a batch that was delivered twice is there twice. So the links of all
//! records are held until all are read, about 150 bytes for each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use domain::evidence::bundle::records::{Covered, Link};
use domain::evidence::bundle::{Before, How, Place, Records, Trail, Wrong};
use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::note::PublicKey;
use domain::evidence::tree::Node;
use serde::Serialize;

use super::{Progress, Trust, Unreadable, Vouching, file};

/// Where the checkpoints are.
const CHECKPOINTS: &str = "checkpoints/";
/// Where the objects with the records are.
const OBJECTS: &str = "archive/";

/// What came of verifying an archive.
#[derive(Debug, Serialize)]
pub struct Archive {
    /// Whether every stream is there as it was signed.
    pub sound: bool,
    /// Which keys were trusted, and why.
    pub keys: Vec<Vouching>,
    /// The last checkpoint.
    pub checkpoint: Option<u64>,
    /// How many streams the checkpoints cover.
    pub streams: u64,
    /// How many records they cover.
    pub records: u64,
    /// How many records are there that no checkpoint covers yet.
    pub waiting: u64,
    /// The first bad place of each kind of file.
    pub wrong: Vec<Wrong>,
}

/// A record of the archive and where it is: the object and the line.
struct Found<'p> {
    prev: Node,
    hash: Node,
    object: &'p str,
    line: u64,
}

/// All records that were found, by stream and number.
type Streams<'p> = BTreeMap<String, BTreeMap<u64, Found<'p>>>;

/// Verifies the archive in the folder `dir`, which has `archive/`, `checkpoints/` and, if it likes, `keys/`.
pub fn archive(dir: &Path, trust: &Trust, progress: Progress<'_>) -> Result<Archive, Unreadable> {
    let paths = file::paths(dir)?;
    let keys = trust.keys(dir, &paths)?;
    let of = paths.iter().filter_map(|path| std::fs::metadata(dir.join(path)).ok()).map(|file| file.len()).sum();
    let counter = file::Counter::new(progress, of);
    let below = |folder: &'static str| paths.iter().map(String::as_str).filter(move |path| path.starts_with(folder));
    let mut verdict = Archive {
        sound: false,
        keys: trust.vouching(&keys),
        checkpoint: None,
        streams: 0,
        records: 0,
        waiting: 0,
        wrong: Vec::new(),
    };
    let covered = match trail(dir, below(CHECKPOINTS), &keys)? {
        Ok((last, covered)) => {
            verdict.checkpoint = last;
            covered
        }
        Err(wrong) => {
            verdict.wrong.push(wrong);
            return Ok(verdict);
        }
    };
    (verdict.streams, verdict.records) = (covered.streams().count() as u64, covered.records());
    let mut streams = Streams::new();
    for path in below(OBJECTS) {
        if let Err(wrong) = object(dir, path, &mut streams, &counter)? {
            verdict.wrong.push(wrong);
        }
    }
    verdict.waiting = set_aside(&mut streams, &covered);
    verdict.wrong.extend(compare(&streams, &covered).err());
    verdict.sound = verdict.wrong.is_empty();
    Ok(verdict)
}

/// Reads the checkpoints in their order: the last one's number, and what all of them cover.
fn trail<'p>(
    dir: &Path,
    paths: impl Iterator<Item = &'p str>,
    keys: &[PublicKey],
) -> Result<Result<(Option<u64>, Covered), Wrong>, Unreadable> {
    let mut trail: Option<Trail<'_>> = None;
    for path in paths {
        let place = Place::file(path);
        let kept = match file::uncompressed(dir, path)? {
            Ok(bytes) => serde_json::from_slice::<Kept>(&bytes),
            Err(wrong) => return Ok(Err(wrong)),
        };
        let kept = kept.map_err(|error| place.clone().wrong(How::Malformed { why: error.to_string() }));
        if let Err(wrong) = kept.and_then(|kept| take(&mut trail, &kept, keys, &place)) {
            return Ok(Err(wrong));
        }
    }
    let Some(trail) = trail else {
        return Ok(Err(Place::file(CHECKPOINTS).wrong(How::FileMissing)));
    };
    let last = trail.latest().map(|latest| latest.number);
    Ok(trail.covered(&[]).map(|covered| (last, covered)))
}

fn take<'k>(trail: &mut Option<Trail<'k>>, kept: &Kept, keys: &'k [PublicKey], place: &Place) -> Result<(), Wrong> {
    let said = kept.note.text().and_then(Checkpoint::parse);
    let said = said.ok_or_else(|| place.clone().wrong(How::Malformed { why: "it is no checkpoint".to_owned() }))?;
    let trail = match trail {
        Some(trail) => trail,
        None => trail.insert(Trail::after(0, Before::default(), &said.origin, keys, place)?),
    };
    trail.kept(said.number, kept, place)
}

/// Reads the records of an object.
fn object<'p>(
    dir: &Path,
    path: &'p str,
    streams: &mut Streams<'p>,
    counter: &file::Counter<'_>,
) -> Result<Result<(), Wrong>, Unreadable> {
    let read = file::each(dir, path, counter, |line, body| {
        let wrong = |how| Place::line(path, line).wrong(how);
        let Link { stream, seq, prev, hash } = Link::read(body).map_err(|why| wrong(How::Malformed { why }))?;
        let known = streams.entry(stream.into_owned()).or_default().entry(seq).or_insert(Found {
            prev,
            hash,
            object: path,
            line,
        });
        // A batch that was delivered again is archived again, with the same bytes.
        if known.hash == hash {
            return Ok(());
        }
        let how = How::Contradicted { by: Place::line(known.object, known.line).to_string() };
        Err(wrong(how))
    })?;
    Ok(read.map(|_| ()))
}

/// Takes out what no checkpoint covers yet, and counts it.
fn set_aside(streams: &mut Streams<'_>, covered: &Covered) -> u64 {
    let mut waiting = 0;
    streams.retain(|stream, records| {
        let beyond = records.split_off(&covered.size(stream).unwrap_or(0));
        waiting += beyond.len() as u64;
        !records.is_empty()
    });
    waiting
}

/// Compares all records, in their order, with what is covered.
fn compare(streams: &Streams<'_>, covered: &Covered) -> Result<(), Wrong> {
    let mut records = Records::new(covered, OBJECTS);
    for (stream, found) in streams {
        for (seq, &Found { prev, hash, object, line }) in found {
            let link = Link { stream: Cow::Borrowed(stream), seq: *seq, prev, hash };
            records.take(&link).map_err(|wrong| located(wrong, streams, (object, line)))?;
        }
    }
    let reach = records.finish().map_err(|wrong| located(wrong, streams, (OBJECTS, 0)))?;
    covered.complete([(OBJECTS, reach)])
}

/// Says in which object the record is that is wrong, or else which one came next.
fn located(mut wrong: Wrong, streams: &Streams<'_>, next: (&str, u64)) -> Wrong {
    let Place { stream, seq, .. } = &*wrong.place;
    let found =
        stream.as_ref().and_then(|stream| streams.get(stream)).zip(*seq).and_then(|(found, seq)| found.get(&seq));
    let (object, line) = found.map_or(next, |found| (found.object, found.line));
    object.clone_into(&mut wrong.place.file);
    wrong.place.line = (line > 0).then_some(line);
    wrong
}
