//! That a request comes from Twilio: HMAC-SHA1 over its URL and its form, by the account's token.
//!
//! <https://www.twilio.com/docs/usage/security#validating-requests>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::Sha1;

use crate::secret::Secret;

/// Whether one of `secrets` signed `form`, sent to `url`: the URL as Twilio was given it, with the query.
pub fn is_signed(headers: &HeaderMap, url: &str, form: &[(String, String)], secrets: &[Secret]) -> bool {
    let presented = headers.get("x-twilio-signature").and_then(|value| BASE64.decode(value.as_bytes()).ok());
    let Some(presented) = presented else { return false };
    let mut form: Vec<_> = form.iter().collect();
    form.sort();
    // A field that comes twice with the same value is signed once.
    form.dedup();
    let signed = |secret: &Secret| {
        // An empty token would let anybody sign.
        if secret.expose().is_empty() {
            return false;
        }
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("a key of any length is a key");
        mac.update(url.as_bytes());
        for (name, value) in &form {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        mac.verify_slice(&presented).is_ok()
    };
    // Every secret is tried, so that the time tells nothing about which one signed.
    secrets.iter().fold(false, |found, secret| found | signed(secret))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn form() -> Vec<(String, String)> {
        let fields = [
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("From", "+14158675309"),
            ("Digits", "1234"),
        ];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    fn headers(signature: &'static str) -> HeaderMap {
        HeaderMap::from_iter([("x-twilio-signature".parse().expect("a name"), HeaderValue::from_static(signature))])
    }

    #[test]
    fn twilios_own_example_is_signed_and_nothing_else_is() {
        let good = headers("RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let token = [Secret::new("12345")];
        assert!(is_signed(&good, URL, &form(), &token));
        assert!(is_signed(&good, URL, &form(), &[Secret::new("newer"), Secret::new("12345")]));
        let mut twice = form();
        twice.push(twice[0].clone());
        assert!(is_signed(&good, URL, &twice, &token));

        let mut forged = form();
        forged[4].1 = "6".to_owned();
        assert!(!is_signed(&good, URL, &forged, &token));
        assert!(!is_signed(&good, "https://mycompany.com/myapp.php?foo=1", &form(), &token));
        assert!(!is_signed(&good, URL, &form(), &[Secret::new("54321")]));
        assert!(!is_signed(&good, URL, &form(), &[]));
        assert!(!is_signed(&HeaderMap::new(), URL, &form(), &token));
        for bad in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "!", "RSOYDt4T1cUTdK1PDd93/VVr8A8="] {
            assert!(!is_signed(&headers(bad), URL, &form(), &token), "{bad}");
        }
    }

    #[test]
    fn an_empty_token_signs_nothing() {
        let mut mac = Hmac::<Sha1>::new_from_slice(b"").expect("a key");
        mac.update(URL.as_bytes());
        let signature: &str = String::leak(BASE64.encode(mac.finalize().into_bytes()));
        assert!(!is_signed(&headers(signature), URL, &[], &[Secret::new("")]));
    }
}
