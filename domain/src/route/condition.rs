//! Conditions: CEL over `alert` and `incident`, compiled once and evaluated for each incident.
//!
//! Most conditions are a few `field == "text"` joined by `&&`. Those are compared directly; only the rest is evaluated.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::{Env, ExecutionError, Value};

use super::facts::{self, Facts, Sample};
use crate::expression::{self, Invalid, Names, REASON};
use crate::text::cut;

/// What a condition is about.
const NAMES: Names = Names {
    noun: "condition",
    variables: facts::VARIABLES,
    fields: |variable| Some(facts::fields(variable)),
    smaller: "split it into nested routes",
    example: r#"alert.labels.env == "prod" && alert.severity == "critical""#,
};

/// What came of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// It holds.
    Matched,
    /// It does not.
    Unmatched,
    /// It needs a field that the incident does not have.
    Lacking(&'a [String]),
    /// It asked for something that is not there.
    Missing(String),
    /// It could not be evaluated.
    Failed(String),
}

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    expression: IdedExpr,
    /// What must hold whatever the rest says.
    needs: Vec<Need>,
    /// Whether that is all the condition says.
    plain: bool,
}

/// One `field == "text"`.
#[derive(Debug)]
struct Need {
    path: Vec<String>,
    text: String,
}

impl Condition {
    /// Compiles `text`.
    pub fn compile(text: &str) -> Result<Self, Invalid> {
        let expression = expression::compile(text, &NAMES)?;
        let mut condition = Self { plain: true, needs: Vec::new(), expression };
        condition.plain = needs(&condition.expression.expr, &mut condition.needs);
        Ok(condition)
    }

    /// The fields that must have a certain text for it to hold, and that text.
    pub(crate) fn needs(&self) -> impl Iterator<Item = (&[String], &str)> {
        self.needs.iter().map(|need| (need.path.as_slice(), need.text.as_str()))
    }

    /// Whether that is all it says.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// What it says of an incident.
    pub(super) fn evaluate(&self, facts: &Facts<'_>) -> Verdict<'_> {
        for Need { path, text } in &self.needs {
            match facts.text(path) {
                Some(found) if found == text => {}
                Some(_) => return Verdict::Unmatched,
                None => return Verdict::Lacking(path),
            }
        }
        if self.plain { Verdict::Matched } else { self.evaluate_fully(facts) }
    }

    fn evaluate_fully(&self, facts: &Facts<'_>) -> Verdict<'_> {
        match facts.context().resolve(&self.expression) {
            Ok(Value::Bool(true)) => Verdict::Matched,
            Ok(Value::Bool(false)) => Verdict::Unmatched,
            Ok(other) => Verdict::Failed(format!("it gives {}, not true or false", other.type_of())),
            Err(ExecutionError::NoSuchKey(key)) => Verdict::Missing(key.to_string()),
            Err(error) => Verdict::Failed(cut(&error.to_string(), REASON)),
        }
    }

    /// Evaluates it once for an alert that has every field, to find what can never work.
    pub fn try_out(&self, sample: &Sample) -> Result<(), Invalid> {
        if self.plain {
            return Ok(());
        }
        match sample.with(|facts| facts.context().resolve(&self.expression)) {
            Ok(Value::Bool(_))
            | Err(
                ExecutionError::NoSuchKey(_)
                | ExecutionError::IndexOutOfBounds(_)
                | ExecutionError::FunctionError { .. },
            ) => Ok(()),
            Ok(other) => {
                let what = format!("the condition gives {}, not true or false", other.type_of());
                Err(Invalid::whole(what, "compare it with something: `alert.source == \"db-1\"`"))
            }
            Err(error) => {
                let what = format!("the condition can never be evaluated: {}", cut(&error.to_string(), REASON));
                Err(Invalid::whole(what, "every field is a text, and `incident.tier` is a number"))
            }
        }
    }
}

/// The environment that conditions are evaluated in.
pub(super) fn environment() -> Arc<Env> {
    Arc::new(Env::stdlib())
}

/// Collects what must hold, and says whether that is all of it.
fn needs(expression: &Expr, found: &mut Vec<Need>) -> bool {
    let Expr::Call(call) = expression else { return false };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_AND, [left, right]) => {
            let left = needs(&left.expr, found);
            needs(&right.expr, found) && left
        }
        (operators::EQUALS, [left, right]) => {
            let need = need(&left.expr, &right.expr).or_else(|| need(&right.expr, &left.expr));
            let plain = need.is_some();
            found.extend(need);
            plain
        }
        _ => false,
    }
}

fn need(field: &Expr, text: &Expr) -> Option<Need> {
    let Expr::Literal(LiteralValue::String(text)) = text else { return None };
    let path = path(field)?;
    facts::is_text(&path).then(|| Need { path, text: text.inner().to_owned() })
}

/// `a.b.c` or `a.b["c"]` as its segments.
fn path(expression: &Expr) -> Option<Vec<String>> {
    match expression {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) if !select.test => {
            let mut path = path(&select.operand.expr)?;
            path.push(select.field.clone());
            Some(path)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [map, key] = call.args.as_slice() else { return None };
            let Expr::Literal(LiteralValue::String(key)) = &key.expr else { return None };
            let mut path = path(&map.expr)?;
            path.push(key.inner().to_owned());
            Some(path)
        }
        _ => None,
    }
}
