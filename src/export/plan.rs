//! The plan: which checkpoints an export covers, and which streams each of its parts has.

use std::collections::BTreeMap;

use domain::evidence::agree::Stretched;
use domain::evidence::bundle::{self, Before, CHECKPOINTS, Line, Span};
use domain::evidence::checkpoint::{Checkpoint, Kept};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Asked, Exporter, PLAN, Packed, Plan, task};
use crate::error::Error;

/// How many records a part has, unless a single stream has more: no stream is in two parts.
const RECORDS: u64 = 10_000;
/// How long after the end of a range its last records may still be on their way into the archive.
const SETTLES: SignedDuration = SignedDuration::from_mins(5);
/// How many heads one file has.
const HEADS: u64 = 100_000;

/// What the machine learns of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The export.
    pub export: String,
    /// Whether there is a checkpoint that covers the end of the range; without one there is no plan yet.
    pub covered: bool,
    /// How many parts there are.
    pub parts: u64,
}

impl Exporter {
    /// Plans what was `asked`, once. Where no checkpoint covers the end of the range, it says so; `anyway` takes the newest.
    pub async fn plan(&self, asked: &Asked, anyway: bool, now: Timestamp) -> Result<Planned, Error> {
        let selection = asked.selection(&self.origin)?;
        let id = selection.id();
        if let Some(plan) = self.noted::<Plan>(&id, PLAN).await? {
            return Ok(Planned { export: id, covered: true, parts: plan.parts });
        }
        self.evidence.check_lock().await?;
        let newest = self.evidence.newest(0).await?;
        let settled = selection.until.saturating_add(SETTLES).unwrap_or(Timestamp::MAX);
        let covers_end = newest > 0 && self.made_at(newest).await? >= settled;
        if !covers_end && !anyway {
            return Ok(Planned { export: id, covered: false, parts: 0 });
        }
        // The last one made at or before the start, and the first one made once the end has settled.
        let after = self.first_after(newest, selection.from).await? - 1;
        let last = if covers_end { self.first_at(newest, settled).await? } else { newest };
        let span = Span::new(after, last.max(after));
        let mut plan = Plan { selection, span, covered_at: None, policy: None, parts: 0, files: Vec::new() };
        let streams = self.trail(&id, &mut plan).await?;
        if !plan.selection.classes.is_empty() {
            plan.policy = Some(self.reminder.policies.active(now).await?.hash.clone());
        }
        for (number, streams) in (1..).zip(parts(streams)) {
            self.note_down(&id, &task(number), &streams).await?;
            plan.parts = number;
        }
        self.note_down(&id, PLAN, &plan).await?;
        // Somebody else may have planned at the same time, and counts if they were first.
        let plan = self.plan_of(&id).await?;
        Ok(Planned { export: id, covered: true, parts: plan.parts })
    }

    /// Writes the checkpoints and heads that the plan covers; the streams they cover, by name.
    async fn trail(&self, id: &str, plan: &mut Plan) -> Result<BTreeMap<String, Stretched>, Error> {
        let Span { after, first, last } = plan.span;
        let keys = self.evidence.keys().await?;
        for key in &keys {
            plan.files.push(self.keep(id, &bundle::key(&key.name()), key.pem().into()).await?);
        }
        let before = match after {
            0 => Before::default(),
            number => {
                let kept = self.kept(number).await?;
                let mut tree = kept.before;
                kept.heads.iter().for_each(|head| tree.push(head.node()));
                Before { before: tree, number, note: Some(kept.note) }
            }
        };
        let mut lines = json(&before) + "\n";
        let (mut heads, mut file, mut streams) = (Packed::default(), 0, BTreeMap::new());
        for number in first..=last {
            let kept = self.kept(number).await?;
            let opened = kept.open(&self.origin, &keys);
            let (said, _) =
                opened.map_err(|why| Error::Misconfigured(format!("checkpoint {number} is not ours: {why}")))?;
            plan.covered_at = Some(said.at);
            lines += &(json(&Line { number, note: kept.note }) + "\n");
            for head in kept.heads {
                heads.line(&head.leaf());
                let stretched = streams.entry(head.stream).or_insert_with_key(|stream| Stretched {
                    stream: stream.clone(),
                    from: head.from,
                    size: head.from,
                    head: head.head.clone(),
                    checkpoints: Vec::new(),
                });
                (stretched.size, stretched.head) = (head.size, head.head);
                stretched.checkpoints.push(number);
            }
            if heads.lines >= HEADS || (number == last && heads.lines > 0) {
                file += 1;
                let packed = std::mem::take(&mut heads).finish();
                plan.files.push(self.keep(id, &bundle::heads(file), packed).await?);
            }
        }
        plan.files.push(self.keep(id, CHECKPOINTS, lines.into()).await?);
        Ok(streams)
    }

