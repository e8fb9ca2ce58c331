//! Inhibition: an alert that keeps others quiet while it is open, and lets go of them at its end.
//!
//! The rules are `domain::policy::Inhibition`. An alert that is kept quiet is written down before it is asked whether
//! the other is still open, and the other looks for it after its end: whichever comes second sees the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::group::Member;
use domain::incident::{Event, Incident, IncidentId};
use domain::policy::Policy;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Error;
use crate::store::{Incidents, Inhibitions, Machine, Source, look_again};

/// How many rows are looked at side by side.
const ABREAST: usize = 16;

type Labels = BTreeMap<String, String>;

/// What keeps alerts quiet, and lets go of them.
#[derive(Debug, Clone)]
pub struct Inhibitor {
    /// The incidents.
    pub incidents: Incidents,
    /// Which alerts may keep which others quiet.
    pub inhibitions: Inhibitions,
    /// The state machine of incidents: one more execution looks at an alert that is let go.
    pub machine: Machine,
}

impl Inhibitor {
    /// Makes an alert known to those that it keeps quiet by `policy`.
    pub async fn announce(&self, alert: &Incident, policy: &Policy) -> Result<(), Error> {
        let labels = &alert.alert.labels;
        for rule in policy.inhibitions.iter().filter(|rule| rule.source.match_labels(labels)) {
            self.inhibitions.put_source(&rule.place(labels), alert).await?;
        }
        Ok(())
    }

    /// What keeps an alert quiet now, written down so that its end lets go of the alert; `None` when nothing does.
    pub async fn hold(&self, alert: &Incident, policy: &Policy) -> Result<Option<Event>, Error> {
        let labels = &alert.alert.labels;
        for rule in policy.inhibitions.iter().filter(|rule| rule.target.match_labels(labels)) {
            for source in self.firing(&rule.place(labels)).await? {
                if !rule.inhibits(&source.labels, labels) {
                    continue;
                }
                self.inhibitions.put_target(&source.incident, &alert.id).await?;
                if self.incidents.get(&source.incident).await?.is_open() {
                    return Ok(Some(Event::Inhibited { rule: rule.name.clone(), by: source.incident }));
                }
            }
        }
        Ok(None)
    }

    /// Which of the alerts of a group are kept quiet now: one read for each rule and set of equal labels.
    pub async fn muted(&self, members: &[Member], policy: &Policy) -> Result<BTreeSet<IncidentId>, Error> {
        let mut muted = BTreeSet::new();
        for rule in &policy.inhibitions {
            let mut targets: HashMap<String, Vec<&Member>> = HashMap::new();
            for member in members.iter().filter(|member| rule.target.match_labels(&member.labels)) {
                targets.entry(rule.place(&member.labels)).or_default().push(member);
            }
            let look = stream::iter(targets).map(async |(place, targets): (String, Vec<&Member>)| {
                let sources = self.firing(&place).await?;
                let quiet = |labels: &Labels| sources.iter().any(|source| rule.inhibits(&source.labels, labels));
                let quiet = targets.into_iter().filter(|member| quiet(&member.labels));
                Ok::<Vec<IncidentId>, Error>(quiet.map(|member| member.incident.clone()).collect())
            });
            let found: Vec<Vec<IncidentId>> = look.buffer_unordered(ABREAST).try_collect().await?;
            muted.extend(found.into_iter().flatten());
        }
        Ok(muted)
    }

    /// Lets go of the alerts that `source` kept quiet, now that it is over. Again is the same as once.
    pub async fn release(&self, source: &IncidentId) -> Result<(), Error> {
        loop {
            let targets = self.inhibitions.targets(source).await?;
            if targets.is_empty() {
                return Ok(());
            }
            let release = stream::iter(&targets).map(async |target: &IncidentId| {
                let alert = self.incidents.get(target).await?;
                if alert.is_open() {
                    let (name, input) = look_again(&alert, &format!("released/{source}"));
                    self.machine.start(&name, &input).await?;
                }
                self.inhibitions.forget_target(source, target).await
            });
            release.buffer_unordered(ABREAST).try_collect::<()>().await?;
        }
    }

    /// The alerts at `place` that are open; the others are forgotten there.
    async fn firing(&self, place: &str) -> Result<Vec<Source>, Error> {
        let mut firing = Vec::new();
        for source in self.inhibitions.sources(place).await? {
            match self.incidents.get(&source.incident).await {
                Ok(incident) if incident.is_open() => firing.push(source),
                Ok(_) | Err(Error::NotFound(_)) => self.inhibitions.forget_source(place, &source).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(firing)
    }
}
