//! Verification of the live log: every stream as the API serves it, against every checkpoint.

use std::fmt::Write as _;

use domain::evidence::bundle::records::{Covered, Link, Stream};
use domain::evidence::bundle::{Before, How, Line, Place, Records, Trail, Wrong};
use domain::evidence::checkpoint::Checkpoint;
use domain::evidence::note::PublicKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watchkeeper::verify::{Trust, Vouching};

use super::progress::Progress;
use super::verify::{keys, listed, unsound};
use crate::client::Client;
use crate::failure::Failure;
use crate::show::{GREEN, Show, paint, time};

/// What stands for a file where the API is read.
const LIVE: &str = "live";

/// A page of checkpoints, as the API lists them.
#[derive(Deserialize)]
struct Page {
    checkpoints: Vec<Line>,
    next: Option<u64>,
}

/// The public keys that the API offers, and the log that they sign.
#[derive(Deserialize)]
struct Offered {
    origin: String,
    keys: Vec<String>,
}

/// What came of verifying the live log.
#[derive(Debug, Default, Serialize)]
struct Live {
    /// Whether everything is as it was signed.
    sound: bool,
    /// Which keys were trusted, and why.
    keys: Vec<Vouching>,
    /// The last checkpoint.
    checkpoint: Option<u64>,
    /// When it was signed.
    at: Option<Timestamp>,
    /// How many streams the checkpoints cover.
    streams: u64,
    /// How many records they cover.
    records: u64,
    /// How many records of these streams wait for the next checkpoint.
    waiting: u64,
    /// The first bad place of the checkpoints, or of each stream.
    wrong: Vec<Wrong>,
}

/// Compares every stream with its latest head, and every checkpoint with the one before.
pub fn verify(client: &Client, trust: &Trust, show: Show) -> Result<(), Failure> {
    let live = read(client, trust)?;
    show.print(&live, tell);
    unsound("the live log", &live.wrong)
}

fn read(client: &Client, trust: &Trust) -> Result<Live, Failure> {
    let Offered { origin, keys } = client.get("/v1/audit/keys")?;
    let keys = trust.among(keys.iter().filter_map(|pem| PublicKey::from_pem(pem)));
    let mut live = Live { keys: trust.vouching(&keys), ..Live::default() };
    let trail = Trail::after(0, Before::default(), &origin, &keys, &Place::file(LIVE));
    let covered = match trail.map_or_else(|wrong| Ok(Err(wrong)), |trail| checkpoints(client, trail))? {
        Ok((last, covered)) => {
            (live.checkpoint, live.at) = last.map_or((None, None), |last| (Some(last.number), Some(last.at)));
            covered
        }
        Err(wrong) => {
            live.wrong.push(wrong);
            return Ok(live);
        }
    };
    (live.streams, live.records) = (covered.streams().count() as u64, covered.records());
    let progress = Progress::of("streams");
    for (done, stream) in (0..).zip(covered.streams()) {
        progress.at(done, live.streams);
        match compare(client, &covered, stream)? {
            Ok(waiting) => live.waiting += waiting,
            Err(wrong) => live.wrong.push(wrong),
        }
    }
    drop(progress);
    live.sound = live.wrong.is_empty();
    Ok(live)
}

/// Reads all checkpoints from the first: the last one, and what all of them cover.
fn checkpoints(client: &Client, mut trail: Trail<'_>) -> Result<Result<(Option<Checkpoint>, Covered), Wrong>, Failure> {
    let progress = Progress::of("checkpoints");
    let mut after = Some(0);
    while let Some(start) = after {
        let Page { checkpoints, next } = client.get(&format!("/v1/audit/checkpoints?after={start}"))?;
        for Line { number, .. } in checkpoints {
            if let Err(wrong) = trail.kept(number, &client.checkpoint(number)?, &Place::file(LIVE).by(number)) {
                return Ok(Err(wrong));
            }
            progress.at(number, number);
        }
        // An answer that does not move on would be asked for without end.
        after = next.filter(|next| *next > start);
    }
    let last = trail.latest().cloned();
    Ok(trail.covered(&[]).map(|covered| (last, covered)))
}

/// Reads a stream to its end and compares it with its heads: how many of its records are covered by none yet.
fn compare(client: &Client, covered: &Covered, stream: Stream<'_>) -> Result<Result<u64, Wrong>, Failure> {
    let (mut records, mut last) = (Records::new(covered, LIVE), [0; 32]);
    let (mut seq, mut from) = (0, Some(0));
    while let Some(start) = from {
        let page = client.stream(stream.name, start)?;
        for entry in &page.entries {
            let place = || Place::file(LIVE).of(stream.name, Some(seq));
            let taken = Link::read(entry.body.as_bytes()).map_err(|why| place().wrong(How::Malformed { why }));
            let taken = taken.and_then(|link| {
                if seq < stream.size {
                    records.take(&link).map_err(unlined)?;
                } else if (&*link.stream, link.seq, link.prev) != (stream.name, seq, last) {
                    return Err(place().wrong(How::RecordUnlinked));
                }
                last = link.hash;
                Ok(())
            });
            if let Err(wrong) = taken {
                return Ok(Err(wrong));
            }
            seq += 1;
        }
        // An answer that does not move on would be asked for without end.
        from = page.next.filter(|next| *next > start);
    }
    let missing = || Place::file(LIVE).of(stream.name, None).wrong(How::StreamMissing);
    Ok(records
        .finish()
        .map_err(unlined)
        .and_then(|reach| reach.ok_or_else(missing))
        .map(|_| seq.saturating_sub(stream.size)))
}

/// There are no lines where there is no file.
fn unlined(mut wrong: Wrong) -> Wrong {
    wrong.place.line = None;
    wrong
}

fn tell(live: &Live) -> String {
    let mut told = listed(&live.wrong);
    if !live.sound {
        return told;
    }
    let counted = format!("{} records of {} streams", live.records, live.streams);
    match (live.checkpoint, live.at) {
        (Some(number), Some(at)) => {
            let _ = writeln!(told, "{} {counted}, up to checkpoint {number} of {}", paint(GREEN, "sound:"), time(at));
        }
        _ => told.push_str("no checkpoint was signed yet: the log can be compared with nothing\n"),
    }
    if live.waiting > 0 {
        let _ = writeln!(told, "  {} more follow them and wait for the next checkpoint", live.waiting);
    }
    told + &keys(&live.keys)
}
