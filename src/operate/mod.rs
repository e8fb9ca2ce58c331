//! Operating: whether what must hold does, and what to do about what failed.
//!
//! Nothing here changes an incident. What is repaired is repaired by those who would have done it: the sweep, the queue,
//! ingest, an execution.

use domain::letter::Path;
use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::api::Situation;
use crate::error::Error;
use crate::lambda::Http;
use crate::query::segments;
use crate::reply::Reply;
use crate::store::{
    Called, CoverLog, Coverage, Evidence, EvidenceLog, Incidents, Letters, Machine, Policies, Queue, Records,
    SilenceLog,
};

mod check;
mod letters;

/// What answers operators.
pub struct Operator {
    /// Who may ask.
    pub access: Access,
    /// The queues of dead letters.
    pub letters: Vec<Letters>,
    /// Where signals go again.
    pub signals: Queue,
    /// Where events go again.
    pub ingest: Called,
    /// The incidents.
    pub incidents: Incidents,
    /// Every other stream of the log.
    pub records: Records,
    /// How far streams are covered by checkpoints.
    pub coverage: Coverage,
    /// The checkpoints themselves, for what the tables lost.
    pub evidence: Evidence,
    /// How far the evidence has come, and what was found wrong with it.
    pub evidence_log: EvidenceLog,
    /// The policies.
    pub policies: Policies,
    /// The overrides and absences.
    pub covers: CoverLog,
    /// The silences.
    pub silences: SilenceLog,
    /// The sweep, which repairs.
    pub sweep: Called,
    /// The state machine of incidents.
    pub machine: Machine,
    /// The state machine of exports.
    pub exports: Machine,
}

impl Operator {
    /// Answers a request of a token's holder.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let answer = async |token: String| {
            let reply = self.show(request, now).await?;
            if request.method == Method::POST && reply.status < 300 {
                // No record of the log says otherwise who had it done again.
                self.access.given(request, &token, now).await?;
            }
            Ok(reply)
        };
        self.access.answer(request, now, answer).await
    }

    async fn show(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path = segments(&request.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let allowed = match path.as_slice() {
            ["v1", "dead-letters" | "fsck"] | ["v1", "dead-letters", _] => "GET",
            ["v1", "dead-letters", _, "redrive"] | ["v1", "fsck", "repair"] => "POST",
            _ => return Ok(nothing()),
        };
        if request.method != allowed {
            let detail = format!("use {allowed}");
            return Ok(Reply::problem(Situation::MethodNotAllowed, &detail).with("allow", allowed));
        }
        match path.as_slice() {
            ["v1", "fsck"] => Box::pin(self.check(request, now)).await,
            ["v1", "fsck", _] => self.repair().await,
            ["v1", "dead-letters"] => self.queues().await,
            ["v1", "dead-letters", name] => self.list(self.queue(name)?).await,
            ["v1", "dead-letters", name, _] => self.redrive(self.queue(name)?, request, now).await,
            _ => Ok(nothing()),
        }
    }

    fn queue(&self, name: &str) -> Result<&Letters, Error> {
        let found = Path::named(name).and_then(|path| self.letters.iter().find(|letters| letters.path() == path));
        let names = Path::ALL.map(Path::as_str).join(", ");
        found.ok_or_else(|| Error::NotFound(format!("the queue of dead letters; there are {names}: this one")))
    }
}

fn nothing() -> Reply {
    Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")
}
