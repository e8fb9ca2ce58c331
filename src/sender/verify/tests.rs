//! The vectors of the schemes, good and with one byte changed; and what holds for every scheme.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::table::{GITHUB, GRAFANA_SIGNATURE, INTERCOM, PAGERDUTY, SENTRY, STRIPE, ZENDESK};
use super::*;

const GRAFANA: Scheme<'static> = Scheme::grafana(&[GRAFANA_SIGNATURE], None);
const GRAFANA_TIMED: Scheme<'static> = Scheme::grafana(&[GRAFANA_SIGNATURE], Some("X-Grafana-Alerting-Timestamp"));
/// Every row of the table that shares a secret.
const SCHEMES: [(&str, &Scheme<'static>); 10] = [
    ("github", &GITHUB),
    ("intercom", &INTERCOM),
    ("sentry", &SENTRY),
    ("pagerduty", &PAGERDUTY),
    ("grafana", &GRAFANA),
    ("grafana", &GRAFANA_TIMED),
    ("slack", &SLACK),
    ("stripe", &STRIPE),
    ("zendesk", &ZENDESK),
    ("standard", &STANDARD),
];
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message as its sender sends it.
#[derive(Debug, Clone, serde::Deserialize)]
struct Vector {
    scheme: String,
    secret: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Vector {
    fn scheme(&self) -> &'static Scheme<'static> {
        let timed = self.headers.contains_key("X-Grafana-Alerting-Timestamp");
        let mut known = SCHEMES.iter().filter(|(name, _)| *name == self.scheme).map(|(_, scheme)| *scheme);
        if timed { known.nth(1) } else { known.next() }.expect("a known scheme")
    }

    /// When it was signed; any time at all where that is not signed.
    fn signed_at(&self) -> Timestamp {
        let header = |wanted: &str| {
            let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone()).expect("a header of the scheme")
        };
        match self.scheme().time {
            Time::Unsigned => Timestamp::UNIX_EPOCH,
            Time::Unix(name) => unix_seconds(&header(name)).expect("a time"),
            Time::Iso(name) => header(name).parse().expect("a time"),
            Time::Entry(_) => Timestamp::from_second(1_614_556_800).expect("a time"),
        }
    }

    fn verify(&self, seconds_late: i64) -> Result<(), Rejected> {
        self.verify_at(self.signed_at() + jiff::SignedDuration::from_secs(seconds_late))
    }

    fn verify_at(&self, now: Timestamp) -> Result<(), Rejected> {
        let headers = map(&self.headers);
        verify(self.scheme(), &headers, self.body.as_bytes(), &[Secret::new(&self.secret)], now).map(|_| ())
    }

    fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).expect("a header of the scheme")
    }
}

fn map<'h>(headers: impl IntoIterator<Item = (&'h String, &'h String)>) -> HeaderMap {
    let pair = |(name, value): (&String, &String)| {
        (HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_str(value).expect("a value"))
    };
    headers.into_iter().map(pair).collect()
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../events/signatures.json")).expect("the vectors")
}

fn standard() -> Vector {
    vectors().into_iter().find(|vector| vector.scheme == "standard").expect("a vector")
}

/// Every text that differs from `text` in one bit, by where it does; all that a header can carry.
fn changed(text: &str) -> impl Iterator<Item = (usize, String)> {
    let flipped = move |(place, bit): (usize, u8)| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[place] ^= 1 << bit;
        (place, String::from_utf8(bytes).expect("ASCII"))
    };
    let bits = (0..text.len()).flat_map(|place| (0..7).map(move |bit| (place, bit)));
    bits.map(flipped).filter(|(_, other)| !other.contains(|c: char| c.is_control()))
}

#[test]
fn a05_every_published_vector_verifies() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 11);
    for (name, _) in SCHEMES {
        assert!(vectors.iter().any(|vector| vector.scheme == name), "{name} has no vector");
    }
    for vector in vectors {
        assert_eq!(vector.verify(0), Ok(()), "{}", vector.scheme);
    }
}

#[test]
fn a04_one_changed_byte_anywhere_is_refused() {
    for vector in vectors() {
        let now = vector.signed_at();
        for (place, body) in changed(&vector.body) {
            let other = Vector { body, ..vector.clone() };
            assert_eq!(other.verify_at(now), Err(Rejected::NoMatch), "{}: body {place}", vector.scheme);
        }
        for (place, secret) in changed(&vector.secret) {
            let other = Vector { secret, ..vector.clone() };
            assert!(other.verify_at(now).is_err(), "{}: secret {place}", vector.scheme);
        }
        for (name, value) in &vector.headers {
            for (place, value) in changed(value) {
                let mut other = vector.clone();
                other.header(name).clone_from(&value);
                assert!(other.verify_at(now).is_err(), "{}: {name} {place} {value}", vector.scheme);
            }
        }
    }
}

