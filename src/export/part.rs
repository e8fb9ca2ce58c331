//! A part: the records of some streams, and what they come to.

use domain::evidence::agree::Stretched;
use domain::evidence::bundle;
use domain::policy::Policy;
use domain::report::{Gathered, Period, Reader};
use futures_util::stream::{self, StreamExt};

use super::fetch::Fetched;
use super::{Done, Exporter, Packed, done, task};
use crate::error::Error;

/// How many streams are read side by side.
const SIDE_BY_SIDE: usize = 16;
/// What selects data of services that have no class.
const UNCLASSIFIED: &str = "unclassified";

/// A part on its way.
#[derive(Default)]
struct Writing {
    records: Packed,
    gathered: Gathered,
    done: Done,
}

impl Exporter {
    /// Writes part `number` of the export `id`, once.
    pub async fn part(&self, id: &str, number: u64) -> Result<(), Error> {
        if self.noted::<Done>(id, &done(number)).await?.is_some() {
            return Ok(());
        }
        let plan = self.plan_of(id).await?;
        let streams: Option<Vec<Stretched>> = self.noted(id, &task(number)).await?;
        let streams = streams.ok_or_else(|| Error::NotFound(format!("part {number} of export {id}")))?;
        let active = match &plan.policy {
            Some(hash) => Some(self.reminder.policies.by_hash(hash).await?),
            None => None,
        };
        let selected = active.as_ref().map(|active| (plan.selection.classes.as_slice(), &active.policy));
        let period = plan.selection.from..plan.selection.until;
        let mut writing = Writing::default();
        let fetch = async |stretched| (stretched, self.fetch(stretched, period.start).await);
        let mut fetched = stream::iter(&streams).map(fetch).buffered(SIDE_BY_SIDE);
        while let Some((stretched, fetched)) = fetched.next().await {
            writing.take(stretched, fetched?, &period, selected);
        }
        let Writing { records, gathered, done: mut came } = writing;
        if records.lines > 0 {
            came.records = records.lines;
            came.files.push(self.keep(id, &bundle::records(number), records.finish()).await?);
        }
        if !gathered.events.is_empty() {
            let mut packed = Packed::default();
            gathered.events.lines().for_each(|line| packed.line(line));
            came.files.push(self.keep(id, &bundle::ocsf(number), packed.finish()).await?);
        }
        (came.rows, came.facts) = (gathered.rows, gathered.facts);
        self.note_down(id, &done(number), &came).await
    }
}

impl Writing {
    fn take(
        &mut self,
        stretched: &Stretched,
        fetched: Fetched,
        period: &Period,
        selected: Option<(&[String], &Policy)>,
    ) {
        if let Some(finding) = fetched.finding {
            self.gathered.find(finding);
        }
        let Some(bodies) = fetched.bodies else {
            self.done.withheld.push(stretched.stream.clone());
            return;
        };
        let mut reader = Reader::new(&stretched.stream, period);
        let mut gathered = Gathered::default();
        for (seq, body) in (0..).zip(&fetched.before) {
            reader.push(seq, body, &mut gathered);
        }
        for (seq, body) in (stretched.from..).zip(&bodies) {
            reader.push(seq, body, &mut gathered);
        }
        if let (Some((classes, policy)), Some(service)) = (selected, reader.service()) {
            let known = policy.services.get(service).and_then(|service| service.data_class.as_deref());
            let class = known.unwrap_or(UNCLASSIFIED);
            if !classes.iter().any(|selected| selected == class) {
                self.done.withheld.push(stretched.stream.clone());
                return;
            }
        }
        reader.finish(&mut gathered);
        self.gathered.merge(gathered);
        for body in &bodies {
            self.records.line(body);
        }
        self.done.streams += 1;
    }
}
