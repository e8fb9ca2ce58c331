//! The gate that every JSON body passes: what no store, queue or reader of ours could carry is refused here.
//!
//! The bytes are looked at before they are parsed, because a parser skips what nobody asked for: nesting without end,
//! half a surrogate or a NUL in an ignored field would get through to a store that refuses it for good.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Deserialize;
use serde_path_to_error::Segment;

use super::Request;
use super::reply::{Fault, Reason};
use crate::form;

/// The largest body taken, in bytes, packed or not: what the HTTP API can hand to a function at most.
pub const LARGEST: usize = 6 * 1024 * 1024;
/// The largest event of PagerDuty's Events API, in bytes: as with them.
pub const LARGEST_EVENT: usize = 512 * 1024;
/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The deepest nesting taken.
const DEEPEST: u32 = 64;
/// The longest number taken, in digits: the most that DynamoDB keeps.
const DIGITS: usize = 38;

/// Why a body cannot be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the body is empty")]
    Empty,
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the body begins with a byte order mark")]
    ByteOrderMark,
    #[error("the body is nested deeper than 64 levels")]
    TooDeep,
    #[error("the body contains U+0000, U+FFFE, U+FFFF or half a surrogate")]
    Character,
    #[error("the body contains a number that is too large or too long")]
    Number,
}

impl From<Unfit> for Fault {
    fn from(unfit: Unfit) -> Self {
        Self::new(Reason::Malformed, unfit.to_string())
    }
}

/// Checks size and headers, before anything is verified or read; `also` is the media type that is taken beside JSON's.
pub(super) fn admit(request: &Request<'_>, largest: usize, also: Option<&str>) -> Result<(), Fault> {
    if request.body.len() > largest {
        return Err(oversized(largest));
    }
    if packing(request).is_none() {
        let fault = Fault::new(Reason::MediaType, "the body may be packed with gzip, and with nothing else");
        return Err(fault.with("Accept-Encoding", "gzip"));
    }
    match request.headers.get(CONTENT_TYPE) {
        Some(_) if also.is_some_and(|also| is(request, also)) => Ok(()),
        Some(value) if !value.to_str().is_ok_and(is_json) => {
            Err(Fault::new(Reason::MediaType, "the Content-Type must be application/json, in UTF-8"))
        }
        _ => Ok(()),
    }
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    json && parts.all(|parameter| {
        parameter.strip_prefix("charset=").is_none_or(|set| matches!(set.trim_matches('"'), "utf-8" | "utf8"))
    })
}

/// Whether a body says that it is of a media type, whatever else it says of it.
fn is(request: &Request<'_>, media_type: &str) -> bool {
    let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(media_type)
}

/// Whether a body is packed; `None` where it is in a way that is not known here.
fn packing(request: &Request<'_>) -> Option<bool> {
    let Some(encoding) = request.headers.get(CONTENT_ENCODING) else { return Some(false) };
    let is = |word: &[u8]| encoding.as_bytes().eq_ignore_ascii_case(word);
    if is(b"gzip") || is(b"x-gzip") { Some(true) } else { is(b"identity").then_some(false) }
}

/// A body as its sender wrote it before packing it for the way. What is signed is what came, so this is for later.
///
/// No more than `largest` bytes are unpacked: a small body can be made to stand for an endless one.
pub(super) fn unpacked<'a>(request: &Request<'a>, largest: usize) -> Result<Cow<'a, [u8]>, Fault> {
    if packing(request) != Some(true) {
        return Ok(request.body.into());
    }
    let most = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    let read = MultiGzDecoder::new(request.body).take(most).read_to_end(&mut body);
    read.map_err(|_| Fault::new(Reason::Malformed, "the body is not the gzip that it is said to be"))?;
    if body.len() > largest { Err(oversized(largest)) } else { Ok(body.into()) }
}

fn oversized(largest: usize) -> Fault {
    Fault::new(Reason::Oversized, format!("at most {} KB are taken", largest / 1024))
}

/// The JSON of a body: the body itself, or the field `payload` of a form.
pub(super) fn unwrapped<'a>(request: &Request<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    let body = unpacked(request, LARGEST)?;
    if !is(request, FORM) {
        return Ok(body);
    }
    let payload = form::field(&body, "payload");
    let payload = payload.ok_or_else(|| Fault::new(Reason::Malformed, "the form has no field `payload` in UTF-8"))?;
    Ok(payload.into_bytes().into())
}

