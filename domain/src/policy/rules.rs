//! Personal notification rules: by which contacts somebody wants to be told of what, and when they want to sleep.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Fields, Read, Reader, mapping};
use super::validate::Check;
use super::{Day, Ladder, Person};

/// The contacts that somebody wants to be told by, for each level of the severity ladder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
pub struct Rules {
    /// For SEV1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev1: Option<Vec<Rule>>,
    /// For SEV2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev2: Option<Vec<Rule>>,
    /// For SEV3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev3: Option<Vec<Rule>>,
    /// For SEV4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sev4: Option<Vec<Rule>>,
}

/// One channel that somebody is told by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The channel: the person's contacts by it, in their order.
    pub by: String,
    /// How long after the step began; without it, when those before it failed. The first rule counts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SignedDuration>,
}

/// When somebody wants to sleep: messages wait until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// When it begins.
    pub from: Time,
    /// When it ends: on the same day if that is later, else on the next.
    pub until: Time,
    /// The IANA time zone of both.
    pub time_zone: String,
    /// The days on which it begins; every day when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The levels that wake them even so.
    pub except: Vec<Ladder>,
}

impl Rules {
    /// The rules for `level`; `None` where there are none and all contacts count.
    pub fn at(&self, level: Ladder) -> Option<&[Rule]> {
        let rules = match level {
            Ladder::Sev1 => &self.sev1,
            Ladder::Sev2 => &self.sev2,
            Ladder::Sev3 => &self.sev3,
            Ladder::Sev4 => &self.sev4,
        };
        rules.as_deref()
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Quiet {
    /// When the quiet time that `at` is in ends; `None` when it is in none.
    ///
    /// A time of the wall clock that does not exist counts as the first one after it; of one that comes twice, the
    /// first counts.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let today = zone.to_datetime(at).date();
        let begins = [today.yesterday().ok()?, today];
        begins.into_iter().find_map(|day| {
            let listed = self.days.is_empty() || self.days.iter().any(|known| known.weekday() == day.weekday());
            let last = if self.until > self.from { day } else { day.tomorrow().ok()? };
            let instant = |date, time| zone.to_timestamp(DateTime::from_parts(date, time)).ok();
            let (from, until) = (instant(day, self.from)?, instant(last, self.until)?);
            (listed && from <= at && at < until).then_some(until)
        })
    }
}

mapping!(Rules, ["SEV1", "SEV2", "SEV3", "SEV4"], fields => Rules {
    sev1: fields.optional("SEV1"),
    sev2: fields.optional("SEV2"),
    sev3: fields.optional("SEV3"),
    sev4: fields.optional("SEV4"),
});

mapping!(Rule, ["by", "after"], fields => Rule {
    by: fields.required("by", "name the channel of one of their contacts, such as `by: sms`"),
    after: fields.optional("after"),
});

mapping!(Quiet, ["from", "until", "time_zone", "days", "except"], fields => Quiet {
    from: fields.required("from", "write when it begins, such as 22:00"),
    until: fields.required("until", "write when it ends, such as 07:00"),
    time_zone: fields.required("time_zone", "write the IANA time zone of both, such as Europe/Berlin"),
    days: fields.or_default("days"),
    // What hurts customers now wakes everybody unless they say otherwise.
    except: fields.optional("except").unwrap_or_else(|| vec![Ladder::Sev1]),
});

impl Check<'_> {
    pub(super) fn rules(&mut self, name: &str, person: &Person, path: &str) {
        for level in [Ladder::Sev1, Ladder::Sev2, Ladder::Sev3, Ladder::Sev4] {
            let Some(rules) = person.rules.at(level) else { continue };
            let word = level.as_str();
            let path = format!("{path}.rules.{word}");
            if rules.is_empty() {
                let fix = "name a channel, or leave the level out: then all their contacts count";
                self.error(&path, format!("the rules for {word} reach {name} nowhere"), fix);
            }
            for (number, rule) in rules.iter().enumerate() {
                let path = format!("{path}[{number}]");
                let mut channels: Vec<&str> = person.contacts.iter().map(|known| known.address.channel()).collect();
                channels.dedup();
                if !channels.contains(&rule.by.as_str()) {
                    let what = format!("{name} has no contact by `{}`", rule.by);
                    self.error(format!("{path}.by"), what, format!("use one of: {}", channels.join(", ")));
                }
                if rules[..number].iter().any(|earlier| earlier.by == rule.by) {
                    let what = format!("`{}` is named twice for {word}", rule.by);
                    self.error(format!("{path}.by"), what, "name each channel once");
                }
                if let Some(after) = rule.after {
                    self.length(after, SignedDuration::from_secs(1), &format!("{path}.after"), "a wait");
                }
            }
        }
    }

    pub(super) fn quiet(&mut self, name: &str, quiet: &Quiet, path: &str) {
        if quiet.from == quiet.until {
            let what = format!("the quiet time of {name} has no end");
            self.error(format!("{path}.until"), what, "write another time than `from`");
        }
        if TimeZone::get(&quiet.time_zone).is_err() {
            let what = format!("there is no time zone `{}`", quiet.time_zone);
            self.error(format!("{path}.time_zone"), what, "write an IANA name, such as Europe/Berlin");
        }
        if !quiet.except.contains(&Ladder::Sev1) {
            let what = format!("{name} is not woken even by SEV1");
            self.warning(format!("{path}.except"), what, "add SEV1, unless somebody else is told in the same step");
        }
    }
}
