//! The reading half of the API.

use std::collections::HashMap;
use std::ops::Range;

use domain::fingerprint::Fingerprint;
use domain::incident::{Event, IncidentId, Status};
use domain::log::{Hash, Record};
use domain::rehearse::Recorded;
use domain::timeline::timeline;
use http::Method;
use jiff::{SignedDuration, Timestamp};

use crate::access::Access;
use crate::api::{self, Situation};
use crate::error::Error;
use crate::lambda::Http;
use crate::query::pairs;
use crate::reply::Reply;
use crate::store::{Groups, Incidents, Policies, Subjects};

/// How many incidents a page has unless it is said otherwise, and at most.
const PAGE: (u32, u32) = (50, 200);

/// How far back the history goes unless it is said otherwise.
const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The most bytes of an answer: a function's own bound is 6 MB, and large incidents make a page shorter.
const LARGEST: usize = 5_000_000;

/// What answers readers.
pub struct Reader {
    /// Who may read.
    pub access: Access,
    /// The incidents.
    pub incidents: Incidents,
    /// The alerts of groups.
    pub groups: Groups,
    /// The keys of what was written about people and customers.
    pub subjects: Subjects,
    /// The policies.
    pub policies: Policies,
    /// Where the API is, for links.
    pub base_url: String,
}

