//! One answer to many incidents: each gets its own result, and none keeps another from its own (faults.md, I14).

use domain::cause::Cause;
use domain::incident::{Command, Incident};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Responder, ask, cause};
use crate::api::{self, Answered, AnsweredList};
use crate::error::Error;
use crate::lambda::{Http, problem, read_object};
use crate::read::id_of;
use crate::reply::Reply;
use crate::store::look_again;

/// The most incidents in one request.
const MOST: usize = 500;
/// How many are answered side by side.
const ABREAST: usize = 50;

impl Responder {
    /// Answers each incident that the body names.
    pub(super) async fn several(
        &self,
        request: &Http,
        action: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        let api::Several { by, ids } = read_object(&request.body)?;
        if ids.is_empty() || ids.len() > MOST {
            return Err(Error::InvalidEvent(format!("`ids` names 1 to {MOST} incidents")));
        }
        let by = ask::actor(by.as_deref(), token)?;
        let command = if action == "resolve" { Command::Resolve { by } } else { Command::Acknowledge { by } };
        let cause = cause(request, token, action);
        let mut results = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ABREAST) {
            results.extend(join_all(ids.iter().map(async |id| self.one(id, &command, &cause, now).await)).await);
        }
        Ok(Reply::json(200, &AnsweredList { results }))
    }

    async fn one(&self, id: &str, command: &Command, cause: &Cause, now: Timestamp) -> Answered {
        let done = self.quietly(id, command, cause, now).await;
        let view = |incident: &Incident| api::Incident::of(incident, Some(&self.base_url));
        match done {
            Ok(incident) => Answered { id: id.to_owned(), incident: view(&incident), problem: None },
            Err(error) => Answered { id: id.to_owned(), incident: None, problem: Some(problem(&error)) },
        }
    }

    /// Writes an answer down, and leaves it to a look to bring the messages up to date: hundreds of them take a while.
    async fn quietly(&self, id: &str, command: &Command, cause: &Cause, now: Timestamp) -> Result<Incident, Error> {
        let decide = |incident: &Incident| incident.decide(command.clone(), now);
        let incident = self.incidents.append(&id_of(id)?, cause, now, decide).await?;
        let outdated = incident.paging.outdated(incident.status).next().is_some();
        if outdated || command.needs_a_look(&incident) {
            let (name, input) = look_again(&incident, &cause.request);
            self.machine.start(&name, &input).await?;
        }
        Ok(incident)
    }
}
