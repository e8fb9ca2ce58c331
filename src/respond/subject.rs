//! What people write about a person or a customer, and the end of all of it.

use domain::incident::{Actor, Command, IncidentId};
use domain::sealed::{RANDOM, Sealed, Subject};
use http::Method;
use jiff::Timestamp;

use super::{Responder, ask, cause};
use crate::api::{Erase, Erased, Situation};
use crate::error::Error;
use crate::lambda::{Http, read_object};
use crate::query;
use crate::reply::Reply;

/// The longest reason, in characters.
const REASON: usize = 1024;

impl Responder {
    /// The command that writes `text` about somebody into the log of `id`, so that it can be erased.
    pub(super) async fn sealed(
        &self,
        id: &IncidentId,
        by: Actor,
        text: &str,
        about: &Subject,
    ) -> Result<Command, Error> {
        // What is in no log needs no key.
        self.incidents.get(id).await?;
        let key = self.subjects.key_of(about).await?;
        let mut nonce = [0; RANDOM.1];
        getrandom::fill(&mut nonce).map_err(|_| Error::Misconfigured("there is no randomness".to_owned()))?;
        Ok(Command::NoteAbout { by, sealed: Sealed::new(&key, nonce, &id.stream(), text) })
    }

    /// Erases all that was written about somebody.
    pub(super) async fn erase(
        &self,
        request: &Http,
        subject: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Reply, Error> {
        if request.method != Method::DELETE {
            return Ok(Reply::problem(Situation::MethodNotAllowed, "use DELETE").with("allow", "DELETE"));
        }
        let Erase { by, reason } = read_object(&request.body)?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::InvalidEvent("say why, as `reason`; without the name of whom it is about".to_owned()));
        }
        let by = ask::actor(by.as_deref(), token)?;
        let subject = query::segments(subject).first().and_then(|subject| Subject::parse(subject));
        let subject = subject.ok_or_else(|| Error::NotFound("the subject".to_owned()))?;
        let (reason, cause) = (domain::text::cut(reason, REASON), cause(request, token, "erase"));
        let key = self.subjects.erase(&subject, &by, &reason, &cause, now).await?;
        Ok(Reply::json(200, &Erased { key }))
    }
}
