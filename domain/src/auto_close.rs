//! Auto-close: some senders tell of a problem and never of its end. Where an integration says so, what they have not
//! spoken of for a while is taken for over.
//!
//! The end is a signal like any other, in the name of the integration: whoever waits for an end waits for this one too.

use jiff::Timestamp;

use crate::cause::Proof;
use crate::incident::Incident;
use crate::policy::Policy;
use crate::signal::{Action, Alert, Signal};

/// The end that is due of `incident`, at the instant since which it was; `None` while it may go on.
///
/// The same incident with the same last word has the same end, however often it is asked for.
pub fn due(incident: &Incident, policy: &Policy, now: Timestamp) -> Option<Signal> {
    let after = policy.integrations.get(&incident.integration)?.auto_close?;
    // A sender's clock may be far behind: what has just reached us is not over yet.
    let heard = incident.last_trigger_at.max(incident.opened_at)?;
    let at = heard.checked_add(after).ok().filter(|at| *at <= now)?;
    // A group is over when the last of its alerts is.
    (incident.is_open() && incident.group.is_none()).then(|| Signal {
        id: format!("auto-close/{}/{heard}", incident.id),
        integration: incident.integration.clone(),
        proof: Proof::Role,
        action: Action::Resolve,
        fingerprint: incident.id.fingerprint.clone(),
        key: incident.key.clone(),
        at,
        received_at: now,
        unique_since: at,
        alert: Alert { title: incident.alert.title.clone(), ..Alert::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Cause;
    use crate::dedup;
    use crate::incident::Status;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).expect("a time")
    }

    fn policy(auto_close: Option<&str>) -> Policy {
        let mut integration = serde_json::json!({ "kind": "cloudwatch" });
        if let Some(after) = auto_close {
            integration["auto_close"] = after.into();
        }
        let policy = serde_json::json!({ "version": 1, "catch_all": { "escalation": "e" }, "integrations": { "i": integration } });
        serde_json::from_value(policy).expect("a policy")
    }

    fn told(latest: Option<&Incident>, signal: &Signal) -> Incident {
        let merge =
            dedup::merge(&signal.fingerprint, latest, std::slice::from_ref(signal), |_| false, signal.received_at);
        let mut after = merge.incident;
        if !merge.events.is_empty() {
            let record = after.record(&Cause::own("test"), merge.events, signal.received_at);
            let hash = record.seal().hash;
            after.fold(&record, hash);
        }
        after
    }

    fn trigger(minute: i64) -> Signal {
        Signal {
            id: format!("s{minute}"),
            integration: "i".to_owned(),
            proof: Proof::Aws,
            action: Action::Trigger,
            fingerprint: crate::fingerprint::Fingerprint::of("i", "k"),
            key: "k".to_owned(),
            at: at(minute),
            received_at: at(minute),
            unique_since: at(minute),
            alert: Alert::default(),
        }
    }

    #[test]
    fn what_its_sender_has_not_spoken_of_for_as_long_as_the_policy_says_is_over() {
        let hour = policy(Some("PT1H"));
        let opened = told(None, &trigger(0));
        assert_eq!(due(&opened, &hour, at(59)), None);
        assert_eq!(due(&opened, &policy(None), at(10_000)), None, "nobody asked for it");
        let end = due(&opened, &hour, at(75)).expect("it is due");
        assert_eq!((end.action, end.at, end.received_at), (Action::Resolve, at(60), at(75)));
        let again = due(&opened, &hour, at(76)).expect("it is still due");
        assert_eq!((&end.id, end.at), (&again.id, again.at));
        let over = told(Some(&opened), &end);
        assert_eq!(over.status, Status::Resolved);
        assert_eq!(told(Some(&over), &again), over, "a second end changes nothing");
        assert_eq!(due(&over, &hour, at(10_000)), None);
    }

    #[test]
    fn each_word_of_the_sender_puts_the_end_off_and_one_that_comes_after_it_is_a_new_incident() {
        let hour = policy(Some("PT1H"));
        let opened = told(None, &trigger(0));
        let repeated = told(Some(&opened), &trigger(50));
        assert_eq!(due(&repeated, &hour, at(109)), None);
        let late = due(&opened, &hour, at(60)).expect("it was due before the second word was heard");
        let end = due(&repeated, &hour, at(110)).expect("it is due");
        assert_ne!(late.id, end.id);
        let over = told(Some(&repeated), &end);
        assert_eq!(told(Some(&over), &trigger(120)).id.generation, 2);
    }

    #[test]
    fn a_sender_whose_clock_is_far_behind_is_heard_all_the_same() {
        let hour = policy(Some("PT1H"));
        let slow = Signal { at: at(-600), ..trigger(0) };
        let opened = told(None, &slow);
        assert_eq!(due(&opened, &hour, at(59)), None);
        assert!(due(&opened, &hour, at(60)).is_some());
        let endless = policy(Some("PT2000000000H"));
        assert_eq!(due(&opened, &endless, Timestamp::MAX), None, "an end beyond all time");
    }
}
