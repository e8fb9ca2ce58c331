//! Conditions: CEL over `alert` and `incident`, compiled once and evaluated for each incident.
//!
//! Most conditions are a few `field == "text"` joined by `&&`. Those are compared directly; only the rest is evaluated.
//! What a condition may do is bounded when it is compiled, so that no policy can make routing slow or undecided
//! (faults.md, L09): a short text, no loop within a loop, and no list made from labels, whose order is nobody's.

use std::sync::Arc;

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::PrattParser;
use cel::{Env, ExecutionError, Value};

use super::facts::{self, Facts, Sample};
use crate::policy::nearest;
use crate::text::cut;

/// The longest condition, in bytes.
pub const LONGEST: usize = 1024;
/// The longest reason kept of a condition that could not be evaluated, in characters.
const REASON: usize = 200;
/// The deepest nesting: each level takes its share of the stack.
const DEEPEST: usize = 48;
/// What a condition may call, beside the operators, `has`, `all`, `exists` and `exists_one`.
const FUNCTIONS: &[&str] = &["contains", "startsWith", "endsWith", "size", "string", "int", "double", "bool"];

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Invalid {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// The line in the condition, from 1; 0 when it concerns the whole.
    pub line: usize,
    /// The column in that line, from 1; 0 when it concerns the whole.
    pub column: usize,
}

impl Invalid {
    fn whole(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), line: 0, column: 0 }
    }
}

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
        if text.len() > LONGEST {
            let what = format!("the condition has {} bytes, and {LONGEST} are the most", text.len());
            return Err(Invalid::whole(what, "split it into nested routes"));
        }
        let expression = PrattParser::default().parse(text).map_err(|errors| {
            let first = errors.errors.first();
            let (line, column) = first.map_or((0, 0), |error| error.pos);
            let said = first.map_or("it is not CEL", |error| error.msg.as_str());
            let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
            Invalid {
                what: format!(
                    "the condition does not compile: {} at line {line}, column {column} of it",
                    cut(said, REASON)
                ),
                fix: "write CEL, such as `alert.labels.env == \"prod\" && alert.severity == \"critical\"`".to_owned(),
                line: usize::try_from(line).unwrap_or(0),
                column: usize::try_from(column).unwrap_or(0),
            }
        })?;
        Allowed::default().check(&expression)?;
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

/// Refuses names that do not exist and work that has no bound.
#[derive(Default)]
struct Allowed {
    /// The variables of the loop around.
    bound: Vec<String>,
    depth: usize,
}

impl Allowed {
    fn check(&mut self, expression: &IdedExpr) -> Result<(), Invalid> {
        if self.depth == DEEPEST {
            let what = format!("the condition is nested more than {DEEPEST} deep");
            return Err(Invalid::whole(what, "split it into nested routes"));
        }
        self.depth += 1;
        let checked = self.level(&expression.expr);
        self.depth -= 1;
        checked
    }

    fn level(&mut self, expression: &Expr) -> Result<(), Invalid> {
        match expression {
            Expr::Ident(name) if self.bound.contains(name) => Ok(()),
            Expr::Ident(name) => known("variable", name, facts::VARIABLES),
            Expr::Select(select) => {
                self.check(&select.operand)?;
                match &select.operand.expr {
                    Expr::Ident(variable) if !self.bound.contains(variable) => {
                        known(&format!("field of `{variable}`"), &select.field, facts::fields(variable))
                    }
                    _ => Ok(()),
                }
            }
            Expr::Call(call) => {
                if call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    known("function", &call.func_name, FUNCTIONS)?;
                }
                call.target.iter().map(AsRef::as_ref).chain(&call.args).try_for_each(|part| self.check(part))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|part| self.check(part)),
            Expr::Comprehension(each) => self.each(each),
            Expr::Literal(_) => Ok(()),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(Invalid::whole("the condition makes a map", "compare the fields one by one"))
            }
        }
    }

    fn each(&mut self, each: &ComprehensionExpr) -> Result<(), Invalid> {
        if !self.bound.is_empty() {
            let what = "the condition has a loop within a loop";
            return Err(Invalid::whole(what, "write it with one `exists` or `all`"));
        }
        if matches!(each.accu_init.expr, Expr::List(_)) {
            let what = "the condition makes a list with `map` or `filter`, and labels have no order";
            return Err(Invalid::whole(what, "ask with `exists`, `all` or `exists_one`"));
        }
        self.check(&each.iter_range)?;
        self.bound.extend([each.iter_var.clone(), each.accu_var.clone()]);
        self.bound.extend(each.iter_var2.clone());
        let parts = [&each.loop_cond, &each.loop_step, &each.result];
        let inside = parts.into_iter().try_for_each(|part| self.check(part));
        self.bound.clear();
        inside
    }
}

fn known(kind: &str, name: &str, names: &[&str]) -> Result<(), Invalid> {
    if names.contains(&name) {
        return Ok(());
    }
    let fix = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of: {}", names.join(", ")),
    };
    Err(Invalid::whole(format!("the condition uses an unknown {kind}: `{name}`"), fix))
}
