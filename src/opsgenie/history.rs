//! What was written down about an alert: its notes, and all that happened to it.

use domain::incident::{Actor, Event, IncidentId};
use domain::log::Record;
use domain::timeline::timeline;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::AlertApi;
use super::alert::written;
use super::reply::Told;
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::sender::opsgenie::Invalid;

/// How many entries a page has unless it is said otherwise, and at most.
const LIMIT: (usize, usize) = (20, 100);

/// An entry, where it stands, and the key under which its text is shown.
struct Entry {
    place: (u64, usize),
    at: Timestamp,
    owner: String,
    text: String,
    kind: Option<Value>,
}

/// Which page of the entries is asked for.
struct Page {
    offset: Option<(u64, usize)>,
    backwards: bool,
    limit: usize,
    ascending: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a Value>,
    owner: &'a str,
    created_at: String,
    offset: String,
}

impl AlertApi {
    /// The notes of the incident `id`.
    pub(super) async fn notes(&self, id: &IncidentId, request: &Http) -> Result<Told, Error> {
        let mut entries = Vec::new();
        for record in self.records(id).await? {
            let notes = record.events.iter().filter_map(|event| match event {
                Event::Noted { by, text } => Some((by, text)),
                _ => None,
            });
            for (place, (by, text)) in notes.enumerate() {
                let (owner, text) = (by.name().to_owned(), text.clone());
                entries.push(Entry { place: (record.seq, place), at: record.at, owner, text, kind: None });
            }
        }
        Ok(self.page(entries, request, false))
    }

    /// What happened to the incident `id`, as its timeline tells it.
    pub(super) async fn logs(&self, id: &IncidentId, request: &Http) -> Result<Told, Error> {
        let mut entries: Vec<Entry> = Vec::new();
        for told in timeline(&self.records(id).await?, None) {
            let before = entries.last().filter(|last| last.place.0 == told.seq);
            let place = (told.seq, before.map_or(0, |last| last.place.1 + 1));
            let owner = told.actor.as_ref().map_or("watchkeeper", Actor::name).to_owned();
            entries.push(Entry { place, at: told.at, owner, text: told.text, kind: Some(json!(told.kind)) });
        }
        Ok(self.page(entries, request, true))
    }

    async fn records(&self, id: &IncidentId) -> Result<Vec<Record<Event>>, Error> {
        let entries = self.incidents.entries(id).await?;
        let records: Result<_, _> = entries.iter().map(Record::open).collect();
        records.map_err(|_| Error::Misconfigured("a record cannot be read".to_owned()))
    }

    fn page(&self, mut entries: Vec<Entry>, request: &Http, logs: bool) -> Told {
        let page = match Page::parse(&request.query) {
            Ok(page) => page,
            Err(invalid) => return Told::Fault(invalid.into()),
        };
        entries.sort_by_key(|entry| entry.place);
        if !page.ascending {
            entries.reverse();
        }
        // The offset is the last entry of the page before; backwards, the first of the page after.
        let place = page.offset.and_then(|offset| entries.iter().position(|entry| entry.place == offset));
        let (start, end) = match place {
            None => (0, page.limit),
            Some(place) if page.backwards => (place.saturating_sub(page.limit), place),
            Some(place) => (place + 1, place + 1 + page.limit),
        };
        let end = end.min(entries.len());
        let shown: Vec<Shown<'_>> = entries[start.min(end)..end].iter().map(|entry| entry.shown(logs)).collect();
        let mut paging = Map::new();
        let base = format!("{}{}", self.base_url.trim_end_matches('/'), request.path);
        let order = if page.ascending { "asc" } else { "desc" };
        let rest = format!("limit={}&order={order}", page.limit);
        paging.insert("first".to_owned(), json!(format!("{base}?{rest}")));
        if let Some(last) = shown.last().filter(|_| end < entries.len()) {
            paging.insert("next".to_owned(), json!(format!("{base}?offset={}&direction=next&{rest}", last.offset)));
        }
        Told::Data(json!(shown), Some(Value::Object(paging)))
    }
}

impl Entry {
    fn shown(&self, logs: bool) -> Shown<'_> {
        let (log, note) = if logs { (Some(self.text.as_str()), None) } else { (None, Some(self.text.as_str())) };
        Shown {
            log,
            note,
            kind: self.kind.as_ref(),
            owner: &self.owner,
            created_at: written(self.at),
            offset: format!("{}_{}", self.place.0, self.place.1),
        }
    }
}

impl Page {
    fn parse(query: &str) -> Result<Self, Invalid> {
        let mut page = Self { offset: None, backwards: false, limit: LIMIT.0, ascending: false };
        for (name, value) in pairs(query) {
            match name.as_str() {
                "offset" if !value.is_empty() => {
                    let parts = value.split_once('_').map(|(seq, place)| (seq.parse().ok(), place.parse().ok()));
                    let Some((Some(seq), Some(place))) = parts else {
                        return Err(Invalid::field("offset", "Offset is that of an entry, as listed."));
                    };
                    page.offset = Some((seq, place));
                }
                "direction" => match value.as_str() {
                    "next" => page.backwards = false,
                    "prev" => page.backwards = true,
                    _ => return Err(Invalid::field("direction", "Direction is next or prev.")),
                },
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT.1).contains(limit));
                    page.limit = limit.ok_or_else(|| Invalid::field("limit", "Limit is a number from 1 to 100."))?;
                }
                "order" => match value.as_str() {
                    "asc" => page.ascending = true,
                    "desc" => page.ascending = false,
                    _ => return Err(Invalid::field("order", "Order is asc or desc.")),
                },
                _ => {}
            }
        }
        Ok(page)
    }
}
