//! Lists of alerts: those of the sender that asks, the latest first unless it says otherwise.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use domain::group::INTEGRATION as GROUP;
use domain::incident::{Incident, Status};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alert::Alert;
use super::reply::{Fault, Told};
use super::search::Search;
use super::{AlertApi, Caller};
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::sender::opsgenie::Invalid;

/// The most incidents of a status that are looked through.
const MOST: usize = 2000;
/// How many are read at once.
const PAGE: u32 = 100;
/// How many a list has unless it is said otherwise, and at most.
const LIMIT: (usize, usize) = (20, 100);

/// By what a list can be sorted: the fields of an alert.
const SORTS: [&str; 20] = [
    "createdAt",
    "updatedAt",
    "tinyId",
    "alias",
    "message",
    "status",
    "acknowledged",
    "isSeen",
    "snoozed",
    "snoozedUntil",
    "count",
    "lastOccurredAt",
    "source",
    "owner",
    "integration.name",
    "integration.type",
    "report.ackTime",
    "report.closeTime",
    "report.acknowledgedBy",
    "report.closedBy",
];

/// What somebody asks for who lists alerts.
#[derive(Debug, Default)]
struct Wanted {
    search: Search,
    offset: usize,
    limit: usize,
    sort: String,
    ascending: bool,
}

impl Wanted {
    fn parse(query: &str) -> Result<Self, Invalid> {
        let mut wanted = Self { limit: LIMIT.0, sort: "createdAt".to_owned(), ..Self::default() };
        for (name, value) in pairs(query) {
            match name.as_str() {
                "query" => wanted.search = Search::parse(&value).map_err(|error| Invalid::field("query", error))?,
                "searchIdentifier" => {
                    let error = "Saved searches are not offered: write the query itself.";
                    return Err(Invalid::field("searchIdentifier", error));
                }
                "offset" => {
                    let error = format!("Offset is a number from 0 to {MOST}.");
                    let offset = value.parse().ok().filter(|offset| *offset <= MOST);
                    wanted.offset = offset.ok_or_else(|| Invalid::field("offset", error))?;
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT.1).contains(limit));
                    wanted.limit = limit.ok_or_else(|| Invalid::field("limit", "Limit is a number from 1 to 100."))?;
                }
                "sort" => {
                    let known = SORTS.contains(&value.as_str());
                    let error = || Invalid::field("sort", format!("Sort is one of {}.", SORTS.join(", ")));
                    wanted.sort = known.then_some(value).ok_or_else(error)?;
                }
                "order" => match value.as_str() {
                    "asc" => wanted.ascending = true,
                    "desc" => wanted.ascending = false,
                    _ => return Err(Invalid::field("order", "Order is asc or desc.")),
                },
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// How many of the latest alerts are enough to know those of the page, and whether there is another.
    fn enough(&self) -> usize {
        let latest_first = self.sort == "createdAt" && !self.ascending;
        if latest_first { self.offset + self.limit + 1 } else { usize::MAX }
    }
}

impl AlertApi {
    /// A page of alerts.
    pub(super) async fn list(&self, caller: &Caller, request: &Http) -> Result<Told, Error> {
        let wanted = match Wanted::parse(&request.query) {
            Ok(wanted) => wanted,
            Err(invalid) => return Ok(Told::Fault(invalid.into())),
        };
        let Some(mut alerts) = self.found(caller, &wanted.search, wanted.enough()).await? else {
            return Ok(too_many());
        };
        alerts.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        let mut shown: Vec<Value> =
            alerts.iter().map(|alert| serde_json::to_value(alert).expect("an alert is plain JSON")).collect();
        if wanted.sort != "createdAt" {
            let place = format!("/{}", wanted.sort.replace('.', "/"));
            shown.sort_by(|a, b| compare(b.pointer(&place), a.pointer(&place)));
        }
        if wanted.ascending {
            shown.reverse();
        }
        let more = shown.len() > wanted.offset + wanted.limit;
        let page: Vec<Value> = shown.into_iter().skip(wanted.offset).take(wanted.limit).collect();
        Ok(Told::Data(json!(page), Some(self.pages(request, &wanted, more))))
    }

