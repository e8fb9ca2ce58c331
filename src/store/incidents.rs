//! Incidents: their log in `records`, their snapshots in `state`, written together or not at all (design.md, section 1).

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use domain::cause::Cause;
use domain::fingerprint::Fingerprint;
use domain::incident::{Event, Incident, IncidentId, Refusal, Status};
use domain::log::{Entry, Record};
use domain::recent::Known;
use jiff::Timestamp;

use super::groups::Row;
use super::record::{Item, entry, is_behind, put};
use crate::aws::Aws;
use crate::error::Error;

/// How often an append that lost a race is decided again.
const TRIES: u32 = 20;
/// How many records one page of a stream holds.
const PAGE: i32 = 500;

/// The word by which the index finds open alerts that are told with their group.
pub(super) const GROUPED: &str = "grouped";
/// How many open incidents are read at once.
const OPEN_PAGE: u32 = 200;

/// The incidents.
#[derive(Debug, Clone)]
pub struct Incidents {
    client: Client,
    records: String,
    state: String,
}

/// A page of a list of incidents, the latest first.
#[derive(Debug)]
pub struct Listing {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl Incidents {
    /// Incidents in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self { client: aws.dynamodb(), records, state }
    }

    /// The latest incident of a fingerprint, by one consistent read.
    pub async fn latest(&self, fingerprint: &Fingerprint) -> Result<Option<Incident>, Error> {
        let found = self.client.query().table_name(&self.state).consistent_read(true);
        let found = found.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(pk(fingerprint)));
        let found = found.scan_index_forward(false).limit(1).send().await;
        let found = found.map_err(|error| Error::aws("reading the latest incident", error))?;
        found.items().first().map(snapshot).transpose()
    }

    /// The incident named `id`: from its snapshot, or else folded from its log. `NotFound` when there is neither.
    pub async fn get(&self, id: &IncidentId) -> Result<Incident, Error> {
        let found = self.client.get_item().table_name(&self.state).consistent_read(true);
        let found = found.set_key(Some(key(id))).send().await;
        let found = found.map_err(|error| Error::aws("reading an incident", error))?;
        match found.item() {
            Some(item) => snapshot(item),
            None => self.fold(id).await,
        }
    }

    async fn fold(&self, id: &IncidentId) -> Result<Incident, Error> {
        let mut incident = Incident::expected(id.clone());
        for entry in self.entries(id).await? {
            incident.fold(&open(&entry)?, entry.hash);
        }
        if incident.seq == 0 { Err(Error::NotFound(format!("incident {id}"))) } else { Ok(incident) }
    }

    /// The whole log of an incident as it is stored, in order.
    pub async fn entries(&self, id: &IncidentId) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        let mut start = None;
        loop {
            let page = self.page(&id.stream(), true, start).await?;
            entries.extend(page.0);
            start = page.1;
            if start.is_none() {
                return Ok(entries);
            }
        }
    }

    async fn page(
        &self,
        stream: &str,
        forward: bool,
        start: Option<Item>,
    ) -> Result<(Vec<Entry>, Option<Item>), Error> {
        let page = self.client.query().table_name(&self.records).consistent_read(true).limit(PAGE);
        let page = page
            .key_condition_expression("#stream = :s")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":s", s(stream));
        let page = page.scan_index_forward(forward).set_exclusive_start_key(start).send().await;
        let page = page.map_err(|error| Error::aws("reading a log", error))?;
        let entries = page.items().iter().map(entry).collect::<Result<_, _>>()?;
        Ok((entries, page.last_evaluated_key))
    }

    /// Which of `ids` are in the log of `latest`, or of the incidents before it, since `since`.
    pub async fn recorded(&self, latest: &IncidentId, ids: &[&str], since: Timestamp) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for generation in (1..=latest.generation).rev() {
            let stream = IncidentId { generation, ..latest.clone() }.stream();
            let mut start = None;
            let reached = loop {
                let (entries, next) = self.page(&stream, false, start).await?;
                let mut reached = false;
                for entry in &entries {
                    let record = open(entry)?;
                    reached |= record.at < since;
                    found.extend(counted(&record, ids));
                }
                start = next;
                if reached || start.is_none() {
                    break reached;
                }
            };
            if reached || found.len() == ids.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Writes `events` as the next record of `incident`. `None` when somebody else moved first: read again, decide again.
    pub async fn write(
        &self,
        incident: &Incident,
        cause: &Cause,
        events: Vec<Event>,
        now: Timestamp,
    ) -> Result<Option<Incident>, Error> {
        self.write_with(incident, cause, events, now, None).await
    }

    /// The same, together with a `row` beside it.
    pub async fn write_with(
        &self,
        incident: &Incident,
        cause: &Cause,
        events: Vec<Event>,
        now: Timestamp,
        row: Option<Row>,
    ) -> Result<Option<Incident>, Error> {
        let record = incident.record(cause, events, now);
        let entry = record.seal();
        let mut after = incident.clone();
        after.fold(&record, entry.hash.clone());
        let mut items = vec![put(&self.records, &record, &entry)?, self.put_snapshot(incident, &after)?];
        items.extend(row.map(|row| row.0));
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        match sent {
            Ok(_) => Ok(Some(after)),
            Err(error) if lost_race(&error) => {
                if is_behind(&error) {
                    Box::pin(self.catch_up(incident)).await?;
                }
                Ok(None)
            }
            Err(error) => Err(Error::aws("appending to a log", error)),
        }
    }

    /// Writes the snapshot of `behind` anew, from the log: the table `state` was lost, or went back to an earlier day
    /// (faults.md, D12).
    async fn catch_up(&self, behind: &Incident) -> Result<(), Error> {
        let incident = self.fold(&behind.id).await?;
        tracing::warn!(incident.id = %behind.id, behind = behind.seq, seq = incident.seq, "a snapshot is made anew");
        let items = vec![self.put_snapshot(behind, &incident)?];
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Err(error) if !lost_race(&error) => Err(Error::aws("making a snapshot anew", error)),
            _ => Ok(()),
        }
    }

    fn put_snapshot(&self, before: &Incident, after: &Incident) -> Result<TransactWriteItem, Error> {
        let body = serde_json::to_string(after).expect("an incident is plain JSON");
        let mut item = key(&after.id);
        item.insert("seq".to_owned(), n(after.seq));
        item.insert("body".to_owned(), s(body));
        // What is only expected is in no list. What is told with its group is listed as that group, and apart from all
        // others while it is open, so that the sweep finds it.
        let grouped = after.member_of.is_some();
        if let Some(opened_at) = after.opened_at.filter(|_| !grouped || after.is_open()) {
            item.insert("status".to_owned(), s(if grouped { GROUPED } else { after.status.as_str() }));
            item.insert("opened_at".to_owned(), s(opened_at.to_string()));
        }
        let put = Put::builder().table_name(&self.state).set_item(Some(item));
        let put = if before.seq == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            // Without a snapshot it was folded from its log. That nobody else was first, the record's own put says.
            let put = put.condition_expression("attribute_not_exists(pk) OR seq = :seq");
            put.expression_attribute_values(":seq", n(before.seq))
        };
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    /// Asks `decide` what to write next to `id`, and writes it; asks again, a bounded number of times, when somebody
    /// else moved first.
    ///
    /// A `cause` that is in the log already changes nothing: the request came again, and its answer is the incident.
    pub async fn append(
        &self,
        id: &IncidentId,
        cause: &Cause,
        now: Timestamp,
        mut decide: impl FnMut(&Incident) -> Result<Vec<Event>, Refusal>,
    ) -> Result<Incident, Error> {
        for attempt in 0..TRIES {
            let incident = self.get(id).await?;
            if incident.knows_cause(&cause.request, now) == Known::Yes {
                return Ok(incident);
            }
            let events = decide(&incident)?;
            if events.is_empty() {
                return Ok(incident);
            }
            if let Some(after) = self.write(&incident, cause, events, now).await? {
                return Ok(after);
            }
            pause(attempt, STEP).await;
        }
        Err(Error::Conflict)
    }

    /// Incidents with `status`, the latest first, from where a page before left off.
    pub async fn list(&self, status: Status, limit: u32, from: Option<&str>) -> Result<Listing, Error> {
        self.listing(status, None, limit, from).await
    }

    /// The same for those that were opened within `range`. A page may be shorter than `limit`, and yet not the last.
    pub async fn opened(
        &self,
        status: Status,
        range: &Range<Timestamp>,
        limit: u32,
        from: Option<&str>,
    ) -> Result<Listing, Error> {
        self.listing(status, Some(range), limit, from).await
    }

    async fn listing(
        &self,
        status: Status,
        range: Option<&Range<Timestamp>>,
        limit: u32,
        from: Option<&str>,
    ) -> Result<Listing, Error> {
        let (ids, next) = self.listed(status.as_str(), range, limit, from).await?;
        let mut incidents = self.read(&ids).await?.into_iter().collect::<Result<Vec<_>, _>>()?;
        // The index may be a moment behind: the snapshot is the truth.
        incidents.retain(|incident| incident.status == status);
        let within = |at: &Timestamp| range.is_none_or(|range| range.contains(at));
        incidents.retain(|incident| incident.opened_at.as_ref().is_some_and(within));
        incidents.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| a.id.cmp(&b.id)));
        Ok(Listing { incidents, next })
    }

    /// A page of those that the index has under `word`, the latest first, and where the next page begins.
    pub(super) async fn listed(
        &self,
        word: &str,
        range: Option<&Range<Timestamp>>,
        limit: u32,
        from: Option<&str>,
    ) -> Result<(Vec<IncidentId>, Option<String>), Error> {
        let start = from.map(|from| {
            let (opened_at, id) = from.split_once('~')?;
            let id = IncidentId::parse(id)?;
            let mut start = key(&id);
            start.insert("status".to_owned(), s(word));
            start.insert("opened_at".to_owned(), s(opened_at.to_string()));
            Some(start)
        });
        let start = match start {
            Some(None) => return Err(Error::InvalidEvent("the cursor is not one of ours".to_owned())),
            Some(start) => start,
            None => None,
        };
        let page = self.client.query().table_name(&self.state).index_name("by-status").scan_index_forward(false);
        let page = match range {
            None => page.key_condition_expression("#status = :status"),
            Some(range) => page
                .key_condition_expression("#status = :status AND opened_at BETWEEN :from AND :until")
                .expression_attribute_values(":from", s(second(range.start)))
                .expression_attribute_values(":until", s(second(range.end) + "Z")),
        };
        let page = page.expression_attribute_names("#status", "status").expression_attribute_values(":status", s(word));
        let page = page.limit(i32::try_from(limit).unwrap_or(i32::MAX)).set_exclusive_start_key(start).send().await;
        let page = page.map_err(|error| Error::aws("listing incidents", error))?;
        let next = page.last_evaluated_key().and_then(|key| {
            let opened_at = key.get("opened_at")?.as_s().ok()?;
            Some(format!("{opened_at}~{}", id_of(key)?))
        });
        Ok((page.items().iter().filter_map(id_of).collect(), next))
    }

    /// At most `most` open incidents, the latest first.
    pub async fn open(&self, most: usize) -> Result<Vec<Incident>, Error> {
        let mut open = Vec::new();
        for status in [Status::Triggered, Status::Acknowledged] {
            let mut from = None;
            loop {
                let page = self.list(status, OPEN_PAGE, from.as_deref()).await?;
                open.extend(page.incidents);
                from = page.next;
                if from.is_none() || open.len() >= most {
                    break;
                }
            }
        }
        open.truncate(most);
        Ok(open)
    }

    /// The incidents named `ids` that have a snapshot, in any order; one that cannot be read fails alone.
    pub async fn read(&self, ids: &[IncidentId]) -> Result<Vec<Result<Incident, Error>>, Error> {
        let mut incidents = Vec::with_capacity(ids.len());
        for ids in ids.chunks(100) {
            let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(ids.iter().map(key).collect()));
            let mut wanted = Some(HashMap::from([(self.state.clone(), built(keys.build())?)]));
            while let Some(request) = wanted.filter(|wanted| !wanted.is_empty()) {
                let reply = self.client.batch_get_item().set_request_items(Some(request)).send().await;
                let reply = reply.map_err(|error| Error::aws("reading incidents", error))?;
                incidents.extend(reply.responses.iter().flat_map(HashMap::values).flatten().map(snapshot));
                wanted = reply.unprocessed_keys;
            }
        }
        Ok(incidents)
    }
}

