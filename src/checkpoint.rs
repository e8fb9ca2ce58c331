//! Checkpointing: the heads of all streams that moved are appended to the tree, and its root is signed and locked away.
//!
//! The checkpoint's object is the only thing that counts: whoever writes number N first has made it, and the others
//! take it over. All that follows from it (how far streams are covered, what waits no more, the log) can be done again,
//! and is done by the next run where this one stopped.

use std::collections::BTreeSet;

use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::event::{Course, Event, How};
use domain::evidence::gather::{Gathering, Hole, Link};
use domain::evidence::head::Head;
use domain::evidence::kept::Unfit;
use domain::evidence::note::Unsigned;
use domain::evidence::tree::Frontier;
use domain::log::Hash;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::Serialize;

use crate::archive::hour;
use crate::error::Error;
use crate::store::{Coverage, Evidence, EvidenceLog, Records, Signer, Written};

/// How many objects of the archive one checkpoint covers: its heads fit into memory, whatever waits.
const OBJECTS: usize = 500;
/// How many objects are fetched side by side.
const SIDE_BY_SIDE: usize = 8;
/// How many records of a hole are read at once.
const PAGE: i32 = 500;
/// How many findings one record holds.
const FINDINGS: usize = 500;

/// What makes checkpoints.
pub struct Checkpointer {
    /// The locked bucket.
    pub evidence: Evidence,
    /// How far streams are covered, and what waits.
    pub coverage: Coverage,
    /// The table, for what the archive lacks.
    pub records: Records,
    /// The key.
    pub signer: Signer,
    /// Where it is written what came of it.
    pub log: EvidenceLog,
    /// The name of this log, in which checkpoints are signed: one for each account, region and stack.
    pub origin: String,
}

/// A checkpoint that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many leaves the tree has by it.
    pub size: u64,
    /// How many streams had moved.
    pub streams: usize,
    /// How many records it covers newly.
    pub records: u64,
    /// Whether more waits than one checkpoint covers.
    pub more: bool,
}

/// The last checkpoint and the tree after it.
#[derive(Default)]
struct Last {
    said: Option<Checkpoint>,
    tree: Frontier,
}

impl Checkpointer {
    /// Makes checkpoints until nothing waits; the last of them.
    pub async fn catch_up(&self, now: Timestamp) -> Result<Made, Error> {
        loop {
            let made = self.checkpoint(now).await?;
            if !made.more {
                return Ok(made);
            }
        }
    }

    /// Makes the next checkpoint, or takes over the one that somebody else made in the meantime.
    pub async fn checkpoint(&self, now: Timestamp) -> Result<Made, Error> {
        let made = self.make(now).await;
        let last = match &made {
            Ok(made) => Some(made.made_at),
            Err(_) => self.log.read().await.ok().and_then(|course| course.made_at),
        };
        if let Some(last) = last {
            metrics::gauge!("checkpoint_age_seconds").set(now.duration_since(last).as_secs_f64());
        }
        made
    }

    async fn make(&self, now: Timestamp) -> Result<Made, Error> {
        self.evidence.check_lock().await?;
        let last = self.last(now).await?;
        let (gathering, archived) = self.gather(now).await?;
        let (heads, findings) = gathering.finish();
        self.report(findings, now).await?;
        let before = last.tree;
        // Clocks differ a little; the times of checkpoints never go back.
        let at = last.said.as_ref().map_or(now, |last| last.at.max(now));
        let said = Checkpoint::after(last.said.as_ref(), &self.origin, &mut before.clone(), &heads, at);
        let (note, key) = self.signer.sign(&self.origin, &said.text()).await?;
        self.evidence.keep_key(&key).await?;
        let more = archived.len() >= OBJECTS;
        let kept = Kept { note, before, heads, archived };
        let (said, kept) = match self.evidence.keep_checkpoint(said.number, &kept).await? {
            Written::New => (said, kept),
            // Somebody else was first, or the answer to our own first try was lost.
            Written::Taken => {
                let (said, _, kept) = self.open(said.number).await?;
                (said, kept)
            }
        };
        self.settle(&said, &kept, now).await?;
        let (streams, records) = (kept.heads.len(), kept.records());
        Ok(Made { number: said.number, made_at: said.at, size: said.size, streams, records, more })
    }

    /// The last checkpoint, after everything that follows from it and those before it is done.
    async fn last(&self, now: Timestamp) -> Result<Last, Error> {
        let known = self.log.read().await?.checkpoint;
        let newest = self.evidence.newest(known).await?;
        let mut last = Last::default();
        for number in known.max(1)..=newest {
            let (said, tree, kept) = self.open(number).await?;
            if last.said.is_some_and(|last| last.hash() != said.previous) {
                return Err(Error::Misconfigured(format!("checkpoint {number} does not follow the one before it")));
            }
            if number > known {
                self.report(self.gone(&kept.heads).await?, now).await?;
                self.settle(&said, &kept, now).await?;
            }
            last = Last { said: Some(said), tree };
        }
        Ok(last)
    }

    /// What the table lacks of what a checkpoint covers that nobody here knows of: whoever made it died, and it lacks
    /// nothing, or the tables went back to before it (faults.md, D12).
    async fn gone(&self, heads: &[Head]) -> Result<Vec<Event>, Error> {
        let look = async |head: &Head| {
            let (stream, last) = (head.stream.clone(), head.size - 1);
            let entries = self.records.read(&stream, last, 1).await?;
            let link = entries.first().and_then(|entry| Link::read(&entry.body)).filter(|link| link.seq == last);
            Ok::<_, Error>(match link {
                Some(link) if link.hash == head.head => None,
                Some(_) => Some(Event::Rewritten { stream, seq: last, how: How::Replaced }),
                None => {
                    let from = self.records.size(&stream).await?.min(last);
                    Some(Event::Gone { stream, from, until: head.size })
                }
            })
        };
        let gone: Vec<_> = stream::iter(heads).map(look).buffered(SIDE_BY_SIDE).try_collect().await?;
        Ok(gone.into_iter().flatten().collect())
    }

