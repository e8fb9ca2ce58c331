//! The id of a request: a UUID that says by itself which alert was meant, what was asked, and what came of it, so that
//! nothing needs to be kept to tell it later.
//!
//! Version 8 leaves 122 bits free: 80 are the fingerprint, 5 the action, 34 tell requests apart, 3 are the outcome. The
//! same without the outcome names the request in the log.

use std::fmt;

use domain::fingerprint::Fingerprint;
use domain::log::Hash;

use super::call::Action;

/// The bits of what tells requests apart.
const NONCE: u32 = 34;

/// The id of a request that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId {
    pub(super) fingerprint: Fingerprint,
    pub(super) action: Action,
    nonce: u64,
    pub(super) outcome: Outcome,
}

/// What came of a request, as far as it was known when it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is on the queue: the log will tell.
    Queued,
    /// It is in the log.
    Done,
    /// It was so already.
    AlreadySo,
    /// There is no such alert.
    NoAlert,
    /// The alert is closed.
    Closed,
    /// Somebody else has it.
    Taken,
    /// Each of several people must acknowledge, so none can put it off alone.
    AsksEverybody,
    /// The policy has nobody of this name.
    UnknownResponder,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Queued,
        Self::Done,
        Self::AlreadySo,
        Self::NoAlert,
        Self::Closed,
        Self::Taken,
        Self::AsksEverybody,
        Self::UnknownResponder,
    ];
}

impl RequestId {
    /// The id of the `request` that asks for `action` on the alert `fingerprint`; the same for a request that comes again.
    pub(super) fn of(fingerprint: &Fingerprint, action: Action, request: &str) -> Self {
        let nonce = leading(&Hash::of(request.as_bytes())) >> (64 - NONCE);
        Self { fingerprint: fingerprint.clone(), action, nonce, outcome: Outcome::Queued }
    }

    /// The same with what came of it.
    pub(super) fn with(&self, outcome: Outcome) -> Self {
        Self { outcome, ..self.clone() }
    }

    /// Names the request in the log, as the cause of a record or as a signal.
    pub(super) fn cause(&self) -> String {
        format!("opsgenie/{}", self.with(Outcome::Queued))
    }

    /// Reads an id of ours; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let bits = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
        if bits >> 76 & 0xf != 8 || bits >> 62 & 0x3 != 2 {
            return None;
        }
        let payload = bits >> 80 << 74 | (bits >> 64 & 0xfff) << 62 | bits & ((1 << 62) - 1);
        let outcome = usize::try_from(payload & 7).ok()?;
        Some(Self {
            fingerprint: Fingerprint::parse(&format!("{:020x}", payload >> 42))?,
            action: Action::at(u8::try_from(payload >> 37 & 0x1f).ok()?)?,
            nonce: u64::try_from(payload >> 3 & ((1 << NONCE) - 1)).ok()?,
            outcome: Outcome::ALL[outcome],
        })
    }

    /// The id of a request that changes nothing.
    pub(super) fn plain(request: &str) -> String {
        let hash = Hash::of(request.as_bytes());
        let bits = u128::from(leading(&hash)) << 64 | u128::from(leading(&Hash::of(hash.as_str().as_bytes())));
        // Version 4, so that it is never taken for one of the others.
        uuid(bits & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = u128::from_str_radix(self.fingerprint.as_str(), 16).expect("20 hex digits");
        let payload = fingerprint << 42
            | u128::from(self.action.place()) << 37
            | u128::from(self.nonce) << 3
            | u128::from(self.outcome as u8);
        let bits = payload >> 74 << 80 | 8 << 76 | (payload >> 62 & 0xfff) << 64 | 2 << 62 | payload & ((1 << 62) - 1);
        out.write_str(&uuid(bits))
    }
}

fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn leading(hash: &Hash) -> u64 {
    u64::from_be_bytes(hash.bytes()[..8].try_into().expect("eight of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_written(key in ".*", request in ".*", action in 0..17u8, outcome in 0..8usize) {
            let action = Action::at(action).expect("an action");
            let id = RequestId::of(&Fingerprint::of("og", &key), action, &request).with(Outcome::ALL[outcome]);
            prop_assert_eq!(RequestId::parse(&id.to_string()), Some(id.clone()));
            prop_assert_eq!(id.cause(), RequestId::of(&id.fingerprint, action, &request).cause());
        }

        #[test]
        fn nothing_else_is_read(text in "\\PC*") {
            if let Some(id) = RequestId::parse(&text) {
                prop_assert_eq!(RequestId::parse(&id.to_string()), Some(id));
            }
        }
    }

    #[test]
    fn an_id_looks_like_any_uuid_and_a_plain_one_is_none_of_ours() {
        let id = RequestId::of(&Fingerprint::of("og", "k"), Action::Close, "r").to_string();
        assert_eq!(id.len(), 36);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        let plain = RequestId::plain("r");
        assert_eq!((plain.len(), RequestId::parse(&plain)), (36, None));
        assert_eq!(RequestId::parse("43a29c5c-3dbf-4fa4-9c26-f4f71023e120"), None);
        assert_eq!(RequestId::parse(""), None);
    }
}
