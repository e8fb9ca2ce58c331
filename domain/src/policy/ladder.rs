//! The severity ladder: what each level means to the team, unless a route says otherwise.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use super::{Handling, Ladder, Target};

/// After how long a SEV2 ticket is looked at again, unless its rung says otherwise.
const FOLLOW_UP: SignedDuration = SignedDuration::from_hours(4);

/// What each level means. A level that is not written down means what [`Rungs::at`] says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
pub struct Rungs {
    /// Customers are hurt now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev1: Option<Rung>,
    /// Customers will notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev2: Option<Rung>,
    /// Worth a look in working hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev3: Option<Rung>,
    /// Worth counting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev4: Option<Rung>,
}

/// What one level means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rung {
    /// What is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Handling>,
    /// After how long a ticket that nobody took on becomes a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<SignedDuration>,
    /// Where responders meet: a URL, shown first in every message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
    /// A place that is told with the first step, whoever that tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Target>,
}

impl Rungs {
    /// What `level` means: SEV1 is a page, SEV2 a ticket that is followed up, and the rest is recorded, where the rung
    /// does not say.
    pub fn at(&self, level: Ladder) -> Rung {
        let (rung, usual) = match level {
            Ladder::Sev1 => (&self.sev1, Handling::Page),
            Ladder::Sev2 => (&self.sev2, Handling::Ticket),
            Ladder::Sev3 => (&self.sev3, Handling::Record),
            Ladder::Sev4 => (&self.sev4, Handling::Record),
        };
        let mut rung = rung.clone().unwrap_or_default();
        let action = *rung.action.get_or_insert(usual);
        if level == Ladder::Sev2 && action == Handling::Ticket {
            rung.follow_up.get_or_insert(FOLLOW_UP);
        }
        rung
    }
}

mapping!(Rungs, ["SEV1", "SEV2", "SEV3", "SEV4"], fields => Rungs {
    sev1: fields.optional("SEV1"),
    sev2: fields.optional("SEV2"),
    sev3: fields.optional("SEV3"),
    sev4: fields.optional("SEV4"),
});

mapping!(Rung, ["action", "follow_up", "bridge", "channel"], fields => Rung {
    action: fields.optional("action"),
    follow_up: fields.optional("follow_up"),
    bridge: fields.optional("bridge"),
    channel: fields.optional("channel"),
});

impl Check<'_> {
    pub(super) fn ladder(&mut self) {
        let Some(rungs) = &self.policy.ladder else { return };
        for (level, rung) in
            [("SEV1", &rungs.sev1), ("SEV2", &rungs.sev2), ("SEV3", &rungs.sev3), ("SEV4", &rungs.sev4)]
        {
            let Some(rung) = rung else { continue };
            let path = format!("ladder.{level}");
            if let Some(follow_up) = rung.follow_up {
                let path = format!("{path}.follow_up");
                self.length(follow_up, SignedDuration::from_secs(1), &path, "a follow-up");
            }
            if let Some(bridge) = &rung.bridge {
                self.web_address(bridge, &format!("{path}.bridge"));
            }
            match &rung.channel {
                Some(target @ Target::Channel(_)) => self.target(target, &format!("{path}.channel")),
                Some(other) => {
                    let what = format!("`{other}` is no place");
                    self.error(format!("{path}.channel"), what, "write channel:NAME; steps tell people");
                }
                None => {}
            }
        }
    }
}
