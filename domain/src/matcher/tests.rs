//! What matchers promise: Alertmanager's syntax and its answers.

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_syntax_is_alertmanagers() {
    // The cases of pkg/labels/parse_test.go of prometheus/alertmanager, and a few of UTF-8 names.
    let table = [
        ("", "{}"),
        ("{}", "{}"),
        ("{foo=\"bar\"}", r#"{foo="bar"}"#),
        ("foo=bar", r#"{foo="bar"}"#),
        ("{foo='bar'}", r#"{foo="'bar'"}"#),
        ("{foo = \"bar\", dings != \"bums\", }", r#"{foo="bar", dings!="bums"}"#),
        ("foo=bar,dings!=bums", r#"{foo="bar", dings!="bums"}"#),
        (r#"{quote="She said: \"Hi, ladies!\""}"#, r#"{quote="She said: \"Hi, ladies!\""}"#),
        (r#"statuscode=~"5..""#, r#"{statuscode=~"5.."}"#),
        ("tricky=~~~", r#"{tricky=~"~~"}"#),
        ("trickier==\\=\\=\\\"", r#"{trickier="=\\=\\=\""}"#),
        ("contains_comma = \"foo,bar\"", r#"{contains_comma="foo,bar"}"#),
        ("code=~\\d+", r#"{code=~"\\d+"}"#),
        ("a=~\"b{2}\"", r#"{a=~"b{2}"}"#),
        ("empty=", r#"{empty=""}"#),
        (r#"{"größe ü"="x"}"#, r#"{"größe ü"="x"}"#),
        ("service.name!~x", r#"{service.name!~"x"}"#),
    ];
    for (text, canonical) in table {
        let read = Matchers::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
        assert_eq!(read.to_string(), canonical, "{text}");
        assert_eq!(Matchers::parse(canonical), Ok(read), "{text} reads back");
    }
}

#[test]
fn what_is_no_matcher_is_refused_with_its_place_and_a_fix() {
    let table = [
        ("a=b,c", 5),
        ("{a=b, =c}", 6),
        ("a=\"b", 1),
        ("a=b\"c", 1),
        ("a=b,,c=d", 5),
        ("a=b,c=~\"(\"", 5),
        ("a=~)(", 1),
        ("a=~(?:(?:x{99}){99}){99}", 1),
    ];
    for (text, at) in table {
        let wrong = Matchers::parse(text).expect_err(text);
        assert_eq!(wrong.at, at, "{text}: {wrong}");
        assert!(!wrong.fix.is_empty(), "{text}");
    }
    let many = "a=b,".repeat(MOST + 1);
    assert_eq!(Matchers::parse(&many).expect_err("too many").what, "there are too many matchers");
    assert!(Matchers::parse(&format!("a={}", "x".repeat(LONGEST_VALUE + 1))).is_err());
}

#[test]
fn a_regular_expression_matches_the_whole_value_and_a_missing_label_is_empty() {
    let alert = labels(&[("service", "shop"), ("instance", "db-1")]);
    let table = [
        ("service=shop", true),
        ("service!=shop", false),
        ("service=~sho", false),
        ("service=~sho.", true),
        ("service=~x|shop", true),
        ("service!~shop|x", false),
        ("instance=~db-.+,service=shop", true),
        ("instance=~db-.+,service=cart", false),
        ("team=", true),
        ("team!=", false),
        ("team=~.*", true),
        ("team=~.+", false),
        ("team!=shop", true),
    ];
    for (text, holds) in table {
        assert_eq!(Matchers::parse(text).expect("matchers").match_labels(&alert), holds, "{text}");
    }
}

#[test]
fn a_list_that_means_everything_is_known() {
    let table = [("", true), ("a=", true), ("a=~.*", true), ("a!=b", true), ("a=b", false), ("a!=,b=~.*", false)];
    for (text, everything) in table {
        assert_eq!(Matchers::parse(text).expect("matchers").match_empty(), everything, "{text}");
    }
}

#[test]
fn the_form_is_that_of_alertmanagers_api() {
    let read = Matchers::parse("a=b,c!~d").expect("matchers");
    let form = r#"[{"name":"a","value":"b","isRegex":false,"isEqual":true},{"name":"c","value":"d","isRegex":true,"isEqual":false}]"#;
    assert_eq!(serde_json::to_string(&read).expect("plain JSON"), form);
    assert_eq!(serde_json::from_str::<Matchers>(form).expect("reads back"), read);
    let old: Matcher = serde_json::from_str(r#"{"name":"a","value":"b","isRegex":false}"#).expect("isEqual is new");
    assert_eq!(old.comparison(), Comparison::Equal);
    assert!(serde_json::from_str::<Matcher>(r#"{"name":"a","value":"(","isRegex":true}"#).is_err());
}

proptest! {
    #[test]
    fn every_matcher_reads_back_as_it_is_written(name in "\\PC{1,20}", value in "(?s).{0,40}", equal: bool) {
        let comparison = Comparison::from_flags(false, equal);
        let matcher = Matcher::new(name, comparison, value).expect("a matcher");
        let list = Matchers::try_from(vec![matcher.clone(), matcher]).expect("two");
        prop_assert_eq!(Matchers::parse(&list.to_string()), Ok(list));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,60}") {
        let _ = Matchers::parse(&text);
    }

    #[test]
    fn a_comparison_and_its_negation_never_agree(value in ".{0,20}", text in "[a-c.|]{0,8}") {
        for regex in [false, true] {
            let one = Matcher::new("a", Comparison::from_flags(regex, true), text.clone()).expect("a matcher");
            let other = Matcher::new("a", Comparison::from_flags(regex, false), text.clone()).expect("a matcher");
            prop_assert_ne!(one.matches(&value), other.matches(&value));
        }
    }
}
