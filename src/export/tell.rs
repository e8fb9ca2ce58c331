//! The end of all: whoever answers for compliance hears of what was found.

use domain::text::visible;
use jiff::Timestamp;

use super::finish::FINISHED;
use super::{Exporter, Finished, working};
use crate::error::Error;
use crate::store::Written;

impl Exporter {
    /// Tells the owners of compliance what the export `id` found, once; whether anybody was reached. It is written down
    /// before it is sent, as with everything that wakes nobody.
    pub async fn tell(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let finished = self.noted::<Finished>(id, FINISHED).await?;
        let finished = finished.ok_or_else(|| Error::NotFound(format!("export {id}")))?;
        let active = self.reminder.policies.active(now).await?;
        let owners = active.policy.compliance.as_ref().map_or(0, |compliance| compliance.owners.len());
        if finished.findings == 0 || owners == 0 {
            return Ok(false);
        }
        let told = self.evidence.put_new(&working(id, "told"), &bytes::Bytes::from_static(b"told\n")).await?;
        if told == Written::Taken {
            return Ok(false);
        }
        let plan = self.plan_of(id).await?;
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        let text = format!(
            "The evidence of {} from {} until {} has {}. To read them: watchkeeper audit export --from {} --to {} --output DIR",
            visible(&self.origin),
            day(plan.selection.from),
            day(plan.selection.until),
            counted(finished.findings, finished.grave),
            plan.selection.from,
            plan.selection.until,
        );
        let covers = self.reminder.covers.known().await;
        let reached = self.reminder.tell_of_findings(id, &text, &active.policy, &covers, now).await;
        if !reached {
            metrics::counter!("reminders_lost").increment(1);
            tracing::warn!(export.id = id, "nobody could be told of the findings of an export");
        }
        Ok(reached)
    }
}

fn counted(findings: u64, grave: u64) -> String {
    let all = if findings == 1 { "1 finding".to_owned() } else { format!("{findings} findings") };
    if grave == 0 { all } else { format!("{all}, {grave} of them grave") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_grave_is_told_apart() {
        assert_eq!([counted(1, 0), counted(3, 2)], ["1 finding", "3 findings, 2 of them grave"]);
    }
}