#[test]
fn a09_a18_c20_a_signed_time_is_good_for_five_minutes_both_ways_and_no_second_longer() {
    for vector in vectors() {
        for late in [-300, 0, 300] {
            assert_eq!(vector.verify(late), Ok(()), "{} {late}", vector.scheme);
        }
        let timed = !matches!(vector.scheme().time, Time::Unsigned);
        for late in [-301, 301, 1_000_000] {
            let expected = if timed { Err(Rejected::Stale) } else { Ok(()) };
            assert_eq!(vector.verify(late), expected, "{} {late}", vector.scheme);
        }
    }
}

#[test]
fn a07_a08_among_several_signatures_one_good_one_is_enough_but_a_long_list_is_not_looked_at() {
    let good = standard().header("webhook-signature").clone();
    let junk = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let malformed = Err(Rejected::Malformed("webhook-signature".to_owned()));
    let no_match = Err(Rejected::NoMatch);
    let cases = [
        (format!("{junk} v1a,xyz {good}"), Ok(())),
        (format!("{} {good}", [junk; 15].join(" ")), Ok(())),
        (format!("{} {good}", [junk; 16].join(" ")), malformed.clone()),
        (format!("{} {good}", "x".repeat(4096)), malformed),
        (good.replace("v1,", "v0,"), no_match.clone()),
        (good.replace("v1,", "v1a,"), no_match.clone()),
        (good.replace("v1,", "sha1="), no_match.clone()),
        (good.replace("v1,", "alg:none,"), no_match.clone()),
        (good.replace("v1,", ""), no_match.clone()),
        (String::new(), no_match),
    ];
    for (header, answer) in cases {
        let mut other = standard();
        other.header("webhook-signature").clone_from(&header);
        assert_eq!(other.verify(0), answer, "{header}");
    }
}

#[test]
fn a_sender_that_lists_its_signatures_may_sign_with_two_secrets() {
    for (name, header, list) in [
        ("pagerduty", "X-PagerDuty-Signature", "v1=00, GOOD,v0=00"),
        ("stripe", "Stripe-Signature", "v0=00,v1=00,GOOD"),
    ] {
        let mut vector = vectors().into_iter().find(|vector| vector.scheme == name).expect("a vector");
        let good = vector.header(header).clone();
        *vector.header(header) = list.replace("GOOD", &good);
        assert_eq!(vector.verify(0), Ok(()), "{name}");
    }
}

#[test]
fn sentry_s_other_header_counts_where_the_first_is_absent() {
    let mut vector = vectors().into_iter().find(|vector| vector.scheme == "sentry").expect("a vector");
    let signature = vector.headers.remove("Sentry-Hook-Signature").expect("a signature");
    vector.headers.insert("Sentry-App-Signature".to_owned(), signature);
    assert_eq!(vector.verify(0), Ok(()));
    vector.headers.insert("Sentry-Hook-Signature".to_owned(), "00".to_owned());
    assert_eq!(vector.verify(0), Err(Rejected::NoMatch));
}

#[test]
fn grafana_s_headers_are_called_as_its_contact_point_calls_them() {
    let scheme = Scheme::grafana(&["X-Our-Signature"], Some("X-Our-Time"));
    let (secret, at) = (Secret::new("secret"), Timestamp::UNIX_EPOCH);
    let sent = headers(&scheme, &secret, "", at, b"test message").expect("a good secret");
    assert_eq!(sent[1].1, "ac18a483a582b60a883e974541afe25aa1026136163e94665649743324183ef1");
    let sent = map(sent.iter().map(|(name, value)| (name, value)));
    let secrets = [secret];
    assert!(verify(&scheme, &sent, b"test message", &secrets, at).is_ok());
    let usual = verify(&GRAFANA, &sent, b"test message", &secrets, at);
    assert_eq!(usual, Err(Rejected::Missing(GRAFANA_SIGNATURE.to_owned())));
}

/// A pair of keys, and the public one as Standard Webhooks writes it.
fn pair(seed: [u8; 32]) -> (Ed25519KeyPair, Secret) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes");
    let public = Secret::new(&format!("whpk_{}", BASE64.encode(pair.public_key())));
    (pair, public)
}

