//! Applying a policy: kept under its own hash, then made to rule together with the record that says who did it.
//!
//! Whoever applies a policy must have written only what is known. Whoever is ruled by one passes over the rest: a deploy
//! that is taken back leaves the policy that was applied meanwhile, and nobody must go unpaged for that.

use domain::cause::Principal;
use domain::incident::Actor;
use domain::log::Hash;
use domain::policy::{self, Level, Mistake, Policy};
use http::Method;
use jiff::Timestamp;

use crate::access::Access;
use crate::api::{ActivePolicy, AppliedPolicy, Problem, Situation};
use crate::error::Error;
use crate::lambda::{Http, read_known};
use crate::reply::Reply;
use crate::store::{Policies, PolicyLog};

/// How often the active policy is published again when somebody else applies another meanwhile.
const PUBLISHED: u32 = 5;

/// What shows and applies policies.
pub struct Applier {
    /// Who may.
    pub access: Access,
    /// The policies themselves.
    pub policies: Policies,
    /// Which one rules, and since when.
    pub log: PolicyLog,
}

impl Applier {
    /// Answers a request for the holder of a token.
    pub async fn answer(&self, request: &Http, now: Timestamp) -> Result<Reply, Error> {
        let answer = async |token: String| match request.method {
            Method::GET => self.show().await,
            Method::PUT => self.apply(request, &token, now).await,
            _ => Ok(Reply::problem(Situation::MethodNotAllowed, "use GET or PUT").with("allow", "GET, PUT")),
        };
        self.access.answer(request, now, answer).await
    }

    async fn show(&self) -> Result<Reply, Error> {
        let Some(hash) = self.log.active().await? else {
            return Ok(Reply::problem(Situation::NotFound, "no policy was applied yet"));
        };
        let active = self.policies.by_hash(&hash).await?;
        Ok(Reply::json(200, &ActivePolicy { hash, policy: active.policy.clone() }))
    }

    /// Applies once: the policy that rules already is only published again, for an earlier request that ended halfway.
    async fn apply(&self, request: &Http, token: &str, now: Timestamp) -> Result<Reply, Error> {
        let policy: Policy = read_known(&request.body)?;
        let mistakes: Vec<String> = policy::check(&policy)
            .into_iter()
            .filter(|mistake| mistake.level == Level::Error)
            .map(|Mistake { path, what, fix, .. }| format!("{path}: {what}; {fix}"))
            .collect();
        if !mistakes.is_empty() {
            let problem = Problem { mistakes, ..Problem::new(Situation::InvalidPolicy, "nothing was changed") };
            return Ok(Reply { content_type: crate::api::MEDIA_TYPE, ..Reply::json(problem.status, &problem) });
        }
        let hash = self.policies.put(&policy).await?;
        let cause = Principal::token(token).cause(format!("api/{token}/{}", request.id));
        let previous = self.log.apply(&hash, Actor::token(token), &cause, now).await?;
        self.publish(&hash).await?;
        let changed = previous.as_ref() != Some(&hash);
        Ok(Reply::json(200, &AppliedPolicy { hash, previous, changed }))
    }

    /// Publishes what the log says rules, until both say the same: of two who apply at once, the later record wins.
    async fn publish(&self, applied: &Hash) -> Result<(), Error> {
        let mut published = applied.clone();
        for _ in 0..PUBLISHED {
            self.policies.publish(&published).await?;
            match self.log.active().await? {
                Some(active) if active != published => published = active,
                _ => return Ok(()),
            }
        }
        Err(Error::Conflict)
    }
}
