//! Gathering: from records as the archive has them, in whatever order and however often, to the heads of their streams.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::event::{Event, How};
use super::head::{Head, Stretch};
use crate::log::Hash;

/// A record, as far as it matters to its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its stream.
    pub stream: String,
    /// Its place in it.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
}

impl Link {
    /// Reads the body of a record; `None` for anything else.
    pub fn read(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Frame {
            stream: String,
            seq: u64,
            prev: Hash,
        }
        let Frame { stream, seq, prev } = serde_json::from_str(body).ok()?;
        Some(Self { stream, seq, prev, hash: Hash::of(body.as_bytes()) })
    }
}

/// How far a stream is covered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covered {
    /// How many of its records are.
    pub size: u64,
    /// The hash of the last of them.
    pub head: Hash,
}

/// Records that are missing before others that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The stream.
    pub stream: String,
    /// The first record that is missing.
    pub from: u64,
    /// The first one that is there again.
    pub until: u64,
}

/// What is gathered so far. It holds a few hashes for each stream, whatever the number of records.
#[derive(Debug, Default)]
pub struct Gathering(BTreeMap<String, Gathered>);

#[derive(Debug)]
struct Gathered {
    covered: u64,
    stretch: Stretch,
    /// The hash that the next record follows.
    last: Hash,
    /// Records that came before their turn.
    early: BTreeMap<u64, Link>,
    /// The first record that does not follow the one before it: nothing goes on from there.
    unlinked: Option<u64>,
}

impl Gathering {
    /// Whether it is known how far `stream` was covered before.
    pub fn knows(&self, stream: &str) -> bool {
        self.0.contains_key(stream)
    }

    /// Says how far `stream` was covered before.
    pub fn begin(&mut self, stream: &str, Covered { size, head }: Covered) {
        let stretch = Stretch::new(size);
        let gathered = Gathered { covered: size, stretch, last: head, early: BTreeMap::new(), unlinked: None };
        self.0.insert(stream.to_owned(), gathered);
    }

    /// Takes a record of a stream that was begun. One that was taken before changes nothing.
    pub fn take(&mut self, link: Link) {
        if let Some(gathered) = self.0.get_mut(&link.stream) {
            gathered.take(link);
        }
    }

    /// What is missing by now.
    pub fn holes(&self) -> Vec<Hole> {
        let hole = |(stream, gathered): (&String, &Gathered)| {
            let until = *gathered.early.first_key_value().filter(|_| gathered.unlinked.is_none())?.0;
            Some(Hole { stream: stream.clone(), from: gathered.stretch.next(), until })
        };
        self.0.iter().filter_map(hole).collect()
    }

    /// The heads of the streams that moved, by stream, and what is wrong with others.
    pub fn finish(&self) -> (Vec<Head>, Vec<Event>) {
        let moved = self.0.iter().filter(|(_, gathered)| gathered.stretch.next() > gathered.covered);
        let heads = moved.map(|(stream, gathered)| gathered.stretch.head(stream)).collect();
        let unlinked = self.0.iter().filter_map(|(stream, gathered)| {
            Some(Event::Rewritten { stream: stream.clone(), seq: gathered.unlinked?, how: How::Unlinked })
        });
        let missing =
            self.holes().into_iter().map(|Hole { stream, from, until }| Event::Missing { stream, from, until });
        (heads, unlinked.chain(missing).collect())
    }
}

impl Gathered {
    fn take(&mut self, link: Link) {
        let next = self.stretch.next();
        if link.seq < next || self.unlinked.is_some() {
            return;
        }
        if link.seq > next {
            self.early.insert(link.seq, link);
            return;
        }
        let mut turn = Some(link);
        while let Some(link) = turn {
            if link.prev != self.last {
                self.unlinked = Some(link.seq);
                return;
            }
            self.stretch.push(&link.hash);
            self.last = link.hash;
            turn = self.early.remove(&self.stretch.next());
        }
    }
}
