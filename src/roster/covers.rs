//! Overrides, swaps and absences: set, shown and removed.

use domain::schedule::{Absence, CoverEvent, Override};

use super::{Asked, REASON, Roster, id_of, named, unfit};
use crate::api;
use crate::error::Error;
use crate::lambda::read_object;
use crate::reply::Reply;

impl Roster {
    pub(super) async fn overrides(&self) -> Result<Reply, Error> {
        let covers = self.covers.read().await?;
        Ok(Reply::json(200, &api::OverrideList { overrides: covers.overrides.iter().map(Into::into).collect() }))
    }

    pub(super) async fn set_override(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let said: api::NewOverride = read_object(&asked.request.body)?;
        let cause = asked.cause("override");
        let set = Override {
            id: id_of(&cause),
            schedule: said.schedule,
            person: said.person,
            instead_of: said.instead_of,
            from: said.from,
            until: said.until,
            by: asked.by(said.by.as_deref())?,
            reason: domain::text::cut(said.reason.trim(), REASON),
        };
        let active = self.policies.active(asked.now).await?;
        let decide = |_: &_| {
            set.check(&active.policy, asked.now).map_err(|why| unfit(&why))?;
            Ok(CoverEvent::OverrideSet { set: set.clone() })
        };
        let covers = self.covers.change(&cause, asked.now, decide).await?;
        let set =
            named(&covers, |covers| covers.overrides.iter().find(|known| known.id == set.id).map(api::Override::from))?;
        Ok(Reply::json(201, &set))
    }

    /// Sets both halves at once: each takes the other's turns.
    pub(super) async fn swap(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let said: api::NewSwap = read_object(&asked.request.body)?;
        let cause = asked.cause("swap");
        let (id, by) = (id_of(&cause), asked.by(said.by.as_deref())?);
        let half = |given: &api::Given, taker: &api::Given| Override {
            id: id.clone(),
            schedule: said.schedule.clone(),
            person: taker.person.clone(),
            instead_of: Some(given.person.clone()),
            from: given.from,
            until: given.until,
            by: by.clone(),
            reason: domain::text::cut(said.reason.trim(), REASON),
        };
        let swap = [half(&said.one, &said.other), half(&said.other, &said.one)];
        let active = self.policies.active(asked.now).await?;
        let decide = |_: &_| {
            for half in &swap {
                half.check(&active.policy, asked.now).map_err(|why| unfit(&why))?;
            }
            Ok(CoverEvent::Swapped { swap: swap.clone() })
        };
        let covers = self.covers.change(&cause, asked.now, decide).await?;
        let halves: Vec<api::Override> =
            covers.overrides.iter().filter(|known| known.id == id).map(Into::into).collect();
        let overrides = named(&covers, |_| Some(halves).filter(|halves| !halves.is_empty()))?;
        Ok(Reply::json(201, &api::OverrideList { overrides }))
    }

    pub(super) async fn remove_override(&self, asked: &Asked<'_>, id: &str) -> Result<Reply, Error> {
        let by = asked.by(None)?;
        let decide = |covers: &domain::schedule::Covers| {
            let before: Vec<_> = covers.overrides.iter().filter(|known| known.id == id).cloned().collect();
            let before = named(covers, |_| Some(before).filter(|before| !before.is_empty()))?;
            Ok(CoverEvent::OverrideRemoved { id: id.to_owned(), by: by.clone(), before })
        };
        self.covers.change(&asked.cause(&format!("remove/{id}")), asked.now, decide).await?;
        Ok(Reply::json(200, &api::Removed { id: id.to_owned() }))
    }

    pub(super) async fn absences(&self) -> Result<Reply, Error> {
        let covers = self.covers.read().await?;
        Ok(Reply::json(200, &api::AbsenceList { absences: covers.absences.iter().map(Into::into).collect() }))
    }

    pub(super) async fn set_absence(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let said: api::NewAbsence = read_object(&asked.request.body)?;
        let cause = asked.cause("absence");
        let set = Absence {
            id: id_of(&cause),
            person: said.person,
            from: said.from,
            until: said.until,
            by: asked.by(said.by.as_deref())?,
            reason: domain::text::cut(said.reason.trim(), REASON),
        };
        let active = self.policies.active(asked.now).await?;
        let decide = |_: &_| {
            set.check(&active.policy, asked.now).map_err(|why| unfit(&why))?;
            Ok(CoverEvent::AbsenceSet { set: set.clone() })
        };
        let covers = self.covers.change(&cause, asked.now, decide).await?;
        let set =
            named(&covers, |covers| covers.absences.iter().find(|known| known.id == set.id).map(api::Absence::from))?;
        Ok(Reply::json(201, &set))
    }

    pub(super) async fn remove_absence(&self, asked: &Asked<'_>, id: &str) -> Result<Reply, Error> {
        let by = asked.by(None)?;
        let decide = |covers: &domain::schedule::Covers| {
            let before = named(covers, |covers| covers.absences.iter().find(|known| known.id == id).cloned())?;
            Ok(CoverEvent::AbsenceRemoved { id: id.to_owned(), by: by.clone(), before: Some(before) })
        };
        self.covers.change(&asked.cause(&format!("remove/{id}")), asked.now, decide).await?;
        Ok(Reply::json(200, &api::Removed { id: id.to_owned() }))
    }
}
