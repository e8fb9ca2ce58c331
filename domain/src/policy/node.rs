//! YAML as a tree whose every node knows its place.
//!
//! Scalars stay the text that was written: `+15550100` is a phone number and `on` is a name until a field says otherwise.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::Mistake;

/// The longest policy, in bytes.
const LONGEST: usize = 1024 * 1024;
/// The deepest nesting.
const DEEPEST: usize = 40;
/// The most nodes, those that aliases repeat included: a few lines of aliases can stand for billions.
const MOST: usize = 200_000;

/// Line and column, from 1.
pub(super) type Place = (usize, usize);

/// A node and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    nodes: usize,
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing was written.
    Null,
    /// A scalar, as written.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in its order, each key with its place.
    Map(Vec<(String, Place, Node)>),
}

impl Value {
    /// What a person would call it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// A collection that is still open.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, Place)>,
}

/// Reads the one document of `text`; mistakes that leave a tree are added to `mistakes`.
pub(super) fn read(text: &str, mistakes: &mut Vec<Mistake>) -> Result<Node, Mistake> {
    if text.len() > LONGEST {
        let what = format!("the file has {} bytes, and {LONGEST} are the most", text.len());
        return Err(Mistake::error("", what, "split the policy, or shorten it").at((1, 1)));
    }
    let mut builder = Builder { open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None, mistakes };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let what = format!("this is not YAML: {}", error.info());
            let fix = "check the indentation, the quotes and the colons of this line and the one above";
            Mistake::error("", what, fix).at(place(error.marker()))
        })?;
        builder.take(event, span)?;
    }
    let empty = || Mistake::error("", "the file is empty", "start from the sample policy").at((1, 1));
    builder.root.ok_or_else(empty)
}

fn place(marker: &Marker) -> Place {
    (marker.line().max(1), marker.col() + 1)
}

struct Builder<'a> {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let place = place(&span.start);
        let node = |value| Node { place, value, nodes: 1, depth: 1 };
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let value = if nothing { Value::Null } else { Value::Text(text.into_owned()) };
                self.close(node(value), anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(node(Value::List(Vec::new())), anchor),
            Event::MappingStart(anchor, _) => self.begin(node(Value::Map(Vec::new())), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, anchor, .. }) => self.close(node, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let unknown = || Mistake::error("", "an alias stands inside what it names", "write it out").at(place);
                self.close(known.ok_or_else(unknown)?, 0)
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                let what = "a second document begins here";
                Err(Mistake::error("", what, "keep one policy in the file, and no `---` but the first").at(place))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        if self.open.len() == DEEPEST {
            return Err(
                Mistake::error("", "this is nested too deeply", "nothing in a policy is this deep").at(node.place)
            );
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        self.nodes += node.nodes;
        if self.nodes > MOST || self.open.len() + node.depth > DEEPEST {
            return Err(Mistake::error("", "the aliases repeat too much", "write less by alias").at(node.place));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let (nodes, depth) = (node.nodes, node.depth);
        match &mut parent.node.value {
            Value::List(list) => list.push(node),
            Value::Map(map) => match parent.key.take() {
                None => {
                    parent.key = match node.value {
                        Value::Text(key) => Some((key, node.place)),
                        Value::Null => Some(("null".to_owned(), node.place)),
                        other => {
                            let what = format!("{} cannot be a key", other.kind());
                            return Err(Mistake::error("", what, "write `key: value`").at(node.place));
                        }
                    };
                }
                Some((key, place)) if map.iter().any(|(known, ..)| *known == key) => {
                    let what = format!("`{key}` is written twice");
                    self.mistakes.push(Mistake::error(key, what, "keep one of them").at(place));
                }
                Some((key, place)) => map.push((key, place, node)),
            },
            Value::Null | Value::Text(_) => {}
        }
        parent.node.nodes += nodes;
        parent.node.depth = parent.node.depth.max(depth + 1);
        Ok(())
    }
}