impl Reader {
    /// Answers a request: the API's description to anybody, everything else to the holder of a token.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        if path == ["v1", "openapi.json"] && request.method == Method::GET {
            return Ok(Reply {
                content_type: "application/json",
                body: api::openapi().to_owned(),
                ..Reply::empty(200)
            });
        }
        if path.first() != Some(&"v1") {
            return Ok(Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json"));
        }
        self.access.answer(request, now, async |_| self.show(request, &path, now).await).await
    }

    /// What is at `path`, for the holder of a token.
    async fn show(&self, request: &Http, path: &[&str], now: Timestamp) -> Result<Reply, Error> {
        let known = match path {
            ["v1", "incidents" | "history"] | ["v1", "incidents" | "policies", _] => true,
            ["v1", "incidents", _, part] => matches!(*part, "alerts" | "timeline" | "records"),
            _ => false,
        };
        if known && request.method != Method::GET {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use GET").with("allow", "GET"));
        }
        match path {
            ["v1", "incidents"] => self.list(request).await,
            ["v1", "incidents", id] => {
                let incident = self.incidents.get(&id_of(id)?).await?;
                let view = api::Incident::of(&incident, Some(&self.base_url));
                Ok(Reply::json(200, &view.ok_or_else(|| Error::NotFound(format!("incident {id}")))?))
            }
            ["v1", "incidents", id, "alerts"] => self.alerts(&id_of(id)?, request).await,
            ["v1", "incidents", id, "timeline"] => self.timeline(&id_of(id)?).await,
            ["v1", "incidents", id, "records"] => {
                let id = id_of(id)?;
                let entries = self.incidents.entries(&id).await?;
                if entries.is_empty() {
                    return Err(Error::NotFound(format!("incident {id}")));
                }
                Ok(Reply::json(200, &api::Records { stream: id.stream(), entries, next: None }))
            }
            ["v1", "history"] => self.history(request, now).await,
            ["v1", "policies", hash] => {
                let missing = || Error::NotFound("the policy".to_owned());
                let hash = Hash::parse(hash).ok_or_else(missing)?;
                let kept = self.policies.by_hash(&hash).await?;
                Ok(Reply::json(200, &api::ActivePolicy { hash, policy: kept.policy.clone() }))
            }
            _ => Ok(Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")),
        }
    }

    /// The alerts of a group as they stand; of one that is over, those that it told of last.
    async fn alerts(&self, id: &IncidentId, request: &Http) -> Result<Reply, Error> {
        let (mut limit, mut cursor) = (PAGE.0, None);
        for (name, value) in pairs(&request.query) {
            match name.as_str() {
                "limit" => {
                    let asked: u32 = value.parse().map_err(|_| invalid("limit is a number"))?;
                    limit = asked.clamp(1, PAGE.1);
                }
                "cursor" if Fingerprint::parse(&value).is_none() => {
                    return Err(invalid("the cursor is not one of ours"));
                }
                "cursor" => cursor = Some(value),
                _ => {}
            }
        }
        let incident = self.incidents.get(id).await?;
        let (alerts, next) = if incident.is_open() {
            let (members, next) = self.groups.page(id, limit, cursor.as_deref()).await?;
            (members.into_iter().map(api::Alert::from).collect(), next)
        } else {
            let told = incident.group.iter().flat_map(|group| &group.alerts);
            (told.map(api::Alert::from).collect(), None)
        };
        Ok(Reply::json(200, &api::AlertList { alerts, next }))
    }

    async fn list(&self, request: &Http) -> Result<Reply, Error> {
        let (mut status, mut limit, mut cursor) = (None, PAGE.0, None);
        for (name, value) in pairs(&request.query) {
            match name.as_str() {
                "status" => {
                    let known = [Status::Triggered, Status::Acknowledged, Status::Resolved];
                    let named = known.into_iter().find(|known| known.as_str() == value);
                    status = Some(named.ok_or_else(|| invalid("status is triggered, acknowledged or resolved"))?);
                }
                "limit" => {
                    let asked: u32 = value.parse().map_err(|_| invalid("limit is a number"))?;
                    limit = asked.clamp(1, PAGE.1);
                }
                "cursor" => cursor = Some(value),
                _ => {}
            }
        }
        let (incidents, next) = match status {
            Some(status) => {
                let page = self.incidents.list(status, limit, cursor.as_deref()).await?;
                (page.incidents, page.next)
            }
            None => self.everything(None, limit, cursor.as_deref()).await?,
        };
        let views = incidents.iter().filter_map(|incident| api::Incident::of(incident, Some(&self.base_url)));
        Ok(Reply::json(200, &api::IncidentList { incidents: views.collect(), next }))
    }

    /// Without a status: the open ones first, then the resolved ones, each the latest first, and a cursor that says where.
    async fn everything(
        &self,
        range: Option<&Range<Timestamp>>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<(Vec<domain::incident::Incident>, Option<String>), Error> {
        let order = [Status::Triggered, Status::Acknowledged, Status::Resolved];
        let (first, mut from) = match cursor.map(|cursor| cursor.split_once('!')) {
            Some(Some((word, rest))) => {
                let place = order.iter().position(|status| status.as_str() == word);
                (
                    place.ok_or_else(|| invalid("the cursor is not one of ours"))?,
                    Some(rest).filter(|rest| !rest.is_empty()),
                )
            }
            Some(None) => return Err(invalid("the cursor is not one of ours")),
            None => (0, None),
        };
        let mut incidents = Vec::new();
        for status in &order[first..] {
            let room = limit.saturating_sub(u32::try_from(incidents.len()).unwrap_or(u32::MAX));
            if room == 0 {
                return Ok((incidents, Some(format!("{}!", status.as_str()))));
            }
            let page = match range {
                Some(range) => self.incidents.opened(*status, range, room, from.take()).await?,
                None => self.incidents.list(*status, room, from.take()).await?,
            };
            incidents.extend(page.incidents);
            if let Some(next) = page.next {
                return Ok((incidents, Some(format!("{}!{next}", status.as_str()))));
            }
        }
        Ok((incidents, None))
    }

    /// What was decided about the incidents opened from `from` until `until`: the last 30 days unless it is said otherwise.
    async fn history(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let (mut from, mut until, mut limit, mut cursor) = (None, now, PAGE.1, None);
        for (name, value) in pairs(&request.query) {
            let time = || value.parse().map_err(|_| invalid("from and until are times, such as 2026-11-21T03:00:00Z"));
            match name.as_str() {
                "from" => from = Some(time()?),
                "until" => until = time()?,
                "limit" => {
                    let asked: u32 = value.parse().map_err(|_| invalid("limit is a number"))?;
                    limit = asked.clamp(1, PAGE.1);
                }
                "cursor" => cursor = Some(value),
                _ => {}
            }
        }
        let from = from.unwrap_or_else(|| until.checked_sub(HISTORY).unwrap_or(Timestamp::MIN));
        if from >= until {
            return Err(invalid("from is a time before until"));
        }
        loop {
            let (incidents, next) = self.everything(Some(&(from..until)), limit, cursor.as_deref()).await?;
            let incidents = incidents.iter().filter_map(Recorded::of).collect();
            let reply = Reply::json(200, &api::History { incidents, next });
            if reply.body.len() <= LARGEST || limit == 1 {
                return Ok(reply);
            }
            limit /= 2;
        }
    }

    async fn timeline(&self, id: &IncidentId) -> Result<Reply, Error> {
        let entries = self.incidents.entries(id).await?;
        let records: Result<Vec<Record<_>>, _> = entries.iter().map(Record::open).collect();
        let mut records = records.map_err(|_| Error::Misconfigured("a record cannot be read".to_owned()))?;
        if records.is_empty() {
            return Err(Error::NotFound(format!("incident {id}")));
        }
        self.unseal(&mut records).await?;
        let incident = self.incidents.get(id).await?;
        let policy = match &incident.decision {
            // Without its policy the story is the same, in shorter names.
            Some(decision) => self.policies.by_hash(&decision.policy).await.ok(),
            None => None,
        };
        let told = timeline(&records, policy.as_ref().map(|active| &active.policy));
        Ok(Reply::json(200, &api::Timeline::of(id, told)))
    }
}

impl Reader {
    /// Puts texts about people and customers in the place of their seals, where the key still exists.
    async fn unseal(&self, records: &mut [Record<Event>]) -> Result<(), Error> {
        let mut keys = HashMap::new();
        for record in records {
            for event in &mut record.events {
                let Event::NotedAbout { by, sealed } = event else { continue };
                if !keys.contains_key(&sealed.key) {
                    keys.insert(sealed.key.clone(), self.subjects.key(&sealed.key).await?);
                }
                let key = keys.get(&sealed.key).and_then(Option::as_ref);
                if let Some(text) = key.and_then(|key| sealed.open(key, &record.stream)) {
                    *event = Event::Noted { by: by.clone(), text };
                }
            }
        }
        Ok(())
    }
}

/// The incident that a path names; an id that cannot be one is an incident that does not exist.
pub(crate) fn id_of(text: &str) -> Result<IncidentId, Error> {
    IncidentId::parse(text).ok_or_else(|| Error::NotFound("the incident".to_owned()))
}

/// A request that is wrong in this way.
pub(crate) fn invalid(what: &str) -> Error {
    Error::InvalidEvent(what.to_owned())
}