/// How long a step of an incident waits at most after its first lost race: it goes before those that count duplicates.
pub(crate) const STEP: Duration = Duration::from_millis(4);

/// Waits a little longer after each lost race, and not as long as the others: the clock's nanoseconds are the dice.
pub(crate) async fn pause(attempt: u32, first: Duration) {
    let dice = Duration::from_nanos(u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()));
    let longest = first * (1 << attempt.min(5));
    tokio::time::sleep(longest.mul_f64(dice.as_secs_f64())).await;
}

/// Whether a transaction failed because another writer was first, and for no other reason.
pub(super) fn lost_race<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    let mut codes = codes.filter(|code| *code != "None").peekable();
    codes.peek().is_some() && codes.all(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

fn counted<'a>(record: &Record<Event>, ids: &'a [&str]) -> impl Iterator<Item = String> + use<'a> {
    let signals = record.events.iter().filter_map(|event| match event {
        Event::Signalled { signals } => Some(signals),
        _ => None,
    });
    let seen: Vec<String> = signals.flatten().map(|seen| seen.id.clone()).collect();
    ids.iter().filter(move |id| seen.iter().any(|seen| seen == **id)).map(|id| (*id).to_owned())
}

fn pk(fingerprint: &Fingerprint) -> String {
    format!("incident#{fingerprint}")
}

