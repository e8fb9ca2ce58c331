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
    /// A record that came after another one had its place.
    replaced: Option<u64>,
}

impl Gathering {
    /// Whether it is known how far `stream` was covered before.
    pub fn knows(&self, stream: &str) -> bool {
        self.0.contains_key(stream)
    }

    /// Says how far `stream` was covered before.
    pub fn begin(&mut self, stream: &str, Covered { size, head }: Covered) {
        let stretch = Stretch::new(size);
        let early = BTreeMap::new();
        let gathered = Gathered { covered: size, stretch, last: head, early, unlinked: None, replaced: None };
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
        let rewritten = |stream: &String, seq, how| Event::Rewritten { stream: stream.clone(), seq, how };
        let unlinked = self.0.iter().flat_map(|(stream, gathered)| {
            let replaced = gathered.replaced.map(|seq| rewritten(stream, seq, How::Replaced));
            replaced.into_iter().chain(gathered.unlinked.map(|seq| rewritten(stream, seq, How::Unlinked)))
        });
        let missing =
            self.holes().into_iter().map(|Hole { stream, from, until }| Event::Missing { stream, from, until });
        (heads, unlinked.chain(missing).collect())
    }
}

impl Gathered {
    fn take(&mut self, link: Link) {
        let next = self.stretch.next();
        // Of the records before the last one nothing is kept that they could be compared with.
        if link.seq + 1 == next && link.hash != self.last {
            self.replaced = Some(link.seq);
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(stream: &str, length: u64) -> Vec<Link> {
        let mut prev = Hash::zero();
        let link = |seq| {
            let hash = Hash::of(format!("{stream} {seq}").as_bytes());
            let prev = std::mem::replace(&mut prev, hash.clone());
            Link { stream: stream.to_owned(), seq, prev, hash }
        };
        (0..length).map(link).collect()
    }

    /// How far `stream` is covered by its first `size` records.
    fn covered(chain: &[Link], size: usize) -> Covered {
        let head = chain[..size].last().map_or_else(Hash::zero, |link| link.hash.clone());
        Covered { size: size as u64, head }
    }

    fn gathered(links: impl IntoIterator<Item = Link>, begin: &[(&str, Covered)]) -> Gathering {
        let mut gathering = Gathering::default();
        for (stream, covered) in begin {
            gathering.begin(stream, covered.clone());
        }
        for link in links {
            gathering.take(link);
        }
        gathering
    }

    proptest! {
        #[test]
        fn the_order_in_which_records_come_and_how_often_changes_nothing(
            (length, size) in (1_u64..20).prop_flat_map(|length| (Just(length), 0..=usize::try_from(length).unwrap())),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let chain = chain("s", length);
            let begin = [("s", covered(&chain, size))];
            let straight = gathered(chain.clone(), &begin).finish();
            // Some of them at random, and all of them after that, backwards.
            let some = order.iter().map(|index| index.get(&chain).clone());
            let all = chain.iter().rev().cloned();
            prop_assert_eq!(gathered(some.chain(all), &begin).finish(), straight.clone());
            prop_assert!(straight.1.is_empty());
            let from = size as u64;
            let expected = (from < length).then(|| (from, length, chain.last().unwrap().hash.clone()));
            prop_assert_eq!(straight.0.first().map(|head| (head.from, head.size, head.head.clone())), expected);
        }
    }

    #[test]
    fn what_is_missing_keeps_all_that_follows_it_uncovered_until_it_is_there() {
        let chain = chain("s", 6);
        let mut gathering = gathered([0, 1, 4, 5].map(|seq: usize| chain[seq].clone()), &[("s", Covered::default())]);
        assert_eq!(gathering.holes(), [Hole { stream: "s".to_owned(), from: 2, until: 4 }]);
        let (heads, findings) = gathering.finish();
        assert_eq!((heads[0].size, findings.len()), (2, 1));
        assert_eq!(findings[0], Event::Missing { stream: "s".to_owned(), from: 2, until: 4 });
        for seq in [3, 2] {
            gathering.take(chain[seq].clone());
        }
        let (heads, findings) = gathering.finish();
        assert_eq!((heads[0].size, findings, gathering.holes()), (6, vec![], vec![]));
    }

    #[test]
    fn a_record_that_does_not_follow_what_is_covered_is_told_and_covers_nothing() {
        let (chain, other) = (chain("s", 4), chain("t", 4));
        let forged: Vec<Link> = other.iter().map(|link| Link { stream: "s".to_owned(), ..link.clone() }).collect();
        let gathering = gathered(forged[2..].to_vec(), &[("s", covered(&chain, 2))]);
        let told = Event::Rewritten { stream: "s".to_owned(), seq: 2, how: How::Unlinked };
        assert_eq!(gathering.finish(), (vec![], vec![told]));
        assert!(gathering.holes().is_empty(), "nothing can be put in its place");
    }

    #[test]
    fn d12_a_record_in_the_place_of_one_that_is_covered_is_told_and_covers_nothing() {
        let (chain, other) = (chain("s", 3), chain("t", 3));
        let fork = Link { stream: "s".to_owned(), ..other[1].clone() };
        let gathering = gathered([chain[1].clone(), fork, chain[2].clone()], &[("s", covered(&chain, 2))]);
        let (heads, findings) = gathering.finish();
        let told = Event::Rewritten { stream: "s".to_owned(), seq: 1, how: How::Replaced };
        assert_eq!((heads[0].size, findings), (3, vec![told]), "what follows what is covered goes on");
    }

    #[test]
    fn streams_come_out_in_their_order_and_those_that_did_not_move_do_not() {
        let (one, two) = (chain("b", 1), chain("a", 2));
        let begin = [("b", Covered::default()), ("a", Covered::default()), ("c", Covered::default())];
        let (heads, _) = gathered(one.into_iter().chain(two), &begin).finish();
        assert_eq!(heads.iter().map(|head| head.stream.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Link::read("{}"), None);
        assert_eq!(Link::read("not JSON"), None);
    }
}