    /// How many alerts there are.
    pub(super) async fn count(&self, caller: &Caller, request: &Http) -> Result<Told, Error> {
        let wanted = match Wanted::parse(&request.query) {
            Ok(wanted) => wanted,
            Err(invalid) => return Ok(Told::Fault(invalid.into())),
        };
        let found = self.found(caller, &wanted.search, usize::MAX).await?;
        Ok(found.map_or_else(too_many, |found| Told::Data(json!({ "count": found.len() }), None)))
    }

    /// At least the `enough` latest alerts of the caller that `search` asks for; `None` when too many would have to be
    /// looked through.
    async fn found(&self, caller: &Caller, search: &Search, enough: usize) -> Result<Option<Vec<Alert>>, Error> {
        let range = search.created();
        let whole = range == (Timestamp::MIN..Timestamp::MAX);
        let mut found = Vec::new();
        for (status, word) in
            [(Status::Triggered, "open"), (Status::Acknowledged, "open"), (Status::Resolved, "closed")]
        {
            if !search.wants(word) || range.is_empty() {
                continue;
            }
            let (mut of_status, mut seen, mut from) = (0, 0, None);
            loop {
                let page = match &range {
                    _ if whole => self.incidents.list(status, PAGE, from.as_deref()).await?,
                    range => self.incidents.opened(status, range, PAGE, from.as_deref()).await?,
                };
                seen += page.incidents.len();
                for incident in &page.incidents {
                    let alerts = self.alerts(caller, incident).await?.into_iter();
                    let alerts = alerts.filter(|alert| search.matches(alert));
                    let before = found.len();
                    found.extend(alerts);
                    of_status += found.len() - before;
                }
                from = page.next;
                if from.is_none() || of_status >= enough {
                    break;
                }
                if seen >= MOST {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found))
    }

    /// The caller's alerts that `incident` stands for: itself, or those that an open group gathers.
    async fn alerts(&self, caller: &Caller, incident: &Incident) -> Result<Vec<Alert>, Error> {
        if incident.integration == caller.integration {
            return Ok(Alert::of(incident, incident).into_iter().collect());
        }
        if incident.integration != GROUP || !incident.is_open() {
            return Ok(Vec::new());
        }
        let (mut alerts, mut from) = (Vec::new(), None);
        loop {
            let (members, next) = self.groups.page(&incident.id, PAGE, from.as_deref()).await?;
            for member in members.iter().filter(|member| member.integration == caller.integration) {
                let member = self.incidents.get(&member.incident).await?;
                alerts.extend(Alert::of(&member, incident));
            }
            from = next;
            if from.is_none() {
                return Ok(alerts);
            }
        }
    }

    /// Where the other pages are.
    fn pages(&self, request: &Http, wanted: &Wanted, more: bool) -> Value {
        let kept = pairs(&request.query).filter(|(name, _)| name != "offset" && name != "limit");
        let kept: Vec<(String, String)> = kept.collect();
        let at = |offset: usize| {
            let offset = [("offset".to_owned(), offset.to_string()), ("limit".to_owned(), wanted.limit.to_string())];
            let all = kept.iter().chain(&offset).map(|(name, value)| format!("{name}={}", encoded(value)));
            let all: Vec<String> = all.collect();
            format!("{}{}?{}", self.base_url.trim_end_matches('/'), request.path, all.join("&"))
        };
        let mut pages = BTreeMap::from([("first", at(0))]);
        if wanted.offset > 0 {
            pages.insert("prev", at(wanted.offset.saturating_sub(wanted.limit)));
        }
        if more {
            pages.insert("next", at(wanted.offset + wanted.limit));
        }
        json!(pages)
    }
}

fn encoded(text: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

fn too_many() -> Told {
    let error =
        format!("More than {MOST} alerts would have to be looked through: ask for less by createdAt or status.");
    Told::Fault(Fault::from(Invalid::field("query", error)))
}

/// The order of two values of one field: what is absent is the least.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        _ => Ordering::Greater,
    }
}
