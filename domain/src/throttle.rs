//! Storm control: how many messages one contact gets, and which of them wait.
//!
//! In a storm the phone of whoever is on call must stay usable: messages beyond a limit are held back until there is room
//! again, and the next one that goes out says how many more incidents wait. The first page of a service goes before
//! repeats of others (GoAlert's `engine/message/ratelimit.go` has the same idea and the same numbers).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::escalation::Delivery;
use crate::incident::Incident;
use crate::policy::Ladder;

/// How long a message counts.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// How long after its time a held message still counts as waiting: whoever sends it may be a little late.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// The most of each thing that a window remembers, so that its row stays small.
const REMEMBERED: usize = 200;

/// How many messages a contact of `channel` gets within [`WINDOW`]; `None` where a machine reads them and wants all.
pub fn limit(channel: &str) -> Option<usize> {
    match channel {
        // A ringing phone stops all other work.
        "voice" => Some(3),
        "sms" | "twilio_sms" => Some(5),
        "ntfy" => Some(15),
        "email" => Some(30),
        "slack" | "teams" => Some(60),
        _ => None,
    }
}

/// Whether a message is never held back: the first page of a SEV1, and the catch-all, after which nobody is left.
pub fn is_urgent(incident: &Incident, delivery: &Delivery) -> bool {
    let level = incident.decision.as_ref().and_then(|decision| decision.level);
    let catch_all = incident.paging.position.is_some_and(|position| position.catch_all);
    catch_all || (level == Some(Ladder::Sev1) && delivery.step == 1)
}

/// A message that asks to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The incident's id.
    pub incident: String,
    /// The delivery's id. The same delivery that asks again is the same message.
    pub delivery: String,
    /// The service it concerns, if it is known.
    pub service: Option<String>,
    /// Whether it is never held back.
    pub urgent: bool,
}

/// Whether it goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Now.
    Send {
        /// How many other incidents wait for the same contact.
        more: usize,
    },
    /// Not yet.
    Hold {
        /// When to ask again.
        until: Timestamp,
    },
}

/// What one contact got lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The messages that went out, the oldest first: when, of which incident, which delivery.
    sent: Vec<(Timestamp, String, String)>,
    /// When a service was told of last.
    services: BTreeMap<String, Timestamp>,
    /// The incidents that wait, and until when.
    waiting: BTreeMap<String, Timestamp>,
}

impl Window {
    /// Decides about a message, and remembers it. A service that was not told of within the window has as much room
    /// again as all others together, so that a noisy one cannot hide it.
    pub fn ask(&mut self, request: &Request, limit: usize, now: Timestamp) -> Verdict {
        self.forget(now);
        let known = |(_, incident, delivery): &(Timestamp, String, String)| {
            *incident == request.incident && *delivery == request.delivery
        };
        let again = self.sent.iter().any(known);
        let first = request.service.as_ref().is_some_and(|service| !self.services.contains_key(service));
        let room = if first { 2 * limit } else { limit }.max(1);
        if !again && !request.urgent && self.sent.len() >= room {
            let until = self.sent[self.sent.len() - room].0 + WINDOW;
            self.waiting.insert(request.incident.clone(), until);
            return Verdict::Hold { until };
        }
        self.waiting.remove(&request.incident);
        if !again {
            self.sent.push((now, request.incident.clone(), request.delivery.clone()));
            self.services.extend(request.service.clone().map(|service| (service, now)));
        }
        Verdict::Send { more: self.waiting.len() }
    }

    fn forget(&mut self, now: Timestamp) {
        self.sent.retain(|(at, ..)| *at + WINDOW > now);
        self.services.retain(|_, at| *at + WINDOW > now);
        self.waiting.retain(|_, until| *until + GRACE > now);
        let excess = self.sent.len().saturating_sub(REMEMBERED);
        self.sent.drain(..excess);
        while self.services.len() > REMEMBERED {
            self.services.pop_first();
        }
        while self.waiting.len() > REMEMBERED {
            self.waiting.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn request(incident: usize, service: &str) -> Request {
        Request {
            incident: format!("i{incident}"),
            delivery: "1-ana-0".to_owned(),
            service: Some(service.to_owned()),
            urgent: false,
        }
    }

    #[test]
    fn j12_in_a_storm_the_first_of_each_service_goes_before_repeats_and_the_rest_is_bundled() {
        let mut window = Window::default();
        for incident in 0..3 {
            assert_eq!(window.ask(&request(incident, "shop"), 3, at(0)), Verdict::Send { more: 0 });
        }
        for incident in 3..17 {
            assert_eq!(window.ask(&request(incident, "shop"), 3, at(1)), Verdict::Hold { until: at(900) });
        }
        assert_eq!(window.ask(&request(17, "search"), 3, at(2)), Verdict::Send { more: 14 });
        assert_eq!(window.ask(&request(18, "search"), 3, at(3)), Verdict::Hold { until: at(900) });
        // When there is room again, one message says how many more there are.
        assert_eq!(window.ask(&request(3, "shop"), 3, at(900)), Verdict::Send { more: 14 });
    }

    #[test]
    fn what_is_urgent_always_goes_and_still_counts() {
        let mut window = Window::default();
        for incident in 0..10 {
            let urgent = Request { urgent: true, ..request(incident, "shop") };
            assert_eq!(window.ask(&urgent, 3, at(0)), Verdict::Send { more: 0 });
        }
        assert!(matches!(window.ask(&request(10, "shop"), 3, at(0)), Verdict::Hold { .. }));
    }

    #[test]
    fn a_delivery_that_asks_twice_is_one_message() {
        let mut window = Window::default();
        for _ in 0..10 {
            assert_eq!(window.ask(&request(0, "shop"), 1, at(0)), Verdict::Send { more: 0 });
        }
        assert_eq!(window.sent.len(), 1);
    }

    #[test]
    fn every_channel_that_wakes_people_has_a_limit_and_no_machine_has() {
        for (channel, expected) in [
            ("voice", Some(3)),
            ("sms", Some(5)),
            ("twilio_sms", Some(5)),
            ("webhook", None),
            ("pagerduty", None),
            ("opsgenie", None),
        ] {
            assert_eq!(limit(channel), expected, "{channel}");
        }
    }

    proptest! {
        #[test]
        fn j12_throttles_hold_and_whatever_is_held_can_go_at_its_time(
            asks in prop::collection::vec((0..40_usize, 0..6_u8, 0..200_i64), 1..200),
        ) {
            let (mut window, mut now, mut sent) = (Window::default(), 0, Vec::new());
            for (number, (incident, service, pause)) in asks.into_iter().enumerate() {
                now += pause;
                let mut asked = request(incident, &format!("s{service}"));
                asked.delivery = format!("{number}");
                match window.ask(&asked, 3, at(now)) {
                    Verdict::Send { more } => {
                        prop_assert!(more <= 40);
                        sent.push(now);
                    }
                    Verdict::Hold { until } => {
                        prop_assert!(until > at(now) && until <= at(now) + WINDOW);
                        let later = window.clone().ask(&asked, 3, until);
                        prop_assert!(matches!(later, Verdict::Send { .. }), "{later:?}");
                    }
                }
                let recent = sent.iter().filter(|before| **before + WINDOW.as_secs() > now).count();
                prop_assert!(recent <= 6, "{recent} messages within one window");
            }
        }
    }
}