    /// Checkpoint `number`, which has to be there.
    pub(super) async fn kept(&self, number: u64) -> Result<Kept, Error> {
        let kept = self.evidence.checkpoint(number).await?;
        let kept = kept.ok_or_else(|| Error::Misconfigured(format!("checkpoint {number} is gone")))?;
        if said(&kept).is_some_and(|said| said.number == number && said.origin == self.origin) {
            Ok(kept)
        } else {
            Err(Error::Misconfigured(format!("checkpoint {number} is not ours")))
        }
    }

    async fn made_at(&self, number: u64) -> Result<Timestamp, Error> {
        let kept = self.kept(number).await?;
        Ok(said(&kept).map(|said| said.at).unwrap_or_default())
    }

    /// The first checkpoint made after `at`; the one that comes after the `newest`, if none was.
    async fn first_after(&self, newest: u64, at: Timestamp) -> Result<u64, Error> {
        self.first(newest, async |number| Ok(self.made_at(number).await? > at)).await
    }

    /// The first checkpoint made at `at` or later.
    async fn first_at(&self, newest: u64, at: Timestamp) -> Result<u64, Error> {
        self.first(newest, async |number| Ok(self.made_at(number).await? >= at)).await
    }

    /// The first number up to `newest` that `is` so, where all after it are too; the next number, if none is.
    async fn first(&self, newest: u64, is: impl AsyncFn(u64) -> Result<bool, Error>) -> Result<u64, Error> {
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low.midpoint(high);
            if is(middle).await? { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }
}

fn said(kept: &Kept) -> Option<Checkpoint> {
    Checkpoint::parse(kept.note.text()?)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is exported is plain JSON")
}

/// Streams, cut into parts of at most [`RECORDS`] records wherever that is possible.
fn parts(streams: BTreeMap<String, Stretched>) -> Vec<Vec<Stretched>> {
    let mut parts: Vec<Vec<Stretched>> = Vec::new();
    let mut room = 0;
    for stretched in streams.into_values() {
        let count = stretched.count();
        match parts.last_mut() {
            Some(part) if count <= room => {
                room -= count;
                part.push(stretched);
            }
            _ => {
                room = RECORDS.saturating_sub(count);
                parts.push(vec![stretched]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use domain::log::Hash;

    use super::*;

    #[test]
    fn k13_parts_are_small_and_a_stream_is_never_in_two() {
        let stretched = |(number, size): (usize, u64)| {
            let stream = format!("s{number}");
            (stream.clone(), Stretched { stream, from: 0, size, head: Hash::zero(), checkpoints: vec![1] })
        };
        for (sizes, expected) in [
            (&[][..], &[][..]),
            (&[10_000, 1], &[1, 1]),
            (&[5_000, 5_000, 1], &[2, 1]),
            (&[1, 50_000, 1, 1], &[1, 1, 2]),
        ] {
            let streams = sizes.iter().copied().enumerate().map(stretched).collect();
            let lengths: Vec<usize> = parts(streams).iter().map(Vec::len).collect();
            assert_eq!(lengths, expected, "{sizes:?}");
        }
    }
}
