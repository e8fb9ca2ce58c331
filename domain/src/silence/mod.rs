//! Silences: what is known and must wake nobody for a while, and maintenance of a service, which is one of them.
//!
//! The rules of change are Alertmanager's (`silence/silence.go` of prometheus/alertmanager), so that `amtool` finds
//! what it expects. A silence holds for incidents that begin while it does: nobody is told of them until it ends. One
//! that begins while an incident is open stops further steps as long as it lasts; whoever was told stays told. When it
//! ends and nobody took the incident on, paging goes on (faults.md, I13). Whoever asks for a page by hand gets it.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

use crate::group::Member;
use crate::incident::{Actor, Hold, Incident};
use crate::matcher::Matchers;
use crate::policy::{Policy, Target};
use crate::text::cut;

mod subject;

pub use subject::Subject;

/// The most silences that are not over yet.
pub const MOST: usize = 1000;
/// How long a silence that is over stays in the list; Alertmanager's default. The log keeps it for good.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(5 * 24);
/// How long before its end the owner hears of it, unless it says otherwise.
pub const REMIND: SignedDuration = SignedDuration::from_hours(1);
/// The longest reason kept, in characters.
const REASON: usize = 1024;

/// What a silence is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Alerts that somebody knows of.
    #[default]
    Silence,
    /// Work on a service, whatever alerts it causes.
    Maintenance,
}

/// Where a silence stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It holds.
    Active,
    /// It will.
    Pending,
    /// It is over.
    Expired,
}

impl State {
    /// The word that the API uses, ours and Alertmanager's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// One silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Names it: a UUID.
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub kind: Kind,
    /// All of them hold for what it means.
    pub matchers: Matchers,
    /// Since when it holds.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Who owns it.
    pub by: Actor,
    /// Why; Alertmanager's comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How long before its end the owner hears of it.
    pub remind: SignedDuration,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Whether its owner was reminded of this end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reminded: bool,
    /// Whether what it held back was looked at again after its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

impl Silence {
    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        if self.until <= now {
            State::Expired
        } else if self.from <= now {
            State::Active
        } else {
            State::Pending
        }
    }

    /// Whether it means `subject`, at whatever time.
    pub fn means(&self, subject: &Subject<'_>) -> bool {
        match self.kind {
            Kind::Silence => self.matchers.match_all(|name| subject.label(name)),
            // Whoever works on a service means what Watchkeeper counts as that service, whatever a label says.
            Kind::Maintenance => self.matchers.match_all(|name| match name {
                "service" => subject.service(),
                name => subject.label(name),
            }),
        }
    }

    /// When its owner is reminded of its end; `None` when it is shorter than that.
    pub fn remind_at(&self) -> Option<Timestamp> {
        let at = self.until - self.remind;
        (self.remind > SignedDuration::ZERO && at > self.from).then_some(at)
    }

    /// Who hears that it ends: its owner, or the first whom the catch-all of `policy` tells where nobody knows the owner.
    pub fn reminds(&self, policy: &Policy) -> Option<Target> {
        let person = self.by.as_str().strip_prefix("person:").filter(|name| policy.people.contains_key(*name));
        person.map(|name| Target::Person(name.to_owned())).or_else(|| {
            let escalation = policy.escalations.get(&policy.catch_all.escalation)?;
            escalation.steps.first()?.notify.first().cloned()
        })
    }

    /// The service that it says is being worked on.
    pub fn maintains(&self) -> Option<&str> {
        let of_service = self.matchers.iter().find(|matcher| matcher.name() == "service")?;
        (self.kind == Kind::Maintenance).then(|| of_service.value())
    }
}

/// A silence as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is for.
    pub kind: Kind,
    /// What it means.
    pub matchers: Matchers,
    /// Since when; a time that is over means now.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who asks.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// How long before its end they want to hear of it.
    pub remind: SignedDuration,
}

