//! What the sweep watches: the incidents that somebody may have to come by for, in pages by the index, and how far a round
//! has come.
//!
//! A round is of any length: what one sweep cannot finish the next one takes up. Two sweeps at once look at the same twice,
//! which changes nothing.

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::escalation::WATCHED;
use domain::incident::{Incident, Status};
use jiff::Timestamp;

use super::incidents::{GROUPED, Incidents};
use crate::aws::Aws;
use crate::error::Error;

/// How many incidents a page has: as many as are read at once.
const PAGE: u32 = 100;
/// The lists, in the order in which a round goes through them.
const LISTS: [&str; 4] =
    [Status::Triggered.as_str(), GROUPED, Status::Acknowledged.as_str(), Status::Resolved.as_str()];

/// Where a round goes on: the beginning of a list, or a place in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    list: usize,
    from: Option<String>,
}

/// A page of what is watched.
#[derive(Debug)]
pub struct Watched {
    /// The incidents, each as far as it can be read.
    pub incidents: Vec<Result<Incident, Error>>,
    /// Where the next page begins; `None` at the end of the round.
    pub next: Option<Place>,
}

impl Place {
    /// The place as it is kept.
    pub fn text(&self) -> String {
        format!("{} {}", LISTS[self.list], self.from.as_deref().unwrap_or_default())
    }

    /// Reads it back. What cannot be read is the beginning: a round that begins anew misses nothing.
    pub fn parse(text: &str) -> Self {
        let place = text.split_once(' ').and_then(|(list, from)| {
            let list = LISTS.iter().position(|known| *known == list)?;
            Some(Self { list, from: Some(from).filter(|from| !from.is_empty()).map(str::to_owned) })
        });
        place.unwrap_or_default()
    }

    /// Where it goes on after a page of its list that ended at `next`.
    fn after(&self, next: Option<String>) -> Option<Self> {
        match next {
            Some(from) => Some(Self { list: self.list, from: Some(from) }),
            None if self.list + 1 < LISTS.len() => Some(Self { list: self.list + 1, from: None }),
            None => None,
        }
    }
}

impl Incidents {
    /// The page of what is watched that begins at `place`.
    pub async fn watched(&self, place: &Place, now: Timestamp) -> Result<Watched, Error> {
        let word = LISTS[place.list];
        let range: Option<Range<Timestamp>> = (word == Status::Resolved.as_str()).then(|| now - WATCHED..now);
        let (ids, next) = self.listed(word, range.as_ref(), PAGE, place.from.as_deref()).await?;
        Ok(Watched { incidents: self.read(&ids).await?, next: place.after(next) })
    }

    /// The same for every incident that is in a list, however long it is over, and no more than `most` at once.
    pub async fn all(&self, place: &Place, most: u32) -> Result<Watched, Error> {
        let (ids, next) = self.listed(LISTS[place.list], None, most, place.from.as_deref()).await?;
        Ok(Watched { incidents: self.read(&ids).await?, next: place.after(next) })
    }
}

/// How far the round of the sweep has come.
#[derive(Debug, Clone)]
pub struct Round {
    client: Client,
    state: String,
}

impl Round {
    /// The round that is kept in the table `state`.
    pub fn new(aws: &Aws, state: String) -> Self {
        Self { client: aws.dynamodb(), state }
    }

    /// Where it goes on.
    pub async fn place(&self) -> Result<Place, Error> {
        let found = self.client.get_item().table_name(&self.state).set_key(Some(key())).send().await;
        let found = found.map_err(|error| Error::aws("reading how far a round has come", error))?;
        let place = found.item().and_then(|item| item.get("place")?.as_s().ok());
        Ok(place.map(|place| Place::parse(place)).unwrap_or_default())
    }

    /// Remembers that it goes on at `place`.
    pub async fn goes_on_at(&self, place: &Place) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.state).set_item(Some(key()));
        let put = put.item("place", AttributeValue::S(place.text())).send().await;
        put.map(drop).map_err(|error| Error::aws("remembering how far a round has come", error))
    }
}

fn key() -> HashMap<String, AttributeValue> {
    let s = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), s("sweep")), ("sk".to_owned(), s("round"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_through_every_list_and_ends() {
        let mut place = Place::default();
        let mut seen = Vec::new();
        loop {
            assert_eq!(Place::parse(&place.text()), place);
            seen.push(LISTS[place.list]);
            let more = place.from.is_none().then(|| "2026-11-21T03:00:00Z~7aea1e2c64a4c87755c3-1".to_owned());
            let Some(next) = place.after(more) else { break };
            place = next;
        }
        assert_eq!(seen.len(), 2 * LISTS.len());
        assert!(seen.chunks(2).all(|pair| pair[0] == pair[1]) && seen.windows(3).all(|three| three[0] != three[2]));
    }

    #[test]
    fn a_place_that_cannot_be_read_is_the_beginning() {
        for text in ["", "triggered", "elsewhere x", "triggered "] {
            assert_eq!(Place::parse(text), Place::default(), "{text:?}");
        }
    }
}
