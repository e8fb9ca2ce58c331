//! Reading any JSON by a mapping of the policy: CEL over `body`, each field by itself.
//!
//! A field that asks for something that is not there is absent. Nothing that goes wrong keeps an alert back: without its
//! key or its action it still tells that it came, under one key for all that could not be read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, OnceLock};

use cel::common::ast::IdedExpr;
use cel::{Context, Env, ExecutionError, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::expression::{self, Invalid, Names, REASON};
use crate::policy::Mapping;
use crate::signal::Action;
use crate::text::cut;

/// The key of what could not be read: however much of it comes, it is one problem.
pub const UNREAD: &str = "unread";

/// The word for a body that says nothing of any problem.
const IGNORE: &str = "ignore";

/// What an expression of a mapping is about.
const NAMES: Names = Names {
    noun: "expression",
    variables: &["body"],
    fields: |_| None,
    smaller: "shorten it: a mapping only picks fields",
    example: r#"body.status == "ok" ? "resolve" : "trigger""#,
};

/// What a mapping made of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// What happened; `None` when the mapping says `ignore`.
    pub action: Option<Action>,
    /// Names the problem.
    pub key: String,
    /// The fields that have a text, but `key` and `action`, by their names in the mapping.
    pub fields: BTreeMap<&'static str, String>,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The fields that could not be read, by their names, and why.
    pub failed: BTreeMap<String, String>,
}

/// An expression of a mapping: CEL over `body`, which is compiled when it is first needed, and then not again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression {
    text: String,
    #[serde(skip)]
    compiled: OnceLock<Arc<Result<IdedExpr, Invalid>>>,
}

impl Expression {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), Invalid> {
        self.compiled().map(drop).map_err(Clone::clone)
    }

    fn compiled(&self) -> Result<&IdedExpr, &Invalid> {
        let compiled = self.compiled.get_or_init(|| Arc::new(expression::compile(&self.text, &NAMES)));
        compiled.as_ref().as_ref()
    }
}

impl From<String> for Expression {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

/// What expressions are evaluated in. Making one takes longer than all that they do.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// What `mapping` makes of `body`.
pub fn read(mapping: &Mapping, body: &Json) -> Mapped {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.add_variable_from_value("body", value(body));
    let mut mapped = Mapped { action: Some(Action::Trigger), ..Mapped::default() };
    let mut key = None;
    for (name, expression) in mapping.fields() {
        match (name, evaluate(expression, &context)) {
            ("key", Ok(Some(text))) if !text.trim().is_empty() => key = Some(text),
            ("key", Ok(_)) => mapped.fail(name, "it is empty"),
            ("action", Ok(Some(word))) if word == IGNORE => mapped.action = None,
            ("action", Ok(word)) => match action(word.as_deref().unwrap_or_default()) {
                Some(action) => mapped.action = Some(action),
                None => mapped.fail(name, "it is none of trigger, acknowledge, resolve, change and ignore"),
            },
            (_, Ok(text)) => mapped.fields.extend(text.map(|text| (name, text))),
            // What is missing is absent, but for what the rest depends on.
            (_, Err(Failed::Missing(_))) if name != "key" && name != "action" => {}
            (_, Err(failed)) => mapped.fail(name, &failed.to_string()),
        }
    }
    for (name, expression) in &mapping.labels {
        match evaluate(expression, &context) {
            Ok(text) => mapped.labels.extend(text.map(|text| (name.clone(), text))),
            Err(Failed::Missing(_)) => {}
            Err(failed) => mapped.fail(&format!("labels.{name}"), &failed.to_string()),
        }
    }
    match key {
        // Which problem it ends nobody knows, so it may as well be one.
        None => (mapped.action, mapped.key) = (Some(Action::Trigger), UNREAD.to_owned()),
        Some(key) => mapped.key = key,
    }
    mapped
}

impl Mapped {
    fn fail(&mut self, field: &str, why: &str) {
        self.failed.insert(field.to_owned(), cut(why, REASON));
    }
}

/// Why an expression gave nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("there is no `{0}`")]
    Missing(String),
    #[error("{0}")]
    Other(String),
}

/// The text that an expression gives; nothing for null.
fn evaluate(expression: &Expression, context: &Context<'_, '_>) -> Result<Option<String>, Failed> {
    // The policy was checked before it was applied: one that does not compile here was checked by an older version.
    let expression = expression.compiled().map_err(|invalid| Failed::Other(invalid.what.clone()))?;
    match context.resolve(expression) {
        Ok(Value::String(text)) => Ok(Some(text.to_string())),
        Ok(Value::Int(number)) => Ok(Some(number.to_string())),
        Ok(Value::UInt(number)) => Ok(Some(number.to_string())),
        Ok(Value::Float(number)) => Ok(Some(number.to_string())),
        Ok(Value::Bool(yes)) => Ok(Some(yes.to_string())),
        Ok(Value::Null) => Ok(None),
        Ok(other) => Err(Failed::Other(format!("it gives {}, not a text", other.type_of()))),
        Err(ExecutionError::NoSuchKey(key)) => Err(Failed::Missing(key.to_string())),
        Err(error) => Err(Failed::Other(error.to_string())),
    }
}

/// What a word says of the problem.
fn action(word: &str) -> Option<Action> {
    match word {
        "trigger" => Some(Action::Trigger),
        "acknowledge" => Some(Action::Acknowledge),
        "resolve" => Some(Action::Resolve),
        "change" => Some(Action::Change),
        _ => None,
    }
}

/// JSON as CEL has it. A whole number is an `int` as long as it fits, as the numbers in expressions are.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(value).collect())),
        Json::Object(fields) => {
            let fields: HashMap<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), value(field))).collect();
            fields.into()
        }
    }
}

#[cfg(test)]
mod tests;
