//! The rules of Watchkeeper, and nothing else: no AWS, no async, no clock, no environment, no randomness.
//!
//! Read them in the order in which an alert meets them:
//!
//! - [`signal`] is what a sender said, in one shape; [`fingerprint`] names the problem it speaks of.
//! - [`dedup`] folds signals into the [`incident`] of their fingerprint, whatever order they arrive in.
//! - [`pulse`] tells a problem that stays from one that comes and goes.
//! - [`owner`] says whose it is, and [`enrich`] adds what a responder would look up first.
//! - [`route`] asks the [`policy`] who is told, how, and why.
//! - [`silence`] says what must wake nobody for a while; a [`matcher`] says which labels are meant.
//! - [`group`] brings alerts together that one notification tells of.
//! - [`escalation`] says what is due now, and when to look again; [`schedule`] says who is on call.
//! - [`rehearse`] says what another policy would have made of what was recorded.
//! - [`log`] chains the records of all this, so that nobody can change them unseen; [`evidence`] lets anybody prove it;
//!   [`timeline`] tells them to a person, and the [`report`] to an auditor.
//! - [`fsck`] checks whether what must always hold does; a [`letter`] is what could not be done.
//! - [`cause`] says whose request a record is written for; [`access`] and [`change`] are logs that no rule reads;
//!   what is [`sealed`] can be forgotten.
//!
//! Time and ids come in as arguments, so a test can stand at any instant.
#![warn(missing_docs)]

pub mod access;
pub mod cause;
pub mod change;
pub mod dedup;
pub mod enrich;
pub mod escalation;
pub mod evidence;
pub mod fingerprint;
pub mod fsck;
pub mod group;
pub mod incident;
pub mod letter;
pub mod log;
pub mod matcher;
pub mod owner;
pub mod policy;
pub mod pulse;
pub mod recent;
pub mod rehearse;
pub mod report;
pub mod route;
pub mod schedule;
pub mod sealed;
pub mod signal;
pub mod silence;
pub mod text;
pub mod throttle;
pub mod timeline;

/// `bytes` as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| DIGITS[usize::from(half)]).collect()
}