/// The body as text that is safe to read as JSON and to carry.
pub(super) fn text(body: &[u8]) -> Result<&str, Unfit> {
    let text = std::str::from_utf8(body).map_err(|_| Unfit::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        return Err(Unfit::ByteOrderMark);
    }
    if text.trim_ascii().is_empty() {
        return Err(Unfit::Empty);
    }
    scan(text)?;
    Ok(text)
}

/// The same for a body that must be an object: serde would read a list as a struct, field by field.
pub(super) fn object(body: &[u8]) -> Result<&str, Unfit> {
    let text = text(body)?;
    if text.trim_ascii_start().starts_with('{') { Ok(text) } else { Err(Unfit::NotAnObject) }
}

fn scan(text: &str) -> Result<(), Unfit> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_u32);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(Unfit::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => {
                let token = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let end = at + bytes[at..].iter().take_while(token).count();
                number(&text[at - 1..end])?;
                at = end;
            }
            0 => return Err(Unfit::Character),
            _ => {}
        }
    }
    Ok(())
}

/// Where the string that `at` is inside of ends.
fn end_of_string(bytes: &[u8], mut at: usize) -> Result<usize, Unfit> {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => return Ok(at),
            b'\\' => {
                let unicode = bytes.get(at) == Some(&b'u');
                at += 1;
                if unicode {
                    at += 4;
                    match escaped(bytes, at) {
                        Some(0 | 0xfffe | 0xffff | 0xdc00..=0xdfff) => return Err(Unfit::Character),
                        Some(0xd800..=0xdbff) => {
                            at += 6;
                            let low = bytes.get(at - 6..at - 4) == Some(b"\\u") && in_low_half(escaped(bytes, at));
                            if !low {
                                return Err(Unfit::Character);
                            }
                        }
                        // What is no escape at all, the parser refuses.
                        _ => {}
                    }
                }
            }
            0 => return Err(Unfit::Character),
            0xef if matches!(bytes.get(at..at + 2), Some([0xbf, 0xbe | 0xbf])) => return Err(Unfit::Character),
            _ => {}
        }
    }
    Ok(at)
}

/// The four hex digits before `end`.
fn escaped(bytes: &[u8], end: usize) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.get(end - 4..end)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

fn in_low_half(code: Option<u16>) -> bool {
    matches!(code, Some(0xdc00..=0xdfff))
}

fn number(token: &str) -> Result<(), Unfit> {
    let (digits, exponent) = token.split_at(token.find(['e', 'E']).unwrap_or(token.len()));
    let significant = digits.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    let infinite = !exponent.is_empty() && token.parse::<f64>().is_ok_and(f64::is_infinite);
    if significant > DIGITS || infinite { Err(Unfit::Number) } else { Ok(()) }
}

/// Reads `text`, or says where it is wrong and never what stood there.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| {
        // Only a mistake is worth keeping track of the path.
        let mut json = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => Fault::new(Reason::Malformed, "there is something after the end of the JSON"),
            Err(error) => {
                let fault = Fault::new(Reason::Malformed, explain(error.inner()));
                let at = pointer(error.path());
                if at.is_empty() { fault } else { fault.at(at) }
            }
        }
    })
}

