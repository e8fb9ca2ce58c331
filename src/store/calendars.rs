//! Calendars: which secret addresses show whose shifts. The secrets themselves are kept nowhere.

use domain::cause::Cause;
use domain::incident::Actor;
use domain::log::Hash;
use domain::schedule::calendar::Subject;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::ledger::Ledger;
use crate::aws::Aws;
use crate::error::Error;

/// A calendar that can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Whose shifts it shows.
    pub of: Subject,
    /// The SHA-256 of its secret.
    pub secret: Hash,
    /// Who made it.
    pub by: Actor,
    /// When its secret was made.
    pub at: Timestamp,
}

/// What is written about calendars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CalendarEvent {
    /// A calendar has a secret, and any secret it had before is none.
    Made {
        /// Whose shifts it shows.
        of: Subject,
        /// The SHA-256 of the secret.
        secret: Hash,
        /// Who made it.
        by: Actor,
        /// The SHA-256 of the secret it had before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Hash>,
    },
    /// A calendar is no more.
    Removed {
        /// Whose shifts it showed.
        of: Subject,
        /// Who removed it.
        by: Actor,
        /// The SHA-256 of the secret it had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Hash>,
    },
}

/// The calendars, and the log of who made them.
#[derive(Debug, Clone)]
pub struct CalendarLog(Ledger<Vec<Calendar>, CalendarEvent>);

impl CalendarLog {
    /// The calendars in the tables `records` and `state`.
    pub fn new(aws: &Aws, records: String, state: String) -> Self {
        Self(Ledger::new(aws, records, state, "calendars", apply))
    }

    /// All of them.
    pub async fn read(&self) -> Result<Vec<Calendar>, Error> {
        Ok(self.0.read().await?.value)
    }

    /// Whose shifts the calendar with this secret shows. Every secret is compared, in a time that tells nothing.
    pub async fn find(&self, secret: &str) -> Result<Option<Subject>, Error> {
        let presented = Hash::of(secret.as_bytes());
        let mut found = None;
        for calendar in self.read().await? {
            if bool::from(calendar.secret.as_str().as_bytes().ct_eq(presented.as_str().as_bytes())) {
                found = Some(calendar.of);
            }
        }
        Ok(found)
    }

    /// Gives the calendar of `of` this secret.
    pub async fn make(
        &self,
        of: &Subject,
        secret: &str,
        by: Actor,
        cause: &Cause,
        now: Timestamp,
    ) -> Result<(), Error> {
        let secret = Hash::of(secret.as_bytes());
        let decide = |calendars: &Vec<Calendar>| {
            let (of, secret, by) = (of.clone(), secret.clone(), by.clone());
            Ok(vec![CalendarEvent::Made { before: secret_of(calendars, &of), of, secret, by }])
        };
        self.0.append(cause, now, decide).await?;
        Ok(())
    }

    /// Removes the calendar of `of`.
    pub async fn remove(&self, of: &Subject, by: Actor, cause: &Cause, now: Timestamp) -> Result<(), Error> {
        let decide = |calendars: &Vec<Calendar>| {
            let before = secret_of(calendars, of);
            let known = before.is_some();
            let removed = CalendarEvent::Removed { of: of.clone(), by: by.clone(), before };
            if known { Ok(vec![removed]) } else { Err(Error::NotFound("the calendar".to_owned())) }
        };
        self.0.append(cause, now, decide).await?;
        Ok(())
    }
}

/// The SHA-256 of the secret that the calendar of `of` has.
fn secret_of(calendars: &[Calendar], of: &Subject) -> Option<Hash> {
    calendars.iter().find(|calendar| calendar.of == *of).map(|calendar| calendar.secret.clone())
}

fn apply(calendars: &mut Vec<Calendar>, event: &CalendarEvent, at: Timestamp) {
    let (CalendarEvent::Made { of, .. } | CalendarEvent::Removed { of, .. }) = event;
    calendars.retain(|calendar| calendar.of != *of);
    if let CalendarEvent::Made { of, secret, by, .. } = event.clone() {
        calendars.push(Calendar { of, secret, by, at });
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_record_about_calendars_is_written_back_as_the_same_bytes() {
        super::super::record::kept::<super::CalendarEvent>("calendars");
    }
}