fn key(id: &IncidentId) -> Item {
    // Padded, so that the latest sorts last.
    let sk = format!("{:010}", id.generation);
    HashMap::from([("pk".to_owned(), s(pk(&id.fingerprint))), ("sk".to_owned(), s(sk))])
}

fn id_of(item: &Item) -> Option<IncidentId> {
    let fingerprint = item.get("pk")?.as_s().ok()?.strip_prefix("incident#")?;
    let generation = item.get("sk")?.as_s().ok()?.parse().ok()?;
    Some(IncidentId { fingerprint: Fingerprint::parse(fingerprint)?, generation })
}

/// The second that `at` is in, as the index writes it, without what follows: a fraction of any length, or a `Z`, which
/// sorts after every fraction.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn snapshot(item: &Item) -> Result<Incident, Error> {
    let body = item.get("body").and_then(|body| body.as_s().ok());
    let incident = body.and_then(|body| serde_json::from_str(body).ok());
    let id = || id_of(item).map(|id| id.to_string()).unwrap_or_default();
    incident.ok_or_else(|| Error::Misconfigured(format!("the snapshot of incident {} cannot be read", id())))
}

fn open(entry: &Entry) -> Result<Record<Event>, Error> {
    Record::open(entry).map_err(|_| Error::Misconfigured("a record cannot be read".to_owned()))
}

fn built<T>(item: Result<T, aws_sdk_dynamodb::error::BuildError>) -> Result<T, Error> {
    item.map_err(|error| Error::Misconfigured(error.to_string()))
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
