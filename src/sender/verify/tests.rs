//! The vectors of the schemes, good and with one byte changed.

use http::{HeaderName, HeaderValue};

use super::*;

#[derive(Clone, serde::Deserialize)]
struct Vector {
    scheme: String,
    secret: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

impl Vector {
    fn scheme(&self) -> &'static Scheme {
        if self.scheme == "slack" { &SLACK } else { &STANDARD }
    }

    fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).expect("a header of the scheme")
    }

    fn verify(&self, seconds_late: i64) -> Result<Timestamp, Rejected> {
        self.verify_bytes(self.body.as_bytes(), seconds_late)
    }

    fn verify_bytes(&self, body: &[u8], seconds_late: i64) -> Result<Timestamp, Rejected> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let signed_at: i64 = self.clone().header(self.scheme().timestamp).parse().expect("a time");
        let now = Timestamp::from_second(signed_at + seconds_late).expect("a time");
        verify(self.scheme(), &headers, body, &[Secret::new(&self.secret)], now).map(|signed| signed.at)
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../events/signatures.json")).expect("the vectors")
}

/// `text` with one bit of its character at `place` flipped.
fn change(text: &mut String, place: usize) {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes[place] ^= 1;
    *text = String::from_utf8(bytes).expect("ASCII");
}

#[test]
fn every_published_vector_verifies() {
    assert_eq!(vectors().len(), 3);
    for vector in vectors() {
        assert!(vector.verify(0).is_ok(), "{}", vector.scheme);
    }
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    for vector in vectors() {
        let scheme = vector.scheme();
        for place in 0..vector.body.len() {
            let mut other = vector.clone();
            change(&mut other.body, place);
            assert_eq!(other.verify(0), Err(Rejected::NoMatch), "body {place}");
        }
        let changed = [("secret", 12), (scheme.timestamp, 9), (scheme.signature, 10)];
        for (what, place) in changed.into_iter().chain(scheme.id.map(|id| (id, 5))) {
            let mut other = vector.clone();
            change(if what == "secret" { &mut other.secret } else { other.header(what) }, place);
            assert_eq!(other.verify(0), Err(Rejected::NoMatch), "{what}");
        }
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_both_ways_and_no_second_longer() {
    for vector in vectors() {
        for late in [-300, 0, 300] {
            assert!(vector.verify(late).is_ok(), "{late}");
        }
        for late in [-301, 301, 1_000_000] {
            assert_eq!(vector.verify(late), Err(Rejected::Stale), "{late}");
        }
    }
}

#[test]
fn among_several_signatures_one_good_one_is_enough_but_a_long_list_is_not_looked_at() {
    let vector = &vectors()[1];
    let good = vector.clone().header("webhook-signature").clone();
    let junk = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let malformed = Err(Rejected::Malformed("webhook-signature"));
    let cases = [
        (format!("{junk} v1a,xyz {good}"), true, None),
        (format!("{} {good}", [junk; 15].join(" ")), true, None),
        (format!("{} {good}", [junk; 16].join(" ")), false, Some(malformed)),
        (format!("{} {good}", "x".repeat(4096)), false, Some(malformed)),
        (good.replace("v1,", "v0,"), false, Some(Err(Rejected::NoMatch))),
        (good.replace("v1,", "v1a,"), false, Some(Err(Rejected::NoMatch))),
        (good.replace("v1,", "sha1="), false, Some(Err(Rejected::NoMatch))),
        (good.replace("v1,", ""), false, Some(Err(Rejected::NoMatch))),
        (String::new(), false, Some(Err(Rejected::NoMatch))),
    ];
    for (header, accepted, answer) in cases {
        let mut other = vector.clone();
        other.header("webhook-signature").clone_from(&header);
        assert_eq!(other.verify(0).is_ok(), accepted, "{header}");
        assert!(answer.is_none_or(|answer| other.verify(0) == answer), "{header}");
    }
}

#[test]
fn a_body_is_bytes_and_need_not_be_text() {
    let body = [0x00, 0xff, 0xfe, b'{', 0x80];
    let at = Timestamp::from_second(1_800_000_000).expect("a time");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signature = sign(&[Secret::new(secret)], "msg_1", at, &body).expect("a good secret");
    let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &*signature)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let vector = Vector { scheme: "standard".to_owned(), secret: secret.to_owned(), headers, body: String::new() };
    assert_eq!(vector.verify_bytes(&body, 0), Ok(at));
    assert_eq!(vector.verify_bytes(&body[1..], 0), Err(Rejected::NoMatch));
}

#[test]
fn what_one_secret_of_two_signed_is_good_and_both_sign_what_we_send() {
    let (old, new) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
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
fn a_secret_that_anybody_could_guess_is_our_mistake_and_verifies_nothing() {
    let table = [("whsec_", Unusable::Short), ("whsec_AAAA", Unusable::Short), ("whsec_!", Unusable::Encoding)];
    for (secret, why) in table {
        let mut vector = vectors()[1].clone();
        secret.clone_into(&mut vector.secret);
        assert_eq!(vector.verify(0), Err(Rejected::Unusable(why)), "{secret}");
        assert_eq!(sign(&[Secret::new(secret)], "a", Timestamp::UNIX_EPOCH, b""), Err(why));
    }
    assert_eq!(sign(&[], "a", Timestamp::UNIX_EPOCH, b""), Err(Unusable::None));
}

#[test]
fn a_header_that_cannot_be_right_is_refused() {
    let table = [("webhook-id", "a.b"), ("webhook-id", ""), ("webhook-timestamp", "+1614265330")];
    for (name, value) in
        table.into_iter().chain([("webhook-timestamp", "99999999999999999999"), ("webhook-timestamp", "")])
    {
        let mut vector = vectors()[1].clone();
        value.clone_into(vector.header(name));
        let mut headers = HeaderMap::new();
        for (name, value) in &vector.headers {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let secrets = [Secret::new(&vector.secret)];
        let answer = verify(&STANDARD, &headers, vector.body.as_bytes(), &secrets, Timestamp::UNIX_EPOCH);
        assert_eq!(answer, Err(Rejected::Malformed(name)), "{value}");
    }
    let headers = HeaderMap::new();
    let nothing = verify(&STANDARD, &headers, b"", &[], Timestamp::UNIX_EPOCH);
    assert_eq!(nothing, Err(Rejected::Missing("webhook-signature")));
}
