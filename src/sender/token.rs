//! Senders that sign nothing and present a token: as `Authorization: Bearer` or `GenieKey`, as a basic-auth password, or
//! in a header of its own.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::reply::{Fault, Reason};
use crate::secret::Secret;

/// The token that a request presents.
pub(crate) fn presented(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credentials = credentials.trim();
    if ["bearer", "geniekey"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Some(credentials.into());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned().into())
}

/// The token in the header that many call so.
pub(super) fn api_key(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    in_header(headers, "X-Api-Key")
}

/// The token in the header `name`, whatever stands around it in `Authorization`.
pub(super) fn in_header<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cow<'h, str>> {
    if name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) {
        return presented(headers);
    }
    headers.get(name)?.to_str().ok().map(|token| token.trim().into())
}

/// Whether `token` is one of `secrets`, in a time that does not tell which.
pub(crate) fn is_one_of(secrets: &[Secret], token: &str) -> bool {
    secrets.iter().fold(false, |found, secret| found | secret.matches(token))
}

/// What a sender without a good token hears.
pub(super) fn refuse(presented: Option<&str>) -> Fault {
    let fault = Fault::new(Reason::Token, "a bearer token or a basic-auth password of the integration is needed");
    let fault = fault.with("WWW-Authenticate", "Bearer");
    if presented.is_some() { fault.of_unknown_secret() } else { fault }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_comes_as_bearer_or_as_a_password() {
        let table = [
            ("Bearer s3cret", Some("s3cret")),
            ("bearer  s3cret ", Some("s3cret")),
            ("GenieKey s3cret", Some("s3cret")),
            ("Basic cHJvbTpzM2NyZXQ6eA==", Some("s3cret:x")),
            ("Basic !!", None),
            ("Basic cHJvbQ==", None),
            ("Digest s3cret", None),
            ("s3cret", None),
        ];
        for (header, token) in table {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(header));
            assert_eq!(presented(&headers).as_deref(), token, "{header}");
        }
        assert_eq!(presented(&HeaderMap::new()), None);
    }

    #[test]
    fn a_token_may_come_in_a_header_of_its_own() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static("one"));
        headers.insert("x-gitlab-token", HeaderValue::from_static(" two "));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer three"));
        assert_eq!(api_key(&headers).as_deref(), Some("one"));
        assert_eq!(in_header(&headers, "X-Gitlab-Token").as_deref(), Some("two"));
        assert_eq!(in_header(&headers, "Authorization").as_deref(), Some("three"));
        assert_eq!(in_header(&headers, "not a header"), None);
    }
}
