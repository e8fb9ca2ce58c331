//! Promises about mappings.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn mapping(fields: &Json) -> Mapping {
    serde_json::from_value(fields.clone()).expect("a mapping")
}

#[test]
fn each_field_is_what_its_expression_makes_of_the_body() {
    let mapping = mapping(&json!({
        "key": "body.check.id",
        "action": r#"body.status == "down" ? "trigger" : "resolve""#,
        "title": r#"body.check.name + " is " + body.status"#,
        "severity": r#"body.tries > 3 ? "critical" : "warning""#,
        "at": "body.at",
        "labels": {
            "region": "body.region",
            "tries": "body.tries",
            "paid": r#""paid" in body.tags"#,
            "mail": r#"body.contacts.exists(c, c.endsWith("@example.com"))"#,
            "nothing": "body.nothing",
            "missing": "body.check.owner.name",
        },
    }));
    let body = json!({ "check": { "id": 4711, "name": "Shop" }, "status": "down", "tries": 5, "region": "eu",
        "tags": ["paid"], "contacts": ["a@example.com"], "nothing": null, "at": 1_795_255_200 });
    let mapped = read(&mapping, &body);
    assert_eq!((mapped.action, mapped.key.as_str()), (Some(Action::Trigger), "4711"));
    let text = |name| mapped.fields.get(name).map(String::as_str);
    assert_eq!(
        (text("title"), text("severity"), text("at")),
        (Some("Shop is down"), Some("critical"), Some("1795255200"))
    );
    let labels: Vec<_> = mapped.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(labels, [("mail", "true"), ("paid", "true"), ("region", "eu"), ("tries", "5")]);
    assert!(mapped.failed.is_empty(), "{:?}", mapped.failed);
    assert_eq!(read(&mapping, &json!({ "check": { "id": "a" }, "status": "up" })).action, Some(Action::Resolve));
}

#[test]
fn what_cannot_be_read_tells_all_the_same_that_it_came() {
    let table = [
        (json!({ "key": "body.id" }), "key", UNREAD, Some(Action::Trigger)),
        (json!({ "key": "body.name", "action": "body.state" }), "action", "n", Some(Action::Trigger)),
        (json!({ "key": "body.name", "action": r#""closed""# }), "action", "n", Some(Action::Trigger)),
        (json!({ "key": "body.id", "action": r#""resolve""# }), "key", UNREAD, Some(Action::Trigger)),
        (json!({ "key": r#""  ""# }), "key", UNREAD, Some(Action::Trigger)),
        (json!({ "key": "body.list" }), "key", UNREAD, Some(Action::Trigger)),
        (json!({ "key": "body.name", "title": "body.name + 1" }), "title", "n", Some(Action::Trigger)),
        (json!({ "key": "body.name", "labels": { "a": "body.list" } }), "labels.a", "n", Some(Action::Trigger)),
        (json!({ "key": "body.name", "title": "body." }), "title", "n", Some(Action::Trigger)),
    ];
    for (fields, failed, key, action) in table {
        let mapped = read(&mapping(&fields), &json!({ "name": "n", "list": [1] }));
        assert_eq!(mapped.failed.keys().collect::<Vec<_>>(), [failed], "{fields}");
        assert_eq!((mapped.key.as_str(), mapped.action), (key, action), "{fields}");
    }
}

#[test]
fn what_is_to_be_ignored_says_nothing() {
    let mapping = mapping(&json!({ "key": "body.id", "action": r#"body.test ? "ignore" : "trigger""# }));
    assert_eq!(read(&mapping, &json!({ "id": 1, "test": true })).action, None);
    assert_eq!(read(&mapping, &json!({ "id": 1, "test": false })).action, Some(Action::Trigger));
}

#[test]
fn a_whole_number_keeps_its_digits() {
    let mapping = mapping(&json!({ "key": "string(body.id)" }));
    for id in [0, 9_007_199_254_740_993_u64, u64::MAX] {
        assert_eq!(read(&mapping, &json!({ "id": id })).key, id.to_string());
    }
}

#[test]
fn an_expression_may_only_ask_for_the_body_and_do_what_has_an_end() {
    let table = [
        ("alert.title", "unknown variable: `alert`"),
        ("body.a.matches('x')", "unknown function: `matches`"),
        ("body.map(x, x)", "makes a list"),
        ("body.a.exists(x, body.b.exists(y, x == y))", "a loop within a loop"),
        ("{'a': body.b}", "makes a map"),
        ("body.", "does not compile"),
    ];
    for (text, expected) in table {
        let invalid = Expression::from(text.to_owned()).check().expect_err(text);
        assert!(invalid.what.starts_with("the expression ") && invalid.what.contains(expected), "{invalid}");
        assert!(!invalid.fix.is_empty());
    }
}

#[test]
fn an_expression_is_its_text_whether_it_was_compiled_or_not() {
    let written = json!({ "key": "body.id", "labels": { "a": "body.a" } });
    let (fresh, used) = (mapping(&written), mapping(&written));
    assert_eq!(read(&used, &json!({ "id": 1, "a": "x" })).key, "1");
    assert_eq!(used, fresh);
    assert_eq!(used.clone(), fresh);
    assert_eq!(serde_json::to_value(&used).expect("plain JSON"), written);
}

proptest! {
    #[test]
    fn whatever_a_body_holds_it_has_a_key_and_nothing_panics(text in "[\\[\\]{}\":,0-9a-z.\\-]{0,60}", n in any::<f64>()) {
        let mapping = mapping(&json!({ "key": "string(body.a) + body.b", "at": "body.a", "labels": { "x": "body" } }));
        let bodies = [serde_json::from_str(&text).unwrap_or(Json::Null), json!({ "a": n, "b": text })];
        for body in bodies {
            prop_assert!(!read(&mapping, &body).key.trim().is_empty());
        }
    }
}