    /// Checkpoint `number`, which must be there and must be ours.
    async fn open(&self, number: u64) -> Result<(Checkpoint, Frontier, Kept), Error> {
        let kept = self.evidence.checkpoint(number).await?;
        let kept = kept.ok_or_else(|| Error::Misconfigured(format!("checkpoint {number} is gone")))?;
        let opened = match kept.open(&self.origin, &[self.signer.current().await?]) {
            // It was signed by a key that has been retired since.
            Err(Unfit::Unsigned(Unsigned::UnknownKey)) => kept.open(&self.origin, &self.evidence.keys().await?),
            opened => opened,
        };
        let opened = opened.map_err(|unfit| unfit.to_string()).and_then(|(said, tree)| {
            if said.number == number { Ok((said, tree)) } else { Err(format!("it says it is number {}", said.number)) }
        });
        let (said, tree) =
            opened.map_err(|why| Error::Misconfigured(format!("checkpoint {number} is not ours: {why}")))?;
        Ok((said, tree, kept))
    }

    /// Does all that follows from a checkpoint. Doing it again changes nothing.
    async fn settle(&self, said: &Checkpoint, kept: &Kept, now: Timestamp) -> Result<(), Error> {
        self.coverage.cover(said.number, &kept.heads).await?;
        self.coverage.remove(&kept.archived).await?;
        let cause = format!("checkpoint/{}", said.number);
        let streams = kept.heads.len() as u64;
        let decide = |course: &Course| course.checkpointed(said.number, said.at, said.size, streams, kept.records());
        self.log.change(&cause, now, decide).await
    }

    /// Gathers the records that no checkpoint covers yet; and the objects that hold them.
    async fn gather(&self, now: Timestamp) -> Result<(Gathering, Vec<String>), Error> {
        let mut objects = self.coverage.waiting(OBJECTS).await?;
        let (mut gathering, mut lost) = (Gathering::default(), Vec::new());
        {
            let fetch = async |object: &String| Ok::<_, Error>((object.clone(), self.evidence.archived(object).await?));
            let mut fetched = stream::iter(&objects).map(fetch).buffered(SIDE_BY_SIDE);
            while let Some(fetched) = fetched.next().await {
                let (object, bodies) = fetched?;
                let links = bodies.and_then(|bodies| bodies.iter().map(|body| Link::read(body)).collect());
                let links: Option<Vec<Link>> = links;
                match links {
                    Some(links) => self.take(&mut gathering, links).await?,
                    None => lost.push(Event::Lost { object }),
                }
            }
        }
        self.report(lost, now).await?;
        for hole in gathering.holes() {
            objects.extend(self.fill(&mut gathering, hole, now).await?);
        }
        Ok((gathering, objects))
    }

    /// Takes records, after a look at how far their streams were covered before.
    async fn take(&self, gathering: &mut Gathering, links: Vec<Link>) -> Result<(), Error> {
        let streams: BTreeSet<&str> = links.iter().map(|link| link.stream.as_str()).collect();
        let new: Vec<String> =
            streams.into_iter().filter(|stream| !gathering.knows(stream)).map(str::to_owned).collect();
        let mut covered = self.coverage.of(&new).await?;
        for stream in &new {
            gathering.begin(stream, covered.remove(stream).unwrap_or_default());
        }
        for link in links {
            gathering.take(link);
        }
        Ok(())
    }

    /// Takes what the archive lacks from the table, as far as it is there, and archives it; the objects that hold it.
    async fn fill(&self, gathering: &mut Gathering, hole: Hole, now: Timestamp) -> Result<Vec<String>, Error> {
        let Hole { stream, mut from, until } = hole;
        let mut objects = Vec::new();
        while from < until {
            let entries = self.records.read(&stream, from, PAGE).await?;
            let found = (from..until).zip(&entries).map_while(|(seq, entry)| {
                let link = Link::read(&entry.body).filter(|link| link.stream == stream && link.seq == seq)?;
                Some((entry.body.as_str(), link))
            });
            let (bodies, links): (Vec<&str>, Vec<Link>) = found.unzip();
            if bodies.is_empty() {
                break;
            }
            let after = from + bodies.len() as u64;
            let name = Hash::of(stream.as_bytes());
            let object = format!("{}/{}-{from:020}-{:020}.jsonl.zst", hour(now), &name.as_str()[..16], after - 1);
            self.evidence.archive(&object, &bodies).await?;
            self.coverage.add(&object).await?;
            objects.push(object);
            for link in links {
                gathering.take(link);
            }
            from = after;
        }
        Ok(objects)
    }

    /// Writes down what is wrong, once for each time it is found.
    async fn report(&self, findings: Vec<Event>, now: Timestamp) -> Result<(), Error> {
        for some in findings.chunks(FINDINGS) {
            metrics::counter!("records_rewritten").increment(some.len() as u64);
            tracing::error!(findings = some.len(), first = ?some[0], "the archive and the log do not agree");
            let text = serde_json::to_string(some).expect("findings are plain JSON");
            let cause = format!("findings/{}", Hash::of(text.as_bytes()));
            self.log.change(&cause, now, |_| some.to_vec()).await?;
        }
        Ok(())
    }
}
