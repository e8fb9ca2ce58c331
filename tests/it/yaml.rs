//! The template as JSON: YAML with `CloudFormation`'s short forms spelled out.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

type Events<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;

/// The one document of `text`; `!Sub x` becomes `{"Fn::Sub": "x"}`.
pub fn read(text: &str) -> Value {
    let mut events = Parser::new_from_str(text);
    loop {
        match next(&mut events) {
            Event::StreamStart | Event::DocumentStart(_) => {}
            event => return node(event, &mut events),
        }
    }
}

fn next<'a>(events: &mut Events<'a>) -> Event<'a> {
    events.next_event().expect("the document ends").expect("it is YAML").0
}

fn node<'a>(event: Event<'a>, events: &mut Events<'a>) -> Value {
    match event {
        Event::Scalar(text, style, _, tag) => spelled(tag.as_deref(), scalar(&text, style)),
        Event::SequenceStart(_, tag) => {
            let mut items = Vec::new();
            loop {
                match next(events) {
                    Event::SequenceEnd => return spelled(tag.as_deref(), Value::Array(items)),
                    event => items.push(node(event, events)),
                }
            }
        }
        Event::MappingStart(_, tag) => {
            let mut fields = Map::new();
            loop {
                match next(events) {
                    Event::MappingEnd => return spelled(tag.as_deref(), Value::Object(fields)),
                    Event::Scalar(key, ..) => {
                        let event = next(events);
                        let value = node(event, events);
                        assert!(fields.insert(key.to_string(), value).is_none(), "{key} is there twice");
                    }
                    other => panic!("not a key: {other:?}"),
                }
            }
        }
        other => panic!("CloudFormation does not know {other:?}"),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return json!(text);
    }
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

fn spelled(tag: Option<&Tag>, value: Value) -> Value {
    match tag.map(|tag| tag.suffix.as_str()) {
        None => value,
        Some(name @ ("Ref" | "Condition")) => json!({ name: value }),
        Some(name) => json!({ format!("Fn::{name}"): value }),
    }
}