/// Why a silence is not made or changed. The words that Alertmanager has are Alertmanager's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such silence.
    #[error("silence not found")]
    Unknown,
    /// It has no matcher, or all of them hold for nothing at all: it would silence everything.
    #[error("silence invalid: at least one matcher must not match the empty string")]
    Everything,
    /// It would end before it begins.
    #[error("Failed to create silence: start time must be before end time")]
    Backwards,
    /// It would be over already.
    #[error("Failed to create silence: end time can't be in the past")]
    Past,
    /// There is no room.
    #[error("there are {MOST} silences that are not over; expire one first")]
    Full,
}

/// One change of the silences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// One was made.
    Created {
        /// All of it.
        silence: Silence,
    },
    /// One was changed.
    Changed {
        /// All of it, as it is now.
        silence: Silence,
        /// All of it, as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Silence>>,
    },
    /// One was ended before its time.
    Expired {
        /// Which.
        id: String,
        /// Who ended it.
        by: Actor,
        /// All of it, as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Silence>>,
    },
    /// Its owner is about to be reminded of its end.
    Reminded {
        /// Which.
        id: String,
    },
    /// What it had held back was looked at again.
    Released {
        /// Which.
        id: String,
    },
}

/// Every silence that is not over yet, or not for long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Silences(Vec<Silence>);

