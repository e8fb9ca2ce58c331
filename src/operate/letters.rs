//! Dead letters: listed by cause, shown, and done again.
//!
//! A letter is done again before it is removed, so whoever is interrupted leaves it where it is, and once too often is as
//! good as once: signals are known by their ids, and executions by their names.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::letter::{Again, Letter, Path};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::Operator;
use crate::api;
use crate::error::Error;
use crate::lambda::{Http, read_object};
use crate::reply::Reply;
use crate::store::{Held, Letters, look_again};

/// How many letters of a queue are looked at for its causes.
const LOOKED_AT: usize = 500;
/// How many letters are shown.
const SHOWN: usize = 50;
/// How many letters are redriven at once unless it is said otherwise, and at most.
const REDRIVEN: (u32, u32) = (10, 100);
/// How long letters are taken: whoever waits behind the HTTP API waits for half a minute at most.
const PATIENCE: Duration = Duration::from_secs(15);

impl Operator {
    /// The queues, with the causes of what is in them.
    pub(super) async fn queues(&self) -> Result<Reply, Error> {
        let queues = join_all(self.letters.iter().map(summary)).await;
        let queues = queues.into_iter().collect::<Result<_, _>>()?;
        Ok(Reply::json(200, &api::DeadLetterQueueList { queues }))
    }

    /// The letters of one queue.
    pub(super) async fn list(&self, queue: &Letters) -> Result<Reply, Error> {
        let count = queue.count().await?;
        let (held, complete) = gather(queue, SHOWN, count).await?;
        put_back(queue, &held).await;
        let mut letters: Vec<&Letter> = held.iter().map(|held| &held.letter).collect();
        letters.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        let letters = letters.into_iter().map(|letter| api::DeadLetter {
            id: letter.id.clone(),
            cause: letter.cause(),
            about: letter.about(),
            sent_at: letter.sent_at,
            tries: letter.tries(),
            trace: letter.trace(),
            again: letter.again().what().to_owned(),
            body: letter.shown().into_owned(),
        });
        let name = queue.path().as_str().to_owned();
        Ok(Reply::json(200, &api::DeadLetterList { name, letters: letters.collect(), complete }))
    }

    /// Does letters of one queue again.
    pub(super) async fn redrive(&self, queue: &Letters, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let asked: api::Redrive =
            if request.body.is_empty() { api::Redrive::default() } else { read_object(&request.body)? };
        let most: u64 = asked.most.unwrap_or(REDRIVEN.0).clamp(1, REDRIVEN.1).into();
        let before = asked.before.unwrap_or(now);
        let (began, count) = (Instant::now(), queue.count().await?);
        let (mut redriven, mut kept, mut seen) = (api::Redriven::default(), Vec::new(), 0);
        // What failed again does not count: others behind it may not.
        let is_enough =
            |redriven: &api::Redriven| (!asked.dry_run && redriven.redriven >= most) || began.elapsed() >= PATIENCE;
        // What is kept stays hidden until the end, so that it is not taken twice.
        loop {
            let taken = queue.take().await?;
            let is_empty = taken.is_empty();
            seen += taken.len() as u64;
            for held in taken {
                let wanted = asked.cause.as_ref().is_none_or(|cause| *cause == held.letter.cause());
                if !wanted || held.letter.sent_at >= before || is_enough(&redriven) {
                    kept.push(held);
                    continue;
                }
                let again = held.letter.again();
                if !again.is_possible() {
                    redriven.impossible += 1;
                    kept.push(held);
                } else if asked.dry_run {
                    redriven.redriven += 1;
                    kept.push(held);
                } else {
                    match self.do_again(&held.letter, again).await {
                        Ok(()) => {
                            queue.remove(&held).await?;
                            redriven.redriven += 1;
                        }
                        Err(error) => {
                            tracing::warn!(error = error.chain(), letter.id = held.letter.id, "a letter failed again");
                            redriven.failed += 1;
                            kept.push(held);
                        }
                    }
                }
            }
            let is_cut = kept.len() >= LOOKED_AT || is_enough(&redriven);
            if is_empty || is_cut {
                // What is there and was not seen, somebody else looks at.
                redriven.more = is_cut || count > seen;
                break;
            }
        }
        put_back(queue, &kept).await;
        metrics::counter!("letters_redriven", "path" => queue.path().as_str()).increment(redriven.redriven);
        Ok(Reply::json(200, &redriven))
    }

    async fn do_again(&self, letter: &Letter, again: Again) -> Result<(), Error> {
        match again {
            Again::Signal(body) => self.signals.put_back(&body).await,
            Again::Event(event) => self.ingest.call("taking an event in again", &event).await.map(|_| ()),
            Again::Look(id) => {
                let incident = match self.incidents.get(&id).await {
                    Ok(incident) => incident,
                    // Without its log there is nothing to look at, now or ever.
                    Err(Error::NotFound(_)) => return Ok(()),
                    Err(error) => return Err(error),
                };
                let (name, input) = look_again(&incident, &format!("dead-letter/{}", letter.id));
                if incident.is_open() { self.machine.start(&name, &input).await } else { Ok(()) }
            }
            Again::Export(input) => self.exports.start(&format!("dead-letter-{}", letter.id), &input).await,
            Again::Done | Again::Never(_) => Ok(()),
        }
    }
}

/// A queue, and why its letters are there.
async fn summary(queue: &Letters) -> Result<api::DeadLetterQueue, Error> {
    let path: Path = queue.path();
    let letters = queue.count().await?;
    let (held, complete) = if letters == 0 { (Vec::new(), true) } else { gather(queue, LOOKED_AT, letters).await? };
    put_back(queue, &held).await;
    let mut causes: BTreeMap<String, api::DeadLetterCause> = BTreeMap::new();
    for letter in held.iter().map(|held| &held.letter) {
        let (cause, again) = (letter.cause(), letter.again());
        let known = causes.entry(cause.clone()).or_insert_with(|| api::DeadLetterCause {
            cause,
            letters: 0,
            oldest_at: letter.sent_at,
            again: again.what().to_owned(),
            possible: again.is_possible(),
        });
        known.letters += 1;
        known.oldest_at = known.oldest_at.min(letter.sent_at);
    }
    let mut causes: Vec<_> = causes.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.letters));
    let (name, means) = (path.as_str().to_owned(), path.means().to_owned());
    let letters = letters.max(held.len() as u64);
    Ok(api::DeadLetterQueue { name, means, runbook: path.runbook(), letters, causes, complete })
}

/// Up to about `most` letters, which nobody else sees until they are put back, and whether these are all of the `count`
/// that the queue has: what others look at is not seen.
async fn gather(queue: &Letters, most: usize, count: u64) -> Result<(Vec<Held>, bool), Error> {
    let (began, mut all) = (Instant::now(), Vec::new());
    while all.len() < most && began.elapsed() < PATIENCE {
        match queue.take().await {
            Ok(some) if some.is_empty() => break,
            Ok(some) => all.extend(some),
            Err(error) => {
                put_back(queue, &all).await;
                return Err(error);
            }
        }
    }
    let complete = all.len() as u64 >= count;
    Ok((all, complete))
}

/// Lets others see letters again. One that cannot be put back comes back by itself within a minute.
async fn put_back(queue: &Letters, held: &[Held]) {
    for some in held.chunks(10) {
        for put in join_all(some.iter().map(|held| queue.put_back(held))).await {
            if let Err(error) = put {
                tracing::warn!(error = error.chain(), "a letter comes back later");
            }
        }
    }
}
