//! Whoever answers for compliance hears of what an export found, once.

use domain::policy::Policy;
use domain::schedule::Covers;
use jiff::Timestamp;

use super::{Reminder, Reminding};

impl Reminder {
    /// Tells the owners of compliance that the export `id` has findings; whether anybody was reached.
    pub async fn tell_of_findings(
        &self,
        id: &str,
        text: &str,
        policy: &Policy,
        covers: &Covers,
        now: Timestamp,
    ) -> bool {
        let id = format!("export-{id}");
        let what = Reminding { id: &id, subject: "An export has findings", text };
        let mut reached = false;
        for owner in policy.compliance.iter().flat_map(|compliance| &compliance.owners) {
            reached |= self.tell(&what, owner, policy, covers, now).await;
        }
        reached
    }
}