impl Silences {
    /// Each of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.0.iter()
    }

    /// The one named `id`.
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.0.iter().find(|silence| silence.id == id)
    }

    /// Those that hold for `subject` at `now`.
    pub fn holding(&self, subject: &Subject<'_>, now: Timestamp) -> Vec<&Silence> {
        let active = self.0.iter().filter(|silence| silence.state(now) == State::Active);
        active.filter(|silence| silence.means(subject)).collect()
    }

    /// The silences that keep `incident`, which concerns `service`, from being told to anybody at `now`.
    pub fn holds(&self, incident: &Incident, service: Option<&str>, now: Timestamp) -> Vec<Hold> {
        let hold = |silence: &Silence| Hold {
            silence: silence.id.clone(),
            owner: silence.by.clone(),
            until: silence.until,
            reason: silence.reason.clone(),
        };
        self.holding(&Subject::of(incident).concerning(service), now).into_iter().map(hold).collect()
    }

    /// Whether an alert of a group is kept quiet at `now`.
    pub fn mutes(&self, member: &Member, now: Timestamp) -> bool {
        !self.holding(&Subject::of_member(member), now).is_empty()
    }

    /// The silences that keep further steps of `incident` from beginning at `now`; none when a person asked for a page.
    pub fn stopping(&self, incident: &Incident, now: Timestamp) -> Vec<Hold> {
        if incident.paging.by_hand { Vec::new() } else { self.holds(incident, None, now) }
    }

    /// The maintenance of `service` that is not over at `now`.
    pub fn maintenance<'a>(&'a self, service: &'a str, now: Timestamp) -> impl Iterator<Item = &'a Silence> {
        let of_service = self.0.iter().filter(move |silence| silence.maintains() == Some(service));
        of_service.filter(move |silence| silence.state(now) != State::Expired)
    }

    /// What to write down so that `wanted` holds, named `new` when it becomes another silence, and its name.
    pub fn create(&self, wanted: Wanted, new: &str, now: Timestamp) -> Result<(Vec<Event>, String), Refusal> {
        let silence = wanted.silence(new, now)?;
        let live = self.0.iter().filter(|silence| silence.state(now) != State::Expired).count();
        if live >= MOST {
            return Err(Refusal::Full);
        }
        let silence = Silence { from: silence.from.max(millisecond(now)), ..silence };
        Ok((vec![Event::Created { silence }], new.to_owned()))
    }

    /// The same for a change of the silence `id`. It keeps its name where its past stays true: one that holds may end
    /// at another time, one that will may move, and neither may mean anything else. Otherwise it ends, if it has not
    /// yet, and another one named `new` takes its place.
    pub fn change(&self, id: &str, wanted: Wanted, new: &str, now: Timestamp) -> Result<(Vec<Event>, String), Refusal> {
        let before = self.get(id).ok_or(Refusal::Unknown)?;
        let by = wanted.by.clone();
        let silence = wanted.clone().silence(id, now)?;
        let stays = before.matchers == silence.matchers
            && match before.state(now) {
                State::Active => silence.from == before.from,
                State::Pending => silence.from >= now,
                State::Expired => false,
            };
        if stays {
            let before = Some(Box::new(before.clone()));
            return Ok((vec![Event::Changed { silence, before }], id.to_owned()));
        }
        let mut events: Vec<Event> = self.expire(id, by, now)?.into_iter().collect();
        let mut after = self.clone();
        for event in &events {
            after.apply(event, now);
        }
        let (created, name) = after.create(wanted, new, now)?;
        events.extend(created);
        Ok((events, name))
    }

    /// What to write down so that the silence `id` is over; nothing when it is already.
    pub fn expire(&self, id: &str, by: Actor, now: Timestamp) -> Result<Option<Event>, Refusal> {
        let silence = self.get(id).ok_or(Refusal::Unknown)?;
        let over = silence.state(now) == State::Expired;
        let expired = || Event::Expired { id: id.to_owned(), by, before: Some(Box::new(silence.clone())) };
        Ok((!over).then(expired))
    }

    /// Those whose owners are to be reminded at `now`.
    pub fn reminders(&self, now: Timestamp) -> impl Iterator<Item = &Silence> {
        let due = move |silence: &&Silence| silence.remind_at().is_some_and(|at| at <= now);
        self.0.iter().filter(move |silence| silence.state(now) == State::Active && !silence.reminded).filter(due)
    }

    /// Those that are over at `now`, and what they held back was not looked at again yet.
    pub fn ended(&self, now: Timestamp) -> impl Iterator<Item = &Silence> {
        self.0.iter().filter(move |silence| silence.state(now) == State::Expired && !silence.released)
    }

    /// What `event`, written at `at`, does.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Created { silence } => self.0.push(silence.clone()),
            Event::Changed { silence, .. } => self.with(&silence.id, |before| *before = silence.clone()),
            Event::Expired { id, .. } => self.with(id, |silence| {
                // One that never held has held nothing back, from its end on as before.
                silence.from = silence.from.min(at);
                silence.until = at;
                silence.updated_at = at;
            }),
            Event::Reminded { id } => self.with(id, |silence| silence.reminded = true),
            Event::Released { id } => self.with(id, |silence| silence.released = true),
        }
        self.0.retain(|silence| !silence.released || at.duration_since(silence.until) < RETENTION);
    }

    fn with(&mut self, id: &str, change: impl FnOnce(&mut Silence)) {
        if let Some(silence) = self.0.iter_mut().find(|silence| silence.id == id) {
            change(silence);
        }
    }
}

impl Wanted {
    /// It as a silence named `id`, if it can be one.
    fn silence(self, id: &str, now: Timestamp) -> Result<Silence, Refusal> {
        // A client of Alertmanager's API sends back the milliseconds it was shown; it must find nothing changed.
        let (from, until) = (millisecond(self.from), millisecond(self.until));
        if self.matchers.match_empty() {
            return Err(Refusal::Everything);
        }
        if until <= from {
            return Err(Refusal::Backwards);
        }
        if until <= now {
            return Err(Refusal::Past);
        }
        Ok(Silence {
            id: id.to_owned(),
            kind: self.kind,
            matchers: self.matchers,
            from,
            until,
            by: self.by,
            reason: cut(self.reason.trim(), REASON),
            remind: self.remind.clamp(SignedDuration::ZERO, RETENTION),
            updated_at: now,
            reminded: false,
            released: false,
        })
    }
}

/// `at` to the millisecond; the clock's last digits are nobody's.
fn millisecond(at: Timestamp) -> Timestamp {
    at.round(TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Trunc)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
