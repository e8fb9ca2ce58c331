//! The API of the evidence: what there is, what proves it, and exports of it (design.md, section 6).
//!
//! It has no right to change evidence: exports are written by their machine, and checkpoints by their function.

use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::api::Situation;
use crate::error::Error;
use crate::lambda::Http;
use crate::query::segments;
use crate::reply::Reply;
use crate::store::{Called, Evidence, Machine, Records};

mod export;
mod read;

/// What answers auditors.
pub struct Auditor {
    /// Who may ask.
    pub access: Access,
    /// The locked bucket.
    pub evidence: Evidence,
    /// The table of records.
    pub records: Records,
    /// The machine that exports.
    pub machine: Machine,
    /// The function that makes checkpoints.
    pub checkpoint: Called,
    /// The name of this log.
    pub origin: String,
}

impl Auditor {
    /// Answers a request of a token's holder.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let answer = async |token: String| {
            let reply = self.show(request, now).await?;
            if request.method == Method::POST && reply.status < 300 {
                // No record of the log says otherwise who exported.
                self.access.given(request, &token, now).await?;
            }
            Ok(reply)
        };
        self.access.answer(request, now, answer).await
    }

    async fn show(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let path = segments(&request.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(("v1", ["audit", rest @ ..])) = path.split_first().map(|(first, rest)| (*first, rest)) else {
            return Ok(nothing());
        };
        let allowed = match rest {
            ["exports"] => "POST",
            ["checkpoints"] => "GET, POST",
            ["keys" | "proof"]
            | ["checkpoints" | "exports", _]
            | ["streams", _, "records"]
            | ["exports", _, "parts", _, ..] => "GET",
            _ => return Ok(nothing()),
        };
        if !allowed.split(", ").any(|method| request.method == method) {
            let detail = format!("use {}", allowed.replace(", ", " or "));
            return Ok(Reply::problem(Situation::MethodNotAllowed, &detail).with("allow", allowed));
        }
        match rest {
            ["exports"] => self.ask(request, now).await,
            ["exports", id] => self.export(id).await,
            ["exports", id, "parts", path @ ..] => self.file(id, &path.join("/")).await,
            ["checkpoints"] if request.method == Method::POST => self.make().await,
            ["checkpoints"] => self.checkpoints(request).await,
            ["checkpoints", number] => self.kept(number).await,
            ["keys"] => self.keys().await,
            ["streams", stream, "records"] => self.stream(stream, request).await,
            _ => self.proof(request).await,
        }
    }
}

fn nothing() -> Reply {
    Reply::problem(Situation::NotFound, "there is nothing at this address; see /v1/openapi.json")
}
