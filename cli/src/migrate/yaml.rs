//! YAML as JSON's values, as far as configuration needs it: Alertmanager's is YAML, and dumps may be.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The most values, those that aliases repeat included: a few lines of aliases can stand for billions.
const MOST: usize = 1_000_000;

/// A collection that is still open.
struct Open {
    value: Value,
    anchor: usize,
    key: Option<String>,
    size: usize,
}

/// The value of the first document of `text`, or why there is none.
pub fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { open: Vec::new(), anchors: HashMap::new(), root: None, size: 0 };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        reader.take(event).map_err(|why| format!("line {}: {why}", span.start.line()))?;
    }
    reader.root.ok_or_else(|| "it is empty".to_owned())
}

struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    root: Option<Value>,
    size: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, _) => self.close(scalar(&text, style), 1, anchor),
            Event::SequenceStart(anchor, _) => self.begin(Value::Array(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.begin(Value::Object(Map::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { value, anchor, size, .. }) => self.close(value, size, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor).cloned().ok_or("an alias stands inside what it names")?;
                self.close(value, size, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err("a second document begins here"),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, value: Value, anchor: usize) -> Result<(), &'static str> {
        if self.open.len() == 100 {
            return Err("this is nested too deeply");
        }
        self.open.push(Open { value, anchor, key: None, size: 1 });
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn close(&mut self, value: Value, size: usize, anchor: usize) -> Result<(), &'static str> {
        self.size += size;
        if self.size > MOST {
            return Err("there is too much of it");
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        parent.size += size;
        match &mut parent.value {
            Value::Array(list) => list.push(value),
            Value::Object(map) => match parent.key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => {
                    parent.key = Some(match value {
                        Value::String(key) => key,
                        Value::Array(_) | Value::Object(_) => return Err("a collection cannot be a key"),
                        other => other.to_string(),
                    });
                }
            },
            _ => {}
        }
        Ok(())
    }
}

/// A scalar by YAML's core schema.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        // A phone number is not a number.
        _ => text.parse::<i64>().ok().filter(|_| !text.starts_with('+')).map_or_else(|| text.into(), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_is_read_as_its_json() {
        let table = [
            ("a: 1\nb: [x, 'true', true, ~]", json!({"a": 1, "b": ["x", "true", true, null]})),
            ("a: &x {b: +15550100}\nc: *x", json!({"a": {"b": "+15550100"}, "c": {"b": "+15550100"}})),
            ("{\"a\": [{\"b\": \"\\u00fc\"}]}", json!({"a": [{"b": "ü"}]})),
            ("1: 2", json!({"1": 2})),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_or_has_no_end_is_refused_with_its_line() {
        let bomb = (1..30)
            .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| text + &format!("a{n}: &a{n} [*a{m}, *a{m}]\n", m = n - 1));
        let table =
            [("a: [", "line "), ("", "it is empty"), (&bomb, "there is too much of it"), ("[a]: b", "cannot be")];
        for (text, expected) in table {
            let refused = read(text).expect_err(expected);
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