/// What serde says is wrong, less the values it quotes.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(before, _)| before);
    if error.is_syntax() || error.is_eof() {
        return format!("this is not JSON (line {}, column {})", error.line(), error.column());
    }
    if text.starts_with("missing field `") || text.starts_with("duplicate field `") {
        return text.to_owned();
    }
    match text.rsplit_once(", expected ") {
        // Our own names mean nothing to a sender.
        Some((_, expected)) if expected.starts_with("struct ") => "expected an object".to_owned(),
        Some((_, "a sequence")) => "expected an array".to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => "this value is not taken here".to_owned(),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    domain::text::cut(&pointer, 200)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn b08_what_no_store_could_carry_is_refused_wherever_it_hides() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let inside = |text: &str| format!(r#"{{"ignored":{text}}}"#);
        let table = [
            (String::new(), Err(Unfit::Empty)),
            (" \n".to_owned(), Err(Unfit::Empty)),
            ("\u{feff}{}".to_owned(), Err(Unfit::ByteOrderMark)),
            (deep(64), Ok(())),
            (deep(65), Err(Unfit::TooDeep)),
            (inside(&deep(100_000)), Err(Unfit::TooDeep)),
            (inside(r#""[[[[ \" [[[[ \\""#), Ok(())),
            (inside(r#""\u0000""#), Err(Unfit::Character)),
            (inside(r#""\\u0000""#), Ok(())),
            (inside("\"\0\""), Err(Unfit::Character)),
            (inside(r#""\uFFFE""#), Err(Unfit::Character)),
            (inside("\"\u{ffff}\""), Err(Unfit::Character)),
            (inside("\"\u{fffd}\u{1fffe}\""), Ok(())),
            (inside(r#""\ud83d\ude00""#), Ok(())),
            (inside(r#""\ud83d""#), Err(Unfit::Character)),
            (inside(r#""\ud83d\u0041""#), Err(Unfit::Character)),
            (inside(r#""\ude00""#), Err(Unfit::Character)),
            (inside("1e400"), Err(Unfit::Number)),
            (inside("-1e400"), Err(Unfit::Number)),
            (inside("1e300"), Ok(())),
            (inside(&"1".repeat(38)), Ok(())),
            (inside(&"1".repeat(39)), Err(Unfit::Number)),
            (inside(&format!("0.{}1", "0".repeat(60))), Ok(())),
            (inside(r#""\u"#), Ok(())),
            (inside(r#""\ud83d"#), Err(Unfit::Character)),
            (r#"{"a":"\"#.to_owned(), Ok(())),
        ];
        for (body, answer) in table {
            let start: String = body.chars().take(60).collect();
            assert_eq!(text(body.as_bytes()).map(|_| ()), answer, "{start}");
        }
        assert_eq!(text(b"{\"a\":\"\xff\"}"), Err(Unfit::NotUtf8));
    }

    #[test]
    fn only_plain_json_is_taken_and_a_form_where_one_may_come() {
        let table = [
            (None, true, true),
            (Some("application/json"), true, true),
            (Some("Application/JSON; charset=UTF-8"), true, true),
            (Some("application/problem+json"), true, true),
            (Some("application/json; charset=latin-1"), false, false),
            (Some("application/x-www-form-urlencoded"), false, true),
            (Some("text/plain"), false, false),
            (Some(""), false, false),
        ];
        for (content_type, taken, with_forms) in table {
            let mut headers = HeaderMap::new();
            if let Some(value) = content_type {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            let body = b"{}";
            let received_at = Timestamp::UNIX_EPOCH;
            let (method, source, certificate) = (&Method::POST, None, None);
            let request =
                Request { method, path: "/", headers: &headers, body, source, certificate, id: "r", received_at };
            assert_eq!(admit(&request, LARGEST, None).is_ok(), taken, "{content_type:?}");
            assert_eq!(admit(&request, LARGEST, Some(FORM)).is_ok(), with_forms, "{content_type:?}");
        }
    }

    #[test]
    fn l07_a_mistake_is_told_by_its_place_and_never_by_its_value() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Body {
            list: Vec<Item>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Item {
            name: String,
        }
        let table = [
            (r#"{"list":[{"name":"a"},{"name":["hunter2"]}]}"#, "expected a string", Some("/list/1/name")),
            (r#"{"list":"hunter2, expected hunter2"}"#, "expected an array", Some("/list")),
            (r#"{"list":["hunter2"]}"#, "expected an object", Some("/list/0")),
            (r#"{"list":[{}]}"#, "missing field `name`", Some("/list/0")),
            (r#"{"list":[{"name":"a""#, "this is not JSON (line 1, column 20)", Some("/list/0")),
            (r#"{"list":[]} hunter2"#, "there is something after the end of the JSON", None),
        ];
        for (body, error, pointer) in table {
            let fault = read::<Body>(body).expect_err("it is wrong");
            let expected = Fault::new(Reason::Malformed, error);
            assert_eq!(fault, pointer.map_or(expected.clone(), |pointer| expected.at(pointer)), "{body}");
        }
    }
}