/// The headers of a message that a private key signed.
fn signed(pair: &Ed25519KeyPair, version: &str, id: &str, second: i64, body: &[u8]) -> Vec<(String, String)> {
    let text = [format!("{id}.{second}.").as_bytes(), body].concat();
    let signature = format!("{version}{}", BASE64.encode(pair.sign(&text)));
    let headers = [("webhook-id", id), ("webhook-timestamp", &second.to_string()), ("webhook-signature", &signature)];
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn what_a_private_key_signed_its_public_key_proves_and_nothing_else_does() {
    let at = Timestamp::from_second(1_614_265_330).expect("a time");
    let (ours, public) = pair([1; 32]);
    let (theirs, _) = pair([2; 32]);
    let body: &[u8] = b"{\"test\": 2432232314}";
    let signed = |pair: &Ed25519KeyPair, version: &str, body: &[u8]| {
        map(signed(pair, version, "msg_1", at.as_second(), body).iter().map(|(name, value)| (name, value)))
    };
    let check = |headers: &HeaderMap, body: &[u8], secrets: &[Secret]| {
        verify(&STANDARD, headers, body, secrets, at).map(|signed| signed.id.to_owned())
    };
    let good = signed(&ours, "v1a,", body);
    assert_eq!(check(&good, body, std::slice::from_ref(&public)), Ok("msg_1".to_owned()));
    let both = [Secret::new(WHSEC), public.clone()];
    assert!(check(&good, body, &both).is_ok(), "beside a shared secret that is being replaced");
    let refused = [
        (signed(&theirs, "v1a,", body), body, &public),
        (signed(&ours, "v1,", body), body, &public),
        (signed(&ours, "v1a,", b"{}"), body, &public),
        (good.clone(), b"{}".as_slice(), &public),
        (good.clone(), body, &both[0]),
    ];
    for (number, (headers, body, secret)) in refused.iter().enumerate() {
        assert_eq!(check(headers, body, std::slice::from_ref(secret)), Err(Rejected::NoMatch), "{number}");
    }
    let short = Secret::new("whpk_AAAA");
    assert_eq!(check(&good, body, &[short]), Err(Rejected::Unusable(Unusable::Short)));
    assert_eq!(sign(&[public], "a", at, body), Err(Unusable::Public));
}

#[test]
fn a02_a_body_is_bytes_and_need_not_be_text() {
    let body = [0x00, 0xff, 0xfe, b'{', 0x80];
    let at = Timestamp::from_second(1_800_000_000).expect("a time");
    for (name, scheme) in SCHEMES {
        let secret = Secret::new(WHSEC);
        let sent = headers(scheme, &secret, "msg_1", at, &body).expect("a good secret");
        let sent = map(sent.iter().map(|(name, value)| (name, value)));
        let secrets = [secret];
        assert!(verify(scheme, &sent, &body, &secrets, at).is_ok(), "{name}");
        assert_eq!(verify(scheme, &sent, &body[1..], &secrets, at), Err(Rejected::NoMatch), "{name}");
    }
}

#[test]
fn a13_what_one_secret_of_two_signed_is_good_and_both_sign_what_we_send() {
    let (old, new) = (WHSEC, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let at = Timestamp::from_second(1_800_000_000).expect("a time");
    let both = [Secret::new(new), Secret::new(old)];
    let signature = sign(&both, "msg_1", at, b"{}").expect("good secrets");
    assert_eq!(signature.split(' ').count(), 2);
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static("msg_1"));
    headers.insert("webhook-timestamp", HeaderValue::from_static("1800000000"));
    headers.insert("webhook-signature", HeaderValue::from_str(&signature).expect("a value"));
    for secret in [old, new] {
        assert!(verify(&STANDARD, &headers, b"{}", &[Secret::new(secret)], at).is_ok());
    }
    let short = [Secret::new("whsec_"), Secret::new(old)];
    assert!(verify(&STANDARD, &headers, b"{}", &short, at).is_ok(), "a bad secret does not spoil a good one");
}

#[test]
fn a11_a_secret_that_anybody_could_guess_is_our_mistake_and_verifies_nothing() {
    let table = [("whsec_", Unusable::Short), ("whsec_AAAA", Unusable::Short), ("whsec_!", Unusable::Encoding)];
    for (secret, why) in table {
        let vector = Vector { secret: secret.to_owned(), ..standard() };
        assert_eq!(vector.verify(0), Err(Rejected::Unusable(why)), "{secret}");
        assert_eq!(sign(&[Secret::new(secret)], "a", Timestamp::UNIX_EPOCH, b""), Err(why));
    }
    assert_eq!(sign(&[], "a", Timestamp::UNIX_EPOCH, b""), Err(Unusable::None));
    for vector in vectors().into_iter().filter(|vector| vector.scheme != "standard") {
        let blank = Vector { secret: String::new(), ..vector };
        assert_eq!(blank.verify(0), Err(Rejected::Unusable(Unusable::None)), "{}", blank.scheme);
    }
}

#[test]
fn a_header_that_cannot_be_right_is_refused() {
    let table = [
        ("webhook-id", "a.b"),
        ("webhook-id", ""),
        ("webhook-timestamp", "+1614265330"),
        ("webhook-timestamp", "99999999999999999999"),
        ("webhook-timestamp", ""),
    ];
    for (name, value) in table {
        let mut vector = standard();
        value.clone_into(vector.header(name));
        assert_eq!(vector.verify_at(Timestamp::UNIX_EPOCH), Err(Rejected::Malformed(name.to_owned())), "{value}");
    }
    for (scheme, header, value) in [
        ("stripe", "Stripe-Signature", "v1=e326b9127f526dab808bd39e79a44ab61b0dc0517386b06a7abf563ce203409b"),
        ("zendesk", "X-Zendesk-Webhook-Signature-Timestamp", "1616648967"),
        ("slack", "X-Slack-Request-Timestamp", "2018-07-12T18:36:58Z"),
    ] {
        let mut vector = vectors().into_iter().find(|vector| vector.scheme == scheme).expect("a vector");
        value.clone_into(vector.header(header));
        let malformed = vector.verify_at(Timestamp::UNIX_EPOCH);
        assert!(matches!(malformed, Err(Rejected::Malformed(_))), "{scheme}: {malformed:?}");
    }
    for (name, scheme) in SCHEMES {
        let nothing = verify(scheme, &HeaderMap::new(), b"", &[], Timestamp::UNIX_EPOCH).map(|_| ());
        assert!(matches!(nothing, Err(Rejected::Missing(_))), "{name}: {nothing:?}");
    }
}

proptest! {
    #[test]
    fn what_a_scheme_signs_it_verifies_and_with_any_byte_changed_it_does_not(
        which in 0..=SCHEMES.len(),
        key in prop::collection::vec(any::<u8>(), 32..64),
        body in prop::collection::vec(any::<u8>(), 0..300),
        id in "[A-Za-z0-9_-]{1,40}",
        second in 1_500_000_000..2_500_000_000_i64,
        late in -300..=300_i64,
        place in any::<prop::sample::Index>(),
        bit in 0..7_u8,
    ) {
        let at = Timestamp::from_second(second).expect("a time");
        let now = Timestamp::from_second(second + late).expect("a time");
        let (name, scheme, secret, sent) = if let Some((name, scheme)) = SCHEMES.get(which) {
            let secret = Secret::new(&format!("whsec_{}", BASE64.encode(&key)));
            let sent = headers(scheme, &secret, &id, at, &body).expect("a good secret");
            (*name, *scheme, secret, sent)
        } else {
            // A private key signs, and its public one proves.
            let (pair, public) = pair(key[..32].try_into().expect("32 bytes"));
            ("standard-a", &STANDARD, public, signed(&pair, "v1a,", &id, second, &body))
        };
        let secrets = [Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), secret];
        let check = |sent: &[(String, String)], body: &[u8]| {
            let headers = map(sent.iter().map(|(name, value)| (name, value)));
            verify(scheme, &headers, body, &secrets, now).map(|_| ())
        };
        prop_assert_eq!(check(&sent, &body), Ok(()), "{}", name);

        let texts: usize = sent.iter().map(|(_, value)| value.len()).sum();
        let mut place = place.index(texts + body.len());
        let (mut other, mut other_body) = (sent, body);
        for (_, value) in &mut other {
            if place < value.len() {
                let mut bytes = std::mem::take(value).into_bytes();
                bytes[place] ^= 1 << bit;
                // What no header can carry never gets here.
                *value = String::from_utf8(bytes).expect("ASCII").replace(|c: char| c.is_control(), "?");
                place = usize::MAX;
                break;
            }
            place -= value.len();
        }
        if place != usize::MAX {
            other_body[place] ^= 1 << bit;
        }
        prop_assert!(check(&other, &other_body).is_err(), "{}", name);
    }
}
