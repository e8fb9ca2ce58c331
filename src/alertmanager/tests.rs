//! What the stock binary answers, word for word; the cases were asked of Alertmanager 0.25.

use super::*;

fn said(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body.as_str())
}

#[test]
fn a_posted_silence_that_is_none_is_refused_in_the_stock_words() {
    let whole = r#""startsAt":"2026-11-21T12:00:00Z","endsAt":"2030-01-01T00:00:00.000Z","createdBy":"me""#;
    let table = [
        (format!("{{{whole},\"matchers\":[]}}"), 422, r#"{"code":602,"message":"comment in body is required"}"#),
        (
            format!("{{{whole},\"comment\":\"\",\"matchers\":[]}}"),
            422,
            r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#,
        ),
        (
            format!(r#"{{{whole},"comment":"","matchers":[{{"name":"a","isRegex":false}}]}}"#),
            422,
            r#"{"code":602,"message":"matchers.0.value in body is required"}"#,
        ),
    ];
    for (body, status, text) in table {
        let reply = Posted::read(body.as_bytes()).err().expect("refused");
        assert_eq!(said(&reply), (status, text), "{body}");
    }
    let broken = Posted::read(br#"{"matchers":"#).err().expect("refused");
    assert!(broken.status == 400 && broken.body.starts_with(r#"{"code":400,"message":"parsing silence body from"#));
    let regex = format!(r#"{{{whole},"comment":"","matchers":[{{"name":"a","value":"(","isRegex":true}}]}}"#);
    let regex = Posted::read(regex.as_bytes()).err().expect("refused");
    assert!(regex.status == 400 && regex.body.starts_with("\"silence invalid: invalid label matcher 0: "));
    let good = format!(r#"{{{whole},"id":"","comment":"","matchers":[{{"name":"a","value":"b","isRegex":false}}]}}"#);
    let (id, asked) = Posted::read(good.as_bytes()).unwrap_or_else(|reply| panic!("{reply:?}")).wanted("t");
    assert_eq!((id, asked.new_one().by), (None, Actor::person("me")));
}

#[test]
fn a_query_is_read_as_the_stock_binary_reads_it() {
    let read = filter("filter=a%3D%22b%22&filter=c%3D~d.*&active=foo&silenced=true&receiver=plat.*")
        .unwrap_or_else(|reply| panic!("{reply:?}"));
    assert_eq!(read.matchers.to_string(), r#"{a="b", c=~"d.*"}"#);
    assert!(read.receiver.is_some_and(|receiver| receiver.matches("platform") && !receiver.matches("x-platform")));
    for (query, status) in [("filter=a", 400), ("receiver=%28", 400), ("filter=a%3D%28%22", 400)] {
        assert_eq!(filter(query).err().expect(query).status, status, "{query}");
    }
}

#[test]
fn an_instant_has_three_digits_after_the_second() {
    let at: Timestamp = "2026-11-21T13:17:54.035987Z".parse().expect("a time");
    assert_eq!(instant(at), "2026-11-21T13:17:54.035Z");
    assert_eq!(instant(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
}

#[test]
fn only_a_uuid_is_one() {
    assert!(is_uuid("0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1"));
    for other in ["", "nope", "0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25beg", "0b5e8bd3-6a4c-4c4f-8f86-0f2a29a25be1-"] {
        assert!(!is_uuid(other), "{other}");
    }
}
